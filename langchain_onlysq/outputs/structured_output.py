"""Messages -> the object that was asked for, or an error that says why there is none. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import AddableDict, RunnableGenerator
from langchain_core.utils.json import parse_partial_json
from pydantic import ConfigDict

from langchain_onlysq.outputs.content_blocks import extra_blocks
from langchain_onlysq.outputs.object_reading import ObjectSchema, read_object
from langchain_onlysq.outputs.object_search import find_values
from langchain_onlysq.response.finish_reasons import was_cut
from langchain_onlysq.response.json_text import refuse_constant, split_open_escape
from langchain_onlysq.response.refusals import REFUSAL_ERROR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_DECODER = json.JSONDecoder(strict=False, parse_constant=refuse_constant)
_BEGINS_OBJECT = re.compile(r'\{\s*(?:["}]|$)')
_ERRORS = (OutputParserException, *filter(None, [REFUSAL_ERROR]))


class StructuredOutputParser(BaseTransformOutputParser[Any]):
    """Reads the object out of an answer: out of a call of the tool, else out of its text.

    What differs from the schema in form alone is read; values are never made up, and an answer that
    was cut off is an error, never half an object. Only while a stream is still running does a plain
    dict schema show what there is so far.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    output_type: Any
    """A pydantic class; None for a plain dict."""

    tool_name: str | None = None
    """Name of the tool whose arguments are the object; None where it is the text."""

    json_schema: dict[str, Any] | None = None
    """The schema of the object; None where any will do."""

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Unpickle, also what 0.1.0 wrote, which knew no schema."""
        super().__setstate__({**state, "__dict__": {"json_schema": None, **state["__dict__"]}})

    @property
    def _type(self) -> str:
        return "onlysq-structured-output"

    def parse(self, text: str) -> Any:
        """Parse the text of an answer.

        Raises:
            OutputParserException: If there is no whole object of the right kind in it.
        """
        return self._read(find_values(text), text)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer; a `partial` one is what a running stream has brought so far.

        Raises:
            OutputParserException: If there is no whole object of the right kind in it.
            ModelRefusalError: If the model refused, where langchain-core knows of refusals.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if partial:
            return self.so_far(generation.text, message)
        if isinstance(message, AIMessage):
            if self.tool_name and (found := self._from_calls(message)) is not None:
                return found
            raise_if_refused(message)
            finish_reason = message.response_metadata.get("finish_reason")
            if was_cut(finish_reason):
                return self._from_cut_off(generation.text, finish_reason)
        return self.parse(generation.text)

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:  # noqa: A002
        progress = _Progress(self)
        for piece in input:
            yield from progress.add(piece)
        yield from progress.end()

    async def _atransform(
        self,
        input: AsyncIterator[str | BaseMessage],  # noqa: A002 - LangChain's name
    ) -> AsyncIterator[Any]:
        progress = _Progress(self)
        async for piece in input:
            for value in progress.add(piece):
                yield value
        for value in progress.end():
            yield value

    def judge(self, message: BaseMessage) -> dict[str, Any]:
        """Return the object of a message, or the error in its place."""
        try:
            parsed = self.parse_result([ChatGeneration(message=message)])
        except _ERRORS as error:
            return {"parsed": None, "parsing_error": error}
        return {"parsed": parsed, "parsing_error": None}

    def _from_calls(self, message: AIMessage) -> Any:
        calls = [call["args"] for call in message.tool_calls if call["name"] == self.tool_name]
        if calls:
            return self._read(calls, json.dumps(calls, default=str))
        for broken in message.invalid_tool_calls:
            name, reason = broken["name"] or "", broken["error"] or broken["args"]
            msg = f"The call of {name!r} is broken: {reason}"
            raise OutputParserException(msg, llm_output=broken["args"] or "")
        return None

    def _from_cut_off(self, text: str, finish_reason: str | None) -> Any:
        try:
            return self.parse(text)
        except OutputParserException as error:
            msg = f"The answer was cut off (finish_reason {finish_reason!r}): {error}"
            raise OutputParserException(msg, llm_output=text) from None

    def so_far(self, text: str, message: BaseMessage | None) -> Any:
        """Return the plain dict that an unfinished answer shows, None where it shows none."""
        if self.output_type is not None:
            return None
        if self.tool_name and isinstance(message, AIMessage):
            calls = (c["args"] for c in message.tool_calls if c["name"] == self.tool_name)
            return next(calls, None)
        return _object_so_far(text)

    def _read(self, values: list[Any], text: str) -> Any:
        return read_object(values, ObjectSchema(self.output_type, self.json_schema or {}), text)


def raise_if_refused(message: AIMessage) -> None:
    """Raise LangChain's error for a refusal, if the message is one.

    Raises:
        ModelRefusalError: If the model refused, where langchain-core knows of refusals.
        OutputParserException: If it refused, and langchain-core knows of none.
    """
    for block in extra_blocks(message.additional_kwargs, message.response_metadata):
        if block["type"] == "refusal":
            raise REFUSAL_ERROR.from_refusal(block, raw_message=message)
    if refusal := message.additional_kwargs.get("refusal"):
        msg = f"The model refused: {refusal}"
        raise OutputParserException(msg, llm_output=message.text)


def with_raw(parser: StructuredOutputParser) -> RunnableGenerator[Any, Any]:
    """Return what adds the parsed object, or the error, to `{"raw": message}`.

    The raw message streams on as it comes; the object follows at the end.
    """
    judge = _JudgesRaw(parser)
    return RunnableGenerator(judge.transform, judge.atransform)


class _JudgesRaw:
    """Adds the parsed object at the end; no closure, since those cannot be pickled."""

    def __init__(self, parser: StructuredOutputParser) -> None:
        self._parser = parser

    def transform(self, pieces: Iterator[Any]) -> Iterator[Any]:
        total = AddableDict()
        for piece in pieces:
            total += AddableDict(piece)
            yield AddableDict(piece)
        yield AddableDict(self._parser.judge(total["raw"]))

    async def atransform(self, pieces: AsyncIterator[Any]) -> AsyncIterator[Any]:
        total = AddableDict()
        async for piece in pieces:
            total += AddableDict(piece)
            yield AddableDict(piece)
        yield AddableDict(self._parser.judge(total["raw"]))


class _Progress:
    """What a running stream has brought, and what of it was shown last."""

    def __init__(self, parser: StructuredOutputParser) -> None:
        self._parser = parser
        self._total: Any = None
        self._shown: Any = None

    def add(self, piece: str | BaseMessage) -> Iterator[Any]:
        self._total = piece if self._total is None else self._total + piece
        message = self._total if isinstance(self._total, BaseMessage) else None
        text = str(self._total) if message is None else message.text
        yield from self._show(self._parser.so_far(text, message))

    def end(self) -> Iterator[Any]:
        """Show the whole object, if it was not shown yet, or raise what is wrong with it."""
        if self._total is None:
            return
        total = self._total
        generation = (
            ChatGeneration(message=total)
            if isinstance(total, BaseMessage)
            else Generation(text=total)
        )
        yield from self._show(self._parser.parse_result([generation]))

    def _show(self, value: Any) -> Iterator[Any]:
        if value is not None and not _is_same(value, self._shown):
            self._shown = value
            yield value


def _is_same(value: Any, other: Any) -> bool:
    """Tell whether nothing has changed: to Python 1 equals 1.0, and true."""
    return bool(value == other) and repr(value) == repr(other)


def _object_so_far(text: str) -> dict[str, Any] | None:
    """Return the object that a text has begun, as far as it goes; None where it has none."""
    match = _BEGINS_OBJECT.search(text)
    if match is None:
        return None
    text, _ = split_open_escape(text[match.start() :])
    try:
        value, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        try:
            value = parse_partial_json(text)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None
