"""What comes behind an answer that has ended: the next call would take it for its own answer.

A server, or a proxy in front of it, may answer one request twice. What has not been read by then
makes the library drop the connection. What has been lies in its HTTP/1.1 parser, or in the stream
below that, where it does not look.
"""

from __future__ import annotations

import ssl
from typing import Any


def refuse_trailing_data(response: Any) -> None:
    """Have the connection of an answer that has ended closed with it, where there is more."""
    parser = None if response.is_closed else _parser_of(response.stream)
    if parser is not None and (parser.trailing_data[0] or _is_more_decrypted(response)):
        # In the words of the parser: this connection can take no further request.
        parser.send_failed()


def _parser_of(stream: Any) -> Any:
    """Return the parser behind the body of an answer; None where it has no such one: HTTP/2, say.

    No public name leads there.
    """
    try:
        return stream._stream._httpcore_stream._stream._connection._h11_state  # noqa: SLF001
    except AttributeError:
        return None


def _is_more_decrypted(response: Any) -> bool:
    """Tell whether more can be read behind TLS without waiting: async streams read ahead."""
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject):
        return False
    try:
        tls.read(1)
    except ssl.SSLError as error:
        return not isinstance(error, ssl.SSLWantReadError)
    return True
