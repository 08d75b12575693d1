"""Pacing: when a call may send its request, where a service counts requests per minute.

A gate is a state machine of values: it is asked, and it is told, and the time is always given in.
This is its rule; times are in seconds, and a window is 61: a minute, and one for the network.

1. Before the first 429 nothing waits. The gate only logs the requests of the last window; one that
   was refused is taken out.
2. A 429 closes the gate. The limit is now what the log holds: what was accepted, or still runs.
   Refusals of requests that were sent before are the same event: the limit falls with each.
3. Calls then pass in the order in which they came: within the limit, when the log is shorter than
   it; or beyond it, as a try, when the pause is over. One try runs at a time; each that is accepted
   raises the limit to what the log holds, lets one more run at a time, and the next follow at once.
4. The pause is 1 after a 429 for a call within the limit: it may have been a queue. When a try is
   refused it becomes 2, 4, 8, 16, then a window; 32 at most before the first answer ever. After a
   429 one try runs at a time again; after an accepted try the next pause is 1.
5. A try that has run for 3, or twice as long as the slowest refusal took, counts as accepted:
   answers may take a minute, refusals do not. One that fails otherwise gives its place back.
6. `Retry-After`: nothing passes before it is over, room or not, and no try before the pause. One
   that is too long to wait for is an end.
7. An end: after a refusal with no answer for 75, or 300 where there were some before, all that wait
   fail. Until the next try is due, a new call is one request, as without a gate.
8. No 429 for two minutes and nobody in line: the gate is open again.

Whoever waits asks again, when he was told to; nobody is woken. All are told when anything may open,
since those ahead may leave, but a crowd not to the same moment: those far behind ask less often.
"""

from __future__ import annotations

import math
from collections import deque
from threading import Lock
from typing import NamedTuple

from langchain_onlysq.transport.quota import Log, Quota
from langchain_onlysq.transport.waiting_line import Line, Place

WINDOW = 61.0
"""Seconds for which a gate counts a request."""

NEVER = math.inf
"""What a call is told whose wait has ended with the 429."""

_OPEN_AGAIN = 120.0
_REST = 60.0
_BETWEEN_WARNINGS = 60.0

_SOONEST, _SOON = 0.05, 1.0
"""Seconds after which the first in line asks, where something may open at any moment. The next asks
after twice as long, and so on, up to the second number, or what a crowd needs."""

_CROWD = 30
"""How many calls a second may come back of a crowd."""


class Outlook(NamedTuple):
    """What a call would find that came now.

    Attributes:
        is_closed: Whether it would have to wait, or be refused.
        waiting: How many wait.
        opens_in: Seconds until anything may open.
        longest_wait: About how many seconds it would wait at most, and everybody before it.
    """

    is_closed: bool = False
    waiting: int = 0
    opens_in: float = 0.0
    longest_wait: float = 0.0


class Gate:
    """The gate of one (base URL, key, model); may be used from many threads.

    A call asks for its turn, with a `Place` of its own, sends its request once it has got it, and
    then tells what became of it: answered, refused or gone.

    Attributes:
        lock: Held during each call, but never for `gone`.
        reason: What came with the last refusal.
        used: A mark for whoever keeps gates.
    """

    def __init__(self, window: float = WINDOW) -> None:
        """Begin open.

        Args:
            window: Seconds for which the service counts a request, and a little more.
        """
        self.lock = Lock()
        self.reason: object = None
        self.used = True
        self._log = Log(window)
        self._line = Line()
        self._gone: deque[Place] = deque()
        self._quota: Quota | None = None
        self._was_answered = False
        self._rests_until: float | None = None
        self._warned_at = -math.inf

    def ask(self, place: Place, now: float) -> float:
        """Ask for the turn of a call.

        Args:
            place: The call's place.
            now: The time, in seconds of any clock that never goes back.

        Returns:
            0 if it is its turn: its request counts as sent. `NEVER` if it waits in vain, and is to
            fail with the refusal. Otherwise seconds after which to ask again.
        """
        with self.lock:
            seconds = 0.0
            if self._gone or self._quota:
                self._catch_up(now)
            if self._quota:
                seconds = self._stand_in_line(place, self._quota, now)
            if not seconds:
                self._send(place, now)
            return seconds

    def answered(self, place: Place, now: float) -> None:
        """Tell that a request was answered, if only in part."""
        with self.lock:
            self._was_answered = True
            self._rests_until = None
            if self._quota:
                self._quota.answered(place, now)
            place.sent = None

    def refused(
        self,
        place: Place,
        now: float,
        retry_after: float | None = None,
        reason: object = None,
    ) -> None:
        """Tell that a request was refused with a 429.

        Args:
            place: The call's place.
            now: The time.
            retry_after: Seconds for which the service does not want to be asked.
            reason: What others who fail with this refusal are to be told; not an exception, whose
                frames would live as long as the gate.
        """
        with self.lock:
            self._fold_in_gone()
            if place.sent is None:
                return
            self.reason = reason
            self._log.remove(place.sent)
            if not self._quota:
                self._quota = Quota(self._log, now, was_answered=self._was_answered)
            if self._quota.refused(place, place.sent, now, retry_after or 0.0):
                for waiting in (place, *self._line.dissolve()):
                    waiting.failed = True
            place.sent = None

    def gone(self, place: Place) -> None:
        """Tell that a call was cancelled, abandoned, or failed otherwise; it may still ask again.

        It takes no lock: the garbage collector may say so, in the middle of anything. What was sent
        stays in the log, since the service may have counted it.
        """
        self._gone.append(place)

    def outlook(self, now: float) -> Outlook:
        """Return what a call that comes now would find."""
        with self.lock:
            self._catch_up(now)
            quota, waiting = self._quota, len(self._line)
            if not quota or (now >= quota.ended_until and quota.rooms(now) > waiting):
                return Outlook(waiting=waiting)
            opens_in = max(quota.opens_at(now), quota.ended_until) - now
            longest_wait = max(quota.longest_wait(waiting, now), opens_in)
            return Outlook(
                is_closed=True, waiting=waiting, opens_in=opens_in, longest_wait=longest_wait
            )

    def rest(self, now: float) -> None:
        """Have the model rest for a minute, since it failed for good."""
        self._rests_until = now + _REST

    def resting(self, now: float) -> bool:
        """Tell whether the model rests.

        After a minute one call may find out whether it still must: once that is sent, the model
        rests for another minute, or until it answers.
        """
        until = self._rests_until
        return until is not None and now < until

    def may_warn(self, now: float) -> bool:
        """Tell whether a warning is due; it is once a minute."""
        with self.lock:
            if now - self._warned_at < _BETWEEN_WARNINGS:
                return False
            self._warned_at = now
            return True

    def is_idle(self, now: float) -> bool:
        """Tell whether nothing would be lost with it (8)."""
        with self.lock:
            self._catch_up(now)
            return not (self._quota or self._log.held(now) or self.resting(now))

    def _catch_up(self, now: float) -> None:
        """See what has happened without anybody telling (5, 8)."""
        self._fold_in_gone()
        if self._quota:
            self._line.pass_over(now)
            if not self._line and now - self._quota.refused_at >= _OPEN_AGAIN:
                self._quota = None
            else:
                self._quota.count_long_tries(now)

    def _fold_in_gone(self) -> None:
        while self._gone:
            place = self._gone.popleft()
            place.sent = None
            self._line.leave(place)
            if self._quota:
                self._quota.gone(place)

    def _stand_in_line(self, place: Place, quota: Quota, now: float) -> float:
        """Return after how many seconds a call is to ask again; 0 if it is its turn (3)."""
        if place.failed:
            return NEVER
        if now < quota.ended_until:
            return 0.0
        position, rooms = self._line.enter(place), quota.rooms(now)
        if position < rooms:
            self._line.leave(place)
            return 0.0
        ahead = position - rooms
        soon = min(_SOONEST * (ahead + 1), max(_SOON, len(self._line) / _CROWD))
        told = min(quota.opens_at(now) + ahead / _CROWD, quota.room_at(position, now))
        seconds = max(told - now, soon)
        place.due = now + seconds
        return seconds

    def _send(self, place: Place, now: float) -> None:
        if self._quota:
            self._quota.passes(place, now)
        if self._rests_until is not None and now >= self._rests_until:
            self.rest(now)
        place.sent = now
        self._log.add(now)
