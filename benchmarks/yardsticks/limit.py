"""The limit: raw httpx below langchain-core, in the leanest form that does what it says.

No error is looked for, nothing is retried, no time is limited but by httpx: a client that is right
costs more. It is the yardstick, not a model to use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from benchmarks.yardsticks.core import BareChatModel, last_chunk, result
from benchmarks.yardsticks.raw import RawModel, Wire, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


class LimitChatModel(BareChatModel):
    """Reads text and tool calls."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Send tools along."""
        return self.bind(tools=tools, **kwargs)

    def _generate(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> ChatResult:
        answer = self._raw(kwargs).invoke(_wire(messages))
        return result(text(answer), answer["usage"])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> ChatResult:
        answer = await self._raw(kwargs).ainvoke(_wire(messages))
        return result(text(answer), answer["usage"])

    def _stream(
        self, messages: list[BaseMessage], *_: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for event in self._raw(kwargs).stream(_wire(messages)):
            yield _chunk(event)

    async def _astream(
        self, messages: list[BaseMessage], *_: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for event in self._raw(kwargs).astream(_wire(messages)):
            yield _chunk(event)

    def _raw(self, kwargs: dict[str, Any]) -> RawModel:
        return RawModel(self.url, kwargs.get("tools"))


def _wire(messages: list[BaseMessage]) -> Wire:
    return [{"role": _ROLES[message.type], "content": message.content} for message in messages]


def _chunk(event: Any) -> ChatGenerationChunk:
    delta = event["choices"][0]["delta"]
    if "content" in delta:
        return ChatGenerationChunk(message=AIMessageChunk(content=delta["content"]))
    if "tool_calls" not in delta:
        return last_chunk(event["usage"])
    call = delta["tool_calls"][0]
    name, arguments = call["function"].get("name"), call["function"]["arguments"]
    fragment = tool_call_chunk(name=name, args=arguments, id=call.get("id"), index=call["index"])
    return ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[fragment]))
