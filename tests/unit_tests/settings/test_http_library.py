"""httpx and httpx2: which one is chosen, and that the objects of both are taken."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from langchain_onlysq import (
    ChatOnlySq,
    OnlySqConnectionError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqNotFoundError,
    OnlySqStreamError,
    OnlySqTimeoutError,
    alist_models,
    list_models,
)
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.request.prepared import PreparedRequest
from langchain_onlysq.settings.http_library import http, kinds_of, own_proxy
from langchain_onlysq.testing import LocalOnlySq
from langchain_onlysq.transport.flow import Send
from langchain_onlysq.transport.network_errors import error_from_network, is_network_error

HAS_HTTPX2 = find_spec("httpx2") is not None


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


def loaded_after(statement: str, *, without: str = "") -> set[str]:
    block = f"sys.modules[{without!r}] = None;" if without else ""
    code = f"import sys;{block}{statement};print(*(n for n in sys.modules if sys.modules[n]))"
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {"httpx", "httpx2"} & set(result.stdout.split())


class TestChoice:
    def test_httpx2_is_chosen_where_it_is_installed(self) -> None:
        assert http().__name__ == ("httpx2" if HAS_HTTPX2 else "httpx")

    def test_httpx_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "httpx2", None)
        http.cache_clear()
        try:
            assert http() is httpx
        finally:
            http.cache_clear()

    @pytest.mark.processes
    def test_importing_loads_neither(self) -> None:
        core = loaded_after("import langchain_core.language_models.chat_models")
        assert loaded_after("from langchain_onlysq import *") == core

    @pytest.mark.processes
    def test_a_call_loads_one_at_most(self) -> None:
        core = loaded_after("import langchain_core.language_models.chat_models")
        call = (
            "from langchain_onlysq import ChatOnlySq;"
            "ChatOnlySq(model='m')._clients.lease(__import__('langchain_onlysq.transport.clients',"
            "fromlist=['_']).ClientSettings())"
        )
        assert loaded_after(call) == core | {http().__name__}
        assert loaded_after(call, without="httpx2") == (core | {"httpx"}) - {"httpx2"} or HAS_HTTPX2


class TestObjects:
    def test_a_client_answers(self, library: Any, server: LocalOnlySq) -> None:
        with library.Client() as client:
            llm = ChatOnlySq(model="m", base_url=server.base_url, http_client=client)
            assert llm.invoke("Hi").content == "You said: Hi"
            assert "".join(chunk.text for chunk in llm.stream("Hi")) == "You said: Hi"
            llm.close()
            assert not client.is_closed
            assert list_models(base_url=server.base_url, http_client=client)
        assert server.connections_seen == 1

    async def test_an_async_client_answers(self, library: Any, server: LocalOnlySq) -> None:
        async with library.AsyncClient() as client:
            llm = ChatOnlySq(model="m", base_url=server.base_url, http_async_client=client)
            assert (await llm.ainvoke("Hi")).content == "You said: Hi"
            assert [chunk async for chunk in llm.astream("Hi")]
            await llm.aclose()
            assert not client.is_closed
            assert await alist_models(base_url=server.base_url, http_client=client)
        assert server.connections_seen == 1

    def test_a_hook_may_have_read_the_body(self, library: Any, server: LocalOnlySq) -> None:
        hooks = {"response": [lambda response: response.read()]}
        with library.Client(event_hooks=hooks) as client:
            llm = ChatOnlySq(model="m", base_url=server.base_url, http_client=client)
            assert "".join(chunk.text for chunk in llm.stream("Hi")) == "You said: Hi"

    def test_a_client_of_the_wrong_kind_is_refused_with_a_reason(self, library: Any) -> None:
        async_client: Any = library.AsyncClient()
        with library.Client() as client:
            for name, given, other in (
                ("http_client", async_client, "http_async_client"),
                ("http_async_client", client, "http_client"),
            ):
                with pytest.raises(ValidationError, match=f"pass it as {other}"):
                    ChatOnlySq(model="m", **{name: given})
        asyncio.run(async_client.aclose())

    def test_what_is_not_a_client_is_refused(self) -> None:
        wrong: Any = "http://localhost"
        with pytest.raises(ValidationError, match=r"http_client takes an httpx.Client .*, not str"):
            ChatOnlySq(model="m", http_client=wrong)

    def test_a_timeout_becomes_a_tuple(self, library: Any) -> None:
        llm = ChatOnlySq(model="m", timeout=library.Timeout(7, connect=1, pool=None))
        assert llm.timeout == (1.0, 7.0, 7.0, None)
        llm.timeout = library.Timeout(3)
        assert llm.timeouts == (3.0, 3.0, 3.0, 3.0)

    def test_a_proxy_is_used(self, library: Any, server: LocalOnlySq) -> None:
        address = server.base_url.removesuffix("/ai")
        for proxy in (address, library.URL(address), library.Proxy(address, auth=("me", "pass"))):
            llm = ChatOnlySq(model="m", base_url="http://onlysq.invalid/ai", proxy=proxy)
            with llm, pytest.raises(OnlySqNotFoundError):
                llm.invoke("Hi")
        assert [request.headers["host"] for request in server.requests] == ["onlysq.invalid"] * 3
        assert server.requests[-1].headers["proxy-authorization"].startswith("Basic ")

    def test_an_address_is_one_for_both(self, library: Any) -> None:
        assert own_proxy(library.URL("http://proxy:1")) == "http://proxy:1"

    def test_a_proxy_keeps_what_it_says(self, library: Any) -> None:
        given = library.Proxy("http://proxy:1", auth=("me", "pass"), headers={"x-team": "a"})
        proxy = own_proxy(given)
        assert type(proxy) is http().Proxy
        assert (str(proxy.url), proxy.raw_auth) == ("http://proxy:1", (b"me", b"pass"))
        assert proxy.headers["x-team"] == "a"
        assert own_proxy(None) is None


SENT = Send(PreparedRequest("http://x", {}, b"", "m"), (1.0, 2.0, 3.0, 4.0), ErrorContext())
FAILURES: list[tuple[str, bool, type[OnlySqError], str | None]] = [
    ("ConnectError", False, OnlySqConnectionError, None),
    ("ProxyError", False, OnlySqConnectionError, None),
    ("RemoteProtocolError", False, OnlySqConnectionError, None),
    ("ReadError", True, OnlySqStreamError, None),
    ("ConnectTimeout", False, OnlySqTimeoutError, "connect_timeout"),
    ("ReadTimeout", True, OnlySqTimeoutError, "read_timeout"),
    ("WriteTimeout", False, OnlySqTimeoutError, "write_timeout"),
    ("PoolTimeout", False, OnlySqTimeoutError, "pool_timeout"),
    ("TimeoutException", False, OnlySqTimeoutError, "timeout"),
    ("LocalProtocolError", False, OnlySqInvalidRequestError, None),
    ("UnsupportedProtocol", False, OnlySqInvalidRequestError, None),
    ("InvalidURL", False, OnlySqInvalidRequestError, None),
]


class TestExceptions:
    @pytest.mark.parametrize(("name", "answered", "kind", "code"), FAILURES)
    def test_both_become_the_same_classes(
        self, name: str, *, answered: bool, kind: type[OnlySqError], code: str | None, library: Any
    ) -> None:
        error = getattr(library, name)("it broke")
        assert is_network_error(error)
        failure = error_from_network(error, SENT, answered=answered)
        assert type(failure) is kind
        assert (failure.code, failure.model) == (code, "m")
        quotes = name in {"LocalProtocolError", "InvalidURL"}
        cause = failure.__cause__
        assert cause is None if quotes else (type(cause), str(cause)) == (type(error), "it broke")

    def test_an_error_of_somebody_else_is_left_alone(self) -> None:
        assert not is_network_error(KeyError("a hook of the caller's"))
        assert is_network_error(LookupError("unknown encoding: idna"))

    def test_a_subclass_counts_as_what_it_is(self, library: Any) -> None:
        mine = type("Mine", (library.ConnectError,), {})
        assert "ConnectError" in kinds_of(mine("x"))


def test_a_hook_that_raises_is_heard(server: LocalOnlySq) -> None:
    def refuse(request: Any) -> None:
        raise KeyError(request.method)

    with httpx.Client(event_hooks={"request": [refuse]}) as client:
        llm = ChatOnlySq(model="m", base_url=server.base_url, http_client=client)
        with pytest.raises(KeyError, match="POST"):
            llm.invoke("Hi")
