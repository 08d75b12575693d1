"""Whether a finished answer holds the object that was asked for, or why it does not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_onlysq.outputs.object_reading import BEGINS_WITH
from langchain_onlysq.response.deltas import Reasoning, ToolCallDelta
from langchain_onlysq.response.finish_reasons import was_cut

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from langchain_onlysq.outputs.structured_output import StructuredOutputParser
    from langchain_onlysq.response.deltas import Delta

JUDGE_KEYWORD = "structured_output_judge"
"""Keyword of a call that holds its judge; it is not sent."""

_MOST_REASON = 500
_LANGCHAINS_HINT = "\nFor troubleshooting"


class ObjectJudge:
    """Judges the answers of one call of `with_structured_output`.

    Attributes:
        schema: The JSON schema of the object.
        tool_name: Name of the tool whose arguments it is; None where it is the text.
    """

    def __init__(self, parser: StructuredOutputParser, *, include_raw: bool = False) -> None:
        """Judge as the parser of the answer does.

        Args:
            parser: What reads the object in the end.
            include_raw: Whether the caller of a stream sees the message while it arrives.
        """
        self._parser = parser
        self._shows_parts = include_raw or parser.output_type is None
        self.schema: dict[str, Any] = parser.json_schema or {}
        self.tool_name = parser.tool_name

    def __repr__(self) -> str:
        """Say nothing that differs between two processes: it is part of cache keys."""
        return f"ObjectJudge({self.schema.get('title')!r})"

    def objection(self, message: AIMessage) -> str | None:
        """Say why an answer is to be asked for once more.

        Args:
            message: The answer, whole.

        Returns:
            The reason; None where the object is there, or where asking again would not help: the
            model refused, or the answer was cut, at its greatest length or by a filter.
        """
        if was_cut(message.response_metadata.get("finish_reason")):
            return None
        if message.additional_kwargs.get("refusal") is not None:
            return None
        error = self._parser.judge(message)["parsing_error"]
        if error is None:
            return None
        # The model is shown its answer anyway.
        reason = str(error).partition(_LANGCHAINS_HINT)[0].partition(BEGINS_WITH)[0]
        return reason if len(reason) <= _MOST_REASON else f"{reason[: _MOST_REASON - 1]}…"

    def is_shown(self, delta: Delta) -> bool:
        """Tell whether the caller of a stream may see something of the object from here on.

        Before that a stream can be held back, and asked for once more. A class is shown whole, so
        that all of its stream can be.

        Args:
            delta: The next piece of the answer.
        """
        if not self._shows_parts or isinstance(delta, Reasoning):
            return False
        return isinstance(delta, ToolCallDelta) or "{" in delta
