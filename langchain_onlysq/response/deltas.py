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


@dataclass(slots=True)
class ToolCallDelta:
    """A piece of a tool call.

    The first piece of a call has its id and its name, no other one does.

    Attributes:
        index: Which call of the answer it belongs to, from 0.
        id: The call's id, unique in the conversation.
        name: Name of the tool.
        args: The next characters of the arguments, a JSON object in the end.
        error: Why the call is broken, known with its last piece; None while it is not.
        sequential: Whether the call stands in the text, so that it ends before further text and the
            next such call; its first piece knows.
    """

    index: int
    id: str | None = None
    name: str | None = None
    args: str = ""
    error: str | None = None
    sequential: bool = field(default=False, compare=False)


Delta = str | Reasoning | ToolCallDelta
"""One piece of an answer: text, reasoning, or a part of a tool call."""


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
    """Something that text passes through on its way out, which may hold some of it back.

    Attributes:
        done: Whether all text passes as it is from now on.
    """

    done: bool

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return what can be delivered."""

    def close(self, *, whole: bool) -> list[Delta]:
        """End the text, which is `whole` or was cut off; return what was held back."""
