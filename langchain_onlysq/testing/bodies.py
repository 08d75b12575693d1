"""The JSON bodies of the service, built as documented: answers, chunks, usage, catalogue."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import EllipsisType

DEFAULT_MODEL = "gpt-4o-mini"
MODEL_IDS = (
    "gpt-4o-mini",
    "gpt-5-mini",
    "gpt-5.2-chat",
    "claude-haiku-4-5",
    "claude-sonnet-4-6",
    "gemini-2.5-flash",
    "gemini-3-flash",
    "gemini-3.5-flash",
    "deepseek-r1",
    "deepseek-v3",
    "qwen3-235b-a22b",
    "grok-4.3",
    "sonar",
)
_CHARACTERS_PER_TOKEN = 4
_PIECE = re.compile(r"\S{1,16}\s*|\s+")
_FRAGMENT_LENGTH = 12

Usage = Mapping[str, Any] | None
"""A usage block as it goes over the wire."""


def completion(
    text: str | None = "",
    *,
    model: str = DEFAULT_MODEL,
    finish_reason: str | None = "stop",
    usage: Usage | EllipsisType = ...,
    reasoning: str | None = None,
    tool_calls: Sequence[Mapping[str, Any]] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Build a whole answer in the documented shape.

    Args:
        text: The content of the message; None is sent as null.
        model: The model that served the request.
        finish_reason: Why the answer ended.
        usage: The usage block; None sends null, ``...`` counts it from the text.
        reasoning: The thinking, sent as ``reasoning_content``.
        tool_calls: Calls as `tool_call` builds them.
        **extra: Further top-level keys; they replace the ones built here.

    Returns:
        The body, ready for JSON.

    Example:
        >>> completion("Hi", created=0)["choices"][0]["message"]["content"]
        'Hi'
    """
    message: dict[str, Any] = {"role": "assistant", "content": text}
    message |= {"refusal": None, "annotations": []}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    if tool_calls is not None:
        message["tool_calls"] = [dict(call) for call in tool_calls]
    return {
        "id": "chat_local",
        "object": "chat.completion",
        "created": 1745146202,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": count_usage("", text or "", reasoning or "") if usage is ... else usage,
        "user": 0,
    } | extra


def chunk(
    delta: str | Mapping[str, Any] | None,
    *,
    model: str = DEFAULT_MODEL,
    finish_reason: str | None = None,
    usage: Usage = None,
    **extra: Any,
) -> dict[str, Any]:
    """Build one chunk of a stream in the documented shape.

    Args:
        delta: A piece of text, a whole delta object (sent as it is, except that the role is
            added where it is missing, since the service repeats it), or None for a chunk
            without choices, as the one that carries the usage on the openai endpoint.
        model: The model that serves the request.
        finish_reason: Why the answer ended, in the last chunk.
        usage: The usage block; None sends null.
        **extra: Further top-level keys; they replace the ones built here.

    Returns:
        The chunk, ready for JSON.

    Example:
        >>> chunk("te")["choices"][0]["delta"]
        {'content': 'te', 'role': 'assistant'}
    """
    body = {
        "id": "chatcmpl_local",
        "object": "chat.completion.chunk",
        "created": 1750612428,
        "model": model,
        "choices": [] if delta is None else [_choice(delta, finish_reason)],
        "usage": usage,
    }
    return body | extra


def _choice(delta: str | Mapping[str, Any], finish_reason: str | None) -> dict[str, Any]:
    given = {"content": delta} if isinstance(delta, str) else dict(delta)
    given.setdefault("role", "assistant")
    return {"index": 0, "delta": given, "finish_reason": finish_reason}


def tool_call(name: str, arguments: Mapping[str, Any] | str, *, call_id: str) -> dict[str, Any]:
    """Build one tool call of a whole answer, as the openai endpoint sends it.

    Args:
        name: The tool's name.
        arguments: The arguments; a string is sent as it is, even if it is not JSON.
        call_id: The id of the call.

    Returns:
        The call, ready for JSON.

    Example:
        >>> tool_call("add", {"a": 1}, call_id="c1")["function"]["arguments"]
        '{"a": 1}'
    """
    function = {"name": name, "arguments": arguments_text(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def arguments_text(arguments: Mapping[str, Any] | str) -> str:
    """Return tool arguments as the string that goes over the wire."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def count_usage(prompt: str, text: str, reasoning: str = "") -> dict[str, Any]:
    """Count a usage block: about four characters to a token, at least one token each.

    Args:
        prompt: All text that was sent.
        text: The text of the answer.
        reasoning: The thinking; its tokens are part of the completion.

    Returns:
        The block, ready for JSON.
    """
    thinking = _tokens(reasoning) if reasoning else 0
    prompt_tokens, completion_tokens = _tokens(prompt), _tokens(text) + thinking
    usage: dict[str, Any] = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
    if thinking:
        usage["completion_tokens_details"] = {"reasoning_tokens": thinking}
    return usage


def _tokens(text: str) -> int:
    return max(1, -(-len(text) // _CHARACTERS_PER_TOKEN))


def cut_to_tokens(text: str, max_tokens: int) -> str:
    """Return the beginning of a text that counts as no more than so many tokens."""
    return text[: max_tokens * _CHARACTERS_PER_TOKEN]


def text_pieces(text: str) -> list[str]:
    """Split a text into the pieces of a stream, about a word each."""
    return _PIECE.findall(text)


def argument_fragments(arguments: str) -> list[str]:
    """Split the arguments of a call into fragments: three or more where they are long enough."""
    length = max(1, min(_FRAGMENT_LENGTH, len(arguments) // 3))
    return [arguments[start : start + length] for start in range(0, len(arguments), length)]


def catalogue(model_ids: Sequence[str] = MODEL_IDS) -> dict[str, Any]:
    """Build a catalogue in the documented shape.

    Args:
        model_ids: The models, all of them for text.

    Returns:
        The body, ready for JSON.
    """
    models = {model_id: _entry(model_id) for model_id in model_ids}
    classified = {"text": dict(models), "image": {}, "sound": {}}
    return {"api-version": "2.0", "models": models, "classified": classified}


def _entry(model_id: str) -> dict[str, Any]:
    return {
        "name": model_id.replace("-", " ").title(),
        "description": f"The text model {model_id}.",
        "modality": "text",
        "owner": model_id.partition("-")[0],
        "cost": "0.5" if "mini" in model_id else 2,
        "status": "work",
        "can-stream": True,
        "can-tools": model_id != "sonar",
        "can-think": model_id == "deepseek-r1",
        "tier": 0 if "mini" in model_id else 1,
        "limits": {"lvl0": 3, "lvl1": 10, "lvl2": 80},
    }
