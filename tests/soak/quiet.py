"""What a server still has of a model while none of its calls runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from langchain_onlysq.testing import LocalOnlySq
from langchain_onlysq.transport.leases import CALLS_OF_A_CLIENT

SETTLING = 2000
"""How often one looks whether what ends in the background has ended."""
KEPT_BY_LIBRARY = 20
"""How many idle connections a client keeps that nobody said anything else to."""


def most_idle(calls: int) -> int:
    """How many connections a model may keep that had so many calls at once.

    A call that ends makes room for the next before its connection is back, so that may open one.
    """
    clients = -(-calls // CALLS_OF_A_CLIENT)
    return min(clients * CALLS_OF_A_CLIENT, 2 * calls)


async def settle(is_settled: Callable[[], bool]) -> None:
    """Wait a while for what ends in the background."""
    for _ in range(SETTLING):
        if is_settled():
            return
        await asyncio.sleep(0.005)


async def left_behind(server: LocalOnlySq, when: str, most: int) -> list[str]:
    """Say which connections there are beyond the idle ones that may be kept.

    Args:
        server: The server.
        when: Where in the soak this is.
        most: How many idle connections may be kept.
    """
    await settle(lambda: server.connections_open <= most and not _busy(server))
    found = []
    if server.connections_open > most:
        found.append(f"{when}: {server.connections_open} connections, at most {most} are needed")
    if busy := _busy(server):
        found.append(f"{when}: {busy} replies that still go out to nobody")
    return found


def _busy(server: LocalOnlySq) -> int:
    return sum(connection.replying is not None for connection in list(server._traffic.open))
