"""The HTTP clients of one model: made on first use, for sync calls and for each event loop."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from langchain_onlysq.errors import OnlySqConnectionError
from langchain_onlysq.settings.http_library import http, own_proxy
from langchain_onlysq.settings.loading import loading
from langchain_onlysq.transport.certificates import Verify, ssl_context
from langchain_onlysq.transport.event_loops import running_loop
from langchain_onlysq.transport.leases import KEPT_SECONDS, Lease, Pool
from langchain_onlysq.transport.leftovers import close_later

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from types import TracebackType

_GRACE_SECONDS = 0.05
"""How long a loop may go on after the last call of a model that is dropped."""


class ClientSettings(NamedTuple):
    """What a client is made with, beside what each request brings along.

    Attributes:
        proxy: URL of a proxy; None leaves it to the environment.
        verify: Which certificates are trusted.
    """

    proxy: Any = None
    verify: Verify = True


class Clients:
    """Owner of a model's clients.

    Everything is closed when the owner goes: the sync clients at once, the async ones on their own
    loop, which closes them when it shuts down, too. A copied, unpickled or forked owner starts
    without clients. Safe to use from many threads.
    """

    def __init__(self) -> None:
        """Start without any client."""
        self._lock = threading.RLock()
        self._sync: Pool[Any] | None = None
        self._async: dict[asyncio.AbstractEventLoop, _LoopPool] = {}
        _owners.add(self)

    def __eq__(self, other: object) -> bool:
        """Be equal to any other owner: which clients are open makes no two models differ."""
        return isinstance(other, Clients)

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[type[Clients], tuple[()]]:
        """Copy and pickle as an owner without clients."""
        return Clients, ()

    def lease(self, settings: ClientSettings) -> Lease[Any]:
        """Return a sync client, until it is given back.

        Raises:
            OnlySqConnectionError: If the proxy or the certificates are misconfigured.
        """
        with self._lock:
            if self._sync is None:
                self._sync = _pool(_set_up("Client", settings), "Client", settings)
                weakref.finalize(self, close_later, self._sync.close).atexit = False
            surplus, lease = self._sync.surplus(), self._sync.lease()
        if surplus is not None:
            surplus.close()
        return lease

    def lender(self, settings: ClientSettings, own: Any) -> Callable[[], Lease[Any]]:
        """Return what lends a sync client: the caller's own, or one of these."""
        return partial(self.lease, settings) if own is None else Lease(own).take

    def async_lender(
        self, settings: ClientSettings, own: Any
    ) -> Callable[[], Awaitable[Lease[Any]]]:
        """Return what lends an async client: the caller's own, or one of these."""
        return partial(self.alease, settings) if own is None else Lease(own).atake

    async def alease(self, settings: ClientSettings) -> Lease[Any]:
        """Return an async client of the running event loop, until it is given back.

        Raises:
            OnlySqConnectionError: If the proxy or the certificates are misconfigured, or the loop
                is not one of asyncio's.
        """
        loop = running_loop()
        if (entry := self._async.get(loop)) and (surplus := entry.pool.surplus()):
            await asyncio.shield(surplus.aclose())
        entry = self._async.get(loop) or await self._open(loop, settings)
        return entry.pool.lease()

    async def _open(self, loop: asyncio.AbstractEventLoop, settings: ClientSettings) -> _LoopPool:
        """Make the pool of an event loop."""
        # Reading the certificates takes milliseconds, which the loop is not made to wait for.
        first = await asyncio.to_thread(_set_up, "AsyncClient", settings)
        with self._lock:
            for other in [other for other in self._async if other.is_closed()]:
                self._async.pop(other).finalizer.detach()
            entry = self._async.get(loop)
            if entry is None:
                pool = _pool(first, "AsyncClient", settings)
                keeper = _closes_with_loop(pool)
                finalizer = weakref.finalize(self, _close_on, loop, keeper)
                finalizer.atexit = False
                entry = self._async[loop] = _LoopPool(pool, keeper, finalizer)
                # Its first step makes the generator known to the loop; it does not wait.
                await anext(keeper)
            return entry

    def close(self) -> None:
        """Close the sync clients, and have each running loop close its own.

        What a call has is closed when the call ends; later calls get new ones.
        """
        with self._lock:
            clients = self._sync.retire() if self._sync else []
            entries, self._async = self._async, {}
        for client in clients:
            client.close()
        for entry in entries.values():
            entry.finalizer()

    async def aclose(self) -> None:
        """Close the clients of the running loop now, and the others as `close` does."""
        loop = running_loop()
        entry = self._async.pop(loop, None)
        self.close()
        if entry:
            entry.finalizer.detach()
            # A task that is being cancelled closes them, too.
            await asyncio.shield(_start_closing(loop, entry.keeper))

    def close_at_exit(self) -> None:
        """Close the sync clients, whose sockets would be complained about otherwise."""
        if self._sync:
            self._sync.close()

    def forget(self) -> None:
        """Be without clients, and without a lock that anybody holds: so it is after a fork."""
        self._lock = threading.RLock()
        self._sync = None
        self._async = {}


class Closing:
    """The context managers of what can be closed."""

    def close(self) -> None:
        """Close what was opened."""

    async def aclose(self) -> None:
        """Close what was opened."""

    def __enter__(self) -> Self:
        """Return the object, which is closed at the end of the block."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the object, which is closed at the end of the block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.aclose()


class _LoopPool(NamedTuple):
    pool: Pool[Any]
    keeper: AsyncGenerator[None]
    finalizer: weakref.finalize[Any, Any]


async def _closes_with_loop(pool: Pool[Any]) -> AsyncGenerator[None]:
    """Close the clients when this generator ends.

    An event loop that shuts down ends the generators that run on it: that is the hook for closing
    something on its own loop in time.
    """
    try:
        yield
    finally:
        await pool.aclose()


def _close_on(loop: asyncio.AbstractEventLoop, keeper: AsyncGenerator[None]) -> None:
    """Have a loop close its clients, from wherever the owner was dropped."""
    if not loop.is_closed():
        # A loop that is about to end closes them itself, but first it cancels all tasks: what was
        # half closed by then would stay so.
        loop.call_soon_threadsafe(loop.call_later, _GRACE_SECONDS, _start_closing, loop, keeper)


def _start_closing(
    loop: asyncio.AbstractEventLoop, keeper: AsyncGenerator[None]
) -> asyncio.Future[None]:
    closing: asyncio.Future[None] = asyncio.ensure_future(cast("Any", keeper.aclose()), loop=loop)
    _closings.add(closing)
    closing.add_done_callback(_closings.discard)
    return closing


_closings: set[asyncio.Future[None]] = set()
"""What is being closed; a loop alone does not keep its tasks."""


def _pool(first: Any, kind: str, settings: ClientSettings) -> Pool[Any]:
    return Pool(first, partial(_make, kind, settings), settings)


def _set_up(kind: str, settings: ClientSettings) -> Any:
    """Make the first client, for which the library and the certificates are loaded.

    Raises:
        OnlySqConnectionError: If the proxy or the certificates are misconfigured.
    """
    with loading:
        return _make(kind, settings)


def _make(kind: str, settings: ClientSettings) -> Any:
    context = ssl_context(settings.verify)
    try:
        library = http()
        limits = library.Limits(
            max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEPT_SECONDS
        )
        return getattr(library, kind)(
            verify=context,
            proxy=own_proxy(settings.proxy),
            limits=limits,
            timeout=None,
            # A cookie would go with all later requests, whether it can be sent or not.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
    except OSError as error:
        msg = f"The HTTP library cannot be loaded: {error}."
    except Exception as error:  # noqa: BLE001 - what it says may hold the password of the proxy
        needs = " (a SOCKS proxy needs: pip install 'httpx[socks]', or 'httpx2[socks]')"
        msg = (
            "The proxy settings cannot be used: check proxy=… and the variables HTTP_PROXY, "
            f"HTTPS_PROXY, ALL_PROXY and NO_PROXY{needs if isinstance(error, ImportError) else ''}."
        )
    raise OnlySqConnectionError(msg, code="configuration")


# Where processes fork and end

_owners: weakref.WeakSet[Clients] = weakref.WeakSet()
"""All owners; each has a lock that a fork may find held."""


def _after_fork_in_child() -> None:
    for owner in list(_owners):
        owner.forget()


def _close_at_exit() -> None:
    for owner in list(_owners):
        owner.close_at_exit()


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
