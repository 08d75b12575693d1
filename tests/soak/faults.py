"""What a server does wrong in the soak, and what a right answer is."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

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
LOOPING = "a model that loops"


def truth(question: str) -> str:
    """What a right answer to this question is."""
    return f"The answer to {question} is <{question}> 🌍, and that is the whole of it."


NOTE = {
    "name": "note",
    "description": "Take a note.",
    "parameters": {"properties": {"text": {"type": "string"}}},
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


EMPTY_NOTE = tool_call("note", {"text": ""}, call_id="c1")

FAULTS: dict[str, Callable[[str], ReplyLike]] = {
    "429": lambda _: Reply.error(429, "slow down", headers=SOON),
    "500": lambda _: Reply.error(500, "maintenance", headers=SOON),
    "502 html": lambda _: Reply.html(502),
    "401": lambda _: Reply.error(401, "no"),
    "429 that points nowhere": lambda _: Reply.error(429, "slow down", headers=NOWHERE),
    "503 that points nowhere": lambda _: Reply.error(503, "maintenance", headers=NOWHERE),
    "error in a 200": lambda _: {"error": {"message": "overloaded", "code": 503}},
    "finish_reason error": lambda _: completion("oops", finish_reason="error"),
    "empty": lambda _: completion(""),
    "no choices": lambda _: {},
    "html": lambda _: b"<html>try later</html>",
    "reset": lambda _: Reply(body=[Reset()]),
    "closed": lambda _: Reply(body=[Close()]),
    "half a body": lambda text: Reply(
        body=f'{{"choices": "{text}'.encode(), declared_length=9999, framing="length"
    ),
    "half a stream, fin": lambda text: Reply.broken_stream(text, after=4),
    "half a stream, clean end": lambda text: Reply.broken_stream(text, after=4, framing="close"),
    "half a stream, reset": lambda text: Reply.broken_stream(text, after=4, how="reset"),
    "half a stream, silence": lambda text: Reply.broken_stream(text, after=4, how="hold"),
    "heartbeats for ever": lambda _: Reply.stream([chunk("The"), Heartbeats(0.05)], done=False),
    "interim answers for ever": lambda _: Reply.raw(Heartbeats(0.05, data=INTERIM)),
    "blanks for ever": lambda _: Reply(body=[b" ", Heartbeats(0.05, data=b" ")]),
    "silence": lambda _: Reply(body=[Hold()]),
    "error in mid-stream": lambda _: Reply.stream([chunk("The answer"), {"error": "overloaded"}]),
    LOOPING: lambda _: Reply.text(
        f'<tool_call>{{"name": "note", "arguments": {"[" * 5000}', finish_reason="length"
    ),
    "interim answers": lambda text: Reply.raw(
        Heartbeats(0.001, 3, INTERIM),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        _framed(json.dumps(completion(text)).encode()),
    ),
    "reasoning in the middle": lambda text: _in_the_middle(text, {"reasoning_content": "Hm."}),
    "native call in the middle": lambda text: _in_the_middle(
        text, {"tool_calls": [{"index": 0, **EMPTY_NOTE}]}
    ),
    "character in two halves": _in_halves,
    "whole answer to a stream": completion,
    "done without an end": lambda text: Reply.stream(
        [chunk(text), "data: [DONE]\n\n", Hold()], done=False
    ),
    "cut into bytes": _in_bytes,
}
"""Name of a fault -> what the server does. The last seven are no faults to a good client."""


def _framed(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


class FaultyModel:
    """Answers each question truthfully, but for the faults.

    Attributes:
        faults: How often it did what.
        looped: The questions at which it looped.
    """

    def __init__(self, rate: float, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._rate = rate
        self.faults: Counter[str] = Counter()
        self.looped: set[str] = set()

    def __call__(self, request: Request) -> ReplyLike:
        question = str(request.messages[-1]["content"])
        text = self._random.choice(DIALECTS)(truth(question))
        if self._random.random() >= self._rate:
            return text
        name = self._random.choice(list(FAULTS))
        self.faults[name] += 1
        if name == LOOPING:
            self.looped.add(question)
        return FAULTS[name](text)
