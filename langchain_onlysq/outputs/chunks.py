"""Pieces of an answer -> LangChain's messages, chunks and standard content blocks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    InvalidToolCall,
    ToolCall,
    ToolCallChunk,
)
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.version import VERSION

from langchain_onlysq.outputs.content_blocks import PROVIDER
from langchain_onlysq.response.deltas import AnswerEnd, Delta, Reasoning, ToolCallDelta
from langchain_onlysq.response.json_text import misfit
from langchain_onlysq.settings.loading import loading

if TYPE_CHECKING:
    from collections.abc import Iterable


CORE_KNOWS_OUR_EVENTS = tuple(int(part) for part in VERSION.split(".")[:2]) >= (1, 7)
"""Whether the installed langchain-core knows all events that we make; one came with 1.7."""


T_co = TypeVar("T_co", covariant=True)


class Outputs(Protocol[T_co]):
    """Makes what the caller of one attempt gets of its answer.

    Attributes:
        streams: Whether it is delivered piece by piece.
    """

    streams: bool

    def feed(self, deltas: list[Delta]) -> Iterable[T_co]:
        """Take the next pieces of the answer; return what can be delivered."""

    def finish(self, end: AnswerEnd) -> Iterable[T_co]:
        """Take the end of the answer; return the rest."""


class ResultMaker:
    """Makes the one result of an answer that is delivered whole."""

    streams = False

    def __init__(self) -> None:
        """Start before the first piece."""
        self._deltas: list[Delta] = []

    def feed(self, deltas: list[Delta]) -> Iterable[ChatResult]:
        """Keep the pieces."""
        self._deltas += deltas
        return ()

    def finish(self, end: AnswerEnd) -> Iterable[ChatResult]:
        """Return the result."""
        return (to_result(self._deltas, end),)


class ChunkMaker:
    """Makes the chunks of one streamed answer.

    The provider stands in every chunk, since LangChain chooses the block translator by it; the rest
    of the metadata comes once, in the last chunk: texts that repeat would be joined.
    """

    streams = True

    def __init__(self) -> None:
        """Start before the first piece."""
        self._arguments: dict[int, list[str]] = {}

    def feed(self, deltas: list[Delta]) -> Iterable[ChatGenerationChunk]:
        """Wrap each piece."""
        return map(self._chunk, deltas)

    def _chunk(self, delta: Delta) -> ChatGenerationChunk:
        if type(delta) is str:
            message = AIMessageChunk(content=delta, response_metadata={"model_provider": PROVIDER})
        elif isinstance(delta, ToolCallDelta):
            message = _call_message(self._tool_call_chunk(delta))
        else:
            message = AIMessageChunk(
                content="",
                additional_kwargs={"reasoning_content": str(delta)},
                response_metadata={"model_provider": PROVIDER},
            )
        return ChatGenerationChunk(message=message)

    def finish(self, end: AnswerEnd) -> Iterable[ChatGenerationChunk]:
        """Return the last chunk, the only one that holds usage and metadata."""
        message = AIMessageChunk(
            content="",
            additional_kwargs=end.additional,
            response_metadata={"model_provider": PROVIDER, **end.metadata},
            usage_metadata=end.usage,
            chunk_position="last",
        )
        return (ChatGenerationChunk(message=message, generation_info=_generation_info(end)),)

    def _tool_call_chunk(self, delta: ToolCallDelta) -> ToolCallChunk:
        before = self._arguments.setdefault(delta.index, [])
        before.append(delta.args)
        args = delta.args
        if delta.error:
            args += mark_as_broken("".join(before), delta.error)
        return tool_call_chunk(name=delta.name or None, args=args, id=delta.id, index=delta.index)


def _call_message(fragment: ToolCallChunk) -> AIMessageChunk:
    """Return the chunk of a piece of a call.

    LangChain parses the arguments of each chunk for themselves, several times over, which takes
    longer than all the rest of it. Those that begin no object are an invalid call to it anyway.
    """
    metadata = {"model_provider": PROVIDER}
    args = fragment["args"]
    if not args or args.lstrip().startswith("{"):
        return AIMessageChunk(content="", tool_call_chunks=[fragment], response_metadata=metadata)
    message = AIMessageChunk(content="", response_metadata=metadata)
    message.tool_call_chunks = [fragment]
    message.tool_calls = []
    message.invalid_tool_calls = [
        invalid_tool_call(name=fragment["name"], args=args, id=fragment["id"])
    ]
    return message


def to_result(deltas: Iterable[Delta], end: AnswerEnd) -> ChatResult:
    """Put the pieces of a whole answer together."""
    text: list[str] = []
    reasoning: list[str] = []
    calls: dict[int, list[ToolCallDelta]] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls.setdefault(delta.index, []).append(delta)
        else:
            (reasoning if isinstance(delta, Reasoning) else text).append(delta)
    additional: dict[str, Any] = {}
    if reasoning:
        additional["reasoning_content"] = "".join(reasoning)
    whole = [whole_call(parts) for parts in calls.values()]
    message = AIMessage(
        content="".join(text),
        additional_kwargs={**additional, **end.additional},
        response_metadata={"model_provider": PROVIDER, **end.metadata},
        usage_metadata=end.usage,
        tool_calls=[call for call in whole if call["type"] == "tool_call"],
        invalid_tool_calls=[call for call in whole if call["type"] == "invalid_tool_call"],
    )
    generation = ChatGeneration(message=message, generation_info=_generation_info(end))
    return ChatResult(generations=[generation])


def _generation_info(end: AnswerEnd) -> dict[str, Any]:
    """Return what other integrations have there, too, and tracers look for."""
    names = ("finish_reason", "model_name")
    return {name: end.metadata[name] for name in names if name in end.metadata}


def whole_call(parts: list[ToolCallDelta]) -> ToolCall | InvalidToolCall:
    """Put the pieces of a call together."""
    call_id, name = parts[0].id, parts[0].name or None
    args = "".join(part.args for part in parts)
    with loading:
        from langchain_onlysq.response.tool_calls import parse_arguments, why_broken

    error = parts[-1].error
    arguments = None if error else parse_arguments(args)
    if arguments is not None:
        return tool_call(name=name or "", args=arguments, id=call_id)
    error = error or why_broken(args)
    broken = args + mark_as_broken(args, error)
    return invalid_tool_call(name=name, args=broken, id=call_id, error=error)


def mark_as_broken(arguments: str, reason: str) -> str:
    """Return what must follow broken arguments, so that nobody takes them for good ones.

    LangChain completes the arguments of a streamed call by itself: cut-off ones would turn into a
    plausible call, at every merge anew. A bracket that closes nothing stops it.

    Args:
        arguments: The arguments as they came.
        reason: What is wrong with them; it becomes part of the text.
    """
    return f"{misfit(arguments)} ({reason})"
