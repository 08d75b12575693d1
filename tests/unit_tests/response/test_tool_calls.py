"""Fragments of native tool calls, in every state they come in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_onlysq.outputs.chunks import ChunkMaker, mark_as_broken, to_result
from langchain_onlysq.response.deltas import AnswerEnd, ToolCallDelta
from langchain_onlysq.response.tool_calls import ToolCallTable, parse_arguments, why_broken
from tests.support.four_ways import merged
from tests.support.properties import patient
from tests.support.reading import completion, delta, dump, events
from tests.support.reading import read as read_bytes

PARIS, ROME = '{"city": "Paris"}', '{"city": "Rome"}'


def part(
    arguments: Any = None, *, name: str | None = None, key: Any = None, index: Any = None
) -> dict[str, Any]:
    def given(**fields: Any) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if value is not None}

    return given(function=given(arguments=arguments, name=name), id=key, index=index)


def read(*fragments: Any, whole: bool = True) -> list[ToolCallDelta]:
    table = ToolCallTable()
    deltas: list[ToolCallDelta] = []
    for fragment in fragments:
        deltas += table.feed(fragment)
    return deltas + table.close(whole=whole)


def both(deltas: list[ToolCallDelta]) -> Any:
    """The message, which must be the same whole and put together from chunks."""
    whole: Any = to_result(deltas, AnswerEnd()).generations[0].message
    maker = ChunkMaker()
    chunks: list[Any] = [chunk.message for chunk in maker.feed([*deltas])]
    last: list[Any] = [chunk.message for chunk in maker.finish(AnswerEnd())]
    streamed = merged([*chunks, *last])
    assert streamed.tool_calls == whole.tool_calls
    for mine, other in zip(streamed.invalid_tool_calls, whole.invalid_tool_calls, strict=True):
        assert {**mine, "error": None} == {**other, "error": None}
    for chunk in chunks:
        assert isinstance(chunk, AIMessageChunk)
    ids = [c["id"] for chunk in chunks for c in chunk.tool_call_chunks if c["id"] is not None]
    assert len(ids) == len(whole.tool_calls) + len(whole.invalid_tool_calls)
    return whole


TWO_CALLS: dict[str, list[list[dict[str, Any]]]] = {
    "proper": [
        [part("", name="f", key="a", index=0)],
        [part('{"city": ', index=0)],
        [part('"Paris"}', index=0)],
        [part("", name="f", key="b", index=1)],
        [part(ROME, index=1)],
    ],
    "all under index 0": [
        [part("", name="f", key="a", index=0)],
        [part('{"city": ', index=0)],
        [part('"Paris"}', index=0)],
        [part("", name="f", key="b", index=0)],
        [part('{"city": "Ro', index=0)],
        [part('me"}', index=0)],
    ],
    "no index": [
        [part("", name="f", key="a")],
        [part('{"city": ')],
        [part('"Paris"}')],
        [part("", name="f", key="b")],
        [part(ROME)],
    ],
    "no index, no id": [[part(PARIS, name="f")], [part(ROME, name="f")]],
    "whole calls in one list": [[part(PARIS, name="f", key="a"), part(ROME, name="f", key="b")]],
    "whole calls in separate chunks, index 0": [
        [part(PARIS, name="f", key="a", index=0)],
        [part(ROME, name="f", key="b", index=0)],
    ],
    "the same id twice": [
        [part(PARIS, name="f", key="a", index=0)],
        [part(ROME, name="f", key="a", index=1)],
    ],
    "the same id twice without index": [
        [part(PARIS, name="f", key="a")],
        [part(ROME, name="f", key="a")],
    ],
    "interleaved": [
        [part("", name="f", key="a", index=0), part("", name="f", key="b", index=1)],
        [part('{"city": ', index=0)],
        [part('{"city": "Ro', index=1)],
        [part('"Paris"}', index=0)],
        [part('me"}', index=1)],
    ],
    "interleaved by id": [
        [part("", name="f", key="a"), part("", name="f", key="b")],
        [part('{"city": ', key="a")],
        [part('{"city": "Ro', key="b")],
        [part('"Paris"}', key="a")],
        [part('me"}', key="b")],
    ],
    "the name in every fragment": [
        [part('{"city": ', name="f", key="a", index=0)],
        [part('"Paris"}', name="f", key="a", index=0)],
        [part('{"city": ', name="f", key="b", index=1)],
        [part('"Rome"}', name="f", key="b", index=1)],
    ],
    "another id in every fragment": [
        [part('{"city": ', name="f", key="a1", index=0)],
        [part('"Paris"}', key="a2", index=0)],
        [part('{"city": ', name="f", key="b1", index=1)],
        [part('"Rome"}', key="b2", index=1)],
    ],
    "null ids": [
        [part(PARIS, name="f", key="null", index=0)],
        [part(ROME, name="f", key="", index=1)],
    ],
    "arguments as objects": [[part({"city": "Paris"}, name="f"), part({"city": "Rome"}, name="f")]],
    "arguments encoded twice": [
        [part(json.dumps(PARIS), name="f", key="a"), part(json.dumps(ROME), name="f", key="b")]
    ],
    "the name comes late": [
        [part('{"city": ', key="a", index=0)],
        [part('"Paris"}', name="f", index=0)],
        [part(ROME, name="f", key="b", index=1)],
    ],
    "the index wanders": [
        [part('{"city": ', name="f", key="a", index=0)],
        [part('"Paris"}', index=1)],
        [part(ROME, name="f", key="b", index=2)],
    ],
    "without function": [
        [{"name": "f", "arguments": PARIS, "id": "a"}, {"name": "f", "arguments": ROME, "id": "b"}]
    ],
}


@pytest.mark.parametrize("fragments", TWO_CALLS.values(), ids=TWO_CALLS.keys())
def test_two_calls_stay_two_calls(fragments: Any) -> None:
    message = both(read(*fragments))
    assert [(c["name"], c["args"]) for c in message.tool_calls] == [
        ("f", {"city": "Paris"}),
        ("f", {"city": "Rome"}),
    ]
    ids = [call["id"] for call in message.tool_calls]
    assert len(set(ids)) == 2
    assert all(ids)
    assert not {"null", ""} & set(ids)


@pytest.mark.parametrize("arguments", [None, "", "  ", "null", "{}", '"{}"', '""'])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    message = both(read([part(arguments, name="f", key="a", index=0)]))
    assert [call["args"] for call in message.tool_calls] == [{}]


BROKEN = {
    '{"path": "/etc/pas': "cut off",
    '{"path": "/etc/pas\\': "cut off",
    '{"paths": ["/etc"': "cut off",
    '{"paths": [["/etc"]': "cut off",
    '{"path": ': "cut off",
    "{": "cut off",
    '{"path": "/etc"}}': "not JSON",
    "{'path': 1": "not JSON",
    '{"path": 1,,}': "not JSON",
    '{"path": etc}': "not JSON",
    '{"a": {{"b": 1}}}': "not JSON",
    "[1, 2]": "not a JSON object",
    "7": "not a JSON object",
    '"text"': "not a JSON object",
    "ping": "not JSON",
}


@pytest.mark.parametrize(("arguments", "reason"), BROKEN.items())
def test_broken_arguments_never_become_a_call(arguments: str, reason: str) -> None:
    for fragments in (
        [[part(arguments, name="f", key="a")]],
        [[part("", name="f", key="a")], *[[part(c)] for c in arguments]],
    ):
        message = both(read(*fragments))
        assert message.tool_calls == []
        (broken,) = message.invalid_tool_calls
        assert broken["args"].startswith(arguments)
        assert reason in broken["args"]
        assert reason in broken["error"]
        assert (broken["name"], broken["id"]) == ("f", "a")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ("{'path': 1}", {"path": 1}),
        ('{"path": 1, }', {"path": 1}),
        ('{"path": [True, None,]}', {"path": [True, None]}),
        ('{path: "a"}', {"path": "a"}),
        ('{{"path": 1}}', {"path": 1}),
        ("\"{'path': 1}\"", {"path": 1}),
    ],
)
def test_syntax_is_mended(arguments: str, meant: dict[str, Any]) -> None:
    for fragments in (
        [[part(arguments, name="f", key="a")]],
        [[part("", name="f", key="a")], *[[part(c)] for c in arguments]],
        [[part(arguments, key="a")], [part(name="f")]],
    ):
        message = both(read(*fragments))
        assert [(call["name"], call["args"]) for call in message.tool_calls] == [("f", meant)]
        assert message.invalid_tool_calls == []


def test_blanks_before_the_arguments_are_not_a_call_of_their_own() -> None:
    fragments = [[part(" ", name="f", key="a")], [part('{"city": '), part('"Rome"}')]]
    message = both(read(*fragments))
    assert [call["args"] for call in message.tool_calls] == [{"city": "Rome"}]


def test_a_call_without_a_name_is_broken() -> None:
    message = both(read([part(PARIS, key="a")]))
    (broken,) = message.invalid_tool_calls
    assert broken["args"].startswith(PARIS)
    assert "no name" in broken["error"]


def test_what_is_not_a_call_is_passed_over() -> None:
    assert read("text", [None, 7]) == []


def test_deep_nesting_does_not_crash() -> None:
    deep = '{"a":' * 100_000
    assert parse_arguments(deep) is None
    assert why_broken(deep)


@pytest.mark.parametrize("arguments", BROKEN)
def test_spoilt_arguments_are_not_completed_by_langchain(arguments: str) -> None:
    from langchain_core.utils.json import parse_partial_json

    text = arguments + mark_as_broken(arguments, "cut off")
    try:
        completed = parse_partial_json(text)
    except ValueError:
        return
    assert not isinstance(completed, dict)


def test_two_tools_without_arguments_stay_two_calls() -> None:
    message = both(read([part("", name="f", key="a")], [part("", name="g", key="b")]))
    assert [call["name"] for call in message.tool_calls] == ["f", "g"]


@pytest.mark.parametrize("constant", ["NaN", "-Infinity"])
def test_constants_that_are_not_json_break_a_call(constant: str) -> None:
    message = both(read([part(f'{{"a": {constant}}}', name="f", key="a")]))
    assert constant in message.invalid_tool_calls[0]["error"]


@patient
@given(st.text(alphabet='{}[]"\\:,a1 \n', max_size=30))
def test_nothing_is_completed_behind_the_mark(arguments: str) -> None:
    from langchain_core.utils.json import parse_partial_json

    text = arguments + mark_as_broken(arguments, "why")
    assert text.endswith("(why)")
    try:
        completed = parse_partial_json(text)
    except ValueError:
        return
    assert not isinstance(completed, dict)


LEVELS = 200


@pytest.mark.parametrize("opened", ["[", '{"b":'])
@pytest.mark.parametrize("levels", [LEVELS, LEVELS + 1, 960, 980, 1_000, 100_000])
def test_arguments_have_a_fixed_number_of_levels(levels: int, opened: str) -> None:
    inner = levels - 1
    closed = "1" + ("]" if opened == "[" else "}") * inner
    whole = both(read([part(f'{{"a":{opened * inner}{closed}}}', name="f", key="a")]))
    assert bool(whole.tool_calls) == (levels <= LEVELS)
    if levels > LEVELS:
        assert "nested too deeply" in whole.invalid_tool_calls[0]["error"]
    loop = both(read([part(f'{{"a":{opened * inner}', name="f", key="a")]))
    assert loop.tool_calls == []
    assert loop.invalid_tool_calls[0]["args"].startswith('{"a":')


@pytest.mark.parametrize("arguments", [None, "", " "])
def test_a_call_that_is_cut_off_before_its_arguments_is_broken(arguments: str | None) -> None:
    fragments = [part(arguments, name="f", key="a")]
    assert both(read(fragments)).tool_calls[0]["args"] == {}
    (broken,) = both(read(fragments, whole=False)).invalid_tool_calls
    assert broken["name"] == "f"
    assert "cut off before the arguments" in broken["args"]


@pytest.mark.parametrize(("finish_reason", "count"), [("tool_calls", 1), ("length", 0), (None, 0)])
def test_only_a_whole_answer_calls_without_arguments(finish_reason: Any, count: int) -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": ""}}
    for body in (
        events(delta(tool_calls=[{"index": 0, **call}]), delta(finish_reason), done=False),
        dump(completion({"content": None, "tool_calls": [call]}, finish_reason)),
    ):
        if finish_reason is None and body.startswith(b"{"):
            continue
        found = to_result(read_bytes(body)[0], AnswerEnd()).generations[0].message
        assert isinstance(found, AIMessage)
        assert (len(found.tool_calls), len(found.invalid_tool_calls)) == (count, 1 - count)
