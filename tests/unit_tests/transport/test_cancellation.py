"""Whatever moment a call is cancelled at, nothing of it is left behind."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Collection
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_onlysq import ChatOnlySq, OnlySqConnectionError
from langchain_onlysq.testing import completion
from tests.support.hesitant_server import ANSWER, Kind, hesitant_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.sockets

AT_ONCE = 10


def leases(llm: ChatOnlySq) -> list[Any]:
    clients: Any = llm._clients
    pools = [clients._sync, *(entry.pool for entry in clients._async.values())]
    return [lease for pool in pools if pool for lease in pool._leases]


def in_pools(llm: ChatOnlySq) -> list[Any]:
    """What the pools of all clients believe to be in use."""
    clients = [lease.client for lease in leases(llm)]
    transports = [
        one for client in clients for one in (client._transport, *client._mounts.values())
    ]
    pools = [transport._pool for transport in transports if transport]
    return [
        *(request for pool in pools for request in pool._requests),
        *(
            connection
            for pool in pools
            for connection in pool.connections
            if not (connection.is_idle() or connection.is_closed())
        ),
    ]


def descriptors() -> int:
    gc.collect()
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


async def ask(llm: ChatOnlySq, way: str) -> str:
    if way == "ainvoke":
        return (await llm.ainvoke("Hi")).text
    if way == "events":
        # Its producer is a task of LangChain's, which ends with the stream.
        async with aclosing(await llm.astream_events("Hi", version="v3")) as stream:
            return str((await stream.output).text)
    return "".join([piece.text async for piece in llm.astream("Hi")])


async def nothing_soon(left: Callable[[], Collection[Any]]) -> None:
    """See something vanish within some steps of the loop, which closing takes."""
    for _ in range(100):
        if not left():
            break
        await asyncio.sleep(0)
    assert not left()


class Cancelling:
    """Calls that are cancelled, each at a random moment, some of them twice."""

    def __init__(self, llm: ChatOnlySq, seed: int) -> None:
        self._llm = llm
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.cancelled = 0

    async def until(self, count: int) -> None:
        """Go on until so many were cancelled."""
        while self.cancelled < count:
            crowd = self._random.choice((1, 3, AT_ONCE))
            await asyncio.gather(*[self._one() for _ in range(crowd)])
            await nothing_soon(lambda: in_pools(self._llm))

    async def _one(self) -> None:
        way = self._random.choice(("ainvoke", "astream", "events"))
        call = asyncio.create_task(ask(self._llm, way))
        await self._wait()
        call.cancel()
        if self._random.random() < 0.2:
            await asyncio.sleep(0)
            call.cancel()
        try:
            assert await call == ANSWER
        except asyncio.CancelledError:
            self.cancelled += 1

    async def _wait(self) -> None:
        """Wait for some milliseconds, or some steps of the loop."""
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.random() * 0.012)
        for _ in range(self._random.randrange(120)):
            await asyncio.sleep(0)


# What Python leaves of a socket that is reset before the server wraps it.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("kind", "count"), [("plain", 1000), ("tls", 400), ("tunnel", 400)])
def test_nothing_is_left_of_cancelled_calls(kind: Kind, count: int) -> None:
    before = descriptors()
    with hesitant_server(kind, seed=count) as server:
        llm = ChatOnlySq(**server.fields, max_retries=0)

        async def cancel() -> None:
            await Cancelling(llm, seed=count).until(count)
            await nothing_soon(lambda: asyncio.all_tasks() - {asyncio.current_task()})
            assert [lease.calls for lease in leases(llm)] == [0] * len(leases(llm))
            assert await ask(llm, "ainvoke") == ANSWER
            await llm.aclose()
            await asyncio.to_thread(eventually, lambda: server.open == 0)

        asyncio.run(cancel())
    assert descriptors() <= before


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.usefixtures("library")
async def test_a_call_that_is_cancelled_while_it_connects_breaks_no_other() -> None:
    with hesitant_server("tls") as server:
        llm = ChatOnlySq(**server.fields, max_retries=0)
        stream = llm.astream("Hi")
        first = await anext(stream)
        server.stops_at = "handshake"
        call = asyncio.create_task(llm.ainvoke("Hi"))
        await asyncio.to_thread(server.has_stopped.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.to_thread(eventually, lambda: server.open == 1)
        assert first.text + "".join([piece.text async for piece in stream]) == ANSWER
        await asyncio.to_thread(eventually, lambda: server.open == 0)
        server.stops_at = None
        assert await ask(llm, "ainvoke") == ANSWER
        await llm.aclose()


@pytest.mark.usefixtures("library")
async def test_a_call_that_is_cancelled_while_it_waits_leaves_its_client_to_the_others() -> None:
    with hesitant_server(stops_at="head") as server:
        llm = ChatOnlySq(**server.fields, max_retries=0)
        call = asyncio.create_task(llm.ainvoke("Hi"))
        await asyncio.to_thread(server.has_stopped.wait)
        [lease] = leases(llm)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        server.stops_at = None
        assert await ask(llm, "ainvoke") == ANSWER
        assert leases(llm) == [lease]
        await llm.aclose()


class Stuck(httpx.AsyncBaseTransport):
    """Connects for ever at first; answers later."""

    def __init__(self) -> None:
        self.connecting = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.connecting.is_set():
            self.connecting.set()
            await asyncio.Event().wait()
        return httpx.Response(200, json=completion(ANSWER))


async def test_a_client_of_the_callers_is_not_touched() -> None:
    transport = Stuck()
    async with httpx.AsyncClient(transport=transport) as own:
        llm = ChatOnlySq(model="m", http_async_client=own, max_retries=0)
        call = asyncio.create_task(llm.ainvoke("Hi"))
        await transport.connecting.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not own.is_closed
        assert await ask(llm, "ainvoke") == ANSWER


# What Python leaves of a socket whose handshake fails.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_nothing_is_left_of_a_tunnel_to_a_server_that_is_not_trusted(*, is_async: bool) -> None:
    with hesitant_server("tunnel") as server:
        llm = ChatOnlySq(**{**server.fields, "verify": True}, max_retries=0)

        async def call() -> None:
            for _ in range(3):
                with pytest.raises(OnlySqConnectionError):
                    await llm.ainvoke("Hi")
            assert in_pools(llm) == []

        if is_async:
            asyncio.run(call())
        else:
            for _ in range(3):
                with pytest.raises(OnlySqConnectionError):
                    llm.invoke("Hi")
            assert in_pools(llm) == []
        eventually(lambda: server.open == 0)
