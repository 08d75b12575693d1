"""Text that arrives in pieces, read in order by generators. Pure.

A reader is a generator that yields where the text it needs has not arrived yet, and nothing else.
Readers call one another with `yield from`, so that together they read like a grammar.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

Reading = Generator[None, None, T]
"""A reader at work; it returns what it has read."""

BLANKS = re.compile(r"\s+")
BLANKS_IN_LINE = re.compile(r"[^\S\n]+")
NOTHING = re.compile(r"(?!)")


class Marks:
    """Texts that something begins or ends with, in capital or small letters.

    None of them is the beginning of another one.

    Attributes:
        all: The marks.
        closers: Those that end something.
    """

    def __init__(self, openers: Iterable[str] = (), closers: Iterable[str] = ()) -> None:
        """Take the marks, all in small letters."""
        self.closers = frozenset(closers)
        self.all = marks = {*openers, *self.closers}
        any_mark = "|".join(map(re.escape, sorted(marks))) or NOTHING.pattern
        self._pattern = re.compile(any_mark, re.IGNORECASE | re.ASCII)
        self._begun = {mark[:size] for mark in marks for size in range(len(mark))}
        self._longest = max(map(len, marks), default=0)

    def at(self, text: str, place: int) -> str:
        """Return the mark that stands at a place, in small letters; "" where none does."""
        found = self._pattern.match(text, place)
        return found[0].lower() if found else ""

    def begun_at(self, text: str, place: int) -> bool:
        """Tell whether the text ends, from this place on, with the beginning of a mark."""
        return len(text) - place < self._longest and text[place:].lower() in self._begun

    def next_in(self, text: str, place: int, last: int) -> int:
        """Return where the next mark stands, or the first place where one may yet come.

        Args:
            text: The text.
            place: Where to begin.
            last: The last place where a mark is looked for.
        """
        end = min(len(text), last + self._longest)
        found = self._pattern.search(text, place, end)
        return found.start() if found else max(place, end - max(self._longest - 1, 0))


NO_MARKS = Marks()


class FormError(Exception):
    """The text is not of the form that it was read as."""


class CutOffError(FormError):
    """The text ended where this form goes on."""


class TextSource:
    """A text that arrives in pieces, and the place in it that was read up to.

    A place is an offset in the whole text. What was read since the last `forget` is kept: to go
    back to a place and read it again, or to have it as one string.

    Attributes:
        piece: The piece that is being read.
        at: Where in it the next character is.
        whole: Whether the text has ended, and was not cut off.
        tags: Marks that begin with `<`, at which `skip_over` and `need` see an end of the text.
            Those that close something are in doubt inside of strings.
    """

    def __init__(self, text: str = "") -> None:
        self.piece, self.at = text, 0
        self.tags = NO_MARKS
        self.whole = self._ended = False
        # Offset of the piece; the pieces before it; those after it, the next one last.
        self._start = 0
        self._before: list[str] = []
        self._after: list[str] = []

    @property
    def offset(self) -> int:
        """The place of the next character."""
        return self._start + self.at

    def feed(self, text: str) -> None:
        """Add the next piece."""
        self._after.insert(0, text)

    def end(self, *, whole: bool) -> None:
        """End the text, which is `whole` or was cut off."""
        self._ended, self.whole = True, whole

    def pass_over(self, text: str) -> None:
        """Count a piece as read, where all the others were read."""
        self._start += self.at + len(text)
        self.piece, self.at = "", 0

    def forget(self) -> None:
        """Drop what was read: nobody goes back to it."""
        self._before.clear()

    def take(self, size: int) -> str:
        """Read characters of this piece."""
        start = self.at
        self.at += size
        return self.piece[start : self.at]

    def since(self, place: int, end: int | None = None) -> str:
        """Return the text from a place up to another one, or up to this one."""
        start, parts = self._start, [self.piece[max(place - self._start, 0) : self.at]]
        for piece in reversed(self._before):
            if start <= place:
                break
            start -= len(piece)
            parts.append(piece[max(place - start, 0) :])
        text = "".join(reversed(parts))
        return text if end is None else text[: end - place]

    def go_to(self, place: int) -> None:
        """Read on from a place that has arrived, and was not forgotten."""
        while place < self._start:
            self._after.append(self.piece)
            self.piece = self._before.pop()
            self._start -= len(self.piece)
        while place > self._start + len(self.piece):
            self._before.append(self.piece)
            self._start += len(self.piece)
            self.piece = self._after.pop()
        self.at = place - self._start

    def more(self) -> Reading[bool]:
        """Add the next piece to what is left of this one; return whether there is one."""
        while not self._after:
            if self._ended:
                return False
            yield
        left = self.piece[self.at :]
        self._before.append(self.piece[: self.at])
        self._start += self.at
        self.piece, self.at = left + self._after.pop(), 0
        return True

    def skip_over(self, pattern: re.Pattern[str] = NOTHING) -> Reading[str]:
        """Pass over what a pattern matches; return the character after it, "" at an end.

        The pattern must match a text in parts just as it matches the whole.
        """
        while True:
            if match := pattern.match(self.piece, self.at):
                self.at = match.end()
            if self.at < len(self.piece):
                char = self.piece[self.at]
                is_end = char == "<" and (yield from self.find_mark(self.tags))
                return "" if is_end else char
            if not (yield from self.more()):
                return ""

    def need(self, pattern: re.Pattern[str] = NOTHING) -> Reading[str]:
        """Do what `skip_over` does, but raise `CutOffError` at an end."""
        if char := (yield from self.skip_over(pattern)):
            return char
        raise CutOffError

    def find_mark(self, marks: Marks) -> Reading[str]:
        """Return which mark stands here; "" where none does.

        This waits only while what stands here may yet become one of them.
        """
        while not (mark := marks.at(self.piece, self.at)):
            if not marks.begun_at(self.piece, self.at) or not (yield from self.more()):
                return ""
        return mark

    def up_to(self, marks: Marks, most: int = sys.maxsize) -> Reading[str]:
        """Pass over all before the next mark.

        Args:
            marks: The marks.
            most: How many characters may stand before it.

        Returns:
            The mark; "" at the end of the text, or where the mark is too far away.
        """
        last = self.offset + most
        while True:
            self.at = marks.next_in(self.piece, self.at, last - self._start)
            if self.offset > last:
                return ""
            if mark := marks.at(self.piece, self.at):
                return mark
            if not (yield from self.more()):
                self.at = len(self.piece)
                return ""

    def search(self, pattern: re.Pattern[str], most: int) -> Reading[re.Match[str] | None]:
        """Pass over all up to the end of the next match; return it, None at the end of the text.

        Args:
            pattern: A pattern that needs no more of the text than it matches.
            most: How long a match can be.
        """
        while True:
            if found := pattern.search(self.piece, self.at):
                self.at = found.end()
                return found
            self.at = max(self.at, len(self.piece) - most)
            if not (yield from self.more()):
                self.at = len(self.piece)
                return None
