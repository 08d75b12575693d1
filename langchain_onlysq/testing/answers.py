"""What the model says, and how it looks on the wire: whole or streamed, on either endpoint."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

from langchain_onlysq.testing.bodies import (
    DEFAULT_MODEL,
    Usage,
    argument_fragments,
    arguments_text,
    chunk,
    completion,
    count_usage,
    text_pieces,
    tool_call,
)
from langchain_onlysq.testing.prompted import write_call
from langchain_onlysq.testing.requests import V2_PATH, Request, text_of

Call = tuple[str, Mapping[str, Any] | str]
"""The name of a tool and its arguments; a string is sent as it is."""


@dataclass(frozen=True)
class Answer:
    """An answer of the model, before it is shaped for a request.

    Attributes:
        text: The text.
        calls: The tool calls, made natively where the request offers ``tools``, else in text.
        finish_reason: Why the answer ended; native calls turn ``"stop"`` into ``"tool_calls"``.
        reasoning: The thinking, or None.
        model: The model named in the answer; None stands for the requested one.
        usage: The usage block; None sends null, ``...`` counts it.
        pieces: The pieces of the text in a stream; None splits it at words.
    """

    text: str = ""
    calls: Sequence[Call] = ()
    finish_reason: str | None = "stop"
    reasoning: str | None = None
    model: str | None = None
    usage: Usage | EllipsisType = ...
    pieces: Sequence[str] | None = None


def whole(answer: Answer, request: Request) -> dict[str, Any]:
    """Shape an answer as one body.

    Args:
        answer: What the model says.
        request: The request it answers.

    Returns:
        The body, ready for JSON.
    """
    text, calls = _spoken(answer, request)
    return completion(
        None if calls and not text else text,
        finish_reason=_finish_reason(answer, calls),
        usage=_usage(answer, request),
        reasoning=answer.reasoning,
        tool_calls=calls or None,
        **_identity(answer, request, "chat"),
    )


def chunks(answer: Answer, request: Request) -> list[dict[str, Any]]:
    """Shape an answer as the chunks of a stream.

    Usage comes with the finish reason on v2, and on the openai endpoint in a chunk of its own,
    when ``stream_options.include_usage`` asks for it.

    Args:
        answer: What the model says.
        request: The request it answers.

    Returns:
        The chunks, ready for JSON.
    """
    text, calls = _spoken(answer, request)
    identity = _identity(answer, request, "chatcmpl")
    usage = _usage(answer, request)
    on_v2 = request.path == V2_PATH
    stream = [chunk(delta, **identity) for delta in _deltas(answer, text, calls)]
    finish_reason = _finish_reason(answer, calls)
    stream.append(
        chunk("", finish_reason=finish_reason, usage=usage if on_v2 else None, **identity)
    )
    if not on_v2 and _wants_usage(request):
        stream.append(chunk(None, usage=usage, **identity))
    return stream


def _spoken(answer: Answer, request: Request) -> tuple[str, list[dict[str, Any]]]:
    """The text and the native calls; without native tools the calls are part of the text."""
    if request.chat.get("tools"):
        return answer.text, [
            tool_call(name, arguments, call_id=f"call_{uuid.uuid4().hex}")
            for name, arguments in answer.calls
        ]
    written = [write_call(name, arguments_text(arguments)) for name, arguments in answer.calls]
    return "\n".join(filter(None, [answer.text, *written])), []


def _finish_reason(answer: Answer, calls: list[dict[str, Any]]) -> str | None:
    return "tool_calls" if calls and answer.finish_reason == "stop" else answer.finish_reason


def _identity(answer: Answer, request: Request, prefix: str) -> dict[str, Any]:
    return {
        "id": f"{prefix}_{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": answer.model or request.model or DEFAULT_MODEL,
    }


def _usage(answer: Answer, request: Request) -> Usage:
    if not isinstance(answer.usage, EllipsisType):
        return answer.usage
    prompt = "".join(text_of(message.get("content")) for message in request.messages)
    said = answer.text + "".join(name + arguments_text(args) for name, args in answer.calls)
    return count_usage(prompt, said, answer.reasoning or "")


def _wants_usage(request: Request) -> bool:
    options = request.chat.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _deltas(
    answer: Answer, text: str, calls: list[dict[str, Any]]
) -> Iterator[str | dict[str, Any]]:
    for piece in text_pieces(answer.reasoning or ""):
        yield {"reasoning_content": piece}
    yield from text_pieces(text) if answer.pieces is None else answer.pieces
    for index, call in enumerate(calls):
        yield from _call_deltas(index, call)


def _call_deltas(index: int, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """First the id and the name with empty arguments, then the arguments in fragments."""
    function = call["function"]
    opening = call | {"index": index, "function": function | {"arguments": ""}}
    yield {"content": None, "tool_calls": [opening]}
    for fragment in argument_fragments(function["arguments"]):
        yield {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}
