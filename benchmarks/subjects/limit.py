"""The limit: httpx and langchain-core together in the leanest form that does what it says.

No error is looked for, nothing is retried, no time is limited but by httpx: a client that is right
costs more. It is the yardstick, not a model to use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic_core import from_json

from benchmarks.subjects.http import CLIENTS, DONE, Events, body
from benchmarks.subjects.subject import LangChainSubject, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


class LimitChatModel(BaseChatModel):
    """Reads text."""

    url: str

    @property
    def _llm_type(self) -> str:
        return "limit"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Send tools along."""
        return self.bind(tools=tools, **kwargs)

    def _message(self, delta: dict[str, Any]) -> AIMessageChunk:
        return AIMessageChunk(content=delta["content"])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the interface
        run_manager: Any = None,  # noqa: ARG002 - the interface
        **kwargs: Any,
    ) -> ChatResult:
        request = body(_wire(messages), kwargs.get("tools"), stream=False)
        return _result(CLIENTS.sync().post(self.url, json=request).content)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the interface
        run_manager: Any = None,  # noqa: ARG002 - the interface
        **kwargs: Any,
    ) -> ChatResult:
        request = body(_wire(messages), kwargs.get("tools"), stream=False)
        return _result((await CLIENTS.asynchronous().post(self.url, json=request)).content)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the interface
        run_manager: Any = None,  # noqa: ARG002 - the interface
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        events = Events()
        request = body(_wire(messages), kwargs.get("tools"), stream=True)
        with CLIENTS.sync().stream("POST", self.url, json=request) as response:
            for piece in response.iter_raw():
                for event in events.feed(piece):
                    if event != DONE:
                        yield _chunk(event, self._message)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the interface
        run_manager: Any = None,  # noqa: ARG002 - the interface
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        events = Events()
        request = body(_wire(messages), kwargs.get("tools"), stream=True)
        async with CLIENTS.asynchronous().stream("POST", self.url, json=request) as response:
            async for piece in response.aiter_raw():
                for event in events.feed(piece):
                    if event != DONE:
                        yield _chunk(event, self._message)


class LimitToolChatModel(LimitChatModel):
    """Reads a tool call."""

    def _message(self, delta: dict[str, Any]) -> AIMessageChunk:
        call = delta["tool_calls"][0]
        function = call["function"]
        fragment = tool_call_chunk(
            name=function.get("name"),
            args=function["arguments"],
            id=call.get("id"),
            index=call["index"],
        )
        return AIMessageChunk(content="", tool_call_chunks=[fragment])


def _wire(messages: list[BaseMessage]) -> Wire:
    return [{"role": _ROLES[message.type], "content": message.content} for message in messages]


def _chunk(
    event: bytes, to_message: Callable[[dict[str, Any]], AIMessageChunk]
) -> ChatGenerationChunk:
    parsed = from_json(event[6:])
    choice = parsed["choices"][0]
    if choice["finish_reason"] is None:
        return ChatGenerationChunk(message=to_message(choice["delta"]))
    usage = _usage(parsed["usage"])
    message = AIMessageChunk(content="", usage_metadata=usage, chunk_position="last")
    return ChatGenerationChunk(message=message)


def _result(answer: bytes) -> ChatResult:
    parsed = from_json(answer)
    message = AIMessage(
        content=parsed["choices"][0]["message"]["content"], usage_metadata=_usage(parsed["usage"])
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def _usage(usage: dict[str, int]) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
    )


def _build(url: str, native_tools: bool) -> LimitChatModel:  # noqa: FBT001 - the interface
    return (LimitToolChatModel if native_tools else LimitChatModel)(url=f"{url}/ai/v2")


SUBJECT = LangChainSubject(_build, lambda _: CLIENTS.close(), lambda _: CLIENTS.aclose())
