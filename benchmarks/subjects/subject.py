"""The interface of a subject, and the one implementation for every LangChain chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

Wire = list[dict[str, Any]]
"""Messages as they stand in a request."""


class Subject(Protocol):
    """What a client can do; each method does it as its user would, and returns what was read."""

    def make(self, url: str, *, native_tools: bool = False) -> Any:
        """Make a model that asks this base URL."""

    def bind_tools(self, model: Any, tools: Wire) -> Any:
        """Return the model with tools bound."""

    def to_messages(self, wire: Wire) -> Any:
        """Turn messages into what the calls take."""

    def first(self, model: Any, messages: Any) -> str:
        """Return the first text of a stream."""

    def invoke(self, model: Any, messages: Any) -> str:
        """Return the text of a whole answer."""

    async def ainvoke(self, model: Any, messages: Any) -> str:
        """Return the text of a whole answer."""

    def stream(self, model: Any, messages: Any) -> list[str]:
        """Return the texts of the chunks of a stream."""

    async def astream(self, model: Any, messages: Any) -> list[str]:
        """Return the texts of the chunks of a stream."""

    def arguments(self, model: Any, messages: Any) -> list[str]:
        """Return the fragments of a tool call's arguments."""

    async def aarguments(self, model: Any, messages: Any) -> list[str]:
        """Return the fragments of a tool call's arguments."""

    def close(self, model: Any) -> None:
        """Close the connections of sync calls."""

    async def aclose(self, model: Any) -> None:
        """Close the connections of async calls."""


class LangChainSubject:
    """A chat model of LangChain.

    Args:
        build: Makes the model, with default settings but for the base URL; its second argument
            says whether tool calls must come natively.
        close: Closes the connections of sync calls, where the model can.
        aclose: Closes the connections of async calls, where the model can.
    """

    def __init__(
        self,
        build: Callable[[str, bool], Any],
        close: Callable[[Any], Any] | None = None,
        aclose: Callable[[Any], Any] | None = None,
    ) -> None:
        self._build = build
        self._close = close
        self._aclose = aclose

    def make(self, url: str, *, native_tools: bool = False) -> Any:
        """Make a model that asks this base URL."""
        return self._build(url, native_tools)

    def bind_tools(self, model: Any, tools: Wire) -> Any:
        """Return the model with tools bound."""
        return model.bind_tools(tools)

    def to_messages(self, wire: Wire) -> Any:
        """Turn messages into those of langchain-core."""
        from langchain_core.messages import convert_to_messages

        return convert_to_messages(wire)

    def first(self, model: Any, messages: Any) -> str:
        """Return the first text of a stream."""
        return str(next(text for chunk in model.stream(messages) if (text := chunk.content)))

    def invoke(self, model: Any, messages: Any) -> str:
        """Return the text of a whole answer."""
        return str(model.invoke(messages).content)

    async def ainvoke(self, model: Any, messages: Any) -> str:
        """Return the text of a whole answer."""
        return str((await model.ainvoke(messages)).content)

    def stream(self, model: Any, messages: Any) -> list[str]:
        """Return the texts of the chunks of a stream."""
        return [chunk.content for chunk in model.stream(messages)]

    async def astream(self, model: Any, messages: Any) -> list[str]:
        """Return the texts of the chunks of a stream."""
        return [chunk.content async for chunk in model.astream(messages)]

    def arguments(self, model: Any, messages: Any) -> list[str]:
        """Return the fragments of a tool call's arguments."""
        return [call["args"] for chunk in model.stream(messages) for call in chunk.tool_call_chunks]

    async def aarguments(self, model: Any, messages: Any) -> list[str]:
        """Return the fragments of a tool call's arguments."""
        return [
            call["args"]
            async for chunk in model.astream(messages)
            for call in chunk.tool_call_chunks
        ]

    async def v2_events(self, model: Any, messages: Any) -> list[str]:
        """Return the texts of the events of `astream_events`, version v2."""
        return [
            event["data"]["chunk"].content
            async for event in model.astream_events(messages, version="v2")
            if event["event"] == "on_chat_model_stream"
        ]

    def v3_events(self, model: Any, messages: Any) -> list[str]:
        """Return the texts of the events of `stream_events`, version v3."""
        return [
            event["delta"]["text"]
            for event in model.stream_events(messages, version="v3")
            if event["event"] == "content-block-delta"
        ]

    async def av3_events(self, model: Any, messages: Any) -> list[str]:
        """Return the texts of the events of `astream_events`, version v3."""
        return [
            event["delta"]["text"]
            async for event in await model.astream_events(messages, version="v3")
            if event["event"] == "content-block-delta"
        ]

    def close(self, model: Any) -> None:
        """Close the connections of sync calls."""
        if self._close is not None:
            self._close(model)

    async def aclose(self, model: Any) -> None:
        """Close the connections of async calls."""
        if self._aclose is not None:
            await self._aclose(model)
