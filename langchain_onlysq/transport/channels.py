"""The outside world of one call, blocking and awaiting: sends requests and reads answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.request.prepared import PreparedRequest
from langchain_onlysq.settings.loading import loading
from langchain_onlysq.transport.deadlines import (
    DeadlineError,
    Watch,
    keep_deadlines,
    set_deadline,
)
from langchain_onlysq.transport.decoding import abody_of, body_of
from langchain_onlysq.transport.early_answers import keep_early_answers
from langchain_onlysq.transport.flow import (
    AcquirePermit,
    Effect,
    Read,
    Release,
    ReportRetry,
    ResponseHead,
    Send,
    Sleep,
)
from langchain_onlysq.transport.late_cancellation import sending
from langchain_onlysq.transport.leftovers import close_later
from langchain_onlysq.transport.library_requests import build_request
from langchain_onlysq.transport.network_errors import (
    error_from_network,
    is_network_error,
    too_late,
    unsendable,
)
from langchain_onlysq.transport.trailing_data import refuse_trailing_data
from langchain_onlysq.transport.unread_redirects import unread_redirect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_core.rate_limiters import BaseRateLimiter
    from tenacity import RetryCallState

    from langchain_onlysq.transport.leases import Lease

_Lend = TypeVar("_Lend")
_Manager = TypeVar("_Manager")

_NOTHING_SENT = Send(PreparedRequest("", {}, None), (None, None, None, None), ErrorContext())

_STARTED, _CONNECTED = ".started", ("connect_tcp.complete", "start_tls.complete")
_WAITS_FOR_HEAD = frozenset(
    f"http{version}.receive_response_headers.{state}"
    for version in ("11", "2")
    for state in ("started", "complete")
)
"""What the library traces once a request is sent, and once the head of its answer is there."""

_DRAIN_SECONDS = 0.005
"""How long the rest of an answer that ended properly is read, for the sake of its connection."""


@dataclass(slots=True, eq=False)
class _Answer:
    """An answer that is being read.

    Attributes:
        response: The response, of either library.
        pieces: Its body, as it comes.
        lease: The client that it came through.
    """

    response: Any
    pieces: Any
    lease: Lease[Any]

    def close(self) -> None:
        """Let go of a sync answer, read or not."""
        _open_answers.discard(self)
        self.lease.give_back(self.response)


_open_answers: set[_Answer] = set()
"""The sync answers that are open.

Where a stream that is dropped is garbage, its answer is not: nothing of it is finished by the
garbage collector, in the middle of anything.
"""


class _Channel(Generic[_Lend, _Manager]):
    """What one call uses of the outside world, and the answer that it is reading."""

    def __init__(
        self,
        lend: _Lend,
        rate_limiter: BaseRateLimiter | None = None,
        run_manager: _Manager | None = None,
    ) -> None:
        """Take what the call may use.

        Args:
            lend: Lends a client for a request.
            rate_limiter: Asked for a permit before each attempt but the first.
            run_manager: Told of failed attempts.
        """
        self._lend: _Lend = lend
        self._rate_limiter = rate_limiter
        self._run_manager = run_manager
        self._answer: _Answer | None = None
        self._pieces: Any = None
        self._sent = _NOTHING_SENT
        # What the library traced of the request that is being sent.
        self._connection: Any = None
        self._head: Any = None
        self._is_waiting = False

    def _build(self, lease: Lease[Any], trace: Callable[..., Any]) -> Any:
        """Build the request for a client; return the error where it cannot be sent."""
        self._connection, self._head, self._is_waiting = None, None, False
        try:
            return build_request(lease, self._sent, trace)
        except Exception as error:  # noqa: BLE001 - the library refuses in many ways
            return unsendable(error, self._sent)

    def _trace_head(self, event: str, info: dict[str, Any]) -> float | None:
        """See the wait for a head begin or end; return how long it may take."""
        self._is_waiting = event.endswith(_STARTED)
        self._head = info.get("return_value")
        return self._sent.timeout[1] if self._is_waiting else None

    def _retire(self, lease: Lease[Any]) -> tuple[Any, ...]:
        """Retire a client whose library may have lost sight of a connection.

        Where a call ends while it connects, a connection may stay in the pool for good, busy with
        nothing; one in the middle of a handshake is in no pool.

        Returns:
            That connection, where there is one.
        """
        is_lost = lease.retire() and self._connection is not None
        return (self._connection,) if is_lost else ()

    def _accept(self, response: Any, pieces: Any, lease: Lease[Any]) -> ResponseHead:
        self._answer, self._pieces = _Answer(response, pieces, lease), pieces
        if lease.settings is not None:
            # Nothing that happens from now on is looked at.
            response.request.extensions.pop("trace", None)
        return ResponseHead(response.status_code, response.headers)

    def _let_go(self) -> _Answer | None:
        """Forget the answer; return it if there is one."""
        answer, self._answer, self._pieces = self._answer, None, None
        return answer

    def _failure(self, error: Exception, unanswered: Lease[Any] | None = None) -> OnlySqError:
        """Say what a failure of the network means.

        Args:
            error: What went wrong.
            unanswered: The client, where no head of an answer came; None where one did.
        """
        settings = None if unanswered is None else unanswered.settings
        answered = unanswered is None
        return error_from_network(error, self._sent, answered=answered, settings=settings)


class Channel(_Channel[Callable[[], "Lease[Any]"], CallbackManagerForLLMRun]):
    """The outside world of one sync call."""

    _pieces: Iterator[bytes]

    def perform(self, effect: Effect) -> Any:
        """Carry out one effect; return its outcome, or the error that the network made of it."""
        if type(effect) is Read:
            return self._read(effect)
        if isinstance(effect, Release) and effect.drain:
            self._drain()
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
        if answer := self._let_go():
            answer.close()

    def abandon(self) -> None:
        """Have the answer closed, without waiting and without any lock."""
        if answer := self._let_go():
            close_later(answer.close)

    def _send(self, effect: Send) -> ResponseHead | OnlySqError:
        self._sent = effect
        try:
            lease = self._lend()
        except OnlySqError as error:
            return error
        request = self._build(lease, self._trace)
        if isinstance(request, OnlySqError):
            lease.give_back()
            return request
        try:
            response = lease.client.send(request, stream=True, follow_redirects=False)
        except BaseException as error:
            lease.give_back(*(() if self._is_waiting else self._retire(lease)))
            if isinstance(error, DeadlineError):
                return too_late(effect)
            if not isinstance(error, Exception) or not is_network_error(error):
                raise
            return unread_redirect(error, self._head) or self._failure(error, lease)
        finally:
            set_deadline(None)
        keep_deadlines(response.extensions.get("network_stream"))
        head = self._accept(response, body_of(response), lease)
        _open_answers.add(cast("_Answer", self._answer))
        return head

    def _read(self, effect: Read) -> bytes | OnlySqError | None:
        set_deadline(effect.limit)
        try:
            piece = next(self._pieces, None)
        except DeadlineError:
            return b""
        except Exception as error:
            if not is_network_error(error):
                raise
            return self._failure(error)
        finally:
            set_deadline(None)
        if piece is None:
            refuse_trailing_data(cast("_Answer", self._answer).response)
        return piece

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """See what the library does while it sends."""
        if event in _WAITS_FOR_HEAD:
            set_deadline(self._trace_head(event, info))
        elif event.endswith(_CONNECTED):
            self._connection = info["return_value"]
            keep_deadlines(self._connection)

    def _drain(self) -> None:
        until = time.monotonic() + _DRAIN_SECONDS
        while _is_more(self._read(Read(until - time.monotonic()))):
            pass


class AsyncChannel(_Channel[Callable[[], Awaitable["Lease[Any]"]], AsyncCallbackManagerForLLMRun]):
    """The outside world of one async call."""

    _pieces: AsyncIterator[bytes]

    def __init__(self, *args: Any) -> None:
        """Take what the call may use."""
        super().__init__(*args)
        self._watch = Watch()

    def perform(self, effect: Effect) -> Awaitable[Any]:
        """Carry out one effect; return its outcome, or the error that the network made of it."""
        return self._read(effect) if type(effect) is Read else self._act(effect)

    async def _act(self, effect: Effect) -> Any:
        if isinstance(effect, Release) and effect.drain:
            await self._drain()
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
        self._watch.close()
        if answer := self._let_go():
            response = answer.response
            await answer.lease.agive_back(*(() if response.is_closed else (response,)))

    async def _send(self, effect: Send) -> ResponseHead | OnlySqError:
        self._sent = effect
        try:
            lease = await self._lend()
        except OnlySqError as error:
            return error
        request = self._build(lease, self._trace)
        if isinstance(request, OnlySqError):
            await lease.agive_back()
            return request
        try:
            response = await sending(lease.client, request)
        except BaseException as error:
            # Before the watch takes back its own cancellation, which may be one of the two.
            is_clean = self._is_waiting and not _is_cancelled_twice()
            is_late = isinstance(error, asyncio.CancelledError) and self._watch.expired()
            await lease.agive_back(*(() if is_clean else self._retire(lease)))
            if is_late:
                return too_late(effect)
            if not isinstance(error, Exception) or not is_network_error(error):
                raise
            return unread_redirect(error, self._head) or self._failure(error, lease)
        finally:
            self._watch.stop()
        return self._accept(response, abody_of(response), lease)

    async def _read(self, effect: Read) -> bytes | OnlySqError | None:
        self._watch.start(effect.limit)
        try:
            return await self._pieces.__anext__()
        except StopAsyncIteration:
            refuse_trailing_data(cast("_Answer", self._answer).response)
            return None
        except asyncio.CancelledError:
            if self._answer and _is_cancelled_twice():
                self._answer.lease.retire()
            if self._watch.expired():
                return b""
            raise
        except Exception as error:
            if not is_network_error(error):
                raise
            return self._failure(error)
        finally:
            self._watch.stop()

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        """See what the library does while it sends."""
        if event in _WAITS_FOR_HEAD:
            self._watch.start(self._trace_head(event, info))
        elif event.endswith(_CONNECTED):
            self._connection = info["return_value"]
            keep_early_answers(self._connection)

    async def _drain(self) -> None:
        until = time.monotonic() + _DRAIN_SECONDS
        while _is_more(await self._read(Read(until - time.monotonic()))):
            pass


# Helpers without IO


def _is_cancelled_twice() -> bool:
    """Whether a task was cancelled again, while the library was still ending what it did."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 1


def _is_more(piece: bytes | OnlySqError | None) -> bool:
    return isinstance(piece, bytes) and bool(piece)


def _retry_state(report: ReportRetry) -> RetryCallState:
    """Return a failed attempt in the form in which LangChain's callbacks take it."""
    with loading:
        from tenacity import RetryCallState, Retrying

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = report.attempt
    state.idle_for = report.slept
    state.upcoming_sleep = report.seconds
    state.set_exception((type(report.error), report.error, None))
    return state
