"""Carries out what a call asks for, waiting or awaiting; the only module that does IO."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import aclosing, closing, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

from langchain_onlysq.errors import (
    OnlySqConnectionError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqResponseError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)
from langchain_onlysq.errors.classify import stalled
from langchain_onlysq.request.prepared import Request
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
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Generator,
        Iterator,
    )

    from langchain_core.rate_limiters import BaseRateLimiter

T = TypeVar("T")
_Client = TypeVar("_Client", bound=httpx.Client | httpx.AsyncClient)
_Manager = TypeVar("_Manager")

_NETWORK_ERRORS = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, RuntimeError)
_NOTHING_SENT = Send(Request("", {}, None), (None, None, None, None))

_TIMEOUTS: tuple[tuple[type[httpx.TimeoutException], str, str], ...] = (
    (httpx.ConnectTimeout, "connect_timeout", "No connection was made within {} s"),
    (httpx.PoolTimeout, "pool_timeout", "No connection was free within {} s"),
    (httpx.WriteTimeout, "write_timeout", "The request could not be sent on for {} s"),
    (httpx.ReadTimeout, "read_timeout", "No data came for {} s"),
)
_TIMEOUT_NAMES = ("connect_timeout", "read_timeout", "write_timeout", "pool_timeout")

# What both halves share


class _Channel(Generic[_Client, _Manager]):
    """What one call uses of the outside world, and the answer that it is reading."""

    def __init__(
        self,
        client: _Client,
        rate_limiter: BaseRateLimiter | None = None,
        run_manager: _Manager | None = None,
    ) -> None:
        """Take what the call may use."""
        self._client: _Client = client
        self._rate_limiter = rate_limiter
        self._run_manager = run_manager
        self._response: httpx.Response | None = None
        self._sent = _NOTHING_SENT

    def _accept(self, response: httpx.Response) -> ResponseHead:
        self._response = response
        return ResponseHead(response.status_code, response.headers)

    def _let_go(self) -> httpx.Response | None:
        """Forget the answer; return it if it is still to be closed."""
        response, self._response = self._response, None
        return None if response is None or response.is_closed else response

    def _failure(self, error: Exception, *, answered: bool = True) -> OnlySqError:
        """Say what a failure of the network means, before or after the head of the answer came.

        It is returned, not raised: otherwise the frames of httpx would hang on it as its context,
        and their variables hold headers, and so the key.
        """
        failure = _classify(error, self._sent, answered=answered)
        if not isinstance(error, (httpx.LocalProtocolError, httpx.InvalidURL)):
            # The texts of those two quote what could not be sent.
            error.__cause__ = error.__context__ = None
            failure.__cause__ = error.with_traceback(None)
        return failure

    def _stalled(self) -> OnlySqTimeoutError:
        sent = self._sent
        return stalled(sent.timeout[1] if sent.stalls else None, sent.request.model)


def _resume(steps: Generator[Effect | T, Any, None], outcome: list[Any]) -> Effect | T:
    """Give a call the outcome of its last effect, and return its next step.

    The outcome is popped, so that an error raised from here on has no bytes in its frames.
    """
    if isinstance(outcome[0], OnlySqError):
        return steps.throw(outcome.pop())
    return steps.send(outcome.pop())


# The sync half


def run(steps: Generator[Effect | T, Any, None], channel: Channel) -> T:
    """Carry out a call that gives one output, and return it."""
    with closing(stream(steps, channel)) as outputs:
        return next(outputs)


def stream(steps: Generator[Effect | T, Any, None], channel: Channel) -> Generator[T]:
    """Carry out a call, and yield its outputs as they come."""
    try:
        step = next(steps)
        while True:
            if isinstance(step, Effect):
                step = _resume(steps, [channel.perform(step)])
            else:
                yield step
                step = next(steps)
    except StopIteration:
        return
    finally:
        steps.close()
        channel.close()


class Channel(_Channel[httpx.Client, CallbackManagerForLLMRun]):
    """The outside world of one sync call."""

    _pieces: Iterator[bytes]

    def perform(self, effect: Effect) -> Any:
        """Carry out one effect; return its outcome, or the error that the network made of it."""
        if type(effect) is Read:
            return self._read(effect)
        self.close()
        if isinstance(effect, Send):
            return self._send(effect)
        if isinstance(effect, Sleep):
            time.sleep(effect.seconds)
        elif isinstance(effect, AcquirePermit) and self._rate_limiter:
            self._rate_limiter.acquire(blocking=True)
        elif isinstance(effect, ReportRetry) and self._run_manager:
            self._run_manager.on_retry(effect.state)
        return None

    def close(self) -> None:
        """Let go of the answer, read or not."""
        if response := self._let_go():
            response.close()

    def _send(self, effect: Send) -> ResponseHead | OnlySqError:
        self._sent = effect
        try:
            request = _build_request(self._client, effect)
            response = self._client.send(request, stream=True, follow_redirects=False)
        except _NETWORK_ERRORS as error:
            return self._failure(error, answered=False)
        if _is_read_by_httpx(response):
            self._pieces = response.iter_bytes()
        else:
            self._pieces = iter(cast("httpx.SyncByteStream", response.stream))
        return self._accept(response)

    def _read(self, effect: Read) -> bytes | OnlySqError | None:
        if effect.limit is not None:
            return self._read_within(effect.limit)
        try:
            return next(self._pieces, None)
        except _NETWORK_ERRORS as error:
            return self._failure(error)

    def _read_within(self, seconds: float) -> bytes | OnlySqError | None:
        """Read with a limit of this read alone, which httpx has no setting for."""
        response = cast("httpx.Response", self._response)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _shut_down(response)

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            piece = self._read(Read())
        finally:
            timer.cancel()
        return piece if isinstance(piece, bytes) or not expired.is_set() else self._stalled()


# The async half


async def arun(
    steps: Generator[Effect | T, Any, None], opening: Callable[[], Awaitable[AsyncChannel]]
) -> T:
    """Carry out a call that gives one output, and return it."""
    async with aclosing(astream(steps, opening)) as outputs:
        return await anext(outputs)


async def astream(
    steps: Generator[Effect | T, Any, None], opening: Callable[[], Awaitable[AsyncChannel]]
) -> AsyncGenerator[T]:
    """Carry out a call, and yield its outputs as they come."""
    channel = await opening()
    try:
        step = next(steps)
        while True:
            if isinstance(step, Effect):
                step = _resume(steps, [await channel.perform(step)])
            else:
                yield step
                step = next(steps)
    except StopIteration:
        return
    finally:
        steps.close()
        await channel.close()


class AsyncChannel(_Channel[httpx.AsyncClient, AsyncCallbackManagerForLLMRun]):
    """The outside world of one async call."""

    _pieces: AsyncIterator[bytes]

    def perform(self, effect: Effect) -> Awaitable[Any]:
        """Carry out one effect; return its outcome, or the error that the network made of it."""
        return self._read(effect) if type(effect) is Read else self._act(effect)

    async def _act(self, effect: Effect) -> Any:
        await self.close()
        if isinstance(effect, Send):
            return await self._send(effect)
        if isinstance(effect, Sleep):
            await asyncio.sleep(effect.seconds)
        elif isinstance(effect, AcquirePermit) and self._rate_limiter:
            await self._rate_limiter.aacquire(blocking=True)
        elif isinstance(effect, ReportRetry) and self._run_manager:
            await self._run_manager.on_retry(effect.state)
        return None

    async def close(self) -> None:
        """Let go of the answer, read or not."""
        if response := self._let_go():
            # A task that is being cancelled still gives its connection back.
            await asyncio.shield(response.aclose())

    async def _send(self, effect: Send) -> ResponseHead | OnlySqError:
        self._sent = effect
        try:
            request = _build_request(self._client, effect)
            response = await self._client.send(request, stream=True, follow_redirects=False)
        except _NETWORK_ERRORS as error:
            return self._failure(error, answered=False)
        if _is_read_by_httpx(response):
            self._pieces = response.aiter_bytes()
        else:
            self._pieces = aiter(cast("httpx.AsyncByteStream", response.stream))
        return self._accept(response)

    async def _read(self, effect: Read) -> bytes | OnlySqError | None:
        if effect.limit is not None:
            return await self._read_within(effect.limit)
        try:
            return await self._pieces.__anext__()
        except StopAsyncIteration:
            return None
        except _NETWORK_ERRORS as error:
            return self._failure(error)

    async def _read_within(self, seconds: float) -> bytes | OnlySqError | None:
        """Read with a limit of this read alone."""
        try:
            async with asyncio.timeout(seconds):
                return await self._read(Read())
        except TimeoutError:
            return self._stalled()


# Pure helpers


def _build_request(client: httpx.Client | httpx.AsyncClient, effect: Send) -> httpx.Request:
    request = effect.request
    return client.build_request(
        "GET" if request.body is None else "POST",
        _parse_url(request.url),
        headers=request.headers,
        content=request.body,
        timeout=httpx.Timeout(effect.timeout),
    )


# A model asks the same address over and over, and parsing it takes longer than anything else here.
_parse_url = lru_cache(maxsize=64)(httpx.URL)


def _is_read_by_httpx(response: httpx.Response) -> bool:
    """Whether the body is compressed, or was read by a hook of the caller's client already."""
    return (
        response.is_stream_consumed
        or response.headers.get("content-encoding", "identity") != "identity"
    )


def _classify(error: Exception, sent: Send, *, answered: bool) -> OnlySqError:
    model = sent.request.model
    if isinstance(error, httpx.TimeoutException):
        return _timed_out(error, sent, model)
    if isinstance(error, httpx.DecodingError):
        msg = "The answer could not be decompressed."
        return OnlySqResponseError(msg, status_code=200, model=model)
    if isinstance(error, (httpx.LocalProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol)):
        msg = (
            f"The request cannot be sent ({type(error).__name__}): check base_url and the headers."
        )
        return OnlySqInvalidRequestError(msg, model=model)
    kind = type(error).__name__
    if answered:
        msg = f"The connection was lost in the middle of the answer ({kind}: {error})."
        return OnlySqStreamError(msg, model=model)
    if isinstance(error, RuntimeError):
        msg = f"The HTTP client cannot be used: {error}"
        return OnlySqConnectionError(msg, code="configuration", model=model)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        msg = f"No connection to OnlySq ({error}): check the network, base_url and any proxy."
    else:
        msg = f"The connection was lost before the answer ({kind}: {error})."
    return OnlySqConnectionError(msg, model=model)


def _timed_out(error: httpx.TimeoutException, sent: Send, model: str | None) -> OnlySqTimeoutError:
    if sent.stalls and isinstance(error, httpx.ReadTimeout):
        return stalled(sent.timeout[1], model)
    code, text = next(
        ((code, text) for kind, code, text in _TIMEOUTS if isinstance(error, kind)),
        ("timeout", "It took longer than {} s"),
    )
    limits = dict(zip(_TIMEOUT_NAMES, sent.timeout, strict=True))
    said = text.format(f"{limits.get(code) or 0:g}")
    return OnlySqTimeoutError(f"{said}; timeout=… allows more.", code=code, model=model)


def _shut_down(response: httpx.Response) -> None:
    """Wake a thread that waits for this answer."""
    connection = response.extensions["network_stream"].get_extra_info("socket")
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
