"""What is known of the service's quota for one gate, whose rule is in `pacing`.

The numbers in brackets are the points of that rule.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

from langchain_onlysq.transport.retries import LONGEST_RETRY_AFTER

if TYPE_CHECKING:
    from collections.abc import Hashable

_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
_LONGEST_PAUSE_BEFORE_ANSWERS = 32.0
_LONGEST_TRY = 3.0
_PATIENCE_BEFORE_ANSWERS, _PATIENCE = 75.0, 300.0

_MOST_LOGGED = 10_000
"""Far more than a service allows in a window: the log of a gate that never closes ends there."""


class Log:
    """The requests of the last window: when each of them falls out of it.

    Attributes:
        window: Seconds that a request stays in it.
    """

    __slots__ = ("_ends", "window")

    def __init__(self, window: float) -> None:
        self.window = window
        self._ends: list[float] = []

    def add(self, now: float) -> None:
        """Take in a request that is sent now."""
        ends = self._ends
        if ends and ends[0] <= now:
            del ends[: bisect_right(ends, now)]
        if len(ends) >= _MOST_LOGGED:
            del ends[: _MOST_LOGGED // 2]
        insort(ends, now + self.window)

    def remove(self, sent: float) -> None:
        """Take out a request, if it is still there."""
        end = sent + self.window
        index = bisect_left(self._ends, end)
        if self._ends[index : index + 1] == [end]:
            del self._ends[index]

    def held(self, now: float) -> int:
        """Return how many requests it holds."""
        return len(self._ends) - bisect_right(self._ends, now)

    def falls_out(self, number: int, now: float) -> float:
        """Return when one more than a number of them will have fallen out; infinity for never."""
        index = bisect_right(self._ends, now) + number
        return self._ends[index] if index < len(self._ends) else math.inf

    def last_sent(self, until: float) -> float:
        """Return when the last of those was sent that were sent until a moment."""
        index = bisect_right(self._ends, until + self.window)
        return self._ends[index - 1] - self.window if index else -math.inf


class Quota:
    """What a gate has learned since the 429 that closed it.

    Attributes:
        refused_at: When the last 429 came.
        ended_until: Until when calls are sent as without a gate, after an end.
    """

    def __init__(self, log: Log, now: float, *, was_answered: bool) -> None:
        """Begin with a 429, which is told next.

        Args:
            log: The log of the gate, without the request that was refused.
            now: The time.
            was_answered: Whether the gate ever saw an answer.
        """
        self.refused_at = now
        self.ended_until = -math.inf
        self._log = log
        self._limit = log.held(now)
        self._was_answered = was_answered
        self._quiet_since = now
        self._event_at = -math.inf
        # Request of a try -> when it was sent.
        self._tries: dict[Hashable, float] = {}
        self._tries_at_a_time = 1
        self._pauses = 0
        self._pause_until = now
        self._hold_until = now
        self._slowest_refusal = 0.0

    # What a call may do

    def rooms(self, now: float) -> int:
        """Return how many calls may pass (3, 6)."""
        if now < self._hold_until:
            return 0
        within = max(self._limit - self._log.held(now), 0)
        if now < self._pause_until:
            return within
        return within + max(self._tries_at_a_time - len(self._tries), 0)

    def opens_at(self, now: float) -> float:
        """Return when anything may open; a try that runs may end at any moment."""
        if self._tries:
            return max(now, self._hold_until)
        return min(self.room_at(0, now), max(self._pause_until, self._hold_until))

    def room_at(self, number: int, now: float) -> float:
        """Return when there is room within the limit for one call more than a number of them."""
        over = self._log.held(now) - self._limit + number
        return max(now if over < 0 else self._log.falls_out(over, now), self._hold_until)

    def longest_wait(self, number: int, now: float) -> float:
        """Return about how many seconds a call waits at most that has a number of others ahead."""
        if not self._limit:
            return self._quiet_since + self._patience + self._longest_pause - now
        windows, rest = divmod(number, self._limit)
        return self.room_at(rest, now) - now + windows * self._log.window

    # What became of its request

    def passes(self, request: Hashable, now: float) -> None:
        """Note a request that the log is about to take in (3)."""
        if self._log.held(now) >= self._limit:
            self._tries[request] = now

    def answered(self, request: Hashable, now: float) -> None:
        """Note an answer."""
        self._was_answered = True
        self._quiet_since = now
        self.ended_until = -math.inf
        if request in self._tries:
            self._accept(request, now)

    def gone(self, request: Hashable) -> None:
        """Give the place of a try back (5)."""
        self._tries.pop(request, None)

    def count_long_tries(self, now: float) -> None:
        """Count the tries as accepted that have run for long (5)."""
        for request, sent in list(self._tries.items()):
            if now - sent >= self._longest_try:
                self._accept(request, now)

    def refused(self, request: Hashable, sent: float, now: float, retry_after: float) -> bool:
        """Note a 429; return whether it is an end (2, 4, 6, 7)."""
        was_try = self._tries.pop(request, None) is not None
        self.refused_at = now
        self._slowest_refusal = max(self._slowest_refusal, now - sent)
        if now < self.ended_until:
            return True
        is_event = sent >= self._event_at
        if not was_try:
            self._lower_limit(now, is_event=is_event)
        if is_event:
            self._pause(now, was_try=was_try)
        self._look_for_signs(now)
        if retry_after > LONGEST_RETRY_AFTER or now - self._quiet_since >= self._patience:
            self.ended_until = max(self._pause_until, now + retry_after)
            return True
        self._hold_until = max(self._hold_until, now + retry_after)
        return False

    def _accept(self, request: Hashable, now: float) -> None:
        """Learn from a try that was accepted (3, 4)."""
        del self._tries[request]
        self._limit = max(self._limit, self._log.held(now) - len(self._tries))
        self._tries_at_a_time += 1
        self._pauses = 0
        self._pause_until = now

    def _lower_limit(self, now: float, *, is_event: bool) -> None:
        """Learn from the refusal of a request that the limit had counted (2)."""
        held = self._log.held(now) - len(self._tries) if is_event else self._limit - 1
        self._limit = max(min(self._limit, held), 0)

    def _pause(self, now: float, *, was_try: bool) -> None:
        """Begin a pause (4)."""
        pauses = self._pauses if was_try else 0
        pause = _PAUSES[pauses] if pauses < len(_PAUSES) else self._longest_pause
        self._event_at = now
        self._pauses = pauses + 1
        self._pause_until = now + min(pause, self._log.window)
        self._tries_at_a_time = 1

    def _look_for_signs(self, now: float) -> None:
        """Count a request that has run for long as a sign that the service answers (5, 7)."""
        self._quiet_since = max(self._quiet_since, self._log.last_sent(now - self._longest_try))

    @property
    def _longest_pause(self) -> float:
        return self._log.window if self._was_answered else _LONGEST_PAUSE_BEFORE_ANSWERS

    @property
    def _longest_try(self) -> float:
        return max(_LONGEST_TRY, 2 * self._slowest_refusal)

    @property
    def _patience(self) -> float:
        return _PATIENCE if self._was_answered else _PATIENCE_BEFORE_ANSWERS
