"""Calls between tags, in every form that models give them, and broken in every way."""

from __future__ import annotations

import pytest

from tests.unit_tests.prompted_tools.reading import (
    ARGS,
    CALL,
    GOOD,
    TAGGED,
    Call,
    read,
    read_all_ways,
)

CUT = "cut off before the end"
NO_JSON = "the call is not valid JSON"
NO_OBJECT = "the arguments are not a JSON object"


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
        (f"a ` b\n{TAGGED}", "a ` b", 1),
        (f"a ` b\n{TAGGED}\n\n`", "a ` b\n`", 1),
        (f"a ` b\n{TAGGED}\n{TAGGED} ``", "a ` b\n``", 2),
        (f"a ` b\n{CALL}\n``", "a ` b\n``", 1),
        (f"a ` b\n\nc {TAGGED} `", "a ` b\n\nc `", 1),
        (f"a ` <tool_call>\n \n{CALL}</tool_call> ` b", "a ` ` b", 1),
        (f"~ ~~ {TAGGED}", "~ ~~", 1),
        (f"~~~\nx\n~~~\n{TAGGED}", "~~~\nx\n~~~", 1),
        (f"````\n```\n````\n{TAGGED}", "````\n```\n````", 1),
        (f"> ```\n> x\n> ```\n{TAGGED}", "> ```\n> x\n> ```", 1),
        (f"use <tool_call> or {TAGGED}", "use <tool_call> or", 1),
        (f"<tool_call> <tool_call>{CALL}", "", 1),
        (f"<<tool_call>{CALL}", "<", 1),
    ],
)
def test_calls_in_tags(text: str, rest: str, count: int) -> None:
    assert read_all_ways(text) == (rest, [GOOD] * count)


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
    assert read_all_ways(f"<tool_call>{text}</tool_call>") == ("", [("w", args, None)])
    assert read_all_ways(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "rest", "call"),
    [
        ('{"arguments":{"a":1}}</tool_call>', "", ("", ARGS, "the call names no tool")),
        ('{"name":1,"arguments":{"a":1}}</tool_call>', "", ("", ARGS, "the call names no tool")),
        ("{}</tool_call>", "", ("", "{}", "the call names no tool")),
        ("[ ]</tool_call>", "", ("", "[ ]", "the call names no tool")),
        ("[ </tool_call>", "", ("", "[", CUT)),
        ("[", "", ("", "[", CUT)),
        ("{", "", ("", "{", CUT)),
        ("{ </tool_call>!", "!", ("", "{", CUT)),
        ("{na", "", ("", "{na", NO_JSON)),
        ("{name</tool_call>!", "!", ("", "{name", NO_JSON)),
        ("{name : w}</tool_call>!", "!", ("", "{name : w}", NO_JSON)),
        ("{{ name: w }}", "", ("", "{{ name: w }}", NO_JSON)),
        ("{//", "", ("", "{//", NO_JSON)),
        ("[[", "", ("", "[[", CUT)),
        ("[[]]", "", ("", "[[]]", "the call names no tool")),
        ("['w']", "", ("", "['w']", "the call names no tool")),
        ('```{"name":w}```</tool_call>!', "!", ("", '{"name":w}```', NO_JSON)),
        ("```json\n", "", ("", "```json", CUT)),
        ("```json\nw()\n```</tool_call>!", "!", ("", "```json\nw()\n```", NO_JSON)),
        ("```json", "", ("", "```json", CUT)),
        ("{'name':'w'; 'x'}</tool_call>!", "!", ("", "{'name':'w'; 'x'}", NO_JSON)),
        (
            "{'name':'w', 'args':{'a':1</tool_call>!",
            "!",
            ("", "{'name':'w', 'args':{'a':1", NO_JSON),
        ),
        ('{"name":"w",,}</tool_call>', "", ("w", '{"name":"w",,}', NO_JSON)),
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
        (f"[{CALL},,]</tool_call>", "", ("w", f"[{CALL},,]", NO_JSON)),
        (f"[{CALL},</tool_call>", "", ("w", f"[{CALL},", CUT)),
        (f"[{CALL}", "", ("w", f"[{CALL}", CUT)),
        (f"[{CALL}, 1]", "", ("w", f"[{CALL}, 1]", "the call names no tool")),
        (f"{CALL},]</tool_call>", ",]", ("w", ARGS, NO_JSON)),
        ('{"name":"w","b":2}</tool_call>', "", ("w", '{"name":"w","b":2}', "no such parameters")),
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
    found, calls = read([text]) if call is None else read_all_ways(text)
    assert found == rest
    ((name, args, error),) = calls
    assert error
    if call:
        assert (name, args) == call[:2]
        assert call[2]
        assert call[2] in error


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("{'name': 'w', 'arguments': {'a': 1}}", '{"a": 1}'),
        ('{"name": "w",}', "{}"),
        (f"[{CALL},]", '{"a": 1}'),
        (f"{{{CALL}}}", '{"a": 1}'),
        (f"[{CALL.replace(':1', ':True')}]", '{"a": true}'),
        ('{name: "w", arguments: {a: 1}}', '{"a": 1}'),
        ('{/* a call */"name": "w", "arguments": {"a": 1}}', '{"a": 1}'),
        ('{ // a call\n name: "w", arguments: {a: 1}}', '{"a": 1}'),
        ('{{"name": "w", "arguments": {{"a": 1}}}}', '{"a": 1}'),
        ('{"name": "w", "arguments": {{"a": 1}}}', '{"a": 1}'),
        ('{"name": "w", "arguments": {"a": 1,}}', '{"a": 1}'),
        ('{"name": "w", "arguments": {"a": 1,},}', '{"a": 1}'),
        ('{"name": "w", "arguments": {"a": 1}, "id": None}', '{"a": 1}'),
        ('{"name": "w", "arguments": {"a": [None, True,], b: {\'c\': \'it"s }\'}}}',
         '{"a": [null, true], "b": {"c": "it\\"s }"}}'),
        ("{\"name\": \"w\", \"arguments\": {'a': '</tool_call>'}}", '{"a": "</tool_call>"}'),
        ('{"name": "w", "arguments": "{\'a\': 1}"}', '{"a": 1}'),
    ],
)  # fmt: skip
def test_what_is_mended(text: str, args: str) -> None:
    for whole in (f"<tool_call>{text}</tool_call>", f"<tool_call>\n{text}", f"<tool_call>{text}\n"):
        assert read_all_ways(whole) == ("", [("w", args, None)])
    assert read_all_ways(f"Well.\n<tool_call>{text}</tool_call>\n{TAGGED} So.") == (
        "Well.\nSo.",
        [("w", args, None), GOOD],
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ('{"a": Rome}', NO_OBJECT),
        ('{"a": 1 "b": 2}', NO_OBJECT),
        ('{"a": 1,, "b": 2}', NO_OBJECT),
        ('{"a": {{"b": 2}}}', NO_OBJECT),
        ("{'a': 1, 'a': 2}", NO_OBJECT),
        ('{"a": NaN}', NO_OBJECT),
        ("{'a': 'b}", CUT),
        ('{"a": True, "b": ', CUT),
    ],
)
def test_what_is_not_mended(arguments: str, error: str) -> None:
    text = f'<tool_call>{{"name": "w", "arguments": {arguments}}}</tool_call>'
    rest, ((name, args, said),) = read_all_ways(text)
    assert (rest, name) == ("", "w")
    assert args.startswith(arguments)
    assert said
    assert error in said


def test_a_new_tag_ends_a_broken_call() -> None:
    text = f'<tool_call>{{"name":"w","arguments":{{"a":1 {TAGGED}'
    assert read_all_ways(text) == ("", [("w", '{"a":1 ', CUT), GOOD])


def test_a_call_that_was_cut_off_does_not_hide_the_next() -> None:
    text = f'<tool_call>{{"name":"w","arguments":{{"a":"b</tool_call>\nAgain:\n{TAGGED}'
    assert read_all_ways(text) == ("Again:", [("w", '{"a":"b', CUT), GOOD])
