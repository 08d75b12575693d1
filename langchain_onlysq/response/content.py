"""What stands in the messages of an answer -> deltas: text, reasoning, tool calls. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_onlysq.response.deltas import Delta, Reasoning
from langchain_onlysq.response.halves import HalfJoiner
from langchain_onlysq.response.json_text import bounded
from langchain_onlysq.response.message_parts import deltas_of, text_of
from langchain_onlysq.response.sse import without_surrogates
from langchain_onlysq.response.text_filters import (
    StopCutter,
    ThinkSplitter,
    close_all,
    pass_through,
)
from langchain_onlysq.settings.loading import loading

if TYPE_CHECKING:
    from langchain_onlysq.response.deltas import TextFilter
    from langchain_onlysq.response.tool_calls import ToolCallTable
    from langchain_onlysq.settings.call_options import (
        CallOptions,
    )

BEHIND_OTHER_CALLS = 1_000
"""Index of the first call of the kind that was not asked for, in the text or native: two calls
stay two."""


class ContentReader:
    """Reads the content of one answer, message by message, and passes its text through filters.

    Attributes:
        additional: What is neither text nor reasoning nor a call, for `additional_kwargs`.
        has_parts: Whether a part of the answer is in there: a refusal, say.
    """

    def __init__(
        self,
        options: CallOptions,
        call_reader: TextFilter | None,
        object_filter: TextFilter | None = None,
    ) -> None:
        """Start before the first message.

        Args:
            options: The settings of this call.
            call_reader: Finds calls of tools in the text; None where there are none in it.
            object_filter: Drops what stands around an object; None where all text is wanted.
        """
        self.additional: dict[str, Any] = {}
        self.has_parts = False
        self._stop_cutter = StopCutter(options.stop) if options.stop else None
        think_splitter = ThinkSplitter() if options.parse_reasoning else None
        filters = (think_splitter, self._stop_cutter, call_reader, object_filter)
        self._filters = [text_filter for text_filter in filters if text_filter is not None]
        is_native = call_reader is None or options.native_tools
        self._first_native_call = 0 if is_native else BEHIND_OTHER_CALLS
        self._calls: ToolCallTable | None = None
        self._reasoning, self._refusal = HalfJoiner(), HalfJoiner()
        self._has_halves = False

    @property
    def found_stop(self) -> bool:
        """Whether a stop sequence was found, so that the answer ends there."""
        return self._stop_cutter is not None and self._stop_cutter.hit

    def expect_halves(self) -> None:
        """Be ready for characters of which two messages bring a half each, from now on."""
        if not self._has_halves:
            self._has_halves = True
            self._filters.insert(0, HalfJoiner())

    def read(self, message: dict[str, Any], deltas: list[Delta]) -> None:
        """Read a message, or the delta of one, and add what is in it."""
        reasoning = text_of(message.get("reasoning_content") or message.get("reasoning"))
        if reasoning := self._reasoning.join(reasoning):
            deltas.append(Reasoning(reasoning))
        if content := message.get("content"):
            pieces, others = deltas_of(content)
            if self._has_halves:
                pieces, others = self._joined(pieces), without_surrogates(others)
            self._filter(pieces, deltas)
            if others:
                self.has_parts = True
                self.additional.setdefault("content_parts", []).extend(bounded(others))
        if calls := message.get("tool_calls") or message.get("function_call"):
            if self._calls is None:
                with loading:
                    from langchain_onlysq.response.tool_calls import ToolCallTable

                self._calls = ToolCallTable(self._first_native_call)
            deltas += self._calls.feed(calls)
        if refusal := message.get("refusal"):
            self._refuse(self._refusal.join(text_of(refusal)))
        if annotations := message.get("annotations"):
            if self._has_halves:
                annotations = without_surrogates(annotations)
            self.additional["annotations"] = bounded([annotations])[0]

    def read_text(self, text: str, deltas: list[Delta]) -> None:
        """Read a text, and add what can be delivered of it."""
        if self._filters:
            self._filter([text], deltas)
        else:
            deltas.append(text)

    def close(self, *, whole: bool) -> list[Delta]:
        """End the content, which is `whole` or was cut off; return what was held back."""
        filters, self._filters = self._filters, []
        deltas = close_all(filters, whole=whole)
        if thought := self._reasoning.rest():
            deltas.append(Reasoning(thought))
        if refused := self._refusal.rest():
            self._refuse(refused)
        calls, self._calls = self._calls, None
        return [*deltas, *calls.close(whole=whole)] if calls else deltas

    def _refuse(self, refusal: str) -> None:
        self.has_parts = True
        self.additional["refusal"] = self.additional.get("refusal", "") + refusal

    def _joined(self, pieces: list[Delta]) -> list[Delta]:
        """Return pieces with reasoning in whole characters; text passes a filter for that."""
        whole = (
            Reasoning(self._reasoning.join(piece)) if isinstance(piece, Reasoning) else piece
            for piece in pieces
        )
        return [piece for piece in whole if piece]

    def _filter(self, pieces: list[Delta], deltas: list[Delta]) -> None:
        deltas += pass_through(pieces, self._filters)
        if self._filters and self._filters[0].done:
            del self._filters[0]
