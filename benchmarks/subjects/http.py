"""What raw httpx and the limit share: two clients, a request's body, a minimal SSE loop."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx

from benchmarks.wire import MODEL

_SETTINGS: dict[str, Any] = {
    "limits": httpx.Limits(max_connections=None, max_keepalive_connections=100),
    "timeout": 120.0,
    "headers": {"authorization": "Bearer openai", "accept-encoding": "identity"},
}
DONE = b"data: [DONE]"


class Clients:
    """The clients of this process, made at first use, with one SSL context for all of them."""

    def __init__(self) -> None:
        """Start without any client."""
        self._ssl_context = cache(httpx.create_ssl_context)
        self._sync: httpx.Client | None = None
        self._async: httpx.AsyncClient | None = None

    def sync(self) -> httpx.Client:
        """Return the client of sync calls."""
        if self._sync is None:
            self._sync = httpx.Client(verify=self._ssl_context(), **_SETTINGS)
        return self._sync

    def asynchronous(self) -> httpx.AsyncClient:
        """Return the client of async calls; there is one event loop in a process here."""
        if self._async is None:
            self._async = httpx.AsyncClient(verify=self._ssl_context(), **_SETTINGS)
        return self._async

    def close(self) -> None:
        """Close the client of sync calls."""
        client, self._sync = self._sync, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close the client of async calls."""
        client, self._async = self._async, None
        if client is not None:
            await client.aclose()


CLIENTS = Clients()


class Events:
    """Bytes in, events out: the least that a stream needs."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Take bytes, and return the events that are whole."""
        *events, self._rest = (self._rest + piece).split(b"\n\n")
        return events


def body(messages: list[dict[str, Any]], tools: Any = None, *, stream: bool) -> dict[str, Any]:
    """Return the body of a request."""
    request: dict[str, Any] = {"messages": messages}
    if tools:
        request["tools"] = tools
    if stream:
        request["stream"] = True
    return {"model": MODEL, "request": request}
