"""A short form of `make soak`."""

from __future__ import annotations

from tests.soak import FAULTS, TURNS, soak


def test_nothing_is_lost_invented_or_repeated() -> None:
    tally = soak(conversations=60, at_once=30, rate=0.5, seed=7)
    assert tally.wrong == []
    assert tally.repeated == []
    assert tally.right + tally.errors.total() == 60 * TURNS
    assert tally.right > 60
    assert tally.faults.keys() == FAULTS.keys()
