"""What is delivered: texts with the blanks between them, calls without those around them."""

from __future__ import annotations

import itertools

from langchain_onlysq.prompted_tools.delta_collector import DeltaCollector
from langchain_onlysq.response.deltas import Delta, ToolCallDelta


def collector() -> DeltaCollector:
    numbers = itertools.count()
    return DeltaCollector(lambda: f"id{next(numbers)}")


def all_of(*texts: str | None) -> list[Delta]:
    """Collect texts, and a call for each None."""
    collected = collector()
    for text in texts:
        if text is None:
            collected.call("w")
        else:
            collected.text(text)
    collected.end()
    return collected.take()


def texts_of(*texts: str | None) -> list[Delta]:
    return [delta for delta in all_of(*texts) if isinstance(delta, str)]


def test_texts_are_put_together_and_keep_their_blanks() -> None:
    assert all_of(" a", " ", "\n b", "c ", " ") == [" a \n bc  "]
    assert all_of(" ", "\n") == [" \n"]
    assert all_of() == []


def test_blanks_wait_for_the_text_behind_them() -> None:
    collected = collector()
    collected.text("a \n")
    assert collected.take() == ["a"]
    collected.text(" ")
    assert collected.take() == []
    collected.text("b")
    assert collected.take() == [" \n b"]


def test_of_the_blanks_around_calls_the_first_stand_between_the_texts() -> None:
    assert texts_of(" ", None, "\n", None, " ") == []
    assert texts_of("a", None, "b") == ["a", "b"]
    assert texts_of("a\n", None, " b") == ["a", "\nb"]
    assert texts_of("a", None, " ", None, "\n\n", "b") == ["a", " b"]
    assert texts_of("a", None, " \n", "\tb ") == ["a", " \n\tb "]
    assert texts_of(None, " b", None, "\nc") == ["b", "\nc"]


def test_a_call_goes_on_until_it_is_broken() -> None:
    collected = collector()
    collected.call("w")
    collected.more("{")
    collected.more()
    collected.more(error="broken")
    collected.more("}", error="again")
    collected.call("", "x", "at once")
    collected.more(error="again")
    assert collected.take() == [
        ToolCallDelta(0, "id0", "w"),
        ToolCallDelta(0, args="{"),
        ToolCallDelta(0, error="broken"),
        ToolCallDelta(1, "id1", "", "x", "at once"),
    ]
