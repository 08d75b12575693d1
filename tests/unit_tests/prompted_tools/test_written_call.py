"""What an object says as a call, and what is wrong with it."""

from __future__ import annotations

import pytest

from langchain_onlysq.prompted_tools.json_object import members_of
from langchain_onlysq.prompted_tools.written_call import CUT_OFF, WrittenCall, bound_name, read_call

NAMES = frozenset(("w", "add"))


def read(text: str, error: str | None = None) -> WrittenCall:
    return read_call(members_of(text), text, NAMES, error)


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('{"name":"w","arguments":{}}', "{}"),
        ('{"name":"w","arguments": {"a": 1 }}', '{"a": 1 }'),
        ('{"name":"w","input":null}', "{}"),
        ('{"name":"w"}', "{}"),
        ('{"function":{"name":"w","args":" {\\"a\\":1} "}}', '{"a":1}'),
    ],
)
def test_calls(text: str, args: str) -> None:
    assert read(text)[:3] == ("w", args, None)


@pytest.mark.parametrize(
    ("text", "name", "args", "error"),
    [
        ('{"name":"w","args":{},"input":1}', "w", "{}", "given twice"),
        ('{"name":"w","name":"w"}', "w", '{"name":"w","name":"w"}', "given twice"),
        ('{"function":{"name":"w","name":"x"}}', "w", None, "given twice"),
        ('{"arguments":{}}', "", "{}", "names no tool"),
        ('{"name":7}', "", None, "names no tool"),
        ('{"function":"w"}', "", None, "names no tool"),
        ('{"name":"x","arguments":{}}', "x", "{}", '"x" is not a bound tool'),
        ('{"name":"w","arguments":"{"}', "w", '"{"', "the arguments are not a JSON object"),
        ('{"name":"w","arguments":nope}', "w", "nope", "the call is not valid JSON"),
        (" w() ", "", "w()", "the call is not valid JSON"),
    ],
)
def test_what_is_not_a_call_says_why(text: str, name: str, args: str | None, error: str) -> None:
    call = read(text)
    assert (call.name, call.args) == (name, args or text)
    assert call.error
    assert error in call.error


def test_what_was_cut_off_keeps_what_it_says() -> None:
    call = read('{"name":"w","arguments":{"a', CUT_OFF)
    assert call == ("w", '{"a', CUT_OFF, {"name": '"w"', "arguments": '{"a'})


def test_only_names_of_bound_tools_count() -> None:
    raws = ('"w"', '"\\u0077"', '"x"', "w", '["w"]', "")
    assert [bound_name(raw, NAMES) for raw in raws] == ["w", "w", None, None, None, None]
