"""Calls in the forms that models were trained on: every case of `dialects.json`, in any pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langchain_onlysq.response.tool_calls import parse_arguments
from tests.unit_tests.prompted_tools.reading import filtered

CASES = json.loads((Path(__file__).parent / "dialects.json").read_text(encoding="utf-8"))
LATE = {"cohere-command-14"}
"""What shows only later that it was not the answer: its text has been delivered by then."""


def read(text: str, tools: list[dict[str, Any]], size: int) -> tuple[str, list[Any], int]:
    """Return the text, the calls, and how many others are broken."""
    schemas = {tool["name"]: tool["parameters"] for tool in tools}
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    found, calls = filtered(pieces, schemas)
    good = [
        {"name": name, "arguments": parse_arguments(args)}
        for name, args, error in calls
        if error is None
    ]
    return found, good, len(calls) - len(good)


def is_expected(case: dict[str, Any], calls: list[Any], broken: int) -> bool:
    expected = case["expected"]["calls"]
    if case.get("policy"):
        return not calls
    if case.get("loose"):
        return [call["name"] for call in calls] == [call["name"] for call in expected]
    return calls == expected or bool(case.get("sloppy") and not calls and broken)


@pytest.mark.parametrize("size", [1, 3, 7, 10_000])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case(case: dict[str, Any], size: int) -> None:
    text, calls, broken = read(case["text"], case["tools"], size)
    assert is_expected(case, calls, broken)
    content = case["text"] if case.get("policy") else case["expected"]["content"]
    if content is not None and case["id"] not in LATE:
        assert "".join(text.split()) == "".join(content.split())
