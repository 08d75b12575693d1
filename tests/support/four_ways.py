"""One body, four ways to get at it: what comes out must be the same."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message

from langchain_onlysq import ChatOnlySq, OnlySqError
from langchain_onlysq.testing import LocalOnlySq

if TYPE_CHECKING:
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.runnables import Runnable

    from langchain_onlysq.testing import ReplyLike

WAYS = ("invoke", "ainvoke", "stream", "astream")


@dataclass
class Outcome:
    """What one way gave: a message, or an error after some chunks."""

    way: str
    message: AIMessage | None = None
    error: OnlySqError | None = None
    chunks: list[AIMessageChunk] = field(default_factory=list)
    requests: int = 0

    @property
    def answer(self) -> AIMessage:
        assert self.message is not None, self.error
        return self.message

    @property
    def failure(self) -> OnlySqError:
        assert self.error is not None, self.message
        return self.error

    @property
    def delivered(self) -> str:
        """The text that reached the caller before an error."""
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def comparable(self) -> dict[str, Any]:
        """The message without what LangChain adds to each run."""
        dumped = self.answer.model_dump()
        return {key: dumped[key] for key in dumped.keys() - {"id", "type", "chunk_position"}}


def run(
    way: str, llm: Runnable[Any, Any], question: LanguageModelInput = "Hi", **kwargs: Any
) -> Outcome:
    """Ask one way; asynchronous ones get an event loop of their own."""
    outcome = Outcome(way)
    try:
        if way == "invoke":
            outcome.message = llm.invoke(question, **kwargs)
        elif way == "ainvoke":
            outcome.message = asyncio.run(llm.ainvoke(question, **kwargs))
        elif way == "stream":
            outcome.chunks.extend(llm.stream(question, **kwargs))
        else:
            asyncio.run(_collect(llm, question, outcome, kwargs))
    except OnlySqError as error:
        outcome.error = error
    else:
        if outcome.chunks:
            outcome.message = merged(outcome.chunks)
    return outcome


async def _collect(
    llm: Runnable[Any, Any], question: LanguageModelInput, outcome: Outcome, kwargs: dict[str, Any]
) -> None:
    async for chunk in llm.astream(question, **kwargs):
        outcome.chunks.append(chunk)


def merged(chunks: list[AIMessageChunk]) -> AIMessage:
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    message = message_chunk_to_message(total)
    assert isinstance(message, AIMessage)
    return message


def four_ways(
    reply: ReplyLike, *more: ReplyLike, question: LanguageModelInput = "Hi", **fields: Any
) -> list[Outcome]:
    """Let a server answer each of the four ways with the same replies."""
    outcomes = []
    settings = {"model": "gpt-4o-mini", "max_retries": 0, **fields}
    with LocalOnlySq() as server:
        for way in WAYS:
            before = len(server.requests)
            server.reply(reply, *more)
            with ChatOnlySq(base_url=server.base_url, **settings) as llm:
                outcome = run(way, llm, question)
            outcome.requests = len(server.requests) - before
            outcomes.append(outcome)
    return outcomes


def agreed(
    reply: ReplyLike, *more: ReplyLike, question: LanguageModelInput = "Hi", **fields: Any
) -> AIMessage:
    """Return the message that all four ways agree on."""
    first, *others = four_ways(reply, *more, question=question, **fields)
    for other in others:
        assert other.comparable == first.comparable, other.way
    return first.answer


def agreed_error(
    reply: ReplyLike, *more: ReplyLike, question: LanguageModelInput = "Hi", **fields: Any
) -> OnlySqError:
    """Return the error that all four ways agree on."""
    first, *others = four_ways(reply, *more, question=question, **fields)
    for other in others:
        assert type(other.failure) is type(first.failure), other.way
        assert str(other.failure) == str(first.failure), other.way
        assert vars(other.failure) == vars(first.failure), other.way
    return first.failure
