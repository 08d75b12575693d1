"""The stall timer, with a clock of ours."""

from __future__ import annotations

import pytest

from langchain_onlysq import OnlySqTimeoutError
from langchain_onlysq.transport import stall_timer


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(stall_timer, "monotonic", lambda: self.now)

    def wait(self, silence: stall_timer.StallTimer, seconds: float, *, heard: bool) -> None:
        silence.start()
        self.now += seconds
        silence.stop(heard=heard)


def test_silence_is_time_spent_waiting_without_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    silence = stall_timer.StallTimer(10.0, "m", streams=True)
    clock.wait(silence, 4.0, heard=False)
    assert silence.read().limit == 6.0
    clock.now += 1000.0
    assert silence.read().limit == 6.0
    clock.wait(silence, 5.0, heard=True)
    assert silence.read().limit == 10.0
    with pytest.raises(OnlySqTimeoutError, match="10 s") as caught:
        clock.wait(silence, 10.0, heard=False)
    assert (caught.value.code, caught.value.model) == ("stall_timeout", "m")


def test_without_a_limit_no_silence_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    silence = stall_timer.StallTimer(None, streams=True)
    clock.wait(silence, 1e9, heard=False)
    assert silence.read().limit is None


@pytest.mark.parametrize(
    ("limit", "streams", "read", "bound"),
    [
        (5.0, True, 120.0, (5.0, True)),
        (5.0, True, None, (5.0, True)),
        (120.0, True, 120.0, (120.0, False)),
        (120.0, True, 30.0, (30.0, False)),
        (None, True, 30.0, (30.0, False)),
        (5.0, False, 120.0, (120.0, False)),
    ],
)
def test_the_read_timeout_of_a_stream_is_the_shorter_one(
    *, limit: float | None, streams: bool, read: float | None, bound: tuple[float | None, bool]
) -> None:
    timeouts, stalls = stall_timer.StallTimer(limit, streams=streams).bound((1.0, read, 3.0, 4.0))
    assert (timeouts[1], stalls) == bound
    assert (timeouts[0], *timeouts[2:]) == (1.0, 3.0, 4.0)
