"""The local server: sockets around `Service`, on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_onlysq.testing.quota import Quota
from langchain_onlysq.testing.replies import Reply, ReplyLike
from langchain_onlysq.testing.requests import Headers, Request
from langchain_onlysq.testing.service import Service
from langchain_onlysq.testing.steps import Close, Hold, Pause
from langchain_onlysq.testing.wire import actions

if TYPE_CHECKING:
    from types import TracebackType

try:
    import h11
except ImportError as error:
    msg = "The local server needs h11: pip install 'langchain-onlysq[testing]'."
    raise ImportError(msg) from error

_HOST = "127.0.0.1"
_BACKLOG = 1024
_LINGER_NOT_AT_ALL = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class LocalOnlySq:
    """A local server that speaks the chat endpoints and the catalogue of OnlySq.

    It checks requests as strictly as the documentation reads, answers with the scripted replies
    in their order, and then with a small built-in model. It listens on 127.0.0.1 only, on a port
    of its own.

    Args:
        *replies: Replies to chat requests, in order; see `reply`.
        strict: Whether requests are checked. Unknown paths and wrong methods are refused anyway.
        native_tools_on_v2: Whether v2 takes tools like the openai endpoint.
        ignores_stop: Whether the built-in model goes on after a stop sequence.
        requests_per_minute: How many chat requests are accepted, for each key and model; the
            others are refused with 429, as the service does. None accepts all.
        minute: Seconds that such a minute takes: a short one shows in a moment how a program waits.

    Example:
        >>> with LocalOnlySq("Hello!") as server:
        ...     print(server.base_url.endswith("/ai"), server.replies_left)
        True 1
    """

    def __init__(
        self,
        *replies: ReplyLike,
        strict: bool = True,
        native_tools_on_v2: bool = False,
        ignores_stop: bool = False,
        requests_per_minute: int | None = None,
        minute: float = 60.0,
    ) -> None:
        self._service = Service(
            strict=strict,
            native_tools_on_v2=native_tools_on_v2,
            ignores_stop=ignores_stop,
            quota=Quota(requests_per_minute, minute),
        )
        self._service.script(replies)
        self._traffic = _Traffic()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._port: int | None = None

    @property
    def base_url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:49152/ai``; it stays known after `close`.

        Raises:
            RuntimeError: If the server was never started.
        """
        if self._port is None:
            msg = "The server was not started: use it as a context manager, or call start()."
            raise RuntimeError(msg)
        return f"http://{_HOST}:{self._port}/ai"

    @property
    def requests(self) -> list[Request]:
        """What was received so far, in order of arrival, refused requests included."""
        return self._service.requests

    @property
    def replies_left(self) -> int:
        """The number of scripted chat replies that no request took yet."""
        return self._service.replies_left

    @property
    def connections_open(self) -> int:
        """The number of connections that are open now."""
        return len(self._traffic.open)

    @property
    def connections_seen(self) -> int:
        """The number of connections that were ever opened."""
        return self._traffic.seen

    @property
    def disconnects(self) -> int:
        """How often a client left before the reply to it was completely sent."""
        return self._traffic.disconnects

    def reply(self, *replies: ReplyLike) -> None:
        """Script replies to chat requests; each accepted request takes the next one.

        Args:
            *replies: Text of an answer, bytes or JSON as a whole body, a `Reply`, or a callable
                that gets the `Request` and returns one of these.

        Raises:
            TypeError: If one of them is something else, such as a message of LangChain.
        """
        self._service.script(replies)

    def reply_catalogue(self, *replies: ReplyLike) -> None:
        """Script replies to requests for the catalogue.

        Args:
            *replies: As for `reply`.
        """
        self._service.script_catalogue(replies)

    def start(self) -> Self:
        """Start the server; a running one stays as it is.

        Returns:
            The server, ready to take connections.

        Raises:
            OSError: If no port can be bound.
        """
        if self._thread is None:
            started: Future[int] = Future()
            thread = threading.Thread(
                target=self._run, args=(started,), name="LocalOnlySq", daemon=True
            )
            thread.start()
            self._port = started.result()
            self._thread = thread
        return self

    def close(self) -> None:
        """Stop the server and end every connection, hanging replies included; idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.close()

    async def __aenter__(self) -> Self:
        """Start the server; that takes a millisecond, and so does `__aexit__`."""
        return self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.close()

    def _run(self, started: Future[int]) -> None:
        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: Future[int]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listener = await self._loop.create_server(
            lambda: _Connection(self._service, self._traffic), _HOST, 0, backlog=_BACKLOG
        )
        started.set_result(listener.sockets[0].getsockname()[1])
        await self._stop.wait()
        while arriving := self._traffic.arriving():  # or asyncio reports errors for them
            await asyncio.wait(arriving)
        listener.close()
        await self._traffic.end()


class _Traffic:
    """The connections of a server; used on its loop, its numbers are read from anywhere."""

    def __init__(self) -> None:
        self.open: set[_Connection] = set()
        self.seen = 0
        self.disconnects = 0

    def arriving(self) -> set[asyncio.Task[Any]]:
        """The tasks in which asyncio is accepting clients: all tasks but our own."""
        replying = {connection.replying for connection in self.open}
        return asyncio.all_tasks() - replying - {asyncio.current_task()}

    async def end(self) -> None:
        """Break off every connection, and wait until the last one is gone."""
        while self.open:
            for connection in list(self.open):
                connection.end()
            await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection: requests in, replies out, one after another.

    h11 reads the requests. The replies are written without it, since it refuses the malformed
    ones; so it never learns of them, and each request gets a parser of its own. (asyncio sets
    TCP_NODELAY itself: what is written at once goes out at once.)
    """

    def __init__(self, service: Service, traffic: _Traffic) -> None:
        self._service = service
        self._traffic = traffic
        self._parser = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self.replying: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # --- called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=0)
        self._traffic.open.add(self)
        self._traffic.seen += 1

    def data_received(self, data: bytes) -> None:
        self._parser.receive_data(data)
        if self.replying is None:
            self._read()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._traffic.open.discard(self)
        if self.replying is not None:
            self._traffic.disconnects += 1
            self.replying.cancel()

    # --- reading

    def _read(self) -> None:
        """Read on in what came; a request that is complete is answered."""
        try:
            request = self._next_request()
        except h11.RemoteProtocolError as error:
            reply = Reply.error(error.error_status_hint, f"This is not HTTP: {error}")
            self._start(reply, keep_alive=False)
            return
        if request is not None:
            reply = self._service.answer(request)
            closing = request.headers.get("connection", "").lower() == "close"
            self._start(reply, keep_alive=not closing)

    def _next_request(self) -> Request | None:
        while True:
            match self._parser.next_event():
                case h11.Request() as head:
                    self._head = head
                case h11.Data(data=data):
                    self._body += data
                case h11.EndOfMessage() if self._head is not None:
                    return _request(self._head, bytes(self._body))
                case _:
                    return None

    # --- writing

    def _start(self, reply: Reply, *, keep_alive: bool) -> None:
        task = self._reply(reply, keep_alive=keep_alive)
        self.replying = asyncio.get_running_loop().create_task(task)

    async def _reply(self, reply: Reply, *, keep_alive: bool) -> None:
        for action in actions(reply):
            match action:
                case bytes():
                    self._transport.write(action)
                    await self._writable.wait()
                    if self._transport.is_closing():  # by the client: connection_lost follows
                        return
                case Pause(seconds=seconds):
                    await asyncio.sleep(seconds)
                case Hold():
                    await asyncio.get_running_loop().create_future()
                case Close():
                    keep_alive = False
                    break
                case _:  # Reset
                    self._reset()
                    return
        self.replying = None
        if keep_alive:
            self._next_cycle()
        else:
            self._transport.close()

    def _next_cycle(self) -> None:
        """Read the next request, which may have come already."""
        early, _ = self._parser.trailing_data
        self._parser = h11.Connection(h11.SERVER)
        self._body.clear()
        if early:  # to h11, no bytes at all mean that the client closed
            self.data_received(early)

    def _reset(self) -> None:
        """Break off with RST: that is what closing does to a socket that may not linger."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        self.end()

    def end(self) -> None:
        """Break the connection off from our side: what is being sent is dropped."""
        replying, self.replying = self.replying, None
        if replying is not None:
            replying.cancel()
        self._transport.abort()


def _request(head: h11.Request, body: bytes) -> Request:
    path, _, query = head.target.decode("latin-1").partition("?")
    headers = Headers((n.decode("latin-1"), v.decode("latin-1")) for n, v in head.headers)
    return Request(head.method.decode("ascii"), path, headers, body, query)
