"""Which call has which client, and when a client is closed.

A connection pool looks at all its connections for each request, so a crowd of calls on one pool
costs the square of its size. So a crowd gets several clients, each for a few calls at a time.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CALLS_OF_A_CLIENT = 16
"""How many calls share a client at one time, before another is made."""

KEPT_SECONDS = 30.0
"""How long an idle connection is kept, and a client that only a crowd needed."""

_Client = TypeVar("_Client")


class Lease(Generic[_Client]):
    """A client, and how many calls it serves at this moment.

    Attributes:
        client: The client.
        settings: What it was made with; None where it is the caller's own.
        heads: What its library made of the headers of requests.
        is_retired: Whether no further call gets it; the last of those that have it closes it.
        returned_at: When a call gave it back last.
    """

    __slots__ = (
        "_lock",
        "_returned",
        "_taken",
        "client",
        "heads",
        "is_retired",
        "returned_at",
        "settings",
    )

    def __init__(
        self, client: _Client, settings: Any = None, lock: threading.RLock | None = None
    ) -> None:
        """Start without calls.

        Args:
            client: The client.
            settings: What it was made with.
            lock: Held by whoever takes it; None where it is the caller's own.
        """
        self.client = client
        self.settings = settings
        self.heads: dict[Any, Any] = {}
        self.is_retired = False
        self.returned_at = 0.0
        self._lock = lock
        self._taken = 0
        self._returned: list[None] = []

    @property
    def calls(self) -> int:
        """How many calls have it."""
        return self._taken - len(self._returned)

    def take(self) -> Self:
        """Count one call more; by one thread at a time."""
        returned = len(self._returned)
        del self._returned[:returned]
        self._taken += 1 - returned
        return self

    async def atake(self) -> Self:
        """Count one call more."""
        return self.take()

    def retire(self) -> bool:
        """Let no further call have it.

        Returns:
            False where it is the caller's own, to which nothing is done.
        """
        if self._lock is None:
            return False
        with self._lock:
            self.is_retired = True
        return True

    def give_back(self, *opened: Any) -> None:
        """Count one call less, and close what the call opened.

        From any thread, and without a lock, wherever a call ends.
        """
        for left in (*opened, *self._count_down()):
            with suppress(Exception):
                left.close()

    async def agive_back(self, *opened: Any) -> None:
        """Do the same with an async client."""
        if left := (*opened, *self._count_down()):
            # A task that is being cancelled closes it, too.
            await asyncio.shield(_aclose(left))

    def _count_down(self) -> tuple[()] | tuple[_Client]:
        """Count one call less; return the client if it is to be closed now."""
        self.returned_at = monotonic()
        self._returned.append(None)
        # Nobody takes what is retired, so of several calls at least the last finds none left.
        return (self.client,) if self.is_retired and not self.calls else ()


class Pool(Generic[_Client]):
    """The clients for a crowd of calls; lent by one thread at a time."""

    def __init__(self, first: _Client, make: Callable[[], _Client], settings: Any) -> None:
        """Start with one client.

        Args:
            first: The client.
            make: Makes a further one.
            settings: What they are made with.
        """
        self._make = make
        self._settings = settings
        self._lock = threading.RLock()
        self._leases = [Lease(first, settings, self._lock)]

    def lease(self) -> Lease[_Client]:
        """Return the first client that has room for a call, a new one where none has."""
        with self._lock:
            for lease in self._leases:
                if (
                    lease.calls < CALLS_OF_A_CLIENT
                    and not lease.is_retired
                    and not _is_closed(lease.client)
                ):
                    return lease.take()
            self._leases = [lease for lease in self._leases if not _is_closed(lease.client)]
            self._leases.append(Lease(self._make(), self._settings, self._lock))
            return self._leases[-1].take()

    def surplus(self) -> _Client | None:
        """Remove and return a client that a crowd has left behind, if there is one."""
        if len(self._leases) > 1:
            last = self._leases[-1]
            if not last.calls and monotonic() - last.returned_at > KEPT_SECONDS:
                return self._leases.pop().client
        return None

    def retire(self) -> list[_Client]:
        """Retire all clients; return those that no call has, which are to be closed now."""
        for lease in self._leases:
            lease.retire()
        idle = [lease for lease in self._leases if not lease.calls]
        self._leases = [lease for lease in self._leases if lease not in idle]
        return [lease.client for lease in idle]

    def close(self) -> None:
        """Close all clients, which are sync ones, whoever has them."""
        leases, self._leases = self._leases, []
        for lease in leases:
            cast("Any", lease.client).close()

    async def aclose(self) -> None:
        """Close the clients, which are async ones; what calls have, the last of them closes."""
        await _aclose(self.retire())


async def _aclose(opened: Iterable[Any]) -> None:
    for each in opened:
        with suppress(Exception):
            await each.aclose()


def _is_closed(client: object) -> bool:
    return bool(cast("Any", client).is_closed)
