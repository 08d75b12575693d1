"""A second answer that nobody asked for is no answer to the next request."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq, completion
from tests.support.raw_server import handling, http_answer, read_request

if TYPE_CHECKING:
    import socket
    from types import ModuleType

pytestmark = pytest.mark.sockets

WAYS = ["invoke", "stream", "ainvoke", "astream"]


def answers(number: int) -> list[bytes]:
    """Write two answers to one request."""
    texts = (f"answer {number}", "Somebody else's.")
    return [http_answer(json.dumps(completion(text)).encode()) for text in texts]


def answer_twice(connection: socket.socket) -> None:
    number = 0
    while read_request(connection):
        number += 1
        connection.sendall(b"".join(answers(number)))


def ask_twice(way: str, library: ModuleType, base_url: str, **options: Any) -> list[str]:
    if way.startswith("a"):
        return asyncio.run(aask_twice(way, library, base_url, options))
    with library.Client(**options) as client:
        llm = ChatOnlySq(model="m", base_url=base_url, max_retries=0, http_client=client)
        if way == "invoke":
            return [str(llm.invoke("Hi").content) for _ in range(2)]
        return ["".join(chunk.text for chunk in llm.stream("Hi")) for _ in range(2)]


async def aask_twice(
    way: str, library: ModuleType, base_url: str, options: dict[str, Any]
) -> list[str]:
    async with library.AsyncClient(**options) as client:
        llm = ChatOnlySq(model="m", base_url=base_url, max_retries=0, http_async_client=client)
        if way == "ainvoke":
            return [str((await llm.ainvoke("Hi")).content) for _ in range(2)]
        return ["".join([chunk.text async for chunk in llm.astream("Hi")]) for _ in range(2)]


@pytest.mark.parametrize("way", WAYS)
def test_over_plain_http(library: ModuleType, way: str) -> None:
    with handling(answer_twice) as address:
        # Each answer is the first one of its connection.
        assert ask_twice(way, library, f"http://{address}/ai") == ["answer 1", "answer 1"]


def encrypt_together(context: ssl.SSLContext, connection: socket.socket) -> None:
    """Answer behind TLS: each time in two records, which are sent, and arrive, as one."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    received, number = b"", 0
    while data := connection.recv(65536):
        incoming.write(data)
        with suppress(ssl.SSLWantReadError):
            tls.do_handshake()
            while True:
                received += tls.read(65536)
        if received.endswith(b"}"):
            received, number = b"", number + 1
            for answer in answers(number):
                tls.write(answer)
        connection.sendall(outgoing.read())


@pytest.mark.parametrize("way", WAYS)
def test_behind_tls(library: ModuleType, way: str) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with handling(lambda connection: encrypt_together(context, connection)) as address:
        found = ask_twice(way, library, f"https://{address}/ai", verify=trusting)
        assert found == ["answer 1", "answer 1"]


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_without_any_is_kept(
    library: ModuleType, way: str, server: LocalOnlySq
) -> None:
    ask_twice(way, library, server.base_url)
    assert server.connections_seen == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_body_of_a_callers_own_has_none(way: str) -> None:
    body = json.dumps(completion("Hi")).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(body)))
    assert ask_twice(way, httpx, "http://localhost/ai", transport=transport) == ["Hi", "Hi"]
