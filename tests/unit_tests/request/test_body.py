"""One call becomes the JSON body of its request."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_onlysq.errors import OnlySqInvalidRequestError
from langchain_onlysq.request.body import PATHS, build_body, encode
from langchain_onlysq.request.tools import ToolRequest
from langchain_onlysq.settings.call_options import CallOptions
from tests.support.properties import patient

HI = [HumanMessage("Hi")]
NO_TOOLS = ToolRequest()
WIRE_HI = [{"role": "user", "content": "Hi"}]


def build(
    extra: dict[str, Any] | None = None, *, stream: bool = False, **options: Any
) -> dict[str, Any]:
    return build_body(
        HI, CallOptions(**{"model": "gpt-4o-mini", **options}), NO_TOOLS, extra or {}, stream=stream
    )


def test_each_endpoint_has_its_path() -> None:
    assert PATHS == {"v2": "/v2", "openai": "/openai/chat/completions"}


def test_the_least_body_has_nothing_but_model_and_messages() -> None:
    assert build() == {"model": "gpt-4o-mini", "request": {"messages": WIRE_HI}}
    assert build(endpoint="openai") == {"model": "gpt-4o-mini", "messages": WIRE_HI}


def test_stream_stands_where_the_endpoint_wants_it() -> None:
    assert build(stream=True) == {
        "model": "gpt-4o-mini",
        "request": {"messages": WIRE_HI, "stream": True},
    }
    assert build(stream=True, endpoint="openai") == {
        "model": "gpt-4o-mini",
        "messages": WIRE_HI,
        "stream": True,
    }


@pytest.mark.parametrize("endpoint", ["openai", "v2"])
def test_the_usage_chunk_is_asked_for_in_streams(endpoint: str) -> None:
    body = build(stream=True, endpoint=endpoint, stream_usage=True)
    request = body["request"] if endpoint == "v2" else body
    assert request["stream_options"] == {"include_usage": True}
    unasked: tuple[dict[str, Any], ...] = (
        {"stream": False, "stream_usage": True},
        {"stream": True},
    )
    for fields in unasked:
        assert "stream_options" not in json.dumps(build(endpoint=endpoint, **fields))


def test_the_callers_own_stream_options_win() -> None:
    body = build({"stream_options": {"x": 1}}, stream=True, endpoint="openai", stream_usage=True)
    assert body["stream_options"] == {"x": 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.0),
        ("temperature", 0.7),
        ("top_p", 0.5),
        ("max_tokens", 7),
        ("seed", 0),
        ("stop", ["END"]),
    ],
)
def test_sampling_is_sent_when_set(name: str, value: Any) -> None:
    assert build(**{name: value})["request"] == {"messages": WIRE_HI, name: value}
    assert build(**{name: value}, endpoint="openai")[name] == value


def test_nothing_is_sent_that_is_not_set() -> None:
    body = build(
        temperature=None, top_p=None, max_tokens=None, seed=None, stop=None, endpoint="openai"
    )
    assert body.keys() == {"model", "messages"}
    assert build(stop=[])["request"].keys() == {"messages"}
    assert build({"x": None})["request"].keys() == {"messages"}


def test_settings_of_ours_are_never_sent() -> None:
    body = build(
        timeout=7,
        stall_timeout=7,
        max_retries=7,
        parse_reasoning=False,
        allow_empty=True,
        allow_truncated_stream=True,
        tool_calling="native",
        merge_consecutive_messages=True,
        stream_usage=True,
    )
    assert body == {"model": "gpt-4o-mini", "request": {"messages": WIRE_HI}}


def test_extra_keys_stand_among_the_others() -> None:
    meta = {"meta": {"image_count": 1}}
    assert build(meta)["request"] == {"messages": WIRE_HI, **meta}
    assert build(meta, endpoint="openai")["meta"] == meta["meta"]


def test_extra_keys_are_never_changed() -> None:
    extra = {"meta": {"image_count": 1}, "n": 1}
    before = copy.deepcopy(extra)
    build(extra, stream=True)
    assert extra == before


@pytest.mark.parametrize("n", [0, 2, "1", [1]])
def test_one_call_gives_one_answer(n: Any) -> None:
    with pytest.raises(OnlySqInvalidRequestError, match="n must be 1") as caught:
        build({"n": n})
    assert caught.value.model == "gpt-4o-mini"


@pytest.mark.parametrize("n", [None, 1])
def test_n_may_be_1(n: int | None) -> None:
    build({"n": n})


@pytest.mark.parametrize(("endpoint", "count"), [("v2", 1), ("openai", 2)])
def test_messages_are_merged_where_the_settings_say_so(endpoint: str, count: int) -> None:
    options = CallOptions.model_validate({"model": "m", "endpoint": endpoint})
    body = build_body([*HI, *HI], options, NO_TOOLS, {}, stream=False)
    assert len(body.get("request", body)["messages"]) == count


@pytest.mark.parametrize(("mode", "role"), [("native", "tool"), ("prompted", "user")])
def test_tools_are_native_or_text(mode: str, role: str) -> None:
    options = CallOptions.model_validate({"model": "m", "tool_calling": mode})
    body = build_body([ToolMessage("4", tool_call_id="1")], options, NO_TOOLS, {}, stream=False)
    assert body["request"]["messages"][0]["role"] == role


def test_names_are_for_the_openai_endpoint_alone() -> None:
    for endpoint, named in (("v2", False), ("openai", True)):
        options = CallOptions.model_validate({"model": "m", "endpoint": endpoint})
        body = build_body([HumanMessage("x", name="me")], options, NO_TOOLS, {}, stream=False)
        assert ("name" in body.get("request", body)["messages"][0]) is named


def test_no_message_is_an_error_before_any_request() -> None:
    with pytest.raises(OnlySqInvalidRequestError):
        build_body([], CallOptions(model="m"), NO_TOOLS, {}, stream=False)


class TestEncoding:
    def test_the_body_is_compact_json_in_utf_8(self) -> None:
        assert encode({"a": ["Ж", 1]}, "m") == '{"a":["Ж",1]}'.encode()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a\ud83db", "a\ufffdb"),
            ("c\ude00d", "c\ufffdd"),
            ("\ud83d", "\ufffd"),
            ("\ude00\ud83d", "\ufffd\ufffd"),
            ("\ud83d\ud83d\ude00", "\ufffd😀"),
            ("\ud83d\ude00", "😀"),
            ("😀 \ud83d 🌍", "😀 \ufffd 🌍"),
            ("Привет 🌍", "Привет 🌍"),
            ("\ufeff\u2028", "\ufeff\u2028"),
        ],
    )
    def test_lone_surrogates_are_replaced_and_emoji_are_not(self, text: str, expected: str) -> None:
        body = encode({"text": text, text: [text]}, "m")
        assert json.loads(body) == {"text": expected, expected: [expected]}

    @patient
    @given(st.text(st.characters(categories=None)))
    def test_any_text_can_be_sent(self, text: str) -> None:
        pairs_joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        assert json.loads(encode({"text": text}, "m")) == {"text": pairs_joined}

    def test_surrogates_anywhere_in_a_conversation_can_be_sent(self) -> None:
        bad = "a\ud83d"
        messages = [
            HumanMessage(bad),
            AIMessage(
                bad,
                tool_calls=[{"name": "add", "args": {bad: bad}, "id": bad, "type": "tool_call"}],
            ),
            ToolMessage(bad, tool_call_id=bad),
        ]
        for endpoint in ("v2", "openai"):
            options = CallOptions.model_validate({"model": "m", "endpoint": endpoint})
            body = encode(build_body(messages, options, NO_TOOLS, {bad: bad}, stream=True), "m")
            assert b"\\ud83d" not in body.replace(b'\\"', b"")
            assert "a\ufffd" in body.decode()
            json.loads(body)

    @pytest.mark.parametrize(
        "value", [float("nan"), float("inf"), {1, 2}, b"x", object(), {("a", "b"): 1}, 1j]
    )
    def test_what_is_not_json_is_a_clear_error(self, value: Any) -> None:
        with pytest.raises(OnlySqInvalidRequestError, match="cannot be written as JSON") as caught:
            encode({"a": value}, "gpt-4o-mini")
        assert caught.value.model == "gpt-4o-mini"
        assert not caught.value.is_retryable

    def test_a_cycle_and_endless_depth_are_clear_errors(self) -> None:
        cycle: list[Any] = []
        cycle.append(cycle)
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        # A cycle is seen at once: at each turn of it, what is in it would be written again.
        for value, said in ((cycle, "Circular reference"), (deep, "recursion depth")):
            with pytest.raises(OnlySqInvalidRequestError, match=said):
                encode({"a": value}, "m")


@pytest.mark.parametrize("endpoint", ["openai", "v2"])
def test_the_reasoning_effort_stands_beside_the_messages(endpoint: str) -> None:
    body = build({"extra": {"a": 1}}, endpoint=endpoint, reasoning_effort="low")
    request = body["request"] if endpoint == "v2" else body
    assert request["extra"] == {"a": 1, "reasoning": "low"}
    assert "extra" not in json.dumps(build(endpoint=endpoint))
