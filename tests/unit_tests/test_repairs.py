"""An answer whose object cannot be read is asked for once more; what is around one is dropped."""

from __future__ import annotations

import json
import operator
from functools import reduce
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.runnables import AddableDict
from pydantic import BaseModel

from langchain_onlysq import OnlySqInvalidRequestError
from langchain_onlysq.testing import LocalOnlySq, Reply, completion
from tests.support.four_ways import WAYS, run
from tests.support.tools import make


class City(BaseModel):
    """A city."""

    name: str
    size: int


GOOD = '{"name": "Lisbon", "size": 5}'
BAD = '{"name": "Lisbon", "size": "big"}'
LISBON = City(name="Lisbon", size=5)
FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "City", "schema": None}}
FORMAT["json_schema"]["schema"] = City.model_json_schema()


def call(text: str) -> Any:
    return Reply.tool_calls([("City", text)])


async def ask(way: str, llm: Any) -> Any:
    if way == "invoke":
        return llm.invoke("x")
    if way == "ainvoke":
        return await llm.ainvoke("x")
    parts = list(llm.stream("x")) if way == "stream" else [p async for p in llm.astream("x")]
    return reduce(operator.add, parts) if isinstance(parts[0], AddableDict) else parts[-1]


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize("endpoint", ["v2", "openai"])
@pytest.mark.parametrize("way", WAYS)
async def test_an_object_arrives_with_the_second_request(
    way: str, endpoint: str, method: Any, server: LocalOnlySq
) -> None:
    as_call = method == "function_calling"
    server.reply(*(map(call, (BAD, GOOD)) if as_call else (BAD, GOOD)))
    llm = make(server, endpoint=endpoint).with_structured_output(City, method=method)
    assert await ask(way, llm) == LISBON
    _, again = server.requests
    assert "Your answer cannot be used" in again.chat["messages"][-1]["content"]
    assert "valid integer" in again.chat["messages"][-1]["content"]


@pytest.mark.parametrize("way", WAYS)
async def test_prose_for_a_dict(way: str, server: LocalOnlySq) -> None:
    server.reply("I know none.", GOOD)
    llm = make(server).with_structured_output(City.model_json_schema())
    assert await ask(way, llm) == LISBON.model_dump()


@pytest.mark.parametrize("way", WAYS)
async def test_include_raw_counts_and_sums(way: str, server: LocalOnlySq) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    server.reply(completion("No.", usage=usage), completion(GOOD, usage=usage))
    llm = make(server).with_structured_output(City, include_raw=True)
    result = await ask(way, llm)
    assert result["parsed"] == LISBON
    assert result["raw"].content == GOOD
    assert result["raw"].response_metadata["repairs"] == 1
    assert result["raw"].usage_metadata["total_tokens"] == 30


@pytest.mark.parametrize("way", WAYS)
async def test_the_last_answer_comes_as_it_is(way: str, server: LocalOnlySq) -> None:
    server.reply(BAD, BAD)
    with pytest.raises(OutputParserException, match="City"):
        await ask(way, make(server).with_structured_output(City))
    assert len(server.requests) == 2
    server.reply(BAD)
    with pytest.raises(OutputParserException, match="City"):
        await ask(way, make(server, max_repairs=0).with_structured_output(City))
    assert len(server.requests) == 3
    server.reply(BAD, BAD, GOOD)
    llm = make(server).with_structured_output(City, max_repairs=2)
    assert await ask(way, llm) == LISBON


@pytest.mark.parametrize("way", WAYS)
async def test_not_at_the_greatest_length(way: str, server: LocalOnlySq) -> None:
    server.reply(completion(BAD[:-4], finish_reason="length"))
    with pytest.raises(OutputParserException, match="length"):
        await ask(way, make(server).with_structured_output(City))


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_not_after_anything_was_delivered(way: str, server: LocalOnlySq) -> None:
    server.reply(BAD)
    with pytest.raises(OutputParserException, match="size"):
        await ask(way, make(server).with_structured_output(City.model_json_schema()))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("setup", ["v2", "openai prompted"])
def test_the_content_is_the_bare_object(setup: str, way: str, server: LocalOnlySq) -> None:
    text = f"Sure:\n```json\n{GOOD}\n```\nAnything else?"
    server.reply(Reply.text(text, stream_pieces=list(text)))
    llm = make(server, setup).bind(response_format=FORMAT)
    assert run(way, llm).answer.content == GOOD


def test_native_content_is_left_alone(server: LocalOnlySq) -> None:
    server.reply(f"```\n{GOOD}\n```")
    llm = make(server, "openai").bind(response_format=FORMAT)
    assert llm.invoke("x").content == f"```\n{GOOD}\n```"


@pytest.mark.needs_langchain
def test_an_agent_reads_it(server: LocalOnlySq) -> None:
    from langchain.agents import create_agent
    from langchain.agents.structured_output import ProviderStrategy

    server.reply(f"Here it is: {json.dumps({'city': json.loads(GOOD)})}.")
    agent: Any = create_agent(make(server), response_format=ProviderStrategy(City))
    assert agent.invoke({"messages": [("user", "Hi")]})["structured_response"] == LISBON


GOOD_CALL = '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>'
BROKEN_CALL = '<tool_call>{"name": "weather", "arguments": ["Rome"]}</tool_call>'


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


class TestCalls:
    """A call that cannot be read is asked for once more, as long as nothing was delivered."""

    @pytest.mark.parametrize("way", WAYS)
    def test_it_arrives_with_the_second_request(self, way: str, server: LocalOnlySq) -> None:
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        server.reply(completion(BROKEN_CALL, usage=usage), completion(GOOD_CALL, usage=usage))
        answer = run(way, make(server).bind_tools([weather])).answer
        assert [call["args"] for call in answer.tool_calls] == [{"city": "Rome"}]
        assert answer.response_metadata["repairs"] == 1
        assert answer.usage_metadata is not None
        assert answer.usage_metadata["total_tokens"] == 30
        _, again = server.requests
        answered, said = again.chat["messages"][-2:]
        assert "weather" in answered["content"]
        assert "Your call cannot be read: the arguments are not a JSON object" in said["content"]
        assert '"city"' in said["content"]

    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    def test_a_native_one_too(self, way: str, server: LocalOnlySq) -> None:
        server.reply(Reply.tool_calls([("weather", '{"city": ')]))
        server.reply(Reply.tool_calls([("weather", {"city": "Rome"})]))
        llm = make(server, endpoint="openai").bind_tools([weather])
        answer = run(way, llm).answer
        assert [call["args"] for call in answer.tool_calls] == [{"city": "Rome"}]

    @pytest.mark.parametrize("way", WAYS)
    def test_a_call_that_names_nothing_has_all_tools_shown(
        self, way: str, server: LocalOnlySq
    ) -> None:
        server.reply('<tool_call>{"arguments": {}}</tool_call>', GOOD_CALL)
        answer = run(way, make(server).bind_tools([weather])).answer
        assert [call["name"] for call in answer.tool_calls] == ["weather"]
        assert '"name":"weather"' in server.requests[1].chat["messages"][-1]["content"]

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize(
        ("reply", "fields"),
        [
            (BROKEN_CALL, {"max_repairs": 0}),
            (f"{GOOD_CALL}\n{BROKEN_CALL}", {}),
            (completion(BROKEN_CALL, finish_reason="length"), {}),
            ("Just text.", {}),
        ],
        ids=["turned off", "one of two", "cut off by the length", "no call"],
    )
    def test_what_is_not_asked_for_once_more(
        self, reply: Any, fields: dict[str, Any], way: str, server: LocalOnlySq
    ) -> None:
        server.reply(reply)
        answer = run(way, make(server, **fields).bind_tools([weather])).answer
        assert "repairs" not in answer.response_metadata
        assert len(server.requests) == 1

    @pytest.mark.parametrize("way", ["stream", "astream"])
    def test_not_after_anything_was_delivered(self, way: str, server: LocalOnlySq) -> None:
        server.reply(f"I look. {BROKEN_CALL}")
        outcome = run(way, make(server).bind_tools([weather]))
        assert len(outcome.answer.invalid_tool_calls) == 1
        assert len(server.requests) == 1

    @pytest.mark.parametrize("way", WAYS)
    def test_the_last_answer_comes_as_it_is(self, way: str, server: LocalOnlySq) -> None:
        server.reply(BROKEN_CALL, BROKEN_CALL)
        answer = run(way, make(server).bind_tools([weather])).answer
        assert len(answer.invalid_tool_calls) == 1
        assert answer.response_metadata["repairs"] == 1
        assert len(server.requests) == 2

    @pytest.mark.parametrize("way", WAYS)
    def test_a_second_request_that_fails_tells_of_the_first(
        self, way: str, server: LocalOnlySq
    ) -> None:
        key = "sq-canary-canary"
        server.reply(BROKEN_CALL.replace("Rome", key), Reply.error(400, "No more of this."))
        outcome = run(way, make(server, api_key=key).bind_tools([weather]))
        assert isinstance(outcome.error, OnlySqInvalidRequestError)
        (note,) = outcome.error.__notes__
        assert "asked once more" in note
        assert "weather" in note
        assert "***" in note
        assert key not in note
        assert len(server.requests) == 2

    @pytest.mark.parametrize("way", WAYS)
    def test_all_models_share_one_budget(self, way: str, server: LocalOnlySq) -> None:
        server.reply(BROKEN_CALL, Reply.error(503), BROKEN_CALL)
        llm = make(server, max_retries=0, fallback_models=["other"]).bind_tools([weather])
        answer = run(way, llm).answer
        assert len(answer.invalid_tool_calls) == 1
        assert answer.response_metadata["repairs"] == 1
        assert len(server.requests) == 3
