"""Calls without tags: in a fence, or alone on their lines."""

from __future__ import annotations

import pytest

from langchain_onlysq.prompted_tools.reader import ToolCallReader
from tests.unit_tests.prompted_tools.reading import CALL, GOOD, TOOLS, read_all_ways


@pytest.mark.parametrize(
    ("text", "rest", "count"),
    [
        (CALL, "", 1),
        (f"  {CALL} \r\n", "", 1),
        (f"Hi\n{CALL}\n{CALL}\nBye", "Hi\nBye", 2),
        (f"[{CALL}, {CALL}]", "", 2),
        (f"[\n {CALL},\n {CALL}\n]\n", "", 2),
        (f"```json\n{CALL}\n```", "", 1),
        (f"```` Tool_Call \r\n[{CALL}]\r\n````\r\n", "", 1),
        (f"Hi\n```json\n{CALL}\n```\n```json\n[{CALL}]\n```", "Hi", 2),
        (f"```json\n{CALL}\n{CALL}\n[{CALL}]\n```", "", 3),
        (f"```json\n{CALL}", "", 1),
        (f"```json\n{CALL}\n", "", 1),
        (f"```json\n{CALL}\n``", "", 1),
        (f"{CALL}; {CALL}", "", 2),
    ],
)
def test_calls_without_tags(text: str, rest: str, count: int) -> None:
    assert read_all_ways(text) == (rest, [GOOD] * count)


@pytest.mark.parametrize(
    "start", ["{x", '{"a":1', '{"name":"x"', '{"name":"w","arguments":[1', "[1"]
)
def test_json_that_is_no_call_is_given_up_early(start: str) -> None:
    assert "".join(map(str, ToolCallReader(TOOLS).feed(start))) == start
