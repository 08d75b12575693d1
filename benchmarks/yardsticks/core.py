"""langchain-core alone: a bare chat model that makes its chunks in process."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from benchmarks.wire import USAGE, parse_path, texts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_core.messages.ai import UsageMetadata


class BareChatModel(BaseChatModel):
    """Says what the server would answer at its URL, without asking anybody."""

    url: str

    @property
    def _llm_type(self) -> str:
        return "bare"

    @cached_property
    def _texts(self) -> list[str]:
        shape = parse_path(urlsplit(self.url).path)
        return texts(shape) if shape else []

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        return result("".join(self._texts), USAGE)

    async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
        return self._generate()

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        for text in self._texts:
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        yield last_chunk(USAGE)

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream():
            yield chunk


def result(text: str, usage: dict[str, int]) -> ChatResult:
    """Return a whole answer, with the usage as it stands on the wire."""
    message = AIMessage(content=text, usage_metadata=_to_metadata(usage))
    return ChatResult(generations=[ChatGeneration(message=message)])


def last_chunk(usage: dict[str, int]) -> ChatGenerationChunk:
    """Return the end of a stream, with the usage as it stands on the wire."""
    metadata = _to_metadata(usage)
    message = AIMessageChunk(content="", usage_metadata=metadata, chunk_position="last")
    return ChatGenerationChunk(message=message)


def _to_metadata(usage: dict[str, int]) -> UsageMetadata:
    return {
        "input_tokens": usage["prompt_tokens"],
        "output_tokens": usage["completion_tokens"],
        "total_tokens": usage["total_tokens"],
    }
