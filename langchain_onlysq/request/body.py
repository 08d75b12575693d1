"""One call -> the JSON body of its request. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import OnlySqInvalidRequestError
from langchain_onlysq.request.messages import merge_neighbours, to_wire_messages, with_instructions
from langchain_onlysq.response.sse import replace_surrogates
from langchain_onlysq.settings.call_options import (
    SAMPLING,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_onlysq.request.tools import ToolRequest
    from langchain_onlysq.settings.call_options import (
        CallOptions,
    )

PATHS = {"v2": "/v2", "openai": "/openai/chat/completions"}
"""Endpoint -> its path below the base URL."""

_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def build_body(
    messages: Sequence[BaseMessage],
    options: CallOptions,
    tools: ToolRequest,
    extra: Mapping[str, Any],
    *,
    stream: bool,
) -> dict[str, Any]:
    """Build the body: the least that says what the caller asked for, and nothing else.

    Args:
        messages: The conversation.
        options: The settings of this call.
        tools: The tools of this call, and the form of its answer.
        extra: Further keys for the request.
        stream: Whether the answer is to be streamed.

    Returns:
        The body, in the shape of the endpoint.

    Raises:
        OnlySqInvalidRequestError: If something in it cannot be sent.
    """
    if extra.get("n") not in (None, 1):
        msg = "n must be 1: a call gives one answer; use batch for several."
        raise OnlySqInvalidRequestError(msg, model=options.model)
    is_v2 = options.endpoint == "v2"
    wire = to_wire_messages(
        messages,
        native_tools=options.native_tools,
        names=not is_v2,
        merge=options.merges_messages,
    )
    request: dict[str, Any] = {"messages": wire}
    if options.native_tools:
        request |= tools.native_keys()
    elif instructions := tools.instructions():
        request["messages"] = with_instructions(wire, instructions)
    for name in SAMPLING:
        value = getattr(options, name)
        if value is not None and value != []:
            request[name] = value
    request.update((key, value) for key, value in extra.items() if value is not None)
    if options.reasoning_effort:
        # So two clients of the service send it; its documentation does not name it.
        request["extra"] = {**request.get("extra", {}), "reasoning": options.reasoning_effort}
    if stream:
        request["stream"] = True
        if options.stream_usage:
            request.setdefault("stream_options", {"include_usage": True})
    if is_v2:
        return {"model": options.model, "request": request}
    return {"model": options.model, **request}


def with_reminder(
    body: dict[str, Any], answer: str, reminder: str, *, merge: bool
) -> dict[str, Any]:
    """Return the body that asks once more, after an answer that did not do what it had to.

    Args:
        body: The body of the first request.
        answer: What the model answered.
        reminder: What the user says to it.
        merge: Whether neighbours of one role become one message.
    """
    request = body.get("request", body)
    said = [{"role": "assistant", "content": answer}] if answer else []
    messages = [*request["messages"], *said, {"role": "user", "content": reminder}]
    asked = {**request, "messages": merge_neighbours(messages) if merge else messages}
    return {**body, "request": asked} if "request" in body else asked


def encode(body: Mapping[str, Any], model: str) -> bytes:
    """Write the body as JSON in UTF-8; lone surrogates become U+FFFD.

    Args:
        body: The body.
        model: Model id, for the error.

    Raises:
        OnlySqInvalidRequestError: If something in it is not JSON (NaN, a set, a cycle).
    """
    try:
        text = _write(body)
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"The request cannot be written as JSON: {error}."
        raise OnlySqInvalidRequestError(msg, model=model) from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        return replace_surrogates(text).encode()
