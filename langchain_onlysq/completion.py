"""One chat completion: models in turn, attempts, what is asked again, the end of the answer.

A completion is a generator. It yields effects, which the driver carries out, and outputs, which go
to the caller; so sync and async run the same code.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_onlysq.errors import (
    OnlySqConnectionError,
    OnlySqError,
    OnlySqRateLimitError,
    OnlySqTimeoutError,
)
from langchain_onlysq.request.answer_gate import AnswerGate
from langchain_onlysq.request.tools import schema_of
from langchain_onlysq.response.content import BEHIND_OTHER_CALLS
from langchain_onlysq.response.reader import AnswerReader
from langchain_onlysq.settings.loading import loading
from langchain_onlysq.transport.attempts import attempts, send_request
from langchain_onlysq.transport.flow import AcquirePermit, Effect, Release
from langchain_onlysq.transport.retries import may_fall_back, warn_of_fallback
from langchain_onlysq.transport.stall_timer import StallTimer
from langchain_onlysq.transport.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from langchain_onlysq.outputs.chunks import Outputs
    from langchain_onlysq.request.builder import RequestBuilder
    from langchain_onlysq.request.prepared import PreparedRequest
    from langchain_onlysq.response.deltas import AnswerEnd, Delta, TextFilter

    # Effects, and outputs between them; then the end of the answer.
    Steps = Generator[Any, Any, AnswerEnd]

T = TypeVar("T")


class Completion(Generic[T]):
    """One chat completion, whose outputs are of one type."""

    def __init__(
        self,
        requests: RequestBuilder,
        new_outputs: Callable[[], Outputs[T]],
    ) -> None:
        """Prepare a completion; nothing is sent yet.

        Args:
            requests: Makes the requests.
            new_outputs: Begins the outputs of an attempt.
        """
        self._requests = requests
        options = self._options = requests.options
        tools = self._tools = requests.tools
        self._context = requests.context
        self._reads_calls = bool(tools.names) and not options.native_tools
        self._new_outputs = new_outputs
        is_paced = options.pacing and options.max_retries > 0
        # Waits for the call's turns; None where it takes no part in pacing.
        self._turns = Turns(requests.service, options.max_wait) if is_paced else None
        # Of the latest attempt:
        self._outputs = new_outputs()
        self._gate = AnswerGate(tools, may_ask_again=False, streams=False)
        # What the user says to the latest answer; None where it is kept.
        self._reminder: str | None = None
        self._repairs, self._repairs_left = 0, options.max_repairs
        self._usage: UsageMetadata | None = None
        # Whether anything reached the caller, so that nothing may be repeated.
        self._delivered = False

    def steps(self) -> Generator[Effect | T, Any, None]:
        """Yield effects, and the outputs between them."""
        models = list(dict.fromkeys([self._options.model, *self._options.fallback_models]))
        # Id of a model that failed -> what is said of it beside the error of another.
        failed: dict[str, str] = {}
        while True:
            model = models[0]
            try:
                model = yield from self._choose(models)
                end = yield from self._ask(model, is_last=len(models) == 1)
                break
            except OnlySqError as error:
                if self._is_busy_elsewhere(error, models):
                    continue
                if self._delivered or self._is_last(models) or not may_fall_back(error):
                    for note in failed.values():
                        error.add_note(note)
                    # What the last attempt brought is delivered, also what was held back of it.
                    yield from self._outputs.feed(self._gate.take())
                    raise
                self._turn_from(model, error, models)
                failed[model] = _note(model, error)
            yield AcquirePermit()
        if failed:
            end.metadata["attempted_models"] = list(failed)
        if self._turns and self._turns.waited:
            end.metadata["waited"] = round(self._turns.waited, 3)
        yield from self._outputs.finish(end)

    @property
    def _takes_what_is_open(self) -> bool:
        return self._turns is not None and self._options.fallback_when == "busy"

    def _choose(self, models: list[str]) -> Generator[Effect, Any, str]:
        """Return the model to ask: the first, or the first whose turn it is."""
        if self._turns is None or not self._takes_what_is_open:
            return models[0]
        return (yield from self._turns.take(self._turns.awake(models)))

    def _is_busy_elsewhere(self, error: OnlySqError, models: list[str]) -> bool:
        """Whether one of several models refused a call that may go to any of them."""
        is_refusal = isinstance(error, OnlySqRateLimitError) and not self._delivered
        return is_refusal and self._takes_what_is_open and not self._is_last(models)

    def _is_last(self, models: list[str]) -> bool:
        """Whether no other model is to be asked."""
        gave_up = self._turns is not None and self._turns.gave_up
        return len(models) == 1 or (gave_up and self._takes_what_is_open)

    def _turn_from(self, model: str, error: OnlySqError, models: list[str]) -> None:
        """Leave a model that failed for good."""
        models.remove(model)
        warn_of_fallback(error, model, models[0])
        if self._turns and not isinstance(error, OnlySqRateLimitError):
            self._turns.rest(model)

    def _ask(self, model: str, *, is_last: bool) -> Steps:
        """Get an answer; ask once more where it is not what it has to be."""
        end = yield from self._answer(self._requests.first(model), is_last=is_last)
        while self._reminder is not None:
            end = yield from self._ask_again(model, self._reminder, is_last=is_last)
        end.usage = self._usage
        if self._repairs:
            end.metadata["repairs"] = self._repairs
        return end

    def _ask_again(self, model: str, reminder: str, *, is_last: bool) -> Steps:
        """Ask once more, with the answer that was not what it had to be."""
        with loading:
            from langchain_onlysq.prompted_tools.wording import as_text, quote_answer

        answer = as_text(self._gate.held, with_calls=self._reads_calls)
        again = self._requests.again(model, quote_answer(answer), reminder)
        self._repairs += 1
        self._repairs_left -= 1
        yield AcquirePermit()
        try:
            return (yield from self._answer(again, is_last=is_last))
        except OnlySqError as error:
            said = quote_answer(self._context.redact(answer))
            error.add_note(f"It was asked once more, since this cannot be used: {said}")
            raise

    def _deliver(self, deltas: list[Delta]) -> Generator[T, Any, None]:
        for output in self._outputs.feed(deltas):
            self._delivered = True
            yield output

    def _answer(self, request: PreparedRequest, *, is_last: bool) -> Steps:
        """Make attempts, each when it is the call's turn."""
        attempt = partial(self._attempt, request)
        if self._turns is None:
            return attempts(attempt, self._options.max_retries, lambda _: self._delivered)
        model = request.model or ""
        paced = partial(self._turns.paced, attempt, model, lambda: self._delivered or not is_last)
        return attempts(paced, self._options.max_retries, partial(self._is_final, is_last))

    def _is_final(self, is_last: bool, error: OnlySqError) -> bool:  # noqa: FBT001 - for partial
        """Whether nothing may be repeated; for the last model, the gate has judged a refusal."""
        is_refusal = isinstance(error, OnlySqRateLimitError)
        return self._delivered or (is_refusal and (is_last or self._takes_what_is_open))

    def _attempt(self, request: PreparedRequest) -> Steps:
        """Send the request once and read the answer."""
        context = self._context.for_model(request.model)
        reader = AnswerReader(
            self._options, context, self._new_call_reader(), self._new_object_filter()
        )
        outputs = self._outputs = self._new_outputs()
        streams, turns = outputs.streams, self._turns
        may_ask_again = self._repairs_left > 0
        gate = self._gate = AnswerGate(self._tools, may_ask_again=may_ask_again, streams=streams)
        timer = StallTimer(self._options.stall_timeout, request.model, streams=streams)
        yield from send_request(request, self._options.timeouts, timer, context)
        try:
            while not reader.finished:
                before = reader.progress
                deltas = reader.feed((yield timer.read()))
                heard = reader.progress != before or (not streams and reader.has_grown())
                timer.stop(heard=heard)
                if turns and reader.progress and not reader.finished:
                    turns.answered()
                    turns = None
                if gate.closed:
                    gate.hold(deltas)
                    deltas = gate.release()
                for output in outputs.feed(deltas):
                    self._delivered = True
                    yield output
        except (OnlySqConnectionError, OnlySqTimeoutError):
            gate.hold(reader.close())
            if not reader.complete:
                raise
        else:
            gate.hold(reader.close())
        yield Release(drain=reader.at_end_mark)
        end = reader.end()
        if self._usage is None or end.usage is None:
            self._usage = self._usage or end.usage
        else:
            self._usage = add_usage(self._usage, end.usage)
        self._reminder = gate.reminder(end)
        yield from self._deliver(gate.release())
        return end

    def _new_object_filter(self) -> TextFilter | None:
        if self._options.native_tools or not self._tools.wants_bare_object:
            return None
        with loading:
            from langchain_onlysq.outputs.bare_object import BareObjectFilter

        return BareObjectFilter(schema_of(self._tools.response_format or {}))

    def _new_call_reader(self) -> TextFilter | None:
        if not self._tools.names:
            return None
        with loading:
            from langchain_onlysq.prompted_tools.reader import ToolCallReader

        # Native calls have the first indices, where there are both.
        first_index = BEHIND_OTHER_CALLS if self._options.native_tools else 0
        return ToolCallReader(
            self._tools.parameters,
            first_index=first_index,
            parse_reasoning=self._options.parse_reasoning,
        )


def _note(model: str, error: OnlySqError) -> str:
    status = "" if error.status_code is None else f" {error.status_code}"
    return f"Before it, {model!r} failed:{status} {type(error).__name__}: {error}"
