"""The local server over real sockets: its life, its connections, its clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from langchain_onlysq.testing import Close, Heartbeats, Hold, LocalOnlySq, Pause, Reply, Reset
from tests.support.local_server import (
    KEY,
    TLS,
    client,
    connect,
    content_of,
    exchange,
    post,
    raw_request,
    read_all,
    send,
    v2,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.sockets


def server_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "LocalOnlySq"]


class TestLifecycle:
    def test_sync_context_manager(self) -> None:
        with LocalOnlySq("Hello") as server:
            assert content_of(post(server, v2())) == "Hello"
        with pytest.raises(httpx.ConnectError):
            post(server, v2())

    def test_async_context_manager(self) -> None:
        async def talk() -> str:
            async with (
                LocalOnlySq("Hello") as server,
                httpx.AsyncClient(headers=KEY, trust_env=False, verify=TLS) as sender,
            ):
                return content_of(await sender.post(f"{server.base_url}/v2", json=v2()))

        assert asyncio.run(talk()) == "Hello"

    def test_base_url_is_the_root_of_the_api(self, server: LocalOnlySq) -> None:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.base_url.endswith("/ai")

    def test_base_url_needs_a_started_server(self) -> None:
        with pytest.raises(RuntimeError, match="not started"):
            _ = LocalOnlySq().base_url

    def test_start_and_close_may_be_called_twice(self) -> None:
        server = LocalOnlySq()
        first = server.start().base_url
        assert server.start().base_url == first
        assert len(server_threads()) == 1
        server.close()
        server.close()
        assert server_threads() == []

    def test_close_before_start_does_nothing(self) -> None:
        LocalOnlySq().close()
        assert server_threads() == []

    def test_a_closed_server_can_be_started_again(self) -> None:
        server = LocalOnlySq("one", "two")
        with server:
            assert content_of(post(server, v2())) == "one"
        with server:
            assert content_of(post(server, v2())) == "two"
        assert len(server.requests) == 2

    def test_a_failing_start_is_raised(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(main: Any) -> None:
            main.close()
            msg = "no port"
            raise OSError(msg)

        monkeypatch.setattr(asyncio, "run", fail)
        with pytest.raises(OSError, match="no port"):
            LocalOnlySq().start()

    def test_a_failure_of_its_thread_is_not_hidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run, seen = asyncio.run, []

        def fail(main: Coroutine[Any, Any, None]) -> None:
            run(main)
            msg = "broken loop"
            raise OSError(msg)

        monkeypatch.setattr(asyncio, "run", fail)
        monkeypatch.setattr(threading, "excepthook", lambda failure: seen.append(failure.exc_value))
        with LocalOnlySq():
            pass
        assert [str(error) for error in seen] == ["broken loop"]

    def test_clients_may_come_while_it_closes(self, caplog: pytest.LogCaptureFixture) -> None:
        for _ in range(50):
            server = LocalOnlySq().start()
            with connect(server) as connection:
                server.close()
                with contextlib.suppress(ConnectionResetError):
                    assert connection.recv(1) == b""
        assert [record for record in caplog.records if record.levelname != "DEBUG"] == []

    @pytest.mark.parametrize(
        "body",
        [
            [Hold()],
            [b"", Hold()],
            [b"data: x\n\n", Hold()],
            [Pause(600)],
            [Heartbeats(0.01)],
            [b"x" * 30_000_000],
        ],
        ids=["before-head", "after-head", "mid-body", "pause", "heartbeats", "unread"],
    )
    def test_close_ends_hanging_replies(self, body: list[Any]) -> None:
        server = LocalOnlySq(Reply(body=body)).start()
        with connect(server) as connection:
            connection.sendall(raw_request(v2()))
            eventually(lambda: len(server.requests) == 1)
            server.close()
            assert server_threads() == []
            assert server.connections_open == 0
            with contextlib.suppress(ConnectionResetError):
                read_all(connection)
        assert server.disconnects == 0

    def test_close_ends_idle_connections(self) -> None:
        server = LocalOnlySq().start()
        with connect(server) as connection:
            eventually(lambda: server.connections_open == 1)
            server.close()
            assert connection.recv(1) == b""

    def test_nothing_is_reported_when_it_closes_amid_replies(self) -> None:
        program = """
            import gc, socket, threading
            from langchain_onlysq.testing import Heartbeats, Hold, LocalOnlySq, Reply
            body = b'{"model": "m", "request": {"messages": [{"role": "user", "content": ""}]}}'
            head = b"POST /ai/v2 HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer k\\r\\n"
            head += b"Content-Type: application/json\\r\\n"
            head += b"Content-Length: %d\\r\\n\\r\\n" % len(body)
            for hanging in (Hold(), Heartbeats(0.001)) * 5:
                with LocalOnlySq(*[Reply(body=[hanging])] * 10) as server:
                    address = ("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]))
                    sockets = [socket.create_connection(address) for _ in range(20)]
                    for connection in sockets[:10]:
                        connection.sendall(head + body)
                for connection in sockets:
                    connection.close()
            gc.collect()
            print(threading.active_count())
        """
        done = run_python(program)
        assert (done.stdout, done.stderr) == ("1\n", "")

    def test_five_hundred_connections_at_once(self) -> None:
        count = 500
        with LocalOnlySq() as server, many_connections(server, count) as connections:
            for connection in connections:
                connection.sendall(raw_request(v2()))
            answers = [connection.recv(65536) for connection in connections]
            assert all(b"HTTP/1.1 200" in answer for answer in answers)
            assert server.connections_open == server.connections_seen == count
            assert len(server.requests) == count

    def test_connections_are_counted_down_when_clients_leave(self, server: LocalOnlySq) -> None:
        with connect(server), connect(server):
            eventually(lambda: server.connections_open == 2)
        eventually(lambda: server.connections_open == 0)
        assert server.connections_seen == 2


@contextmanager
def many_connections(server: LocalOnlySq, count: int) -> Iterator[list[socket.socket]]:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * count)), hard))
    connections: list[socket.socket] = []
    try:
        connections.extend(connect(server) for _ in range(count))
        yield connections
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    lines = [line.removeprefix(" " * 12) for line in program.split("\n")]
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


class TestConnection:
    def test_keep_alive(self, server: LocalOnlySq) -> None:
        with client(headers=KEY) as sender:
            for stream in ({}, {"stream": True}, {}):
                assert sender.post(f"{server.base_url}/v2", json=v2(**stream)).status_code == 200
            assert server.connections_open == server.connections_seen == 1

    def test_refusals_keep_the_connection(self, server: LocalOnlySq) -> None:
        with client() as sender:
            for path in ("/v2", "/nothing", "/models"):
                sender.post(server.base_url + path, json={})
            sender.head(f"{server.base_url}/models")
            sender.get(f"{server.base_url}/models")
        assert server.connections_seen == 1
        assert len(server.requests) == 5

    def test_connection_close_is_obeyed(self, server: LocalOnlySq) -> None:
        answer = exchange(server, raw_request(v2(), "Connection: close"))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        with LocalOnlySq("first", "second") as server:
            answer = exchange(server, raw_request(v2()) + raw_request(v2(), "Connection: close"))
        assert 0 < answer.index(b"first") < answer.index(b"second")

    def test_a_request_may_come_byte_by_byte(self, server: LocalOnlySq) -> None:
        request = raw_request(v2(), "Connection: close")
        answer = exchange(server, *(request[i : i + 1] for i in range(len(request))))
        assert b"You said: Hi there" in answer
        assert server.requests[0].json == v2()

    def test_a_request_may_be_chunked(self, server: LocalOnlySq) -> None:
        body = json.dumps(v2()).encode()
        pieces = iter([body[:10], body[10:]])
        headers = KEY | {"Content-Type": "application/json"}
        response = send(server, "POST", "/ai/v2", content=pieces, headers=headers)
        assert content_of(response) == "You said: Hi there"

    def test_a_request_may_come_before_the_reply_to_the_last(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"first", *[Pause(0.01)] * 5]), Reply(body=[b"second", Close()]))
        with connect(server) as connection:
            connection.sendall(raw_request(v2()))
            received = connection.recv(65536)
            connection.sendall(raw_request(v2()))
            received += read_all(connection)
        assert 0 < received.index(b"first") < received.index(b"0\r\n\r\n")
        assert received.index(b"0\r\n\r\n") < received.index(b"second")

    def test_what_is_not_http_is_refused(self, server: LocalOnlySq) -> None:
        answer = exchange(server, b"\x16\x03\x01\x00\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"This is not HTTP" in answer
        assert server.requests == []

    def test_a_client_may_leave_in_the_middle_of_a_request(self, server: LocalOnlySq) -> None:
        with connect(server) as connection:
            connection.sendall(raw_request(v2())[:-5])
        eventually(lambda: server.connections_seen == 1 and server.connections_open == 0)
        assert (server.requests, server.disconnects) == ([], 0)

    @pytest.mark.parametrize("body", [[b"data: x\n\n", Hold()], [b"x" * 30_000_000], [Pause(600)]])
    def test_clients_that_leave_early_are_counted(self, body: list[Any]) -> None:
        with LocalOnlySq(Reply(body=body)) as server:
            with connect(server) as connection:
                connection.sendall(raw_request(v2()))
                eventually(lambda: len(server.requests) == 1)
            eventually(lambda: server.disconnects == 1)
            assert server.connections_open == 0

    def test_clients_that_stay_are_not_counted(self, server: LocalOnlySq) -> None:
        server.reply("one", Reply(body=[b"x", Close()]), Reply(body=[Reset()]))
        post(server, v2(stream=True))
        for _ in range(2):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                post(server, v2())
        eventually(lambda: server.connections_open == 0)
        assert server.disconnects == 0
