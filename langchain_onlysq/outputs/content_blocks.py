"""Messages of ours -> LangChain's standard content blocks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator

from langchain_onlysq.response.refusals import CONTENT_FILTER, REFUSAL_ERROR

if TYPE_CHECKING:
    from langchain_core.messages import content as types


PROVIDER = "onlysq"
"""Value of `ls_provider` and of `response_metadata["model_provider"]`; they must be equal."""


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
    blocks += extra_blocks(message.additional_kwargs, message.response_metadata)
    blocks += _call_blocks(message)
    if not indices:
        for block in blocks:
            del block["index"]
    return cast("list[types.ContentBlock]", blocks)


def extra_blocks(additional: dict[str, Any], metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks of what is neither text nor reasoning nor a call.

    Args:
        additional: Entries of `additional_kwargs`.
        metadata: Entries of `response_metadata`.
    """
    blocks: list[dict[str, Any]] = []
    if additional.get("refusal") is not None:
        block = _refusal_block(additional["refusal"], metadata.get("finish_reason"))
        blocks.append({**block, "index": "lc_refusal"})
    for position, part in enumerate(additional.get("content_parts", ())):
        blocks.append({"type": "non_standard", "value": part, "index": f"lc_part_{position}"})
    return blocks


def _refusal_block(refusal: str, finish_reason: str | None) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "refusal", "refusal": refusal}
    if REFUSAL_ERROR is None:
        return {"type": "non_standard", "value": block}
    if finish_reason == CONTENT_FILTER:
        block["extras"] = {"category": CONTENT_FILTER}
    return block


def _call_blocks(message: AIMessage) -> list[dict[str, Any]]:
    """Return the blocks of the calls: whole ones, or the fragments of a chunk."""
    if isinstance(message, AIMessageChunk) and message.chunk_position != "last":
        return [
            {
                "type": "tool_call_chunk",
                "id": chunk["id"],
                "name": chunk["name"],
                "args": chunk["args"],
                "index": f"lc_tc_{chunk['index']}",
            }
            for chunk in message.tool_call_chunks
        ]
    calls: list[Any] = [*message.tool_calls, *message.invalid_tool_calls]
    return [{**call, "index": f"lc_tc_{position}"} for position, call in enumerate(calls)]


register_translator(PROVIDER, translate_content, translate_content_chunk)
