"""The ways of asking: what comes out of each is an `Answer`, which can be compared."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langchain_onlysq import OnlySqError

WAYS = ("stream", "invoke", "events")


@dataclass
class Answer:
    """What came of a question: the pieces of its text, then a message or an error."""

    pieces: list[str] = field(default_factory=list)
    message: AIMessage | None = None
    error: OnlySqError | None = None

    @property
    def text(self) -> str:
        """The text, or what the tool is called with."""
        if self.message is None:
            return "".join(self.pieces)
        called = [str(call["args"]["text"]) for call in self.message.tool_calls]
        return self.message.text + "".join(called)

    @property
    def is_broken_call(self) -> bool:
        """Whether it is a call that cannot be read, and nothing else."""
        message = self.message
        return bool(message and message.invalid_tool_calls and not self.text)


def ask(llm: Runnable[Any, AIMessage], way: str, question: str) -> Answer:
    """Ask by invoke, stream or stream_events."""
    answer = Answer()
    try:
        if way == "invoke":
            answer.message = llm.invoke(question)
        elif way == "stream":
            for piece in llm.stream(question):
                _add(answer, piece)
        else:
            stream: Any = llm.stream_events(question, version="v3")
            for text in stream.text:
                answer.pieces.append(text)
            answer.message = stream.output
    except OnlySqError as error:
        answer.message, answer.error = None, error
    return answer


async def aask(llm: Runnable[Any, AIMessage], way: str, question: str) -> Answer:
    """Ask by ainvoke, astream or astream_events."""
    answer = Answer()
    try:
        if way == "invoke":
            answer.message = await llm.ainvoke(question)
        elif way == "stream":
            async for piece in llm.astream(question):
                _add(answer, piece)
        else:
            async with aclosing(cast("Any", await llm.astream_events(question, version="v3"))) as s:
                async for text in s.text:
                    answer.pieces.append(text)
                answer.message = await s.output
    except OnlySqError as error:
        answer.message, answer.error = None, error
    return answer


def _add(answer: Answer, piece: AIMessage) -> None:
    answer.pieces.append(piece.text)
    answer.message = cast("AIMessage", answer.message + piece) if answer.message else piece
