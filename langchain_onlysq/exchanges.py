"""One request and the head of its answer: attempts, redirects, refusals, silence.

Generators of effects, like everything that a call is made of (see `effects`).
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from langchain_onlysq.effects import AcquirePermit, Effect, Head, Read, ReportRetry, Send, Wait
from langchain_onlysq.errors import OnlySqError, error_from_response, stalled

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tenacity import RetryCallState

    from langchain_onlysq.effects import Request
    from langchain_onlysq.errors import ErrorContext
    from langchain_onlysq.options import TimeoutTuple

T = TypeVar("T")

_MOST_REDIRECTS = 5
_ERROR_BODY_BYTES = 1 << 20
_ERROR_BODY_SECONDS = 10.0
_CLOSE_TO_STALL = 0.05
_KEEP_METHOD = frozenset({307, 308})
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_READ = Read()


def attempts(
    attempt: Callable[[], Generator[Any, Any, T]],
    max_retries: int,
    is_final: Callable[[], bool] = lambda: False,
) -> Generator[Any, Any, T]:
    """Make attempts until one succeeds, or an error is final.

    Args:
        attempt: Begins one attempt.
        max_retries: Attempts allowed after the first.
        is_final: Tells whether something was handed over already, so that nothing may be repeated.

    Returns:
        What the attempt that succeeded returned.

    Raises:
        OnlySqError: The error of the last attempt.
    """
    try:
        return (yield from attempt())
    except OnlySqError as error:
        first = [error]
    return (yield from _further_attempts(first, attempt, max_retries, is_final))


def _further_attempts(
    first: list[OnlySqError],
    attempt: Callable[[], Generator[Any, Any, T]],
    max_retries: int,
    is_final: Callable[[], bool],
) -> Generator[Any, Any, T]:
    """Enter the loop with the failure of the first attempt, which is popped: errors show frames."""
    from langchain_onlysq.retries import retrying, warn

    failed: list[RetryCallState] = []
    for trial in retrying(max_retries, is_final, failed.append):
        if failed:
            state = failed.pop()
            warn(state, max_retries)
            yield ReportRetry(state)
            yield Wait(state.upcoming_sleep)
            yield AcquirePermit()
        with trial:
            if first:
                raise first.pop()
            outcome = yield from attempt()
    return outcome


def open_answer(
    request: Request, timeouts: TimeoutTuple, silence: Silence, context: ErrorContext
) -> Generator[Effect, Any, None]:
    """Send a request, follow harmless redirects, and raise what the status says.

    Args:
        request: The request.
        timeouts: Seconds for connect, read, write and pool.
        silence: Counts the wait for the head.
        context: What an error message may say and must not show.

    Raises:
        OnlySqError: If the status is no success.
    """
    timeout, stalls = silence.bound(timeouts)
    target = ""
    for _ in range(_MOST_REDIRECTS):
        silence.begin()
        head: Head = yield Send(request, timeout, streams=silence.streams, stalls=stalls)
        if head.status in _SUCCESS:
            if silence.streams:
                silence.go_on(context.model)
            else:
                silence.broken()
            return
        silence.end()
        target = urljoin(request.url, head.headers.get("location", ""))
        if head.status not in _KEEP_METHOD or _origin(target) != _origin(request.url):
            break
        request = request.to(target)
    if head.status in _REDIRECT:
        raise _redirected(head.status, target, context)
    raise (yield from _refused(head, context))


def _refused(head: Head, context: ErrorContext) -> Generator[Effect, Any, OnlySqError]:
    """Read the body of an error, as much as arrives of it: the status says enough."""
    body = b""
    until = monotonic() + _ERROR_BODY_SECONDS
    try:
        while len(body) < _ERROR_BODY_BYTES and (left := until - monotonic()) > 0:
            piece = yield Read(limit=left)
            if piece is None:
                break
            body += piece
    except OnlySqError:
        pass
    return error_from_response(head.status, head.headers, body, context)


def _redirected(status: int, target: str, context: ErrorContext) -> OnlySqError:
    return OnlySqError(
        f"OnlySq answered {status}, a redirect to {target!r}, which is not followed: the "
        "request would change or the key would leave its host. If that is the right place, "
        "pass its base as base_url.",
        status_code=status,
        code="redirect",
        model=context.model,
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class Silence:
    """How long a stream has been silent: time spent waiting since the last event.

    Where a whole answer was asked for, the silence begins with the body, since it may take long to
    write; so heartbeats without an answer come to an end there, too.

    Attributes:
        streams: Whether the answer is to arrive piece by piece.
    """

    __slots__ = ("_began", "_close", "_limit", "_silent", "streams")

    def __init__(self, limit: float | None, *, streams: bool) -> None:
        """Start before the request, with a limit in seconds; None = none."""
        self.streams = streams
        self._limit = limit
        self._close = float("inf") if limit is None else limit * _CLOSE_TO_STALL
        self._silent = 0.0
        self._began = 0.0

    def bound(self, timeouts: TimeoutTuple) -> tuple[TimeoutTuple, bool]:
        """Return the four timeouts, and whether the one for reading is the stall timeout."""
        connect, read, write, pool = timeouts
        if not self.streams or self._limit is None or (read is not None and read <= self._limit):
            return (connect, read, write, pool), False
        return (connect, self._limit, write, pool), True

    def begin(self) -> None:
        """Begin to wait."""
        self._began = monotonic()

    def end(self) -> None:
        """End the wait, in which nothing was heard."""
        self._silent += monotonic() - self._began

    def read(self) -> Read:
        """Begin to wait for the next bytes.

        Returns:
            The read, with a limit of its own where the read timeout comes too late.
        """
        self._began = monotonic()
        if self._limit is None or self._silent < self._close:
            return _READ
        return Read(limit=max(self._limit - self._silent, 0.001))

    def broken(self) -> None:
        """End the wait, and the silence with it."""
        self._silent = 0.0

    def go_on(self, model: str | None) -> None:
        """End a wait in which nothing was heard.

        Raises:
            OnlySqTimeoutError: If the silence is too long by now.
        """
        self.end()
        if self._limit is not None and self._silent >= self._limit:
            raise stalled(self._limit, model)
