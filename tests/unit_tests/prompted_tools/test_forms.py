"""Calls in every form, written in many ways; texts about calls; and calls that are broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit_tests.prompted_tools.reading import SCHEMAS, filtered, read_as_said

FORMS = json.loads((Path(__file__).parent / "forms.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", FORMS["texts"])
def test_texts_about_calls(text: str) -> None:
    assert read_as_said(text) == ([], 0)


@pytest.mark.parametrize("text", FORMS["broken"])
def test_what_is_broken_is_no_call(text: str) -> None:
    assert read_as_said(text)[0] == []


@pytest.mark.parametrize(("text", "calls"), FORMS["calls"])
def test_calls(text: str, calls: list[Any]) -> None:
    assert read_as_said(text) == ([tuple(call) for call in calls], 0)


@pytest.mark.parametrize(("text", "calls"), FORMS["alone"])
def test_the_marks_of_calls_belong_to_them(text: str, calls: list[Any]) -> None:
    assert read_as_said(text) == ([tuple(call) for call in calls], 0)
    assert filtered([text], SCHEMAS)[0].strip() == ""


def test_a_broken_call_does_not_hide_the_next_one() -> None:
    call = (
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{}\n```<｜tool▁call▁end｜>\n"
    )
    for arguments in ("{Rome}", '{"city": }', '{"city": "Rome', '{"city": ["Rome"}'):
        assert read_as_said(call.replace("{}", arguments) + call) == ([("weather", {})], 1)
