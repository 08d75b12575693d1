"""The bodies of answers, decompressed.

gzip is read here: the HTTP libraries read the first of several members alone, and do not know gzip
by its old name. The rest is theirs.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

GZIP = ("gzip", "x-gzip")
"""The names of gzip in a header."""

_PLAIN = "identity"
_MAGIC = b"\x1f\x8b"
_WITH_HEADER = zlib.MAX_WBITS | 16


def encoding_of(response: Any) -> str:
    """Return how the body of an answer is compressed."""
    return str(response.headers.get("content-encoding", _PLAIN)).strip().lower()


def body_of(response: Any) -> Iterator[bytes]:
    """Return the pieces of a sync answer's body; what is wrong with it shows while it is read."""
    encoding = encoding_of(response)
    if response.is_stream_consumed or encoding not in (_PLAIN, *GZIP):
        # Read by a hook of the caller's client, or compressed in another way.
        return iter(response.iter_bytes())
    return iter(response.stream) if encoding == _PLAIN else gunzip(response.stream)


def abody_of(response: Any) -> AsyncIterator[bytes]:
    """Return the pieces of an async answer's body, as `body_of` does."""
    encoding = encoding_of(response)
    if response.is_stream_consumed or encoding not in (_PLAIN, *GZIP):
        return aiter(response.aiter_bytes())
    return aiter(response.stream) if encoding == _PLAIN else _agunzip(response.stream)


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress the pieces of a body.

    Raises:
        zlib.error: If it is not gzip.
    """
    decoder = _GzipDecoder()
    for piece in pieces:
        if found := decoder.feed(piece):
            yield found


async def _agunzip(pieces: Any) -> AsyncIterator[bytes]:
    decoder = _GzipDecoder()
    async for piece in pieces:
        if found := decoder.feed(piece):
            yield found


class _GzipDecoder:
    """Decompresses one member after the other; what is none, behind one, is dropped."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_WITH_HEADER)
        self._waiting = b""
        self._is_over = False

    def feed(self, piece: bytes) -> bytes:
        found = []
        self._waiting += piece
        while self._waiting and not self._is_over:
            if self._member.eof:
                if len(self._waiting) < len(_MAGIC):
                    break
                self._is_over = not self._waiting.startswith(_MAGIC)
                self._member = zlib.decompressobj(_WITH_HEADER)
            else:
                found.append(self._member.decompress(self._waiting))
                self._waiting = self._member.unused_data
        return b"".join(found)
