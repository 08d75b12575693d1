"""The effects: what a flow may ask of the outside world.

A flow is a generator that yields effects and is sent their outcomes. The driver carries them out,
blocking or awaiting, so everything that a flow decides is written once, for sync and async.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_onlysq.errors import OnlySqError
    from langchain_onlysq.errors.context import ErrorContext
    from langchain_onlysq.request.prepared import PreparedRequest
    from langchain_onlysq.settings.call_options import (
        TimeoutTuple,
    )

_REDIRECT = range(300, 400)


class Effect:
    """Something that waits."""

    __slots__ = ()


@dataclass(slots=True)
class Send(Effect):
    """Send a request and wait for the head of the answer; the outcome is a `ResponseHead`.

    Attributes:
        request: The request.
        timeout: Seconds for connect, read, write and pool.
        context: What an error message may say and must not show.
        stalls: Whether the read timeout is the stall timeout.
    """

    request: PreparedRequest
    timeout: TimeoutTuple
    context: ErrorContext
    stalls: bool = False


@dataclass(slots=True)
class Read(Effect):
    """Wait for the next bytes of the answer; the outcome is None at the end of the body.

    Attributes:
        limit: Seconds after which waiting ends without any; None for no limit.
    """

    limit: float | None = None


@dataclass(slots=True)
class Release(Effect):
    """Let go of the answer, and of its connection.

    Attributes:
        drain: Whether the answer has ended properly, so that its connection can serve again: what
            still follows its end mark is read, for some milliseconds at most.
    """

    drain: bool


@dataclass(slots=True)
class Sleep(Effect):
    """Let some seconds pass, with no connection held."""

    seconds: float


@dataclass(slots=True)
class AcquirePermit(Effect):
    """Ask the rate limiter for one more request."""


@dataclass(slots=True)
class ReportRetry(Effect):
    """Tell the run's callbacks of a failed attempt that another one follows.

    Attributes:
        error: What went wrong.
        attempt: Number of the attempt that failed, from 1.
        seconds: The wait before the next one.
        slept: All waits of the call so far, this one included, in seconds.
    """

    error: OnlySqError
    attempt: int
    seconds: float
    slept: float


class ResponseHead(NamedTuple):
    """The head of an answer.

    Attributes:
        status: HTTP status.
        headers: Looked up by lowercase names.
    """

    status: int
    headers: Mapping[str, str]

    @property
    def is_redirect(self) -> bool:
        """Whether the answer is elsewhere."""
        return self.status in _REDIRECT
