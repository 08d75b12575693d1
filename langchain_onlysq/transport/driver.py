"""Carries out flows, blocking or awaiting: every request is sent, and every byte read, here."""

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

from langchain_onlysq.errors import OnlySqError, OnlySqTimeoutError
from langchain_onlysq.errors.classify import stalled
from langchain_onlysq.request.prepared import PreparedRequest
from langchain_onlysq.transport.flow import (
    AcquirePermit,
    Effect,
    Read,
    ReportRetry,
    ResponseHead,
    Send,
    Sleep,
)
from langchain_onlysq.transport.network_errors import NETWORK_ERRORS, error_from_network

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
    from tenacity import RetryCallState

T = TypeVar("T")
_Client = TypeVar("_Client", bound=httpx.Client | httpx.AsyncClient)
_Manager = TypeVar("_Manager")

_NOTHING_SENT = Send(PreparedRequest("", {}, None), (None, None, None, None))

# What both halves share


class _Channel(Generic[_Client, _Manager]):
    """What one call uses of the outside world, and the answer that it is reading."""

    def __init__(
        self,
        client: _Client,
        rate_limiter: BaseRateLimiter | None = None,
        run_manager: _Manager | None = None,
    ) -> None:
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
        """Say what a failure of the network means, before or after the head of the answer came."""
        return error_from_network(error, self._sent, answered=answered)

    def _stalled(self) -> OnlySqTimeoutError:
        sent = self._sent
        return stalled(sent.timeout[1] if sent.stalls else None, sent.request.model)


def _without_frames(error: OnlySqError) -> OnlySqError:
    """Strip an error of the frames that it came through: they hold headers, and so the key.

    This is the one boundary for it: whatever a flow raises leaves through here.
    """
    error.__context__ = None
    for each in (error, error.__cause__):
        if each is not None:
            each.__traceback__ = None
    if error.__cause__ is not None:
        error.__cause__.__cause__ = error.__cause__.__context__ = None
    return error


# The sync half


def run(steps: Generator[Effect | T, Any, None], opening: Callable[[], Channel]) -> T:
    """Carry out a flow that gives one output, and return it."""
    with closing(stream(steps, opening)) as outputs:
        return next(outputs)


def stream(steps: Generator[Effect | T, Any, None], opening: Callable[[], Channel]) -> Generator[T]:
    """Carry out a flow, and yield its outputs as they come."""
    channel: Channel | None = None
    outcome: Any = None
    try:
        channel = opening()
        step = next(steps)
        while True:
            if isinstance(step, Effect):
                outcome = channel.perform(step)
                failed = isinstance(outcome, OnlySqError)
                step = steps.throw(outcome) if failed else steps.send(outcome)
            else:
                yield step
                step = next(steps)
    except StopIteration:
        return
    except OnlySqError as error:
        outcome = None  # these bytes may quote the key
        raise _without_frames(error)  # noqa: B904 - it is the same error
    finally:
        steps.close()
        if channel:
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
            self._run_manager.on_retry(_retry_state(effect))
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
        except NETWORK_ERRORS as error:
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
        except NETWORK_ERRORS as error:
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
    """Carry out a flow that gives one output, and return it."""
    async with aclosing(astream(steps, opening)) as outputs:
        return await anext(outputs)


async def astream(
    steps: Generator[Effect | T, Any, None], opening: Callable[[], Awaitable[AsyncChannel]]
) -> AsyncGenerator[T]:
    """Carry out a flow, and yield its outputs as they come."""
    channel: AsyncChannel | None = None
    outcome: Any = None
    try:
        channel = await opening()
        step = next(steps)
        while True:
            if isinstance(step, Effect):
                outcome = await channel.perform(step)
                failed = isinstance(outcome, OnlySqError)
                step = steps.throw(outcome) if failed else steps.send(outcome)
            else:
                yield step
                step = next(steps)
    except StopIteration:
        return
    except OnlySqError as error:
        outcome = None  # these bytes may quote the key
        raise _without_frames(error)  # noqa: B904 - it is the same error
    finally:
        steps.close()
        if channel:
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
            await self._run_manager.on_retry(_retry_state(effect))
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
        except NETWORK_ERRORS as error:
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
        except NETWORK_ERRORS as error:
            return self._failure(error)

    async def _read_within(self, seconds: float) -> bytes | OnlySqError | None:
        """Read with a limit of this read alone."""
        try:
            async with asyncio.timeout(seconds):
                return await self._read(Read())
        except TimeoutError:
            return self._stalled()


# Helpers without IO


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


def _retry_state(report: ReportRetry) -> RetryCallState:
    """Return a failed attempt in the form in which LangChain's callbacks take it."""
    from tenacity import RetryCallState, Retrying

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = report.attempt
    state.idle_for = report.slept
    state.upcoming_sleep = report.seconds
    state.set_exception((type(report.error), report.error, None))
    return state


def _shut_down(response: httpx.Response) -> None:
    """Wake a thread that waits for this answer."""
    connection = response.extensions["network_stream"].get_extra_info("socket")
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
