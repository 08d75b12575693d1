"""The ways of asking: what comes out of each is an `Answer`, which can be compared."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langchain_onlysq import ChatOnlySq, OnlySqError
from langchain_onlysq.outputs.chunks import CORE_KNOWS_OUR_EVENTS
from tests.soak.faults import NOTE, OBJECT

TEXT_WAYS = ("stream", "invoke", "events")
WAYS = ("stream", "invoke", *(["events"] * CORE_KNOWS_OUR_EVENTS), "object")
"""The ways of a conversation.

Before 1.7, langchain-core makes the events itself, and fails at a model that loops on a bracket.
"""


@dataclass
class Answer:
    """What came of a question.

    Attributes:
        pieces: The pieces of its text, as far as it came in pieces.
        message: The whole answer; None where there is none.
        value: The object in it; None where that cannot be read, or none was asked for.
        is_object: Whether an object was asked for.
        error: What was raised.
    """

    pieces: list[str] = field(default_factory=list)
    message: AIMessage | None = None
    value: dict[str, Any] | None = None
    is_object: bool = False
    error: OnlySqError | None = None

    @property
    def text(self) -> str:
        """The text, or what stands in the object or in the call."""
        if self.message is None:
            return "".join(self.pieces)
        if self.is_object:
            return str(self.value["text"]) if self.value else ""
        called = [str(call["args"]["text"]) for call in self.message.tool_calls]
        return self.message.text + "".join(called)

    @property
    def is_broken(self) -> bool:
        """Whether it is a call or an object that cannot be read, and nothing else."""
        message = self.message
        is_tried = message is not None and (self.is_object or message.invalid_tool_calls)
        return bool(is_tried and not self.text)

    @property
    def repairs(self) -> int:
        """How often it was asked for again, as the message says."""
        return self.message.response_metadata.get("repairs", 0) if self.message else 0


def tools_or_object(llm: ChatOnlySq, way: str) -> Runnable[Any, Any]:
    """Let a model answer in the form that a way asks for."""
    if way == "object":
        return llm.with_structured_output(OBJECT, include_raw=True)
    return llm.bind_tools([NOTE])


def ask(llm: Runnable[Any, Any], way: str, question: str) -> Answer:
    """Ask by invoke, stream or stream_events."""
    answer = Answer(is_object=way == "object")
    try:
        if way == "invoke":
            answer.message = llm.invoke(question)
        elif way == "object":
            _take_object(answer, llm.invoke(question))
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


async def aask(llm: Runnable[Any, Any], way: str, question: str) -> Answer:
    """Ask by ainvoke, astream or astream_events."""
    answer = Answer(is_object=way == "object")
    try:
        if way == "invoke":
            answer.message = await llm.ainvoke(question)
        elif way == "object":
            _take_object(answer, await llm.ainvoke(question))
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


def _take_object(answer: Answer, result: dict[str, Any]) -> None:
    answer.message, answer.value = result["raw"], result["parsed"]
