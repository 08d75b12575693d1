"""How the headers, the events and the bodies of replies are written."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_onlysq.testing.steps import Event, Step

_GZIP_WINDOW = zlib.MAX_WBITS | 16


def merged_headers(own: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of a builder and those of its caller, which win, whatever their case."""
    replaced = {name.lower() for name in given or {}}
    kept = {name: value for name, value in own.items() if name.lower() not in replaced}
    return kept | dict(given or {})


def event_bytes(event: Event) -> bytes | Step:
    """Write an event of a stream; steps stay as they are."""
    if isinstance(event, Mapping):
        return b"data: " + json_bytes(event) + b"\n\n"
    return event.encode() if isinstance(event, str) else event


def json_bytes(obj: Any) -> bytes:
    """Write JSON with its text as it is; only lone surrogates need the escapes."""
    try:
        return json.dumps(obj, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(obj).encode()


def gzipped(items: Iterable[bytes | Step], *, flush: bool) -> list[bytes | Step]:
    """Compress the bytes of a body; steps stay where they are.

    Args:
        items: The body.
        flush: Whether each item of bytes can be unpacked by itself.
    """
    packer = zlib.compressobj(wbits=_GZIP_WINDOW)
    packed: list[bytes | Step] = []
    for item in items:
        if isinstance(item, bytes):
            data = packer.compress(item)
            packed.append(data + packer.flush(zlib.Z_SYNC_FLUSH) if flush and item else data)
        else:
            packed.append(item)
    return [*packed, packer.flush()]
