"""Who waits at a gate, in which order."""

from __future__ import annotations

from bisect import bisect_left
from itertools import count
from operator import attrgetter

_LATE = 2.0
"""Seconds after which nobody waits any longer for a call that should have asked."""

_numbers = count()
_number = attrgetter("number")


class Place:
    """A call's place in the line of one gate, and its request there, once it is sent.

    Attributes:
        number: Calls pass in the order of their numbers.
        due: When it was told to ask again.
        sent: When its request was sent; None while none runs.
        failed: Whether its wait has ended with the 429.
    """

    __slots__ = ("due", "failed", "number", "sent")

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.due = 0.0
        self.sent: float | None = None
        self.failed = False


class Line:
    """The places of the calls that wait, in the order in which they came."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: list[Place] = []

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._places)

    def enter(self, place: Place) -> int:
        """Let a call stand where it belongs; return how many stand before it."""
        index = self._find(place)
        if not self._has(place, index):
            self._places.insert(index, place)
        return index

    def leave(self, place: Place) -> None:
        """Take a call out, if it stands there."""
        index = self._find(place)
        if self._has(place, index):
            del self._places[index]

    def pass_over(self, now: float) -> None:
        """Take out the first ones, as long as they are late: perhaps they never ask again."""
        while self._places and self._places[0].due + _LATE < now:
            del self._places[0]

    def dissolve(self) -> list[Place]:
        """Take all out, and return them."""
        places, self._places = self._places, []
        return places

    def _find(self, place: Place) -> int:
        return bisect_left(self._places, place.number, key=_number)

    def _has(self, place: Place, index: int) -> bool:
        return index < len(self._places) and self._places[index] is place
