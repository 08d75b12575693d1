"""The pieces of an answer, between the wire and LangChain.

Everything that reads an answer hands over these, in order; everything that makes LangChain objects
takes them. Text is a plain `str`, since nearly every piece of nearly every stream is text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from langchain_core.messages.ai import UsageMetadata


class Reasoning(str):
    """A piece of the model's reasoning."""

    __slots__ = ()


Delta = str | Reasoning
"""One piece of an answer: text or reasoning."""


@dataclass(slots=True)
class AnswerEnd:
    """What is known once an answer is complete.

    Attributes:
        metadata: Entries of `response_metadata`: model name, finish reason, ids.
        usage: Token usage; None where the service sent none.
        additional: Entries of `additional_kwargs`: refusal, annotations.
    """

    metadata: dict[str, Any] = field(default_factory=dict)
    usage: UsageMetadata | None = None
    additional: dict[str, Any] = field(default_factory=dict)


class TextFilter(Protocol):
    """Something that text passes through on its way out, which may hold some of it back."""

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return what can be handed over."""

    def close(self, *, whole: bool) -> list[Delta]:
        """End the text, which is `whole` or was cut off; return what was held back."""
