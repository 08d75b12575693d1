"""What text passes through on its way out: `<think>` blocks and stop sequences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.response.deltas import Reasoning

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class ThinkSplitter:
    """Turn a leading `<think>…</think>` into reasoning.

    Only a block at the very beginning counts: further down, the tag is something that the answer
    talks about. Blanks around the block and around what is inside it are dropped. Where a whole
    answer never closes the block, what was asked for must be somewhere in it: it is delivered as
    text, too, so that nobody ends up with an empty answer.

    Attributes:
        done: Whether there is nothing to split any more.
    """

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        """Start before the first character."""
        self.done = False
        self._held = ""
        self._state = "before"
        self._thought: list[str] = []

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return reasoning and text that can be delivered."""
        if self._state == "after":
            return [text] if text else []
        self._held += text
        if self._state == "before":
            start = self._held.lstrip()
            if start.startswith(self.OPEN):
                self._state = "inside"
                self._held = start[len(self.OPEN) :]
            elif self.OPEN.startswith(start):
                return []
            else:
                return self._pass_on(self._held)
        if self._state == "inside":
            return self._feed_inside()
        return self._feed_behind()

    def close(self, *, whole: bool) -> list[Delta]:
        """End the text, which is `whole` or was cut off; return what was held back."""
        if self._state == "behind":
            return []
        if self._state != "inside":
            return self._pass_on(self._held)
        deltas = self._think(self._held)
        answer = "".join(self._thought).strip() if whole else ""
        return [*deltas, *self._pass_on(answer)]

    def _feed_inside(self) -> list[Delta]:
        thought, closed, rest = self._held.partition(self.CLOSE)
        if closed:
            self._state = "behind"
            self._held = rest
            return [*self._think(thought.rstrip()), *self._feed_behind()]
        # Blanks may turn out to be the last ones, which are dropped.
        stripped = thought[: len(thought) - held_back(thought, (self.CLOSE,))].rstrip()
        self._held = thought[len(stripped) :]
        return self._think(stripped)

    def _feed_behind(self) -> list[Delta]:
        text = self._held.lstrip()
        self._held = ""
        return self._pass_on(text) if text else []

    def _think(self, text: str) -> list[Delta]:
        if not self._thought:
            text = text.lstrip()
        if not text:
            return []
        self._thought.append(text)
        return [Reasoning(text)]

    def _pass_on(self, text: str) -> list[Delta]:
        self._state = "after"
        self.done = True
        self._held = ""
        self._thought = []
        return [text] if text else []


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
