"""Pieces of an answer -> LangChain's messages, chunks and standard content blocks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_onlysq.deltas import AnswerEnd, Delta, Reasoning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import content as types

PROVIDER = "onlysq"
"""Value of `ls_provider` and of `response_metadata["model_provider"]`; they must be equal."""


def to_chunk(delta: Delta) -> ChatGenerationChunk:
    """Wrap one piece of a stream.

    The provider stands in every chunk, since LangChain chooses the block translator by it; the
    rest of the metadata comes once, in the last chunk: texts that repeat would be joined.
    """
    if isinstance(delta, Reasoning):
        message = AIMessageChunk(
            content="",
            additional_kwargs={"reasoning_content": str(delta)},
            response_metadata={"model_provider": PROVIDER},
        )
    else:
        message = AIMessageChunk(content=delta, response_metadata={"model_provider": PROVIDER})
    return ChatGenerationChunk(message=message)


def to_last_chunk(end: AnswerEnd) -> ChatGenerationChunk:
    """Make the last chunk of a stream, the only one that holds usage and metadata."""
    return ChatGenerationChunk(
        message=AIMessageChunk(
            content="",
            additional_kwargs=end.additional,
            response_metadata={"model_provider": PROVIDER, **end.metadata},
            usage_metadata=end.usage,
            chunk_position="last",
        )
    )


def to_result(deltas: Iterable[Delta], end: AnswerEnd) -> ChatResult:
    """Put the pieces of a whole answer together."""
    text: list[str] = []
    reasoning: list[str] = []
    for delta in deltas:
        if isinstance(delta, str):
            (reasoning if isinstance(delta, Reasoning) else text).append(delta)
    additional: dict[str, Any] = {}
    if reasoning:
        additional["reasoning_content"] = "".join(reasoning)
    message = AIMessage(
        content="".join(text),
        additional_kwargs={**additional, **end.additional},
        response_metadata={"model_provider": PROVIDER, **end.metadata},
        usage_metadata=end.usage,
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


# Standard content blocks


def translate_content(message: AIMessage) -> list[types.ContentBlock]:
    """Return the content blocks of a whole message: reasoning, text, anything else."""
    if not isinstance(message.content, str):
        raise NotImplementedError
    return _blocks(message, indices=False)


def translate_content_chunk(message: AIMessageChunk) -> list[types.ContentBlock]:
    """Return the content blocks of a chunk.

    Each kind of block has an index of its own, so that merged chunks never mix the kinds.
    """
    if not isinstance(message.content, str):
        raise NotImplementedError
    return _blocks(message, indices=True)


def _blocks(message: AIMessage, *, indices: bool) -> list[types.ContentBlock]:
    blocks: list[dict[str, Any]] = []
    if reasoning := message.additional_kwargs.get("reasoning_content"):
        blocks.append({"type": "reasoning", "reasoning": reasoning, "index": "lc_reasoning"})
    if message.content:
        blocks.append({"type": "text", "text": message.content, "index": "lc_text"})
    if refusal := message.additional_kwargs.get("refusal"):
        value = {"type": "refusal", "refusal": refusal}
        blocks.append({"type": "non_standard", "value": value, "index": "lc_refusal"})
    for position, part in enumerate(message.additional_kwargs.get("content_parts", ())):
        blocks.append({"type": "non_standard", "value": part, "index": f"lc_part_{position}"})
    if not indices:
        for block in blocks:
            del block["index"]
    return cast("list[types.ContentBlock]", blocks)


register_translator(PROVIDER, translate_content, translate_content_chunk)
