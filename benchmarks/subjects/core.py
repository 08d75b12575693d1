"""langchain-core alone: chunks made in process by a bare chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from benchmarks.subjects.subject import LangChainSubject
from benchmarks.wire import parse_shape, pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_USAGE = {"input_tokens": 11, "output_tokens": 19, "total_tokens": 30}


class BareChatModel(BaseChatModel):
    """Says its words, without asking anybody."""

    url: str
    _words: list[str] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "bare"

    def _said(self) -> list[str]:
        if not self._words:
            self._words = pieces(parse_shape(self.url.rpartition("/")[2]))
        return self._words

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:  # noqa: ARG002 - it does not listen
        message = AIMessage(content="".join(self._said()), usage_metadata=_USAGE)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)

    def _stream(
        self,
        messages: list[BaseMessage],  # noqa: ARG002 - it does not listen
        *_: Any,
        **__: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in self._said():
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        yield _last()

    async def _astream(
        self,
        messages: list[BaseMessage],  # noqa: ARG002 - it does not listen
        *_: Any,
        **__: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for word in self._said():
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        yield _last()


def _last() -> ChatGenerationChunk:
    message = AIMessageChunk(content="", usage_metadata=_USAGE, chunk_position="last")
    return ChatGenerationChunk(message=message)


SUBJECT = LangChainSubject(lambda url, _: BareChatModel(url=url))
