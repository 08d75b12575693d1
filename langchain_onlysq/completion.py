"""One call from its request to its answer: models, attempts, the question asked again, the end.

A call is a generator. It yields effects, which `transport` carries out, and outputs, which go to
the caller; so sync and async run the same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from langchain_onlysq.errors import OnlySqConnectionError, OnlySqError, OnlySqTimeoutError
from langchain_onlysq.prompted_tools.wording import as_text
from langchain_onlysq.response.deltas import ToolCallDelta
from langchain_onlysq.response.reader import AnswerReader
from langchain_onlysq.transport.attempts import attempts, send_request
from langchain_onlysq.transport.flow import AcquirePermit, Effect
from langchain_onlysq.transport.stall_timer import StallTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from langchain_onlysq.errors.classify import ErrorContext
    from langchain_onlysq.outputs.chunks import Outputs
    from langchain_onlysq.request.prepared import Request
    from langchain_onlysq.request.tools import ToolRequest
    from langchain_onlysq.response.deltas import AnswerEnd, Delta, TextFilter
    from langchain_onlysq.settings.call_options import CallOptions

    # Effects, and outputs between them; then the end of the answer.
    Steps = Generator[Any, Any, AnswerEnd]

T = TypeVar("T")


class Call(Generic[T]):
    """One call of a model, whose outputs are of one type."""

    def __init__(
        self,
        ask: Callable[[str, str | None], Request],
        options: CallOptions,
        context: ErrorContext,
        tools: ToolRequest,
        new_outputs: Callable[[], Outputs[T]],
    ) -> None:
        """Prepare a call; nothing is sent yet.

        Args:
            ask: Makes the request to a model; given an answer that did not call the tool it had to
                call, the request that asks once more.
            options: The settings of this call.
            context: What an error message may say and must not show.
            tools: The tools of the call.
            new_outputs: Begins the outputs of an attempt.
        """
        self._ask = ask
        self._request = ask(options.model, None)
        self._options = options
        self._context = context
        unlike = (model for model in options.fallback_models if model != options.model)
        self._fallbacks = list(dict.fromkeys(unlike))
        # Id of a model that failed -> what is said of it beside the error of another.
        self._notes: dict[str, str] = {}
        self._tools = tools
        self._tool_names = () if options.native_tools else tuple(tools.names)
        self._insists = tools.forced is not None
        self._awaited = False
        self._handed_over = False
        self._held_back: list[Delta] = []
        self._waiting: list[Delta] = []
        self._new_outputs = new_outputs
        self._outputs = new_outputs()

    def steps(self) -> Generator[Effect | T, Any, None]:
        """Yield effects, and the outputs between them."""
        while True:
            try:
                end = yield from self._obeyed()
                break
            except OnlySqError as error:
                if not self._turn_to_another(error):
                    # What the last attempt brought is delivered, also what was held back of it.
                    yield from self._outputs.feed([*self._waiting, *self._held_back])
                    raise
            yield AcquirePermit()
        if self._notes:
            end.metadata["attempted_models"] = list(self._notes)
        yield from self._outputs.finish(end)

    def _turn_to_another(self, error: OnlySqError) -> bool:
        """Turn to the next model, if there is one and it may do better."""
        from langchain_onlysq.transport.retries import may_fall_back, warn_of_switch

        failed = self._context.model or ""
        if self._handed_over or not self._fallbacks or not may_fall_back(error):
            for note in self._notes.values():
                error.add_note(note)
            return False
        status = "" if error.status_code is None else f" {error.status_code}"
        note = f"Before it, {failed!r} failed:{status} {type(error).__name__}: {error}"
        self._notes[failed] = note
        following = self._fallbacks.pop(0)
        warn_of_switch(error, failed, following)
        self._request = self._ask(following, None)
        self._context = self._context.for_model(following)
        self._insists = self._tools.forced is not None
        return True

    def _obeyed(self) -> Steps:
        """Get an answer; once more where it does not call the tool that it had to call."""
        end = yield from self._answer()
        if not self._awaited:
            return end
        self._insists = False
        answer = as_text(self._waiting, with_calls=bool(self._tool_names))
        self._request = self._ask(self._request.model or "", answer)
        yield AcquirePermit()
        return (yield from self._answer())

    def _answer(self) -> Steps:
        return attempts(self._attempt, self._options.max_retries, lambda: self._handed_over)

    def _attempt(self) -> Steps:
        """Send the request once and read the answer."""
        reader = AnswerReader(self._options, self._context, self._new_call_reader())
        self._outputs = self._new_outputs()
        self._awaited = self._insists
        self._waiting, self._held_back = [], []
        feed, streams = self._outputs.feed, self._outputs.streams
        silence = StallTimer(self._options.stall_timeout, streams=streams)
        yield from send_request(self._request, self._options.timeouts, silence, self._context)
        try:
            while not reader.finished:
                events = reader.events
                # No variable here holds the bytes: they may quote the key, and errors show frames.
                deltas = reader.feed((yield silence.read()))
                if reader.events != events or (reader.in_event and not streams):
                    silence.broken()
                else:
                    silence.go_on(self._context.model)
                for output in feed(self._released(deltas) if self._awaited else deltas):
                    self._handed_over = True
                    yield output
        except (OnlySqConnectionError, OnlySqTimeoutError):
            self._held_back = reader.close()
            if not reader.complete:
                raise
        else:
            self._held_back = reader.close()
        end = reader.end()
        for output in feed(self._released(self._held_back)):
            self._handed_over = True
            yield output
        return end

    def _new_call_reader(self) -> TextFilter | None:
        if not self._tool_names:
            return None
        from langchain_onlysq.prompted_tools.reader import ToolCallParser

        return ToolCallParser(self._tool_names)

    def _released(self, deltas: list[Delta]) -> list[Delta]:
        """Return what may be handed over by now.

        All is held back until the call that was asked for shows that this is the answer to keep.
        """
        if not self._awaited:
            return deltas
        self._waiting += deltas
        if not any(map(self._is_awaited, deltas)):
            return []
        self._awaited = False
        deltas, self._waiting = self._waiting, []
        return deltas

    def _is_awaited(self, delta: Delta) -> bool:
        return (
            isinstance(delta, ToolCallDelta)
            and delta.name is not None
            and delta.error is None
            and self._tools.is_followed_by(delta.name)
        )
