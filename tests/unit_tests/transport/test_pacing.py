"""The gate, point by point of its rule; the times are given."""

from __future__ import annotations

import pytest

from langchain_onlysq.transport.pacing import NEVER, WINDOW, Gate, Outlook
from langchain_onlysq.transport.quota import Log
from langchain_onlysq.transport.waiting_line import Place

TURN = 0.0


def sent(gate: Gate, now: float) -> Place:
    """Let a new call pass."""
    place = Place()
    assert gate.ask(place, now) == TURN
    return place


def burst(gate: Gate, calls: int, now: float = 0.0) -> list[Place]:
    return [sent(gate, now) for _ in range(calls)]


def waiting(gate: Gate, calls: int, now: float) -> list[Place]:
    """Let new calls stand in line."""
    places = [Place() for _ in range(calls)]
    assert all(gate.ask(place, now) > 0 for place in places)
    return places


def passing(gate: Gate, places: list[Place], now: float) -> list[Place]:
    """Let those ask whose request is not sent; return those that pass."""
    return [place for place in places if place.sent is None and gate.ask(place, now) == TURN]


def closed(accepted: int, refused: int = 1, *, answered: bool = True) -> Gate:
    """Return a gate that a burst at 0 has closed at 0.2, and whose answers came at 0.3."""
    gate = Gate()
    places = burst(gate, accepted + refused)
    for place in places[accepted:]:
        gate.refused(place, 0.2)
    for place in places[:accepted] if answered else []:
        gate.answered(place, 0.3)
    return gate


def settled(accepted: int, refused: int = 1) -> Gate:
    """Return a gate whose limit is sure, since five tries were refused: the next is due at 93.2."""
    gate = closed(accepted, refused)
    place = Place()
    for now in (1.2, 3.4, 7.6, 15.8, 32.0):
        assert gate.ask(place, now) == TURN
        gate.refused(place, now + 0.2)
    return gate


def until_the_end(gate: Gate, now: float) -> float:
    """Have a call refused until it fails; return when that is."""
    place = Place()
    while (seconds := gate.ask(place, now)) < NEVER:
        now += seconds or 0.2
        if not seconds:
            gate.refused(place, now)
    return now


def ended() -> Gate:
    """Return a gate without an answer ever, whose calls failed at 96.6."""
    gate = closed(0)
    place = Place()
    for now in (1.2, 3.4, 7.6, 15.8, 32.0, 64.2, 96.4):
        assert gate.ask(place, now) == TURN
        gate.refused(place, now + 0.2)
    assert gate.ask(place, 96.6) == NEVER
    return gate


class TestBeforeTheFirst429:
    def test_nothing_waits(self) -> None:
        gate = Gate()
        burst(gate, 5000)
        assert gate.outlook(0.0) == Outlook()

    def test_the_log_is_bounded(self) -> None:
        log = Log(WINDOW)
        for number in range(25_000):
            log.add(number / 1000)
        assert log.held(25.0) <= 10_000
        log.add(25.0 + WINDOW)
        assert log.held(25.0 + WINDOW) == 1


class TestLimit:
    """Points 2 and 3, within the limit."""

    @pytest.mark.parametrize("accepted", [0, 1, 3, 10])
    def test_it_is_what_was_not_refused(self, accepted: int) -> None:
        gate = settled(accepted, refused=60 - accepted)
        line = waiting(gate, 60, 33.0)
        assert passing(gate, line, 60.9) == []
        assert passing(gate, line, 61.0) == line[:accepted]

    def test_what_still_runs_counts(self) -> None:
        gate = closed(3, answered=False)
        line = waiting(gate, 9, 0.4)
        assert gate.outlook(0.4).longest_wait == pytest.approx(61 * 4 - 0.4)
        (probe,) = passing(gate, line, 60.0)
        assert len(passing(gate, line, 61.0)) == 3 - 1
        gate.refused(probe, 61.1)
        assert len(passing(gate, line, 61.1)) == 1

    def test_a_refused_try_does_not_lower_it(self) -> None:
        gate = closed(3)
        line = waiting(gate, 9, 0.4)
        (probe,) = passing(gate, line, 60.9)
        gate.refused(probe, 61.1)
        assert len(passing(gate, line, 61.1)) == 3

    def test_a_call_within_it_that_is_refused_lowers_it_to_what_the_log_holds(self) -> None:
        gate = settled(3)
        line = waiting(gate, 9, 33.0)
        first, second, third = passing(gate, line, 61.0)
        gate.refused(first, 61.2)
        gate.refused(second, 61.2)
        gate.answered(third, 63.0)
        for now in (62.21, 64.42, 68.63, 76.84, 93.05):
            (probe,) = passing(gate, line, now)
            gate.refused(probe, now + 0.2)
        assert len(passing(gate, line, 122.0)) == 1

    def test_it_never_falls_below_nothing(self) -> None:
        gate = Gate()
        first, second = sent(gate, 0.0), sent(gate, 0.0)
        gate.refused(first, 70.0)
        gate.refused(second, 70.1)
        assert gate.outlook(70.2).longest_wait == pytest.approx(70.0 + 75 + 32 - 70.2)

    def test_calls_pass_in_the_order_in_which_they_came(self) -> None:
        gate = settled(3)
        line = waiting(gate, 5, 33.0)
        assert gate.ask(line[4], 61.0) == pytest.approx(0.1)
        assert gate.ask(line[3], 61.0) == pytest.approx(0.05)
        assert passing(gate, line, 61.0) == line[:3]

    def test_a_refused_call_stands_where_it_stood(self) -> None:
        gate = Gate()
        early, late = sent(gate, 0.0), sent(gate, 0.0)
        gate.refused(late, 0.2)
        assert gate.ask(late, 0.2) == pytest.approx(1.0)
        gate.refused(early, 0.2)
        assert gate.ask(early, 0.2) == pytest.approx(1.0)
        assert gate.ask(late, 1.2) > 0
        assert gate.ask(early, 1.2) == TURN

    def test_a_refusal_that_took_longer_than_the_window_is_in_the_log_no_more(self) -> None:
        gate = Gate()
        slow = sent(gate, 0.0)
        sent(gate, 62.0)
        gate.refused(slow, 63.0)
        waiting(gate, 2, 63.0)
        assert gate.outlook(63.0).longest_wait == pytest.approx(61 * 2 + 60)


class TestTries:
    """Points 3 and 5, beyond the limit."""

    def test_one_runs_at_a_time(self) -> None:
        gate = closed(3)
        line = waiting(gate, 9, 0.4)
        assert passing(gate, line, 1.1) == []
        assert passing(gate, line, 1.2) == [line[0]]
        assert passing(gate, line, 2.0) == []

    def test_each_that_is_accepted_lets_one_more_run_and_the_next_follow_at_once(self) -> None:
        gate = closed(3)
        line = waiting(gate, 20, 0.4)
        now, running = 1.2, 1
        for running in (1, 2, 4, 8):
            tries = passing(gate, line, now)
            assert len(tries) == running
            now += 1
            for place in tries:
                gate.answered(place, now)
            line = [place for place in line if place not in tries]
        assert line

    def test_they_follow_at_once_also_when_another_one_was_refused(self) -> None:
        gate = closed(3)
        line = waiting(gate, 20, 0.4)
        (probe,) = passing(gate, line, 1.2)
        gate.answered(probe, 2.0)
        first, second = passing(gate, line[1:], 2.0)
        gate.refused(first, 2.2)
        assert passing(gate, line[3:], 2.2) == []
        gate.answered(second, 2.3)
        assert passing(gate, line[3:], 2.3) == line[3:5]

    def test_each_that_is_accepted_raises_the_limit(self) -> None:
        gate = closed(3)
        line = waiting(gate, 20, 0.4)
        (probe,) = passing(gate, line, 1.2)
        gate.answered(probe, 2.0)
        first, second = passing(gate, line, 2.0)
        gate.answered(first, 3.0)
        gate.refused(second, 3.0)
        for now in (4.0, 6.2, 10.4, 18.6, 34.8):
            (probe,) = passing(gate, line, now)
            gate.refused(probe, now + 0.2)
        assert len(passing(gate, line, 61.0)) == 3
        assert len(passing(gate, line, 62.2)) == 1
        assert len(passing(gate, line, 63.0)) == 1
        assert passing(gate, line, 64.0) == []

    def test_one_that_has_run_for_3_seconds_counts_as_accepted(self) -> None:
        gate = closed(3)
        line = waiting(gate, 9, 0.4)
        assert len(passing(gate, line, 1.2)) == 1
        assert len(passing(gate, line, 4.1)) == 0
        assert len(passing(gate, line, 4.3)) == 2

    def test_or_twice_as_long_as_the_slowest_refusal(self) -> None:
        gate = Gate()
        first, second = sent(gate, 0.0), sent(gate, 0.0)
        gate.refused(first, 0.2)
        gate.refused(second, 5.0)
        line = waiting(gate, 9, 0.2)
        assert len(passing(gate, line, 5.0)) == 1
        assert len(passing(gate, line, 14.9)) == 0
        assert len(passing(gate, line, 15.1)) == 2

    def test_one_that_is_gone_gives_its_place_back(self) -> None:
        gate = closed(3)
        line = waiting(gate, 9, 0.4)
        (probe,) = passing(gate, line, 1.2)
        gate.gone(probe)
        assert passing(gate, line[1:], 1.3) == [line[1]]

    def test_one_that_counted_and_is_refused_after_all_lowers_the_limit_again(self) -> None:
        gate = closed(1)
        line = waiting(gate, 9, 0.4)
        (slow,) = passing(gate, line, 1.2)
        first, second = passing(gate, line[1:], 4.2)
        for place in (slow, first, second):
            gate.refused(place, 4.4)
        assert gate.outlook(4.4).longest_wait == pytest.approx(61 * 7 - 4.4)


class TestPause:
    """Point 4."""

    @pytest.mark.parametrize(("answered", "longest"), [(True, 61.0), (False, 32.0)])
    def test_it_doubles_while_tries_are_refused(self, *, answered: bool, longest: float) -> None:
        gate = Gate()
        if answered:
            gate.answered(sent(gate, -100.0), -98.0)
        place, now = sent(gate, 0.0), 0.2
        for pause in (1.0, 2.0, 4.0, 8.0, 16.0, longest):
            gate.refused(place, now)
            assert gate.ask(place, now + pause - 0.1) > 0
            assert gate.ask(place, now + pause + 0.001) == TURN
            now += pause + 0.2

    def test_it_is_never_longer_than_the_window(self) -> None:
        gate = Gate(window=3.0)
        place, now = sent(gate, 0.0), 0.1
        for pause in (1.0, 2.0, 3.0, 3.0):
            gate.refused(place, now)
            assert gate.ask(place, now + pause - 0.05) > 0
            now += pause
            assert gate.ask(place, now) == TURN

    def test_after_an_accepted_try_the_next_one_is_a_second(self) -> None:
        gate = closed(1)
        line = waiting(gate, 9, 0.4)
        (probe,) = passing(gate, line, 1.2)
        gate.refused(probe, 1.4)
        (probe,) = passing(gate, line, 3.4)
        gate.answered(probe, 5.4)
        probe, other = passing(gate, line, 5.4)
        gate.refused(probe, 5.6)
        gate.refused(other, 5.6)
        assert passing(gate, line, 6.5) == []
        assert len(passing(gate, line, 6.6)) == 1

    def test_after_a_429_one_try_runs_at_a_time_again(self) -> None:
        gate = closed(1)
        line = waiting(gate, 20, 0.4)
        for now in (1.2, 2.0, 3.0):
            tries = passing(gate, line, now)
            for probe in tries:
                gate.answered(probe, now + 0.5)
            line = [place for place in line if place not in tries]
        tries = passing(gate, line, 4.0)
        assert len(tries) == 8
        for probe in tries:
            gate.refused(probe, 4.2)
        assert len(passing(gate, line, 5.2)) == 1

    def test_after_a_429_for_a_call_within_the_limit_it_is_a_second(self) -> None:
        gate = closed(3)
        place = Place()
        for now in (1.2, 3.4, 7.6, 15.8, 32.0):
            assert gate.ask(place, now) == TURN
            gate.refused(place, now + 0.2)
        assert gate.ask(place, 61.0) == TURN
        gate.refused(place, 61.2)
        assert gate.ask(place, 62.1) > 0
        assert gate.ask(place, 62.2) == TURN


class TestRetryAfter:
    """Point 6."""

    def test_nothing_passes_before_it_is_over_room_or_not(self) -> None:
        gate = Gate()
        accepted, refused = sent(gate, 0.0), sent(gate, 0.0)
        gate.answered(accepted, 0.1)
        gate.refused(refused, 0.2, retry_after=100.0)
        line = waiting(gate, 9, 0.2)
        assert gate.outlook(0.2).opens_in == pytest.approx(100.0)
        assert gate.ask(line[0], 61.5) == pytest.approx(38.7)
        assert len(passing(gate, line, 100.2)) == 2

    def test_it_holds_while_a_try_runs(self) -> None:
        gate = closed(1)
        line = waiting(gate, 9, 0.4)
        within, _ = passing(gate, line, 61.0)
        gate.refused(within, 61.2, retry_after=20.0)
        assert gate.ask(Place(), 61.3) >= 19.8
        assert passing(gate, line, 81.1) == []

    def test_it_is_never_shorter_than_the_pause(self) -> None:
        gate = Gate()
        place = sent(gate, 0.0)
        gate.refused(place, 0.2, retry_after=0.0)
        assert gate.ask(place, 0.2) == pytest.approx(1.0)
        assert gate.ask(place, 1.1) > 0
        assert gate.ask(place, 1.2) == TURN

    def test_over_two_minutes_those_who_wait_fail_at_once(self) -> None:
        gate = closed(3)
        line = waiting(gate, 5, 0.4)
        (probe,) = passing(gate, line, 1.2)
        gate.refused(probe, 1.4, retry_after=121.0)
        assert [gate.ask(place, 1.5) for place in line] == [NEVER] * 5
        outlook = gate.outlook(1.5)
        assert outlook.is_closed
        assert outlook.opens_in == pytest.approx(120.9)
        assert gate.ask(Place(), 1.5) == TURN


class TestEnd:
    """Point 7."""

    def test_a_refusal_without_an_answer_for_75_seconds_fails_all_that_wait(self) -> None:
        gate = closed(0, refused=60)
        line = waiting(gate, 60, 0.4)
        for now in (1.2, 3.4, 7.6, 15.8, 32.0, 64.2):
            (probe,) = passing(gate, line, now)
            gate.refused(probe, now + 0.2)
            assert NEVER not in [gate.ask(place, now + 0.3) for place in line]
        (probe,) = passing(gate, line, 96.4)
        gate.refused(probe, 96.6)
        assert [gate.ask(place, 97.0) for place in line] == [NEVER] * 60

    def test_until_the_next_try_is_due_a_new_call_is_one_request(self) -> None:
        gate = ended()
        outlook = gate.outlook(97.0)
        assert (outlook.is_closed, outlook.waiting) == (True, 0)
        assert outlook.opens_in == pytest.approx(31.6)
        for place in burst(gate, 3, 97.0):
            gate.refused(place, 97.2)
            assert gate.ask(place, 97.2) == NEVER
        probe = sent(gate, 129.0)
        (late,) = waiting(gate, 1, 129.0)
        gate.refused(probe, 129.2)
        assert gate.ask(late, 129.2) == gate.ask(probe, 129.2) == NEVER

    def test_an_answer_is_the_end_of_it(self) -> None:
        gate = ended()
        first, *others = burst(gate, 3, 97.0)
        gate.answered(first, 98.0)
        for place in others:
            gate.refused(place, 98.1)
            assert 0 < gate.ask(place, 98.1) <= 1.05

    def test_where_there_were_answers_it_is_300(self) -> None:
        assert 300 < until_the_end(closed(1), 0.2) < 370

    def test_it_begins_anew_with_each_answer(self) -> None:
        gate = closed(1)
        place = Place()
        assert gate.ask(place, 200.0) == TURN
        gate.answered(place, 200.0)
        place = Place()
        for now in (202.0, 301.0, 400.0, 499.9):
            assert gate.ask(place, now) == TURN
            gate.refused(place, now)
            assert 0 < gate.ask(place, now) < NEVER
        assert gate.ask(place, 600.0) == TURN
        gate.refused(place, 600.0)
        assert gate.ask(place, 600.0) == NEVER

    def test_a_request_that_runs_for_long_is_a_sign_of_life(self) -> None:
        gate, place = closed(0), Place()
        for now in (1.2, 3.4, 7.6):
            assert gate.ask(place, now) == TURN
            gate.refused(place, now + 0.2)
        sent(gate, 15.8)
        assert 15.8 + 75 <= until_the_end(gate, 16.0) < 15.8 + 75 + 35
        assert until_the_end(closed(0), 16.0) < 15.8 + 75

    def test_what_came_with_the_refusal_is_kept(self) -> None:
        gate = Gate()
        place = sent(gate, 0.0)
        assert gate.reason is None
        gate.refused(place, 0.2, reason="too many")
        assert gate.reason == "too many"


class TestOpenAgain:
    """Point 8."""

    def test_after_two_minutes_without_a_429_and_nobody_in_line(self) -> None:
        gate = closed(3)
        burst(gate, 3 + 1, 120.1)
        waiting(gate, 1, 120.1)
        gate = closed(3)
        burst(gate, 500, 120.2)

    def test_not_while_somebody_waits(self) -> None:
        gate = closed(3)
        burst(gate, 3 + 1, 119.0)
        (last,) = waiting(gate, 1, 119.0)
        assert gate.outlook(120.5).waiting == 1
        assert gate.ask(last, 120.5) > 0

    def test_a_gate_is_idle_once_it_is_open_and_its_log_is_empty(self) -> None:
        gate = Gate()
        assert gate.is_idle(0.0)
        place = sent(gate, 0.0)
        assert not gate.is_idle(60.9)
        assert gate.is_idle(61.0)
        gate.refused(place, 62.0)
        assert not gate.is_idle(181.9)
        assert gate.is_idle(182.0)
        gate.rest(182.0)
        assert not gate.is_idle(241.9)
        assert gate.is_idle(242.0)


class TestWaiting:
    def test_everybody_is_told_when_anything_may_open(self) -> None:
        gate = closed(10)
        line = waiting(gate, 20, 0.4)
        (probe,) = passing(gate, line, 60.9)
        gate.refused(probe, 60.95)
        told = [gate.ask(place, 60.95) for place in line]
        assert told[0] == pytest.approx(0.05)
        assert told == sorted(told)
        assert max(told) <= 1.0

    def test_those_for_whom_there_will_be_room_are_told_the_very_moment(self) -> None:
        gate = closed(10)
        probe = Place()
        for now in (1.2, 3.4, 7.6, 15.8, 32.0):
            assert gate.ask(probe, now) == TURN
            gate.refused(probe, now + 0.2)
        gate.gone(probe)
        told = [gate.ask(Place(), 33.0) for _ in range(12)]
        assert told[:10] == [28.0] * 10
        assert told[10:] == pytest.approx([28 + 10 / 30, 28 + 11 / 30])

    def test_while_a_try_runs_it_is_a_twentieth_of_a_second_to_one_by_place(self) -> None:
        gate = closed(3)
        line = waiting(gate, 25, 0.4)
        passing(gate, line, 1.2)
        told = [gate.ask(place, 1.3) for place in line[1:]]
        assert told == pytest.approx([min(0.05 * place, 1.0) for place in range(1, 25)])

    def test_of_a_crowd_those_far_behind_ask_less_often(self) -> None:
        gate = closed(3)
        line = waiting(gate, 1000, 0.4)
        passing(gate, line, 1.2)
        told = [gate.ask(place, 1.3) for place in line[1:]]
        assert told[:200] == pytest.approx([0.05 * place for place in range(1, 201)])
        assert sum(1 / seconds for seconds in told) <= 200

    def test_one_that_is_two_seconds_late_is_passed_over(self) -> None:
        gate = closed(3)
        dead, alive = waiting(gate, 2, 0.4)
        assert gate.ask(alive, dead.due + 2.0) > 0
        assert gate.ask(alive, dead.due + 2.1) == TURN

    def test_one_that_was_passed_over_stands_where_it_stood(self) -> None:
        gate = closed(3)
        late, other = waiting(gate, 2, 0.4)
        assert gate.ask(other, 10.0) == TURN
        third = Place()
        assert gate.ask(third, 10.0) > 0
        gate.gone(other)
        assert gate.ask(late, 10.1) == TURN

    def test_one_that_is_gone_leaves_its_place_to_the_next(self) -> None:
        gate = closed(3)
        first, second = waiting(gate, 2, 0.4)
        assert gate.outlook(0.5).waiting == 2
        gate.gone(first)
        gate.gone(first)
        assert gate.outlook(0.5).waiting == 1
        assert gate.ask(second, 1.2) == TURN

    def test_told_twice_counts_once(self) -> None:
        gate = closed(3)
        (probe,) = passing(gate, waiting(gate, 1, 0.4), 1.2)
        gate.refused(probe, 1.4)
        gate.refused(probe, 1.5)
        assert gate.ask(probe, 3.3) > 0
        assert gate.ask(probe, 3.4) == TURN
        gate.gone(probe)
        gate.refused(probe, 3.5)
        assert gate.ask(probe, 3.5) == TURN
        gate.answered(probe, 3.6)
        gate.refused(probe, 3.7)
        assert gate.ask(probe, 3.7) == TURN


class TestOutlook:
    def test_a_closed_gate_says_how_long_it_may_take(self) -> None:
        gate = closed(3)
        waiting(gate, 57, 0.4)
        outlook = gate.outlook(0.4)
        assert (outlook.is_closed, outlook.waiting) == (True, 57)
        assert outlook.opens_in == pytest.approx(0.8)
        assert outlook.longest_wait == pytest.approx(61 * 20 - 0.4)

    def test_a_gate_with_room_is_not_closed(self) -> None:
        gate = closed(3)
        assert gate.outlook(0.5).is_closed
        assert not gate.outlook(61.0).is_closed
        burst(gate, 3, 61.0)
        assert not gate.outlook(61.0).is_closed  # there may be one try
        burst(gate, 1, 61.0)
        assert gate.outlook(61.0).is_closed

    def test_a_warning_is_due_once_a_minute(self) -> None:
        gate = Gate()
        assert [gate.may_warn(now) for now in (0.0, 1.0, 59.9, 60.0, 61.0)] == [
            True,
            False,
            False,
            True,
            False,
        ]


class TestRest:
    def test_a_model_that_failed_for_good_rests_for_a_minute(self) -> None:
        gate = Gate()
        assert not gate.resting(0.0)
        gate.rest(10.0)
        assert gate.resting(69.9)
        assert not gate.resting(70.0)

    def test_then_one_call_finds_out_for_all(self) -> None:
        gate = Gate()
        gate.rest(10.0)
        first = sent(gate, 70.0)
        assert gate.resting(70.1)
        gate.gone(first)
        assert gate.resting(129.9)
        second = sent(gate, 130.0)
        gate.answered(second, 131.0)
        assert not gate.resting(131.0)

    def test_a_call_that_asks_all_the_same_does_not_prolong_it(self) -> None:
        gate = Gate()
        gate.rest(10.0)
        sent(gate, 50.0)
        assert not gate.resting(70.0)
