"""When an answer is whole, and what is wrong with one that is not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import OnlySqError, OnlySqStreamError
from langchain_onlysq.response import failures
from langchain_onlysq.response.finish_reasons import reached_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_onlysq.errors.context import ErrorContext
    from langchain_onlysq.settings.call_options import (
        CallOptions,
    )

BLANKS = b"\xef\xbb\xbf \t\r\n"
"""What may stand before a body: a byte order mark and white space."""

_SSE_OPENINGS = (b":", b"data:", b"event:", b"id:", b"retry:")


class EndRule:
    """Collects what shows that an answer is whole.

    An end mark is a finish reason, `[DONE]`, a whole message, or a chunk with usage and without
    choices. A stream that just ends has none, and nobody can tell how much of it is missing.

    Attributes:
        marked: Whether an end mark was seen.
        has_content: Whether there was anything in the answer: text, reasoning, a call, a refusal.
        has_choices: Whether an event had a choice in it.
        keys: Keys of an event that should have had choices, and had none.
        finish_reason: The finish reason, as it was sent.
    """

    __slots__ = ("finish_reason", "has_choices", "has_content", "keys", "marked")

    def __init__(self) -> None:
        """Start before the first event."""
        self.marked = False
        self.has_content = False
        self.has_choices = False
        self.keys: Sequence[Any] | None = None
        self.finish_reason: str | None = None

    def broken(
        self, options: CallOptions, context: ErrorContext, *, opening: bytes | None
    ) -> OnlySqError | None:
        """Return what is wrong with an answer that has ended; None where it is whole.

        Args:
            options: What the caller allows.
            context: What an error message may say and must not show.
            opening: The first bytes of a body that had no object in it; None where it had one.
        """
        if not self.marked:
            error = self._incomplete(context, opening)
            if not (options.allow_truncated_stream and isinstance(error, OnlySqStreamError)):
                return error
        if self.has_content or options.allow_empty:
            return None
        if self.finish_reason and reached_limit(self.finish_reason):
            return failures.empty_at_length(self.finish_reason, context)
        return failures.empty(context)

    def _incomplete(self, context: ErrorContext, opening: bytes | None) -> OnlySqError:
        if opening is not None:
            opening = opening.lstrip(BLANKS)
            if not opening or opening.startswith(_SSE_OPENINGS):
                return failures.empty(context)
            return failures.not_understood(opening, context)
        if self.keys is not None and not self.has_choices:
            return failures.no_choices(self.keys, context)
        return failures.no_end_mark(context)
