"""Texts and calls, in order -> the deltas that are delivered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.response.deltas import ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_onlysq.response.deltas import Delta


class DeltaCollector:
    """Collects what is delivered next: text without the blanks around calls, and calls."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._deltas: list[Delta] = []
        self._texts: list[str] = []
        # Blanks that are delivered as soon as text follows them.
        self._blanks: list[str] = []
        # Blanks before the calls that stand between the last text and the next one.
        self._gap = ""
        self._has_text = self._after_call = False
        self._index = -1
        self._is_broken = False

    def take(self) -> list[Delta]:
        """Return what was collected since the last time."""
        self._end_text()
        deltas, self._deltas = self._deltas, []
        return deltas

    def text(self, text: str) -> None:
        """Add text; blanks at its end wait for what comes next."""
        core = text.rstrip()
        if not core:
            self._blanks.append(text)
            return
        if self._after_call:
            # Texts around a call are one text in the end: something must stand between them.
            stripped = core.lstrip()
            blanks = self._gap or "".join(self._blanks) + core[: len(core) - len(stripped)]
            self._texts += (blanks if self._has_text else "", stripped)
            self._after_call, self._gap = False, ""
        else:
            self._texts += self._blanks
            self._texts.append(core)
        self._has_text = True
        self._blanks = [text[len(core) :]]

    def call(self, name: str, args: str = "", error: str | None = None) -> None:
        """Begin a call."""
        self._end_text()
        self._gap = self._gap or "".join(self._blanks)
        self._blanks = []
        self._after_call = True
        self._index += 1
        self._is_broken = error is not None
        call_id = self._new_id()
        self._deltas.append(ToolCallDelta(self._index, call_id, name, args, error, sequential=True))

    def more(self, args: str = "", error: str | None = None) -> None:
        """Go on with the last call, unless it is broken already."""
        if (args or error) and not self._is_broken:
            self._is_broken = error is not None
            self._deltas.append(ToolCallDelta(self._index, args=args, error=error))

    def end(self) -> None:
        """End the answer: blanks behind a call are dropped, those behind text are text."""
        if not self._after_call:
            self._texts += self._blanks
        self._blanks = []

    def _end_text(self) -> None:
        if text := "".join(self._texts):
            self._deltas.append(text)
        self._texts = []
