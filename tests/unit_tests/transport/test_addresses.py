"""What cannot be looked up, connected to or sent is an error of ours in all ways of calling."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from langchain_onlysq import ChatOnlySq, OnlySqConnectionError, OnlySqInvalidRequestError
from langchain_onlysq.settings.service import normalize_base_url
from langchain_onlysq.testing import LocalOnlySq, Reply, completion
from tests.support.four_ways import WAYS, run

pytestmark = pytest.mark.sockets

COOKIE = "n=\u00e9; Path=/".encode()


@pytest.mark.parametrize("base_url", ["http://[::1]:9/ai", "http://a.b./ai", "http://a_b/ai"])
def test_addresses_that_are_unusual_are_taken(base_url: str) -> None:
    assert normalize_base_url(base_url) == base_url


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "proxy",
    ["http://127.0.0.1:99999", f"http://{'a' * 64}.com:1", "http://a..b:1", "http://xn--a:1"],
)
def test_a_proxy_that_cannot_be_looked_up(proxy: str, way: str) -> None:
    llm = ChatOnlySq(model="m", base_url="http://onlysq.invalid/ai", proxy=proxy, max_retries=0)
    with llm:
        assert isinstance(run(way, llm).failure, OnlySqConnectionError)


def answer_with_cookie() -> Reply:
    body = httpx.Response(200, json=completion("all")).content
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nSet-Cookie: " % len(body)
    return Reply.raw(head + COOKIE + b"\r\n\r\n" + body)


@pytest.mark.parametrize("way", WAYS)
def test_cookies_are_not_kept(way: str, server: LocalOnlySq) -> None:
    with ChatOnlySq(model="m", base_url=server.base_url) as llm:
        for reply in (answer_with_cookie(), answer_with_cookie(), "again"):
            server.reply(reply)
            assert run(way, llm).answer.content in ("all", "again")
    assert ["cookie" in request.headers for request in server.requests] == [False] * 3


@pytest.mark.parametrize("way", WAYS)
def test_a_callers_client_that_keeps_them_fails_with_an_error_of_ours(
    way: str, server: LocalOnlySq
) -> None:
    fields: dict[str, Any] = {"model": "m", "base_url": server.base_url}
    server.reply(answer_with_cookie())
    sync, other = httpx.Client(), httpx.AsyncClient()
    llm = ChatOnlySq(**fields, http_client=sync, http_async_client=other)
    for client in (sync, other):
        client.cookies.set("n", "\u00e9", domain="127.0.0.1")
    failure = run(way, llm).failure
    assert isinstance(failure, OnlySqInvalidRequestError)
    assert "cookies" in str(failure)
    sync.close()
    asyncio.run(other.aclose())
