"""What a client of our own sends is what its library would have made of it, in less time."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.request.prepared import PreparedRequest
from langchain_onlysq.testing import LocalOnlySq, completion
from langchain_onlysq.transport.flow import Send
from langchain_onlysq.transport.leases import Lease
from langchain_onlysq.transport.library_requests import build_request
from tests.support.four_ways import WAYS, run

pytestmark = pytest.mark.sockets

URL = "http://127.0.0.1:8/ai/v2?a=b"
HEADERS = {"authorization": "Bearer k", "user-agent": "us", "accept": "*/*", "x-more": "1, 2"}


@pytest.fixture(params=["Client", "AsyncClient"])
def client(request: pytest.FixtureRequest, library: Any) -> Any:
    return getattr(library, request.param)(headers={"x-of-the-client": "yes"})


def sent(headers: dict[str, str] = HEADERS, body: bytes | None = b"{}", url: str = URL) -> Send:
    return Send(PreparedRequest(url, headers, body), (1.0, 2.0, 3.0, None), ErrorContext())


def parts(request: Any) -> tuple[Any, ...]:
    body = b"".join(request.stream)
    return request.method, str(request.url), request.headers.raw, body, request.extensions


def built_by(client: Any, effect: Send) -> Any:
    timeout = {"connect": 1.0, "read": 2.0, "write": 3.0, "pool": None}
    request = effect.request
    return client.build_request(
        "GET" if request.body is None else "POST",
        request.url,
        headers=request.headers,
        content=request.body,
        extensions={"timeout": timeout, "trace": print},
    )


@pytest.mark.parametrize("settings", ["ours", None])
def test_it_is_what_the_library_builds(client: Any, settings: Any) -> None:
    lease = Lease(client, settings)
    others = {**HEADERS, "authorization": "Bearer other"}
    effects = [
        sent(),
        sent(body=b'{"longer": "body"}'),
        sent(others),
        sent(url="http://127.0.0.1:9/elsewhere"),
        sent(body=None),
        sent({**HEADERS, "transfer-encoding": "chunked"}),
        sent({**HEADERS, "content-length": "3"}),
        *(sent({**HEADERS, "x-more": str(number)}) for number in range(40)),
        sent(),
    ]
    for effect in effects:
        assert parts(build_request(lease, effect, print)) == parts(built_by(client, effect))


def test_one_request_does_not_change_the_next(client: Any) -> None:
    lease = Lease(client, "ours")
    first = build_request(lease, sent(), print)
    first.headers["x-more"] = "changed"
    first.extensions.clear()
    assert parts(build_request(lease, sent(), print)) == parts(built_by(client, sent()))


def test_few_headers_are_kept(client: Any) -> None:
    lease = Lease(client, "ours")
    for number in range(100):
        build_request(lease, sent({**HEADERS, "x-more": str(number)}), print)
    assert 0 < len(lease.heads) <= 16


@pytest.mark.parametrize("way", WAYS)
def test_a_response_of_a_callers_client_may_know_of_no_request(
    way: str, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: Any, **__: Any) -> Any:
        return library.Response(200, json=completion("Hi"))

    async def aanswer(*_: Any, **__: Any) -> Any:
        return answer()

    client, async_client = library.Client(), library.AsyncClient()
    monkeypatch.setattr(client, "send", answer)
    monkeypatch.setattr(async_client, "send", aanswer)
    llm = ChatOnlySq(model="m", http_client=client, http_async_client=async_client)
    assert run(way, llm).answer.content == "Hi"


def test_what_a_caller_traces_is_traced_to_the_end(library: Any, server: LocalOnlySq) -> None:
    events: list[str] = []

    def watch(request: Any) -> None:
        ours = request.extensions["trace"]

        def trace(event: str, info: dict[str, Any]) -> None:
            events.append(event)
            ours(event, info)

        request.extensions["trace"] = trace

    client = library.Client(event_hooks={"request": [watch]})
    ChatOnlySq(model="m", base_url=server.base_url, http_client=client).invoke("Hi")
    client.close()
    assert "http11.response_closed.complete" in events
