"""The local server: real sockets, what it takes, what it refuses, and every fault it can play."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import doctest
import json
import runpy
import socket
import ssl
import subprocess
import sys
import threading
import time
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_onlysq import testing
from langchain_onlysq.testing import (
    Close,
    Heartbeats,
    Hold,
    LocalOnlySq,
    Pause,
    Reply,
    Request,
    Reset,
    bodies,
    catalogue,
    chunk,
    completion,
    replies,
    schemas,
    tool_call,
)
from langchain_onlysq.testing import (
    server as server_module,
)
from langchain_onlysq.testing.schemas import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

KEY = {"Authorization": "Bearer openai"}
V2 = "/ai/v2"
OPENAI = "/ai/openai/chat/completions"
USER = {"role": "user", "content": "Hi there"}
PATIENCE = 10.0
IMPATIENCE = httpx.Timeout(PATIENCE, read=0.1)
TLS = ssl.create_default_context()  # made once, since that is slow
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather at a location.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
    },
}
ADDER = {
    "name": "my_adder_tool",
    "description": "Takes two integers, a and b, and returns their sum.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
}
JOKE = {
    "type": "object",
    "properties": {"setup": {"type": "string"}, "punchline": {"type": "string"}},
    "required": ["setup", "punchline"],
}
CALL = tool_call("get_weather", {"location": "Rome"}, call_id="c1")


def v2(*messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A minimal body for v2."""
    return {"model": "m", "request": {"messages": list(messages or (USER,)), **options}}


def flat(*messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A minimal body for the openai endpoint."""
    return {"model": "m", "messages": list(messages or (USER,)), **options}


def native(*tools: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "function", "function": tool} for tool in tools]


def prompted(*tools: dict[str, Any], more: str = "") -> dict[str, Any]:
    lines = "\n".join(json.dumps(tool) for tool in tools)
    return {"role": "system", "content": f"You have tools.\n<tools>\n{lines}\n</tools>\n{more}"}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def client(**options: Any) -> httpx.Client:
    """A client that no environment variable can lead astray."""
    return httpx.Client(trust_env=False, verify=TLS, timeout=PATIENCE, **options)


def send(server: LocalOnlySq, method: str, path: str, **options: Any) -> httpx.Response:
    with client() as sender:
        return sender.request(method, server.base_url.removesuffix("/ai") + path, **options)


def post(server: LocalOnlySq, body: Any, path: str = V2, **options: Any) -> httpx.Response:
    return send(server, "POST", path, json=body, **{"headers": KEY, **options})


@contextmanager
def streamed(server: LocalOnlySq, **options: Any) -> Iterator[httpx.Response]:
    """The response while its body is still on the way."""
    url = f"{server.base_url}/v2"
    with client() as sender, sender.stream("POST", url, json=v2(), headers=KEY, **options) as got:
        yield got


def message_of(response: httpx.Response) -> dict[str, Any]:
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


def content_of(response: httpx.Response) -> str:
    return str(message_of(response)["content"])


def events_of(body: bytes) -> list[Any]:
    """The JSON of each event; the end mark as it is."""
    data = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]
    return [b"[DONE]" if item == b"[DONE]" else json.loads(item) for item in data]


def deltas_of(body: bytes, key: str) -> list[Any]:
    choices = [e["choices"][0] for e in events_of(body) if isinstance(e, dict) and e["choices"]]
    return [c["delta"][key] for c in choices if c["delta"].get(key)]


def raw_request(body: dict[str, Any], *headers: str, path: str = V2) -> bytes:
    data = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Authorization: Bearer openai"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def connect(server: LocalOnlySq) -> socket.socket:
    port = httpx.URL(server.base_url).port
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def exchange(server: LocalOnlySq, *requests: bytes) -> bytes:
    """Send raw bytes and return all that comes until the server ends the connection."""
    with connect(server) as connection:
        for request in requests:
            connection.sendall(request)
        return read_all(connection)


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait until a condition holds; False when it does not within the limit."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def server_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "LocalOnlySq"]


@pytest.fixture
def server() -> Iterator[LocalOnlySq]:
    with LocalOnlySq() as running:
        yield running


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
            assert eventually(lambda: len(server.requests) == 1)
            server.close()
            assert server_threads() == []
            assert server.connections_open == 0
            with contextlib.suppress(ConnectionResetError):
                read_all(connection)
        assert server.disconnects == 0

    def test_close_ends_idle_connections(self) -> None:
        server = LocalOnlySq().start()
        with connect(server) as connection:
            assert eventually(lambda: server.connections_open == 1)
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
            assert eventually(lambda: server.connections_open == 2)
        assert eventually(lambda: server.connections_open == 0)
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


class TestImports:
    def test_a_missing_h11_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "h11", None)
        with pytest.raises(ImportError, match=r"langchain-onlysq\[testing\]"):
            runpy.run_path(str(server_module.__file__))

    def test_other_names_are_unknown(self) -> None:
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = testing.no_such_name

    def test_every_public_name_exists(self) -> None:
        assert all(getattr(testing, name) for name in testing.__all__)

    @pytest.mark.parametrize("module", [bodies, replies, schemas], ids=lambda m: m.__name__)
    def test_the_examples_hold(self, module: types.ModuleType) -> None:
        result = doctest.testmod(module, extraglobs={"chunk": chunk})
        assert result.attempted > 0
        assert result.failed == 0


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
        assert eventually(lambda: server.connections_seen == 1 and server.connections_open == 0)
        assert (server.requests, server.disconnects) == ([], 0)

    @pytest.mark.parametrize("body", [[b"data: x\n\n", Hold()], [b"x" * 30_000_000], [Pause(600)]])
    def test_clients_that_leave_early_are_counted(self, body: list[Any]) -> None:
        with LocalOnlySq(Reply(body=body)) as server:
            with connect(server) as connection:
                connection.sendall(raw_request(v2()))
                assert eventually(lambda: len(server.requests) == 1)
            assert eventually(lambda: server.disconnects == 1)
            assert server.connections_open == 0

    def test_clients_that_stay_are_not_counted(self, server: LocalOnlySq) -> None:
        server.reply("one", Reply(body=[b"x", Close()]), Reply(body=[Reset()]))
        post(server, v2(stream=True))
        for _ in range(2):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                post(server, v2())
        assert eventually(lambda: server.connections_open == 0)
        assert server.disconnects == 0


class TestRequests:
    def test_they_are_recorded_in_order(self, server: LocalOnlySq) -> None:
        for text in ("one", "two"):
            post(server, v2(user(text)))
        texts = [request.json["request"]["messages"][0]["content"] for request in server.requests]
        assert texts == ["one", "two"]

    def test_refused_ones_are_recorded(self, server: LocalOnlySq) -> None:
        send(server, "PUT", "/ai/nothing?a=1", content=b"\xff{", headers={"X-Test": "1"})
        (request,) = server.requests
        assert (request.method, request.path, request.query) == ("PUT", "/ai/nothing", "a=1")
        assert (request.body, request.json) == (b"\xff{", None)

    def test_headers_ignore_case(self, server: LocalOnlySq) -> None:
        post(server, v2(), headers=[*KEY.items(), ("X-Twice", "a"), ("x-twice", "b")])
        headers = server.requests[0].headers
        assert headers["AUTHORIZATION"] == headers["authorization"] == "Bearer openai"
        assert headers["X-Twice"] == "a, b"
        assert "x-missing" not in headers
        assert len(headers) == len(list(headers))

    def test_their_repr_hides_the_key(self, server: LocalOnlySq) -> None:
        post(server, v2(), headers={"Authorization": "Bearer sq-canary"})
        assert "sq-canary" not in repr(server.requests[0])
        assert "/ai/v2" in repr(server.requests[0])

    def test_the_list_is_a_copy(self, server: LocalOnlySq) -> None:
        server.requests.append(Request("GET", "/", testing.Headers()))
        assert server.requests == []

    def test_what_a_reply_may_read_of_them(self, server: LocalOnlySq) -> None:
        post(server, v2(stream=True))
        post(server, flat(), OPENAI)
        send(server, "POST", "/ai/v2", json=[1])
        first, second, third = server.requests
        assert (first.model, first.streams, first.messages) == ("m", True, [USER])
        assert (second.model, second.streams, second.messages) == ("m", False, [USER])
        assert (third.model, third.streams, third.messages, third.chat) == ("", False, [], {})


class TestEndpoints:
    @pytest.mark.parametrize("path", ["/", "/ai", "/ai/v1", "/ai/v2/", "/ai/openai", "/v2"])
    def test_unknown_paths_give_a_page(self, server: LocalOnlySq, path: str) -> None:
        response = post(server, v2(), path)
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/html")
        assert "<title>404 Not Found</title>" in response.text

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [("GET", V2, "POST"), ("PUT", OPENAI, "POST"), ("POST", "/ai/models", "GET")],
    )
    def test_wrong_methods(self, server: LocalOnlySq, method: str, path: str, allowed: str) -> None:
        response = send(server, method, path, headers=KEY)
        assert (response.status_code, response.headers["Allow"]) == (405, allowed)
        assert method in response.json()["error"]["message"]

    def test_the_catalogue_needs_no_key(self, server: LocalOnlySq) -> None:
        body = send(server, "GET", "/ai/models").json()
        assert body == catalogue()
        assert "gpt-4o-mini" in body["models"]
        assert body["models"]["sonar"]["status"] == "work"

    def test_scripted_catalogues(self, server: LocalOnlySq) -> None:
        server.reply("for chat")
        server.reply_catalogue(catalogue(["a"]), Reply.error(502), b"{}")
        answers = [send(server, "GET", "/ai/models") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 502, 200, 200]
        assert list(answers[0].json()["models"]) == ["a"]
        assert answers[2].content == b"{}"
        assert answers[3].json() == catalogue()
        assert server.replies_left == 1


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}

GOOD: list[tuple[str, dict[str, Any]]] = [
    (V2, v2()),
    (V2, v2(stream=True)),
    (V2, v2({"role": "system", "content": "Be kind"}, USER, {"role": "assistant", "content": ""})),
    (V2, v2({"role": "user", "content": [{"type": "text", "text": "See"}, IMAGE]})),
    (V2, v2(temperature=0, top_p=0.5, max_tokens=9, seed=1, stop=["a"], meta={"image_count": 1})),
    (V2, v2(stop="a", stream=True, stream_options={"include_usage": True}, my_own_key=None)),
    (OPENAI, flat()),
    (OPENAI, flat(stream=False)),
    (OPENAI, flat(USER | {"name": "Ann"})),
    (OPENAI, flat(tools=native(WEATHER, ADDER), tool_choice="auto", parallel_tool_calls=False)),
    (OPENAI, flat(tools=native({"name": "f", "strict": True}))),
    (
        OPENAI,
        flat(
            tools=native(WEATHER),
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
        ),
    ),
    (OPENAI, flat(USER, ASKED, RESULT, USER)),
    (OPENAI, flat(USER, {"role": "assistant", "tool_calls": [CALL]}, RESULT | {"name": "f"})),
    (OPENAI, flat(USER, ASKED | {"content": ""}, RESULT, {"role": "assistant", "content": "x"})),
    (OPENAI, flat(USER, ASKED, RESULT, ASKED, RESULT)),
    (OPENAI, flat(response_format={"type": "json_object"})),
]


def call(**changes: Any) -> dict[str, Any]:
    """An assistant message with one call that has something wrong."""
    return {"role": "assistant", "tool_calls": [CALL | changes]}


def function(**fields: Any) -> dict[str, Any]:
    return {"function": fields}


BAD: list[tuple[str, Any, str]] = [
    (V2, [], "the body: must be an object, not list"),
    (V2, {"request": {"messages": [USER]}}, "model: missing"),
    (V2, v2() | {"model": ""}, "model: must not be empty"),
    (V2, v2() | {"model": None}, "model: must be a string, not null"),
    (V2, {"model": "m"}, "request: missing"),
    (V2, {"model": "m", "request": []}, "request: must be an object, not list"),
    (V2, v2() | {"stream": True}, "stream: v2 takes only 'model' and 'request'"),
    (V2, flat(), "messages: v2 takes only"),
    (V2, v2(stream=False), "request.stream: left out when false"),
    (V2, v2(stream=1), "request.stream: must be true or false, not int"),
    (V2, v2(stream_options={}), "request.stream_options: only with stream true"),
    (V2, v2(temperature=None), "request.temperature: must be a number, not null"),
    (V2, v2(temperature="0"), "request.temperature: must be a number, not str"),
    (V2, v2(top_p=None), "request.top_p: must be a number, not null"),
    (V2, v2(max_tokens=None), "request.max_tokens: must be a whole number, not null"),
    (V2, v2(max_tokens=0), "request.max_tokens: must be at least 1"),
    (V2, v2(seed=None), "request.seed: must be a whole number, not null"),
    (V2, v2(seed=True), "request.seed: must be a whole number, not bool"),
    (V2, v2(stop=None), "request.stop: must be a string, not null"),
    (V2, v2(stop=["a", ""]), "request.stop[1]: must not be empty"),
    (V2, v2(tools=native(WEATHER)), "request.tools: v2 documents no tools"),
    (V2, v2(tool_choice="none"), "request.tool_choice: v2 documents no tools"),
    (V2, {"model": "m", "request": {}}, "request.messages: missing or null"),
    (V2, {"model": "m", "request": {"messages": []}}, "request.messages: must not be empty"),
    (V2, {"model": "m", "request": {"messages": "Hi"}}, "request.messages: must be a list"),
    (V2, v2("Hi"), "request.messages[0]: must be an object, not str"),  # type: ignore[arg-type]
    (V2, v2({"content": "x"}), "request.messages[0].role: must be one of user, assistant, system"),
    (V2, v2(USER, {"role": "tool", "content": "x"}), "request.messages[1].role: must be one of"),
    (V2, v2({"role": "User", "content": "x"}), "not 'User'"),
    (V2, v2({"role": [], "content": "x"}), "request.messages[0].role: must be one of"),
    (V2, v2({"role": "user"}), "request.messages[0].content: missing"),
    (V2, v2(USER | {"name": "Ann"}), "request.messages[0].name: unknown key"),
    (V2, v2(USER, ASKED, RESULT), "request.messages[1].tool_calls: unknown key"),
    (V2, v2({"role": "user", "content": None}), "content: must be a string or a list of parts"),
    (V2, v2({"role": "user", "content": []}), "request.messages[0].content: must not be empty"),
    (V2, v2({"role": "user", "content": ["x"]}), "content[0]: must be an object, not str"),
    (V2, v2({"role": "user", "content": [{"type": "file"}]}), "content[0].type: must be 'text'"),
    (V2, v2({"role": "user", "content": [{"type": "text"}]}), "content[0].text: missing"),
    (
        V2,
        v2({"role": "user", "content": [IMAGE | {"image_url": "data:"}]}),
        "content[0].image_url: must be an object, not str",
    ),
    (
        V2,
        v2({"role": "user", "content": [IMAGE | {"image_url": {"url": ""}}]}),
        "content[0].image_url.url: must not be empty",
    ),
    (
        V2,
        v2({"role": "user", "content": [IMAGE | {"index": 0}]}),
        "content[0].index: unknown key",
    ),
    (OPENAI, v2(), "request: the openai endpoint takes the keys flat"),
    (OPENAI, flat(tool_choice="auto"), "tool_choice: only with tools"),
    (OPENAI, flat(tools=[]), "tools: must not be empty"),
    (OPENAI, flat(tools=[WEATHER]), "tools[0].type: missing"),
    (OPENAI, flat(tools=[{"type": "x", "function": {}}]), "tools[0].type: must be 'function'"),
    (OPENAI, flat(tools=native({})), "tools[0].function.name: missing"),
    (OPENAI, flat(tools=native({"name": "f", "input": {}})), "function.input: unknown key"),
    (OPENAI, flat(tools=native({"name": "f", "parameters": None})), "parameters: must be an"),
    (OPENAI, flat(tools=native({"name": "f", "description": None})), "description: must be a"),
    (OPENAI, flat(tools=native({"name": "f", "strict": None})), "strict: must be true or false"),
    (OPENAI, flat(tools=native(ADDER, ADDER)), "tools: two tools have the same name"),
    (OPENAI, flat(tools=native(ADDER), tool_choice="any"), "tool_choice: must be 'none'"),
    (OPENAI, flat(tools=native(ADDER), tool_choice=None), "tool_choice: must be an object"),
    (
        OPENAI,
        flat(tools=native(ADDER), tool_choice={"type": "function", "function": {"name": "other"}}),
        "tool_choice.function.name: 'other' is none of the tools",
    ),
    (OPENAI, flat(parallel_tool_calls=None), "parallel_tool_calls: must be true or false"),
    (OPENAI, flat(response_format="json"), "response_format: must be an object, not str"),
    (OPENAI, flat(USER, call(id="")), "tool_calls[0].id: must not be empty"),
    (OPENAI, flat(USER, call(type="tool")), "tool_calls[0].type: must be 'function'"),
    (OPENAI, flat(USER, call(index=0)), "tool_calls[0].index: unknown key"),
    (OPENAI, flat(USER, call(**function(name="f", arguments={}))), "arguments: must be a string"),
    (OPENAI, flat(USER, call(**function(name="f", arguments="{"))), "arguments: is not JSON"),
    (OPENAI, flat(USER, ASKED | {"tool_calls": []}), "tool_calls: must not be empty"),
    (OPENAI, flat(USER, ASKED), "messages: no tool message answers the calls c1"),
    (OPENAI, flat(USER, ASKED, USER), "messages[2]: no tool message answers the calls c1"),
    (OPENAI, flat(USER, RESULT), "messages[1].tool_call_id: 'c1' answers no open tool call"),
    (OPENAI, flat(USER, ASKED, RESULT, RESULT), "messages[3].tool_call_id: 'c1' answers no open"),
    (OPENAI, flat(USER, ASKED, RESULT | {"tool_call_id": ""}), "tool_call_id: must not be empty"),
    (OPENAI, flat(USER, ASKED, {"role": "tool", "content": "x"}), "tool_call_id: missing"),
    (OPENAI, flat(USER, ASKED, RESULT | {"content": None}), "messages[2].content: must be a str"),
    (
        OPENAI,
        flat(USER, {"role": "assistant", "tool_calls": [CALL, CALL]}),
        "messages[1].tool_calls: two calls have the same id",
    ),
    (OPENAI, flat(USER | {"name": ""}), "messages[0].name: must not be empty"),
]


class TestChecks:
    @pytest.mark.parametrize(("path", "body"), GOOD)
    def test_documented_requests_pass(
        self, server: LocalOnlySq, path: str, body: dict[str, Any]
    ) -> None:
        response = post(server, body, path)
        assert response.status_code == 200, response.text

    @pytest.mark.parametrize(("path", "body", "complaint"), BAD)
    def test_wrong_requests_are_refused(
        self, server: LocalOnlySq, path: str, body: Any, complaint: str
    ) -> None:
        server.reply("unused")
        response = post(server, body, path)
        assert response.status_code == 400
        assert complaint in response.json()["error"]["message"]
        assert server.replies_left == 1
        assert len(server.requests) == 1

    @pytest.mark.parametrize("path", [V2, OPENAI])
    @pytest.mark.parametrize(
        ("authorization", "complaint"),
        [
            (None, "missing"),
            ("", "Bearer <key>"),
            ("openai", "Bearer <key>"),
            ("Bearer", "Bearer <key>"),
            ("Basic b3BlbmFp", "Bearer <key>"),
            ("Bearer a b", "Bearer <key>"),
        ],
    )
    def test_keys(
        self, server: LocalOnlySq, path: str, authorization: str | None, complaint: str
    ) -> None:
        headers = {} if authorization is None else {"Authorization": authorization}
        response = post(server, {}, path, headers=headers)
        assert response.status_code == 401
        assert complaint in response.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b'{"model": "\xff"}', "not JSON"),
            (b'{"model": NaN}', "NaN is no JSON number"),
            (b'{"model": "\\ud800"}', "lone surrogate"),
        ],
    )
    def test_bodies_that_are_no_json(
        self, server: LocalOnlySq, content: bytes, complaint: str
    ) -> None:
        headers = KEY | {"Content-Type": "application/json; charset=utf-8"}
        response = send(server, "POST", "/ai/v2", content=content, headers=headers)
        assert response.status_code == 400
        assert complaint in response.json()["error"]["message"]

    @pytest.mark.parametrize("content_type", [None, "text/plain", "application/jsonp"])
    def test_content_types(self, server: LocalOnlySq, content_type: str | None) -> None:
        headers = KEY if content_type is None else KEY | {"Content-Type": content_type}
        content = json.dumps(v2()).encode()
        response = send(server, "POST", "/ai/v2", content=content, headers=headers)
        assert response.status_code == 400
        assert "Content-Type" in response.json()["error"]["message"]

    @pytest.mark.parametrize("body", [b"{", json.dumps(v2(stream=False)).encode(), b"[1]"])
    def test_they_can_be_turned_off(self, body: bytes) -> None:
        with LocalOnlySq("Hello", strict=False) as server:
            response = send(server, "POST", "/ai/v2", content=body)
            assert content_of(response) == "Hello"
            assert send(server, "POST", "/ai/v3", content=body).status_code == 404

    def test_the_built_in_model_answers_unchecked_requests(self) -> None:
        with LocalOnlySq(strict=False) as server:
            response = send(server, "POST", "/ai/v2", content=b"no json")
            assert content_of(response) == "You said: "

    def test_native_tools_on_v2_are_an_option(self) -> None:
        body = v2(USER, ASKED, RESULT, USER, tools=native(WEATHER), tool_choice="required")
        with LocalOnlySq(native_tools_on_v2=True) as server:
            message = message_of(post(server, body))
            assert message["tool_calls"][0]["function"]["name"] == "get_weather"
            assert post(server, v2(tool_choice="auto")).status_code == 400
            assert post(server, v2(USER, ASKED)).status_code == 400


class TestScripting:
    def test_each_kind_of_item(self, server: LocalOnlySq) -> None:
        server.reply("text", {"a": 1}, [1, 2], b"bytes", Reply(202, body=b"raw"), lambda _: "made")
        assert server.replies_left == 6
        answers = [post(server, v2()) for _ in range(6)]
        assert content_of(answers[0]) == "text"
        assert [answers[1].json(), answers[2].json()] == [{"a": 1}, [1, 2]]
        assert answers[3].content == b"bytes"
        assert answers[3].headers["Content-Type"] == "application/json"
        assert (answers[4].status_code, answers[4].content) == (202, b"raw")
        assert content_of(answers[5]) == "made"
        assert server.replies_left == 0

    def test_the_same_items_when_a_stream_is_asked_for(self, server: LocalOnlySq) -> None:
        server.reply("text", {"a": 1}, b"data: x\n\n")
        text, whole, raw = (post(server, v2(stream=True)) for _ in range(3))
        assert deltas_of(text.content, "content") == ["text"]
        assert whole.json() == {"a": 1}
        assert raw.content == b"data: x\n\n"
        assert raw.headers["Content-Type"] == "text/event-stream"

    def test_callables_get_the_request(self, server: LocalOnlySq) -> None:
        server.reply(lambda request: lambda _: f"{request.model} on {request.path}")
        assert content_of(post(server, v2())) == "m on /ai/v2"

    def test_the_built_in_model_comes_last(self, server: LocalOnlySq) -> None:
        server.reply("scripted")
        assert [content_of(post(server, v2())) for _ in range(2)] == [
            "scripted",
            "You said: Hi there",
        ]

    def test_both_endpoints_share_the_queue(self) -> None:
        with LocalOnlySq("one", "two") as server:
            assert content_of(post(server, flat(), OPENAI)) == "one"
            assert content_of(post(server, v2())) == "two"

    def test_failing_callables_are_told(self, server: LocalOnlySq) -> None:
        server.reply(lambda request: request.json["no such key"], lambda _: 7)  # type: ignore[arg-type, return-value]
        answers = [post(server, v2()) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [500, 500]
        assert "KeyError('no such key')" in answers[0].json()["error"]["message"]
        assert "not int" in answers[1].json()["error"]["message"]

    def test_replies_can_be_added_from_other_threads(self, server: LocalOnlySq) -> None:
        threads = [threading.Thread(target=server.reply, args=("a", "b")) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.replies_left == 40


class TestFraming:
    def read(self, reply: Reply) -> tuple[bytes, bytes]:
        """The head and the body of a reply, as bytes, until the connection ends."""
        with LocalOnlySq(reply) as server:
            head, _, body = exchange(server, raw_request(v2(), "Connection: close")).partition(
                b"\r\n\r\n"
            )
        return head, body

    def test_chunked(self) -> None:
        head, body = self.read(Reply(body=[b"ab", b"", b"c" * 17]))
        assert head == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
        assert body == b"2\r\nab\r\n11\r\n" + b"c" * 17 + b"\r\n0\r\n\r\n"

    def test_length(self) -> None:
        reply = Reply(503, {"X-A": "b"}, [b"ab", Heartbeats(0, count=2, data=b"-")], "length")
        head, body = self.read(reply)
        assert head == b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nX-A: b"
        assert body == b"ab--"

    def test_close(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"ab", b"c"], framing="close"))
        answer = exchange(server, raw_request(v2()))
        assert answer == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"

    def test_large_bodies_arrive_whole(self, server: LocalOnlySq) -> None:
        size = 30_000_000
        server.reply(Reply(body=[b"x" * size, Pause(0), b"y"]))
        content = post(server, v2()).content
        assert (len(content), content[:2], content[-2:]) == (size + 1, b"xx", b"xy")
        assert server.disconnects == 0

    @pytest.mark.parametrize("length", [0, 2, 9])
    def test_wrong_lengths_end_the_connection(self, server: LocalOnlySq, length: int) -> None:
        server.reply(Reply(body=b"abc", framing="length", declared_length=length))
        answer = exchange(server, raw_request(v2()))
        assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nabc" % length

    def test_a_right_declared_length_is_kept_alive(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=b"abc", framing="length", declared_length=3))
        with client(headers=KEY) as sender:
            assert sender.post(f"{server.base_url}/v2", json=v2()).content == b"abc"
            assert sender.post(f"{server.base_url}/v2", json=v2()).status_code == 200
        assert server.connections_seen == 1

    @pytest.mark.parametrize("status", [204, 304])
    def test_statuses_without_a_body(self, server: LocalOnlySq, status: int) -> None:
        server.reply(Reply.error(status), Reply(status, body=[b"x"]))
        with client(headers=KEY) as sender:
            for _ in range(2):
                response = sender.post(f"{server.base_url}/v2", json=v2())
                assert (response.status_code, response.content) == (status, b"")
        assert server.connections_seen == 1

    def test_given_headers_win_in_any_case(self) -> None:
        reply = Reply(headers={"content-length": "1"}, body=b"abc", framing="length")
        assert self.read(reply)[0] == b"HTTP/1.1 200 OK\r\ncontent-length: 1"

    def test_unknown_statuses_have_a_phrase(self) -> None:
        assert self.read(Reply(599))[0].startswith(b"HTTP/1.1 599 Unknown\r\n")

    def test_each_item_is_one_chunk(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"a", Pause(0.05), b"b", Pause(0.05), b"c"]))
        with client(headers=KEY) as sender:
            request = sender.build_request("POST", f"{server.base_url}/v2", json=v2())
            response = sender.send(request, stream=True)
            assert list(response.iter_raw()) == [b"a", b"b", b"c"]

    def test_a_body_of_text_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match="not of str"):
            Reply(body=["text"])  # type: ignore[list-item]


class TestSteps:
    def test_an_empty_item_sends_the_head_alone(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"", Close()]))
        answer = exchange(server, raw_request(v2()))
        assert answer == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def test_close_before_the_head(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Close(), b"never"]))
        assert exchange(server, raw_request(v2())) == b""

    def test_close_in_the_middle_of_chunks(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"ab", Close(), b"never"]))
        assert exchange(server, raw_request(v2())).endswith(b"\r\n\r\n2\r\nab\r\n")
        server.reply(Reply(body=[b"ab", Close()]))
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            post(server, v2())

    def test_reset_before_the_head(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Reset()]))
        with connect(server) as connection:
            connection.sendall(raw_request(v2()))
            with pytest.raises(ConnectionResetError):
                connection.recv(1)

    def test_reset_in_the_middle(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"ab", Pause(0.05), Reset(), b"never"]))
        received: list[bytes] = []
        with connect(server) as connection:
            connection.sendall(raw_request(v2()))
            data = iter(lambda: connection.recv(65536), b"")
            with pytest.raises(ConnectionResetError):
                received.extend(data)
        assert b"".join(received).endswith(b"2\r\nab\r\n")

    @pytest.mark.parametrize("body", [[Hold()], [b"", Hold()], [b"ab", Hold()]])
    def test_hold(self, server: LocalOnlySq, body: list[Any]) -> None:
        server.reply(Reply(body=body))
        with pytest.raises(httpx.ReadTimeout):
            post(server, v2(), timeout=IMPATIENCE)
        assert eventually(lambda: server.disconnects == 1)

    def test_pause(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Pause(600), b"late"]))
        with pytest.raises(httpx.ReadTimeout):
            post(server, v2(), timeout=IMPATIENCE)
        server.reply(Reply(body=[Pause(0.01), b"late"]))
        assert post(server, v2()).content == b"late"

    def test_heartbeats(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Heartbeats(0.001, count=3), b"end"]))
        assert post(server, v2()).content == b": ping\n\n" * 3 + b"end"

    def test_endless_heartbeats(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Heartbeats(0.001, data=b".")]))
        with streamed(server) as response:
            received = b""
            for data in response.iter_raw():
                received += data
                if len(received) >= 20:
                    break
        assert set(received) == set(b".")
        assert eventually(lambda: server.disconnects == 1)


class TestBuilders:
    def test_error(self, server: LocalOnlySq) -> None:
        server.reply(
            Reply.error(429, "Slow down", code="rate_limit", retry_after=2.5, headers={"X-A": "b"}),
            Reply.error(500),
        )
        first, second = post(server, v2()), post(server, v2())
        assert first.status_code == 429
        assert first.json() == {"error": {"message": "Slow down", "code": "rate_limit"}}
        assert (first.headers["Retry-After"], first.headers["X-A"]) == ("2.5", "b")
        assert set(second.json()["error"]) == {"message"}
        assert "Retry-After" not in second.headers

    def test_html(self, server: LocalOnlySq) -> None:
        server.reply(Reply.html(200, "a < b"))
        response = post(server, v2())
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<h1>a &lt; b</h1>" in response.text

    def test_json(self, server: LocalOnlySq) -> None:
        server.reply(Reply.json(["ж\u2028"], 201, {"content-type": "text/plain"}))
        response = post(server, v2())
        assert response.status_code == 201
        assert response.headers["Content-Type"] == "text/plain"
        assert response.content == '["ж\u2028"]'.encode()

    def test_lone_surrogates_are_escaped(self) -> None:
        assert Reply.json("\ud800").body == b'"\\ud800"'

    def test_redirect(self, server: LocalOnlySq) -> None:
        server.reply(Reply.redirect(307, OPENAI), "moved")
        response = post(server, v2(), follow_redirects=False)
        assert (response.status_code, response.headers["Location"]) == (307, OPENAI)

    def test_stream(self, server: LocalOnlySq) -> None:
        server.reply(
            Reply.stream([chunk("Hi"), ": ping\n\n", b"data:x\r\n\r\n", Pause(0)]),
            Reply.stream([], done=False, headers={"X-A": "b"}),
        )
        full, empty = post(server, v2()), post(server, v2())
        assert full.headers["Content-Type"] == "text/event-stream"
        first, rest = full.content.split(b"\n\n", 1)
        assert json.loads(first.removeprefix(b"data: ")) == chunk("Hi")
        assert rest == b": ping\n\ndata:x\r\n\r\ndata: [DONE]\n\n"
        assert (empty.content, empty.headers["X-A"]) == (b"", "b")

    @pytest.mark.parametrize("options", [{}, {"flush": False}])
    def test_gzip(self, server: LocalOnlySq, options: dict[str, bool]) -> None:
        server.reply(Reply.gzip(Reply.stream([chunk("Hi"), Pause(0)]), **options))
        response = post(server, v2())
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"] == "text/event-stream"
        assert events_of(response.content) == [chunk("Hi"), b"[DONE]"]

    @pytest.mark.parametrize(("options", "early"), [({}, b"first"), ({"flush": False}, b"")])
    def test_gzip_may_hold_back(
        self, server: LocalOnlySq, options: dict[str, bool], early: bytes
    ) -> None:
        server.reply(Reply.gzip(Reply(body=[b"first", Close()]), **options))
        with streamed(server) as response:
            received: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError):
                received.extend(response.iter_bytes())
        assert b"".join(received) == early

    def test_gzip_takes_what_can_be_scripted(self, server: LocalOnlySq) -> None:
        server.reply(Reply.gzip("zipped"))
        assert content_of(post(server, v2())) == "zipped"

    @pytest.mark.parametrize(
        ("how", "framing", "error"),
        [
            ("fin", "chunked", httpx.RemoteProtocolError),
            ("fin", "close", None),
            ("reset", "chunked", httpx.ReadError),
            ("hold", "chunked", httpx.ReadTimeout),
        ],
    )
    def test_broken_stream(
        self, server: LocalOnlySq, how: Any, framing: Any, error: type[Exception] | None
    ) -> None:
        server.reply(Reply.broken_stream("one two three four", after=2, how=how, framing=framing))
        received, failure = b"", None
        try:
            with streamed(server, timeout=IMPATIENCE if how == "hold" else PATIENCE) as response:
                for data in response.iter_raw():
                    received += data
        except httpx.HTTPError as caught:
            failure = type(caught)
        assert failure is error
        assert deltas_of(received, "content") == ["one ", "two "]
        assert b"[DONE]" not in received


class TestAnswers:
    def test_a_whole_answer_has_the_documented_shape(self, server: LocalOnlySq) -> None:
        server.reply("Hello")
        body = post(server, v2()).json()
        documented = completion("Hello", model="m", id=body["id"], created=body["created"])
        assert body == documented | {"usage": body["usage"]}
        assert body["id"].startswith("chat_")
        assert body["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}

    def test_each_answer_has_an_id_of_its_own(self, server: LocalOnlySq) -> None:
        assert post(server, v2()).json()["id"] != post(server, v2()).json()["id"]

    def test_a_stream_has_the_documented_shape(self, server: LocalOnlySq) -> None:
        server.reply("One two three.")
        *events, end = events_of(post(server, v2(stream=True)).content)
        same = {"id": events[0]["id"], "created": events[0]["created"], "model": "m"}
        usage = {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}
        assert end == b"[DONE]"
        assert events == [
            *(chunk(piece, **same) for piece in ("One ", "two ", "three.")),
            chunk("", finish_reason="stop", usage=usage, **same),
        ]
        assert events[0]["choices"][0]["delta"] == {"content": "One ", "role": "assistant"}

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, []),
            ({"stream_options": {}}, []),
            ({"stream_options": {"include_usage": False}}, []),
            ({"stream_options": {"include_usage": True}}, [[]]),
        ],
    )
    def test_usage_on_openai_comes_when_asked_for(
        self, server: LocalOnlySq, options: dict[str, Any], expected: list[Any]
    ) -> None:
        body = post(server, flat(stream=True, **options), OPENAI).content
        events = [event for event in events_of(body) if event != b"[DONE]"]
        with_usage = [event["choices"] for event in events if event["usage"]]
        assert with_usage == expected

    @pytest.mark.parametrize(
        "text", ["", " ", "a b c", "\n\n a", "x" * 100, "жук 你好 👩‍👩‍👧 \u2028 \x85", "a\u3000b"]
    )
    def test_streams_lose_nothing(self, server: LocalOnlySq, text: str) -> None:
        server.reply(text)
        body = post(server, v2(stream=True)).content
        assert "".join(deltas_of(body, "content")) == text

    def test_options_of_a_text(self, server: LocalOnlySq) -> None:
        reply = Reply.text(
            "Hello",
            stream_pieces=["He", "llo"],
            model="other",
            finish_reason="length",
            usage=None,
            reasoning="I think",
            interval=0.001,
        )
        server.reply(reply, reply)
        whole = post(server, v2()).json()
        assert (whole["model"], whole["usage"]) == ("other", None)
        assert whole["choices"][0]["finish_reason"] == "length"
        assert whole["choices"][0]["message"]["reasoning_content"] == "I think"
        streamed = post(server, v2(stream=True)).content
        assert deltas_of(streamed, "reasoning_content") == ["I ", "think"]
        assert deltas_of(streamed, "content") == ["He", "llo"]
        assert events_of(streamed)[-2]["choices"][0]["finish_reason"] == "length"

    def test_reasoning_is_counted(self, server: LocalOnlySq) -> None:
        server.reply(Reply.text("Hello", reasoning="x" * 40))
        usage = post(server, v2()).json()["usage"]
        assert usage["completion_tokens_details"] == {"reasoning_tokens": 10}
        assert usage["completion_tokens"] == 12
        assert usage["total_tokens"] == usage["prompt_tokens"] + 12

    def test_native_tool_calls(self, server: LocalOnlySq) -> None:
        server.reply(Reply.tool_calls([("get_weather", {"location": "Köln"}), ("x", '{"a": ')]))
        response = post(server, flat(tools=native(WEATHER)), OPENAI)
        message = message_of(response)
        assert message["content"] is None
        assert [c["function"] for c in message["tool_calls"]] == [
            {"name": "get_weather", "arguments": '{"location": "Köln"}'},
            {"name": "x", "arguments": '{"a": '},
        ]
        assert len({c["id"] for c in message["tool_calls"]}) == 2
        assert response.json()["choices"][0]["finish_reason"] == "tool_calls"

    def test_native_tool_calls_in_a_stream(self, server: LocalOnlySq) -> None:
        server.reply(Reply.tool_calls([("get_weather", {"location": "Köln"}), ("no_args", {})]))
        body = post(server, flat(tools=native(WEATHER), stream=True), OPENAI).content
        parts = [call for calls in deltas_of(body, "tool_calls") for call in calls]
        first = [part for part in parts if part["index"] == 0]
        assert first[0]["function"] == {"name": "get_weather", "arguments": ""}
        assert first[0]["type"] == "function"
        assert len(first) > 3
        assert all(set(part) == {"index", "function"} for part in first[1:])
        assert "".join(p["function"]["arguments"] for p in first) == '{"location": "Köln"}'
        second = [part for part in parts if part["index"] == 1]
        assert "".join(p["function"]["arguments"] for p in second) == "{}"
        assert events_of(body)[-2]["choices"][0]["finish_reason"] == "tool_calls"

    def test_prompted_tool_calls(self, server: LocalOnlySq) -> None:
        calls: list[tuple[str, dict[str, Any] | str]] = [("add", {"a": 1}), ("x", '{"a": ')]
        server.reply(Reply.tool_calls(calls, text="Wait."), Reply.tool_calls(calls))
        response = post(server, v2())
        written = (
            '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>\n'
            '<tool_call>{"name": "x", "arguments": {"a": }</tool_call>'
        )
        assert content_of(response) == f"Wait.\n{written}"
        assert response.json()["choices"][0]["finish_reason"] == "stop"
        body = post(server, v2(stream=True)).content
        assert "".join(deltas_of(body, "content")) == written

    def test_bodies_can_be_changed(self) -> None:
        assert completion("Hi", error="x", choices=[])["choices"] == []
        assert completion("Hi", error="x")["error"] == "x"
        assert completion(None, usage=None)["usage"] is None
        assert completion("Hi", tool_calls=[CALL])["choices"][0]["message"]["tool_calls"] == [CALL]
        assert chunk({"role": None, "content": None})["choices"][0]["delta"]["role"] is None
        assert chunk(None, usage={"total_tokens": 3})["choices"] == []

    def test_given_objects_stay_as_they_are(self) -> None:
        given = {"content": "x"}
        before = copy.deepcopy(given)
        chunk(given)
        assert given == before


def ask(server: LocalOnlySq, *messages: dict[str, Any], **options: Any) -> Any:
    """The answer on openai: its text, or name and arguments of its calls."""
    message = message_of(post(server, flat(*messages, **options), OPENAI))
    calls = [c["function"] for c in message.get("tool_calls", ())]
    return [(c["name"], json.loads(c["arguments"])) for c in calls] or message["content"]


def ask_v2(server: LocalOnlySq, *messages: dict[str, Any], **options: Any) -> Any:
    """The answer on v2: its text, or name and arguments of the calls written in it."""
    text = content_of(post(server, v2(*messages, **options)))
    written = [part.partition("</tool_call>")[0] for part in text.split("<tool_call>")[1:]]
    return [(c["name"], c["arguments"]) for c in map(json.loads, written)] or text


class TestBuiltInModel:
    def test_it_repeats_what_was_said(self, server: LocalOnlySq) -> None:
        answer = {"role": "assistant", "content": "Hello"}
        assert ask_v2(server, USER, answer, user("And now?")) == "You said: And now?"

    @pytest.mark.parametrize("count", [1, 2])
    def test_it_counts_images(self, server: LocalOnlySq, count: int) -> None:
        content = [{"type": "text", "text": "Look"}, *[IMAGE] * count]
        answer = ask_v2(server, {"role": "user", "content": content})
        assert answer == f"I see {count} image{'s' * (count - 1)}. You said: Look"

    @pytest.mark.parametrize("stop", ["two", ["none", "two", "three"]])
    def test_it_keeps_to_stop(self, server: LocalOnlySq, stop: Any) -> None:
        assert ask_v2(server, user("one two three"), stop=stop) == "You said: one "

    def test_it_may_ignore_stop(self) -> None:
        with LocalOnlySq(ignores_stop=True) as server:
            assert ask(server, user("one two"), stop=["two"]) == "You said: one two"

    def test_it_keeps_to_max_tokens(self, server: LocalOnlySq) -> None:
        body = post(server, v2(user("one two three four"), max_tokens=3)).json()
        assert body["choices"][0]["finish_reason"] == "length"
        assert body["usage"]["completion_tokens"] == 3
        assert ask_v2(server, user("one"), max_tokens=100) == "You said: one"

    @pytest.mark.parametrize("choice", [None, "none"])
    def test_tools_are_not_called_unasked(self, server: LocalOnlySq, choice: str | None) -> None:
        options = {} if choice is None else {"tool_choice": choice}
        text = "What is the weather in Rome?"
        assert ask(server, user(text), tools=native(WEATHER), **options) == f"You said: {text}"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("What is the weather in San Francisco, CA?", [("get_weather", "San Francisco")]),
            ("Hello!", None),
            ("Use get_weather for 'the sea'.", [("get_weather", "the sea")]),
            ("Which location?", [("get_weather", "Which location?")]),
        ],
    )
    def test_fitting_tools_are_called(
        self, server: LocalOnlySq, text: str, expected: list[tuple[str, str]] | None
    ) -> None:
        wanted: Any = f"You said: {text}"
        if expected:
            wanted = [(name, {"location": location}) for name, location in expected]
        tools = native(WEATHER, ADDER)
        assert ask(server, user(text), tools=tools, tool_choice="auto") == wanted
        assert ask_v2(server, prompted(WEATHER, ADDER), user(text)) == wanted

    def test_named_tools_are_called_together(self, server: LocalOnlySq) -> None:
        text = "Call get_weather for Rome and my_adder_tool with 4 and -5."
        options = {"tools": native(WEATHER, ADDER), "tool_choice": "auto"}
        calls = [("get_weather", {"location": "Rome"}), ("my_adder_tool", {"a": 4, "b": -5})]
        assert ask(server, user(text), **options) == calls
        assert ask(server, user(text), parallel_tool_calls=False, **options) == calls[:1]
        assert ask_v2(server, prompted(WEATHER, ADDER), user(text)) == calls

    def test_forced_calls(self, server: LocalOnlySq) -> None:
        tools = native(WEATHER, ADDER)
        one = {"type": "function", "function": {"name": "my_adder_tool"}}
        assert ask(server, user("Hello!"), tools=tools, tool_choice="required") == [
            ("get_weather", {"location": "Hello!"})
        ]
        assert ask(server, user("Hello!"), tools=tools, tool_choice=one) == [
            ("my_adder_tool", {"a": 1, "b": 1})
        ]

    @pytest.mark.parametrize(
        ("line", "name"),
        [
            ("You must call a tool.", "get_weather"),
            ('You must call "my_adder_tool".', "my_adder_tool"),
            ('You must call the tool "my_adder_tool" now.', "my_adder_tool"),
        ],
    )
    def test_forced_prompted_calls(self, server: LocalOnlySq, line: str, name: str) -> None:
        ((called, _),) = ask_v2(server, prompted(WEATHER, ADDER, more=line), user("Hello!"))
        assert called == name

    def test_results_are_repeated(self, server: LocalOnlySq) -> None:
        question = user("What is the weather in Rome?")
        options = {"tools": native(WEATHER, ADDER), "tool_choice": "auto"}
        assert ask(server, question, ASKED, RESULT, **options) == "The tools say: sunny"
        assert ask(server, question, ASKED, RESULT, USER, **options) == "You said: Hi there"

    def test_prompted_results_are_repeated(self, server: LocalOnlySq) -> None:
        called = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'
        response = '<tool_response>{"name":"get_weather","id":"1","content":%s}</tool_response>'
        history = [prompted(WEATHER), user("What is the weather?")]
        history += [{"role": "assistant", "content": called}]
        assert ask_v2(server, *history, user(response % '"sunny"')) == "The tools say: sunny"
        assert ask_v2(server, *history, user(response % '{"t":3}')) == 'The tools say: {"t": 3}'
        merged = user(response % '"sunny"' + "\n\nThank you")
        assert ask_v2(server, *history, merged) == "You said: Thank you"

    def test_forced_tools_are_called_once_each(self, server: LocalOnlySq) -> None:
        options = {"tools": native(WEATHER, ADDER), "tool_choice": "required"}
        question = user("What is the weather in Rome?")
        other = tool_call("my_adder_tool", {}, call_id="c2")
        answered = [question, ASKED, RESULT]
        assert ask(server, *answered, **options) == [("my_adder_tool", {"a": 1, "b": 1})]
        answered += [ASKED | {"tool_calls": [other]}, RESULT | {"tool_call_id": "c2"}]
        assert ask(server, *answered, **options) == "The tools say: sunny; sunny"

    def test_it_answers_json_of_a_schema(self, server: LocalOnlySq) -> None:
        wanted = {"type": "json_schema", "json_schema": {"name": "Joke", "schema": JOKE}}
        question = user("Tell me a joke about 'cats' and 'dogs'.")
        expected = {"setup": "cats", "punchline": "dogs"}
        assert json.loads(ask(server, question, response_format=wanted)) == expected
        told = f"Answer so:\n<json_schema>\n{json.dumps(JOKE)}\n</json_schema>\n"
        system = {"role": "system", "content": told}
        assert json.loads(ask_v2(server, system, question)) == expected

    def test_it_answers_plain_json(self, server: LocalOnlySq) -> None:
        wanted = {"type": "json_object"}
        question = user("A joke as JSON with 'setup' and 'punchline' keys.")
        expected = {"setup": "setup", "punchline": "punchline"}
        assert json.loads(ask(server, question, response_format=wanted)) == expected
        assert json.loads(ask_v2(server, question)) == expected
        assert set(json.loads(ask(server, USER, response_format=wanted))) == {"answer"}

    def test_broken_descriptions_of_tools_are_ignored(self, server: LocalOnlySq) -> None:
        system = {"role": "system", "content": '<tools>\n{"name": \n[]\n</tools>'}
        assert ask_v2(server, system, user("weather")) == "You said: weather"


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({"type": "integer"}, 3),
            ({"type": "number"}, 3),
            ({"type": "integer", "minimum": 5}, 5),
            ({"type": "integer", "exclusiveMaximum": 2}, 1),
            ({"type": "string"}, "Ann"),
            ({"type": "string", "maxLength": 2}, "An"),
            ({"type": "string", "minLength": 5}, "Ann.."),
            ({"type": "string", "format": "date"}, "2026-01-31"),
            ({"type": ["null", "string"]}, "Ann"),
            ({"type": "boolean"}, True),
            ({"type": "null"}, None),
            ({"const": 7}, 7),
            ({"enum": ["x", "apples"]}, "apples"),
            ({"enum": [4, 5]}, 4),
            ({"type": "string", "default": "d"}, "d"),
            ({}, "Ann"),
            ({"type": "object"}, {}),
            ({"items": {"type": "integer"}}, [3, 4]),
            ({"type": "array", "items": {"type": "number"}, "maxItems": 1}, [3]),
            ({"type": "array", "items": {"type": "string"}}, ["Ann"]),
            ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
            ({"type": "array", "prefixItems": [{"type": "number"}, {"const": 1}]}, [3, 1]),
            ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 3),
            ({"anyOf": [{"type": "string"}], "default": None}, None),
            ({"$ref": "#/$defs/A", "$defs": {"A": {"const": "a"}}}, "a"),
            ({"properties": {"a": {"default": 1}, "b": {"const": 2}}}, {"b": 2}),
            ({"properties": {"a": {"default": 1}}, "required": ["a"]}, {"a": 1}),
        ],
    )
    def test_values_fit(self, schema: dict[str, Any], expected: object) -> None:
        assert fill(schema, "Give 3 apples and 4.5 pears to Ann") == expected

    def test_circular_references_end(self) -> None:
        assert fill({"$ref": "#"}, "word") == "word"

    def test_recursive_schemas_end(self) -> None:
        node = {
            "type": "object",
            "properties": {
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "all": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["next", "all"],
        }
        value = fill({"$ref": "#/$defs/Node", "$defs": {"Node": node}}, "")
        depth = 0
        while value["next"] is not None:
            value, depth = value["next"], depth + 1
        assert depth > 1
        assert value["all"] == []

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("Create a customer named '你好啊集团' (Hello Group)", "你好啊集团"),
            ("Using the tool, generate a Pirate greeting.", "Pirate"),
            ("It's Ann's cat.", "Ann"),
            ("Какая погода в Нижнем Новгороде?", "Нижнем Новгороде"),
            ("nothing here", "nothing here"),
        ],
    )
    def test_words_are_found(self, text: str, word: str) -> None:
        assert fill({"type": "string"}, text) == word
