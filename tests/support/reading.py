"""Reads the bytes of an answer with the reader of answers, and writes such bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.response.deltas import AnswerEnd, Delta, Reasoning, ToolCallDelta
from langchain_onlysq.response.reader import AnswerReader
from langchain_onlysq.settings.call_options import CallOptions
from tests.support.answer_bodies import stream

KEY = "sq-test-0123456789abcdefghijklmnopq"
CONTEXT = ErrorContext("asked", "https://example.org/ai", lambda: (KEY,))
USAGE = {"prompt_tokens": 11, "completion_tokens": 19, "total_tokens": 30}
READ_USAGE = {"input_tokens": 11, "output_tokens": 19, "total_tokens": 30}


def read(*pieces: bytes, **options: Any) -> tuple[list[Delta], AnswerEnd | OnlySqError]:
    reader = AnswerReader(CallOptions(**{"model": "asked", **options}), CONTEXT)
    deltas: list[Delta] = []
    for piece in pieces:
        if not reader.finished:
            deltas += reader.feed(piece)
    deltas += reader.close()
    try:
        return deltas, reader.end()
    except OnlySqError as error:
        return deltas, error


def answer(*pieces: bytes, **options: Any) -> tuple[list[Delta], AnswerEnd]:
    deltas, end = read(*pieces, **options)
    assert isinstance(end, AnswerEnd), end
    return deltas, end


def failure(*pieces: bytes, **options: Any) -> tuple[list[Delta], OnlySqError]:
    deltas, end = read(*pieces, **options)
    assert isinstance(end, OnlySqError), end
    return deltas, end


def text(deltas: list[Delta]) -> str:
    return "".join(d for d in deltas if isinstance(d, str) and not isinstance(d, Reasoning))


def reasoning(deltas: list[Delta]) -> str:
    return "".join(d for d in deltas if isinstance(d, Reasoning))


def comparable(*pieces: bytes, **options: Any) -> tuple[Any, ...]:
    deltas, end = read(*pieces, **options)
    shown = [(type(delta).__name__, _without_id(delta)) for delta in deltas]
    if isinstance(end, OnlySqError):
        return shown, type(end), str(end), vars(end)
    return shown, end


def _without_id(delta: Delta) -> Delta:
    """An id that the service did not give is made up, each time another one."""
    return replace(delta, id=None) if isinstance(delta, ToolCallDelta) else delta


def event(choice: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    value = {"object": "chat.completion.chunk", "choices": [choice], **more}
    return value if choice is not None else {**value, "choices": [], **more}


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return event({"index": 0, "delta": fields, "finish_reason": finish_reason})


def completion(message: Any, finish_reason: Any = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {"object": "chat.completion", "choices": [choice], **more}


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def events(*values: Any, done: bool = True) -> bytes:
    return stream(*values, done=b"data: [DONE]" if done else b"")
