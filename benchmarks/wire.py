"""The answers of the benchmark's server, as bytes, and what a client must read in them.

The path of a request says which answer it gets, so that no client needs a header of its own:
`/c2000e1t0/ai/v2` is a stream of 2,000 chunks, one event in each HTTP chunk, without a pause.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, NamedTuple

WORDS = (
    *("The", " sky", " is", " blue", " because", " air", " scatters", " short"),
    *(" waves", " more", " than", " long", " ones", ",", " naïve", " небо"),
)
"""The texts of the chunks, over and over; two of sixteen are not ASCII."""

MODEL = "gpt-4o-mini"
TOOL = "write_file"
USAGE = {"prompt_tokens": 11, "completion_tokens": 19, "total_tokens": 30}

_SHAPE = re.compile(r"(?P<kind>[acw])(?P<size>\d+)(e(?P<events>\d+))?(t(?P<pause>\d+))?")
_TAILS = ("/v2", "/chat/completions")


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


class Answer(NamedTuple):
    """The bytes of an answer, in the pieces that are sent at once, and the pause between them."""

    pieces: list[bytes]
    pause: float


def parse_path(path: str) -> Shape | None:
    """Read the shape off the path of a request; None if the path means nothing here."""
    first, _, rest = path.removeprefix("/").partition("/")
    match = _SHAPE.fullmatch(first)
    if match is None or not f"/{rest}".endswith(_TAILS):
        return None
    return parse_shape(first)


def parse_shape(path: str) -> Shape:
    """Read a shape such as `c2000e1t0`.

    Raises:
        ValueError: If it is none.
    """
    match = _SHAPE.fullmatch(path)
    if match is None:
        msg = f"{path!r} is no shape of an answer: c2000e1t0 is one"
        raise ValueError(msg)
    numbers = match.groupdict()
    return Shape(
        numbers["kind"],
        int(numbers["size"]),
        int(numbers["events"] or 1),
        int(numbers["pause"] or 0),
    )


def pieces(shape: Shape) -> list[str]:
    """Return the texts that a client must read, one for each chunk or fragment."""
    words = [WORDS[number % len(WORDS)] for number in range(shape.size)]
    if shape.kind != "a":
        return words
    return ['{"path": "sky.txt", "text": "', *words[2:], '"}']


@cache
def answer(shape: Shape) -> Answer:
    """Return the bytes of an answer; the same ones each time."""
    if shape.kind == "w":
        return Answer([_whole(shape)], 0.0)
    events = [_event(delta) for delta in _deltas(shape)]
    reason = "tool_calls" if shape.kind == "a" else "stop"
    events += [_event({}, finish_reason=reason, usage=USAGE), b"data: [DONE]\n\n"]
    chunks = [
        _http_chunk(b"".join(events[start : start + shape.events]))
        for start in range(0, len(events), shape.events)
    ]
    chunks = [_head("text/event-stream", "transfer-encoding: chunked") + chunks[0], *chunks[1:]]
    chunks[-1] += b"0\r\n\r\n"
    return Answer(chunks if shape.pause else [b"".join(chunks)], shape.pause / 1000)


def not_found() -> bytes:
    """Return the answer to a path that means nothing."""
    body = b'{"error": {"message": "no such path"}}'
    return _head("application/json", f"content-length: {len(body)}", status="404 Not Found") + body


def _whole(shape: Shape) -> bytes:
    message = {"role": "assistant", "content": "".join(pieces(shape)), "refusal": None}
    body = _json(
        {
            "id": "chat_1",
            "object": "chat.completion",
            "created": 1750612428,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": USAGE,
        }
    )
    return _head("application/json", f"content-length: {len(body)}") + body


def _deltas(shape: Shape) -> list[dict[str, Any]]:
    if shape.kind == "c":
        return [{"content": text, "role": "assistant"} for text in pieces(shape)]
    named = {"name": TOOL, "arguments": ""}
    first = {"index": 0, "id": "call_1", "type": "function", "function": named}
    fragments = [{"index": 0, "function": {"arguments": text}} for text in pieces(shape)]
    return [{"tool_calls": [call]} for call in (first, *fragments)]


def _event(
    delta: dict[str, Any], *, finish_reason: str | None = None, usage: dict[str, int] | None = None
) -> bytes:
    chunk = {
        "id": "chatcmpl_1",
        "object": "chat.completion.chunk",
        "created": 1750612428,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        "usage": usage,
    }
    return b"data: " + _json(chunk) + b"\n\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _http_chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def _head(content_type: str, framing: str, *, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n".encode()
