"""Scripted replies: what the server sends, byte by byte where a test needs that."""

from __future__ import annotations

import html as html_text
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from langchain_onlysq.testing.answers import Answer, Call, chunks, whole
from langchain_onlysq.testing.encoding import event_bytes, gzipped, json_bytes, merged_headers
from langchain_onlysq.testing.steps import Close, Event, Hold, Pause, Reset, Step

if TYPE_CHECKING:
    from types import EllipsisType

    from langchain_onlysq.testing.bodies import Usage
    from langchain_onlysq.testing.requests import Request

JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream"
DONE = b"data: [DONE]\n\n"

Framing: TypeAlias = Literal["chunked", "length", "close", "raw"]
"""How the end of a body is told: by chunks, by a Content-Length, or by the connection's end.

With "raw" nothing is told: the body is all that goes out, and has a head in it if it needs one.
"""

Shaped: TypeAlias = "Callable[[Request], Reply]"
"""A reply that takes its shape from the request, as the builders of answers return it."""

ReplyLike: TypeAlias = (
    "str | bytes | Mapping[str, Any] | list[Any] | Reply | Callable[[Request], ReplyLike]"
)
"""What can be scripted.

A `str` is the text of an answer, `bytes` a body as it is, a mapping or a list a JSON body, a
`Reply` goes out as it says, and a callable gets the request and returns any of these. It runs
on the thread of the server and must not block.
"""


@dataclass(frozen=True)
class Reply:
    r"""One reply of the server.

    A step before the first bytes acts before the status line goes out; an empty item (``b""``)
    sends the status line and headers alone.

    Attributes:
        status: The HTTP status; 204 and 304 go out without a body.
        headers: Further headers; they replace the ones that the framing sets.
        body: The body: bytes, or a sequence of bytes and steps. Each item of bytes is one write
            and, when chunked, one chunk.
        framing: How the end of the body is told.
        declared_length: Sent as the Content-Length, whatever the length of the body is; where
            it is wrong, the connection ends after the body. Only for the framing "length".

    Raises:
        TypeError: If the body holds anything but bytes and steps.

    Example:
        >>> Reply(headers={"Content-Type": STREAM_TYPE}, body=[b"data: {", Reset()]).status
        200
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Sequence[bytes | Step] = b""
    framing: Framing = "chunked"
    declared_length: int | None = None

    def __post_init__(self) -> None:
        """Refuse a body that cannot be sent here, in the test, and not later in the server."""
        for item in self.items:
            if not isinstance(item, bytes | Step):
                msg = f"A body consists of bytes and steps, not of {type(item).__name__}."
                raise TypeError(msg)

    @property
    def items(self) -> tuple[bytes | Step, ...]:
        """The body as a sequence of bytes and steps."""
        return (self.body,) if isinstance(self.body, bytes) else tuple(self.body)

    @classmethod
    def text(
        cls,
        text: str,
        *,
        stream_pieces: Sequence[str] | None = None,
        model: str | None = None,
        finish_reason: str | None = "stop",
        usage: Usage | EllipsisType = ...,
        reasoning: str | None = None,
        interval: float = 0,
    ) -> Shaped:
        """Answer with a text, whole or streamed as the request asks.

        Args:
            text: The text.
            stream_pieces: The pieces of the text in a stream; None splits it at words.
            model: The model named in the answer; None stands for the requested one.
            finish_reason: Why the answer ended.
            usage: The usage block; None sends null, ``...`` counts it.
            reasoning: The thinking, sent as ``reasoning_content``.
            interval: The time between two chunks of a stream, in seconds.

        Returns:
            The reply, to be scripted.

        Example:
            >>> reply = Reply.text("One two three", finish_reason="length")
        """
        answer = Answer(
            text,
            finish_reason=finish_reason,
            reasoning=reasoning,
            model=model,
            usage=usage,
            pieces=stream_pieces,
        )
        return lambda request: shape(answer, request, interval=interval)

    @classmethod
    def tool_calls(cls, calls: Sequence[Call], *, text: str = "") -> Shaped:
        """Answer with tool calls: natively where the request offers ``tools``, else in text.

        Args:
            calls: Names and arguments; a string of arguments is sent as it is.
            text: What the model says before the calls.

        Returns:
            The reply, to be scripted.

        Example:
            >>> reply = Reply.tool_calls([("add", {"a": 1, "b": 2}), ("broken", '{"a": ')])
        """
        return lambda request: shape(Answer(text, calls=calls), request)

    @classmethod
    def stream(
        cls,
        events: Iterable[Event],
        *,
        done: bool = True,
        framing: Framing = "chunked",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        r"""Stream server-sent events, each in a write of its own.

        Args:
            events: Mappings become ``data: {json}`` events; text, bytes and steps stay as they
                are.
            done: Whether ``data: [DONE]`` ends the stream.
            framing: How the end of the body is told.
            headers: Further headers, or another content type.

        Returns:
            The reply.

        Example:
            >>> Reply.stream([chunk("Hi"), ": ping\n\n", Reset()], done=False).status
            200
        """
        items = [event_bytes(event) for event in events]
        return cls(
            headers=merged_headers({"Content-Type": STREAM_TYPE}, headers),
            body=[*items, DONE] if done else items,
            framing=framing,
        )

    @classmethod
    def broken_stream(
        cls,
        text: str,
        *,
        after: int,
        how: Literal["fin", "reset", "hold"] = "fin",
        framing: Framing = "chunked",
    ) -> Shaped:
        """Stream the beginning of a text, then break off.

        Args:
            text: The text.
            after: The number of pieces (about words) that are sent.
            how: What happens then: the connection ends in order ("fin"), is reset, or stays
                open in silence ("hold").
            framing: How the end of the body is told; with "close", the cut of "fin" looks like
                a clean end.

        Returns:
            The reply, to be scripted; it streams even if the request did not ask for a stream.

        Example:
            >>> reply = Reply.broken_stream("One two three", after=2, how="reset")
        """
        ends: dict[str, Step] = {"fin": Close(), "reset": Reset(), "hold": Hold()}

        def reply(request: Request) -> Reply:
            events: list[Event] = [*chunks(Answer(text), request)[:after], ends[how]]
            return cls.stream(events, done=False, framing=framing)

        return reply

    @classmethod
    def json(cls, obj: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a JSON body.

        Args:
            obj: The body.
            status: The HTTP status.
            headers: Further headers, or another content type.

        Returns:
            The reply.

        Example:
            >>> Reply.json({"choices": []}).body
            b'{"choices": []}'
        """
        own = {"Content-Type": JSON_TYPE}
        return cls(status, merged_headers(own, headers), json_bytes(obj), "length")

    @classmethod
    def error(
        cls,
        status: int,
        message: str = "Something went wrong.",
        *,
        code: str | int | None = None,
        retry_after: float | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send an error in the documented body.

        Args:
            status: The HTTP status.
            message: The message.
            code: Sent as ``code`` beside the message; left out when None.
            retry_after: Sent as ``Retry-After``: seconds, or text such as a date.
            headers: Further headers.

        Returns:
            The reply.

        Example:
            >>> Reply.error(429, "Slow down", retry_after=2).headers["Retry-After"]
            '2'
        """
        error = {"message": message} | ({} if code is None else {"code": code})
        later = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return cls.json({"error": error}, status, merged_headers(later, headers))

    @classmethod
    def html(cls, status: int, title: str = "Error") -> Reply:
        """Send an HTML page, as the service does on wrong paths.

        Args:
            status: The HTTP status.
            title: The title and heading of the page.

        Returns:
            The reply.

        Example:
            >>> Reply.html(502, "Bad Gateway").status
            502
        """
        shown = html_text.escape(title)
        page = (
            f"<!DOCTYPE html>\n<html><head><title>{shown}</title></head>"
            f"<body><h1>{shown}</h1></body></html>\n"
        )
        return cls(status, {"Content-Type": "text/html; charset=utf-8"}, page.encode(), "length")

    @classmethod
    def raw(cls, *items: bytes | Step) -> Reply:
        r"""Send bytes as they are, without a head; the connection stays open behind them.

        Args:
            items: Bytes and steps.

        Returns:
            The reply.

        Example:
            >>> reply = Reply.raw(b"HTTP/1.1 102 Processing\r\n\r\n", Hold())
        """
        return cls(body=items, framing="raw")

    @classmethod
    def redirect(cls, status: int, location: str) -> Reply:
        """Point to another address.

        Args:
            status: The HTTP status, 301 to 308.
            location: The address, absolute or a path.

        Returns:
            The reply.

        Example:
            >>> Reply.redirect(307, "/ai/v2").headers["Location"]
            '/ai/v2'
        """
        return cls(status, {"Location": location}, framing="length")

    @classmethod
    def gzip(cls, inner: ReplyLike, *, flush: bool = True) -> Shaped:
        """Compress the body of another reply.

        Heartbeats among the body stay uncompressed, which breaks it.

        Args:
            inner: The reply.
            flush: Whether each piece can be unpacked when it arrives; False holds everything
                back until the end, as careless proxies do.

        Returns:
            The reply, to be scripted.

        Example:
            >>> reply = Reply.gzip(Reply.json({"choices": []}))
        """

        def reply(request: Request) -> Reply:
            plain = resolve(inner, request)
            headers = merged_headers({"Content-Encoding": "gzip"}, plain.headers)
            return replace(plain, headers=headers, body=gzipped(plain.items, flush=flush))

        return reply


def scriptable(item: ReplyLike) -> ReplyLike:
    """Return what can be scripted as it is.

    Raises:
        TypeError: If it cannot be scripted.
    """
    if callable(item) or isinstance(item, (str, bytes, Mapping, list, Reply)):
        return item
    msg = f"A reply is text, bytes, JSON, a Reply or a callable, not {type(item).__name__}."
    if hasattr(item, "tool_calls"):
        msg += " Of a message, script its text, or Reply.tool_calls(…)."
    raise TypeError(msg)


def resolve(item: ReplyLike, request: Request) -> Reply:
    """Turn a scripted item into the reply to a request.

    Args:
        item: What was scripted.
        request: The request.

    Returns:
        The reply.

    Raises:
        TypeError: If the item, or what a callable returned, cannot be scripted.
    """
    # The text of a message is a string that can be called, too.
    while not isinstance(scriptable(item), str) and callable(item):
        item = item(request)
    match item:
        case Reply():
            return item
        case str():
            return shape(Answer(item), request)
        case bytes() if request.streams:
            return Reply(200, {"Content-Type": STREAM_TYPE}, item)
        case bytes():
            return Reply(200, {"Content-Type": JSON_TYPE}, item, "length")
    return Reply.json(item)


def shape(answer: Answer, request: Request, *, interval: float = 0) -> Reply:
    """Shape an answer as the request asks: whole or streamed, for its endpoint.

    Args:
        answer: What the model says.
        request: The request.
        interval: The time between two chunks of a stream, in seconds.

    Returns:
        The reply.
    """
    if not request.streams:
        return Reply.json(whole(answer, request))
    events: list[Event] = []
    for event in chunks(answer, request):
        events += (event, Pause(interval)) if interval else (event,)
    return Reply.stream(events)
