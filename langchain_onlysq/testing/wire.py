"""A reply as the bytes and waits that make it up; faulty framing included."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from langchain_onlysq.testing.steps import Close, Heartbeats, Hold, Pause, Reset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_onlysq.testing.replies import Reply

Action = bytes | Pause | Hold | Reset | Close
"""What the connection does next: write these bytes in one go, wait, or end."""


def actions(reply: Reply) -> Iterator[Action]:
    """Turn a reply into what the connection has to do, in order.

    Args:
        reply: The reply.

    Yields:
        Bytes to write and steps to take; `Close` last where the reply ends the connection.
    """
    head = b"" if reply.framing == "raw" else _head(reply)
    for item in _unrolled(reply):
        if isinstance(item, bytes):
            yield from filter(None, (head, _frame(reply, item)))
            head = b""
        else:
            yield item
    yield from filter(None, (head, b"0\r\n\r\n" if _is_chunked(reply) else b""))
    if _ends_connection(reply):
        yield Close()


def _unrolled(reply: Reply) -> Iterator[Action]:
    for item in reply.items:
        if isinstance(item, Heartbeats):
            yield from _beats(item)
        else:
            yield item


def _beats(heartbeats: Heartbeats) -> Iterable[Action]:
    sent = 0
    while heartbeats.count is None or sent < heartbeats.count:
        yield heartbeats.data
        yield Pause(heartbeats.every)
        sent += 1


def _head(reply: Reply) -> bytes:
    names = {name.lower() for name in reply.headers}
    automatic = {k: v for k, v in _framing_headers(reply).items() if k.lower() not in names}
    lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
    lines += [f"{name}: {value}" for name, value in (automatic | dict(reply.headers)).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _framing_headers(reply: Reply) -> dict[str, str]:
    if not _has_body(reply):
        return {}
    if reply.framing == "chunked":
        return {"Transfer-Encoding": "chunked"}
    if reply.framing == "close":
        return {"Connection": "close"}
    length = _length(reply) if reply.declared_length is None else reply.declared_length
    return {"Content-Length": str(length)}


def _frame(reply: Reply, data: bytes) -> bytes:
    if not data or not _has_body(reply):
        return b""
    return b"%x\r\n%b\r\n" % (len(data), data) if _is_chunked(reply) else data


def _has_body(reply: Reply) -> bool:
    return reply.status >= HTTPStatus.OK and reply.status not in (
        HTTPStatus.NO_CONTENT,
        HTTPStatus.NOT_MODIFIED,
    )


def _is_chunked(reply: Reply) -> bool:
    return reply.framing == "chunked" and _has_body(reply)


def _ends_connection(reply: Reply) -> bool:
    wrong_length = reply.declared_length not in (None, _length(reply))
    return reply.framing == "close" or wrong_length


def _length(reply: Reply) -> int:
    """The length of the body; heartbeats without an end have none and count nothing."""
    return sum(
        len(item) if isinstance(item, bytes) else len(item.data) * (item.count or 0)
        for item in reply.items
        if isinstance(item, bytes | Heartbeats)
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
