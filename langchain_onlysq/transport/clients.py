"""The HTTP clients of one model: made on first use, one for sync and one per running event loop."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, cast

import httpx

from langchain_onlysq.errors import OnlySqConnectionError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)
"""As many connections as calls are made at once; idle ones are kept for half a minute."""

_Client = TypeVar("_Client", httpx.Client, httpx.AsyncClient)

_CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


Verify = ssl.SSLContext | str | bool
"""True for the usual authorities, False for none, a file or folder, or a context."""


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

    Everything is closed when the owner goes: the sync client at once, an async one on its own
    loop, which closes it when it shuts down, too. A copied, unpickled or forked owner starts
    without clients. Safe to use from many threads.
    """

    def __init__(self) -> None:
        """Start without any client."""
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._sync: tuple[httpx.Client, weakref.finalize[Any, Any]] | None = None
        self._async: dict[asyncio.AbstractEventLoop, _LoopClient] = {}

    def __eq__(self, other: object) -> bool:
        """Be equal to any other owner: which clients are open makes no two models differ."""
        return isinstance(other, Clients)

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[type[Clients], tuple[()]]:
        """Copy and pickle as an owner without clients."""
        return Clients, ()

    def sync_client(self, settings: ClientSettings) -> httpx.Client:
        """Return the sync client.

        Raises:
            OnlySqConnectionError: If the proxy or the certificates are misconfigured.
        """
        with self._lock:
            self._forget_after_fork()
            if self._sync is None or self._sync[0].is_closed:
                client = _make(httpx.Client, settings, ssl_context(settings.verify))
                self._sync = (client, weakref.finalize(self, client.close))
            return self._sync[0]

    async def async_client(self, settings: ClientSettings) -> httpx.AsyncClient:
        """Return the client of the running event loop.

        Raises:
            OnlySqConnectionError: If the proxy or the certificates are misconfigured.
        """
        loop = asyncio.get_running_loop()
        entry = self._async.get(loop)
        if entry is not None and self._process == os.getpid() and not entry.client.is_closed:
            return entry.client
        # Reading the certificates takes milliseconds, which the loop is not made to wait for.
        context = await asyncio.to_thread(ssl_context, settings.verify)
        with self._lock:
            self._forget_after_fork()
            for other in [other for other in self._async if other.is_closed()]:
                self._async.pop(other).finalizer.detach()
            entry = self._async.get(loop)
            if entry is None or entry.client.is_closed:
                client = _make(httpx.AsyncClient, settings, context)
                keeper = _closes_with_loop(client)
                finalizer = weakref.finalize(self, _close_on, loop, keeper)
                finalizer.atexit = False
                entry = self._async[loop] = _LoopClient(client, keeper, finalizer)
                # Its first step makes the generator known to the loop; it does not wait.
                await anext(keeper)
            return entry.client

    def close(self) -> None:
        """Close the sync client, and have each running loop close its own."""
        with self._lock:
            self._forget_after_fork()
            held, self._sync = self._sync, None
            entries, self._async = self._async, {}
        if held:
            held[1]()
        for entry in entries.values():
            entry.finalizer()

    async def aclose(self) -> None:
        """Close the client of the running loop now, and the others as `close` does."""
        entry = self._async.pop(asyncio.get_running_loop(), None)
        self.close()
        if entry:
            entry.finalizer.detach()
            await entry.keeper.aclose()

    def _forget_after_fork(self) -> None:
        """Leave the clients to the process that made them: their sockets are shared with it."""
        if self._process != os.getpid():
            self._process = os.getpid()
            if self._sync:
                self._sync[1].detach()
            for entry in self._async.values():
                entry.finalizer.detach()
            self._sync = None
            self._async = {}


class Closing:
    """The context managers of what can be closed."""

    def close(self) -> None:
        """Close what was opened."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close what was opened."""
        raise NotImplementedError

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


class _LoopClient(NamedTuple):
    client: httpx.AsyncClient
    keeper: AsyncGenerator[None]
    finalizer: weakref.finalize[Any, Any]


async def _closes_with_loop(client: httpx.AsyncClient) -> AsyncGenerator[None]:
    """Close the client when this generator ends.

    An event loop that shuts down ends the generators that run on it: that is the hook for closing
    something on its own loop in time.
    """
    try:
        yield
    finally:
        await client.aclose()


def _close_on(loop: asyncio.AbstractEventLoop, keeper: AsyncGenerator[None]) -> None:
    """Have a loop close its client, from wherever the owner was dropped."""
    if not loop.is_closed():
        asyncio.run_coroutine_threadsafe(cast("Any", keeper.aclose()), loop)


def ssl_context(verify: Verify) -> ssl.SSLContext:
    """Return the one context that all clients with these certificates share.

    Raises:
        OnlySqConnectionError: If the certificates cannot be loaded.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    variables = tuple(os.environ.get(name) for name in _CA_VARIABLES)
    try:
        return _load_ssl_context(verify, variables)
    except OSError as error:
        source = f"verify={verify!r}" if isinstance(verify, str) else " or ".join(_CA_VARIABLES)
        msg = f"The certificates named by {source} cannot be loaded: {error}."
        raise OnlySqConnectionError(msg, code="configuration") from None


@lru_cache(maxsize=8)
def _load_ssl_context(verify: Verify, variables: tuple[str | None, ...]) -> ssl.SSLContext:
    if verify is True and variables[0]:
        verify = variables[0]  # httpx before 0.28 passes over a file that is missing
    if isinstance(verify, str):
        if os.path.isdir(verify):  # noqa: PTH112 - a plain question about a string
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    return httpx.create_ssl_context(verify=verify)


def _make(
    client_class: type[_Client], settings: ClientSettings, context: ssl.SSLContext
) -> _Client:
    try:
        return client_class(verify=context, proxy=settings.proxy, limits=_LIMITS, timeout=None)
    except (ValueError, TypeError, ImportError, httpx.InvalidURL) as error:
        needs = " (a SOCKS proxy needs: pip install 'httpx[socks]')"
        msg = (
            "The proxy settings cannot be used: check proxy=… and the variables HTTP_PROXY, "
            f"HTTPS_PROXY, ALL_PROXY and NO_PROXY{needs if isinstance(error, ImportError) else ''}."
        )
        raise OnlySqConnectionError(msg, code="configuration") from None
