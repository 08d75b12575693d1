"""Calls that a real gate paces, at a service that is simulated, on a clock of its own.

`python -m tests.support.pacing_simulator` prints the table of how well it does.
"""

from __future__ import annotations

import heapq
import math
import random
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import NamedTuple

from langchain_onlysq import OnlySqRateLimitError
from langchain_onlysq.transport.pacing import NEVER, Gate
from langchain_onlysq.transport.retries import seconds_until_retry
from langchain_onlysq.transport.waiting_line import Place

MINUTE = 60.0
ANSWER = 2.0
REFUSAL = (0.05, 0.25)
ON_ITS_WAY = (0.02, 0.08)
OVERSLEPT = (0.0, 0.02)
"""Seconds; those with two bounds are random between them."""

Steps = Generator[float, None, None]
"""A call: yields the seconds for which it does nothing."""


# The service


class Service:
    """Accepts so many requests a minute, and refuses the others."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def free_at(self, now: float) -> float:
        """Return when it will accept a request, from now on."""
        raise NotImplementedError

    def count(self, now: float) -> None:
        """Count a request."""
        raise NotImplementedError

    def accepts(self, now: float) -> bool:
        """Take a request, or refuse it."""
        is_free = self.free_at(now) <= now
        if is_free:
            self.count(now)
        return is_free

    def best_end(self, calls: int) -> float:
        """Return when the last of so many calls could be answered at best; uses the service up."""
        now = 0.0
        for _ in range(calls):
            now = self.free_at(now)
            self.count(now)
        return now + ANSWER


class SlidingWindow(Service):
    """Counts the requests of the last minute, some of which were there before."""

    def __init__(
        self, limit: int, before: Iterable[float] = (), *, counts_refused: bool = False
    ) -> None:
        super().__init__(limit)
        self._counted = deque(sorted(before))
        self._counts_refused = counts_refused

    def free_at(self, now: float) -> float:
        while self._counted and self._counted[0] + MINUTE <= now:
            self._counted.popleft()
        if len(self._counted) < self.limit:
            return now
        return self._counted[-self.limit] + MINUTE if self.limit else math.inf

    def count(self, now: float) -> None:
        self._counted.append(now)

    def accepts(self, now: float) -> bool:
        accepted = super().accepts(now)
        if not accepted and self._counts_refused:
            self.count(now)
        return accepted


class FixedWindow(Service):
    """Counts from zero every minute, for the first time after a part of one."""

    def __init__(self, limit: int, phase: float) -> None:
        super().__init__(limit)
        self._starts = phase - MINUTE
        self._counted = 0

    def free_at(self, now: float) -> float:
        self._move_on(now)
        return now if self._counted < self.limit else self._starts + MINUTE

    def count(self, now: float) -> None:
        self._move_on(now)
        self._counted += 1

    def _move_on(self, now: float) -> None:
        while now >= self._starts + MINUTE:
            self._starts += MINUTE
            self._counted = 0


class TokenBucket(Service):
    """Has a minute's requests at first, and gets one more at a time."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._full_at = 0.0

    def free_at(self, now: float) -> float:
        return max(now, self._full_at - MINUTE + MINUTE / self.limit)

    def count(self, now: float) -> None:
        self._full_at = max(self._full_at, now) + MINUTE / self.limit


# The calls


@dataclass(eq=False)
class Process:
    """A process that calls one model of a service.

    Attributes:
        service: The service.
        gate: Its own gate.
        answered: How many of its calls were answered.
        failed: How many were not.
    """

    service: Service
    gate: Gate = field(default_factory=Gate)
    answered: int = 0
    failed: int = 0


class Simulation:
    """Calls on a clock of their own.

    Attributes:
        now: The time; it begins at 0.
        accepted: How many requests of each call were accepted.
        sent: How many were sent, in each second.
        refused_at_once: How many requests of those that were sent at the start were refused.
        refused_later: How many of the others.
        answered_at: When each call was answered.
        failed_at: When each other call failed.
        asked: How many calls were told to wait, in each second.
    """

    def __init__(
        self, seed: int = 0, *, noise: float = 0.0, retry_after: float | None = None
    ) -> None:
        """Begin without calls.

        Args:
            seed: Of all that is random.
            noise: The part of requests that is refused since a queue is full.
            retry_after: What every refusal says, in seconds.
        """
        self.now = 0.0
        self.accepted: Counter[int] = Counter()
        self.sent: Counter[int] = Counter()
        self.refused_at_once = self.refused_later = 0
        self.answered_at: list[float] = []
        self.failed_at: list[float] = []
        self.asked: Counter[int] = Counter()
        self._noise = noise
        self._retry_after = retry_after
        self._random = random.Random(seed)  # noqa: S311 - no secret depends on it
        self._calls = count()
        self._events: list[tuple[float, int, Steps]] = []
        self._order = count()

    @property
    def end(self) -> float:
        """When all was over."""
        return max(self.answered_at + self.failed_at)

    def start(self, call: Steps, at: float = 0.0) -> None:
        """Have a call begin at a time."""
        heapq.heappush(self._events, (at, next(self._order), call))

    def run(self, until: float = math.inf) -> None:
        """Let everything happen; no request may have been sent again after it was accepted."""
        while self._events and self.now < until:
            self.now, _, call = heapq.heappop(self._events)
            for seconds in call:
                self.start(call, self.now + seconds)
                break
        assert set(self.accepted.values()) <= {1}

    def paced(self, *processes: Process) -> Steps:
        """Be one call, which stands in line at several gates at once where it may choose."""
        call = next(self._calls)
        places = {process: Place() for process in processes}
        while True:
            process = yield from self._wait(places)
            if process is None:
                self.failed_at.append(self.now)
                processes[0].failed += 1
                return
            accepted = yield from self._send(call, process.service)
            if accepted:
                process.gate.answered(places[process], self.now)
                process.answered += 1
                return
            process.gate.refused(places[process], self.now, self._retry_after)

    def retrying(self, process: Process, max_retries: int = 2) -> Steps:
        """Be one call that is retried as without pacing."""
        call = next(self._calls)
        error = OnlySqRateLimitError("Too many requests.", status_code=429)
        for attempt in count(1):
            accepted = yield from self._send(call, process.service)
            seconds = seconds_until_retry(error, attempt, max_retries, self._random.random())
            if accepted:
                return
            if seconds is None:
                self.failed_at.append(self.now)
                return
            yield seconds

    def one_after_another(self, calls: Iterable[Steps]) -> Steps:
        """Be several calls, each of which begins when the one before has ended."""
        for call in calls:
            yield from call

    def _wait(self, places: dict[Process, Place]) -> Generator[float, None, Process | None]:
        """Wait for the first of some gates to open; None if that is in vain."""
        while True:
            soonest = NEVER
            for process, place in places.items():
                seconds = process.gate.ask(place, self.now)
                if not seconds:
                    for other in places.keys() - {process}:
                        other.gate.gone(places[other])
                    return process
                soonest = min(soonest, seconds)
            if soonest == NEVER:
                return None
            self.asked[int(self.now)] += 1
            yield soonest + self._random.uniform(*OVERSLEPT)

    def _send(self, call: int, service: Service) -> Generator[float, None, bool]:
        """Send a request; return whether it was answered."""
        is_first = self.now == 0.0
        self.sent[int(self.now)] += 1
        yield self._random.uniform(*ON_ITS_WAY)
        if self._random.random() >= self._noise and service.accepts(self.now):
            self.accepted[call] += 1
            yield ANSWER
            self.answered_at.append(self.now)
            return True
        yield self._random.uniform(*REFUSAL)
        self.refused_at_once += is_first
        self.refused_later += not is_first
        return False


# The table

CALLS = 60
RUNS = 5
"""How often each case is run; each time with another seed, or phase of the window."""


class Case(NamedTuple):
    """A row of the table.

    Attributes:
        service: Makes the service, from its limit, the number of the run, and what is random in it.
        calls: How many come at once.
        noise: The part of requests that is refused since a queue is full.
        processes: How many processes share the calls.
        is_paced: Whether there are gates at all.
    """

    service: Callable[[int, int, random.Random], Service]
    calls: int = CALLS
    noise: float = 0.0
    processes: int = 1
    is_paced: bool = True

    def make(self, limit: int, number: int) -> Service:
        """Make the service for one run."""
        chance = random.Random(number)  # noqa: S311 - no secret depends on it
        return self.service(limit, number, chance)


class Cell(NamedTuple):
    """What came out, as a mean of all runs.

    Attributes:
        answered: How many calls were answered.
        refused: How many requests were refused, without those sent at the start.
        ratio: The end, over the best possible end.
    """

    answered: float
    refused: float
    ratio: float

    def __str__(self) -> str:
        ratio = f"{self.ratio:.2f}" if self.answered > CALLS - 10 else "-"
        return f"{self.answered:.0f} / {self.refused:.0f} / {ratio}"


def _sliding(limit: int, *_: object) -> Service:
    return SlidingWindow(limit)


def _fixed(limit: int, number: int, _: object) -> Service:
    return FixedWindow(limit, MINUTE * (number + 0.5) / RUNS)


def _bucket(limit: int, *_: object) -> Service:
    return TokenBucket(limit)


def _strict(limit: int, *_: object) -> Service:
    return SlidingWindow(limit, counts_refused=True)


def _used(part: float) -> Callable[[int, int, random.Random], Service]:
    def make(limit: int, _: int, chance: random.Random) -> Service:
        used = [chance.uniform(-MINUTE, 0) for _ in range(round(limit * part))]
        return SlidingWindow(limit, used)

    return make


def _used_at_once(part: float) -> Callable[[int, int, random.Random], Service]:
    def make(limit: int, number: int, _: object) -> Service:
        return SlidingWindow(limit, [-MINUTE * (number + 0.5) / RUNS] * round(limit * part))

    return make


CASES = {
    "retries only": Case(_sliding, is_paced=False),
    "sliding window": Case(_sliding),
    "sliding window, 1,000 calls": Case(_sliding, calls=1000),
    "fixed window, any phase": Case(_fixed),
    "token bucket": Case(_bucket),
    "10 % of 429s from a queue": Case(_sliding, noise=0.1),
    "30 % of 429s from a queue": Case(_sliding, noise=0.3),
    "refused requests count": Case(_strict),
    "half of it used before": Case(_used(0.5)),
    "all of it used before": Case(_used(1)),
    "half used, at one moment": Case(_used_at_once(0.5)),
    "all used, at one moment": Case(_used_at_once(1)),
    "two processes": Case(_sliding, processes=2),
}
LIMITS = (3, 10, 20, 40, 80)


def simulate(
    case: Case, limit: int, number: int, until: float = math.inf
) -> tuple[Simulation, list[Process]]:
    """Run a case once."""
    simulation = Simulation(number, noise=case.noise)
    service = case.make(limit, number)
    processes = [Process(service) for _ in range(case.processes)]
    begin = simulation.paced if case.is_paced else simulation.retrying
    for call in range(case.calls):
        simulation.start(begin(processes[call % case.processes]))
    simulation.run(until)
    return simulation, processes


@cache
def cell(name: str, limit: int) -> Cell:
    """Return one cell of the table."""
    case = CASES[name]
    runs = 1 if case.calls > 100 else RUNS
    done = [simulate(case, limit, number)[0] for number in range(runs)]
    best = sum(case.make(limit, number).best_end(case.calls) for number in range(runs))
    return Cell(
        answered=sum(len(run.answered_at) for run in done) / runs,
        refused=sum(run.refused_later for run in done) / runs,
        ratio=sum(run.end for run in done) / best,
    )


def table(names: Iterable[str] = CASES, limits: Sequence[int] = LIMITS) -> str:
    """Return the table: answered / refused after the first burst / end over the best possible."""
    lines = ["".join([f"{'a minute':30}", *(f"{limit:>18}" for limit in limits)])]
    for name in names:
        cells = (f"{cell(name, limit)!s:>18}" for limit in limits)
        lines.append("".join([f"{name:30}", *cells]))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
