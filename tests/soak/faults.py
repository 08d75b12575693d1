"""What a server does wrong in the soak, and what a right answer is."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from langchain_onlysq import OnlySqError
from langchain_onlysq.testing import (
    Close,
    Heartbeats,
    Hold,
    Reply,
    ReplyLike,
    Request,
    Reset,
    chunk,
    completion,
    tool_call,
)

SOON = {"Retry-After": "0"}
NOWHERE = {**SOON, "Location": "http://[::1"}
INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
LOOPING = "a model that loops"
BROKEN = "a call or an object that cannot be read"


def truth(question: str) -> str:
    """What a right answer to this question is."""
    return f"The answer to {question} is <{question}> 🌍, and that is the whole of it."


NOTE = {
    "name": "note",
    "description": "Take a note.",
    "parameters": {"properties": {"text": {"type": "string"}}},
}
OBJECT = {
    "title": "note",
    "description": "A note.",
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
}
DIALECTS: list[Callable[[str], str]] = [
    str,
    lambda text: f'<tool_call>{{"name": "note", "arguments": {_arguments(text)}}}</tool_call>',
    lambda text: f"<function=note>\n<parameter=text>\n{text}\n</parameter>\n</function>",
    lambda text: f"[TOOL_CALLS]note{_arguments(text)}",
    lambda text: f"<tool_call>note<arg_key>text</arg_key><arg_value>{text}</arg_value></tool_call>",
    lambda text: f"<|python_start|>[note(text={text!r})]<|python_end|>",
    lambda text: f'<|tool_call>call:note{{text:<|"|>{text}<|"|>}}<tool_call|>',
]
"""Forms of an answer: as text, and as calls."""


def _arguments(text: str) -> str:
    return json.dumps({"text": text}, ensure_ascii=False)


def _events(*deltas: Any) -> Reply:
    """Stream chunks as JSON in ASCII, in which halves of characters can stand."""
    chunks = [*map(chunk, deltas), chunk({}, finish_reason="stop")]
    return Reply.stream([f"data: {json.dumps(each)}\n\n" for each in chunks])


def _in_the_middle(text: str, delta: dict[str, Any]) -> Reply:
    middle = len(text) // 2
    return _events(text[:middle], delta, text[middle:])


def _in_halves(text: str) -> Reply:
    before, _, behind = text.partition("🌍")
    return _events(f"{before}\ud83c", f"\udf0d{behind}")


def _in_bytes(text: str) -> Reply:
    event = f"data: {json.dumps(chunk(text, finish_reason='stop'), ensure_ascii=False)}\n\n"
    return Reply.stream([bytes([byte]) for byte in event.encode()])


def _broken(text: str) -> str:
    """Break an object off; break a call so early that nothing of it is delivered in a stream."""
    if text.startswith("{"):
        return text.removesuffix('"}') + "}"
    return '<tool_call>{"name": "note", "arguments": ["The answer"]}</tool_call>'


EMPTY_NOTE = tool_call("note", {"text": ""}, call_id="c1")


class Fault(NamedTuple):
    """Something that a server does wrong.

    Attributes:
        reply: Makes the reply out of the text of a right answer.
        errors: Which errors a call may end with, by class and code; empty for what is no fault to
            a good client.
    """

    reply: Callable[[str], ReplyLike]
    errors: frozenset[str] = frozenset()


def _fault(reply: Callable[[str], ReplyLike], *errors: str) -> Fault:
    return Fault(reply, frozenset(errors))


def name_of(error: OnlySqError) -> str:
    """The class and the code of an error."""
    return " ".join([type(error).__name__, *([error.code] if error.code else [])])


REFUSED, FAILED, BROKE_OFF = "OnlySqRateLimitError", "OnlySqAPIError", "OnlySqStreamError"
UNREADABLE, LOST = "OnlySqResponseError", "OnlySqConnectionError"
STALLED, UNREAD = (f"OnlySqTimeoutError {name}_timeout" for name in ("stall", "read"))

FAULTS: dict[str, Fault] = {
    "429": _fault(lambda _: Reply.error(429, "slow down", headers=SOON), REFUSED),
    "500": _fault(lambda _: Reply.error(500, "maintenance", headers=SOON), FAILED),
    "502 html": _fault(lambda _: Reply.html(502), FAILED),
    "401": _fault(lambda _: Reply.error(401, "no"), "OnlySqAuthenticationError"),
    "429 that points nowhere": _fault(
        lambda _: Reply.error(429, "slow down", headers=NOWHERE), REFUSED
    ),
    "503 that points nowhere": _fault(
        lambda _: Reply.error(503, "maintenance", headers=NOWHERE), FAILED
    ),
    "error in a 200": _fault(
        lambda _: {"error": {"message": "overloaded", "code": 503}}, f"{FAILED} 503"
    ),
    "finish_reason error": _fault(lambda _: completion("oops", finish_reason="error"), FAILED),
    "empty": _fault(lambda _: completion(""), "OnlySqEmptyResponseError"),
    "no choices": _fault(lambda _: {}, UNREADABLE),
    "html": _fault(lambda _: b"<html>try later</html>", UNREADABLE),
    "reset": _fault(lambda _: Reply(body=[Reset()]), LOST),
    "closed": _fault(lambda _: Reply(body=[Close()]), LOST),
    "half a body": _fault(
        lambda text: Reply(
            body=f'{{"choices": "{text}'.encode(), declared_length=9999, framing="length"
        ),
        BROKE_OFF,
    ),
    "half a stream, fin": _fault(lambda text: Reply.broken_stream(text, after=4), BROKE_OFF),
    "half a stream, clean end": _fault(
        lambda text: Reply.broken_stream(text, after=4, framing="close"), BROKE_OFF
    ),
    "half a stream, reset": _fault(
        lambda text: Reply.broken_stream(text, after=4, how="reset"), BROKE_OFF
    ),
    "half a stream, silence": _fault(
        lambda text: Reply.broken_stream(text, after=4, how="hold"), STALLED
    ),
    "heartbeats for ever": _fault(
        lambda _: Reply.stream([chunk("The"), Heartbeats(0.05)], done=False), STALLED
    ),
    "interim answers for ever": _fault(lambda _: Reply.raw(Heartbeats(0.05, data=INTERIM)), UNREAD),
    "blanks for ever": _fault(lambda _: Reply(body=[b" ", Heartbeats(0.05, data=b" ")]), STALLED),
    "silence": _fault(lambda _: Reply(body=[Hold()]), UNREAD),
    "error in mid-stream": _fault(
        lambda _: Reply.stream([chunk("The answer"), {"error": "overloaded"}]), FAILED
    ),
    LOOPING: _fault(
        lambda _: Reply.text(
            f'<tool_call>{{"name": "note", "arguments": {"[" * 5000}', finish_reason="length"
        )
    ),
    BROKEN: _fault(_broken),
    "interim answers": _fault(
        lambda text: Reply.raw(
            Heartbeats(0.001, 3, INTERIM), HEAD, _framed(json.dumps(completion(text)).encode())
        )
    ),
    "reasoning in the middle": _fault(
        lambda text: _in_the_middle(text, {"reasoning_content": "Hm."})
    ),
    "native call in the middle": _fault(
        lambda text: _in_the_middle(text, {"tool_calls": [{"index": 0, **EMPTY_NOTE}]})
    ),
    "character in two halves": _fault(_in_halves),
    "whole answer to a stream": _fault(completion),
    "done without an end": _fault(
        lambda text: Reply.stream([chunk(text), "data: [DONE]\n\n", Hold()], done=False)
    ),
    "cut into bytes": _fault(_in_bytes),
}
"""Name of a fault -> what the server does, and what may come of it."""


def _framed(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


class FaultyModel:
    """Answers each question truthfully, but for the faults.

    Attributes:
        faults: How often it did what.
        last: What it did at the last request for each question; "" where that was right.
        repairs: How often each question was asked again because its answer cannot be read.
    """

    def __init__(self, rate: float, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._rate = rate
        self.faults: Counter[str] = Counter()
        self.last: dict[str, str] = {}
        self.repairs: Counter[str] = Counter()

    def __call__(self, request: Request) -> ReplyLike:
        question = next(str(m["content"]) for m in request.messages if m["role"] == "user")
        self.repairs[question] = sum(m["role"] == "assistant" for m in request.messages)
        form = self._random.choice(DIALECTS)
        text = (_arguments if ".object" in question else form)(truth(question))
        name = self._random.choice(list(FAULTS)) if self._random.random() < self._rate else ""
        if name == BROKEN and self.repairs[question]:
            name = ""
        self.last[question] = name
        self.faults.update([name] if name else [])
        return FAULTS[name].reply(text) if name else text

    def may_raise(self, question: str, error: OnlySqError) -> bool:
        """Whether this error may come of what it did last."""
        fault = FAULTS.get(self.last.get(question, ""))
        return fault is not None and name_of(error) in fault.errors
