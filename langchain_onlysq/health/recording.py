"""Records what goes over the wire, by hooks of the HTTP client."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from langchain_onlysq.health.report import Exchange, shortened
from langchain_onlysq.settings.http_library import kinds_of, library_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

_MOST_BYTES = 1 << 20
_HIDDEN = "***"
_SECRET_HEADERS = frozenset({"set-cookie"})


@dataclass
class Recording:
    """One request, and as much of its answer as has come.

    Attributes:
        request: The request, of either library.
        response: The head of the answer.
        body: The bytes of its body, compressed as they came; not more than a megabyte.
        marks: Seconds from the request to the head, the first and the last piece.
    """

    request: Any
    response: Any = None
    body: bytearray = field(default_factory=bytearray)
    body_bytes: int = 0
    pieces: int = 0
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
        headers = {"content-encoding": self.response.headers.get("content-encoding", "identity")}
        with suppress(library.DecodingError):
            raw = library.Response(200, headers=headers, content=raw).content
        return str(raw.decode("utf-8", "replace"))

    def exchange(self, redact: Callable[[str], str]) -> Exchange:
        """Return what a report shows of it."""
        sent = self.request.content.decode("utf-8", "replace")
        parts: dict[str, Any] = {
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


@contextmanager
def recorded(client: Any, recordings: list[Recording]) -> Iterator[None]:
    """Record what a client sends and receives, sync or async.

    Args:
        client: Of either library; its own hooks are called, too, and stay as they were.
        recordings: Where what is recorded goes.
    """

    def sent(request: Any) -> None:
        recordings.append(Recording(request))

    def answered(response: Any) -> None:
        recordings[-1].answered(response)

    async def asent(request: Any) -> None:
        sent(request)

    async def aanswered(response: Any) -> None:
        answered(response)

    before = client.event_hooks
    on_request, on_response = (
        (asent, aanswered) if "AsyncClient" in kinds_of(client) else (sent, answered)
    )
    client.event_hooks = {
        "request": [*before["request"], on_request],
        "response": [on_response, *before["response"]],
    }
    try:
        yield
    finally:
        client.event_hooks = before
