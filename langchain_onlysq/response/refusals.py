"""What langchain-core knows of refusals: nothing before 1.7.5. Pure."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import AIMessage

_EXCEPTIONS: Any = import_module("langchain_core.exceptions")

CONTENT_FILTER = "content_filter"
"""The finish reason of an answer that was withheld."""

REFUSAL_ERROR: Any = getattr(_EXCEPTIONS, "ModelRefusalError", None)
"""LangChain's error for a refusal; None where it has none."""


def why_no_text(message: AIMessage, quote: Callable[[str], str] = str) -> str | None:
    """Say what an answer has in place of text; None where it has text.

    Args:
        message: The answer.
        quote: Returns how the model's own words are shown.
    """
    if message.text.strip():
        return None
    if refusal := message.additional_kwargs.get("refusal"):
        return f"The model refused: {quote(refusal)}"
    if message.response_metadata.get("finish_reason") == CONTENT_FILTER:
        return "A content filter left nothing of the answer"
    if reasoning := message.additional_kwargs.get("reasoning_content"):
        return f"The answer has no text, only reasoning: {quote(reasoning)}"
    return "The answer has no text"
