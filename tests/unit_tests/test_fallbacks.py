"""Another model answers where the first one failed for good."""

from __future__ import annotations

import asyncio
import logging
import pickle
from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage
from pydantic import BaseModel, ValidationError

from langchain_onlysq import (
    ChatOnlySq,
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqConnectionError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqNotFoundError,
    OnlySqRateLimitError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)
from langchain_onlysq.testing import Hold, LocalOnlySq, Reply, chunk, completion
from langchain_onlysq.transport.retries import may_fall_back
from tests.support.four_ways import WAYS, four_ways, run
from tests.support.rate_limiter import CountingLimiter

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    },
}
CALL = Reply.tool_calls([("add", {"a": 1})])


class Answer(BaseModel):
    """An answer."""

    number: int


def make(server: LocalOnlySq, **fields: Any) -> ChatOnlySq:
    settings = {"model": "one", "fallback_models": ["two", "three"], "max_retries": 0, **fields}
    return ChatOnlySq(base_url=server.base_url, **settings)


def asked(server: LocalOnlySq) -> list[str]:
    return [request.json["model"] for request in server.requests]


FOR_ANOTHER_MODEL: dict[str, Any] = {
    "rate limit": Reply.error(429),
    "missing model": Reply.error(404),
    "refused": Reply.error(403),
    "unpaid": Reply.error(402),
    "failure of the service": Reply.error(502),
    "timeout of the service": Reply.error(408),
    "empty answer": completion(""),
    "error in a 200 body": {"error": {"message": "overloaded", "code": 503}},
    "HTML": b"<html>maintenance</html>",
}


@pytest.mark.parametrize("failure", FOR_ANOTHER_MODEL.values(), ids=FOR_ANOTHER_MODEL.keys())
def test_the_next_model_answers(failure: Any) -> None:
    for outcome in four_ways(
        failure, completion("Yes.", model="two"), model="one", fallback_models=["two", "three"]
    ):
        assert outcome.requests == 2
        assert outcome.answer.content == "Yes."
        assert outcome.answer.response_metadata["model_name"] == "two"
        assert outcome.answer.response_metadata["attempted_models"] == ["one"]


def test_who_answers_at_once_names_no_other(server: LocalOnlySq) -> None:
    assert "attempted_models" not in make(server).invoke("Hi").response_metadata
    assert asked(server) == ["one"]


def test_the_model_is_the_one_asked_where_the_answer_names_none(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429), Reply.error(429), completion("Yes.", model=""))
    message = make(server).invoke("Hi")
    assert message.response_metadata["model_name"] == "three"
    assert message.response_metadata["attempted_models"] == ["one", "two"]


FOR_NO_OTHER_MODEL: dict[str, Any] = {
    "key": (Reply.error(401), OnlySqAuthenticationError),
    "request": (Reply.error(400), OnlySqInvalidRequestError),
    "too long": (Reply.error(400, "maximum context length is 8"), OnlySqInvalidRequestError),
    "redirect": (Reply(302, headers={"location": "https://example.org"}), OnlySqError),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("failure", "error"), FOR_NO_OTHER_MODEL.values(), ids=FOR_NO_OTHER_MODEL.keys()
)
def test_what_no_other_model_does_better_is_raised(
    failure: Any, error: type[OnlySqError], way: str, server: LocalOnlySq
) -> None:
    server.reply(failure)
    assert isinstance(run(way, make(server)).failure, error)
    assert asked(server) == ["one"]


@pytest.mark.parametrize(
    ("error", "switched"),
    [
        (OnlySqConnectionError("x"), False),
        (OnlySqStreamError("x"), False),
        (OnlySqTimeoutError("x", code="connect_timeout"), False),
        (OnlySqTimeoutError("x", code="pool_timeout"), False),
        (OnlySqTimeoutError("x", code="write_timeout"), False),
        (OnlySqTimeoutError("x", code="read_timeout"), True),
        (OnlySqTimeoutError("x", code="stall_timeout"), True),
        (OnlySqTimeoutError("x", status_code=408), True),
        (OnlySqEmptyResponseError("x"), True),
    ],
)
def test_a_connection_is_the_same_for_all_models(*, error: OnlySqError, switched: bool) -> None:
    assert may_fall_back(error) is switched


@pytest.mark.parametrize("way", WAYS)
def test_all_models_failed(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "slow down"), Reply.error(503), Reply.error(404, "no such model"))
    error = run(way, make(server)).failure
    assert isinstance(error, OnlySqNotFoundError)
    assert error.model == "three"
    first, second = error.__notes__
    assert first.startswith("Before it, 'one' failed: 429 OnlySqRateLimitError: ")
    assert "slow down" in first
    assert second.startswith("Before it, 'two' failed: 503 OnlySqAPIError: ")
    assert pickle.loads(pickle.dumps(error)).__notes__ == [first, second]  # noqa: S301 - our own


def test_an_error_that_ends_the_row_knows_of_the_others(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429), Reply.error(401))
    error = run("invoke", make(server)).failure
    assert isinstance(error, OnlySqAuthenticationError)
    assert len(error.__notes__) == 1


def test_each_model_has_its_own_attempts(server: LocalOnlySq) -> None:
    server.reply(*[Reply.error(503, headers={"retry-after": "0"})] * 3)
    make(server, max_retries=1).invoke("Hi")
    assert asked(server) == ["one", "one", "two", "two"]


@pytest.mark.parametrize(("retry_after", "max_retries"), [("100", 0), ("500", 2)])
def test_no_time_is_lost_before_the_switch(
    retry_after: str, max_retries: int, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("langchain_onlysq.transport.channels.time.sleep", waited.append)
    server.reply(Reply.error(429, headers={"retry-after": retry_after}))
    make(server, max_retries=max_retries).invoke("Hi")
    assert asked(server) == ["one", "two"]
    assert waited == []


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_what_was_delivered_is_not_asked_of_another(way: str, server: LocalOnlySq) -> None:
    broken = {"error": {"message": "overloaded", "code": 503}}
    server.reply(Reply.stream([chunk("One "), broken]))
    outcome = run(way, make(server))
    assert isinstance(outcome.failure, OnlySqAPIError)
    assert outcome.delivered == "One "
    assert asked(server) == ["one"]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_an_empty_role_chunk_is_nothing(way: str, server: LocalOnlySq) -> None:
    broken = {"error": {"message": "overloaded", "code": 503}}
    server.reply(Reply.stream([chunk(""), broken]), completion("Yes."))
    assert run(way, make(server)).answer.content == "Yes."


@pytest.mark.parametrize("way", WAYS)
def test_a_stall_is_a_timeout(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply(body=[Hold()]), completion("Yes."))
    llm = make(server, stall_timeout=0.2, timeout=(5, 0.2, 5, 5))
    assert run(way, llm).answer.content == "Yes."
    assert asked(server) == ["one", "two"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ["v2", "openai"])
def test_tools_stay_bound(endpoint: str, way: str, server: LocalOnlySq) -> None:
    llm: Any = make(server, endpoint=endpoint).bind_tools([TOOL], tool_choice="any")
    server.reply(Reply.error(429), CALL)
    (call,) = run(way, llm).answer.tool_calls
    assert (call["name"], call["args"]) == ("add", {"a": 1})
    first, second = (request.json for request in server.requests)
    assert {**second, "model": "one"} == first


def test_all_models_share_what_may_be_asked_again(server: LocalOnlySq) -> None:
    llm = make(server).bind_tools([TOOL], tool_choice="any")
    replies = completion("No."), Reply.error(429), completion("No."), CALL
    server.reply(*replies[:3])
    message = llm.invoke("Hi")
    assert (message.content, message.tool_calls) == ("No.", [])
    assert asked(server) == ["one", "one", "two"]
    server.reply(*replies)
    message = llm.invoke("Hi", max_repairs=2)
    assert [call["name"] for call in message.tool_calls] == ["add"]
    assert message.response_metadata["repairs"] == 2
    assert asked(server)[3:] == ["one", "one", "two", "two"]


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output(method: Any, server: LocalOnlySq) -> None:
    call = Reply.tool_calls([("Answer", {"number": 7})])
    server.reply(Reply.error(429), call if method == "function_calling" else '{"number": 7}')
    llm = make(server).with_structured_output(Answer, method=method)
    assert llm.invoke("Hi") == Answer(number=7)
    assert asked(server) == ["one", "two"]


async def test_events(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429), completion("Yes."), Reply.error(429), completion("Yes."))
    stream: Any = make(server).stream_events("Hi", version="v3")
    other = await make(server).astream_events("Hi", version="v3")
    for message in (stream.output, await other.output):
        assert message.text == "Yes."
        assert message.response_metadata["attempted_models"] == ["one"]


@pytest.mark.parametrize("way", WAYS)
def test_the_rate_limiter_is_asked_each_time(way: str, server: LocalOnlySq) -> None:
    limiter = CountingLimiter()
    server.reply(Reply.error(429), Reply.error(429))
    run(way, make(server, rate_limiter=limiter))
    assert limiter.asked == len(server.requests) == 3


def test_a_warning_names_both_models(server: LocalOnlySq, caplog: pytest.LogCaptureFixture) -> None:
    server.reply(Reply.error(429))
    with caplog.at_level(logging.WARNING, logger="langchain_onlysq"):
        make(server).invoke("Hi")
    (record,) = caplog.records
    assert "Model 'one' failed (OnlySqRateLimitError" in record.getMessage()
    assert record.getMessage().endswith("asking 'two'")


class TestOfOneCall:
    def test_another_first_model(self, server: LocalOnlySq) -> None:
        server.reply(Reply.error(429))
        make(server).invoke("Hi", model="other")
        assert asked(server) == ["other", "two"]

    def test_a_model_that_is_among_the_fallbacks(self, server: LocalOnlySq) -> None:
        server.reply(Reply.error(429))
        make(server).invoke("Hi", model="two")
        assert asked(server) == ["two", "three"]

    @pytest.mark.parametrize("given", [["four"], "four"])
    def test_other_fallbacks_which_are_not_sent(self, given: Any, server: LocalOnlySq) -> None:
        server.reply(Reply.error(429))
        make(server).invoke("Hi", fallback_models=given)
        assert asked(server) == ["one", "four"]
        assert "fallback_models" not in str([request.json for request in server.requests])

    @pytest.mark.parametrize("given", [[], None])
    def test_none(self, given: Any, server: LocalOnlySq) -> None:
        server.reply(Reply.error(429))
        with pytest.raises(OnlySqRateLimitError):
            make(server).invoke("Hi", fallback_models=given)

    def test_network_errors_name_the_model_asked(self) -> None:
        llm = ChatOnlySq(model="one", base_url="http://127.0.0.1:9", max_retries=0)
        with pytest.raises(OnlySqConnectionError) as caught:
            llm.invoke("Hi", model="other")
        assert caught.value.model == "other"


@pytest.mark.parametrize("given", [[""], [" "], [7], "  ", {"a": 1}])
def test_ids_are_checked(given: Any) -> None:
    with pytest.raises(ValidationError, match="fallback_models"):
        ChatOnlySq(model="one", fallback_models=given)


def test_they_are_part_of_the_identity() -> None:
    plain, other = ChatOnlySq(model="one"), ChatOnlySq(model="one", fallback_models=["two"])
    assert plain._get_llm_string() != other._get_llm_string()
    assert dumpd(other)["kwargs"]["fallback_models"] == ["two"]
    assert other._identifying_params["fallback_models"] == ["two"]


class TestWhyNotWithFallbacks:
    """What LangChain's own fail-over does not do here, as docs/models.md says."""

    def test_it_loses_the_tools_that_were_bound_before(self, server: LocalOnlySq) -> None:
        one, two = (make(server, model=model, fallback_models=[]) for model in ("one", "two"))
        server.reply(Reply.error(429))
        one.bind_tools([TOOL]).with_fallbacks([two]).invoke("Hi")
        without = server.requests[-1].json
        assert "add" not in str(without)
        server.reply(Reply.error(429))
        make(server).bind_tools([TOOL]).invoke("Hi")
        assert "add" in str(server.requests[-1].json)

    def test_it_is_not_a_chat_model_any_more(self, server: LocalOnlySq) -> None:
        one, two = (make(server, model=model, fallback_models=[]) for model in ("one", "two"))
        chain: Any = one.with_fallbacks([two])
        with pytest.raises(NotImplementedError):
            chain.stream_events("Hi", version="v3")
        server.reply(Reply.error(429))
        assert chain.invoke("Hi").response_metadata.get("attempted_models") is None
        server.reply(Reply.error(429), completion("Yes."))
        stream: Any = make(server).stream_events("Hi", version="v3")
        assert isinstance(stream.output, AIMessage)


def test_many_at_once(server: LocalOnlySq) -> None:
    server.reply(*[Reply.error(429)] * 20)

    async def ask() -> list[Any]:
        llm = make(server, fallback_models=[f"m{n}" for n in range(20)])
        return await asyncio.gather(*(llm.ainvoke(f"{n}") for n in range(20)))

    answers = asyncio.run(ask())
    tried = sum(len(a.response_metadata.get("attempted_models", ())) for a in answers)
    assert tried == 20
