"""What a call may ask of the outside world.

A call is a generator that yields these and is sent their outcomes; `transport` carries them out,
waiting or awaiting. So everything a call decides is written once, for sync and async.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenacity import RetryCallState

    from langchain_onlysq.request.prepared import Request
    from langchain_onlysq.settings.call_options import TimeoutTuple


class Effect:
    """Something that waits."""

    __slots__ = ()


class Send(Effect):
    """Send a request and wait for the head of the answer; the outcome is a `ResponseHead`.

    Attributes:
        request: The request.
        timeout: Seconds for connect, read, write and pool.
        streams: Whether the answer is to arrive piece by piece.
        stalls: Whether the read timeout is the stall timeout.
    """

    __slots__ = ("request", "stalls", "streams", "timeout")

    def __init__(
        self,
        request: Request,
        timeout: TimeoutTuple,
        *,
        streams: bool = False,
        stalls: bool = False,
    ) -> None:
        """Keep the parts."""
        self.request = request
        self.timeout = timeout
        self.streams = streams
        self.stalls = stalls


class Read(Effect):
    """Sleep for the next bytes of the answer; the outcome is None at the end of the body.

    Attributes:
        limit: Seconds after which waiting ends with a stall, where the read timeout would be
            later than that; None where it would not.
    """

    __slots__ = ("limit",)

    def __init__(self, limit: float | None = None) -> None:
        """Keep the limit."""
        self.limit = limit


class Sleep(Effect):
    """Let some seconds pass, with no connection held."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        """Keep the seconds."""
        self.seconds = seconds


class AcquirePermit(Effect):
    """Ask the rate limiter for one more request."""

    __slots__ = ()


class ReportRetry(Effect):
    """Tell the run's callbacks of a failed attempt."""

    __slots__ = ("state",)

    def __init__(self, state: RetryCallState) -> None:
        """Keep the state of the attempts."""
        self.state = state


class ResponseHead(NamedTuple):
    """The head of an answer.

    Attributes:
        status: HTTP status.
        headers: Looked up by lowercase names.
    """

    status: int
    headers: Mapping[str, str]
