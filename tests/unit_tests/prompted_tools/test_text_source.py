"""A text in pieces reads like the whole: what a pattern matches, marks, places to go back to."""

from __future__ import annotations

import itertools
import re
from typing import TypeVar

import pytest

from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    NO_MARKS,
    CutOffError,
    Marks,
    Reading,
    TextSource,
)
from tests.support.sliced_text import SlicedText

T = TypeVar("T")

LETTERS = re.compile("[a-z]+")
MARKS = Marks(("<tool_call>",), ("</tool_call>",))


def result_of(reading: Reading[T]) -> T:
    """Return what is read without waiting."""
    with pytest.raises(StopIteration) as end:
        next(reading)
    value: T = end.value.value
    return value


def source_of(*pieces: str, ended: bool = True) -> TextSource:
    source = TextSource()
    for piece in pieces:
        source.feed(piece)
    if ended:
        source.end(whole=True)
    return source


@pytest.mark.parametrize("pieces", [["abc 1"], ["", "ab", "", "c", " ", "1"], ["abc", " 1"]])
def test_a_pattern_is_followed_over_the_pieces(pieces: list[str]) -> None:
    source = source_of(*pieces)
    assert result_of(source.skip_over(LETTERS)) == " "
    assert source.offset == 3
    assert result_of(source.skip_over(LETTERS)) == " "
    assert result_of(source.need(BLANKS)) == "1"
    assert source.take(1) == "1"
    assert result_of(source.skip_over()) == ""
    with pytest.raises(CutOffError):
        next(source.need())


def test_a_reader_waits_for_the_next_piece_and_reads_on_in_it() -> None:
    source = TextSource("ab")
    reading = source.skip_over(LETTERS)
    for piece in ("c", "", "d"):
        assert next(reading) is None
        source.feed(piece)
    next(reading)
    source.end(whole=False)
    assert result_of(reading) == ""
    assert (source.offset, source.whole) == (4, False)


def test_places_may_be_in_any_piece() -> None:
    text = "abcdefgh"
    for size in (1, 2, 3, 8):
        source = source_of(*(text[at : at + size] for at in range(0, 8, size)))
        result_of(source.skip_over(LETTERS))
        for start, end in itertools.combinations_with_replacement(range(9), 2):
            assert source.since(start, end) == text[start:end]
        for place in (8, 5, 0, 3):
            source.go_to(min(place, source.offset))
            read_from = source.offset
            result_of(source.skip_over(LETTERS))
            assert source.since(read_from) == text[read_from:]


def test_what_was_forgotten_or_passed_over_counts_in_places() -> None:
    source = source_of("ab", "cd", ended=False)
    assert next(source.skip_over(LETTERS)) is None
    source.forget()
    source.pass_over("xyz")
    source.feed("ef1")
    start = source.offset
    assert start == 7
    assert result_of(source.skip_over(LETTERS)) == "1"
    assert source.since(start) == "ef"
    source.go_to(start)
    assert source.take(3) == "ef1"


@pytest.mark.parametrize(
    ("pieces", "mark"),
    [
        (["<tool_call>x"], "<tool_call>"),
        (["<to", "ol", "", "_CALL", ">"], "<tool_call>"),
        (["</TOOL_call", "> "], "</tool_call>"),
        (["<tool_call"], ""),
        (["<", "b>"], ""),
        (["x"], ""),
        ([], ""),
    ],
)
def test_marks_are_found_where_they_stand(pieces: list[str], mark: str) -> None:
    source = source_of(*pieces)
    assert result_of(source.find_mark(MARKS)) == mark
    assert source.offset == 0
    assert result_of(source.find_mark(NO_MARKS)) == ""


@pytest.mark.parametrize(("text", "waits"), [("<tool", True), ("<tools", False), ("</b", False)])
def test_a_mark_is_waited_for_no_longer_than_it_may_be_one(text: str, waits: bool) -> None:  # noqa: FBT001
    source = source_of(text, ended=False)
    assert (next(source.find_mark(MARKS), "found") is None) == waits


def test_a_tag_ends_the_text_for_those_who_read_on() -> None:
    source = source_of("ab<", "b><tool_", "call>c")
    source.tags = MARKS
    assert result_of(source.skip_over(LETTERS)) == "<"
    assert source.take(3) == "<b>"
    assert result_of(source.skip_over(LETTERS)) == ""
    assert source.offset == 5
    source.tags = NO_MARKS
    assert result_of(source.skip_over()) == "<"


def test_no_more_is_copied_than_is_asked_for() -> None:
    source = TextSource(SlicedText("x" * 1000))
    source.take(900)
    before = SlicedText.copied
    place = source.offset
    assert source.take(1) == "x"
    assert source.since(place) == "x"
    assert result_of(source.find_mark(MARKS)) == ""
    source.go_to(place)
    assert SlicedText.copied - before < 100
