"""One request and the head of its answer: attempts, redirects, refusals, silence.

Generators of effects, like everything that a call is made of (see `effects`).
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.errors.classify import error_from_response
from langchain_onlysq.transport.flow import (
    AcquirePermit,
    Effect,
    Read,
    ReportRetry,
    ResponseHead,
    Send,
    Sleep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tenacity import RetryCallState

    from langchain_onlysq.errors.classify import ErrorContext
    from langchain_onlysq.request.prepared import Request
    from langchain_onlysq.settings.call_options import TimeoutTuple
    from langchain_onlysq.transport.stall_timer import StallTimer

T = TypeVar("T")

_MOST_REDIRECTS = 5
_ERROR_BODY_BYTES = 1 << 20
_ERROR_BODY_SECONDS = 10.0
_KEEP_METHOD = frozenset({307, 308})
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)


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
    from langchain_onlysq.transport.retries import retrying, warn

    failed: list[RetryCallState] = []
    for trial in retrying(max_retries, is_final, failed.append):
        if failed:
            state = failed.pop()
            warn(state, max_retries)
            yield ReportRetry(state)
            yield Sleep(state.upcoming_sleep)
            yield AcquirePermit()
        with trial:
            if first:
                raise first.pop()
            outcome = yield from attempt()
    return outcome


def send_request(
    request: Request, timeouts: TimeoutTuple, silence: StallTimer, context: ErrorContext
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
        head: ResponseHead = yield Send(request, timeout, streams=silence.streams, stalls=stalls)
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


def _refused(head: ResponseHead, context: ErrorContext) -> Generator[Effect, Any, OnlySqError]:
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
