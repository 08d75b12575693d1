"""Nothing secret shows anywhere, whatever goes wrong."""

from __future__ import annotations

import logging
import pickle
from base64 import b64encode
from functools import partial
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from pydantic import ValidationError

from langchain_onlysq import ChatOnlySq, OnlySqInvalidRequestError
from langchain_onlysq.testing import Close, Hold, LocalOnlySq, Reply, Reset, chunk, completion
from tests.support.four_ways import WAYS, run
from tests.support.tracebacks import everything_about

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("short_waits")]

KEY = "sq-canary-of-the-key-0123456789"
HEADER = "canary-of-a-header"
PROXY = "canary-of-the-proxy"
CANARIES = (KEY, HEADER, PROXY)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENTITIES = "".join(f"&#{ord(char)};" for char in KEY)


class Everything(BaseCallbackHandler):
    """Keeps the text of whatever a callback is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def hear(*args: Any, **kwargs: Any) -> None:
            self.heard.append(f"{name}{args!r}{kwargs!r}")
            for told in args:
                error = getattr(getattr(told, "outcome", None), "_exception", told)
                if isinstance(error, BaseException):
                    self.heard.append(everything_about(error))

        return hear


def found(text: str) -> list[str]:
    """The canaries of which at least the beginning stands in a text, in whatever letters."""
    text = text.lower()
    return [canary for canary in CANARIES if canary[:14].lower() in text]


FAULTS: dict[str, Any] = {
    "fine": completion("fine"),
    "401 that quotes a header": Reply.error(401, f"Invalid team {HEADER}"),
    "200 that quotes a header": {"error": {"message": f"bad team {HEADER}"}},
    "401 that quotes the key": Reply.error(401, f"Invalid key {KEY}", code=KEY),
    "plain text that quotes the key": Reply(403, body=f"no {KEY}".encode()),
    "200 that quotes the key": {"error": {"message": f"bad {KEY}", "type": KEY}},
    "html that quotes the key": f"<html>{KEY}</html>".encode(),
    "finish error that quotes the key": completion(KEY, finish_reason="error"),
    "bad json that quotes the key": f"data: {{{KEY}\n\n".encode(),
    "reset": Reply(body=[Reset()]),
    "closed": Reply(body=[Close()]),
    "silence": Reply(body=[Hold()]),
    "broken stream": Reply.stream([chunk("half"), Reset()], done=False),
    "redirect": Reply.redirect(301, "https://example.org/"),
    "redirect that quotes both": Reply.redirect(302, f"/login?key={KEY}&team={HEADER}"),
    "status line that quotes the key": Reply.raw(f"HTTP/1.1 2x0 {KEY}\r\n\r\n".encode(), Close()),
    "header that quotes the key": Reply.raw(f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode(), Close()),
    "length that quotes the key": Reply.raw(
        f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n".encode(), Close()
    ),
    "frame that quotes the key": Reply.raw(CHUNKED + f"{KEY}\r\n".encode(), Close()),
    "trailer that quotes a header": Reply.raw(CHUNKED + f"0\r\n{HEADER}\r\n\r\n".encode(), Close()),
    "html that hides the key": Reply(401, body=f"<html>{ENTITIES}</html>".encode()),
    "json that hides the key": Reply.error(401, f"<b>{ENTITIES}</b>"),
    "200 that hides the key": f"<html>{ENTITIES}</html>".encode(),
    "401 that ends in the key": Reply(401, body=f"bad {KEY[:-1]}".encode()),
    "200 that ends in the key": Reply(body=f"bad {KEY[:-1]}".encode()),
    "401 in capitals": Reply.error(401, f"bad {KEY.upper()}"),
    "401 that quotes the key as a URL does": Reply.error(401, f"bad {HEADER.replace('-', '%2d')}"),
    "keys that are cut": {"a" * 105: 1, KEY: 2},
    "broken gzip": Reply(headers={"Content-Encoding": "gzip"}, body=b"no gzip"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_no_canary_is_found(
    fault: Any, way: str, server: LocalOnlySq, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(fault, fault)
    callbacks = Everything()
    llm = ChatOnlySq(
        model="m",
        base_url=server.base_url,
        api_key=KEY,
        default_headers={"x-canary": HEADER},
        max_retries=1,
        timeout=(5, 0.3, 5, 5),
        callbacks=[callbacks],
    )
    with caplog.at_level(logging.DEBUG), llm:
        outcome = run(way, llm)
    assert callbacks.heard
    # What came is logged by the HTTP library itself, at DEBUG.
    sent = [r.getMessage() for r in caplog.records if "receive_response" not in r.getMessage()]
    told = [*callbacks.heard, *sent, dumps(llm), repr(llm), llm._get_llm_string()]
    if outcome.error:
        told += [everything_about(outcome.error)]
        assert found(pickle.dumps(outcome.error).decode("latin-1")) == []
    else:
        assert outcome.answer.content == "fine"
    assert found("\n".join(told)) == []
    assert server.requests[0].headers["x-canary"] == HEADER
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("way", WAYS)
def test_the_proxys_password_is_not_shown(way: str, caplog: pytest.LogCaptureFixture) -> None:
    for proxy in (f"http://user:{PROXY}@127.0.0.1:9", f"nonsense://user:{PROXY}@host"):
        llm = ChatOnlySq(
            model="m", base_url="http://onlysq.invalid/ai", proxy=proxy, max_retries=0, api_key=KEY
        )
        with caplog.at_level(logging.DEBUG):
            error = run(way, llm).failure
        assert found(everything_about(error) + caplog.text + repr(llm) + dumps(llm)) == []


PROXY_FAULTS = {
    "a page": Reply(407, body=f"bad password {PROXY}".encode()),
    "a page with the header": Reply(407, body=b64encode(f"user:{PROXY}".encode())),
    "a reason": Reply.raw(f"HTTP/1.1 500 {PROXY}\r\ncontent-length: 0\r\n\r\n".encode()),
    "a broken head": Reply.raw(f"HTTP/1.1 200 OK\r\n{PROXY}\r\n\r\n".encode(), Close()),
    "a redirect": Reply.redirect(302, f"http://user:{PROXY}@elsewhere.invalid/"),
}


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("named_by", ["argument", "object", "variable"])
@pytest.mark.parametrize("name", PROXY_FAULTS)
def test_the_proxys_password_is_not_quoted(
    name: str, named_by: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalOnlySq(PROXY_FAULTS[name], strict=False) as proxy:
        at = proxy.base_url.removeprefix("http://").removesuffix("/ai")
        url = f"http://user:{PROXY}@{at}"
        given = {"argument": url, "object": httpx.Proxy(url), "variable": None}[named_by]
        if given is None:
            monkeypatch.setenv("HTTP_PROXY", url)
        fields: dict[str, Any] = {"proxy": given, "max_retries": 0}
        with ChatOnlySq(model="m", base_url="http://onlysq.invalid/ai", **fields) as llm:
            error = run(way, llm).failure
        assert len(proxy.requests) == 1
    told = everything_about(error)
    assert PROXY not in told
    assert b64encode(f"user:{PROXY}".encode()).decode() not in told


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_that_is_a_number_is_not_quoted(way: str, server: LocalOnlySq) -> None:
    number = 4_815_162_342_108
    for reply in ({"error": {"message": "no", "key": number}}, Reply.json({"detail": number}, 401)):
        server.reply(reply)
        llm = ChatOnlySq(model="m", base_url=server.base_url, api_key=str(number), max_retries=0)
        with llm:
            error = run(way, llm).failure
        assert str(number) not in everything_about(error)
        assert "***" in str(error.body)


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": KEY + "\n"},
        {"onlysq_api_key": KEY + " "},
        {"api_key": KEY, "temprature": 1},
        {"api_key": KEY, "temperature": "hot"},
        {"api_key": KEY, "default_headers": {"x": HEADER + "\n"}},
        {"api_key": KEY, "default_headers": {"bad name": HEADER}},
        {"api_key": KEY, "proxy": f"http://u:{PROXY}@h", "endpoint": "v3"},
        {"base_url": f"https://user:{KEY}@host/ai"},
        {"base_url": httpx.URL(f"https://user:{KEY}@host/ai")},
        {"api_key": [KEY]},
        {"api_key": KEY.encode(), "temprature": 1},
        {"apikey": KEY},
        {"headers": {"authorization": KEY}},
        {"default_headers": MappingProxyType({"x": HEADER}), "temprature": 1},
        {"default_headers": [("x", HEADER)]},
        {"default_headers": {"x": HEADER.encode()}, "temprature": 1},
        {"proxy": {"http": f"http://u:{PROXY}@h"}, "temprature": 1},
        {"proxy": httpx.URL(f"http://u:{PROXY}@h"), "temprature": 1},
        {"proxy": f"http://u:{PROXY}@h".encode(), "temprature": 1},
    ],
    ids=str,
)
def test_a_refused_construction_shows_no_canary(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as info:
        ChatOnlySq(model="m", **fields)
    assert found(everything_about(info.value) + repr(info.value.errors())) == []


def test_what_a_client_of_the_users_cannot_send_is_not_quoted(server: LocalOnlySq) -> None:
    with httpx.Client() as client:
        client.headers = httpx.Headers([(b"x-canary", f"{HEADER}\n".encode())])
        error = run("invoke", ChatOnlySq(model="m", base_url=server.base_url, http_client=client))
    assert found(everything_about(error.failure)) == []


KEYWORDS: dict[str, Any] = {
    "api_key": KEY,
    "onlysq_api_key": KEY,
    "apikey": KEY,
    "openai_api_key": KEY,
    "authorization": KEY,
    "default_headers": {"x": HEADER},
    "headers": {"x": HEADER},
    "extra_headers": {"x": HEADER},
    "proxy": f"http://user:{PROXY}@host",
    "base_url": f"http://user:{PROXY}@host",
    "http_client": KEY,
}


async def ask(way: str, llm: Any, config: Any, **keywords: Any) -> None:
    if way == "v3":
        list(llm.stream_events("Hi", config, version="v3", **keywords))
    elif way == "av3":
        events = await llm.astream_events("Hi", config, version="v3", **keywords)
        [event async for event in events]
    elif way == "v2":
        [event async for event in llm.astream_events("Hi", config, version="v2", **keywords)]
    elif way == "batch":
        llm.batch(["Hi"], config, **keywords)
    elif way == "abatch":
        await llm.abatch(["Hi"], config, **keywords)
    elif way == "stream":
        list(llm.stream("Hi", config, **keywords))
    elif way == "astream":
        [chunk async for chunk in llm.astream("Hi", config, **keywords)]
    elif way == "ainvoke":
        await llm.ainvoke("Hi", config, **keywords)
    else:
        llm.invoke("Hi", config, **keywords)


@pytest.mark.parametrize("way", [*WAYS, "v2", "v3", "av3", "batch", "abatch"])
@pytest.mark.parametrize("name", KEYWORDS)
async def test_a_secret_as_a_keyword_is_refused_before_anybody_hears_of_it(
    name: str, way: str, server: LocalOnlySq
) -> None:
    callbacks = Everything()
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    with pytest.raises(OnlySqInvalidRequestError, match=name):
        await ask(way, llm, {"callbacks": [callbacks]}, **{name: KEYWORDS[name]})
    assert found("\n".join(callbacks.heard)) == []
    assert server.requests == []


@pytest.mark.parametrize("name", KEYWORDS)
def test_a_secret_cannot_be_bound(name: str) -> None:
    llm = ChatOnlySq(model="m")
    for bind in (llm.bind, partial(llm.bind_tools, [])):
        with pytest.raises(OnlySqInvalidRequestError, match=name):
            bind(**{name: KEYWORDS[name]})
    with pytest.raises(OnlySqInvalidRequestError, match=name):
        llm.with_structured_output({"title": "A", "type": "object"}, **{name: KEYWORDS[name]})
