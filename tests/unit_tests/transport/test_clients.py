"""The clients of a model: how many there are, which connections they use, and when they go."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_onlysq import ChatOnlySq, OnlySqConnectionError
from langchain_onlysq.settings.loading import _LANGCHAINS_OWN
from langchain_onlysq.testing import Heartbeats, Hold, LocalOnlySq, Pause, Reply, chunk
from langchain_onlysq.transport import certificates, clients
from langchain_onlysq.transport.clients import Clients, ClientSettings
from langchain_onlysq.transport.leases import CALLS_OF_A_CLIENT, Lease
from tests.support.forks import needs_fork
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

SETTINGS = ClientSettings()


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


class TestLeases:
    def test_calls_one_after_another_share_a_client(self) -> None:
        owner = Clients()
        first = owner.lease(SETTINGS)
        first.give_back()
        assert owner.lease(SETTINGS) is first
        owner.close()

    def test_a_crowd_is_spread_over_clients_and_comes_back_to_the_first(self) -> None:
        owner = Clients()
        leases = [owner.lease(SETTINGS) for _ in range(2 * CALLS_OF_A_CLIENT + 1)]
        assert [leases.count(lease) for lease in dict.fromkeys(leases)] == [
            CALLS_OF_A_CLIENT,
            CALLS_OF_A_CLIENT,
            1,
        ]
        leases[0].give_back()
        assert owner.lease(SETTINGS) is leases[0]
        owner.close()

    def test_what_a_crowd_leaves_behind_is_closed_after_a_while(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [1000.0]
        monkeypatch.setattr("langchain_onlysq.transport.leases.monotonic", lambda: now[0])
        owner = Clients()
        leases = [owner.lease(SETTINGS) for _ in range(CALLS_OF_A_CLIENT + 1)]
        for lease in leases:
            lease.give_back()
        now[0] += 29.0
        owner.lease(SETTINGS).give_back()
        assert not leases[-1].client.is_closed
        now[0] += 2.0
        owner.lease(SETTINGS).give_back()
        assert leases[-1].client.is_closed
        assert not leases[0].client.is_closed
        owner.close()

    async def test_the_same_on_an_event_loop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [1000.0]
        monkeypatch.setattr("langchain_onlysq.transport.leases.monotonic", lambda: now[0])
        owner = Clients()
        leases = [await owner.alease(SETTINGS) for _ in range(CALLS_OF_A_CLIENT + 1)]
        assert leases[0] is not leases[-1]
        for lease in leases:
            lease.give_back()
        now[0] += 31.0
        (await owner.alease(SETTINGS)).give_back()
        assert leases[-1].client.is_closed
        await owner.aclose()
        assert leases[0].client.is_closed

    def test_a_client_that_somebody_closed_is_replaced(self) -> None:
        owner = Clients()
        lease = owner.lease(SETTINGS)
        lease.client.close()
        again = owner.lease(SETTINGS)
        assert again is not lease
        assert not again.client.is_closed
        owner.close()

    def test_a_library_that_cannot_be_loaded_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse() -> None:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(clients, "http", refuse)
        with pytest.raises(OnlySqConnectionError, match=r"cannot be loaded: .* Too many open"):
            Clients().lease(SETTINGS)

    def test_a_lease_may_be_given_back_from_anywhere(self) -> None:
        lease = Lease(object())
        with ThreadPoolExecutor(8) as pool:
            for _ in range(100):
                lease.take()
                pool.submit(lease.give_back)
        assert lease.calls == 0


class TestEnds:
    def test_clients_close_with_their_owner(self) -> None:
        owner = Clients()
        client = owner.lease(SETTINGS).client
        del owner
        gc.collect()
        eventually(lambda: client.is_closed)

    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clients, "_owners", weakref.WeakSet())

    def test_clients_close_with_the_interpreter(self) -> None:
        owner = Clients()
        client = owner.lease(SETTINGS).client
        clients._close_at_exit()
        assert client.is_closed
        Clients().close_at_exit()

    def test_a_forked_process_starts_without_clients(self) -> None:
        owner = Clients()
        client = owner.lease(SETTINGS).client
        clients._after_fork_in_child()
        assert owner.lease(SETTINGS).client is not client
        assert not client.is_closed
        client.close()
        owner.close()


class Odd(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Fails in a way that no network does, before the head of an answer or behind it."""

    class Error(Exception):
        pass

    def __init__(self, *, head: bool) -> None:
        self._head = head

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._head:
            raise Odd.Error(request.method)
        return httpx.Response(200, stream=OddStream())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


class OddStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        raise Odd.Error
        yield

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raise Odd.Error
        yield


@pytest.mark.parametrize("head", [False, True], ids=["before the head", "in the body"])
def test_what_a_transport_of_the_callers_raises_is_heard(*, head: bool) -> None:
    llm = ChatOnlySq(
        model="m",
        http_client=httpx.Client(transport=Odd(head=head)),
        http_async_client=httpx.AsyncClient(transport=Odd(head=head)),
    )
    with pytest.raises(Odd.Error):
        llm.invoke("Hi")
    with pytest.raises(Odd.Error):
        asyncio.run(llm.ainvoke("Hi"))


def ten_streams(llm: Any, kind: str) -> None:
    for _ in range(10):
        if kind == "events":
            assert list(llm.stream_events("Hi", version="v3"))
        else:
            assert list(llm.stream("Hi"))


async def ten_async_streams(llm: Any, kind: str) -> None:
    for _ in range(10):
        stream = (
            await llm.astream_events("Hi", version="v3") if kind == "events" else llm.astream("Hi")
        )
        assert [piece async for piece in stream]


class TestConnections:
    @pytest.mark.parametrize("kind", ["chunks", "events", "prompted", "native"])
    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    def test_ten_streams_use_one_connection(
        self, *, kind: str, is_async: bool, server: LocalOnlySq
    ) -> None:
        endpoint: Any = "openai" if kind == "native" else "v2"
        llm: Any = ChatOnlySq(model="m", base_url=server.base_url, endpoint=endpoint)
        if kind in {"prompted", "native"}:
            llm = llm.bind_tools([weather])
        if is_async:
            asyncio.run(ten_async_streams(llm, kind))
        else:
            ten_streams(llm, kind)
        assert len(server.requests) == 10
        assert server.connections_seen == 1

    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    def test_nothing_is_open_when_the_last_chunk_arrives(
        self, *, is_async: bool, server: LocalOnlySq
    ) -> None:
        llm = ChatOnlySq(model="m", base_url=server.base_url)

        def leases() -> list[int]:
            pools = [llm._clients._sync, *(entry.pool for entry in llm._clients._async.values())]
            return [lease.calls for pool in pools if pool for lease in pool._leases]

        async def read() -> None:
            async for piece in llm.astream("Hi"):
                assert leases() == [0 if piece.chunk_position == "last" else 1]

        if is_async:
            asyncio.run(read())
        else:
            for piece in llm.stream("Hi"):
                assert leases() == [0 if piece.chunk_position == "last" else 1]

    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    def test_a_line_that_is_held_open_behind_the_end_is_dropped(
        self, *, is_async: bool, server: LocalOnlySq
    ) -> None:
        held: list[Any] = [
            chunk("one"),
            chunk({}, finish_reason="stop"),
            "data: [DONE]\n\n",
            Hold(),
        ]
        server.reply(Reply.stream(held, done=False), "two")
        llm = ChatOnlySq(model="m", base_url=server.base_url)

        async def both() -> list[str]:
            first = "".join([piece.text async for piece in llm.astream("Hi")])
            return [first, (await llm.ainvoke("Hi")).text]

        if is_async:
            assert asyncio.run(both()) == ["one", "two"]
        else:
            first = "".join(piece.text for piece in llm.stream("Hi"))
            assert [first, llm.invoke("Hi").text] == ["one", "two"]
        assert server.connections_seen == 2

    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    def test_a_line_that_goes_on_behind_the_end_is_dropped(
        self, *, is_async: bool, server: LocalOnlySq
    ) -> None:
        end: list[Any] = [chunk({}, finish_reason="stop"), "data: [DONE]\n\n", Heartbeats(0.001)]
        server.reply(Reply.stream([chunk("one"), *end], done=False))
        llm = ChatOnlySq(model="m", base_url=server.base_url)

        async def read() -> str:
            return "".join([piece.text async for piece in llm.astream("Hi")])

        if is_async:
            assert asyncio.run(read()) == "one"
        else:
            assert "".join(piece.text for piece in llm.stream("Hi")) == "one"
        eventually(lambda: server.connections_open == 0)

    def test_a_stream_that_is_stopped_is_dropped(self, server: LocalOnlySq) -> None:
        server.reply(Reply.stream([chunk("one STOP"), Pause(0.01), chunk("two")]), "fine")
        llm = ChatOnlySq(model="m", base_url=server.base_url, stop=["STOP"])
        assert "".join(piece.text for piece in llm.stream("Hi")) == "one "
        assert llm.invoke("Hi").text == "fine"
        assert server.connections_seen == 2


def threads(llm: ChatOnlySq, count: int) -> list[Any]:
    crowd: list[Any] = ["Hi"] * count
    return llm.batch(crowd, {"max_concurrency": count}) + llm.batch(crowd)


def tasks(llm: ChatOnlySq, count: int) -> list[Any]:
    async def twice() -> list[Any]:
        return await llm.abatch(["Hi"] * count) + await llm.abatch(["Hi"] * count)

    return asyncio.run(twice())


@pytest.mark.parametrize("crowd", [threads, tasks])
def test_no_call_of_a_crowd_fails(
    crowd: Callable[[ChatOnlySq, int], list[Any]], server: LocalOnlySq
) -> None:
    llm = ChatOnlySq(model="m", base_url=server.base_url, max_retries=0)
    assert [answer.content for answer in crowd(llm, 50)] == ["You said: Hi"] * 100
    assert server.connections_seen <= 50
    llm.close()


@needs_fork
def test_a_fork_waits_for_certificates_that_another_thread_reads(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, forking = threading.Event(), threading.Event()
    original = certificates._load

    def slow(*args: Any) -> Any:
        reading.set()
        forking.wait(0.2)  # nobody sets it: the fork is waiting meanwhile
        return original(*args)

    monkeypatch.setattr(certificates, "_contexts", {})
    monkeypatch.setattr(certificates, "_load", slow)
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    thread = threading.Thread(target=llm.invoke, args=("Hi",))
    thread.start()
    assert reading.wait(60)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if llm.invoke("Hi").content == "You said: Hi" else 1)
        finally:
            os._exit(2)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert len(server.requests) == 2


@needs_fork
def test_a_fork_frees_the_lock_of_a_model_in_its_first_call(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, forked = threading.Event(), threading.Event()
    original = clients._set_up

    def wait(*args: Any) -> Any:
        client = original(*args)
        made.set()
        forked.wait(60)
        return client

    llm = ChatOnlySq(model="m", base_url=server.base_url)
    monkeypatch.setattr(clients, "_set_up", wait)
    thread = threading.Thread(target=llm.invoke, args=("Hi",))
    thread.start()
    assert made.wait(60)
    child = os.fork()
    if child == 0:
        monkeypatch.undo()
        # A child that hangs is ended by the alarm.
        signal.alarm(20)
        try:
            os._exit(0 if llm.invoke("Hi").content == "You said: Hi" else 1)
        finally:
            os._exit(2)
    forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


FORKS_IN_AN_IMPORT = """
import asyncio, os, signal, sys, threading, time
from langchain_onlysq import ChatOnlySq
from langchain_onlysq.settings.loading import _LANGCHAINS_OWN
llm = ChatOnlySq(model="m", base_url=sys.argv[1])
ways = {
    "invoke": lambda: llm.invoke("Hi"),
    "ainvoke": lambda: asyncio.run(llm.ainvoke("Hi")),
    "stream": lambda: list(llm.stream("Hi")),
    "generate": lambda: llm.generate([[("user", "Hi")]]),
}
inside = threading.Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[3]:
            inside.set()
            time.sleep(0.3)  # the fork is to come meanwhile

assert sys.argv[3] in _LANGCHAINS_OWN
sys.modules.pop(sys.argv[3], None)
sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=ways[sys.argv[2]])
thread.start()
assert inside.wait(60)
child = os.fork()
if child == 0:
    signal.alarm(20)  # a child that hangs is ended
    os._exit(0 if llm.invoke("Hi").content == "You said: Hi" else 1)
thread.join()
assert os.waitpid(child, 0)[1] == 0
llm.close()
"""


@needs_fork
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "generate"])
@pytest.mark.parametrize("module", _LANGCHAINS_OWN)
def test_a_fork_waits_for_what_langchain_loads_in_a_first_call(
    module: str, way: str, server: LocalOnlySq
) -> None:
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", FORKS_IN_AN_IMPORT, server.base_url, way, module],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


WITHOUT_DESCRIPTORS = """
import asyncio, os, resource, sys
from langchain_core.language_models import FakeListChatModel
from langchain_onlysq import ChatOnlySq, OnlySqConnectionError
llm = ChatOnlySq(model="m", base_url=sys.argv[1], max_retries=1)
tool = {"title": "note", "description": "Take a note.", "type": "object", "properties": {}}
with_tool = llm.bind_tools([tool])
loop = asyncio.new_event_loop()
for core in [FakeListChatModel(responses=["loads what LangChain needs"] * 3), *([llm] * WARM)]:
    core.invoke("Hi"), list(core.stream("Hi")), loop.run_until_complete(core.ainvoke("Hi"))
loop.run_until_complete(llm.aclose())
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
said = []
for ask in (
    lambda: llm.invoke("Hi"),
    lambda: with_tool.invoke("Hi"),
    lambda: list(llm.stream("Hi")),
    lambda: loop.run_until_complete(llm.ainvoke("Hi")),
):
    try:
        ask()
    except OnlySqConnectionError as error:
        said.append(str(error))
for descriptor in held:
    os.close(descriptor)
assert len(said) == 4, said
assert llm.invoke("Hi").content == "You said: Hi"
llm.close()
"""


@pytest.mark.parametrize("warm", [False, True], ids=["at the first call", "later"])
def test_without_a_descriptor_left_a_call_says_so(*, warm: bool, server: LocalOnlySq) -> None:
    pytest.importorskip("resource")
    code = WITHOUT_DESCRIPTORS.replace("WARM", str(int(warm)))
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code, server.base_url], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
