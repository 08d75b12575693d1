"""What the constructor takes, and what it says when it does not."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from langchain_onlysq import ChatOnlySq, OnlySqInvalidRequestError
from langchain_onlysq.testing import LocalOnlySq

CANARY = "sq-canary-0123456789"


def make(**fields: Any) -> ChatOnlySq:
    return ChatOnlySq(**{"model": "gpt-4o-mini", **fields})


def test_defaults() -> None:
    llm = make()
    assert llm.model == llm.model_name == "gpt-4o-mini"
    assert llm.onlysq_api_key.get_secret_value() == "openai"
    assert llm.onlysq_api_base == "https://api.onlysq.ru/ai"
    assert llm.streaming is False
    assert llm.default_headers is None


@pytest.mark.parametrize(
    ("name", "other", "value"),
    [
        ("model", "model_name", "m"),
        ("stop", "stop_sequences", ["x"]),
        ("timeout", "request_timeout", 7.0),
        ("onlysq_api_base", "base_url", "https://example.org/ai"),
        ("onlysq_api_key", "api_key", SecretStr("sq-1")),
    ],
)
def test_both_names_of_a_field_are_taken_and_readable(name: str, other: str, value: Any) -> None:
    rest = {} if name == "model" else {"model": "m"}
    for given in (name, other):
        llm = ChatOnlySq(**{**rest, given: value})
        assert getattr(llm, name) == getattr(llm, other) == value


def test_two_names_with_two_values_are_refused() -> None:
    with pytest.raises(ValidationError, match="'model_name' and 'model' are names of one setting"):
        make(model_name="other")
    with pytest.raises(ValidationError, match="'api_key' and 'onlysq_api_key' are names of one"):
        make(onlysq_api_key="a", api_key="b")


def test_an_unknown_keyword_is_refused_and_names_the_nearest_field() -> None:
    with pytest.raises(ValidationError, match=r"'temprature'.*did you mean 'temperature'"):
        make(temprature=1)
    with pytest.raises(ValidationError, match="unknown parameter 'zzz'") as info:
        make(zzz=1)
    assert "did you mean" not in str(info.value)


@pytest.mark.parametrize(
    "given",
    [
        "https://api.onlysq.ru/ai/v2",
        "https://api.onlysq.ru/ai/openai/v1/chat/completions/",
        " https://api.onlysq.ru/ai\n",
    ],
)
def test_tails_of_a_base_url_are_dropped(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make(base_url=given).onlysq_api_base == "https://api.onlysq.ru/ai"
    monkeypatch.setenv("ONLYSQ_API_BASE", given)
    assert make().onlysq_api_base == "https://api.onlysq.ru/ai"


@pytest.mark.parametrize(
    "wrong", ["", "api.onlysq.ru/ai", "https://host/ai?key=1", f"https://user:{CANARY}@host/ai"]
)
def test_a_base_url_that_cannot_be_one_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="base_url") as info:
        make(base_url=wrong)
    assert CANARY not in str(info.value)


@pytest.mark.parametrize("name", ["ONLYSQ_API_KEY", "ONLYSQ_API_BASE"])
def test_an_empty_variable_counts_as_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")
    assert make() == make(api_key="openai", base_url="https://api.onlysq.ru/ai")


@pytest.mark.parametrize("key", ["", f"{CANARY}\n", f"{CANARY}\0"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError, match="ONLYSQ_API_KEY") as info:
        make(api_key=key)
    assert CANARY not in str(info.value) + repr(info.value.errors())
    if key and "\0" not in key:
        monkeypatch.setenv("ONLYSQ_API_KEY", key)
        with pytest.raises(ValidationError, match="ONLYSQ_API_KEY"):
            make()


@pytest.mark.parametrize(
    "fields",
    [
        {"model": ""},
        {"temperature": "hot"},
        {"stop": [""]},
        {"timeout": -1},
        {"max_retries": None},
        {"model_kwargs": {"temperature": 1}},
        {"model_kwargs": {"base_url": "x"}},
        {"default_headers": {"bad name": "x"}},
        {"default_headers": {"x": "two\nlines"}},
        {"http_client": httpx.AsyncClient()},
        {"http_async_client": httpx.Client()},
    ],
    ids=str,
)
def test_bad_values_are_refused_by_name(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        make(**fields)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (30, 30),
        ((1, 2), (1, 2, None, None)),
        (httpx.Timeout(5, connect=1), (1, 5, 5, 5)),
        (None, None),
    ],
)
def test_timeouts(given: Any, kept: Any) -> None:
    llm = make(timeout=given)
    assert llm.timeout == kept
    assert llm.timeouts == (kept if isinstance(kept, tuple) else (kept,) * 4)


def test_numbers_as_strings_are_read_as_numbers() -> None:
    llm = make(temperature="0.5", max_tokens="10")
    assert (llm.temperature, llm.max_tokens) == (0.5, 10)


def test_what_is_not_a_set_of_fields_is_refused() -> None:
    with pytest.raises(ValidationError):
        ChatOnlySq.model_validate("gpt-4o-mini")


def test_making_a_model_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError

    for client_class in (httpx.Client, httpx.AsyncClient):
        monkeypatch.setattr(client_class, "__init__", fail)
    monkeypatch.setattr(ssl, "create_default_context", fail)
    make(proxy="http://localhost:1", verify="nowhere.pem").close()


class TestKeywordsOfACall:
    def test_fields_are_overridden_for_that_call(self, server: LocalOnlySq) -> None:
        llm = make(base_url=server.base_url, temperature=1, stop=["a"], seed=3)
        llm.invoke("Hi", temperature=0, max_tokens=5, stop=["b"], model="other", seed=None)
        llm.bind(endpoint="openai", top_p="0.5").invoke("Hi")
        first, second = (request.json for request in server.requests)
        assert first == {
            "model": "other",
            "request": {
                "messages": [{"role": "user", "content": "Hi"}],
                "temperature": 0.0,
                "max_tokens": 5,
                "stop": ["b"],
            },
        }
        assert second == {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 1.0,
            "top_p": 0.5,
            "seed": 3,
            "stop": ["a"],
        }

    def test_unknown_keywords_go_into_the_request(self) -> None:
        llm = make(model_kwargs={"a": 1, "b": 2})
        payload = llm._get_request_payload("Hi", b=3, c=None, model_kwargs={"d": 4})
        assert payload["request"] == {
            "messages": [{"role": "user", "content": "Hi"}],
            "b": 3,
            "d": 4,
        }
        assert llm._get_request_payload("Hi", b=3)["request"]["a"] == 1
        assert llm.model_kwargs == {"a": 1, "b": 2}

    @pytest.mark.parametrize("name", ["api_key", "base_url", "proxy", "default_headers", "cache"])
    def test_what_makes_a_connection_cannot_be_changed(self, name: str) -> None:
        with pytest.raises(OnlySqInvalidRequestError, match=name):
            make().bind(**{name: "x"}).invoke("Hi")

    @pytest.mark.parametrize("name", ["messages", "request"])
    def test_the_conversation_cannot_be_replaced(self, name: str) -> None:
        with pytest.raises(OnlySqInvalidRequestError, match=name):
            make()._get_request_payload("Hi", stop=None, **{name: []})

    @pytest.mark.parametrize(
        "keywords", [{"temperature": "hot"}, {"max_tokens": None, "stop": [""]}, {"n": 2}], ids=str
    )
    def test_bad_values_are_refused_before_the_request(
        self, keywords: dict[str, Any], server: LocalOnlySq
    ) -> None:
        with pytest.raises(OnlySqInvalidRequestError, match=list(keywords)[-1]):
            make(base_url=server.base_url).invoke("Hi", **keywords)
        assert server.requests == []


def test_headers(server: LocalOnlySq) -> None:
    llm = make(base_url=server.base_url, api_key=CANARY)
    llm.invoke("Hi")
    list(llm.stream("Hi"))
    whole, streamed = (request.headers for request in server.requests)
    assert whole["authorization"] == f"Bearer {CANARY}"
    assert whole["user-agent"].startswith("langchain-onlysq/")
    assert whole["content-type"] == "application/json"
    assert streamed["accept-encoding"] == "identity"
    assert streamed["accept"] == "text/event-stream"


def test_default_headers_are_added_and_can_replace_the_user_agent(server: LocalOnlySq) -> None:
    headers = {"User-Agent": "mine/1", "X-Team": "blue"}
    make(base_url=server.base_url, default_headers=headers).invoke("Hi")
    sent = server.requests[0].headers
    assert (sent["user-agent"], sent["x-team"]) == ("mine/1", "blue")


def test_none_for_the_key_or_the_address_is_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONLYSQ_API_KEY", "of-the-environment")
    llm = ChatOnlySq(model="m", api_key=None, base_url=None)
    assert llm.api_key.get_secret_value() == "of-the-environment"
    assert llm.base_url == "https://api.onlysq.ru/ai"
