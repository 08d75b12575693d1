"""Calls leave nothing behind in the pool of either library, whenever they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq
from langchain_onlysq.transport.late_cancellation import sending
from tests.support.waiting import eventually


async def ask(llm: ChatOnlySq) -> None:
    await llm.ainvoke("Hi")


async def read(llm: ChatOnlySq) -> None:
    async for _ in llm.astream("Hi"):
        pass


async def cancel_after(steps: int, call: Awaitable[None]) -> None:
    """Cancel a call after so many steps of the event loop, if it still runs."""
    task = asyncio.ensure_future(call)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("call", [ask, read])
async def test_a_small_pool_of_the_callers_is_usable_after_cancellations(
    call: Callable[[ChatOnlySq], Awaitable[None]], library: Any, server: LocalOnlySq
) -> None:
    own = library.AsyncClient(limits=library.Limits(max_connections=2))
    llm = ChatOnlySq(model="m", base_url=server.base_url, http_async_client=own, timeout=10)
    tasks = asyncio.all_tasks()
    for number in range(500):
        await cancel_after(number % 100, call(llm))
    assert (await llm.ainvoke("Hi")).content == "You said: Hi"
    assert server.connections_open <= 2
    assert asyncio.all_tasks() == tasks
    await own.aclose()


@pytest.mark.usefixtures("library")
async def test_a_thousand_cancelled_calls_leave_nothing(server: LocalOnlySq) -> None:
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    tasks = asyncio.all_tasks()
    for number in range(250):
        calls = [
            cancel_after(number % 100 + 7 * one, (ask, read)[one % 2](llm)) for one in range(4)
        ]
        await asyncio.gather(*calls)
    assert (await llm.ainvoke("Hi")).content == "You said: Hi"
    assert server.connections_open <= 4
    assert asyncio.all_tasks() == tasks
    await llm.aclose()
    eventually(lambda: server.connections_open == 0)


class Sender(httpx.AsyncClient):
    """Does in place of sending what a test says."""

    def __init__(self, steps: Callable[[], Awaitable[Any]]) -> None:
        super().__init__()
        self._steps = steps

    async def send(self, *_: Any, **__: Any) -> Any:
        return await self._steps()


class Body(httpx.AsyncByteStream):
    """A body that notes that it was closed."""

    closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""

    async def aclose(self) -> None:
        self.closed = True


class TestCancelledAtWaits:
    async def test_at_a_pause_it_comes_at_the_next_wait(self) -> None:
        done: list[str] = []

        async def steps() -> None:
            await asyncio.sleep(0)
            done.append("went on")
            await asyncio.sleep(60)
            done.append("too far")

        task = asyncio.ensure_future(self.send(steps))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == ["went on"]

    async def test_what_is_there_already_is_taken(self) -> None:
        done: list[str] = []
        there = asyncio.get_running_loop().create_future()

        async def steps() -> None:
            done.append(await there)
            await asyncio.sleep(60)

        task = asyncio.ensure_future(self.send(steps))
        await asyncio.sleep(0)
        there.set_result("there")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == ["there"]

    async def test_at_a_wait_it_comes_at_once(self) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await self.send(lambda: asyncio.sleep(60))

    async def test_an_answer_that_came_all_the_same_is_closed(self) -> None:
        body = Body()

        async def steps() -> httpx.Response:
            await asyncio.sleep(0)
            return httpx.Response(200, stream=body)

        task = asyncio.ensure_future(self.send(steps))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.closed

    async def test_errors_pass(self) -> None:
        waited = asyncio.get_running_loop().create_future()

        async def steps() -> None:
            await waited

        task = asyncio.ensure_future(self.send(steps))
        await asyncio.sleep(0)
        waited.set_exception(ConnectionResetError("gone"))
        with pytest.raises(ConnectionResetError, match="gone"):
            await task

    async def send(self, steps: Callable[[], Awaitable[Any]]) -> Any:
        async with Sender(steps) as client:
            return await sending(client, None)
