"""What a JSON value says as calls, and what is wrong with them."""

from __future__ import annotations

import json

import pytest

from langchain_onlysq.prompted_tools.bound_tools import BoundTools
from langchain_onlysq.prompted_tools.written_call import broken_call, calls_in

TOOLS = BoundTools({"w": {"properties": {"a": {}, "input": {}, "id": {}}}, "add": {}})


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('{"name":"w","arguments":{}}', "{}"),
        ('{"name":"w","arguments": {"a": 1 }}', '{"a": 1 }'),
        ('{"name":"functions.w:0","input":null}', "{}"),
        ('{"name":"w"}', "{}"),
        ('{"name":"w","arguments":""}', "{}"),
        ('{"name":"w","input":{"a":1}}', '{"a":1}'),
        ('{"name":"w","input":{"b":1}}', '{"input": {"b":1}}'),
        ('{"name":"w","input":"x","a":[1]}', '{"input": "x", "a": [1]}'),
        ('{"name":"w","a":1,"id":"x"}', '{"a": 1, "id": "x"}'),
        ('{"name":"w","type":"function","id":"x"}', "{}"),
        ('{"tool_name":"w","parameters":{"a":1},"tool_call_id":"0"}', '{"a":1}'),
        ('{"tool":"w","name":"x","args":{}}', "{}"),
        ('{"function":"w","args":{"a":1}}', '{"a":1}'),
        ('{"function":"w","a":1}', '{"a": 1}'),
        ('{"name":"w","function":"add","arguments":{}}', "{}"),
        ('{"function":{"name":"w","args":" {\\"a\\":1} "}}', '{"a":1}'),
        ('{"functionCall":{"name":"w","args":{"a":1}}}', '{"a":1}'),
        ('{"type":"tool_use","name":"w","input":{"a":1},"id":"t"}', '{"a":1}'),
        ('{"w":{"a":1}}', '{"a":1}'),
        ('{"tool_calls":[{"name":"w"}],"content":"","role":"assistant"}', "{}"),
    ],
)
def test_calls(text: str, args: str) -> None:
    (call,) = calls_in(text, TOOLS)
    assert call[:3] == ("w", args, None)
    assert isinstance(json.loads(call.args), dict)


@pytest.mark.parametrize(
    ("text", "name", "args", "error"),
    [
        ('{"name":"w","args":{},"params":1}', "w", "{}", "given twice"),
        ('{"name":"w","arguments":{},"a":1}', "w", "{}", "given twice"),
        ('{"name":"w","name":"w"}', "w", None, "given twice"),
        ('{"name":"w","a":1,"a":2}', "w", '{"a": 1}', "given twice"),
        ('{"function":{"name":"w","name":"x"}}', "w", None, "given twice"),
        ('{"arguments":{}}', "", "{}", "names no tool"),
        ('{"name":7}', "", None, "names no tool"),
        ('{"function":"x"}', "", None, "names no tool"),
        ('{"w":1}', "", None, "names no tool"),
        ('{"w":{},"add":{}}', "", None, "names no tool"),
        ('["w"]', "", '"w"', "names no tool"),
        ('{"name":"w","city":"Rome"}', "w", None, "no such parameters"),
        ('{"name":"w","a":1,"city":"Rome"}', "w", None, "no such parameters"),
        ('{"name":"w","description":"x"}', "w", None, "describes a tool"),
        ('{"name":"w","parameters":{"properties":{}}}', "w", None, "describes a tool"),
        ('{"name":"w","arguments":"{"}', "w", '"{"', "the arguments are not a JSON object"),
        ('{"name":"w","arguments":nope}', "", None, "the call is not valid JSON"),
        (" w() ", "", None, "the call is not valid JSON"),
    ],
)
def test_what_is_not_a_call_says_why(text: str, name: str, args: str | None, error: str) -> None:
    (call,) = calls_in(text, TOOLS)
    if name != "w" or args is not None:
        assert (call.name, call.args) == (name, args or text)
    assert call.error
    assert error in call.error


def test_what_is_said_beside_calls_stands_before_the_first_one() -> None:
    text = '{"tool_calls":[{"name":"w"},{"name":"add"}],"content":"Hi"}'
    assert [(call.said, call.name) for call in calls_in(text, TOOLS)] == [("Hi", "w"), ("", "add")]


@pytest.mark.parametrize("said", ['"content":["Hi"]', '"content":{"text":"Hi"}', '"refusal":"No"'])
def test_calls_beside_anything_else_are_not_calls(said: str) -> None:
    assert calls_in(f'{{"tool_calls":[{{"name":"w"}}],{said}}}', TOOLS) == []


def test_a_broken_call_is_of_the_first_tool_that_is_named() -> None:
    call = broken_call(' {"name": "x", "y": "add" ', TOOLS, "why")
    assert call[:3] == ("add", '{"name": "x", "y": "add"', "why")
    assert broken_call("w", TOOLS, "why").name == ""
