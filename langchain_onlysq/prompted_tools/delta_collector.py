"""Texts and calls, in order -> the deltas that are delivered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.written_call import WrittenCall
from langchain_onlysq.response.deltas import Reasoning, ToolCallDelta
from langchain_onlysq.response.json_text import mend_escapes
from langchain_onlysq.response.sse import replace_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_onlysq.response.deltas import Delta


class DeltaCollector:
    """Collects what is delivered next: text without the blanks around calls, and calls.

    Attributes:
        last: The last character of the text that is not blank; "" before it and after a call.
    """

    def __init__(self, new_id: Callable[[], str], first_index: int = 0) -> None:
        """Start before the first delta.

        Args:
            new_id: Makes the ids of calls.
            first_index: Index of the first call.
        """
        self.last = ""
        self._new_id = new_id
        self._deltas: list[Delta] = []
        self._texts: list[str] = []
        # Blanks that are delivered as soon as text follows them.
        self._blanks: list[str] = []
        # Blanks before the calls that stand between the last text and the next one.
        self._gap = ""
        self._has_text = self._after_call = False
        self._first_index = first_index
        self._index = first_index - 1
        self._is_broken = False

    @property
    def is_empty(self) -> bool:
        """Whether there was neither text nor a call yet."""
        return not self._has_text and self._index < self._first_index

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
        self.last = core[-1]
        self._blanks = [text[len(core) :]]

    def call(self, name: str, args: str = "", error: str | None = None) -> None:
        """Begin a call."""
        self._end_text()
        self._gap = self._gap or "".join(self._blanks)
        self._blanks = []
        self._after_call, self.last = True, ""
        self._index += 1
        self._is_broken = error is not None
        call_id, args = self._new_id(), mend_escapes(replace_surrogates(args))
        self._deltas.append(ToolCallDelta(self._index, call_id, name, args, error, sequential=True))

    def add(self, call: WrittenCall) -> None:
        """Add a whole call, and what is said before it."""
        if call.said:
            self.text(call.said)
        self.call(call.name, call.args, call.error)

    def more(self, args: str = "", error: str | None = None) -> None:
        """Go on with the last call, unless it is broken already."""
        if (args or error) and not self._is_broken:
            self._is_broken = error is not None
            self._deltas.append(ToolCallDelta(self._index, args=args, error=error))

    def reasoning(self, text: str) -> None:
        """Add reasoning."""
        if text:
            self._end_text()
            self._deltas.append(Reasoning(text))

    def end(self) -> None:
        """End the answer: blanks behind a call are dropped, those behind text are text."""
        if not self._after_call:
            self._texts += self._blanks
        self._blanks = []

    def _end_text(self) -> None:
        if text := "".join(self._texts):
            self._deltas.append(text)
        self._texts = []


class CallBuffer:
    """Keeps calls until it is known whether they are meant."""

    def __init__(self) -> None:
        """Start without a call."""
        # Calls, and the further arguments of each.
        self._calls: list[tuple[WrittenCall, list[str]]] = []

    def call(self, name: str, args: str = "", error: str | None = None) -> None:
        """Begin a call."""
        self.add(WrittenCall(name, args, error))

    def add(self, call: WrittenCall) -> None:
        """Add a whole call, and what is said before it."""
        self._calls.append((call, []))

    def more(self, args: str = "", error: str | None = None) -> None:
        """Go on with the last call, unless it is broken already."""
        call, further = self._calls[-1]
        if call.error is None:
            further.append(args)
            self._calls[-1] = call._replace(error=error), further

    def deliver(self, collector: DeltaCollector) -> None:
        """Deliver the calls."""
        for call, further in self._calls:
            collector.add(call._replace(args="".join((call.args, *further))))
