"""Clients: made on first use, given back always, never shared where they must not be."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
import subprocess
import sys
import threading
import warnings
from typing import Any

import httpx
import pytest

from langchain_onlysq import ChatOnlySq, OnlySqConnectionError, OnlySqError
from langchain_onlysq.settings.http_library import http
from langchain_onlysq.testing import Hold, LocalOnlySq, Reply, chunk
from tests.support.forks import needs_fork
from tests.support.four_ways import WAYS, run
from tests.support.waiting import eventually

pytestmark = pytest.mark.sockets


def make(server: LocalOnlySq, **fields: Any) -> ChatOnlySq:
    return ChatOnlySq(**{"model": "m", "base_url": server.base_url, **fields})


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208


def endless(text: str = "first ") -> Reply:
    return Reply.stream([chunk(text), Hold()], done=False)


def test_a_client_is_made_on_first_use_and_kept(server: LocalOnlySq) -> None:
    with make(server) as llm:
        assert server.connections_seen == 0
        for _ in range(5):
            llm.invoke("Hi")
        assert server.connections_seen == 1
    eventually(lambda: server.connections_open == 0)


def test_closing_twice_and_calling_after_it(server: LocalOnlySq) -> None:
    llm = make(server)
    llm.close()
    llm.invoke("Hi")
    llm.close()
    llm.close()
    assert llm.invoke("Hi").content == "You said: Hi"
    llm.close()
    eventually(lambda: server.connections_open == 0)


async def test_async_context_closes_both_kinds(server: LocalOnlySq) -> None:
    async with make(server) as llm:
        await llm.ainvoke("Hi")
        await asyncio.to_thread(llm.invoke, "Hi")
        assert server.connections_open == 2
        await llm.aclose()
        await llm.ainvoke("Hi")
    await llm.aclose()
    await asyncio.to_thread(eventually, lambda: server.connections_open == 0)


async def test_close_from_sync_code_has_the_loop_close_its_client(server: LocalOnlySq) -> None:
    llm = make(server)
    await llm.ainvoke("Hi")
    await asyncio.to_thread(llm.close)
    await asyncio.to_thread(eventually, lambda: server.connections_open == 0)


def test_five_event_loops_one_after_another(server: LocalOnlySq) -> None:
    llm = make(server)
    before = descriptors()
    for _ in range(5):
        assert asyncio.run(llm.ainvoke("Hi")).content == "You said: Hi"
        eventually(lambda: server.connections_open == 0)
    assert server.connections_seen == 5
    eventually(lambda: descriptors() <= before)


def test_an_event_loop_in_each_thread(server: LocalOnlySq) -> None:
    llm = make(server)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(asyncio.run(llm.ainvoke("Hi")).content))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["You said: Hi"] * 10
    eventually(lambda: server.connections_open == 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_was_closed_without_a_shutdown_is_forgotten(server: LocalOnlySq) -> None:
    llm = make(server)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(llm.ainvoke("Hi"))
    loop.close()
    assert asyncio.run(llm.ainvoke("Hi")).content == "You said: Hi"
    assert loop not in llm._clients._async
    with warnings.catch_warnings():
        # The connection of a loop that went without closing anything: nobody can close it now.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_many_models_leave_nothing_behind(server: LocalOnlySq) -> None:
    make(server).invoke("Hi")
    gc.collect()
    eventually(lambda: server.connections_open == 0)
    before = descriptors()
    for _ in range(500):
        make(server).invoke("Hi")
    gc.collect()
    eventually(lambda: server.connections_open == 0)
    assert descriptors() <= before


async def test_many_models_on_a_loop_leave_nothing_behind(server: LocalOnlySq) -> None:
    for _ in range(100):
        await make(server).ainvoke("Hi")
    gc.collect()
    for _ in range(100):
        await asyncio.sleep(0.01)
        if server.connections_open == 0:
            break
    assert server.connections_open == 0


def test_all_models_share_one_ssl_context(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: list[Any] = []
    original = http().Client.__init__

    def spy(self: Any, **kwargs: Any) -> None:
        contexts.append(kwargs["verify"])
        original(self, **kwargs)

    monkeypatch.setattr(http().Client, "__init__", spy)
    for number in range(3):
        make(server, model=str(number)).invoke("Hi")
    assert isinstance(contexts[0], ssl.SSLContext)
    assert contexts == contexts[:1] * 3


class TestLeavingAStreamEarly:
    """With a pool of one connection, the next call works only if it was given back."""

    def test_break(self, server: LocalOnlySq) -> None:
        client = httpx.Client(limits=httpx.Limits(max_connections=1))
        llm = make(server, http_client=client, timeout=5)
        server.reply(endless())
        for _ in llm.stream("Hi"):
            break
        assert llm.invoke("Hi").content == "You said: Hi"
        eventually(lambda: server.disconnects == 1)
        client.close()

    def test_exception_in_the_caller(self, server: LocalOnlySq) -> None:
        client = httpx.Client(limits=httpx.Limits(max_connections=1))
        llm = make(server, http_client=client, timeout=5)
        server.reply(endless())
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the loop is the subject
            for _ in llm.stream("Hi"):
                _ = 1 / 0
        assert llm.invoke("Hi").content == "You said: Hi"
        client.close()

    async def test_async_break(self, server: LocalOnlySq) -> None:
        client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1))
        llm = make(server, http_async_client=client, timeout=5)
        server.reply(endless())
        async for _ in llm.astream("Hi"):
            break
        assert (await llm.ainvoke("Hi")).content == "You said: Hi"
        await client.aclose()

    @pytest.mark.parametrize("busy", [True, False])
    async def test_cancel(self, server: LocalOnlySq, *, busy: bool) -> None:
        client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1))
        llm = make(server, http_async_client=client, timeout=5)
        server.reply(endless())
        started = asyncio.Event()

        async def consume() -> None:
            async for _ in llm.astream("Hi"):
                started.set()
                await asyncio.sleep(0 if busy else 60)

        task = asyncio.create_task(consume())
        await started.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await llm.ainvoke("Hi")).content == "You said: Hi"
        await client.aclose()


@pytest.mark.parametrize("way", ["stream", "invoke"])
def test_many_errors_leave_the_pool_usable(way: str, server: LocalOnlySq) -> None:
    client = httpx.Client(limits=httpx.Limits(max_connections=10), timeout=5)
    llm = make(server, http_client=client, max_retries=0)
    server.reply(*[Reply.error(429, "slow")] * 150)
    for _ in range(150):
        assert run(way, llm).failure.status_code == 429
    assert llm.invoke("Hi").content == "You said: Hi"
    assert server.connections_seen <= 10
    client.close()


async def test_many_async_errors_leave_the_pool_usable(server: LocalOnlySq) -> None:
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=10), timeout=5)
    llm = make(server, http_async_client=client, max_retries=0)
    server.reply(*[Reply.error(429, "slow")] * 150)
    for _ in range(150):
        with pytest.raises(OnlySqError):
            [chunk async for chunk in llm.astream("Hi")]
    assert (await llm.ainvoke("Hi")).content == "You said: Hi"
    await client.aclose()


async def test_five_hundred_streams_at_once(server: LocalOnlySq) -> None:
    async def one(number: int) -> str:
        return "".join([piece.text async for piece in llm.astream(str(number))])

    async with make(server) as llm:
        answers = await asyncio.gather(*[one(number) for number in range(500)])
    assert answers == [f"You said: {number}" for number in range(500)]


class TestOwnClients:
    def test_it_is_used_and_not_closed(self, server: LocalOnlySq) -> None:
        with httpx.Client(headers={"x-mine": "yes"}) as client:
            with make(server, http_client=client) as llm:
                llm.invoke("Hi")
            assert not client.is_closed
        assert server.requests[0].headers["x-mine"] == "yes"

    async def test_the_async_one_too(self, server: LocalOnlySq) -> None:
        async with httpx.AsyncClient(headers={"x-mine": "yes"}) as client:
            async with make(server, http_async_client=client) as llm:
                await llm.ainvoke("Hi")
            assert not client.is_closed
        assert server.requests[0].headers["x-mine"] == "yes"

    async def test_a_sync_one_alone_is_said_to_serve_sync_calls_alone(
        self, server: LocalOnlySq, caplog: pytest.LogCaptureFixture
    ) -> None:
        with httpx.Client() as client:
            async with make(server, http_client=client) as llm:
                assert (await llm.ainvoke("Hi")).content == "You said: Hi"
        assert "http_client" in caplog.text

    @pytest.mark.parametrize("way", WAYS)
    def test_a_closed_one_is_an_error_that_says_so(self, way: str, server: LocalOnlySq) -> None:
        client, async_client = httpx.Client(), httpx.AsyncClient()
        client.close()
        asyncio.run(async_client.aclose())
        llm = make(server, http_client=client, http_async_client=async_client)
        error = run(way, llm).failure
        assert type(error) is OnlySqConnectionError
        assert "closed" in str(error)


class TestEnvironment:
    @pytest.mark.parametrize("way", WAYS)
    def test_proxy_variables_are_honoured(
        self, way: str, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", server.base_url.removesuffix("/ai"))
        llm = ChatOnlySq(model="m", base_url="http://onlysq.invalid/ai", max_retries=0)
        run(way, llm)
        assert server.requests[0].headers["host"] == "onlysq.invalid"
        llm.close()

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("HTTP_PROXY", "nonsense://user:sq-canary@nowhere"),
            ("SSL_CERT_FILE", "/nowhere/ca.pem"),
        ],
    )
    def test_a_broken_variable_is_an_error_at_the_first_call(
        self, way: str, name: str, value: str, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, value)
        error = run(way, make(server)).failure
        assert type(error) is OnlySqConnectionError
        assert name in str(error)
        assert "sq-canary" not in str(error)
        assert server.requests == []

    def test_certificates_from_a_file_a_folder_or_a_context(
        self, tmp_path: Any, server: LocalOnlySq
    ) -> None:
        import certifi

        for verify in (certifi.where(), str(tmp_path), ssl.create_default_context(), False):
            with make(server, verify=verify) as llm:
                assert llm.invoke("Hi").content == "You said: Hi"
        error = run("invoke", make(server, verify="/nowhere/ca.pem")).failure
        assert "/nowhere/ca.pem" in str(error)


@needs_fork
def test_a_forked_process_makes_connections_of_its_own() -> None:
    code = """
import os, asyncio
from langchain_onlysq import ChatOnlySq
from langchain_onlysq.settings.http_library import http
from langchain_onlysq.testing import LocalOnlySq
with LocalOnlySq() as server:
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    llm.invoke("Hi")
    asyncio.run(llm.ainvoke("Hi"))
    child = os.fork()
    if child == 0:
        good = llm.invoke("Hi").content == "You said: Hi"
        good &= asyncio.run(llm.ainvoke("Hi")).content == "You said: Hi"
        llm.close()
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    seen = server.connections_seen
    assert llm.invoke("Hi").content == "You said: Hi"
    assert server.connections_seen == seen, "the parent lost its connection"
    llm.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # noqa: S603


@pytest.mark.parametrize(
    "calls",
    [
        "llm.invoke('Hi'); asyncio.run(llm.ainvoke('Hi')); stream = llm.stream('Hi'); next(stream)",
        "stream = llm.stream('Hi'); next(stream); llm.close()",
        # A model that is dropped with the last call of its loop:
        "asyncio.run(model().ainvoke('Hi'))",
        "asyncio.run(model().abatch(['Hi'] * 20))",
        "asyncio.run(model().with_retry().abatch(['Hi'] * 3)); gc.collect()",
    ],
)
def test_the_end_of_a_program_is_silent(calls: str) -> None:
    code = f"""
import asyncio, gc, logging
logging.getLogger("asyncio").setLevel("ERROR")  # how long a step takes is the machine's business
from functools import partial
from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq
server = LocalOnlySq().start()
model = partial(ChatOnlySq, model="m", base_url=server.base_url)
llm = model()
{calls}
"""
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stderr == ""


async def test_certificates_are_not_read_on_the_loop(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_onlysq.transport import certificates, clients

    threads: list[int] = []
    original = certificates.ssl_context

    def spy(verify: Any) -> ssl.SSLContext:
        threads.append(threading.get_ident())
        return original(verify)

    monkeypatch.setattr(clients, "ssl_context", spy)
    async with make(server) as llm:
        await llm.ainvoke("Hi")
    assert threads
    assert threading.get_ident() not in threads


@needs_fork
def test_clients_of_another_process_are_left_alone(server: LocalOnlySq) -> None:
    llm = make(server)
    asyncio.run(llm.ainvoke("Hi"))
    llm.invoke("Hi")
    child = os.fork()
    if child == 0:
        os._exit(0 if llm.invoke("Hi").content == "You said: Hi" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert server.connections_seen == 3
    assert llm.invoke("Hi").content == "You said: Hi"
    assert server.connections_seen == 3
    llm.close()


async def test_a_hook_of_the_callers_client_may_read_the_body(server: LocalOnlySq) -> None:
    async def read(response: httpx.Response) -> None:
        await response.aread()

    server.reply(*["Read by a hook."] * 4)
    with httpx.Client(event_hooks={"response": [lambda response: response.read()]}) as client:
        llm = ChatOnlySq(model="m", base_url=server.base_url, http_client=client)
        assert llm.invoke("Hi").content == "Read by a hook."
        assert "".join(chunk.text for chunk in llm.stream("Hi")) == "Read by a hook."
    async with httpx.AsyncClient(event_hooks={"response": [read]}) as aclient:
        llm = ChatOnlySq(model="m", base_url=server.base_url, http_async_client=aclient)
        assert (await llm.ainvoke("Hi")).content == "Read by a hook."
        assert "".join([chunk.text async for chunk in llm.astream("Hi")]) == "Read by a hook."
