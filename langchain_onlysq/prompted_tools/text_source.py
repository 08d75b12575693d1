"""Text that arrives in pieces, read in order by generators. Pure.

A reader is a generator that yields where the text it needs has not arrived yet, and nothing else.
Readers call one another with `yield from`, so that together they read like a grammar.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import TypeVar

T = TypeVar("T")

Reading = Generator[None, None, T]
"""A reader at work; it returns what it has read."""

BLANKS_IN_LINE = re.compile(r"[^\S\n]+")

_BLANKS = re.compile(r"\s+")
_NOTHING = re.compile(r"(?!)")
_LONGEST_MARK = 64


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
        tags: Marks that begin with `<`, at which readers see an end of the text.
    """

    def __init__(self, text: str = "") -> None:
        self.piece, self.at = text, 0
        self.tags: tuple[str, ...] = ()
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

    def back_to(self, place: int) -> None:
        """Read on from a place before this one."""
        while place < self._start:
            self._after.append(self.piece)
            self.piece = self._before.pop()
            self._start -= len(self.piece)
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

    def skip_over(self, pattern: re.Pattern[str] = _BLANKS) -> Reading[str]:
        """Pass over blanks, or what a pattern matches; return the next character, "" at an end.

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

    def peek(self) -> Reading[str]:
        """Return the next character; "" at an end."""
        return self.skip_over(_NOTHING)

    def need(self, pattern: re.Pattern[str] = _BLANKS) -> Reading[str]:
        """Do what `skip_over` does, but raise `CutOffError` at an end."""
        if char := (yield from self.skip_over(pattern)):
            return char
        raise CutOffError

    def find_mark(self, marks: Sequence[str]) -> Reading[str]:
        """Return which mark stands here, in capital or small letters; "" where none does.

        This waits only while what stands here may yet become one of them.
        """
        while True:
            here = self.piece[self.at : self.at + _LONGEST_MARK].lower()
            for mark in marks:
                if here.startswith(mark):
                    return mark
            begun = any(mark.startswith(here) for mark in marks)
            if not begun or not (yield from self.more()):
                return ""
