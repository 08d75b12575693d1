"""Whether an answer is the one to keep, or the model is asked once more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from langchain_onlysq.outputs.chunks import to_result
from langchain_onlysq.response.deltas import ToolCallDelta
from langchain_onlysq.response.finish_reasons import was_cut
from langchain_onlysq.settings.loading import loading

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from langchain_onlysq.request.tools import ToolRequest
    from langchain_onlysq.response.deltas import AnswerEnd, Delta


class AnswerGate:
    """Holds an answer back until it shows that this is the one to keep.

    It is kept where the call that was demanded has come, where the caller of a stream is about to
    see something of the answer, and at the end where the object that was asked for is there, or
    where any of its calls can be read.

    Attributes:
        closed: Whether nothing of the answer may be delivered yet.
        held: What was held back so far.
    """

    __slots__ = ("_awaits_call", "_judge", "_streams", "_tools", "closed", "held")

    def __init__(self, tools: ToolRequest, *, may_ask_again: bool, streams: bool) -> None:
        """Start before the first piece.

        Args:
            tools: What the answer has to be.
            may_ask_again: Whether a further request may still be made.
            streams: Whether the caller sees the answer while it arrives.
        """
        self._tools = tools
        self._judge = tools.judge
        self._streams = streams
        self._awaits_call = tools.forced is not None
        is_watched = self._awaits_call or self._judge is not None or bool(tools.names)
        self.closed = may_ask_again and is_watched
        self.held: list[Delta] = []

    def hold(self, deltas: list[Delta]) -> None:
        """Take the next deltas, and look for what opens the gate in them."""
        self.held += deltas
        if not self.closed:
            return
        self._awaits_call = self._awaits_call and not any(map(self._is_demanded, deltas))
        if self._tools.forced and self._judge is None:
            self.closed = self._awaits_call
        elif self._judge is None:
            self.closed = not self._streams or all(map(_is_broken_call, deltas))
        elif self._streams and not self._awaits_call:
            self.closed = not any(map(self._judge.is_shown, deltas))

    def release(self) -> list[Delta]:
        """Return what can be delivered by now."""
        return [] if self.closed else self.take()

    def take(self) -> list[Delta]:
        """Return all that is held, since nothing else will come."""
        held, self.held = self.held, []
        return held

    def reminder(self, end: AnswerEnd) -> str | None:
        """Decide at the end of the answer, and open the gate where the answer is kept.

        Args:
            end: What is known of the whole answer.

        Returns:
            What the user says to the answer; None where it is kept.
        """
        if not self.closed:
            return None
        message = cast("AIMessage", to_result(self.held, end).generations[0].message)
        reminder = self._remind(message)
        self.closed = reminder is not None
        return reminder

    def _remind(self, message: AIMessage) -> str | None:
        with loading:
            from langchain_onlysq.prompted_tools import wording

        if self._judge is not None:
            reason = self._judge.objection(message)
            if reason is None:
                return None
            return wording.remind_of_object(reason, self._judge.schema, self._judge.tool_name)
        if was_cut(message.response_metadata.get("finish_reason")):
            return None
        broken = message.invalid_tool_calls
        if broken and not message.tool_calls:
            name, reason = broken[0]["name"] or "", broken[0]["error"] or ""
            return wording.remind_of_call(name, reason, self._tools.tools)
        return wording.remind(self._tools.forced) if self._tools.forced else None

    def _is_demanded(self, delta: Delta) -> bool:
        return (
            isinstance(delta, ToolCallDelta)
            and delta.name is not None
            and delta.error is None
            and self._tools.is_followed_by(delta.name)
        )


def _is_broken_call(delta: Delta) -> bool:
    return isinstance(delta, ToolCallDelta) and delta.error is not None
