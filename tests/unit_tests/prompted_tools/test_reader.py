"""Tool calls are found in text, the same ones however the text is cut into pieces."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.prompted_tools.json_scanner import ObjectScanner, Token, read_members
from langchain_onlysq.prompted_tools.reader import ToolCallParser
from langchain_onlysq.response.deltas import Delta, Reasoning, ToolCallDelta
from langchain_onlysq.response.json_text import parse_json

TOOLS = ("w", "add")
ARGS = '{"a":1}'
CALL = f'{{"name":"w","arguments":{ARGS}}}'
TAGGED = f"<tool_call>{CALL}</tool_call>"
GOOD = ("w", ARGS, None)
CUT = "cut off before the end"
NO_JSON = "the call is no valid JSON"
NO_OBJECT = "the arguments are no JSON object"

Call = tuple[str, str, str | None]


def deltas_of(
    pieces: Iterable[str], *, whole: bool = True, tools: tuple[str, ...] = TOOLS
) -> list[Delta]:
    ids = (f"id{number}" for number in itertools.count())
    parser = ToolCallParser(tools, new_id=lambda: next(ids))
    deltas = [delta for piece in pieces for delta in parser.feed(piece)]
    return deltas + parser.close(whole=whole)


def parse(
    pieces: Iterable[str], *, whole: bool = True, tools: tuple[str, ...] = TOOLS
) -> tuple[str, list[Call]]:
    """Put the deltas together, and check that they fit together."""
    text = ""
    calls: list[Call] = []
    for delta in deltas_of(pieces, whole=whole, tools=tools):
        assert not isinstance(delta, Reasoning)
        if isinstance(delta, str):
            assert delta
            text += delta
        elif delta.index == len(calls):
            assert delta.id == f"id{delta.index}"
            assert delta.name is not None
            calls.append((delta.name, delta.args, delta.error))
        else:
            name, args, error = calls.pop()
            assert (delta.index, delta.id, delta.name) == (len(calls), None, None)
            assert error is None
            calls.append((name, args + delta.args, delta.error))
    for name, args, error in calls:
        assert error or (name in tools and isinstance(json.loads(args, strict=False), dict))
    return text, calls


def parse_all_ways(
    text: str, *, whole: bool = True, tools: tuple[str, ...] = TOOLS
) -> tuple[str, list[Call]]:
    result = parse([text], whole=whole, tools=tools)
    assert parse(text, whole=whole, tools=tools) == result
    for at in range(len(text)):
        assert parse([text[:at], text[at:]], whole=whole, tools=tools) == result
    return result


@pytest.mark.parametrize(
    ("text", "rest", "count"),
    [
        (TAGGED, "", 1),
        (TAGGED + TAGGED, "", 2),
        (f"  {TAGGED}\n\n{TAGGED}\n", "", 2),
        (f"Hi  there.\n{TAGGED}\n", "Hi  there.", 1),
        (f"{TAGGED}\nDone.\n", "Done.\n", 1),
        (f"A\n{TAGGED} B{TAGGED} {TAGGED}C", "A\nB C", 3),
        (f"A{TAGGED}B", "AB", 1),
        (f"<Tool_CALL> \r\n{CALL}\r\n</TOOL_call>", "", 1),
        (f"<tool_call>{CALL}{CALL}\n{CALL}</tool_call>", "", 3),
        (f"<tool_call>{CALL} , {CALL}</tool_call>", "", 2),
        (f"<tool_call>[ {CALL},{CALL} ] </tool_call>", "", 2),
        (f"<tool_call>[{CALL}", "", 1),
        (f"<tool_call>{CALL}", "", 1),
        (f"<tool_call>{CALL}</tool_ca", "</tool_ca", 1),
        (f"<tool_call>{CALL}\n{TAGGED}", "", 2),
        (f"<tool_call>```json\n{CALL}\n```\n</tool_call>", "", 1),
        (f"<tool_call>\n```\n[{CALL},{CALL}]```</tool_call>!", "!", 2),
        (f"<tool_call>{CALL}\nI asked.</tool_call> Bye", "I asked. Bye", 1),
        (f"<tool_call>{CALL}\nI <b>asked</b>.{TAGGED}", "I <b>asked</b>.", 2),
        (f"- {TAGGED}\n- {TAGGED}", "- -", 2),
        (f"`x` and ``y ` z`` {TAGGED}", "`x` and ``y ` z``", 1),
        (f"don`t {TAGGED}", "don`t", 1),
        (f"don`t {TAGGED}\n \nnext ` one", "don`t next ` one", 1),
        (f"a ` {TAGGED} b `` c {TAGGED} d", "a ` b `` c d", 2),
        (f"a ` b\n{TAGGED} `", "a ` b\n`", 1),
        (f"a ` b\n\nc {TAGGED} `", "a ` b\n\nc `", 1),
        (f"a ` <tool_call>\n \n{CALL}</tool_call> ` b", "a ` ` b", 1),
        (f"~ ~~ {TAGGED}", "~ ~~", 1),
        (f"~~~\nx\n~~~\n{TAGGED}", "~~~\nx\n~~~", 1),
        (f"````\n```\n````\n{TAGGED}", "````\n```\n````", 1),
        (f"> ```\n> x\n> ```\n{TAGGED}", "> ```\n> x\n> ```", 1),
        (f"use <tool_call> or {TAGGED}", "use <tool_call> or", 1),
        (f"<tool_call> <tool_call>{CALL}", "<tool_call>", 1),
        (f"<<tool_call>{CALL}", "<", 1),
    ],
)
def test_calls_in_tags(text: str, rest: str, count: int) -> None:
    assert parse_all_ways(text) == (rest, [GOOD] * count)


@pytest.mark.parametrize(
    ("text", "rest", "count"),
    [
        (CALL, "", 1),
        (f"  {CALL} \r\n", "", 1),
        (f"Hi\n{CALL}\n{CALL}\nBye", "Hi\nBye", 2),
        (f"[{CALL}, {CALL}]", "", 2),
        (f"[\n {CALL},\n {CALL}\n]\n", "", 2),
        (f"```json\n{CALL}\n```", "", 1),
        (f"```\n{CALL}\n```  \nDone.", "Done.", 1),
        (f"```` Tool_Call \r\n[{CALL}]\r\n````\r\n", "", 1),
        (f"Hi\n```json\n{CALL}\n```\n```json\n[{CALL}]\n```", "Hi", 2),
        (f"```json\n{CALL}\n{CALL}\n[{CALL}]\n```", "", 3),
        (f"```json\n{CALL}", "", 1),
        (f"```json\n{CALL}\n", "", 1),
        (f"```json\n{CALL}\n``", "", 1),
        (f"{{\n{CALL}\n}}", "{\n}", 1),
    ],
)
def test_calls_without_tags(text: str, rest: str, count: int) -> None:
    assert parse_all_ways(text) == (rest, [GOOD] * count)


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
        rest, ((name, found, error),) = parse_all_ways(form)
        assert (rest, name, error) == ("", "w", None)
        assert json.loads(found) == json.loads(wanted[1])
        assert args is None or found == args


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('{"name":"w"}', "{}"),
        ('{"name":"w","args":{"a":1}}', ARGS),
        ('{"name":"w","input":{"a":1}}', ARGS),
        ('{"name":"w","note":[{}],"arguments":{"a":1},"more":-1.5e3 }', ARGS),
    ],
)
def test_forms_that_need_tags(text: str, args: str) -> None:
    assert parse_all_ways(f"<tool_call>{text}</tool_call>") == ("", [("w", args, None)])
    assert parse_all_ways(text) == (text, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "plain { text } with [ brackets ] and < signs",
        "use the <tool_call> tag",
        "<tool_call>``x``",
        "<tool_call>",
        "<tool_call",
        "</tool_call>",
        "<tool_call> \n``",
        f"```\n{TAGGED}\n```",
        f"```xml\n{TAGGED}\n``` no end\n{TAGGED}",
        f"```\n{TAGGED}\n``` ~~~\n{TAGGED}",
        f"``` `` ~~~\n\n~~~js ```\n{TAGGED}\n```\n~~~",
        f"```py ~~~\n{TAGGED}",
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
        '{"function":"w","arguments":{}}',
        '{"a":1}',
        f"{{{CALL}}}",
        "{ code }",
        "``",
        "``json\n{}",
        f"```jsonc\n{CALL}\n```",
        f"```js\n{CALL}\n```",
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
    assert parse_all_ways(text) == (text, [])


def test_without_tools_there_is_no_call() -> None:
    assert parse_all_ways(CALL, tools=()) == (CALL, [])
    broken = ("w", ARGS, '"w" is no tool that was bound')
    assert parse_all_ways(TAGGED, tools=()) == ("", [broken])


@pytest.mark.parametrize(
    ("text", "rest", "call"),
    [
        ('{"name":"x","arguments":{"a":1}}</tool_call>', "", ("x", ARGS, "no tool that was bound")),
        ('{"arguments":{"a":1}}</tool_call>', "", ("", ARGS, "the call names no tool")),
        ('{"name":1,"arguments":{"a":1}}</tool_call>', "", ("", ARGS, "the call names no tool")),
        ("{}</tool_call>", "", ("", "{}", "the call names no tool")),
        ("[ ]</tool_call>", "", ("", "[ ]", NO_JSON)),
        ("[ </tool_call>", "", ("", "[", "the call names no tool")),
        ("[", "", ("", "[", CUT)),
        ("```json\n", "", ("", "```json", CUT)),
        ("```json\nw()\n```</tool_call>!", "!", ("", "```json\nw()\n```", NO_JSON)),
        ("```json", "", ("", "```json", CUT)),
        ("{'name':'w'}</tool_call>!", "!", ("", "{'name':'w'}", NO_JSON)),
        ('{"name":"w",}</tool_call>', "", ("w", '{"name":"w",}', NO_JSON)),
        ('{"na\\x":1}</tool_call>', "", ("", '{"na\\x":1}', NO_JSON)),
        ('{"name":?}', "", ("", '{"name":?}', NO_JSON)),
        ('{"name":w}{"name":"w"}', "", ("", '{"name":w}{"name":"w"}', NO_JSON)),
        ('{"name":"w","id":nil,"arguments":{"a":1}}', "", ("w", ARGS, NO_JSON)),
        ('{"name":"w","arguments":[1]}', "", ("w", "[1]", NO_OBJECT)),
        ('{"name":"w","arguments":"[1]"}', "", ("w", '"[1]"', NO_OBJECT)),
        ('{"name":"w","arguments":{"a":tru}}', "", ("w", '{"a":tru}', NO_OBJECT)),
        ('{"name":"w","arguments":{"a":[}}', "", ("w", '{"a":[}}', CUT)),
        ('{"name":"w","arguments":{"a":1}', "", ("w", ARGS, CUT)),
        ('{"name":"w","arguments":{"a":1}</tool_call>!', "!", ("w", ARGS, CUT)),
        ('{"name":"w","arguments":{"a":1</tool_call>!', "!", ("w", '{"a":1', CUT)),
        ('{"name":"w","arguments":{"a":"b', "", ("w", '{"a":"b', CUT)),
        ('{"name":"w","arguments":{"a":"b\\', "", ("w", '{"a":"b\\', CUT)),
        ('{"name":"w","arguments":{"a":"b</tool_call>!', "!", ("w", '{"a":"b', CUT)),
        ('{"name":"w","arguments":{"a":"b</tool_call>\n"!', '"!', ("w", '{"a":"b', CUT)),
        ('{"name":"w","arguments":{"a":"b</tool_call>\\\n"!', '\\\n"!', ("w", '{"a":"b', CUT)),
        ('{"name":"w","arguments":{"a":"b</tool_call>\\', "\\", ("w", '{"a":"b', CUT)),
        ('{"name":"w","arguments":{"a":"b</tool_call>', "", ("w", '{"a":"b', CUT)),
        ('{"name":"w","arguments":"{\\"a', "", ("w", '"{\\"a', CUT)),
        ('{"name":"w","arguments":', "", ("w", '{"name":"w","arguments":', CUT)),
        ('{"name":"w</tool_call>', "", ("", '{"name":"w', CUT)),
        ('{"name":"w","arguments":{"a":1},"args":{}}', "", ("w", ARGS, "given twice")),
        ('{"name":"w","name":"x","arguments":{"a":1}}', "", ("w", ARGS, "given twice")),
        ('{"name":"w","arguments":{"a":1},"name":"x"}', "", ("w", ARGS, "given twice")),
        ('{"name":"w","arguments":{"a":1} "x":2}', '"x":2}', ("w", ARGS, NO_JSON)),
        (f"{CALL}}}</tool_call>", "}", ("w", ARGS, NO_JSON)),
        (f'{CALL},"b":2}}</tool_call>!', ',"b":2}!', ("w", ARGS, NO_JSON)),
        (f"[{CALL},]</tool_call>", ",]", ("w", ARGS, NO_JSON)),
        (f"[{CALL},</tool_call>", "", ("w", ARGS, NO_JSON)),
        ('{"a":1}}', "}", ("", '{"a":1}', "the call names no tool")),
        (f"{CALL}]", "]", ("w", ARGS, NO_JSON)),
        (
            '{"name":"w","arguments":' + '{"a":' * 3 + "[" * 200_000 + "]" * 200_000 + "}" * 4,
            "",
            None,
        ),
    ],
)
def test_broken_calls(text: str, rest: str, call: Call | None) -> None:
    text = f"<tool_call>{text}"
    found, calls = parse([text]) if call is None else parse_all_ways(text)
    assert found == rest
    ((name, args, error),) = calls
    assert error
    if call:
        assert (name, args) == call[:2]
        assert call[2]
        assert call[2] in error


def test_a_new_tag_ends_a_broken_call() -> None:
    text = f'<tool_call>{{"name":"w","arguments":{{"a":1 {TAGGED}'
    assert parse_all_ways(text) == ("", [("w", '{"a":1 ', CUT), GOOD])


def test_what_was_searched_for_backticks_is_read_again_in_any_pieces() -> None:
    text = f'{TAGGED}`<tool_call>{{"name":"w","arguments":{{"a":"</tool_call> ```<tool_call>\n\n['
    text += f"\n```\n{TAGGED}"
    assert parse_all_ways(text, whole=False) == parse_all_ways(text)
    assert [call[1] for call in parse([text])[1]] == [ARGS, '{"a":"', "[\n```", ARGS]


def test_a_call_that_was_cut_off_does_not_hide_the_next() -> None:
    text = f'<tool_call>{{"name":"w","arguments":{{"a":"b</tool_call>\nAgain:\n{TAGGED}'
    assert parse_all_ways(text) == ("Again:", [("w", '{"a":"b', CUT), GOOD])


@pytest.mark.parametrize(
    "text",
    ["a <tool_c", "<tool_call> ", f"```json\n{CALL}", f"[{CALL}", CALL, f"don`t {TAGGED}", "x \n"],
)
def test_what_was_held_back_is_text_where_the_stream_broke_off(text: str) -> None:
    assert parse_all_ways(text, whole=False) == (text, [])


def test_an_open_call_is_broken_where_the_stream_broke_off() -> None:
    text = f"{TAGGED} Hi {TAGGED[: TAGGED.index(':1}')]}"
    broken = ("w", '{"a"', CUT)
    assert parse_all_ways(text, whole=False) == ("Hi", [GOOD, broken])


def test_a_call_is_streamed() -> None:
    parser = ToolCallParser(TOOLS, new_id=lambda: "x")
    assert "".join(map(str, parser.feed("Well <b"))) == "Well <b"
    assert parser.feed('>, <tool_call>{"name": "w", "arg') == [">,"]
    assert parser.feed('uments": {') == [ToolCallDelta(0, "x", "w"), ToolCallDelta(0, args="{")]
    assert parser.feed('"a": "b') == [ToolCallDelta(0, args='"a": "b')]
    assert parser.feed('"} , "id": 3}') == [ToolCallDelta(0, args='"}')]
    assert parser.feed("</tool_call>") == []
    assert parser.close(whole=True) == []


def test_text_is_handed_over_at_once() -> None:
    parser = ToolCallParser(TOOLS)
    for piece in ("Hello", ", <b>x</b>", " {a}", "\n{x", " `y", "```"):
        assert "".join(map(str, parser.feed(piece))) == piece
    assert parser.feed("\n```js") == []
    assert "".join(map(str, parser.feed("x"))) == "\n```jsx"


@pytest.mark.parametrize(
    "start", ["{x", '{"a":1', '{"name":"x"', '{"name":"w","arguments":[', "[1"]
)
def test_json_that_is_no_call_is_given_up_early(start: str) -> None:
    assert "".join(map(str, ToolCallParser(TOOLS).feed(start))) == start


def test_ids_are_unique() -> None:
    parser = ToolCallParser(TOOLS)
    ids = {delta.id for delta in parser.feed(TAGGED * 2) if isinstance(delta, ToolCallDelta)}
    assert len(ids - {None}) == 2
    assert all(
        len(call_id) == 29 and call_id.startswith("call_") for call_id in ids - {None} if call_id
    )


def test_long_answers() -> None:
    big = "x" * 2_000_000
    text = f'<tool_call>{{"name":"w","arguments":{{"a":"{big}"}}}}</tool_call>'
    pieces = [text[at : at + 1000] for at in range(0, len(text), 1000)]
    assert parse(pieces) == ("", [("w", f'{{"a":"{big}"}}', None)])
    for hostile in ("<" * 100_000, "{" * 100_000, "[\n" * 20_000, "`" * 100_000):
        assert parse([hostile]) == (hostile, [])
    nested = '{"name":"w","arguments":{"a":\n' * 2_000
    assert parse([nested]) == (nested, [])
    runs = " ".join("`" * size + f" {TAGGED}" for size in range(1, 100))
    assert len(parse([runs])[1]) == 99


FRAGMENTS = [
    *("<tool_call>", "</tool_call>", "<", "{", "}", "[", "]", '"', ",", "`", "```", "~~~", "\n"),
    *(" ", "\r\n", "\\", "> ", "- ", "1. ", "x", "json", '"name":"w"', '"arguments":', ARGS),
    *(CALL, TAGGED, "\n```json\n", "\n\n", '{"name":"w","arguments":{"a":"', "\u2028", "</tool"),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join), st.data(), st.booleans())
def test_pieces_make_no_difference(text: str, data: st.DataObject, whole: bool) -> None:  # noqa: FBT001
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    result = parse([text], whole=whole)
    assert parse(pieces, whole=whole) == result
    assert parse(text, whole=whole) == result


PROSE = st.text().map(lambda text: text.translate(dict.fromkeys(map(ord, "<{[`~"), "x")))


@given(PROSE, PROSE)
def test_texts_come_through(before: str, after: str) -> None:
    assert parse_all_ways(before) == (before, [])
    found, calls = parse_all_ways(f"{before}\n{TAGGED}\n{after}")
    assert calls == [GOOD]
    assert found.split() == f"{before}\n{after}".split()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans(), st.integers(1, 9))
def test_arguments_come_through(args: dict[str, object], ascii_only: bool, size: int) -> None:  # noqa: FBT001
    text = json.dumps({"name": "w", "arguments": args}, ensure_ascii=ascii_only)
    for form in (f"<tool_call>{text}</tool_call>", f"```json\n{text}\n```", text):
        pieces = [form[at : at + size] for at in range(0, len(form), size)]
        rest, ((name, found, error),) = parse(pieces)
        assert (rest, name, error, json.loads(found)) == ("", "w", None, args)


def test_the_scanner_finds_members() -> None:
    scanner = ObjectScanner()
    assert scanner.step(" {", 0) == (Token.MORE, 2)
    assert scanner.step('"a" : 1', 0) == (Token.OPEN, 6)
    assert scanner.key == "a"
    assert scanner.step('"a" : 1', 6) == (Token.MORE, 7)
    assert scanner.step("2 }x", 0) == (Token.CLOSE, 1)
    assert scanner.step("2 }x", 1) == (Token.END, 3)
    assert read_members('{"a":1} x').ended is Token.BAD
    assert read_members('{"a":{},"a":[2]}').values == {"a": "{}"}
    assert read_members('{"a":1,"a":2}').twice == {"a"}
    assert parse_json("{") is None


@pytest.mark.parametrize(
    ("arguments", "meant"), [("null", {}), ('{"a":"x\ny"}', {"a": "x\ny"}), ('"{}"', {})]
)
def test_arguments_are_taken_as_natively(arguments: str, meant: dict[str, str]) -> None:
    text = f'<tool_call>{{"name":"w","arguments":{arguments}}}</tool_call>'
    for pieces in ([text], list(text)):
        found, calls = parse(pieces)
        ((name, args, error),) = calls
        assert (found, name, error) == ("", "w", None)
        assert json.loads(args, strict=False) == meant


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_no_json_break_a_call(constant: str) -> None:
    text = f'<tool_call>{{"name":"w","arguments":{{"a":{constant}}}}}</tool_call>'
    (_, ((_, _, error),)) = parse([text])
    assert error
