"""The answers of the benchmark's server, as bytes, and what a client must read in them.

The path of a request says which answer it gets, so that no client needs a header of its own:
`/c2000e1t0/ai/v2` is a stream of 2,000 chunks, one event in each HTTP chunk, without a pause.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, NamedTuple

from benchmarks.cases import MODEL

WORDS = (
    *("The", " sky", " is", " blue", " because", " air", " scatters", " short"),
    *(" waves", " more", " than", " long", " ones", ",", " naïve", " небо"),
)
"""The texts of the chunks, over and over; two of sixteen are not ASCII."""

TOOL = "write_file"
NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
)
USAGE = {"prompt_tokens": 11, "completion_tokens": 19, "total_tokens": 30}
_PATH = re.compile(r"/([acw])(\d+)(?:e(\d+))?(?:t(\d+))?(?:/.*)?/(?:v2|chat/completions)")


class Shape(NamedTuple):
    """What an answer looks like.

    Attributes:
        kind: `"c"` for a stream of text chunks, `"a"` for one of a tool call's argument
            fragments, `"w"` for a whole answer.
        size: Chunks, fragments, or words of the whole answer.
        events: Events in one HTTP chunk.
        pause: Milliseconds from one HTTP chunk to the next.
    """

    kind: str
    size: int
    events: int = 1
    pause: int = 0

    @property
    def path(self) -> str:
        """The first part of the path that asks for it."""
        return f"{self.kind}{self.size}e{self.events}t{self.pause}"

    def __str__(self) -> str:
        """Say what it looks like, for the table."""
        things = "argument fragments" if self.kind == "a" else "chunks"
        framing = f", {self.events} in an HTTP chunk" if self.events > 1 else ""
        pace = f", {self.pause} ms apart" if self.pause else ""
        return f"{self.size:,} {things}{framing}{pace}"


def parse_path(path: str) -> Shape | None:
    """Read the shape off the path of a request; None if it is not the path of an endpoint."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    kind, size, events, pause = match.groups()
    return Shape(kind, int(size), int(events or 1), int(pause or 0))


def texts(shape: Shape) -> list[str]:
    """Return the texts that a client must read, one for each chunk or fragment."""
    words = [WORDS[number % len(WORDS)] for number in range(shape.size)]
    if shape.kind == "a":
        return ['{"path": "sky.txt", "text": "', *words[2:], '"}']
    return words


@cache
def answer(shape: Shape) -> list[bytes]:
    """Return the bytes of an answer, in the pieces between which there is a pause."""
    if shape.kind == "w":
        message = {"role": "assistant", "content": "".join(texts(shape)), "refusal": None}
        body = _completion("chat.completion", message=message, finish_reason="stop", usage=USAGE)
        return [_head("application/json", f"content-length: {len(body)}") + body]
    events = [_event(delta=delta, finish_reason=None, usage=None) for delta in _deltas(shape)]
    reason = "tool_calls" if shape.kind == "a" else "stop"
    events += [_event(delta={}, finish_reason=reason, usage=USAGE), b"data: [DONE]\n\n"]
    bodies = [
        b"".join(events[start : start + shape.events])
        for start in range(0, len(events), shape.events)
    ]
    chunks = [b"%x\r\n%b\r\n" % (len(body), body) for body in bodies]
    chunks[0] = _head("text/event-stream", "transfer-encoding: chunked") + chunks[0]
    chunks[-1] += b"0\r\n\r\n"
    return chunks if shape.pause else [b"".join(chunks)]


def _deltas(shape: Shape) -> list[dict[str, Any]]:
    if shape.kind == "c":
        return [{"content": text, "role": "assistant"} for text in texts(shape)]
    named = {"name": TOOL, "arguments": ""}
    first = {"index": 0, "id": "call_1", "type": "function", "function": named}
    fragments = [{"index": 0, "function": {"arguments": text}} for text in texts(shape)]
    return [{"tool_calls": [call]} for call in (first, *fragments)]


def _event(**fields: Any) -> bytes:
    return b"data: " + _completion("chat.completion.chunk", **fields) + b"\n\n"


def _completion(kind: str, *, usage: dict[str, int] | None, **choice: Any) -> bytes:
    fields = {
        "id": "chatcmpl_1",
        "object": kind,
        "created": 1750612428,
        "model": MODEL,
        "choices": [{"index": 0, **choice}],
        "usage": usage,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _head(content_type: str, framing: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n".encode()
