"""Requests in the terms of the HTTP library that sends them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langchain_onlysq.settings.http_library import library_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from langchain_onlysq.request.prepared import PreparedRequest
    from langchain_onlysq.transport.flow import Send
    from langchain_onlysq.transport.leases import Lease

_TIMEOUTS = ("connect", "read", "write", "pool")
_MOST_HEADS = 16
_OF_THE_BODY = frozenset({"content-length", "transfer-encoding"})


def build_request(lease: Lease[Any], effect: Send, trace: Callable[..., Any]) -> Any:
    """Build the request for a client.

    Args:
        lease: The client.
        effect: What is sent.
        trace: Told of what the library does while it sends.

    Raises:
        Exception: Of the library's, if the request cannot be sent.
    """
    request, library = effect.request, library_of(lease.client)
    method = "GET" if request.body is None else "POST"
    url = _parse_url(library, request.url)
    # What the library would make of a timeout, in the same words.
    timeout = dict(zip(_TIMEOUTS, effect.timeout, strict=True))
    extensions = {"timeout": timeout, "trace": trace}
    is_plain = lease.settings is not None and not _OF_THE_BODY & request.headers.keys()
    if request.body is None or not is_plain:
        return lease.client.build_request(
            method, url, headers=request.headers, content=request.body, extensions=extensions
        )
    headers = library.Headers(_head(lease, request, url))
    headers["Content-Length"] = str(len(request.body))
    body = library.ByteStream(request.body)
    return library.Request(method, url, headers=headers, stream=body, extensions=extensions)


def _head(lease: Lease[Any], request: PreparedRequest, url: Any) -> Any:
    """Return what the library makes of a request's headers, which a model sends over and over.

    It takes ten times as long as the rest of building a request.
    """
    key = (request.url, *request.headers.items())
    head = lease.heads.get(key)
    if head is None:
        if len(lease.heads) >= _MOST_HEADS:
            lease.heads.clear()
        head = lease.client.build_request("GET", url, headers=request.headers).headers
        lease.heads[key] = head
    return head


@lru_cache(maxsize=64)
def _parse_url(library: ModuleType, url: str) -> Any:
    """Parse an address, which a model asks over and over, for a client of one of the libraries."""
    return library.URL(url)
