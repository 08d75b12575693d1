"""What a call may ask of the outside world.

A call is a generator that yields these and is sent their outcomes; `transport` carries them out,
waiting or awaiting. So everything a call decides is written once, for sync and async.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenacity import RetryCallState

    from langchain_onlysq.options import TimeoutTuple


class Effect:
    """Something that waits."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to be sent.

    Attributes:
        url: Where to.
        headers: With the key among them, so they are never shown.
        body: The JSON; None for a GET.
        model: Model id that is asked, for error messages.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Send(Effect):
    """Send a request and wait for the head of the answer; the outcome is a `Head`.

    Attributes:
        request: The request.
        timeout: Seconds for connect, read, write and pool.
        streams: Whether the answer is to arrive piece by piece.
        stalls: Whether the read timeout is the stall timeout.
    """

    request: Request
    timeout: TimeoutTuple
    streams: bool = False
    stalls: bool = False


@dataclass(frozen=True, slots=True)
class Read(Effect):
    """Wait for the next bytes of the answer; the outcome is None at the end of the body.

    Attributes:
        limit: Seconds after which waiting ends with a stall, where the read timeout would be
            later than that; None where it would not.
    """

    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Wait(Effect):
    """Let some seconds pass, with no connection held."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AcquirePermit(Effect):
    """Ask the rate limiter for one more request."""


@dataclass(frozen=True, slots=True)
class ReportRetry(Effect):
    """Tell the run's callbacks of a failed attempt."""

    state: RetryCallState


class Head(NamedTuple):
    """The head of an answer.

    Attributes:
        status: HTTP status.
        headers: Looked up by lowercase names.
    """

    status: int
    headers: Mapping[str, str]
