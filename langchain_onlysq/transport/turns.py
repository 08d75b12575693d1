"""How one call waits for its turns at the gates of its models."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_onlysq.errors import OnlySqRateLimitError
from langchain_onlysq.errors.frames import without_frames
from langchain_onlysq.errors.wording import duration
from langchain_onlysq.transport.flow import AcquirePermit, Effect, ReportRetry, Sleep
from langchain_onlysq.transport.gates import gate_for
from langchain_onlysq.transport.pacing import NEVER
from langchain_onlysq.transport.waiting_line import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from langchain_onlysq.settings.service import Service
    from langchain_onlysq.transport.pacing import Gate

T = TypeVar("T")

logger = logging.getLogger("langchain_onlysq")

_WORTH_A_WARNING = 3.0
"""Seconds; a wait that is going to be longer is announced."""

_WHAT_HELPS = (
    "Another model, fallback_models with fallback_when='busy', or a key of a higher level helps"
)


class Turns:
    """The turns of one call.

    Attributes:
        waited: Seconds that the call has waited for its turns so far.
        gave_up: Whether it is of no use, or not allowed, to wait any longer.
    """

    def __init__(self, service: Service, max_wait: float | None) -> None:
        """Begin without a turn.

        Args:
            service: Where the models are asked, and as whom.
            max_wait: Seconds that the call may wait, in all; None = no limit.
        """
        self.waited = 0.0
        self.gave_up = False
        self._service = service
        self._max_wait = max_wait
        # Model id -> its gate, and the call's place there, which it keeps until it is answered.
        self._places: dict[str, tuple[Gate, Place]] = {}
        # The model whose turn was taken, until it is told what came of it.
        self._current: str | None = None
        self._refusal: OnlySqRateLimitError | None = None
        self._refusals = 0

    def paced(
        self,
        attempt: Callable[[], Generator[Any, Any, T]],
        model: str,
        is_final: Callable[[], bool],
    ) -> Generator[Any, Any, T]:
        """Make an attempt when it is the call's turn, and again as long as it is refused.

        Args:
            attempt: Begins the attempt.
            model: The model that it asks.
            is_final: Tells whether a refusal is the end of this attempt.

        Returns:
            What the attempt returned.

        Raises:
            OnlySqError: The error of the attempt.
        """
        while True:
            yield from self.take((model,))
            try:
                result = yield from attempt()
            except OnlySqRateLimitError as refusal:
                report = self._refused(refusal)
                if is_final():
                    raise
            except BaseException:
                self.gone()
                raise
            else:
                self.answered()
                return result
            yield report
            yield AcquirePermit()

    def take(self, models: Sequence[str]) -> Generator[Effect, Any, str]:
        """Wait until one of the models may be asked.

        Args:
            models: Model ids; the call stands in line at all of their gates.

        Returns:
            The model that may be asked, at once.

        Raises:
            OnlySqRateLimitError: If no answer has come for long, or the wait would be too long.
        """
        if self._current in models:
            return str(self._current)
        try:
            while True:
                seconds = self._ask(models)
                if self._current is not None:
                    return self._current
                self._check(seconds, models[-1])
                before = monotonic()
                yield Sleep(seconds)
                self.waited += monotonic() - before
        finally:
            for model, (gate, place) in self._places.items():
                if model != self._current and model in models:
                    gate.gone(place)

    def answered(self) -> None:
        """Tell that the model whose turn was taken has answered, if only in part."""
        if self._current is not None:
            gate, place = self._places.pop(self._current)
            self._current = None
            gate.answered(place, monotonic())

    def gone(self) -> None:
        """Give the turn back; the garbage collector may say so, so this takes no lock."""
        if self._current is not None:
            gate, place = self._places[self._current]
            self._current = None
            gate.gone(place)

    def rest(self, model: str) -> None:
        """Have a model rest that failed for good, for all calls."""
        self._gate_of(model).rest(monotonic())

    def awake(self, models: Sequence[str]) -> list[str]:
        """Return the models that do not rest, or all of them where all do."""
        now = monotonic()
        return [m for m in models if not self._gate_of(m).resting(now)] or list(models)

    def _gate_of(self, model: str) -> Gate:
        base_url, key = self._service
        return gate_for(base_url, key.get_secret_value(), model, monotonic())

    def _place(self, model: str) -> tuple[Gate, Place]:
        if model not in self._places:
            self._places[model] = (self._gate_of(model), Place())
        return self._places[model]

    def _ask(self, models: Sequence[str]) -> float:
        """Ask at each gate; return after how many seconds to ask again."""
        soonest = NEVER
        for model in models:
            gate, place = self._place(model)
            seconds = gate.ask(place, monotonic())
            if not seconds:
                self._current = model
                return 0.0
            if seconds != NEVER and (self.waited or seconds > _WORTH_A_WARNING):
                self._announce(gate, model)
            soonest = min(soonest, seconds)
        return soonest

    def _check(self, seconds: float, model: str) -> None:
        """Raise if it is of no use to wait, or not allowed."""
        is_too_long = self._max_wait is not None and self.waited + seconds > self._max_wait
        self.gave_up = seconds == NEVER or is_too_long
        if seconds == NEVER:
            raise self._given_up(model)
        if is_too_long:
            msg = (
                f"The turn of model {model!r} would have to be waited for longer than max_wait "
                f"({self._max_wait:g} s): OnlySq limits requests per minute. {_WHAT_HELPS}."
            )
            raise self._error(msg, model)

    def _given_up(self, model: str) -> OnlySqRateLimitError:
        refusal = self._refusal
        if refusal is not None and (refusal.retry_after or 0.0) > 0.0:
            return refusal
        msg = (
            f"Model {model!r} has refused all requests for a while (429, requests per minute), "
            f"and waiting did not help. {_WHAT_HELPS}."
        )
        return self._error(msg, model)

    def _error(self, message: str, model: str) -> OnlySqRateLimitError:
        known = self._refusal or OnlySqRateLimitError()
        return OnlySqRateLimitError(
            message,
            status_code=429,
            code=known.code,
            body=known.body,
            retry_after=known.retry_after,
            model=model,
        )

    def _refused(self, refusal: OnlySqRateLimitError) -> ReportRetry:
        self._refusal = refusal
        self._refusals += 1
        if self._current is not None:
            gate, place = self._places[self._current]
            self._current = None
            gate.refused(place, monotonic(), refusal.retry_after)
        return ReportRetry(without_frames(refusal), self._refusals, 0.0, self.waited)

    def _announce(self, gate: Gate, model: str) -> None:
        now = monotonic()
        outlook = gate.outlook(now)
        if outlook.longest_wait > _WORTH_A_WARNING and gate.may_warn(now):
            logger.warning(
                "Model %r is at its limit of requests per minute: calls wait (%d now), for about "
                "%s at most. %s; max_wait limits the wait",
                model,
                outlook.waiting,
                duration(round(outlook.longest_wait)),
                _WHAT_HELPS,
            )
