"""A short form of `make soak`."""

from __future__ import annotations

import io

from tests.soak import FAULTS, TURNS, Progress, soak


def test_nothing_is_lost_invented_or_repeated() -> None:
    said = io.StringIO()
    progress = Progress(60 * TURNS, said)
    tally = soak(conversations=60, at_once=30, rate=0.5, seed=7, progress=progress)
    assert tally.wrong == []
    assert tally.repeated == []
    assert tally.right + tally.errors.total() == 60 * TURNS
    assert tally.right > 60
    assert tally.faults.keys() == FAULTS.keys()
    assert said.getvalue().split("\n")[0] == "9 of 180 answers"
    assert said.getvalue().endswith("\n180 of 180 answers\n")
    assert said.getvalue().count("\n") == 20
