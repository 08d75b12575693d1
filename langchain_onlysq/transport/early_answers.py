"""An answer that comes while its request is still being sent.

A server that refuses a body says so, and closes the connection, before it has all of it. A blocking
socket has the answer still; the streams of an event loop lose what was not read by then. So they
read while they send much.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

_LARGE = 1 << 16
_MOST_KEPT = 1 << 20
_TURNS = 3
"""Of the event loop, until a task that reads has begun to."""

_HTTP2 = b"PRI * HTTP/2.0"
"""What a connection begins with that several calls read from, so that none may do it alone."""


def keep_early_answers(stream: Any) -> None:
    """Have an async connection read while it sends a large body.

    Args:
        stream: The network stream of the HTTP library, or of a caller's own transport.
    """
    with suppress(AttributeError):
        stream.write = _ListeningWrite(stream)


class _ListeningWrite:
    """The `write` of a network stream, which keeps what comes meanwhile for the next `read`."""

    __slots__ = ("_is_shared", "_stream", "_write")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._write = stream.write
        self._is_shared = False

    def __call__(self, buffer: bytes, timeout: float | None = None) -> Any:
        self._is_shared = self._is_shared or buffer.startswith(_HTTP2)
        is_plain = len(buffer) <= _LARGE or self._is_shared
        return self._write(buffer, timeout) if is_plain else self._listen(buffer, timeout)

    async def _listen(self, buffer: bytes, timeout: float | None) -> None:  # noqa: ASYNC109
        kept = bytearray()
        listening = asyncio.ensure_future(_read_into(kept, self._stream.read))
        try:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            await self._write(buffer, timeout)
        finally:
            listening.cancel()
            # What is wrong with the connection shows when it is read from the next time.
            await asyncio.gather(listening, return_exceptions=True)
            if kept:
                self._stream.read = _KeptRead(kept, self._stream)


async def _read_into(kept: bytearray, read: Any) -> None:
    while len(kept) < _MOST_KEPT and (piece := await read(_LARGE)):
        kept += piece


class _KeptRead:
    """The `read` of a network stream, which returns what was kept before it reads on."""

    __slots__ = ("_kept", "_read", "_stream")

    def __init__(self, kept: bytearray, stream: Any) -> None:
        self._kept = kept
        self._stream = stream
        self._read = stream.read

    async def __call__(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - the library's
        piece = bytes(self._kept[:max_bytes])
        del self._kept[:max_bytes]
        if not self._kept:
            self._stream.read = self._read
        return piece
