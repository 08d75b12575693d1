"""The retry loop, and one request up to the head of its answer."""

from __future__ import annotations

import random
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.errors.classify import error_from_response
from langchain_onlysq.errors.frames import without_frames
from langchain_onlysq.transport.flow import (
    AcquirePermit,
    Effect,
    Read,
    ReportRetry,
    ResponseHead,
    Send,
    Sleep,
)
from langchain_onlysq.transport.retries import seconds_until_retry, warn_of_retry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from langchain_onlysq.errors.context import ErrorContext
    from langchain_onlysq.request.prepared import PreparedRequest
    from langchain_onlysq.settings.call_options import (
        TimeoutTuple,
    )
    from langchain_onlysq.transport.stall_timer import StallTimer

T = TypeVar("T")

_MOST_REDIRECTS = 5
_ERROR_BODY_BYTES = 1 << 20
_ERROR_BODY_SECONDS = 10.0
_KEEP_METHOD = frozenset({307, 308})
_SUCCESS = range(200, 300)


def attempts(
    attempt: Callable[[], Generator[Any, Any, T]],
    max_retries: int,
    is_final: Callable[[OnlySqError], bool] = lambda _: False,
) -> Generator[Any, Any, T]:
    """Make attempts until one succeeds, or an error is final.

    Args:
        attempt: Begins one attempt.
        max_retries: Attempts allowed after the first.
        is_final: Tells whether nothing may be repeated after an error.

    Returns:
        What the attempt that succeeded returned.

    Raises:
        OnlySqError: The error of the last attempt.
    """
    number, slept = 1, 0.0
    while True:
        try:
            return (yield from attempt())
        except OnlySqError as error:
            jitter = random.random()  # noqa: S311 - no secret depends on it
            seconds = (
                None if is_final(error) else seconds_until_retry(error, number, max_retries, jitter)
            )
            if seconds is None:
                raise
            slept += seconds
            report = ReportRetry(without_frames(error), number, seconds, slept)
        warn_of_retry(report.error, number, max_retries, seconds)
        yield report
        yield Sleep(seconds)
        yield AcquirePermit()
        number += 1


def send_request(
    request: PreparedRequest, timeouts: TimeoutTuple, timer: StallTimer, context: ErrorContext
) -> Generator[Effect, Any, None]:
    """Send a request, follow harmless redirects, and raise what the status says.

    Args:
        request: The request.
        timeouts: Seconds for connect, read, write and pool.
        timer: Counts the wait for the head.
        context: What an error message may say and must not show.

    Raises:
        OnlySqError: If the status is not a success.
    """
    timeout, stalls = timer.bound(timeouts)
    target = ""
    for _ in range(_MOST_REDIRECTS):
        timer.start()
        head: ResponseHead = yield Send(request, timeout, context, stalls)
        if head.status in _SUCCESS:
            # A whole answer is silent while it is written; its silence begins with the body.
            timer.stop(heard=not timer.streams)
            return
        target = _target(request.url, head.headers.get("location", ""))
        if head.status not in _KEEP_METHOD or _origin(target) != _origin(request.url):
            break
        timer.stop(heard=False)
        request = request.to(target)
    if head.is_redirect:
        raise _redirected(head.status, target, context)
    raise (yield from _refused(head, timeout[1], context))


def _refused(
    head: ResponseHead, read_timeout: float | None, context: ErrorContext
) -> Generator[Effect, Any, OnlySqError]:
    """Read the body of an error, as much as arrives of it: the status says enough."""
    body = b""
    until = monotonic() + min(_ERROR_BODY_SECONDS, read_timeout or _ERROR_BODY_SECONDS)
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
    shown = context.redact(target)
    return OnlySqError(
        f"OnlySq answered {status}, a redirect to {shown!r}, which is not followed: the "
        "request would change or the key would leave its host. If that is the right place, "
        "pass its base as base_url.",
        status_code=status,
        code="redirect",
        model=context.model,
    )


def _target(url: str, location: str) -> str:
    """Return where a response points to; what is no URL stays as it was sent."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Return scheme, host and port; None for what is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port
