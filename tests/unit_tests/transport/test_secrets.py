"""Nothing secret shows anywhere, whatever goes wrong."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from pydantic import ValidationError

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import Close, Hold, LocalOnlySq, Reply, Reset, chunk, completion
from tests.support.four_ways import WAYS, run
from tests.support.tracebacks import everything_about

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("short_waits")]

KEY = "sq-canary-of-the-key-0123456789"
HEADER = "canary-of-a-header"
PROXY = "canary-of-the-proxy"
CANARIES = (KEY, HEADER, PROXY)


class Everything(BaseCallbackHandler):
    """Keeps the text of whatever a callback is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        return lambda *args, **kwargs: self.heard.append(f"{name}{args!r}{kwargs!r}")


def found(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


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
    told = [*callbacks.heard, caplog.text, dumps(llm), repr(llm), llm._get_llm_string()]
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
