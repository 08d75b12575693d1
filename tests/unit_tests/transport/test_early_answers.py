"""A server may answer before it has read the whole request, and close the connection then."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from langchain_onlysq import ChatOnlySq, OnlySqInvalidRequestError, OnlySqTimeoutError
from langchain_onlysq.testing import LocalOnlySq, completion
from langchain_onlysq.transport.early_answers import keep_early_answers
from tests.support.four_ways import WAYS, run
from tests.support.raw_server import handling, http_answer

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.sockets

LARGE = "x" * 8_000_000
REFUSAL = http_answer(b'{"error": {"message": "too large"}}', status=b"413 Too Large")


def model(address: str, scheme: str = "http", **fields: Any) -> ChatOnlySq:
    return ChatOnlySq(model="m", base_url=f"{scheme}://{address}/ai", max_retries=0, **fields)


def read_a_part(connection: socket.socket) -> None:
    missing = 1 << 17
    while missing > 0 and (piece := connection.recv(65536)):
        missing -= len(piece)


def refuse(connection: socket.socket) -> None:
    read_a_part(connection)
    # What is unread by then makes the system reset the connection.
    connection.sendall(REFUSAL)


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_is_read(way: str) -> None:
    with handling(refuse) as address, model(address) as llm:
        error = run(way, llm, LARGE).failure
    assert isinstance(error, OnlySqInvalidRequestError)
    assert error.status_code == 413


def test_a_refusal_is_read_with_a_client_of_either_library(library: ModuleType) -> None:
    async def ask(address: str) -> OnlySqInvalidRequestError:
        async with library.AsyncClient() as client:
            with pytest.raises(OnlySqInvalidRequestError) as caught:
                await model(address, http_async_client=client).ainvoke(LARGE)
            return caught.value

    with handling(refuse) as address:
        assert asyncio.run(ask(address)).status_code == 413


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
def test_a_refusal_is_read_behind_tls(way: str) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            refuse(tls)

    with handling(handle) as address, model(address, "https", verify=trusting) as llm:
        error = run(way, llm, LARGE).failure
    assert error.status_code == 413


@pytest.mark.parametrize("way", WAYS)
def test_a_long_answer_that_comes_early_is_read_to_its_end(way: str) -> None:
    answer = http_answer(json.dumps(completion("y" * 900_000)).encode())

    def handle(connection: socket.socket) -> None:
        read_a_part(connection)
        connection.sendall(answer)
        while connection.recv(65536):
            pass

    with handling(handle) as address, model(address) as llm:
        assert run(way, llm, LARGE).answer.content == "y" * 900_000


class Stream:
    """A stream whose other end says all that it has to say before it reads on."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self, _: int) -> bytes:
        await asyncio.sleep(0)
        return self.pieces.pop(0) if self.pieces else b""

    async def write(self, _: bytes, __: float | None) -> None:
        for _turn in range(20):
            await asyncio.sleep(0)


def test_what_came_early_is_read_in_pieces_of_any_size() -> None:
    async def send() -> list[bytes]:
        stream: Any = Stream(b"abc", b"defg")
        keep_early_answers(stream)
        await stream.write(b"x" * 100_000)
        stream.pieces.append(b"h")
        return [await stream.read(size) for size in (2, 4, 9, 9, 9)]

    assert asyncio.run(send()) == [b"ab", b"cdef", b"g", b"h", b""]


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_is_read_to_its_end_is_answered_as_ever(
    way: str, server: LocalOnlySq
) -> None:
    server.reply("one", "two")
    with ChatOnlySq(model="m", base_url=server.base_url) as llm:
        assert [run(way, llm, LARGE).answer.content for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_only_talks_is_not_listened_to_without_end(way: str) -> None:
    def handle(connection: socket.socket) -> None:
        read_a_part(connection)
        connection.settimeout(5)
        while True:
            connection.sendall(b"x" * 65536)

    with handling(handle) as address, model(address, timeout=(5, 5, 0.3, 5)) as llm:
        error = run(way, llm, LARGE).failure
    assert isinstance(error, OnlySqTimeoutError)
    assert error.code == "write_timeout"


@pytest.mark.parametrize(
    "stream", [object(), type("NoRead", (), {"write": None, "__slots__": ()})()]
)
def test_a_stream_that_cannot_be_changed_is_left_alone(stream: object) -> None:
    keep_early_answers(stream)
    assert not hasattr(stream, "__dict__")
