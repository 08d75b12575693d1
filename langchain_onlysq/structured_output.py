"""Messages -> the object that was asked for, or an error that says why there is none. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.utils.json import parse_partial_json
from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pydantic.v1 import BaseModel as BaseModelV1

_FENCE = re.compile(r"(?ms)^[ \t]*(?:```|~~~)[^\n]*\n(.*?)^[ \t]*(?:```|~~~)[ \t]*$")
_CANDIDATES = 200
"""How many braces of a long prose are tried, so that time stays linear in practice."""


class StructuredOutputParser(BaseTransformOutputParser[Any]):
    """Reads the object out of an answer: out of a call of the tool, else out of its text.

    Nothing is repaired: an answer that was cut off is an error, never half an object. Only while a
    stream is still running does a plain dict schema show what there is so far.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    output_type: Any
    """A pydantic class; None for a plain dict."""

    tool_name: str | None = None
    """Name of the tool whose arguments are the object; None where it is the text."""

    @property
    def _type(self) -> str:
        return "onlysq-structured-output"

    def parse(self, text: str) -> Any:
        """Parse the text of an answer.

        Raises:
            OutputParserException: If there is no whole object of the right kind in it.
        """
        return self._validated(extract_json(text), text)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer; a `partial` one is what a running stream has brought so far.

        Raises:
            OutputParserException: If there is no whole object of the right kind in it.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if partial:
            return self.so_far(generation.text, message)
        if isinstance(message, AIMessage):
            if self.tool_name and (found := self._from_calls(message)) is not None:
                return found
            if message.additional_kwargs.get("refusal"):
                msg = f"The model refused: {message.additional_kwargs['refusal']}"
                raise OutputParserException(msg, llm_output=generation.text)
            if message.response_metadata.get("finish_reason") == "length":
                return self._from_cut_off(generation.text)
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

    def _from_calls(self, message: AIMessage) -> Any:
        for call in message.tool_calls:
            if call["name"] == self.tool_name:
                return self._validated(call["args"], json.dumps(call["args"], default=str))
        for broken in message.invalid_tool_calls:
            msg = f"The call of {broken['name']!r} is broken: {broken['error'] or broken['args']}"
            raise OutputParserException(msg, llm_output=broken["args"] or "")
        return None

    def _from_cut_off(self, text: str) -> Any:
        try:
            return self.parse(text)
        except OutputParserException as error:
            msg = f"The answer was cut off (finish_reason 'length'): {error}"
            raise OutputParserException(msg, llm_output=text) from None

    def so_far(self, text: str, message: BaseMessage | None) -> Any:
        """Return the plain dict that an unfinished answer shows, None where it shows none."""
        if self.output_type is not None:
            return None
        if self.tool_name and isinstance(message, AIMessage):
            calls = (c["args"] for c in message.tool_calls if c["name"] == self.tool_name)
            return next(calls, None)
        start = text.find("{")
        try:
            value = parse_partial_json(text[start:]) if start >= 0 else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def _validated(self, value: Any, text: str) -> Any:
        if self.output_type is None:
            return value
        try:
            if issubclass(self.output_type, BaseModel):
                return self.output_type.model_validate(value)
            model: type[BaseModelV1] = self.output_type
            return model.parse_obj(value)
        except (ValidationError, ValueError) as error:
            msg = f"The answer does not fit {self.output_type.__name__}: {error}"
            raise OutputParserException(msg, llm_output=text) from error


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
        if value is not None and value != self._shown:
            self._shown = value
            yield value


def extract_json(text: str) -> Any:
    """Find the JSON in an answer: alone, in a fence, or among prose.

    Args:
        text: The text of the answer.

    Returns:
        The value: the whole text, else the first fence that holds JSON, else the first object or
        list that stands in the text.

    Raises:
        OutputParserException: If there is none, or if it was cut off.
    """
    for candidate in (text, *_FENCE.findall(text)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    decoder = json.JSONDecoder(strict=False)
    was_cut_off = False
    for position, match in enumerate(re.finditer(r"[{\[]", text)):
        if position >= _CANDIDATES:
            break
        try:
            value, _ = decoder.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
            if cut and re.match(r'\{\s*("|$)', text[match.start() :]):
                # What is inside an object that was cut off is half an object, too.
                was_cut_off = True
                break
        except RecursionError:
            break
        else:
            if isinstance(value, dict) or (value and isinstance(value[0], dict)):
                return value
    msg = (
        "The JSON in the answer was cut off before its end."
        if was_cut_off
        else "There is no JSON in the answer."
    )
    raise OutputParserException(msg, llm_output=text)
