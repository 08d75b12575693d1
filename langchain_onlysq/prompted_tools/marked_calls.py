"""Calls behind a mark: which of the bodies follows that may stand there. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from langchain_onlysq.prompted_tools.forms import CLOSERS, FORMS, MARKS, OWN, TAILS
from langchain_onlysq.prompted_tools.json_calls import read_json
from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    NO_MARKS,
    Marks,
    Reading,
    TextSource,
)

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools
    from langchain_onlysq.prompted_tools.written_call import WrittenCall

_MOST_MARKS = 4
_MARK_STARTS = frozenset("<[")


class Marked(NamedTuple):
    """What was read behind a mark.

    Attributes:
        calls: The calls; none where no body follows, and then all is to be read again.
        marks: The opening marks that stand before them.
        body: Place of the calls, or of the first of them.
        closers: The marks that may follow.
    """

    calls: list[WrittenCall]
    marks: tuple[str, ...]
    body: int
    closers: frozenset[str]


@lru_cache(128)
def tags_of(*marks: str) -> Marks:
    """Return what ends a call behind these marks: those of them that begin like a tag."""
    closers = {closer for mark in marks for closer in FORMS[mark].closers}
    openers = {*marks, OWN} if OWN in marks else marks
    return Marks(
        (mark for mark in openers if mark.startswith("<")),
        (mark for mark in closers if mark.startswith("<")),
    )


def read_marked(source: TextSource, tools: BoundTools, mark: str) -> Reading[Marked]:
    """Read a mark, others that may stand in it, and the calls behind them."""
    marks: tuple[str, ...] = ()
    calls: list[WrittenCall] = []
    body = source.offset
    while mark in FORMS and not calls and len(marks) < _MOST_MARKS:
        marks, holds_others = (*marks, mark), FORMS[mark].holds_others
        source.take(len(mark))
        char = yield from source.skip_over(BLANKS)
        body = source.offset
        # No body begins with a mark, unless with one that is a word.
        mark = (yield from source.find_mark(MARKS)) if char in _MARK_STARTS else ""
        if not mark:
            calls = yield from _read_bodies(source, tools, marks)
        if not (mark or calls):
            mark = yield from source.find_mark(MARKS)
        mark = mark if holds_others else ""
    closers = frozenset(closer for mark in marks for closer in FORMS[mark].closers)
    return Marked(calls, marks, body, closers)


def read_further(
    source: TextSource, tools: BoundTools, marks: tuple[str, ...]
) -> Reading[list[WrittenCall]]:
    """Read JSON that follows calls; leave all unread where none does."""
    end = source.offset
    char = yield from source.skip_over(BLANKS)
    may_follow = char == "{" and marks and read_json in FORMS[marks[-1]].bodies
    if may_follow and (calls := (yield from _read_bodies(source, tools, marks))):
        return calls
    source.go_to(end)
    return []


def _read_bodies(
    source: TextSource, tools: BoundTools, marks: tuple[str, ...]
) -> Reading[list[WrittenCall]]:
    """Read the calls in the first of the bodies that follows; leave all unread if none does."""
    body = source.offset
    source.tags = tags_of(*marks)
    try:
        for read in FORMS[marks[-1]].bodies:
            if calls := (yield from read(source, tools)):
                return calls
            source.go_to(body)
    finally:
        source.tags = NO_MARKS
    return []


def read_closers(source: TextSource, closers: frozenset[str]) -> Reading[frozenset[str]]:
    """Read the marks that follow calls, also such that nothing has opened.

    Args:
        source: The text.
        closers: Those that may come, now or later.

    Returns:
        Those that may yet come.
    """
    while True:
        end = source.offset
        yield from source.skip_over(BLANKS)
        mark = yield from source.find_mark(MARKS)
        if not (mark in closers or mark in CLOSERS or mark in TAILS):
            source.go_to(end)
            return closers
        source.take(len(mark))
        closers -= {mark}
