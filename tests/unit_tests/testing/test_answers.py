"""Answers of the model, and the JSON bodies that they are sent in."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from langchain_onlysq.testing import LocalOnlySq, Reply, chunk, completion
from tests.support.local_server import (
    CALL,
    OPENAI,
    WEATHER,
    content_of,
    deltas_of,
    events_of,
    flat,
    message_of,
    native,
    post,
    v2,
)


class TestAnswers:
    def test_a_whole_answer_has_the_documented_shape(self, server: LocalOnlySq) -> None:
        server.reply("Hello")
        body = post(server, v2()).json()
        documented = completion("Hello", model="m", id=body["id"], created=body["created"])
        assert body == documented | {"usage": body["usage"]}
        assert body["id"].startswith("chat_")
        assert body["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}

    def test_each_answer_has_an_id_of_its_own(self, server: LocalOnlySq) -> None:
        assert post(server, v2()).json()["id"] != post(server, v2()).json()["id"]

    def test_a_stream_has_the_documented_shape(self, server: LocalOnlySq) -> None:
        server.reply("One two three.")
        *events, end = events_of(post(server, v2(stream=True)).content)
        same = {"id": events[0]["id"], "created": events[0]["created"], "model": "m"}
        usage = {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}
        assert end == b"[DONE]"
        assert events == [
            *(chunk(piece, **same) for piece in ("One ", "two ", "three.")),
            chunk("", finish_reason="stop", usage=usage, **same),
        ]
        assert events[0]["choices"][0]["delta"] == {"content": "One ", "role": "assistant"}

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, []),
            ({"stream_options": {}}, []),
            ({"stream_options": {"include_usage": False}}, []),
            ({"stream_options": {"include_usage": True}}, [[]]),
        ],
    )
    def test_usage_on_openai_comes_when_asked_for(
        self, server: LocalOnlySq, options: dict[str, Any], expected: list[Any]
    ) -> None:
        body = post(server, flat(stream=True, **options), OPENAI).content
        events = [event for event in events_of(body) if event != b"[DONE]"]
        with_usage = [event["choices"] for event in events if event["usage"]]
        assert with_usage == expected

    @pytest.mark.parametrize(
        "text", ["", " ", "a b c", "\n\n a", "x" * 100, "жук 你好 👩‍👩‍👧 \u2028 \x85", "a\u3000b"]
    )
    def test_streams_lose_nothing(self, server: LocalOnlySq, text: str) -> None:
        server.reply(text)
        body = post(server, v2(stream=True)).content
        assert "".join(deltas_of(body, "content")) == text

    def test_options_of_a_text(self, server: LocalOnlySq) -> None:
        reply = Reply.text(
            "Hello",
            stream_pieces=["He", "llo"],
            model="other",
            finish_reason="length",
            usage=None,
            reasoning="I think",
            interval=0.001,
        )
        server.reply(reply, reply)
        whole = post(server, v2()).json()
        assert (whole["model"], whole["usage"]) == ("other", None)
        assert whole["choices"][0]["finish_reason"] == "length"
        assert whole["choices"][0]["message"]["reasoning_content"] == "I think"
        streamed = post(server, v2(stream=True)).content
        assert deltas_of(streamed, "reasoning_content") == ["I ", "think"]
        assert deltas_of(streamed, "content") == ["He", "llo"]
        assert events_of(streamed)[-2]["choices"][0]["finish_reason"] == "length"

    def test_reasoning_is_counted(self, server: LocalOnlySq) -> None:
        server.reply(Reply.text("Hello", reasoning="x" * 40))
        usage = post(server, v2()).json()["usage"]
        assert usage["completion_tokens_details"] == {"reasoning_tokens": 10}
        assert usage["completion_tokens"] == 12
        assert usage["total_tokens"] == usage["prompt_tokens"] + 12

    def test_native_tool_calls(self, server: LocalOnlySq) -> None:
        server.reply(Reply.tool_calls([("get_weather", {"location": "Köln"}), ("x", '{"a": ')]))
        response = post(server, flat(tools=native(WEATHER)), OPENAI)
        message = message_of(response)
        assert message["content"] is None
        assert [c["function"] for c in message["tool_calls"]] == [
            {"name": "get_weather", "arguments": '{"location": "Köln"}'},
            {"name": "x", "arguments": '{"a": '},
        ]
        assert len({c["id"] for c in message["tool_calls"]}) == 2
        assert response.json()["choices"][0]["finish_reason"] == "tool_calls"

    def test_native_tool_calls_in_a_stream(self, server: LocalOnlySq) -> None:
        server.reply(Reply.tool_calls([("get_weather", {"location": "Köln"}), ("no_args", {})]))
        body = post(server, flat(tools=native(WEATHER), stream=True), OPENAI).content
        parts = [call for calls in deltas_of(body, "tool_calls") for call in calls]
        first = [part for part in parts if part["index"] == 0]
        assert first[0]["function"] == {"name": "get_weather", "arguments": ""}
        assert first[0]["type"] == "function"
        assert len(first) > 3
        assert all(set(part) == {"index", "function"} for part in first[1:])
        assert "".join(p["function"]["arguments"] for p in first) == '{"location": "Köln"}'
        second = [part for part in parts if part["index"] == 1]
        assert "".join(p["function"]["arguments"] for p in second) == "{}"
        assert events_of(body)[-2]["choices"][0]["finish_reason"] == "tool_calls"

    def test_prompted_tool_calls(self, server: LocalOnlySq) -> None:
        calls: list[tuple[str, dict[str, Any] | str]] = [("add", {"a": 1}), ("x", '{"a": ')]
        server.reply(Reply.tool_calls(calls, text="Wait."), Reply.tool_calls(calls))
        response = post(server, v2())
        written = (
            '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>\n'
            '<tool_call>{"name": "x", "arguments": {"a": }</tool_call>'
        )
        assert content_of(response) == f"Wait.\n{written}"
        assert response.json()["choices"][0]["finish_reason"] == "stop"
        body = post(server, v2(stream=True)).content
        assert "".join(deltas_of(body, "content")) == written


class TestBodies:
    def test_bodies_can_be_changed(self) -> None:
        assert completion("Hi", error="x", choices=[])["choices"] == []
        assert completion("Hi", error="x")["error"] == "x"
        assert completion(None, usage=None)["usage"] is None
        assert completion("Hi", tool_calls=[CALL])["choices"][0]["message"]["tool_calls"] == [CALL]
        assert chunk({"role": None, "content": None})["choices"][0]["delta"]["role"] is None
        assert chunk(None, usage={"total_tokens": 3})["choices"] == []

    def test_given_objects_stay_as_they_are(self) -> None:
        given = {"content": "x"}
        before = copy.deepcopy(given)
        chunk(given)
        assert given == before
