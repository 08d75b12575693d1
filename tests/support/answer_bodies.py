"""Bodies of answers as the service sends them, and as it should not."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

BOM = b"\xef\xbb\xbf"
TEXTS = ("Привет", ", ", "мир", " 🌍👩‍👩‍👧", " — done", ".")
# Every character that `str.splitlines` cuts at and that may stand raw inside JSON.
LINE_BREAKERS = "a\u2028b\u2029c\u0085d"


def chunk(content: str | None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl_1",
        "object": "chat.completion.chunk",
        "created": 1750612428,
        "model": "gpt-4o-mini-2024",
        "choices": [
            {
                "index": 0,
                "delta": {"content": content, "role": "assistant"},
                "finish_reason": finish_reason,
            }
        ],
        "usage": None,
        **more,
    }


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def stream(*events: Any, end: bytes = b"\n", done: bytes = b"data: [DONE]") -> bytes:
    lines = [b"data: " + dump(event) for event in events]
    return b"".join(line + end + end for line in (*lines, *([done] if done else [])))


CHUNKS = [*map(chunk, TEXTS), chunk(None, "stop")]
WHOLE: dict[str, Any] = {
    "id": "chat_1",
    "object": "chat.completion",
    "created": 1745146202,
    "model": "gpt-4o-mini-2024",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "".join(TEXTS),
                "refusal": None,
                "annotations": [],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 19, "total_tokens": 30},
    "user": 0,
}
SHORT = [chunk("Привет 🌍"), chunk(" —", "stop")]
HTML = (
    '<!DOCTYPE html>\r\n<html>\r\n<head><title>502</title></head>\r\n<body class="x">\r\n'
    "<h1>Bad gateway — 🌍</h1>\r\n</body>\r\n</html>\r\n"
).encode()
ERROR = {"error": {"message": "Too many requests", "code": 429}}

BODIES: dict[str, bytes] = {
    "documented": stream(*CHUNKS),
    "crlf": stream(*CHUNKS, end=b"\r\n"),
    "cr": stream(*CHUNKS, end=b"\r"),
    "mixed line ends": b"\r\n\r".join(
        [stream(chunk("a"), done=b""), stream(chunk("b"), end=b"\r", done=b""), stream(*SHORT)]
    ),
    "bom": BOM + stream(*SHORT),
    "bom and crlf": BOM + stream(*SHORT, end=b"\r\n"),
    "no blank lines": b"\n".join(b"data: " + dump(event) for event in CHUNKS) + b"\n",
    "no blank lines, crlf": b"\r\n".join(b"data:" + dump(event) for event in CHUNKS),
    "multi-line data": b"".join(
        b"data: " + json.dumps(event, indent=1).encode().replace(b"\n", b"\r\ndata: ") + b"\r\n\r\n"
        for event in SHORT
    ),
    "comments and fields": b": OPENROUTER PROCESSING\n\nevent: message\nid: 1\nretry: 10\nx\n"
    + stream(SHORT[0], done=b"")
    + b":\n\ndata\ndata:\ndata: \nfield: {}\n"
    + stream(SHORT[1]),
    "bare json lines": b"\n".join(map(dump, SHORT)) + b"\n",
    "bare json lines, crlf, no end": b"\r\n".join(map(dump, SHORT)),
    "whole": dump(WHOLE),
    "whole, bom": BOM + dump(WHOLE) + b"\r\n",
    "pretty": json.dumps(WHOLE, indent=2, ensure_ascii=False).encode(),
    "pretty, crlf": json.dumps(WHOLE, indent=2).encode().replace(b"\n", b"\r\n") + b"\r\n",
    "pretty, bom, cr": BOM + json.dumps(WHOLE, indent=2).encode().replace(b"\n", b"\r"),
    "array": dump([SHORT[0], SHORT[1]]),
    "html": HTML.replace(b"\r\n", b"\n"),
    "html, crlf": HTML,
    "html, cr": HTML.replace(b"\r\n", b"\r"),
    "plain text": b"Internal Server Error\r\nplease wait \xf0\x9f\x8c\x8d\r\n",
    "error in mid-stream": stream(chunk("Hal"), ERROR, chunk("lo")),
    "error event": b"event: error\r\ndata: " + dump(ERROR) + b"\r\n\r\n",
    "error only": dump(ERROR),
    "cut in the middle of an event": stream(*SHORT)[:-90],
    "cut in a multi-byte character": stream(chunk("abc"), chunk("🌍"), done=b"").partition(b"\x8d")[
        0
    ],
    "cut between events": stream(*SHORT[:1], done=b""),
    "cut in the data field": b"data: " + dump(SHORT[0]) + b"\n\ndat",
    "whole, cut": dump(WHOLE)[:-70],
    "pretty, cut": json.dumps(WHOLE, indent=2).encode()[:-70],
    "done without a space": stream(*SHORT, done=b"data:[DONE]"),
    "done with blanks": stream(*SHORT, done=b"data:  [DONE] \t"),
    "done without line end": stream(*SHORT, done=b"") + b"data: [DONE]",
    "events after done": stream(*SHORT) + stream(chunk("never")),
    "done after single line ends": b"data: " + dump(SHORT[0]) + b"\ndata: [DONE]\n",
    "line breakers": stream(chunk(LINE_BREAKERS), chunk(LINE_BREAKERS, "stop")),
    "raw control characters between": b"data: {\x0b}\n\ndata: \x0c\n\n\x1c\n" + stream(*SHORT),
    "invalid utf-8": b'data: {"choices":[{"delta":{"content":"a\xff\xc3(b"}}]}\n\ndata: [DONE]\n\n',
    "lone surrogate escapes": (
        b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":"\\udE00 \\ud83d\\ude00"}}]}\n\ndata: [DONE]\n\n'
    ),
    "undecodable event first": b"data: ping\n\n" + stream(*SHORT),
    "undecodable event in between": stream(SHORT[0], done=b"")
    + b"data: {oops\n\n"
    + stream(*SHORT),
    "html in mid-stream": stream(SHORT[0], done=b"") + HTML,
    "usage-only chunk": stream(
        chunk("x"),
        {"object": "chat.completion.chunk", "choices": [], "usage": WHOLE["usage"]},
        done=b"",
    ),
    "think": stream(
        chunk(" <th"),
        chunk("ink>\n hm"),
        chunk("m \n</"),
        chunk("think>\n\n"),
        chunk("Yes", "stop"),
    ),
    "nothing": b"",
    "blank lines": b"\r\n\n\r\r\n",
    "heartbeats": b": ping\n\n: ping\n\n",
}

FRAMINGS = ("documented", "crlf", "cr", "no blank lines", "no blank lines, crlf")
"""The ways to frame the chunks of CHUNKS."""

ODD_FRAMINGS = (
    *("bom", "bom and crlf", "multi-line data", "comments and fields"),
    *("bare json lines", "bare json lines, crlf, no end"),
    *("done without a space", "done with blanks", "done without line end"),
)
"""The ways to frame the chunks of SHORT."""

DOCUMENTS = ("whole", "whole, bom", "pretty", "pretty, crlf", "pretty, bom, cr")
"""The ways to write WHOLE."""

body_table = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())


def cut_at(body: bytes, offsets: list[int]) -> list[bytes]:
    bounds = [0, *sorted(min(offset, len(body)) for offset in offsets), len(body)]
    return [body[start:stop] for start, stop in pairwise(bounds)]
