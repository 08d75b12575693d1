"""One call from its request to its answer: attempts, redirects, the end of a stream.

A call is a generator. It yields effects, which `transport` carries out, and outputs, which go to
the caller; so sync and async run the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from langchain_onlysq.deltas import ToolCallDelta
from langchain_onlysq.effects import AcquirePermit, Effect, Head, Read, ReportRetry, Send, Wait
from langchain_onlysq.errors import (
    ErrorContext,
    OnlySqConnectionError,
    OnlySqError,
    OnlySqTimeoutError,
    error_from_response,
    stalled,
)
from langchain_onlysq.outputs import ChunkMaker, as_text, to_result
from langchain_onlysq.responses import AnswerReader
from langchain_onlysq.retries import retrying, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from tenacity import RetryCallState

    from langchain_onlysq.deltas import AnswerEnd, Delta
    from langchain_onlysq.options import CallOptions, TimeoutTuple
    from langchain_onlysq.tools import ToolRequest

    # Effects, and outputs between them; then the end of the answer.
    Steps = Generator[Any, Any, AnswerEnd]

_MOST_REDIRECTS = 5
_ERROR_BODY_BYTES = 1 << 20
_ERROR_BODY_SECONDS = 10.0
_CLOSE_TO_STALL = 0.05
_KEEP_METHOD = frozenset({307, 308})
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to be sent.

    Attributes:
        url: Where to.
        headers: With the key among them, so they are never shown.
        body: The JSON.
    """

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Call:
    """One call of a model."""

    def __init__(
        self,
        ask: Callable[[str | None], Request],
        options: CallOptions,
        context: ErrorContext,
        tools: ToolRequest,
    ) -> None:
        """Prepare a call; nothing is sent yet.

        Args:
            ask: Makes the request; given an answer that did not call the tool it had to call, the
                request that asks once more.
            options: The settings of this call.
            context: What an error message may say and must not show.
            tools: The tools of the call.
        """
        self._ask = ask
        self._request = ask(None)
        self._options = options
        self._context = context
        self._tools = tools
        self._tool_names = () if options.native_tools else tuple(tools.names)
        self._insists = tools.forced is not None
        self._awaited = False
        self._handed_over = False
        self._held_back: list[Delta] = []
        self._waiting: list[Delta] = []
        self._collected: list[Delta] | None = None
        self._chunks = ChunkMaker()

    def whole(self) -> Generator[Effect | ChatResult, Any, None]:
        """Yield effects, and at last the result."""
        self._collected = []
        end = yield from self._obeyed(streams=False)
        yield to_result(self._collected, end)

    def stream(self) -> Generator[Effect | ChatGenerationChunk, Any, None]:
        """Yield effects, and the chunks of the answer between them."""
        try:
            end = yield from self._obeyed(streams=True)
        except OnlySqError:
            # What the last attempt brought is delivered, also what was held back of it.
            for delta in [*self._waiting, *self._held_back]:
                yield self._chunks.chunk(delta)
            raise
        yield self._chunks.last(end)

    def _obeyed(self, *, streams: bool) -> Steps:
        """Get an answer; once more where it does not call the tool that it had to call."""
        end = yield from self._answer(streams=streams)
        if not self._awaited:
            return end
        self._insists = False
        self._request = self._ask(as_text(self._waiting, with_calls=bool(self._tool_names)))
        yield AcquirePermit()
        return (yield from self._answer(streams=streams))

    def _answer(self, *, streams: bool) -> Steps:
        """Make attempts until one gives an answer, or an error is final."""
        max_retries = self._options.max_retries
        failed: list[RetryCallState] = []
        end: AnswerEnd | None = None
        for attempt in retrying(max_retries, lambda: self._handed_over, failed.append):
            if failed:
                state = failed.pop()
                warn(state, max_retries)
                yield ReportRetry(state)
                yield Wait(state.upcoming_sleep)
                yield AcquirePermit()
            with attempt:
                end = yield from self._attempt(streams=streams)
        assert end is not None  # noqa: S101 - the loop ends with an answer or raises
        return end

    def _attempt(self, *, streams: bool) -> Steps:
        """Send the request once and read the answer."""
        reader = AnswerReader(self._options, self._context, self._tool_names)
        self._awaited = self._insists
        self._waiting, self._held_back = [], []
        if self._collected:
            self._collected.clear()
        silence = _Silence(self._options.stall_timeout, streams=streams)
        yield from self._open(silence, streams=streams)
        try:
            while not reader.finished:
                silence.begin()
                events = reader.events
                # No variable here holds the bytes: they may quote the key, and errors show frames.
                deltas = reader.feed((yield silence.read()))
                silence.end()
                if deltas:
                    yield from self._hand_over(deltas)
                heard = reader.events != events or (reader.in_event and not streams)
                silence.note(heard=heard, model=self._context.model)
        except (OnlySqConnectionError, OnlySqTimeoutError):
            self._held_back = reader.close()
            if not reader.complete:
                raise
        else:
            self._held_back = reader.close()
        end = reader.end()
        yield from self._hand_over(self._held_back)
        return end

    def _hand_over(self, deltas: list[Delta]) -> Generator[ChatGenerationChunk]:
        if self._awaited:
            # Held back until the call that was asked for shows that this is the answer to keep.
            self._waiting += deltas
            if not any(map(self._is_awaited, deltas)):
                return
            self._awaited = False
            deltas, self._waiting = self._waiting, []
        if self._collected is not None:
            self._collected += deltas
            return
        for delta in deltas:
            self._handed_over = True
            yield self._chunks.chunk(delta)

    def _is_awaited(self, delta: Delta) -> bool:
        return (
            isinstance(delta, ToolCallDelta)
            and delta.name is not None
            and delta.error is None
            and self._tools.is_followed_by(delta.name)
        )

    def _open(self, silence: _Silence, *, streams: bool) -> Generator[Effect, Any, None]:
        """Send the request, follow harmless redirects, and raise what the status says."""
        timeout, stalls = silence.bound(self._options.timeouts)
        url = self._request.url
        target = ""
        for _ in range(_MOST_REDIRECTS):
            silence.begin()
            head: Head = yield Send(
                url, self._request.headers, self._request.body, timeout, streams, stalls
            )
            silence.end()
            if head.status in _SUCCESS:
                silence.note(heard=not streams, model=self._context.model)
                return
            target = urljoin(url, head.headers.get("location", ""))
            if head.status not in _KEEP_METHOD or _origin(target) != _origin(url):
                break
            url = target
        if head.status in _REDIRECT:
            raise self._redirected(head.status, target)
        raise (yield from self._refused(head))

    def _refused(self, head: Head) -> Generator[Effect, Any, OnlySqError]:
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
        return error_from_response(head.status, head.headers, body, self._context)

    def _redirected(self, status: int, target: str) -> OnlySqError:
        return OnlySqError(
            f"OnlySq answered {status}, a redirect to {target!r}, which is not followed: the "
            "request would change or the key would leave its host. If that is the right place, "
            "pass its base as base_url.",
            status_code=status,
            code="redirect",
            model=self._context.model,
        )


class _Silence:
    """How long a stream has been silent: time spent waiting since the last event.

    Where a whole answer was asked for, the silence begins with the body, since it may take long to
    write; so heartbeats without an answer come to an end there, too.
    """

    def __init__(self, limit: float | None, *, streams: bool) -> None:
        self._limit = limit
        self._streams = streams
        self._silent = 0.0
        self._began = 0.0

    def bound(self, timeouts: TimeoutTuple) -> tuple[TimeoutTuple, bool]:
        """Return the four timeouts, and whether the one for reading is the stall timeout."""
        connect, read, write, pool = timeouts
        if not self._streams or self._limit is None or (read is not None and read <= self._limit):
            return (connect, read, write, pool), False
        return (connect, self._limit, write, pool), True

    def begin(self) -> None:
        self._began = monotonic()

    def end(self) -> None:
        self._silent += monotonic() - self._began

    def read(self) -> Read:
        """Return the next read, with a limit of its own where the read timeout comes too late."""
        if self._limit is None or self._silent < self._limit * _CLOSE_TO_STALL:
            return _READ
        return Read(limit=max(self._limit - self._silent, 0.001))

    def note(self, *, heard: bool, model: str | None) -> None:
        """Note whether the bytes that came held an event.

        Raises:
            OnlySqTimeoutError: If they did not, for too long.
        """
        if heard:
            self._silent = 0.0
        elif self._limit is not None and self._silent >= self._limit:
            raise stalled(self._limit, model)


_READ = Read()


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
