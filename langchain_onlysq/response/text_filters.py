"""What text passes through on its way out: `<think>` blocks and stop sequences. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from langchain_onlysq.response.deltas import Reasoning
from langchain_onlysq.response.message_headers import (
    HEADER_END,
    HEADER_STARTS,
    LONGEST_HEADER,
    MESSAGE_ENDS,
    TEXT_CHANNELS,
    THOUGHT_CHANNEL,
    THOUGHT_END,
    parse_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_onlysq.response.deltas import Delta, TextFilter


def held_back(text: str, marks: Sequence[str]) -> int:
    """Return how many characters at the end of `text` may be the start of one of the marks."""
    longest = 0
    for mark in marks:
        for size in range(min(len(mark) - 1, len(text)), longest, -1):
            if text.endswith(mark[:size]):
                longest = size
                break
    return longest


class _Closing(NamedTuple):
    """What closes reasoning.

    Attributes:
        marks: What it begins with.
        pattern: What it is; it is dropped.
    """

    marks: tuple[str, ...]
    pattern: re.Pattern[str]


def _closing(mark: str) -> _Closing:
    return _Closing((mark,), re.compile(re.escape(mark)))


_BLOCKS = {
    "<think>": _closing("</think>"),
    "<seed:think>": _closing("</seed:think>"),
    "[THINK]": _closing("[/THINK]"),
    "<|START_THINKING|>": _closing("<|END_THINKING|>"),
    "<|inner_prefix|>": _closing("<|inner_suffix|>"),
    "<|channel>thought": _closing("<channel|>"),
}
"""What opens and closes reasoning, in the spellings of several models."""
_THOUGHT = _Closing(
    (THOUGHT_END, *HEADER_STARTS),
    re.compile(f"{re.escape(THOUGHT_END)}|(?={'|'.join(map(re.escape, HEADER_STARTS))})"),
)
"""What closes reasoning of gpt-oss: its end, or the header of the next message."""

_LONGEST_OPENER = max(map(len, (*_BLOCKS, *HEADER_STARTS)))
_FIRST_CHARACTERS = frozenset(opener[0] for opener in (*_BLOCKS, *HEADER_STARTS))
_BLANKS = re.compile(r"\s+")
_MESSAGE_END = re.compile("|".join(map(re.escape, MESSAGE_ENDS)))
_CALL_MARKS = (
    "<|tool_calls_section_begin|>",
    "<|tool_call_begin|>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>",
)
"""Marks of calls that end reasoning that is never closed, as some models write it."""
_CALL_MARK = re.compile("|".join(map(re.escape, _CALL_MARKS)))


def _may_open(start: str, blocks: Iterable[str]) -> bool:
    """Tell whether the beginning of a text may go on to be an opener."""
    return any(opener.startswith(start) for opener in (*blocks, *HEADER_STARTS))


class ThinkSplitter:
    """Turn a leading `<think>…</think>` into reasoning, or what other models write instead.

    Only a block at the very beginning counts: further down, the tag is something that the answer
    talks about. Blanks around the block and around what is inside it are dropped. Where a whole
    answer never closes the block, what was asked for must be somewhere in it: it is delivered as
    text, too, so that nobody ends up with an empty answer; or only what begins with the mark of a
    call, if there is one.

    Attributes:
        done: Whether there is nothing to split any more.
    """

    def __init__(self) -> None:
        """Start before the first character."""
        self.done = False
        # What is being read, and up to which place it was.
        self._text, self._at = "", 0
        # Blanks that count if something follows them.
        self._blanks: list[str] = []
        self._state = self._before
        # Which blocks may begin here, beside messages.
        self._blocks = _BLOCKS
        self._closing = _THOUGHT
        self._thought: list[str] = []
        # What stands behind the mark of a call, in reasoning that has not been closed.
        self._called: list[str] = []

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return reasoning and text that can be delivered."""
        if self.done:
            return [text] if text else []
        left = self._text[self._at :]
        self._text, self._at = left + text if left else text, 0
        deltas: list[Delta] = []
        while self._state(deltas):
            pass
        return deltas

    def close(self, *, whole: bool) -> list[Delta]:
        """End the text, which is `whole` or was cut off; return what was held back."""
        deltas: list[Delta] = []
        rest = self._take(len(self._text))
        if self._state == self._inside:
            self._think(rest, deltas)
            self._pass_on("".join(self._thought).strip() if whole else "", deltas)
        elif self._state == self._behind_call:
            called = "".join((*self._called, rest))
            (self._pass_on if whole else self._think)(called, deltas)
        elif self._state != self._behind:
            self._pass_on("".join((*self._blanks, rest)), deltas)
        return deltas

    def _take(self, end: int) -> str:
        """Read up to a place."""
        start, self._at = self._at, end
        return self._text[start:end]

    def _take_but(self, marks: Sequence[str]) -> str:
        """Read all but what may be the beginning of one of the marks."""
        start = max(len(self._text) - max(map(len, marks)), self._at)
        return self._take(len(self._text) - held_back(self._text[start:], marks))

    def _before(self, deltas: list[Delta]) -> bool:
        """Look for what opens reasoning, or for the header of a message; go on if it has come."""
        if blanks := _BLANKS.match(self._text, self._at):
            self._blanks.append(self._take(blanks.end()))
        start = self._text[self._at : self._at + _LONGEST_OPENER]
        if start and start[0] not in _FIRST_CHARACTERS:
            self._pass_on_rest(deltas)
            return False
        if start.startswith(HEADER_STARTS):
            return self._header(deltas)
        for opener, closing in self._blocks.items():
            if start.startswith(opener):
                self._begin(self._at + len(opener), closing)
                return True
        if len(start) == _LONGEST_OPENER or not _may_open(start, self._blocks):
            self._pass_on_rest(deltas)
        return False

    def _header(self, deltas: list[Delta]) -> bool:
        """Read the header of a message with reasoning or text; go on if it is one."""
        last = self._at + LONGEST_HEADER + len(HEADER_END)
        end = self._text.find(HEADER_END, self._at, last)
        if end < 0 and len(self._text) < last:
            return False
        header = parse_header(self._text[self._at : max(end, self._at)])
        is_thought = header.channel == THOUGHT_CHANNEL
        if header.recipient or not (is_thought or header.channel in TEXT_CHANNELS):
            self._pass_on_rest(deltas)
            return False
        self._begin(end + len(HEADER_END), _THOUGHT if is_thought else None)
        return True

    def _begin(self, place: int, closing: _Closing | None) -> None:
        """Begin reasoning, or else text, at a place."""
        self._at, self._blanks = place, []
        self._closing = closing or self._closing
        self._state = self._inside if closing else self._message

    def _inside(self, deltas: list[Delta]) -> bool:
        """Read reasoning up to what closes it, or to the mark of a call."""
        closed = self._closing.pattern.search(self._text, self._at)
        end = closed.start() if closed else len(self._text)
        if called := _CALL_MARK.search(self._text, self._at, end):
            self._think(self._take(called.start()), deltas)
            self._state = self._behind_call
            return True
        if closed:
            self._end_thought(self._take(end), closed, deltas)
            return True
        self._think(self._take_but((*self._closing.marks, *_CALL_MARKS)), deltas)
        return False

    def _behind_call(self, deltas: list[Delta]) -> bool:
        """Hold back the mark of a call and all behind it, up to what closes the reasoning."""
        closed = self._closing.pattern.search(self._text, self._at)
        if not closed:
            self._called.append(self._take_but(self._closing.marks))
            return False
        thought = "".join((*self._called, self._take(closed.start())))
        self._called = []
        self._end_thought(thought, closed, deltas)
        return True

    def _end_thought(self, thought: str, closed: re.Match[str], deltas: list[Delta]) -> None:
        """End reasoning, and read what closes it."""
        self._think(thought, deltas)
        self._at, self._blanks = closed.end(), []
        if self._closing is _THOUGHT:
            self._blocks, self._state = {}, self._before
        else:
            self._state = self._behind

    def _behind(self, deltas: list[Delta]) -> bool:
        """Drop the blanks behind reasoning."""
        if text := self._take(len(self._text)).lstrip():
            self._pass_on(text, deltas)
        return False

    def _message(self, deltas: list[Delta]) -> bool:
        """Read the text of a message, whose end may be marked."""
        found = _MESSAGE_END.search(self._text, self._at)
        text = self._take(found.start()) if found else self._take_but(MESSAGE_ENDS)
        if text:
            deltas.append(text)
        if found:
            self._at = found.end()
            self._blocks, self._state = {}, self._before
        return bool(found)

    def _think(self, text: str, deltas: list[Delta]) -> None:
        """Deliver reasoning; the blanks at its end wait for what follows, those before it go."""
        core = text.rstrip()
        if not core:
            self._blanks.append(text)
            return
        thought = "".join((*self._blanks, core)) if self._thought else core.lstrip()
        self._blanks = [text[len(core) :]]
        self._thought.append(thought)
        deltas.append(Reasoning(thought))

    def _pass_on_rest(self, deltas: list[Delta]) -> None:
        rest = self._take(len(self._text))
        self._pass_on("".join((*self._blanks, rest)), deltas)

    def _pass_on(self, text: str, deltas: list[Delta]) -> None:
        self.done = True
        self._text, self._at = "", 0
        self._blanks, self._thought = [], []
        if text:
            deltas.append(text)


class StopCutter:
    """End the text before the first stop sequence, also where it is cut over several pieces.

    Attributes:
        hit: True once a stop sequence was found.
        done: False: there is always something to watch for.
    """

    done = False

    def __init__(self, stops: Sequence[str]) -> None:
        """Watch for any of `stops`, none of them empty."""
        self._stops = stops
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return what stands before any stop sequence."""
        if self.hit:
            return []
        text = self._held + text
        first = self._first(text)
        # A sequence that began earlier, and may yet be completed, would be the first one.
        begun = len(text) - held_back(text, self._stops)
        if first < begun:
            self.hit = True
            begun = first
        self._held = "" if self.hit else text[begun:]
        return [text[:begun]] if begun else []

    def close(self, *, whole: bool) -> list[Delta]:  # noqa: ARG002 - what was held back is text
        """End the text; return what was held back."""
        text, self._held = self._held, ""
        first = self._first(text)
        self.hit = self.hit or first < len(text)
        return [text[:first]] if first else []

    def _first(self, text: str) -> int:
        """Return where the first stop sequence begins, or the length of the text."""
        found = (text.find(stop) for stop in self._stops)
        return min((position for position in found if position >= 0), default=len(text))


def pass_through(deltas: list[Delta], filters: Sequence[TextFilter]) -> list[Delta]:
    """Pass deltas through filters, one behind the other; what is not text passes as it is."""
    for text_filter in filters:
        passed: list[Delta] = []
        for delta in deltas:
            if type(delta) is str:
                passed += text_filter.feed(delta)
            else:
                passed.append(delta)
        deltas = passed
    return deltas


def close_all(filters: Sequence[TextFilter], *, whole: bool) -> list[Delta]:
    """End the text of all filters; return what they held back."""
    deltas: list[Delta] = []
    for position, text_filter in enumerate(filters):
        deltas += pass_through(text_filter.close(whole=whole), filters[position + 1 :])
    return deltas
