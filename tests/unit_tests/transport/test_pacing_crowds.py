"""The gate when all kinds of things happen at once: at random, in threads, in the collector."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections import deque
from collections.abc import Generator
from typing import Any

import pytest

from langchain_onlysq.transport.pacing import NEVER, Gate
from langchain_onlysq.transport.waiting_line import Place
from tests.support.threads import CollectsInside, in_threads


class Crowd:
    """Calls to which all kinds of things happen.

    Attributes:
        now: The time.
        waiting: The calls that wait.
        running: The calls whose request runs.
        gate: Their gate.
    """

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.waiting: list[Place] = []
        self.running: list[Place] = []
        self.gate = Gate()
        self._chance = random.Random(seed)  # noqa: S311 - no secret depends on it

    def go_on(self) -> None:
        """Let some time pass, and something happen."""
        self.now += self._chance.expovariate(2.0)
        self.waiting += [Place() for _ in range(self._chance.choice([0, 0, 1, 3]))]
        self.ask()
        for place in self.running:
            if self._chance.random() < 0.3:
                self._end(place)
        if self.waiting and self._chance.random() < 0.1:
            self.gate.gone(self.waiting.pop())

    def ask(self) -> None:
        """Let those ask who were told to."""
        for place in [place for place in self.waiting if place.due <= self.now]:
            seconds = self.gate.ask(place, self.now)
            if not seconds:
                self.running = [*self.running, place]
            elif seconds < NEVER:
                assert seconds >= 0.05
                continue
            self.waiting.remove(place)

    def _end(self, place: Place) -> None:
        self.running = [other for other in self.running if other is not place]
        match self._chance.choice(["answered", "refused", "refused", "gone", "forgotten"]):
            case "answered":
                self.gate.answered(place, self.now)
            case "refused":
                retry_after = self._chance.choice([None, None, 0.0, 5.0, 130.0])
                self.gate.refused(place, self.now, retry_after)
                self.waiting.append(place)
            case "gone":
                self.gate.gone(place)

    def calm_down(self) -> None:
        """Answer everything from now on."""
        while self.waiting or self.running:
            for place in self.running:
                self.gate.answered(place, self.now)
            self.running = []
            self.now = max([self.now + 0.01, *sorted(place.due for place in self.waiting)[:1]])
            self.ask()


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_nobody_waits_for_ever(seed: int) -> None:
    crowd = Crowd(seed)
    for _ in range(2000):
        crowd.go_on()
    begin = crowd.now
    crowd.calm_down()
    assert crowd.now < begin + 200
    assert crowd.gate.outlook(crowd.now).waiting == 0
    assert crowd.gate.is_idle(crowd.now + 182)


class Service:
    """Accepts so many requests in a window, on a real clock."""

    def __init__(self, limit: int, window: float) -> None:
        self.accepted = 0
        self._limit = limit
        self._window = window
        self._counted = deque[float]()
        self._lock = threading.Lock()

    def accepts(self) -> bool:
        with self._lock:
            now = time.monotonic()
            while self._counted and self._counted[0] + self._window <= now:
                self._counted.popleft()
            if len(self._counted) >= self._limit:
                return False
            self._counted.append(now)
            self.accepted += 1
            return True


def call(gate: Gate, service: Service, *, gives_up: bool = False) -> None:
    """Be one call that is paced."""
    place = Place()
    while True:
        while seconds := gate.ask(place, time.monotonic()):
            assert seconds < NEVER
            if gives_up:
                gate.gone(place)
                return
            time.sleep(seconds)
        if service.accepts():
            gate.answered(place, time.monotonic())
            return
        gate.refused(place, time.monotonic())


def test_in_threads_every_call_passes_and_gives_its_place_back() -> None:
    gate, service = Gate(window=0.06), Service(limit=20, window=0.05)

    def calls() -> None:
        for number in range(45):
            call(gate, service, gives_up=number % 3 == 0)

    in_threads(calls)
    assert 8 * 30 <= service.accepted <= 8 * 45
    assert gate.outlook(time.monotonic()).waiting == 0


def test_a_call_may_be_collected_inside_of_the_lock() -> None:
    gate = Gate()
    gate.refused(sent(gate), 0.2)

    def abandoned() -> Generator[float]:
        place = Place()
        try:
            yield gate.ask(place, 0.4)
        finally:
            gate.gone(place)

    def ask() -> None:
        call = abandoned()
        assert next(call) > 0
        cycle: list[Any] = [call]
        cycle.append(cycle)
        del call, cycle
        lock: Any = CollectsInside()
        gate.lock = lock
        assert gate.ask(Place(), 0.5) > 0
        assert lock.entered == 1
        assert gate.outlook(0.5).waiting == 1

    gc.disable()
    try:
        in_threads(ask, threads=1)
    finally:
        gc.enable()


def sent(gate: Gate) -> Place:
    place = Place()
    assert gate.ask(place, 0.0) == 0
    return place
