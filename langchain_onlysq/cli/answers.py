"""One answer, from the model to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import OnlySqEmptyResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage
    from langchain_core.messages.ai import UsageMetadata

    from langchain_onlysq.chat_models import ChatOnlySq
    from langchain_onlysq.cli.screen import Screen


def stream_answer(
    llm: ChatOnlySq, messages: Sequence[BaseMessage], model: str, screen: Screen
) -> str:
    """Show an answer while it comes, and then what it cost.

    Args:
        llm: The model.
        messages: What it is asked.
        model: Model id, for this call.
        screen: Where the answer goes.

    Returns:
        The text of the answer.

    Raises:
        OnlySqError: If there is no answer, or no whole one; what came before was shown.
        OSError: If it cannot be written.
    """
    pieces: list[str] = []
    metadata: dict[str, Any] = {}
    usage: UsageMetadata | None = None
    screen.wait(f"waiting for {model}")
    for chunk in llm.stream(list(messages), model=model):
        screen.reasoning(chunk.additional_kwargs.get("reasoning_content", ""))
        screen.text(chunk.text)
        pieces.append(chunk.text)
        metadata |= chunk.response_metadata
        usage = chunk.usage_metadata or usage
    text = "".join(pieces)
    if not text:
        msg = "The model answered without any text: ask again, or ask another model."
        raise OnlySqEmptyResponseError(msg, model=model)
    screen.note(summary(metadata.get("model_name", model), metadata.get("finish_reason"), usage))
    return text


def summary(model: str, finish_reason: str | None, usage: UsageMetadata | None) -> str:
    """Return the line below an answer: who gave it, what it cost, and whether it was cut short."""
    cost = "usage unknown"
    if usage is not None:
        cost = f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
    ended = "" if finish_reason in {None, "stop"} else f" (ended by: {finish_reason})"
    return f"{model}: {cost}{ended}"


def show_message(llm: ChatOnlySq, messages: Sequence[BaseMessage], screen: Screen) -> None:
    """Show an answer as one JSON document: the whole message.

    Raises:
        OnlySqError: If there is no answer.
        OSError: If it cannot be written.
    """
    screen.wait(f"waiting for {llm.model}")
    screen.document(llm.invoke(list(messages)).model_dump())
