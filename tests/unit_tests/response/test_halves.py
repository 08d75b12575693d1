r"""A character cut in two, as `"\ud83d"` and `"\ude00"`, is whole in every way of calling."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_onlysq.testing import Close, LocalOnlySq, Reply, chunk, completion
from tests.support.four_ways import WAYS, agreed, agreed_error, four_ways, run
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


@pytest.mark.sockets
class TestOtherForms:
    """The texts of an answer come in more forms than one."""

    def test_content_in_parts(self) -> None:
        first = {"type": "text", "text": f"a{HIGH}"}, {"type": "thinking", "thinking": HIGH}
        second = {"type": "text", "text": f"{LOW}b"}, {"type": "thinking", "thinking": LOW}
        deltas: list[Any] = [{"content": list(first)}, {"content": list(second)}]
        message = agreed(events(*deltas))
        assert message.content == f"a{SMILE}b"
        assert message.additional_kwargs["reasoning_content"] == SMILE

    def test_reasoning_in_parts(self) -> None:
        halves = [{"reasoning": [{"thinking": half}]} for half in (f"a{HIGH}", f"{LOW}b")]
        message = agreed(events(*halves, "Hi"))
        assert message.additional_kwargs["reasoning_content"] == f"a{SMILE}b"

    def test_a_refusal(self) -> None:
        message = agreed(events({"refusal": HIGH}, {"refusal": f"{LOW}{HIGH}"}))
        assert message.additional_kwargs["refusal"] == f"{SMILE}{LOST}"

    @pytest.mark.parametrize("form", ["an object", "a list"])
    def test_a_legacy_function_call(self, form: str) -> None:
        texts = f'{{"x": "a{HIGH}', f'{LOW}b"}}'
        calls: list[Any] = [{"name": "add", "arguments": texts[0]}, {"arguments": texts[1]}]
        deltas = [{"function_call": [call] if form == "a list" else call} for call in calls]
        for outcome in four_ways(events(*deltas), endpoint="openai"):
            (call,) = outcome.answer.tool_calls
            assert call["args"] == {"x": f"a{SMILE}b"}

    def test_calls_without_an_index(self) -> None:
        names = ("add", "subtract")
        calls = [
            {"id": name, "function": {"name": name, "arguments": f'{{"x": "{HIGH}'}}
            for name in names
        ]
        reply = events(*({"tool_calls": [call]} for call in calls))
        for outcome in four_ways(reply, endpoint="openai", max_repairs=0):
            broken = outcome.answer.invalid_tool_calls
            assert [call["name"] for call in broken] == list(names)
            for call in broken:
                assert str(call["args"]).startswith(f'{{"x": "{LOST}')

    @pytest.mark.parametrize("name", ["content", "reasoning_content", "refusal"])
    def test_half_a_character_is_an_answer(self, name: str) -> None:
        message = agreed(events({name: HIGH}))
        assert LOST in str(message)

    def test_what_is_no_text_has_no_halves_either(self) -> None:
        image = {"type": "image_url", "image_url": {"url": HIGH}}
        call = {"id": HIGH, "function": {"name": HIGH, "arguments": {"x": HIGH}}}
        delta = {"content": [image], "annotations": [HIGH], "tool_calls": [call]}
        body = [chunk(delta), chunk("", finish_reason=HIGH)]
        message = agreed(
            Reply.stream([f"data: {json.dumps({**each, 'user': HIGH})}\n\n" for each in body]),
            endpoint="openai",
        )
        (found,) = message.tool_calls
        assert (found["id"], found["name"], found["args"]) == (LOST, LOST, {"x": LOST})
        assert message.additional_kwargs["annotations"] == [LOST]
        assert message.response_metadata["user"] == LOST
        assert message.response_metadata["finish_reason"] == LOST
        assert HIGH not in str(message)

    def test_a_failed_generation_is_quoted_in_whole_characters(self) -> None:
        reply = Reply.stream([f"data: {json.dumps(chunk(HIGH, finish_reason='error'))}\n\n"])
        assert LOST in str(agreed_error(reply))
