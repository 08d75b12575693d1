"""Errors say what to do next."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from langchain_onlysq import ChatOnlySq, OnlySqConnectionError, OnlySqInvalidRequestError
from langchain_onlysq.errors import near_ids
from langchain_onlysq.errors.bodies import excerpt
from langchain_onlysq.errors.classify import error_from_response
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.settings.call_options import CallOptions
from langchain_onlysq.testing import LocalOnlySq, Reply, ReplyLike, Reset
from langchain_onlysq.testing.checks import KNOWN_KEYS
from tests.support.four_ways import run
from tests.support.raw_server import raw_server
from tests.support.tools import make, weather

CONTEXT = ErrorContext(model="gpt-4o-minni", base_url="https://example.org/ai")


@pytest.mark.sockets
@pytest.mark.usefixtures("no_proxies")
class TestNoConnection:
    """An error names the host and the proxy, with their ports and without a password."""

    @staticmethod
    def error(way: str = "invoke", url: str = "http://127.0.0.1:9/ai", **fields: Any) -> str:
        llm = ChatOnlySq(model="m", base_url=url, max_retries=0, **fields)
        failure = run(way, llm).failure
        assert isinstance(failure, OnlySqConnectionError)
        return str(failure)

    def test_without_a_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:7")
        error = self.error()
        assert error.startswith("No connection to OnlySq at 127.0.0.1:9 (")
        assert error.endswith("Check the network and base_url; no proxy is in use.")

    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    def test_a_proxy_of_the_environment(self, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://user:password@127.0.0.1:7")
        error = self.error(way)
        assert error.endswith("and the proxy http://127.0.0.1:7 (http_proxy).")
        assert "password" not in error

    def test_a_proxy_that_was_given(self) -> None:
        error = self.error(proxy="http://user:password@127.0.0.1:7")
        assert error.endswith("and the proxy http://127.0.0.1:7 (proxy=…).")
        assert "password" not in error

    def test_a_client_of_the_callers_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:7")
        with httpx.Client(trust_env=False) as client:
            assert self.error(http_client=client).endswith("base_url and any proxy.")

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            (b"403 No\x1b[2J", "(403 No [2J). Check the network, base_url and the proxy http://"),
            (b"407 Login", "(407 Login). The proxy wants a user and a password: set it as"),
        ],
    )
    def test_a_proxy_that_refuses(
        self, reply: bytes, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with raw_server(b"HTTP/1.1 " + reply + b"\r\nContent-Length: 0\r\n\r\n") as address:
            monkeypatch.setenv("HTTPS_PROXY", f"http://user:password@{address}")
            error = self.error(url="https://onlysq.invalid/ai")
        assert error.startswith(f"No connection to OnlySq at onlysq.invalid {said}")
        assert error.isprintable()


def test_a_lost_connection_says_to_try_again(server: LocalOnlySq) -> None:
    server.reply(Reply(body=[Reset()]))
    with httpx.Client(event_hooks={"response": [lambda response: response.read()]}) as client:
        error = run("invoke", make(server, http_client=client)).failure
    assert isinstance(error, OnlySqConnectionError)
    assert "Try again" in str(error)


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (Reply.broken_stream("one two", after=1, how="reset"), "Ask again."),
        (b'{"choices": [', "Try again, or try another model."),
        (b"Sorry.", "Try again, or try another model."),
        ({"answer": "Hi"}, "Try again, or try another model."),
        (Reply(headers={"Content-Encoding": "gzip"}, body=b"no gzip"), "Try again."),
    ],
    ids=["lost", "broken JSON", "text", "no choices", "gzip"],
)
def test_an_answer_that_is_none_has_advice(
    reply: ReplyLike, advice: str, server: LocalOnlySq
) -> None:
    for way in ("invoke", "stream"):
        server.reply(reply)
        assert str(run(way, make(server)).failure).endswith(f". {advice}")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.25, "0.25 s"),
        (7, "7 s"),
        (100, "100 s"),
        (150, "2.5 minutes"),
        (300, "5 minutes"),
        (6000, "100 minutes"),
        (86400, "24 hours"),
        (1e8, "27778 hours"),
    ],
)
def test_a_wait_is_said_as_people_say_it(seconds: float, said: str) -> None:
    error = error_from_response(429, {"retry-after": str(seconds)}, b"", CONTEXT)
    assert f"It asks to wait for {said}. " in str(error)
    assert "wait that long, or name" in str(error)
    assert "a minute" not in str(error)


def test_without_a_time_it_is_a_minute() -> None:
    error = str(error_from_response(429, {}, b"", CONTEXT))
    assert "wait for" not in error
    assert "wait a minute" in error


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "Model gpt-4o-minni does not exist"}}',
        b'{"error": {"message": "No.", "code": "model_not_found"}}',
    ],
)
def test_an_unknown_model_is_one_whatever_the_status(
    status: int, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ("gpt-4o-mini", "gpt-4o-minni", "deepseek-v3")
    monkeypatch.setattr(near_ids, "_ids", {CONTEXT.base_url: ids})
    assert str(error_from_response(status, {}, body, CONTEXT)).endswith(
        " Check the model id: list_models() has those on offer. Did you mean 'gpt-4o-mini'?"
    )


def test_other_refusals_and_failures_have_other_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_ids, "_ids", {CONTEXT.base_url: ("gpt-4o-mini",)})
    body = b'{"error": {"message": "temperature is too high"}}'
    assert str(error_from_response(400, {}, body, CONTEXT)).endswith("too high.")
    body = b'{"error": {"message": "Unknown model"}}'
    error = str(error_from_response(500, {}, body, CONTEXT))
    assert error.endswith("or try another model. Did you mean 'gpt-4o-mini'?")


def test_a_proxy_that_wants_a_password_is_told_from_the_service() -> None:
    error = str(error_from_response(407, {}, b"", CONTEXT))
    assert error.endswith(
        "The proxy wants a user and a password: set it as http://user:password@host:port."
    )


def test_an_empty_answer_has_advice(server: LocalOnlySq) -> None:
    server.reply(Reply.text(""))
    assert "allow_empty=True" in str(run("invoke", make(server)).failure)


def plain(city: str) -> str:
    """Tell the weather of a city."""
    return city


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (weather, "write bind_tools([weather])."),
        (plain, "write bind_tools([plain])."),
        ({"name": "x"}, "write bind_tools([{…}])."),
        (7, "write bind_tools([…])."),
        ("weather", "Tools are passed themselves, in a list; 'weather' is only a text."),
    ],
)
def test_tools_are_a_list(tools: Any, said: str) -> None:
    with pytest.raises(OnlySqInvalidRequestError) as caught:
        ChatOnlySq(model="m").bind_tools(tools)
    assert str(caught.value).endswith(said)


def test_a_wrong_timeout_is_one_line() -> None:
    wrong: Any
    for wrong in ("fast", object(), 0, -5, True, [], [1, "x"]):
        with pytest.raises(ValidationError) as caught:
            ChatOnlySq(model="m", timeout=wrong)
        (error,) = caught.value.errors()
        assert "give seconds: a number above 0" in error["msg"]
    as_text: Any = "7"
    assert ChatOnlySq(model="m", timeout=as_text).timeout == 7.0
    assert ChatOnlySq(model="m", timeout=(1, 2)).timeouts == (1.0, 2.0, None, None)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("temprature", "temperature"),
        ("modle", "model"),
        ("maxTokens", "max_tokens"),
        ("max-tokens", "max_tokens"),
        ("topP", "top_p"),
        ("toolz", "tools"),
        ("toolChoice", "tool_choice"),
    ],
)
def test_a_misspelt_keyword_of_a_call_warns(
    name: str, meant: str, caplog: pytest.LogCaptureFixture
) -> None:
    keywords: dict[str, Any] = {name: 1, "presence_penalty": 1}
    with caplog.at_level(logging.WARNING, logger="langchain_onlysq"):
        payload = ChatOnlySq(model="m")._get_request_payload("Hi", **keywords)
    assert payload["request"][name] == 1
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{name!r} is not a setting and is added to the request as it is. Did you mean {meant!r}?"
    )


def test_keys_that_the_local_server_takes_for_real_ones_do_not_warn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in KNOWN_KEYS - CallOptions.model_fields.keys() - {"messages", "tools", "tool_choice"}:
        ChatOnlySq(model="m")._get_request_payload("Hi", **{name: None})
    assert caplog.records == []


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("404 Not Found", "404 Not Found"),
        ("404 Not\n  Found", "404 Not Found"),
        ("404 Not Found", "<b>404</b> Not&nbsp;Found"),
        ("404&#32;Not Found", "404 Not Found"),
    ],
)
def test_a_page_does_not_say_its_title_twice(title: str, heading: str) -> None:
    page = f"<html><head><title>{title}</title></head><body><h1>{heading}</h1></body>"
    assert excerpt(page) == "404 Not Found"


def test_a_title_that_says_something_else_stays() -> None:
    assert excerpt("<html><title>Maintenance</title><body>Back at noon</body>") == (
        "Maintenance Back at noon"
    )
