"""httpx with a minimal SSE loop, without LangChain: answers and events are plain JSON."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json

from benchmarks.cases import MODEL
from benchmarks.yardsticks import HTTP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx
else:
    httpx = import_module(HTTP)

Wire = list[dict[str, Any]]
"""Messages as they stand in a request."""

_DONE = b"data: [DONE]"

_lock = Lock()


@cache
def _settings() -> dict[str, Any]:
    """Return what the clients are made with; the certificates are read with the first call."""
    return {
        "verify": httpx.create_ssl_context(),
        # Those of ChatOnlySq: what a pool costs depends on how many idle connections it keeps.
        "limits": httpx.Limits(
            max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0
        ),
        "timeout": 120.0,
        "headers": {"authorization": "Bearer openai", "accept-encoding": "identity"},
    }


@cache
def _client() -> httpx.Client:
    return httpx.Client(**_settings())


def client() -> httpx.Client:
    """Return the client of sync calls."""
    with _lock:  # Threads that ask at once would make one each.
        return _client()


@cache
def async_client(url: str) -> httpx.AsyncClient:  # noqa: ARG001 - it is cached by it
    """Return the client of async calls to a URL; there is one event loop in a process here."""
    return httpx.AsyncClient(**_settings())


class RawModel(NamedTuple):
    """The URL of an endpoint, and the tools that go into each request."""

    url: str
    tools: Any = None

    def bind_tools(self, tools: Any) -> RawModel:
        """Return the same with tools."""
        return self._replace(tools=tools)

    def invoke(self, messages: Wire) -> Any:
        """Return a whole answer."""
        return from_json(client().post(self.url, json=self._body(messages)).content)

    async def ainvoke(self, messages: Wire) -> Any:
        """Return a whole answer."""
        return from_json(
            (await async_client(self.url).post(self.url, json=self._body(messages))).content
        )

    def stream(self, messages: Wire) -> Iterator[Any]:
        """Yield the events of a stream."""
        rest, body = b"", self._body(messages, stream=True)
        with client().stream("POST", self.url, json=body) as response:
            for piece in response.iter_raw():
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    if event != _DONE:
                        yield from_json(event[6:])

    async def astream(self, messages: Wire) -> AsyncIterator[Any]:
        """Yield the events of a stream."""
        rest, body = b"", self._body(messages, stream=True)
        async with async_client(self.url).stream("POST", self.url, json=body) as response:
            async for piece in response.aiter_raw():
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    if event != _DONE:
                        yield from_json(event[6:])

    def _body(self, messages: Wire, **flags: bool) -> dict[str, Any]:
        tools = {"tools": self.tools} if self.tools else {}
        return {"model": MODEL, "request": {"messages": messages, **tools, **flags}}


def text(answer: Any) -> Any:
    """Return the text of an event or of a whole answer."""
    choice = answer["choices"][0]
    message = choice["delta"] if "delta" in choice else choice["message"]
    return message.get("content", "")


def arguments(event: Any) -> str:
    """Return the fragment of a tool call's arguments."""
    calls = event["choices"][0]["delta"].get("tool_calls")
    return str(calls[0]["function"]["arguments"]) if calls else ""
