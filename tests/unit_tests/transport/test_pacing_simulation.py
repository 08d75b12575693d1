"""What pacing reaches at a simulated service; `-m tests.support.pacing_simulator` prints it all."""

from __future__ import annotations

import pytest

from tests.support.pacing_simulator import (
    CASES,
    Process,
    Simulation,
    SlidingWindow,
    cell,
    simulate,
    table,
)

# Case -> requests a minute -> what it must reach: refused requests after the first burst, and the
# end over the best possible end.
REACHED = {
    "sliding window": {3: (23, 1.02), 10: (9, 1.02), 20: (6, 1.02), 40: (5, 1.02)},
    "sliding window, 1,000 calls": {40: (30, 1.04), 80: (16, 1.04)},
    "fixed window, any phase": {3: (50, 1.02), 10: (33, 1.07), 40: (5, 1.5)},
    "token bucket": {3: (115, 1.01), 10: (115, 1.02), 40: (20, 1.04)},
    "10 % of 429s from a queue": {3: (70, 1.03), 10: (37, 1.05), 40: (8, 1.08)},
    "30 % of 429s from a queue": {3: (135, 1.05), 10: (70, 1.09), 40: (18, 1.2)},
    "refused requests count": {3: (340, 2.62), 10: (145, 2.7), 20: (24, 1.52)},
    "half of it used before": {3: (35, 1.04), 10: (40, 1.04), 40: (35, 1.16)},
    "all of it used before": {3: (40, 1.04), 10: (80, 1.05), 40: (60, 1.05)},
    "half used, at one moment": {3: (35, 1.05), 10: (22, 1.08), 40: (18, 1.4)},
    "all used, at one moment": {3: (35, 1.05), 10: (25, 1.1), 40: (27, 1.3)},
    "two processes": {10: (25, 1.13), 40: (10, 1.04)},
}


@pytest.mark.parametrize(
    ("name", "limit"), [(name, limit) for name, limits in REACHED.items() for limit in limits]
)
def test_every_answer_comes(name: str, limit: int) -> None:
    refused, ratio = REACHED[name][limit]
    reached = cell(name, limit)
    assert reached.answered == CASES[name].calls
    assert reached.refused <= refused
    assert reached.ratio <= ratio


@pytest.mark.parametrize(("limit", "refused"), [(3, 114), (10, 100), (40, 40)])
def test_a_client_that_only_retries_loses_most(limit: int, refused: int) -> None:
    reached = cell("retries only", limit)
    assert (reached.answered, reached.refused) == (limit, refused)


def test_below_the_limit_a_crowd_is_not_paced() -> None:
    reached = cell("sliding window", 80)
    assert (reached.answered, reached.refused) == (60, 0)


def test_a_process_that_starts_with_nothing_may_starve_but_no_other() -> None:
    for number in range(6, 10):
        simulation, processes = simulate(CASES["two processes"], 3, number)
        for process in processes:
            assert process.failed in {0, 30}
            assert process.answered + process.failed == 30
            assert process.answered or simulation.failed_at[0] > 95
        assert any(process.answered for process in processes)


@pytest.mark.parametrize(("limit", "calls"), [(3, 3), (20, 20), (40, 25), (80, 25)])
def test_calls_one_after_another_below_the_limit_never_wait(limit: int, calls: int) -> None:
    simulation, process = Simulation(), Process(SlidingWindow(limit))
    for minute in range(5):
        some = [simulation.paced(process) for _ in range(calls)]
        simulation.start(simulation.one_after_another(some), at=61.0 * minute)
    simulation.run()
    assert len(simulation.answered_at) == calls * 5
    assert simulation.asked.total() == simulation.refused_later == 0


def test_calls_one_after_another_beyond_the_limit_wait_for_the_quota() -> None:
    simulation, process = Simulation(), Process(SlidingWindow(10))
    calls = [simulation.paced(process) for _ in range(60)]
    simulation.start(simulation.one_after_another(calls))
    simulation.run()
    assert len(simulation.answered_at) == 60
    at_best = 5 * 60 + 10 * 2.08
    assert simulation.end <= at_best * 1.03
    assert simulation.refused_later <= 15


def test_a_limit_of_nothing_ends_after_some_95_seconds() -> None:
    simulation, process = Simulation(), Process(SlidingWindow(0))
    for _ in range(60):
        simulation.start(simulation.paced(process))
    simulation.start(simulation.paced(process), at=110.0)
    simulation.run()
    assert simulation.answered_at == []
    *crowd, alone = simulation.failed_at
    assert len(crowd) == 60
    assert 95 < min(crowd) <= max(crowd) < 100
    assert simulation.refused_at_once == 60
    assert simulation.refused_later == 7 + 1
    assert alone < 111


def test_a_retry_after_of_nothing_is_not_a_leave_to_hammer() -> None:
    with_it: list[float] = []
    without: list[float] = []
    for retry_after, results in ((0.0, with_it), (None, without)):
        simulation, process = Simulation(retry_after=retry_after), Process(SlidingWindow(10))
        for _ in range(60):
            simulation.start(simulation.paced(process))
        simulation.run()
        results += [simulation.end, simulation.refused_later]
    assert with_it == without


def test_three_models_are_one_quota() -> None:
    simulation = Simulation()
    models = [Process(SlidingWindow(10)) for _ in range(3)]
    for _ in range(60):
        simulation.start(simulation.paced(*models))
    simulation.run()
    assert len(simulation.answered_at) == 60
    assert simulation.end < 80
    assert [model.answered for model in models] == [20, 20, 20]


def test_models_that_all_refuse_fail_a_call_once_the_last_has() -> None:
    simulation = Simulation()
    models = [Process(SlidingWindow(0)) for _ in range(2)]
    for _ in range(10):
        simulation.start(simulation.paced(*models))
    simulation.run()
    assert len(simulation.failed_at) == 10
    assert 95 < simulation.end < 105


@pytest.mark.parametrize(
    "name", ["sliding window", "30 % of 429s from a queue", "all of it used before"]
)
def test_a_crowd_asks_at_most_200_times_a_second(name: str) -> None:
    case = CASES[name]._replace(calls=1000)
    simulation, _ = simulate(case, 40, 1, until=200.0)
    assert simulation.asked.pop(0) >= 900  # those that were refused at the start
    assert 100 < max(simulation.asked.values()) <= 200


def test_the_table_is_printed() -> None:
    assert table(["retries only", "sliding window"], [3, 80]).splitlines() == [
        "a minute                                       3                80",
        "retries only                         3 / 114 / -     60 / 0 / 1.04",
        "sliding window                    60 / 23 / 1.02     60 / 0 / 1.04",
    ]
