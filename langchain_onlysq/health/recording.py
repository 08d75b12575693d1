"""Records what goes over the wire, by hooks of the HTTP client."""

from __future__ import annotations

import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.health.report import Exchange, counted, shortened
from langchain_onlysq.response.sse import EventDecoder, without_surrogates
from langchain_onlysq.settings.http_library import kinds_of, library_of
from langchain_onlysq.transport.decoding import GZIP, encoding_of, gunzip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

OVER_BUDGET = "over_budget"
"""Code of the error in place of a request too many."""

_MOST_BYTES = 1 << 20
_MOST_TIMES = 500
_HIDDEN = "***"
_SECRET_HEADERS = frozenset({"set-cookie"})


@dataclass
class Recording:
    """One request, and as much of its answer as has come.

    Attributes:
        check: What was being checked.
        request: The request, of either library.
        response: The head of the answer.
        body: The bytes of its body, compressed as they came; not more than a megabyte.
        times: Seconds from the request to each piece of the body, to the first 500 of them.
        marks: Seconds from the request to the head, to text, to the first and the last piece.
    """

    check: str
    request: Any
    response: Any = None
    body: bytearray = field(default_factory=bytearray)
    body_bytes: int = 0
    pieces: int = 0
    times: list[float] = field(default_factory=list)
    marks: dict[str, float] = field(default_factory=dict)
    peer: str | None = None
    tls: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=perf_counter)

    def mark(self, name: str) -> None:
        """Note how long it took until now."""
        self.marks[name] = round(perf_counter() - self.started, 3)

    def add(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if not self.pieces:
            self.mark("seconds_to_body")
        self.mark("seconds")
        if self.pieces < _MOST_TIMES:
            self.times.append(self.marks["seconds"])
        self.pieces += 1
        self.body_bytes += len(piece)
        self.body += piece[: _MOST_BYTES - len(self.body)]

    def answered(self, response: Any) -> None:
        """Keep the head of the answer, and have its body recorded."""
        self.mark("seconds_to_head")
        self.response = response
        self._look_at_connection(response.extensions.get("network_stream"))
        library = library_of(response)
        bases = (_RecordedBody, library.SyncByteStream, library.AsyncByteStream)
        response.stream = type("RecordedBody", bases, {})(response.stream, self)

    def _look_at_connection(self, stream: Any) -> None:
        """Note who answered, which only an open connection can tell."""
        address = stream and stream.get_extra_info("server_addr")
        tls = stream and stream.get_extra_info("ssl_object")
        if address:
            self.peer = f"{address[0]}:{address[1]}"
        if tls:
            self.tls = {"version": tls.version(), "certificate": tls.getpeercert() or {}}

    @property
    def text(self) -> str:
        """The body of the answer as text, decompressed."""
        library, raw = library_of(self.response), bytes(self.body)
        encoding = encoding_of(self.response)
        with suppress(library.DecodingError, zlib.error):
            if encoding in GZIP:
                raw = b"".join(gunzip([raw]))
            else:
                headers = {"content-encoding": encoding}
                raw = library.Response(200, headers=headers, content=raw).content
        return str(raw.decode("utf-8", "replace"))

    @property
    def values(self) -> list[dict[str, Any]]:
        """The JSON objects in the body: it is one, or has one in each event of a stream."""
        decoder = EventDecoder()
        events = [*decoder.feed(self.text.encode()), *decoder.close()]
        return [without_surrogates(event) for event in events if isinstance(event, dict)]

    def exchange(self, redact: Callable[[str], str]) -> Exchange:
        """Return what a report shows of it."""
        sent = self.request.content.decode("utf-8", "replace")
        parts: dict[str, Any] = {
            "check": self.check,
            "piece_seconds": self.times,
            "method": self.request.method,
            "url": redact(str(self.request.url)),
            "request_body": shortened(redact(sent)),
        }
        if self.response is not None:
            parts |= {
                "status": self.response.status_code,
                "http_version": self.response.http_version,
                "headers": [
                    (name, _HIDDEN if name.lower() in _SECRET_HEADERS else redact(value))
                    for name, value in self.response.headers.multi_items()
                ],
                "body": shortened(redact(self.text)),
            }
        return Exchange(**parts, **self.marks, body_bytes=self.body_bytes, pieces=self.pieces)


class _RecordedBody:
    """A body that is recorded as it is read, blocking or awaiting."""

    def __init__(self, stream: Any, recording: Recording) -> None:
        self._stream = stream
        self._recording = recording

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._recording.add(piece)
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._recording.add(piece)
            yield piece

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


@dataclass
class Recorder:
    """What was sent and received in all.

    Attributes:
        most: How many requests may be sent.
        check: What is being checked just now.
        recordings: The requests so far, with their answers.
    """

    most: int
    check: str = ""
    recordings: list[Recording] = field(default_factory=list)

    def sent(self, request: Any) -> None:
        """Record a request; the client calls this before it sends it.

        Raises:
            OnlySqError: If it would be one too many.
        """
        if len(self.recordings) >= self.most:
            msg = f"{counted(self.most, 'request')} were sent already"
            raise OnlySqError(msg, code=OVER_BUDGET)
        self.recordings.append(Recording(self.check, request))

    def answered(self, response: Any) -> None:
        """Record the answer to the latest request."""
        self.recordings[-1].answered(response)

    def told(self, chunk: Any) -> Any:
        """Note when the first text of a stream has come; return the chunk of it."""
        latest = self.recordings[-1]
        if chunk.text and "seconds_to_text" not in latest.marks:
            latest.mark("seconds_to_text")
        return chunk


@contextmanager
def recorded(client: Any, recorder: Recorder) -> Iterator[None]:
    """Record what a client sends and receives, sync or async.

    Args:
        client: Of either library; its own hooks are called, too, and stay as they were.
        recorder: Where it is recorded.
    """

    async def asent(request: Any) -> None:
        recorder.sent(request)

    async def aanswered(response: Any) -> None:
        recorder.answered(response)

    before = client.event_hooks
    on_request, on_response = (
        (asent, aanswered)
        if "AsyncClient" in kinds_of(client)
        else (recorder.sent, recorder.answered)
    )
    client.event_hooks = {
        "request": [*before["request"], on_request],
        "response": [on_response, *before["response"]],
    }
    try:
        yield
    finally:
        client.event_hooks = before
