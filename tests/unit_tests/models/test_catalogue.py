"""The catalogue, in every form that it comes in."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from langchain_onlysq import (
    ChatOnlySq,
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqConnectionError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqModel,
    OnlySqNotFoundError,
    OnlySqRateLimitError,
    OnlySqResponseError,
    OnlySqStreamError,
    OnlySqTimeoutError,
    alist_models,
    list_models,
)
from langchain_onlysq.errors import near_ids as known
from langchain_onlysq.models.catalogue import Catalogue
from langchain_onlysq.models.entries import read_models
from langchain_onlysq.testing import Heartbeats, Hold, LocalOnlySq, Reply, ReplyLike, catalogue
from langchain_onlysq.transport.flow import ResponseHead
from tests.support.tracebacks import everything_about

KEY = "sq-test-0123456789abcdefghijklmnopq"
ENTRY: dict[str, Any] = {
    "name": "GPT-4o mini",
    "description": "Small.",
    "modality": "text",
    "owner": "OpenAI",
    "cost": "0.5",
    "status": "work",
    "can-stream": True,
    "can-tools": False,
    "can-think": None,
    "tier": 1,
    "limits": {"lvl0": 3, "lvl1": "10"},
    "since": 2024,
}
MODEL = OnlySqModel(
    id="gpt-4o-mini",
    name="GPT-4o mini",
    description="Small.",
    modality="text",
    owner="OpenAI",
    cost=0.5,
    status="work",
    can_stream=True,
    can_tools=False,
    tier=1,
    limits={"lvl0": 3, "lvl1": 10},
    extra={"since": 2024},
)
FAST = {"retry-after": "0"}


pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("short_waits")]


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_ids", {})


def both_ways(*replies: ReplyLike, **kwargs: Any) -> list[OnlySqModel]:
    """Ask sync and async for a catalogue that is answered alike, and compare."""
    with LocalOnlySq() as server:
        server.reply_catalogue(*replies)
        models = list_models(base_url=server.base_url, **kwargs)
        server.reply_catalogue(*replies)
        assert asyncio.run(alist_models(base_url=server.base_url, **kwargs)) == models
    return models


def both_errors(*replies: ReplyLike, **kwargs: Any) -> OnlySqError:
    with LocalOnlySq() as server:
        server.reply_catalogue(*replies)
        with pytest.raises(OnlySqError) as caught:
            list_models(base_url=server.base_url, **kwargs)
        server.reply_catalogue(*replies)
        with pytest.raises(type(caught.value), match=re.escape(str(caught.value))):
            asyncio.run(alist_models(base_url=server.base_url, **kwargs))
    return caught.value


FORMS: dict[str, Any] = {
    "documented": {"api-version": "2", "models": {"gpt-4o-mini": ENTRY}, "classified": {}},
    "list": {"models": [{"id": "gpt-4o-mini", **ENTRY}]},
    "list by model": {"models": [{"model": "gpt-4o-mini", **ENTRY}]},
    "bare list": [{"id": "gpt-4o-mini", **ENTRY}],
    "like OpenAI's": {"object": "list", "data": [{"id": "gpt-4o-mini", **ENTRY}]},
    "classified alone": {
        "classified": {"text": {"gpt-4o-mini": ENTRY}, "image": {}, "sound": None}
    },
    "twice": {"models": {"gpt-4o-mini": ENTRY}, "classified": {"text": {"gpt-4o-mini": {}}}},
    "keys with underscores": {
        "models": {"gpt-4o-mini": {key.replace("-", "_"): ENTRY[key] for key in ENTRY}}
    },
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_every_form_is_read(body: Any) -> None:
    (model,) = both_ways(body)
    extra = {key: model.extra[key] for key in model.extra if key != "model"}
    assert model.model_copy(update={"extra": extra}) == MODEL


def test_ids_alone() -> None:
    assert both_ways({"models": ["a", "b", "a", "", None, 7, {}]}) == [
        OnlySqModel(id="a"),
        OnlySqModel(id="b"),
    ]
    assert both_ways({"classified": {"image": ["a"]}}) == [OnlySqModel(id="a", modality="image")]
    assert both_ways({"models": {"a": None, "b": 3}}) == [OnlySqModel(id="a"), OnlySqModel(id="b")]


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("cost", 2, 2.0),
        ("cost", "1e1", 10.0),
        ("cost", "free", None),
        ("cost", True, None),
        ("cost", "nan", None),
        ("cost", [1], None),
        ("owner", "<owner>", None),
        ("owner", " OpenAI ", "OpenAI"),
        ("owner", 7, None),
        ("name", "", None),
        ("can-stream", "true", True),
        ("can-stream", 0, False),
        ("can-stream", "maybe", None),
        ("can-think", "No", False),
        ("tier", "2", 2),
        ("tier", "gold", "gold"),
        ("tier", 1.5, None),
        ("limits", [3, "10"], [3, 10]),
        ("limits", {"lvl0": "3"}, {"lvl0": 3}),
        ("limits", {"lvl0": "many"}, None),
        ("limits", 7, None),
        ("limits", [], []),
        ("limits", [3, None], None),
    ],
)
def test_odd_fields(field: str, value: Any, read: Any) -> None:
    (model,) = read_models({"models": {"m": {field: value}}}) or []
    assert getattr(model, field.replace("-", "_")) == read
    # Nothing is lost: what was not understood is there as it came.
    assert model.extra == ({field: value} if read is None else {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*ENTRY, "id", "x"]), JSON), JSON)
def test_arbitrary_json_does_not_crash(entry: dict[str, Any], other: Any) -> None:
    (model,) = read_models({"models": {"m": entry}}) or []
    assert model.id == "m"
    read_models(other)
    read_models({"models": other, "data": other, "classified": other})


OFFER: dict[str, Any] = {
    "models": {
        "text": {**ENTRY, "can-tools": True},
        "image": {**ENTRY, "modality": "image", "can-stream": False},
        "broken": {**ENTRY, "status": "not_work"},
        "shaky": {**ENTRY, "status": "unstable"},
        "unknown": {},
    }
}


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "ids"),
        [
            ({}, ["text", "image", "broken", "shaky", "unknown"]),
            ({"modality": "text"}, ["text", "broken", "shaky"]),
            ({"tools": True}, ["text"]),
            ({"tools": False}, ["image", "broken", "shaky"]),
            ({"streaming": True}, ["text", "broken", "shaky"]),
            ({"working": True}, ["text", "image"]),
            ({"working": False}, ["broken", "shaky"]),
            ({"modality": "text", "working": True}, ["text"]),
        ],
    )
    def test_what_is_kept(self, filters: dict[str, Any], ids: list[str]) -> None:
        assert [model.id for model in both_ways(OFFER, **filters)] == ids


class TestArguments:
    @pytest.mark.parametrize("seconds", ["fast", 0, True, []])
    async def test_a_timeout_that_is_none(self, seconds: Any) -> None:
        said = r"^timeout: give seconds: a number above 0"
        with pytest.raises(ValueError, match=said):
            list_models(timeout=seconds)
        with pytest.raises(ValueError, match=said):
            await alist_models(timeout=seconds)

    async def test_a_client_for_the_other_kind_of_calls(self) -> None:
        client: Any = httpx.AsyncClient()
        with pytest.raises(ValueError, match=r"^http_client takes .* to alist_models\(\)$"):
            list_models(http_client=client)
        client = httpx.Client()
        with pytest.raises(ValueError, match=r"^http_client takes .* to list_models\(\)$"):
            await alist_models(http_client=client)


class TestFailures:
    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (Reply.error(401), OnlySqAuthenticationError),
            (Reply.error(404), OnlySqNotFoundError),
            (b"<html>Maintenance</html>", OnlySqResponseError),
            (b"soon", OnlySqResponseError),
            (b'{"models": {"a": {', OnlySqResponseError),
            (b"[7]" * 2, OnlySqResponseError),
            ({"hello": "world"}, OnlySqResponseError),
            (b"7", OnlySqResponseError),
            ({"models": {}}, OnlySqEmptyResponseError),
            (b"", OnlySqEmptyResponseError),
            ({}, OnlySqEmptyResponseError),
            ({"error": {"message": "slow down", "code": 429}}, OnlySqRateLimitError),
            ({"detail": "down"}, OnlySqAPIError),
            (Reply(body=b'{"models"', declared_length=500, framing="length"), OnlySqStreamError),
        ],
    )
    def test_class(self, reply: Any, error: type[OnlySqError]) -> None:
        assert type(both_errors(*[reply] * 3)) is error

    @pytest.mark.parametrize("levels", [500, 985, 5_000])
    @pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}"), ('{"\\ud83d":', "}")])
    @pytest.mark.parametrize("form", ["%s", '{"error": %s}', '{"models": [%s]}'])
    def test_what_is_nested_too_deeply(self, form: str, pair: tuple[str, str], levels: int) -> None:
        nested = (form % (pair[0] * levels + "1" + pair[1] * levels)).encode()
        error = both_errors(*[Reply(body=nested)] * 3)
        assert isinstance(error, OnlySqAPIError)

    def test_what_is_nested_too_deeply_for_a_caller_that_is_deep_in_a_program(self) -> None:
        body = b'{"error": ' + b"[" * 90 + b"]" * 90 + b"}"
        steps = Catalogue("http://localhost/ai", None, 1.0, max_retries=0).steps()
        next(steps)
        steps.send(ResponseHead(200, {}))
        steps.send(body)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(len(inspect.stack()) + 70)
        try:
            with pytest.raises(OnlySqResponseError, match="not a catalogue"):
                steps.send(None)
        finally:
            sys.setrecursionlimit(limit)

    def test_it_is_asked_again(self) -> None:
        fails = [Reply.error(502, headers=FAST), Reply.error(429, headers=FAST)]
        assert both_ways(*fails, {"models": ["a"]}) == [OnlySqModel(id="a")]

    @pytest.mark.parametrize("body", [[Hold()], [Heartbeats(0.05, data=b" ")]])
    def test_it_takes_no_longer_than_allowed(self, body: Any) -> None:
        error = both_errors(Reply(body=body), timeout=0.3)
        assert isinstance(error, OnlySqTimeoutError)
        assert error.code == "read_timeout"

    def test_no_connection(self) -> None:
        with pytest.raises(OnlySqConnectionError):
            list_models(base_url="http://127.0.0.1:9")

    def test_a_page_names_the_base_url(self) -> None:
        assert "base_url" in str(both_errors(*[b"<html></html>"] * 3))


class TestSettings:
    def test_the_request(self, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ONLYSQ_API_BASE", server.base_url + "/openai/v1/")
        list_models()
        monkeypatch.setenv("ONLYSQ_API_KEY", KEY)
        list_models()
        list_models(api_key=SecretStr("other"), base_url=server.base_url)
        keys = [request.headers["authorization"] for request in server.requests]
        assert keys == ["Bearer openai", f"Bearer {KEY}", "Bearer other"]
        (first, *_) = server.requests
        assert (first.method, first.path) == ("GET", "/ai/models")
        assert first.headers["user-agent"].startswith("langchain-onlysq/")
        assert "content-type" not in first.headers

    async def test_clients_of_your_own_stay_open(self, server: LocalOnlySq) -> None:
        with httpx.Client() as client:
            list_models(base_url=server.base_url, http_client=client)
            assert not client.is_closed
        async with httpx.AsyncClient() as aclient:
            await alist_models(base_url=server.base_url, http_client=aclient)
            assert not aclient.is_closed

    @pytest.mark.parametrize(
        ("given", "match"), [({"api_key": ""}, "ONLYSQ_API_KEY"), ({"base_url": "x"}, "base_url")]
    )
    def test_bad_ones_are_refused(self, given: dict[str, str], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            list_models(**given)  # type: ignore[arg-type]

    @pytest.mark.parametrize("key", [KEY, KEY + "\n"])
    def test_no_error_shows_the_key(self, key: str, server: LocalOnlySq) -> None:
        server.reply_catalogue(Reply.error(401, f"bad key {KEY}"))
        with pytest.raises((OnlySqError, ValueError)) as caught:
            list_models(base_url=server.base_url, api_key=key)
        assert KEY not in everything_about(caught.value)


class TestNearIds:
    @pytest.mark.parametrize("reply", [Reply.error(404), {"error": "model not found"}])
    def test_a_wrong_id_meets_near_ones(self, reply: Any, server: LocalOnlySq) -> None:
        llm = ChatOnlySq(model="GPT4o-mini", base_url=server.base_url, max_retries=0)
        server.reply(reply)
        with pytest.raises(OnlySqNotFoundError) as before:
            llm.invoke("Hi")
        assert "Did you mean" not in str(before.value)
        list_models(base_url=server.base_url)
        server.reply(reply)
        with pytest.raises(OnlySqNotFoundError, match="Did you mean 'gpt-4o-mini'"):
            llm.invoke("Hi")

    def test_nothing_is_near(self, server: LocalOnlySq) -> None:
        list_models(base_url=server.base_url)
        server.reply(Reply.error(404))
        with pytest.raises(OnlySqNotFoundError) as caught:
            ChatOnlySq(model="zzz", base_url=server.base_url).invoke("Hi")
        assert "Did you mean" not in str(caught.value)

    def test_another_address_offers_other_models(self, server: LocalOnlySq) -> None:
        list_models(base_url=server.base_url)
        assert known.near_ids("http://elsewhere/ai", "gpt-4o-mini") == []


def test_models_can_be_written_as_json() -> None:
    (model,) = both_ways({"models": {"gpt-4o-mini": ENTRY}})
    assert json.loads(model.model_dump_json())["limits"] == {"lvl0": 3, "lvl1": 10}


def test_the_documented_catalogue() -> None:
    models = both_ways(catalogue(["a", "b"]))
    assert [model.id for model in models] == ["a", "b"]
    assert all(model.limits == {"lvl0": 3, "lvl1": 10, "lvl2": 80} for model in models)
