"""What the garbage collector finds takes no lock: it may run in a thread that holds one."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from typing import Any

import pytest

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import Hold, LocalOnlySq, Reply, chunk
from langchain_onlysq.transport import leftovers
from tests.support.threads import collecting_everywhere

LONG = 300.0
"""Seconds after which something counts as hanging: nobody waits for them where all is well."""

ROUNDS = int(os.environ.get("LEFTOVER_ROUNDS", "250"))
"""Rounds of each kind of stream: a thousand in all, ten thousand in `make soak`."""


class CollectsInside:
    """A lock in whose middle the garbage collector runs."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self.entered = 0

    def __enter__(self) -> Any:
        entered = self._lock.__enter__()
        self.entered += 1
        gc.collect()
        return entered

    def __exit__(self, *args: object) -> None:
        self._lock.__exit__(*args)


def within_reach(work: Any) -> None:
    """Do something in a thread that may hang, which is an error."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


def drop_in_a_cycle(stream: Any, pieces: int) -> None:
    """Read the first pieces of a stream, and leave it to the garbage collector."""
    for _ in range(pieces):
        next(stream, None)
    cycle: list[Any] = [stream]
    cycle.append(cycle)


@pytest.mark.parametrize("kind", ["chunks", "events"])
def test_a_stream_is_collected_while_the_pool_is_locked(
    library: Any, kind: str, server: LocalOnlySq
) -> None:
    held = Reply.stream([chunk("one"), chunk("two"), Hold()])
    server.reply(held, held, "fine", "fine")
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    gc.disable()
    try:
        for _ in range(2):
            stream = llm.stream("Hi") if kind == "chunks" else llm.stream_events("Hi", version="v3")
            drop_in_a_cycle(iter(stream), 2)
        clients: Any = llm._clients
        pool = clients._sync._leases[0].client._transport._pool
        lock = pool._optional_thread_lock = CollectsInside(pool._optional_thread_lock)
        within_reach(lambda: llm.invoke("Hi"))
        within_reach(lambda: llm.invoke("Hi"))
    finally:
        gc.enable()
    assert lock.entered > 2
    assert library.__name__ in type(pool).__module__.replace("httpcore", "httpx")


@pytest.mark.parametrize("kind", ["chunks", "events"])
def test_calls_go_on_while_dropped_streams_are_collected(kind: str, server: LocalOnlySq) -> None:
    llm = ChatOnlySq(model="m", base_url=server.base_url)

    def drop(number: int) -> None:
        words = "one two three four five six"
        stream = llm.stream(words) if kind == "chunks" else llm.stream_events(words, version="v3")
        drop_in_a_cycle(iter(stream), number % 3 if number % 5 else 100)

    def rounds() -> None:
        for number in range(ROUNDS):
            drop(number)
            assert llm.invoke("Hi").content == "You said: Hi"

    with collecting_everywhere():
        within_reach(rounds)


@pytest.mark.parametrize("kind", ["chunks", "events"])
def test_async_calls_go_on_while_dropped_streams_are_collected(
    kind: str, server: LocalOnlySq
) -> None:
    llm = ChatOnlySq(model="m", base_url=server.base_url)

    async def drop(number: int) -> None:
        words = "one two three four five six"
        stream: Any = llm.astream(words)
        if kind == "events":
            stream = await llm.astream_events(words, version="v3")
        left = aiter(stream)
        for _ in range(number % 3 if number % 5 else 100):
            await anext(left, None)
        cycle: list[Any] = [left, stream]
        cycle.append(cycle)

    async def rounds() -> None:
        for number in range(ROUNDS):
            await drop(number)
            assert (await llm.ainvoke("Hi")).content == "You said: Hi"

    with collecting_everywhere():
        within_reach(lambda: asyncio.run(rounds()))


def test_what_was_left_is_closed(server: LocalOnlySq) -> None:
    server.reply(Reply.stream([chunk("one"), Hold()]))
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    stream: Any = llm.stream("Hi")
    assert next(stream).text == "one"
    stream.close()
    until = time.monotonic() + LONG
    while server.disconnects == 0 and time.monotonic() < until:
        time.sleep(0.001)
    assert server.disconnects == 1
    assert server.connections_open == 0


def test_closing_later_harms_nobody() -> None:
    done: list[str] = []
    leftovers._close(lambda: done.append("closed"))
    leftovers._close(lambda: done[1])
    assert done == ["closed"]


def test_at_the_end_of_the_interpreter_nothing_is_closed_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object) -> None:
        raise RuntimeError(args)

    monkeypatch.setattr("_thread.start_new_thread", refuse)
    leftovers.close_later(lambda: None)
