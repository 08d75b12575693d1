"""httpx with a minimal SSE loop, without LangChain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json

from benchmarks.subjects.http import CLIENTS, DONE, Events, body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from benchmarks.subjects.subject import Wire


class _Model(NamedTuple):
    url: str
    tools: Wire | None = None


class RawSubject:
    """Raw httpx: requests are bodies, answers are JSON."""

    def make(self, url: str, *, native_tools: bool = False) -> Any:  # noqa: ARG002 - the interface
        """Return the URL of the endpoint."""
        return _Model(f"{url}/ai/v2")

    def bind_tools(self, model: _Model, tools: Wire) -> Any:
        """Return the same with tools, which go into each body."""
        return model._replace(tools=tools)

    def to_messages(self, wire: Wire) -> Any:
        """Return the messages as they are."""
        return wire

    def first(self, model: _Model, messages: Wire) -> str:
        """Return the first text of a stream."""
        return str(next(_deltas(model, messages))["content"])

    def invoke(self, model: _Model, messages: Wire) -> str:
        """Return the text of a whole answer."""
        answer = CLIENTS.sync().post(model.url, json=body(messages, model.tools, stream=False))
        return _text(answer.content)

    async def ainvoke(self, model: _Model, messages: Wire) -> str:
        """Return the text of a whole answer."""
        client = CLIENTS.asynchronous()
        answer = await client.post(model.url, json=body(messages, model.tools, stream=False))
        return _text(answer.content)

    def stream(self, model: _Model, messages: Wire) -> list[str]:
        """Return the texts of the chunks of a stream."""
        return [delta["content"] for delta in _deltas(model, messages)]

    async def astream(self, model: _Model, messages: Wire) -> list[str]:
        """Return the texts of the chunks of a stream."""
        return [delta["content"] async for delta in _adeltas(model, messages)]

    def arguments(self, model: _Model, messages: Wire) -> list[str]:
        """Return the fragments of a tool call's arguments."""
        return [_arguments(delta) for delta in _deltas(model, messages)]

    async def aarguments(self, model: _Model, messages: Wire) -> list[str]:
        """Return the fragments of a tool call's arguments."""
        return [_arguments(delta) async for delta in _adeltas(model, messages)]

    def close(self, model: _Model) -> None:  # noqa: ARG002 - the interface
        """Close the client of this process."""
        CLIENTS.close()

    async def aclose(self, model: _Model) -> None:  # noqa: ARG002 - the interface
        """Close the client of this process."""
        await CLIENTS.aclose()


def _deltas(model: _Model, messages: Wire) -> Iterator[dict[str, Any]]:
    events = Events()
    request = body(messages, model.tools, stream=True)
    with CLIENTS.sync().stream("POST", model.url, json=request) as response:
        for piece in response.iter_raw():
            for event in events.feed(piece):
                if event != DONE and (delta := _delta(event)):
                    yield delta


async def _adeltas(model: _Model, messages: Wire) -> AsyncIterator[dict[str, Any]]:
    events = Events()
    request = body(messages, model.tools, stream=True)
    async with CLIENTS.asynchronous().stream("POST", model.url, json=request) as response:
        async for piece in response.aiter_raw():
            for event in events.feed(piece):
                if event != DONE and (delta := _delta(event)):
                    yield delta


def _delta(event: bytes) -> dict[str, Any]:
    delta: dict[str, Any] = from_json(event[6:])["choices"][0]["delta"]
    return delta


def _arguments(delta: dict[str, Any]) -> str:
    return str(delta["tool_calls"][0]["function"]["arguments"])


def _text(answer: bytes) -> str:
    return str(from_json(answer)["choices"][0]["message"]["content"])


SUBJECT = RawSubject()
