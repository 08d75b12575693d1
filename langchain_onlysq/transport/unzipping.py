"""Bodies in gzip, of one member or of several, as they come.

The HTTP libraries stop reading behind the first member, and know no `x-gzip`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

GZIP = frozenset({"gzip", "x-gzip"})
"""Values of `Content-Encoding` that mean it."""

_HAS_GZIP_HEADER = zlib.MAX_WBITS | 16


def unzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what is in the pieces of a body.

    Raises:
        zlib.error: If it is not gzip.
    """
    unzipper = _Unzipper()
    for piece in pieces:
        if data := unzipper.feed(piece):
            yield data


async def aunzip(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what is in the pieces of a body.

    Raises:
        zlib.error: If it is not gzip.
    """
    unzipper = _Unzipper()
    async for piece in pieces:
        if data := unzipper.feed(piece):
            yield data


class _Unzipper:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(_HAS_GZIP_HEADER)

    def feed(self, data: bytes) -> bytes:
        unzipped = self._member.decompress(data)
        # Zeros may fill up what is behind a member.
        while self._member.eof and (rest := self._member.unused_data.lstrip(b"\0")):
            self._member = zlib.decompressobj(_HAS_GZIP_HEADER)
            unzipped += self._member.decompress(rest)
        return unzipped
