"""What an answer becomes, whichever way it was asked for and whichever way it came."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from langchain_onlysq import (
    ChatOnlySq,
    OnlySqAPIError,
    OnlySqEmptyResponseError,
    OnlySqNotFoundError,
    OnlySqRateLimitError,
    OnlySqResponseError,
    OnlySqStreamError,
)
from langchain_onlysq.response.refusals import REFUSAL_ERROR
from langchain_onlysq.testing import Hold, LocalOnlySq, Reply, chunk, completion
from tests.support import answer_bodies
from tests.support.answer_bodies import TEXTS, WHOLE
from tests.support.four_ways import WAYS, agreed, agreed_error, four_ways, run

pytestmark = pytest.mark.sockets

USAGE = WHOLE["usage"]
SAID = "".join(TEXTS)
piece = partial(answer_bodies.chunk, id="chat_1", created=1745146202)
"""Makes a chunk of the stream that says the same as WHOLE."""

STREAM = Reply.stream([piece(""), *map(piece, TEXTS), piece(None, "stop", usage=USAGE, user=0)])


@pytest.mark.parametrize("endpoint", ["v2", "openai"])
@pytest.mark.parametrize("body", [WHOLE, STREAM], ids=["whole", "stream"])
def test_documented_answer_is_the_same_four_ways(body: Any, endpoint: str) -> None:
    message = agreed(body, endpoint=endpoint)
    assert message.content == SAID
    assert message.usage_metadata == {"input_tokens": 11, "output_tokens": 19, "total_tokens": 30}
    assert message.response_metadata == {
        "model_name": "gpt-4o-mini-2024",
        "model_provider": "onlysq",
        "finish_reason": "stop",
        "id": "chat_1",
        "created": 1745146202,
        "user": 0,
    }
    assert message.additional_kwargs == {}


@pytest.mark.parametrize("name", ["content", "annotations"])
def test_what_is_passed_on_can_be_written_again(name: str) -> None:
    for levels in (90, 250, 900):
        nested: Any = "x"
        for _ in range(levels):
            nested = {"type": "x", "y": [nested]} if levels < 900 else [nested]
        delta = {"content": "Hi", name: [{"type": "x", "z": nested}]}
        reply = Reply.stream([chunk(delta), chunk({}, finish_reason="stop")])
        if levels == 90:
            assert "'y'" in str(agreed(reply))
            assert agreed(reply).model_dump_json()
        else:
            assert "nested too deeply" in str(agreed_error(reply))


def test_usage_stands_in_the_last_chunk_alone() -> None:
    for outcome in four_ways(STREAM)[2:]:
        with_usage = [chunk for chunk in outcome.chunks if chunk.usage_metadata]
        assert with_usage == outcome.chunks[-1:]
        assert [chunk.chunk_position for chunk in outcome.chunks[-2:]] == [None, "last"]


def test_a_stream_arrives_in_pieces() -> None:
    for outcome in four_ways(STREAM)[2:]:
        assert [chunk.text for chunk in outcome.chunks] == [*TEXTS, ""]


def test_the_first_piece_comes_before_the_last_was_sent(server: LocalOnlySq) -> None:
    server.reply(Reply.stream([piece("first"), Hold()], done=False))
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    assert next(iter(llm.stream("Hi"))).text == "first"


def test_missing_usage_is_none_and_missing_model_is_the_requested_one() -> None:
    bare = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    message = agreed(bare)
    assert message.usage_metadata is None
    assert message.response_metadata["model_name"] == "gpt-4o-mini"


def test_provider_ids_never_become_message_ids(server: LocalOnlySq) -> None:
    server.reply(WHOLE, WHOLE)
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    first, second = llm.invoke("Hi"), llm.invoke("Hi")
    assert first.id is not None
    assert first.id != second.id
    assert "chat_1" not in {first.id, second.id}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_field(field: str) -> None:
    whole = {"choices": [{"message": {"content": "42", field: "hm"}, "finish_reason": "stop"}]}
    streamed = Reply.stream(
        [
            chunk({field: "h"}),
            chunk({field: "m"}),
            chunk({"content": "42"}),
            chunk({}, finish_reason="stop"),
        ]
    )
    for body in (whole, streamed):
        message = agreed(body)
        assert message.content == "42"
        assert message.additional_kwargs["reasoning_content"] == "hm"
        assert message.content_blocks == [
            {"type": "reasoning", "reasoning": "hm"},
            {"type": "text", "text": "42"},
        ]


def test_think_block_becomes_reasoning_and_can_stay_text() -> None:
    text = "<think>\nwhat is 6 * 7\n</think>\n\n42"
    streamed = Reply.stream([*[piece(character) for character in text], piece(None, "stop")])
    for body in (completion(text), streamed):
        message = agreed(body)
        assert message.content == "42"
        assert message.additional_kwargs["reasoning_content"] == "what is 6 * 7"
        assert agreed(body, parse_reasoning=False).content == text


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_content_blocks_of_a_stream(server: LocalOnlySq, version: str) -> None:
    server.reply(Reply.text("the answer is 42", reasoning="well well well"))
    llm = ChatOnlySq(model="m", base_url=server.base_url, output_version=version)
    chunks = list(llm.stream("Hi"))
    total = chunks[0]
    for following in chunks[1:]:
        total += following
    assert isinstance(total, AIMessageChunk)
    blocks = [{k: v for k, v in block.items() if k != "index"} for block in total.content_blocks]
    assert blocks == [
        {"type": "reasoning", "reasoning": "well well well"},
        {"type": "text", "text": "the answer is 42"},
    ]


@pytest.mark.parametrize("pieces", [["one STOP two"], ["one ST", "OP two"], list("one STOP two")])
def test_stop_ends_the_answer_here_too(pieces: list[str]) -> None:
    body = Reply.stream([*[piece(text) for text in pieces], piece(None, "length")])
    message = agreed(body, stop=["STOP", "never"])
    assert message.content == "one "
    assert message.response_metadata["finish_reason"] == "stop"


def test_stop_closes_the_stream_there(server: LocalOnlySq) -> None:
    server.reply(Reply.stream([piece("one STOP two"), Hold()], done=False))
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    assert [c.text for c in llm.stream("Hi", stop=["STOP"])] == ["one ", ""]


def test_an_answer_that_begins_with_a_stop_sequence_is_empty_and_no_error() -> None:
    assert agreed(completion("STOP it"), stop="STOP").content == ""


def test_refusal_and_annotations_are_kept() -> None:
    message = {"content": None, "refusal": "I will not.", "annotations": [{"type": "x"}]}
    answer = agreed({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert answer.content == ""
    assert answer.additional_kwargs["refusal"] == "I will not."
    assert answer.additional_kwargs["annotations"] == [{"type": "x"}]
    refusal = {"type": "refusal", "refusal": "I will not."}
    known = {"type": "non_standard", "value": refusal} if REFUSAL_ERROR is None else refusal
    assert answer.content_blocks == [known]


def test_parts_that_are_not_text_are_kept() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    content = [{"type": "text", "text": "see"}, image]
    answer = agreed({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]})
    assert answer.content == "see"
    assert answer.additional_kwargs["content_parts"] == [image]
    assert {"type": "non_standard", "value": image} in answer.content_blocks


def test_empty_answer_is_an_error_unless_allowed() -> None:
    error = agreed_error(completion(""))
    assert isinstance(error, OnlySqEmptyResponseError)
    assert agreed(completion(""), allow_empty=True).content == ""


def test_finish_reason_error_is_an_error() -> None:
    error = agreed_error(completion("boom", finish_reason="error"))
    assert type(error) is OnlySqAPIError
    assert "boom" in str(error)


@pytest.mark.parametrize(
    ("body", "error_class"),
    [
        ({"choices": None, "error": {"message": "slow down", "code": 429}}, OnlySqRateLimitError),
        ({"detail": "model foo not found"}, OnlySqNotFoundError),
        ({"choices": []}, OnlySqResponseError),
        (b"<html><body>Maintenance</body></html>", OnlySqResponseError),
        (b'{"choices": [{"mess', OnlySqResponseError),
        (b"", OnlySqEmptyResponseError),
        (b"data: [DONE]\n\n", OnlySqEmptyResponseError),
        (b'data: {"choices":[{"delta":{"content":"half', OnlySqStreamError),
    ],
    ids=str,
)
def test_errors_in_a_200(body: Any, error_class: type[Exception]) -> None:
    assert type(agreed_error(body)) is error_class


def test_error_in_mid_stream_comes_after_what_was_sent() -> None:
    body = Reply.stream([piece("half an "), {"error": {"message": "overloaded", "code": 503}}])
    for outcome in four_ways(body):
        assert type(outcome.failure) is OnlySqAPIError
        assert outcome.failure.status_code == 503
        assert outcome.delivered == ("half an " if "stream" in outcome.way else "")


def test_streaming_field_streams_under_invoke(server: LocalOnlySq) -> None:
    llm = ChatOnlySq(model="m", base_url=server.base_url, streaming=True)
    assert llm.invoke([HumanMessage("one two")]).content == "You said: one two"
    assert server.requests[0].json["request"]["stream"] is True


def test_batch(server: LocalOnlySq) -> None:
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    answers = llm.batch([f"number {n}" for n in range(20)], {"max_concurrency": 5})
    assert [a.content for a in answers] == [f"You said: number {n}" for n in range(20)]


async def test_abatch_keeps_going_past_a_failure(server: LocalOnlySq) -> None:
    server.reply(Reply.error(400, "no"))
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    answers = await llm.abatch(["one", "two"], {"max_concurrency": 1}, return_exceptions=True)
    assert isinstance(answers[0], Exception)
    assert answers[1].content == "You said: two"
    await llm.aclose()


@pytest.mark.parametrize("message_class", [AIMessage, AIMessageChunk])
def test_content_that_is_a_list_already_is_left_to_langchain(message_class: Any) -> None:
    blocks = [{"type": "text", "text": "Hi"}]
    message = message_class(blocks, response_metadata={"model_provider": "onlysq"})
    assert message.content_blocks == blocks


@pytest.mark.parametrize("way", WAYS)
def test_tracers_find_the_finish_reason_and_the_model(way: str, server: LocalOnlySq) -> None:
    heard: list[dict[str, Any]] = []

    class Listener(BaseCallbackHandler):
        def on_llm_end(self, response: Any, **_: Any) -> None:
            heard.append(response.generations[0][0].generation_info)

    server.reply(completion("Hi", model="served"))
    run(way, ChatOnlySq(model="m", base_url=server.base_url, callbacks=[Listener()]))
    assert heard == [{"finish_reason": "stop", "model_name": "served"}]
