r"""A character cut in two, as `"\ud83d"` and `"\ude00"`, is whole in every way of calling."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_onlysq.response.halves import HalfJoiner
from langchain_onlysq.testing import Close, LocalOnlySq, Reply, chunk, completion
from tests.support.four_ways import WAYS, agreed, four_ways, run
from tests.support.tools import make

SMILE = "\N{GRINNING FACE}"
HIGH, LOW = "\ud83d", "\ude00"
LOST = "\N{REPLACEMENT CHARACTER}"
END = chunk({}, finish_reason="stop")


def events(*deltas: Any) -> Reply:
    """Stream chunks as JSON in ASCII, in which halves can stand."""
    chunks = [chunk(delta) for delta in deltas]
    return Reply.stream([f"data: {json.dumps(each)}\n\n" for each in [*chunks, END]])


@pytest.mark.sockets
class TestFourWays:
    @pytest.mark.parametrize("texts", [[f"Hi {HIGH}", f"{LOW}!"], ["Hi ", HIGH, "", LOW, "!"]])
    def test_text(self, texts: list[str]) -> None:
        assert agreed(events(*texts)).content == f"Hi {SMILE}!"

    def test_reasoning(self) -> None:
        deltas = [{"reasoning_content": f"Hm {HIGH}"}, {"reasoning_content": LOW}, "Hi"]
        message = agreed(events(*deltas))
        assert message.additional_kwargs["reasoning_content"] == f"Hm {SMILE}"

    def test_texts_of_two_kinds_do_not_mix(self) -> None:
        deltas = [{"reasoning_content": HIGH, "content": f"a{HIGH}"}, {"content": LOW}]
        message = agreed(events(*deltas, {"reasoning_content": LOW}))
        assert message.content == f"a{SMILE}"
        assert message.additional_kwargs["reasoning_content"] == SMILE

    @pytest.mark.parametrize(
        ("texts", "content"),
        [
            (["a", HIGH], f"a{LOST}"),
            ([HIGH, "a"], f"{LOST}a"),
            ([LOW, "a"], f"{LOST}a"),
            ([HIGH, HIGH, LOW], f"{LOST}{SMILE}"),
        ],
    )
    def test_a_half_alone_is_lost(self, texts: list[str], content: str) -> None:
        assert agreed(events(*texts)).content == content

    def test_a_half_before_a_broken_end_is_delivered(self) -> None:
        body = [f"data: {json.dumps(chunk(text))}\n\n" for text in ("a", HIGH)]
        for outcome in four_ways(Reply.stream([*body, Close()], done=False))[2:]:
            assert outcome.delivered == f"a{LOST}"

    def test_whole_answers_are_read_alike(self) -> None:
        whole = completion(f"{HIGH}{LOW} {HIGH}")
        message = agreed(Reply(body=json.dumps(whole).encode()))
        assert message.content == f"{SMILE} {LOST}"

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("setup", ["v2", "openai"])
    def test_arguments(self, setup: str, way: str, server: LocalOnlySq) -> None:
        texts = [f'{{"text": "{HIGH}', f'{LOW} {HIGH}"}}']
        if setup == "v2":
            head, tail = '<tool_call>{"name": "note", "arguments": ', "}</tool_call>"
            reply = events(head + texts[0], texts[1] + tail)
        else:
            named = {"index": 0, "id": "c", "function": {"name": "note", "arguments": texts[0]}}
            more = {"index": 0, "function": {"arguments": texts[1]}}
            reply = events({"tool_calls": [named]}, {"tool_calls": [more]})
        server.reply(reply)
        tool = {"name": "note", "description": "Take a note.", "parameters": {"type": "object"}}
        answer = run(way, make(server, setup).bind_tools([tool])).answer
        assert [call["args"] for call in answer.tool_calls] == [{"text": f"{SMILE} {LOST}"}]


@pytest.mark.parametrize(
    "event",
    [
        {"choices": HIGH},
        {"choices": [{"delta": HIGH}]},
        {"choices": [{"delta": {"content": [HIGH], "tool_calls": HIGH}}]},
        {"choices": [{"delta": {"tool_calls": [HIGH, {"function": HIGH}]}}]},
    ],
)
def test_what_is_no_text_is_made_whole_as_it_stands(event: dict[str, Any]) -> None:
    joiner = HalfJoiner()
    expected = json.loads(json.dumps(event).replace("\\ud83d", LOST))
    assert joiner.join(event) == expected
    assert joiner.rest() == {}


def test_a_half_of_arguments_that_stays_alone_belongs_to_its_call() -> None:
    joiner = HalfJoiner()
    calls = [{"index": 3, "function": {"arguments": HIGH}}, {"function": {"arguments": HIGH}}]
    joiner.join({"choices": [{"delta": {"tool_calls": calls}}]})
    rest = [{"index": index, "function": {"arguments": LOST}} for index in (3, 1)]
    assert joiner.rest() == {"tool_calls": rest}
