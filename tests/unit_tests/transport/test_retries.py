"""Whether, and after how long, a failed attempt is made again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqConnectionError,
    OnlySqContextOverflowError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqNotFoundError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqResponseError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)
from langchain_onlysq.errors.classify import error_from_response
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.transport.attempts import attempts
from langchain_onlysq.transport.flow import AcquirePermit, ReportRetry, Sleep
from langchain_onlysq.transport.retries import (
    NOT_REPEATED,
    seconds_until_retry,
    warn_of_retry,
)

if TYPE_CHECKING:
    from collections.abc import Generator

CONTEXT = ErrorContext(model="gpt-4o-mini")
RETRIED = [408, 409, 425, 429, 500, 503, 529, 599]
NOT_RETRIED = [302, 399, 400, 401, 404, 407, 410, 422, 424, 426, 428, 430, 499]


class TestDecision:
    @pytest.mark.parametrize("status", [*RETRIED, *NOT_RETRIED])
    def test_the_status_decides(self, status: int) -> None:
        error = error_from_response(status, {}, b"", CONTEXT)
        retried = status in RETRIED
        assert seconds_until_retry(error, 1, 2) == (0.5 if retried else None)
        assert seconds_until_retry(error, 1, 0) is None
        assert seconds_until_retry(error, 3, 2) is None

    @pytest.mark.parametrize(
        "error_class",
        [
            OnlySqAPIError,
            OnlySqRateLimitError,
            OnlySqConnectionError,
            OnlySqStreamError,
            OnlySqResponseError,
            OnlySqEmptyResponseError,
        ],
    )
    def test_what_may_mend_itself_is_retried(self, error_class: type[OnlySqError]) -> None:
        assert seconds_until_retry(error_class("x"), 1, 2) == 0.5

    @pytest.mark.parametrize(
        "error",
        [
            OnlySqError("x"),
            OnlySqAuthenticationError("x"),
            OnlySqPermissionDeniedError("x"),
            OnlySqInvalidRequestError("x"),
            OnlySqContextOverflowError("x"),
            OnlySqNotFoundError("x"),
            OnlySqTimeoutError("x", code="read_timeout"),
            OnlySqTimeoutError("x", code="write_timeout"),
            OnlySqTimeoutError("x", code="stall_timeout"),
            OnlySqAPIError("x", code="configuration"),
        ],
    )
    def test_the_rest_is_not(self, error: OnlySqError) -> None:
        assert seconds_until_retry(error, 1, 2) is None

    def test_a_timeout_of_the_service_is_retried_and_one_while_waiting_for_it_is_not(self) -> None:
        assert seconds_until_retry(OnlySqTimeoutError("x", status_code=408), 1, 2) == 0.5
        assert {"read_timeout", "stall_timeout"} <= NOT_REPEATED

    @pytest.mark.parametrize(
        ("retry_after", "wait"),
        [
            (0.0, 0.0),
            (0.02, 0.02),
            (7.0, 7.0),
            (61.0, 61.0),
            (120.0, 120.0),
            (120.1, None),
            (121.0, None),
            (1e12, None),
        ],
    )
    def test_retry_after_is_obeyed_up_to_two_minutes(
        self, retry_after: float, wait: float | None
    ) -> None:
        for jitter in (0.0, 0.5, 1.0):
            error = OnlySqRateLimitError("x", retry_after=retry_after)
            assert seconds_until_retry(error, 1, 2, jitter) == wait

    @pytest.mark.parametrize(
        ("headers", "wait"),
        [
            ({"retry-after": "0"}, 0.0),
            ({"retry-after": "-1"}, 0.0),
            ({"retry-after": "61"}, 61.0),
            ({"retry-after": "121"}, None),
            ({"retry-after": "inf"}, 0.5),
            ({"retry-after": "nan"}, 0.5),
            ({"retry-after": "soon"}, 0.5),
            ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
            ({"retry-after": "Tue, 14 Nov 100000 22:13:50 GMT"}, 0.5),
            ({"retry-after-ms": "20"}, 0.02),
            ({"retry-after-ms": "121000"}, None),
        ],
    )
    def test_headers_decide_through_the_error(
        self, headers: dict[str, str], wait: float | None
    ) -> None:
        for status in [*RETRIED, *NOT_RETRIED]:
            error = error_from_response(status, headers, b"", CONTEXT)
            expected = wait if status in RETRIED else None
            assert seconds_until_retry(error, 1, 2) == expected, status

    def test_the_wait_doubles_up_to_eight_seconds(self) -> None:
        waits = [
            seconds_until_retry(OnlySqAPIError("x"), attempt, 10_000) for attempt in range(1, 8)
        ]
        assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
        assert seconds_until_retry(OnlySqAPIError("x"), 9_999, 10_000) == 8.0

    @pytest.mark.parametrize("jitter", [0.0, 0.25, 0.5, 0.999, 1.0])
    def test_jitter_takes_up_to_a_quarter_off(self, jitter: float) -> None:
        for attempt in range(1, 8):
            whole = seconds_until_retry(OnlySqAPIError("x"), attempt, 10) or 0.0
            wait = seconds_until_retry(OnlySqAPIError("x"), attempt, 10, jitter) or 0.0
            assert 0.75 * whole <= wait <= whole
        assert seconds_until_retry(OnlySqAPIError("x"), 1, 10, 1.0) == pytest.approx(0.375)


def run(
    outcomes: list[BaseException | str], max_retries: int, *, final: bool = False
) -> tuple[str | BaseException, int, list[ReportRetry]]:
    """Drive the loop by hand; return its result, the number of attempts and the reports."""
    left = iter(outcomes)
    made: list[BaseException | str] = []

    def attempt() -> Generator[Any, Any, str]:
        made.append(next(left))
        if isinstance(made[-1], BaseException):
            raise made[-1]
        return made[-1]
        yield

    steps = attempts(attempt, max_retries, lambda _: final)
    effects: list[Any] = []
    try:
        while True:
            effects.append(next(steps))
    except StopIteration as end:
        result = end.value
    except Exception as error:  # noqa: BLE001 - it is the result
        result = error
    reports = [effect for effect in effects if isinstance(effect, ReportRetry)]
    for position, report in enumerate(reports):
        pause = effects[3 * position + 1 : 3 * position + 3]
        assert pause == [Sleep(report.seconds), AcquirePermit()]
    assert len(effects) == 3 * len(reports)
    return result, len(made), reports


class TestLoop:
    def test_a_success_is_one_attempt(self) -> None:
        assert run(["yes"], 2) == ("yes", 1, [])

    def test_a_failure_is_followed_by_another_attempt(self) -> None:
        result, made, reports = run([OnlySqAPIError("a"), OnlySqRateLimitError("b"), "yes"], 2)
        assert (result, made) == ("yes", 3)
        assert [report.attempt for report in reports] == [1, 2]
        assert [str(report.error) for report in reports] == ["a", "b"]
        assert 0.375 <= reports[0].seconds <= 0.5
        assert 0.75 <= reports[1].seconds <= 1.0

    def test_the_waits_differ_from_call_to_call(self) -> None:
        waits = {run([OnlySqAPIError("a"), "yes"], 2)[2][0].seconds for _ in range(20)}
        assert len(waits) > 1

    @pytest.mark.parametrize("max_retries", [0, 1, 2, 5])
    def test_the_last_error_is_raised_as_it_is(self, max_retries: int) -> None:
        errors = [OnlySqAPIError(str(number)) for number in range(9)]
        result, made, reports = run([*errors], max_retries)
        assert result is errors[max_retries]
        assert made == max_retries + 1
        assert len(reports) == max_retries

    @pytest.mark.parametrize(
        "error",
        [
            OnlySqAuthenticationError("x"),
            OnlySqTimeoutError("x", code="read_timeout"),
            OnlySqRateLimitError("x", retry_after=121.0),
            ValueError("x"),
        ],
    )
    def test_what_is_not_retried_is_raised_at_once(self, error: Exception) -> None:
        assert run([error, "never"], 2) == (error, 1, [])

    def test_nothing_is_repeated_after_something_was_delivered(self) -> None:
        error = OnlySqStreamError("x")
        assert run([error, "never"], 2, final=True) == (error, 1, [])

    def test_a_wait_of_zero_is_a_retry_too(self) -> None:
        result, made, reports = run([OnlySqRateLimitError("x", retry_after=0.0), "yes"], 2)
        assert (result, made) == ("yes", 2)
        assert reports[0].seconds == 0.0

    def test_an_interrupt_is_not_an_error_to_be_retried(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            run([KeyboardInterrupt(), "never"], 2)


def test_a_warning_says_what_failed_and_what_comes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="langchain_onlysq"):
        warn_of_retry(OnlySqAPIError("It broke."), 1, 2, 0.45)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "Attempt 1 of 3 failed (OnlySqAPIError: It broke.); retrying in 0.5 s"
    )
