"""Whether a failed attempt is made again, when, and which failures another model may not share."""

from __future__ import annotations

import logging

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqNotFoundError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqTimeoutError,
)

logger = logging.getLogger("langchain_onlysq")

LONGEST_RETRY_AFTER = 120.0
"""Longest `Retry-After` that is waited for, in seconds; a longer one means no retry."""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0

NOT_REPEATED = frozenset({"read_timeout", "write_timeout", "stall_timeout", "configuration"})
"""Codes of our own for retryable errors that are not retried all the same.

After a timeout the service may be answering, and billing, the first request still; and a broken
configuration does not mend itself.
"""

_WOULD_REPEAT_ITSELF = "length"
"""Code of an answer that was cut off before anything was in it: so would be the next one."""

_OF_THE_CONNECTION = frozenset({"connect_timeout", "pool_timeout", "write_timeout"})
_OF_ONE_MODEL = (
    OnlySqRateLimitError,
    OnlySqNotFoundError,
    OnlySqPermissionDeniedError,
    OnlySqAPIError,
)


def seconds_until_retry(
    error: OnlySqError, attempt: int, max_retries: int, jitter: float = 0.0
) -> float | None:
    """Decide on one failed attempt.

    The wait is `Retry-After` where the service sent one. Otherwise it doubles from 0.5 s up to
    8 s, less up to a quarter of it, so that many clients do not come back at the same moment.

    Args:
        error: What went wrong.
        attempt: Number of the attempt, from 1.
        max_retries: Attempts allowed after the first.
        jitter: From 0 (the whole wait) to 1 (three quarters of it).

    Returns:
        Seconds to wait before the next attempt; None to give up.
    """
    if attempt > max_retries or not error.is_retryable:
        return None
    if error.status_code is None and error.code in NOT_REPEATED:
        return None
    if isinstance(error, OnlySqEmptyResponseError) and error.code == _WOULD_REPEAT_ITSELF:
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_RETRY_AFTER else None
    wait = min(_FIRST_WAIT * 2.0 ** min(attempt - 1, 16), _LONGEST_WAIT)
    return wait * (1 - jitter / 4)


def may_fall_back(error: OnlySqError) -> bool:
    """Tell whether another model may do better, once one has failed for good.

    A connection that was not made would not be made for another model of the same host either.
    """
    if isinstance(error, OnlySqTimeoutError):
        return error.code not in _OF_THE_CONNECTION
    return isinstance(error, _OF_ONE_MODEL)


def warn_of_retry(error: OnlySqError, attempt: int, max_retries: int, seconds: float) -> None:
    """Log a warning before a wait."""
    logger.warning(
        "Attempt %d of %d failed (%s: %s); retrying in %.1f s",
        attempt,
        max_retries + 1,
        type(error).__name__,
        error,
        seconds,
    )


def warn_of_fallback(error: OnlySqError, failed: str, following: str) -> None:
    """Log a warning before another model is asked."""
    logger.warning(
        "Model %r failed (%s: %s); asking %r", failed, type(error).__name__, error, following
    )
