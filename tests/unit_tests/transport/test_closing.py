"""A model that is closed in the middle of calls: they end properly, and nothing stays open."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import Hold, LocalOnlySq, Pause, Reply, chunk
from langchain_onlysq.transport.clients import Clients, ClientSettings
from langchain_onlysq.transport.leases import CALLS_OF_A_CLIENT
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("library")]

WORDS = ["one ", "two ", "three ", "four"]
SLOW = [part for word in WORDS for part in (chunk(word), Pause(0.02))]
"""An answer that takes longer than closing does."""
SETTINGS = ClientSettings()


def pieces(llm: ChatOnlySq, kind: str) -> Iterator[str]:
    """Stream the texts of an answer."""
    if kind == "chunks":
        return (piece.text for piece in llm.stream("Hi"))
    return iter(llm.stream_events("Hi", version="v3").text)


async def apieces(llm: ChatOnlySq, kind: str) -> AsyncIterator[str]:
    """Stream the texts of an answer."""
    if kind == "chunks":
        async for piece in llm.astream("Hi"):
            yield piece.text
    else:
        async for text in (await llm.astream_events("Hi", version="v3")).text:
            yield text


@pytest.fixture
def llm(server: LocalOnlySq) -> ChatOnlySq:
    return ChatOnlySq(model="m", base_url=server.base_url, max_retries=0)


@pytest.mark.parametrize("kind", ["chunks", "events"])
@pytest.mark.parametrize("closer", ["close", "aclose", "another thread"])
class TestStreams:
    def test_a_stream_goes_on(
        self, kind: str, closer: str, llm: ChatOnlySq, server: LocalOnlySq
    ) -> None:
        server.reply(Reply.stream(SLOW))
        stream = pieces(llm, kind)
        first = next(stream)
        if closer == "close":
            llm.close()
        elif closer == "aclose":
            asyncio.run(llm.aclose())
        else:
            thread = threading.Thread(target=llm.close)
            thread.start()
            thread.join()
        assert llm.invoke("Hi").content == "You said: Hi"
        assert server.connections_open == 2
        assert first + "".join(stream) == "".join(WORDS)
        eventually(lambda: server.connections_open == 1)
        llm.close()
        eventually(lambda: server.connections_open == 0)

    async def test_an_async_stream_goes_on(
        self, kind: str, closer: str, llm: ChatOnlySq, server: LocalOnlySq
    ) -> None:
        server.reply(Reply.stream(SLOW))
        stream = apieces(llm, kind)
        first = await anext(stream)
        if closer == "close":
            llm.close()
        elif closer == "aclose":
            await llm.aclose()
        else:
            await asyncio.to_thread(llm.close)
        assert (await llm.ainvoke("Hi")).content == "You said: Hi"
        assert server.connections_open == 2
        assert first + "".join([text async for text in stream]) == "".join(WORDS)
        await asyncio.to_thread(eventually, lambda: server.connections_open == 1)
        await llm.aclose()
        await asyncio.to_thread(eventually, lambda: server.connections_open == 0)


def test_calls_of_other_threads_do_not_notice(llm: ChatOnlySq, server: LocalOnlySq) -> None:
    def ask(number: int) -> str:
        if number % 2:
            return llm.invoke(str(number)).text
        return "".join(piece.text for piece in llm.stream(str(number)))

    def close() -> None:
        for _ in range(200):
            llm.close()

    with ThreadPoolExecutor(12) as pool:
        answers = pool.map(ask, range(300))
        closing = pool.submit(close)
        assert list(answers) == [f"You said: {number}" for number in range(300)]
        closing.result()
    llm.close()
    eventually(lambda: server.connections_open == 0)


async def test_calls_of_other_tasks_do_not_notice(llm: ChatOnlySq, server: LocalOnlySq) -> None:
    async def ask(number: int) -> str:
        if number % 2:
            return (await llm.ainvoke(str(number))).text
        return "".join([piece.text async for piece in llm.astream(str(number))])

    async def close() -> None:
        for number in range(100):
            await (llm.aclose() if number % 2 else asyncio.to_thread(llm.close))
            await asyncio.sleep(0.001)

    closing = asyncio.create_task(close())
    for begin in range(0, 300, 30):
        numbers = range(begin, begin + 30)
        answers = await asyncio.gather(*map(ask, numbers))
        assert answers == [f"You said: {number}" for number in numbers]
    await closing
    await llm.aclose()
    await asyncio.to_thread(eventually, lambda: server.connections_open == 0)


def test_a_stream_that_is_dropped_after_its_model_was_closed(
    llm: ChatOnlySq, server: LocalOnlySq
) -> None:
    server.reply(Reply.stream([chunk("one"), Hold()]))
    stream: Any = pieces(llm, "chunks")
    next(stream)
    llm.close()
    assert server.connections_open == 1
    stream.close()
    eventually(lambda: server.connections_open == 0)


async def test_a_loop_that_shuts_down_ends_what_a_closed_model_still_does(
    server: LocalOnlySq,
) -> None:
    server.reply(Reply.stream([chunk("one"), Hold()]))
    streams: list[Any] = []

    async def leave() -> None:
        llm = ChatOnlySq(model="m", base_url=server.base_url)
        streams.append(llm.astream("Hi"))
        await anext(streams[0])
        await llm.aclose()
        assert server.connections_open == 1

    await asyncio.to_thread(asyncio.run, leave())
    await asyncio.to_thread(eventually, lambda: server.connections_open == 0)


class TestCancelling:
    """Closing goes on when the task that closes is cancelled."""

    async def test_aclose(self, llm: ChatOnlySq, server: LocalOnlySq) -> None:
        assert len(await llm.abatch(["Hi"] * 3)) == 3
        assert server.connections_open == 3
        closing = asyncio.create_task(llm.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await asyncio.to_thread(eventually, lambda: server.connections_open == 0)

    async def test_a_call_that_closes_what_a_crowd_left(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [1000.0]
        monkeypatch.setattr("langchain_onlysq.transport.leases.monotonic", lambda: now[0])
        owner = Clients()
        leases = [await owner.alease(SETTINGS) for _ in range(CALLS_OF_A_CLIENT + 1)]
        for lease in leases:
            lease.give_back()
        now[0] += 31.0
        call = asyncio.create_task(owner.alease(SETTINGS))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert leases[-1].client.is_closed
        assert [lease.calls for lease in leases] == [0] * len(leases)
        await owner.aclose()
