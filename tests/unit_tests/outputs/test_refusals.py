"""Refusals: a block, an error where an object was wanted, and as before where core knows none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from langchain_onlysq import OnlySqEmptyResponseError
from langchain_onlysq.outputs import content_blocks, structured_output
from langchain_onlysq.outputs.chunks import CORE_KNOWS_OUR_EVENTS
from langchain_onlysq.response import reader
from langchain_onlysq.response.refusals import REFUSAL_ERROR
from langchain_onlysq.testing import LocalOnlySq, Reply, chunk
from tests.support.four_ways import WAYS, agreed, agreed_error, run
from tests.support.tools import make
from tests.support.versions import knows_refusals

pytestmark = pytest.mark.sockets


class City(BaseModel):
    """A city."""

    name: str


def body(message: dict[str, Any], finish_reason: str) -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": finish_reason}]}


SAID = {"type": "refusal", "refusal": "I will not."}
FILTERED = {"type": "refusal", "refusal": "", "extras": {"category": "content_filter"}}
REFUSALS: dict[str, tuple[Any, dict[str, Any]]] = {
    "a refusal": (body({"content": None, "refusal": "I will not."}, "stop"), SAID),
    "a refusal in pieces": (
        Reply.stream(
            [chunk({"refusal": "I will "}), chunk({"refusal": "not."}, finish_reason="stop")]
        ),
        SAID,
    ),
    "a filter": (body({"content": ""}, "content_filter"), FILTERED),
    "a filter, streamed": (Reply.stream([chunk({}, finish_reason="content_filter")]), FILTERED),
    "a filter after blanks": (body({"content": " \n"}, "content_filter"), FILTERED),
    "a filter with reasons": (
        body({"content": None, "refusal": "I will not."}, "content_filter"),
        {**SAID, "extras": {"category": "content_filter"}},
    ),
}
refusals = pytest.mark.parametrize(("reply", "block"), REFUSALS.values(), ids=REFUSALS)


@knows_refusals
@refusals
def test_the_block(reply: Any, block: dict[str, Any]) -> None:
    message = agreed(reply)
    assert [b for b in message.content_blocks if b["type"] != "text"] == [block]
    assert message.additional_kwargs["refusal"] == block["refusal"]


@knows_refusals
@refusals
@pytest.mark.parametrize("way", WAYS)
def test_the_block_in_v1_output(
    way: str, reply: Any, block: dict[str, Any], server: LocalOnlySq
) -> None:
    server.reply(reply)
    message = run(way, make(server, output_version="v1")).answer
    (found,) = [dict(b) for b in message.content_blocks if b["type"] == "refusal"]
    found.pop("index", None)
    assert found == block
    server.reply("Hello.")
    again = make(server).invoke([HumanMessage("Hi"), message, HumanMessage("Please?")])
    assert again.content == "Hello."


@knows_refusals
@pytest.mark.parametrize("name", [name for name in REFUSALS if "blanks" not in name])
def test_the_block_in_v3_events(name: str, server: LocalOnlySq) -> None:
    reply, block = REFUSALS[name]
    server.reply(reply, reply)
    llm: Any = make(server)
    stream = llm.stream_events("Hi", version="v3")
    finished = [e["content"] for e in stream if e["event"] == "content-block-finish"]
    assert finished == [{**block, "index": "lc_refusal"}]
    assert stream.output.content_blocks == [block]


@knows_refusals
@refusals
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_the_error_where_an_object_was_wanted(
    method: Any, reply: Any, block: dict[str, Any], server: LocalOnlySq
) -> None:
    # A call that was forced and did not come is asked for once more.
    replies = [reply] * (2 if method == "function_calling" else 1)
    llm = make(server)
    server.reply(*replies)
    with pytest.raises(REFUSAL_ERROR, match=block["refusal"] or "refused") as caught:
        llm.with_structured_output(City, method=method).invoke("x")
    assert caught.value.raw_message.response_metadata["model_provider"] == "onlysq"
    server.reply(*replies)
    raw = llm.with_structured_output(City, method=method, include_raw=True)
    result = asyncio.run(raw.ainvoke("x"))
    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], REFUSAL_ERROR)
    server.reply(*replies)
    with pytest.raises(REFUSAL_ERROR):
        list(llm.with_structured_output(City, method=method).stream("x"))


@knows_refusals
def test_a_text_that_was_filtered_is_not_a_refusal() -> None:
    message = agreed(body({"content": "Well, "}, "content_filter"))
    assert message.content_blocks == [{"type": "text", "text": "Well, "}]
    assert "refusal" not in message.additional_kwargs


@knows_refusals
def test_a_filter_after_reasoning_alone_is_a_refusal() -> None:
    message = agreed(body({"reasoning_content": "Hm.", "content": None}, "content_filter"))
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "refusal"]


def test_a_picture_that_is_left_by_a_filter_is_not_a_refusal() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    message = agreed(body({"content": [image]}, "content_filter"))
    assert "refusal" not in message.additional_kwargs


def test_an_object_beside_a_refusal_that_is_null_is_read(server: LocalOnlySq) -> None:
    server.reply(body({"content": '{"name": "Lisbon"}', "refusal": None}, "stop"))
    assert make(server).with_structured_output(City).invoke("x") == City(name="Lisbon")


@pytest.mark.needs_langchain
@knows_refusals
def test_the_middleware_reacts(server: LocalOnlySq) -> None:
    from langchain.agents import create_agent
    from langchain.agents.middleware import ModelRefusalMiddleware

    server.reply(body({"content": None, "refusal": "I will not."}, "stop"))
    agent: Any = create_agent(make(server), middleware=[ModelRefusalMiddleware()])
    with pytest.raises(REFUSAL_ERROR, match="I will not"):
        agent.invoke({"messages": [("user", "Hi")]})


class TestBefore:
    """Where langchain-core knows of no refusals."""

    @pytest.fixture(autouse=True)
    def _old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (content_blocks, reader, structured_output):
            monkeypatch.setattr(module, "REFUSAL_ERROR", None)

    def test_the_block_is_not_a_standard_one(self) -> None:
        message = agreed(body({"content": None, "refusal": "I will not."}, "stop"))
        assert message.content_blocks == [{"type": "non_standard", "value": SAID}]

    @pytest.mark.skipif(
        not CORE_KNOWS_OUR_EVENTS,
        reason="before 1.7, langchain-core makes the v3 events itself, from our chunks",
    )
    def test_the_event_is_not_a_standard_one(self, server: LocalOnlySq) -> None:
        server.reply(body({"content": None, "refusal": "I will not."}, "stop"))
        llm: Any = make(server)
        (block,) = llm.stream_events("Hi", version="v3").output.content
        assert block == {"type": "non_standard", "value": SAID, "index": "lc_refusal"}

    def test_a_filtered_answer_is_empty(self) -> None:
        error = agreed_error(body({"content": ""}, "content_filter"))
        assert isinstance(error, OnlySqEmptyResponseError)

    def test_the_parser_says_so(self) -> None:
        parser = structured_output.StructuredOutputParser(output_type=City)
        message = AIMessage("", additional_kwargs={"refusal": "I will not."})
        error = parser.judge(message)["parsing_error"]
        assert isinstance(error, OutputParserException)
        assert "I will not" in str(error)
