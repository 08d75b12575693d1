"""Talks to the local server: bodies that it takes, and ways to send them."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from langchain_onlysq.testing import Headers, LocalOnlySq, Request, tool_call
from langchain_onlysq.testing.service import Service

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
CALL = tool_call("get_weather", {"location": "Rome"}, call_id="c1")
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}


def v2(*messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A minimal body for v2."""
    return {"model": "m", "request": {"messages": list(messages or (USER,)), **options}}


def flat(*messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A minimal body for the openai endpoint."""
    return {"model": "m", "messages": list(messages or (USER,)), **options}


def native(*tools: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "function", "function": tool} for tool in tools]


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


def request_of(
    body: Any, path: str = V2, headers: Mapping[str, str | None] | None = None
) -> Request:
    """A request as the server would receive it; a header that is None is left out."""
    given = {**KEY, "Content-Type": "application/json", **(headers or {})}
    sent = Headers((name, value) for name, value in given.items() if value is not None)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", path, sent, content)


def answered(body: Any, path: str = V2, **options: bool) -> dict[str, Any]:
    """The body of the answer to a request, without any socket."""
    defaults: dict[str, Any] = {"strict": True, "native_tools_on_v2": False, "ignores_stop": False}
    service = Service(**{**defaults, **options})
    reply = service.answer(request_of(body, path))
    assert isinstance(reply.body, bytes)
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def message_in(answer: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = answer["choices"][0]["message"]
    return message


def message_of(response: httpx.Response) -> dict[str, Any]:
    return message_in(response.json())


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
