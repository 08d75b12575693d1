"""What the tests of the reader share: texts, and what is read in them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_onlysq.prompted_tools.reader import ToolCallReader
from langchain_onlysq.response.deltas import Delta, Reasoning, TextFilter
from langchain_onlysq.response.text_filters import ThinkSplitter, close_all, pass_through
from langchain_onlysq.response.tool_calls import parse_arguments

TOOLS = ("w", "add")
ARGS = '{"a":1}'
CALL = f'{{"name":"w","arguments":{ARGS}}}'
TAGGED = f"<tool_call>{CALL}</tool_call>"
GOOD = ("w", ARGS, None)

Call = tuple[str, str, str | None]
"""Name, arguments and error of a call."""


def deltas_of(
    pieces: Iterable[str], *, whole: bool = True, tools: tuple[str, ...] = TOOLS
) -> list[Delta]:
    ids = (f"id{number}" for number in itertools.count())
    reader = ToolCallReader(tools, new_id=lambda: next(ids))
    deltas = [delta for piece in pieces for delta in reader.feed(piece)]
    return deltas + reader.close(whole=whole)


def put_together(deltas: Iterable[Delta]) -> tuple[str, list[Call]]:
    """Return the text and the calls of deltas, of which those of a call follow one another."""
    text = ""
    calls: list[Call] = []
    ids: set[str | None] = set()
    for delta in deltas:
        assert not isinstance(delta, Reasoning)
        if isinstance(delta, str):
            assert delta
            text += delta
        elif delta.index == len(calls):
            assert delta.id not in {*ids, None}
            ids.add(delta.id)
            assert delta.name is not None
            calls.append((delta.name, delta.args, delta.error))
        else:
            name, args, error = calls.pop()
            assert (delta.index, delta.id, delta.name) == (len(calls), None, None)
            assert error is None
            calls.append((name, args + delta.args, delta.error))
    return text, calls


def read(
    pieces: Iterable[str], *, whole: bool = True, tools: tuple[str, ...] = TOOLS
) -> tuple[str, list[Call]]:
    """Put the deltas together, and check that they fit together."""
    text, calls = put_together(deltas_of(pieces, whole=whole, tools=tools))
    for name, args, error in calls:
        assert error or (name and isinstance(json.loads(args, strict=False), dict))
    return text, calls


def read_all_ways(
    text: str, *, whole: bool = True, tools: tuple[str, ...] = TOOLS
) -> tuple[str, list[Call]]:
    result = read([text], whole=whole, tools=tools)
    assert read(text, whole=whole, tools=tools) == result
    for at in range(len(text)):
        assert read([text[:at], text[at:]], whole=whole, tools=tools) == result
    return result


Said = list[tuple[str, dict[str, Any]]]
"""Names and arguments of calls."""

SCHEMAS: dict[str, Any] = {
    "weather": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "tags": {"type": "array"},
            "x": {},
        },
    },
    "add": {"properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
}


def filtered(
    pieces: Iterable[str], schemas: Mapping[str, Any], *, whole: bool = True, splits: bool = True
) -> tuple[str, list[Call]]:
    """Return the text and the calls of an answer, without its reasoning."""
    ids = (f"id{number}" for number in itertools.count())
    reader = ToolCallReader(schemas, new_id=lambda: next(ids))
    filters: list[TextFilter] = [ThinkSplitter(), reader] if splits else [reader]
    deltas = [delta for piece in pieces for delta in pass_through([piece], filters)]
    deltas += close_all(filters, whole=whole)
    return put_together([delta for delta in deltas if not isinstance(delta, Reasoning)])


def read_as_said(text: str) -> tuple[Said, int]:
    """Return the calls and how many are broken; in pieces, and cut off, it is the same."""
    for whole, splits in ((False, True), (True, False), (True, True)):
        found = filtered([text], SCHEMAS, whole=whole, splits=splits)
        for size in (1, 2, 3, 7):
            pieces = [text[at : at + size] for at in range(0, len(text), size)]
            assert filtered(pieces, SCHEMAS, whole=whole, splits=splits) == found
    good = [(name, parse_arguments(args) or {}) for name, args, error in found[1] if not error]
    return good, len(found[1]) - len(good)
