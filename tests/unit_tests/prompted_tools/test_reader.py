"""Tool calls are found in text, the same ones however the text is cut into pieces."""

from __future__ import annotations

import json

import pytest

from langchain_onlysq.prompted_tools.reader import ToolCallReader
from langchain_onlysq.response.deltas import Reasoning, ToolCallDelta
from tests.unit_tests.prompted_tools.reading import (
    ARGS,
    CALL,
    GOOD,
    TAGGED,
    TOOLS,
    deltas_of,
    put_together,
    read,
    read_all_ways,
)

CUT = "cut off before the end"


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('{"name":"w","parameters":{"a": 1}}', '{"a": 1}'),
        ('{"name":"w","arguments":" {\\"a\\": \\"b\\"} "}', '{"a": "b"}'),
        ('{"type":"function","function":{"name":"w","arguments":{"a":2}}}', '{"a":2}'),
        ('{"function":{"name":"w","parameters":"{}"}, "id": null}', "{}"),
        ('{"arguments":{"a":{}},"name":"w"}', '{"a":{}}'),
        ('{"id":"1","name":"\\u0077","arguments":{"}":"{\\"]\\u2028\u2028"}}', None),
        ('{"name":"w","arguments":{"a":"</tool_call>","b":"<tool_call>{"}}', None),
        ('{"name":"w","arguments":{"a":"</tool_call> \\" </tool_call>"},"id":1}', None),
    ],
)
def test_forms_of_a_call(text: str, args: str | None) -> None:
    wanted = ("w", args or json.dumps(json.loads(text)["arguments"]), None)
    for form in (f"<tool_call>{text}</tool_call>", text, f"```json\n{text}\n```"):
        rest, ((name, found, error),) = read_all_ways(form)
        assert (rest, name, error) == ("", "w", None)
        assert json.loads(found) == json.loads(wanted[1])
        assert args is None or found == args


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "plain { text } with [ brackets ] and < signs",
        "use the <tool_call> tag",
        "<tool_call>``x``",
        "Use <tool_call> [optional] around it.\n\nAnd so on.",
        "Use <tool_call> {name} around it.\n\nAnd so on.",
        "Use <tool_call> ``` around it.\n\nAnd so on.",
        "Use <tool_call>```.",
        "<tool_call>```\nw()\n```</tool_call>",
        "The <tool_call>{...}</tool_call> form, or <tool_call>[...]</tool_call>.",
        "<tool_call>{{ call }}</tool_call>",
        "<tool_call>{# a template #}{% for x in y %}",
        "<tool_call>{name}</tool_call>",
        "<tool_call>{1}",
        "<tool_call>{-}",
        "<tool_call>{ [1] }",
        "<tool_call>[1]",
        "<tool_call>[[1]]",
        "<tool_call>``` JSON [w]",
        "<tool_call>[}",
        "<tool_call>",
        "<tool_call",
        "</tool_call>",
        "<tool_call> \n``",
        f"Hi\n```\n{TAGGED}\n```",
        f"```xml\n{TAGGED}\n``` no end\n{TAGGED}",
        f"```\n{TAGGED}\n``` ~~~\n{TAGGED}",
        f"``` `` ~~~\n\n~~~js ```\n{TAGGED}\n```\n~~~",
        f"Hi\n```py ~~~\n{TAGGED}",
        f"~~~\n{TAGGED}\n~~~",
        f"~~~~\n{TAGGED}\n~~~\n{TAGGED}\n~~~~",
        f"1. ```\n   {TAGGED}\n   ```",
        f"> ~~~\n> {TAGGED}\n> ~~~",
        f"``` {TAGGED} ```",
        f"```x`` {TAGGED} ```",
        f"`{TAGGED}`",
        f"so: `` {TAGGED} ` `` it is",
        f"`<tool_call>\n{CALL}\n</tool_call>`",
        f"`\nx {TAGGED}` y",
        f"a ` b\n{TAGGED} `",
        f"So `` x\n{TAGGED} `` is it.",
        f"So `` x\n{TAGGED}\n{TAGGED}\n`` is it.",
        f"So `` x\n{CALL}\n`` is it.",
        f"So `` x\n<tool>{CALL}</tool>\n`` is it.",
        f"<b>a ` b\n{TAGGED} `</b>",
        f"1`{TAGGED}`",
        f"x {CALL}",
        f"- {CALL}",
        f"{CALL} x",
        f"{CALL} {CALL}",
        f"{CALL}{CALL}",
        f"[{CALL},]",
        f"[{CALL} {CALL}]",
        f"[[{CALL}]]",
        f"[{CALL}, 1]",
        "[]",
        "{}",
        f"[{CALL}",
        f"[{CALL},",
        CALL[:-1],
        CALL.replace('"', "'"),
        '{"name":"other","arguments":{}}',
        '{"name":["w"],"arguments":{}}',
        '{"name":"w","arguments":[]}',
        '{"name":"w","arguments":"x"}',
        '{"name":"w","arguments":{a}}',
        '{"name":"w","type":"function"}',
        '{"name":"w","description":"x","parameters":{}}',
        '{"name":"w","parameters":{"type":"object","properties":{}}}',
        '{"function":{"name":"w","description":"x","parameters":{}}}',
        '{"a":1}',
        f"{{{CALL}}}",
        f"{{\n{CALL}\n}}",
        f"```\n{CALL}\n```  \nDone.",
        "{ code }",
        "``",
        "``json\n{}",
        f"Hi\n```jsonc\n{CALL}\n```",
        f"Hi\n```js\n{CALL}\n```",
        f"```json\n{CALL} x\n```",
        f"```json\n{CALL}\n`` `\n```",
        f"```json\n{CALL}\n``` x\n```",
        f"```json\n{CALL}\n``` `\n```",
        f"```json{' ' * 30}\n{CALL}\n```",
        "```json\n{}\n```",
        "```json\nx\n```",
    ],
)
def test_what_is_no_call(text: str) -> None:
    assert read_all_ways(text) == (text, [])


def test_what_a_message_says_beside_its_calls_stands_before_them() -> None:
    message = f'{{"content":"Hi\\n","tool_calls":[{CALL},{CALL}]}}'
    for form in (message, f"<tool_call>{message}</tool_call>", f"[TOOL_CALLS]{message}"):
        assert read_all_ways(form) == ("Hi", [GOOD, GOOD])
        assert read_all_ways(f"So:\n{form}\nBye") == ("So:\nHi\nBye", [GOOD, GOOD])
    quoted = f"<b><tool_call>{message}</tool_call>"
    assert read_all_ways(quoted) == ("<b>Hi", [GOOD, GOOD])
    assert read_all_ways(f"{quoted}</b>") == (f"{quoted}</b>", [])


def test_what_only_looks_like_the_mark_of_text_is_text() -> None:
    assert read_all_ways(">>>all\nHi") == ("Hi", [])
    for text in (">>>ALL\nHi", ">>>All\n", ">>>all", "x >>>all\n", "x\n>>>all\n"):
        assert read_all_ways(text) == (text, [])
    assert read_all_ways(f">>>ALL\n{TAGGED}") == (">>>ALL", [GOOD])


def test_without_tools_there_is_no_call() -> None:
    assert read_all_ways(CALL, tools=()) == (CALL, [])
    assert read_all_ways(TAGGED.replace("tool_call", "tool"), tools=())[1] == []


@pytest.mark.parametrize("args", [ARGS, "{}", "null"])
def test_a_call_of_an_unknown_tool_in_our_own_form_is_a_call(args: str) -> None:
    text = f'<tool_call>{{"name":"other","arguments":{args}}}</tool_call>'
    wanted = ("other", args.replace("null", "{}"), None)
    assert read_all_ways(text) == ("", [wanted])
    assert read_all_ways(f"{TAGGED}\n{text}") == ("", [GOOD, wanted])


def test_what_was_searched_for_backticks_is_read_again_in_any_pieces() -> None:
    text = f'{TAGGED}`<tool_call>{{"name":"w","arguments":{{"a":"</tool_call> ```<tool_call>\n\n[""'
    text += f"\n```\n{TAGGED}"
    assert read_all_ways(text, whole=False) == read_all_ways(text)
    assert [call[1] for call in read([text])[1]] == [ARGS, '{"a":"', '[""\n```', ARGS]


@pytest.mark.parametrize(
    "text",
    ["a <tool_c", "<tool_call> ", f"```json\n{CALL}", f"[{CALL}", CALL, f"don`t {TAGGED}", "x \n"],
)
def test_what_was_held_back_is_text_where_the_stream_broke_off(text: str) -> None:
    assert read_all_ways(text, whole=False) == (text, [])


def test_an_open_call_is_broken_where_the_stream_broke_off() -> None:
    text = f"{TAGGED} Hi {TAGGED[: TAGGED.index(':1}')]}"
    broken = ("w", '{"a"', CUT)
    assert read_all_ways(text, whole=False) == ("Hi", [GOOD, broken])


def test_a_call_is_streamed() -> None:
    reader = ToolCallReader(TOOLS, new_id=lambda: "x")
    assert "".join(map(str, reader.feed("Well <b"))) == "Well <b"
    assert reader.feed('r>, <tool_call>{"name": "w", "arg') == ["r>,"]
    assert reader.feed('uments": {"') == [ToolCallDelta(0, "x", "w"), ToolCallDelta(0, args='{"')]
    assert reader.feed('a": "b') == [ToolCallDelta(0, args='a": "b')]
    assert reader.feed(" c") == [ToolCallDelta(0, args=" c")]
    # A comma may be one too many.
    assert reader.feed('",') == [ToolCallDelta(0, args='"')]
    assert reader.feed(' "d": 1') == [ToolCallDelta(0, args=', "d": ')]
    assert reader.feed('} , "id": 3}') == [ToolCallDelta(0, args="1}")]
    assert reader.feed("</tool_call>") == []
    assert reader.close(whole=True) == []


def test_text_is_delivered_at_once() -> None:
    reader = ToolCallReader(TOOLS)
    for piece in ("Hello", ", <b>x</b>", " {a}", "\n{x", " `y", "```"):
        assert "".join(map(str, reader.feed(piece))) == piece
    assert reader.feed("\n```js") == []
    assert "".join(map(str, reader.feed("x"))) == "\n```jsx"


def test_what_was_read_is_not_kept() -> None:
    reader = ToolCallReader(TOOLS)
    for piece in ("plain", "a <br> `c`", TAGGED, "\n{x}\n", "<tool_call> x") * 9:
        reader.feed(piece)
    reader.feed("<b")
    assert len(reader._source.since(0)) < 50


def test_ids_are_unique() -> None:
    reader = ToolCallReader(TOOLS)
    ids = {delta.id for delta in reader.feed(TAGGED * 2) if isinstance(delta, ToolCallDelta)}
    assert len(ids - {None}) == 2
    assert all(
        len(call_id) == 29 and call_id.startswith("call_") for call_id in ids - {None} if call_id
    )


@pytest.mark.parametrize(
    ("arguments", "meant"), [("null", {}), ('{"a":"x\ny"}', {"a": "x\ny"}), ('"{}"', {})]
)
def test_arguments_are_taken_as_natively(arguments: str, meant: dict[str, str]) -> None:
    text = f'<tool_call>{{"name":"w","arguments":{arguments}}}</tool_call>'
    for pieces in ([text], list(text)):
        found, calls = read(pieces)
        ((name, args, error),) = calls
        assert (found, name, error) == ("", "w", None)
        assert json.loads(args, strict=False) == meant


MESSAGE = f"<|channel|>commentary to=functions.w<|message|>{ARGS}<|call|>"
THOUGHT = "<|start|>assistant<|channel|>analysis<|message|> So. "


@pytest.mark.parametrize(
    ("behind", "text", "thought"),
    [
        (f"\n{THOUGHT}<|end|><|channel|>final<|message|>Done.<|return|>", "Done.", "So."),
        (f"{THOUGHT}<|channel|>final<|message|>Done.", "Done.", "So."),
        (f"{THOUGHT}<|end|> Done.", "Done.", "So."),
        ("<|channel|>analysis<|message|><|end|>Done.", "Done.", ""),
        (THOUGHT, THOUGHT, ""),
        (f"Done. {THOUGHT}", f"Done. {THOUGHT}", ""),
    ],
)
def test_reasoning_behind_a_call_is_reasoning(behind: str, text: str, thought: str) -> None:
    for pieces in ([MESSAGE + behind], MESSAGE + behind):
        deltas = deltas_of(pieces)
        thoughts = [delta for delta in deltas if isinstance(delta, Reasoning)]
        assert "".join(thoughts) == thought
        rest = [delta for delta in deltas if not isinstance(delta, Reasoning)]
        assert put_together(rest) == (text, [GOOD])


def test_reasoning_that_is_not_to_be_told_from_text_is_text() -> None:
    reader = ToolCallReader(TOOLS, parse_reasoning=False)
    deltas = reader.feed(f"{MESSAGE}{THOUGHT}<|end|>Done.") + reader.close(whole=True)
    assert put_together(deltas) == (f"{THOUGHT}Done.", [GOOD])


def test_backticks_inside_a_call_quote_no_call_at_the_start_of_a_line() -> None:
    call = '{"name":"w","arguments":{"a":"`x`"}}'
    for text in (f"don`t\n<tool_call>{call}</tool_call>", f"don`t\n{call}"):
        assert read_all_ways(text) == ("don`t", [("w", '{"a":"`x`"}', None)])


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_no_json_break_a_call(constant: str) -> None:
    text = f'<tool_call>{{"name":"w","arguments":{{"a":{constant}}}}}</tool_call>'
    (_, ((_, _, error),)) = read([text])
    assert error
