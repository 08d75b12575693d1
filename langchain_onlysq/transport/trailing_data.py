"""What comes behind an answer that has ended: the next call would take it for its own answer.

A server, or a proxy in front of it, may answer one request twice. What has not been read by then
makes the library drop the connection. What has been lies in its HTTP/1.1 parser, or in the stream
below that, where it does not look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

_PARSER = "_h11_state"
_WAY = (_PARSER, "_connection", "_httpcore_stream", "_stream")


def refuse_trailing_data(response: Any) -> None:
    """Have the connection of an answer that has ended closed with it, where there is more."""
    parser = None if response.is_closed else _parser_of(response.stream)
    if parser is not None and parser.trailing_data[0]:
        # In the words of the parser: this connection can take no further request.
        parser.send_failed()


def refuse_trailing_data_async(response: Any) -> None:
    """Do so for an async client, whose streams read ahead."""
    parser = None if response.is_closed else _parser_of(response.stream)
    stream = response.extensions.get("network_stream")
    if parser is not None and (parser.trailing_data[0] or not _would_wait(stream.read(1))):
        parser.send_failed()


def _parser_of(found: Any) -> Any:
    """Return the parser behind the body of an answer; None where it has no such one: HTTP/2, say.

    No public name leads there.
    """
    while (name := next((name for name in _WAY if hasattr(found, name)), None)) is not None:
        found = getattr(found, name)
        if name == _PARSER:
            return found
    return None


def _would_wait(read: Coroutine[Any, Any, bytes]) -> bool:
    """Tell whether a read has nothing to return at once, and give it up."""
    try:
        # A read may let others have their turn once; then it waits for something, or ends.
        return read.send(None) is not None or read.send(None) is not None
    except Exception:  # noqa: BLE001 - of the library, or the end of the read
        return False
    finally:
        read.close()
