"""Bytes of an answer become its pieces and its end, or one error."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqContextOverflowError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqRateLimitError,
    OnlySqResponseError,
    OnlySqStreamError,
)
from langchain_onlysq.errors.classify import ErrorContext
from langchain_onlysq.response.deltas import AnswerEnd, Delta, Reasoning, ToolCallDelta
from langchain_onlysq.response.reader import AnswerReader
from langchain_onlysq.settings.call_options import (
    CallOptions,
)
from tests.unit_tests.response.test_sse import (
    BODIES,
    LINE_BREAKERS,
    TEXTS,
    WHOLE,
    chunk,
    cut_at,
    stream,
)

# How fast a machine is says nothing about the code.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEY = "sq-test-0123456789abcdefghijklmnopq"
CONTEXT = ErrorContext(model="asked", base_url="https://example.org/ai", secrets=(KEY,))
USAGE = {"prompt_tokens": 11, "completion_tokens": 19, "total_tokens": 30}
READ_USAGE = {"input_tokens": 11, "output_tokens": 19, "total_tokens": 30}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "stops": {"stop": ["мир", "done", "b\u2029"]},
    "no reasoning": {"parse_reasoning": False},
    "tolerant": {"allow_empty": True, "allow_truncated_stream": True},
}


def read(*pieces: bytes, **options: Any) -> tuple[list[Delta], AnswerEnd | OnlySqError]:
    reader = AnswerReader(CallOptions(**{"model": "asked", **options}), CONTEXT)
    deltas: list[Delta] = []
    for piece in pieces:
        if not reader.finished:
            deltas += reader.feed(piece)
    deltas += reader.close()
    try:
        return deltas, reader.end()
    except OnlySqError as error:
        return deltas, error


def answer(*pieces: bytes, **options: Any) -> tuple[list[Delta], AnswerEnd]:
    deltas, end = read(*pieces, **options)
    assert isinstance(end, AnswerEnd), end
    return deltas, end


def failure(*pieces: bytes, **options: Any) -> tuple[list[Delta], OnlySqError]:
    deltas, end = read(*pieces, **options)
    assert isinstance(end, OnlySqError), end
    return deltas, end


def text(deltas: list[Delta]) -> str:
    return "".join(d for d in deltas if isinstance(d, str) and not isinstance(d, Reasoning))


def reasoning(deltas: list[Delta]) -> str:
    return "".join(d for d in deltas if isinstance(d, Reasoning))


def comparable(*pieces: bytes, **options: Any) -> tuple[Any, ...]:
    deltas, end = read(*pieces, **options)
    shown = [(type(delta).__name__, delta) for delta in deltas]
    if isinstance(end, OnlySqError):
        return shown, type(end), str(end), vars(end)
    return shown, end


def event(choice: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    value = {"object": "chat.completion.chunk", "choices": [choice], **more}
    return value if choice is not None else {**value, "choices": [], **more}


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return event({"index": 0, "delta": fields, "finish_reason": finish_reason})


def completion(message: Any, finish_reason: Any = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {"object": "chat.completion", "choices": [choice], **more}


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def events(*values: Any, done: bool = True) -> bytes:
    return stream(*values, done=b"data: [DONE]" if done else b"")


body_table = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
option_table = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


class TestCuts:
    @option_table
    @body_table
    def test_any_two_pieces_give_what_one_gives(self, body: bytes, options: dict[str, Any]) -> None:
        expected = comparable(body, **options)
        step = 1 if options == {} else 7
        for offset in range(0, len(body) + 1, step):
            assert comparable(body[:offset], body[offset:], **options) == expected, offset

    @option_table
    @body_table
    def test_single_bytes_give_what_one_piece_gives(
        self, body: bytes, options: dict[str, Any]
    ) -> None:
        pieces = [bytes([byte]) for byte in body]
        assert comparable(*pieces, **options) == comparable(body, **options)

    @patient
    @given(
        body=st.sampled_from(list(BODIES.values())),
        options=st.sampled_from(list(OPTIONS.values())),
        data=st.data(),
    )
    def test_random_cuts_give_what_one_piece_gives(
        self, body: bytes, options: dict[str, Any], data: st.DataObject
    ) -> None:
        offsets = data.draw(st.lists(st.integers(0, len(body)), max_size=12))
        pieces = cut_at(body, offsets)
        assert comparable(*pieces, **options) == comparable(body, **options)

    @patient
    @given(
        st.lists(
            st.sampled_from(
                [
                    delta(content="a"),
                    delta(content=""),
                    delta(content="<think>"),
                    delta(content="</think>"),
                    delta(reasoning_content="r"),
                    delta(),
                    delta("stop"),
                    delta("length", content="b"),
                    delta("error"),
                    event(),
                    event(usage=USAGE),
                    event({"message": {"content": "m"}}),
                    event({"delta": None}),
                    completion({"content": "whole"}),
                    completion({"content": "whole"}, None),
                    {"error": "x"},
                    {},
                    None,
                    7,
                    [delta(content="c")],
                ]
            ),
            max_size=6,
        )
    )
    @example([completion({"content": "a"}), delta(), completion({"content": "b"})])
    def test_events_mean_the_same_in_one_piece_and_in_many(self, values: list[Any]) -> None:
        pieces = [events(value, done=False) for value in values]
        assert comparable(*pieces, stop=["bc"]) == comparable(b"".join(pieces), stop=["bc"])

    @patient
    @given(st.lists(st.binary(max_size=20), max_size=6))
    def test_arbitrary_bytes_give_deltas_or_an_error_of_ours(self, pieces: list[bytes]) -> None:
        deltas, end = read(*pieces)
        assert all(isinstance(piece, str) for piece in deltas)
        assert isinstance(end, (AnswerEnd, OnlySqError))
        assert comparable(*pieces) == comparable(b"".join(pieces))


KEYS = (
    "choices delta message content finish_reason usage text type error id model object index "
    "refusal reasoning annotations"
)
json_values = st.recursive(
    st.sampled_from([None, True, False, 0, 7, 1.5, "", "x", "stop", "error", "\ud83d", 10**30]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS.split()),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@patient
@given(st.lists(json_values, max_size=3))
def test_arbitrary_json_gives_deltas_or_an_error_of_ours(values: list[Any]) -> None:
    body = b"".join(b"data: " + dump(value) + b"\n\n" for value in values)
    deltas, end = read(body)
    assert all(isinstance(piece, str) and piece for piece in deltas)
    if isinstance(end, OnlySqError):
        assert str(end).isprintable()
        assert len(str(end)) < 700
    else:
        json.dumps(end.metadata)


@patient
@given(st.dictionaries(st.sampled_from(["delta", "message", "finish_reason"]), json_values))
def test_an_arbitrary_choice_gives_deltas_or_an_error_of_ours(choice: dict[str, Any]) -> None:
    body = b"data: " + dump({"choices": [choice]}) + b"\n\ndata: [DONE]\n\n"
    assert comparable(body) == comparable(*(bytes([byte]) for byte in body))


@pytest.mark.parametrize("depth", [100, 190, 300, 480, 600, 800, 950, 5000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("[", "]"),
        ('{"choices":[{"delta":{"content":[', "]}}]}"),
        ('{"choices":[{"delta":{"content":{"content":', "}}}]}"),
        ('{"choices":[{"delta":{"content":{"type":"x","y":[', "]}}}]}"),
        ('{"error":[', "]}"),
        ('{"choices":[{"finish_reason":[', "]}]}"),
        ('{"object":[', "]}"),
    ],
)
def test_nesting_is_no_crash(opening: str, closing: str, depth: int) -> None:
    inside = ('{"text":', "}") if opening.endswith(":") else ("[", "]")
    body = opening + inside[0] * depth + "7" + inside[1] * depth + closing
    # On a stack of its own, which is as deep here as anywhere.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(read, f"data: {body}\n\ndata: [DONE]\n\n".encode()).result()


class TestText:
    @pytest.mark.parametrize(
        "name",
        [
            "documented",
            "crlf",
            "cr",
            "no blank lines",
            "no blank lines, crlf",
            "whole",
            "whole, bom",
            "pretty",
            "pretty, crlf",
            "pretty, bom, cr",
        ],
    )
    def test_every_token_arrives_in_every_framing(self, name: str) -> None:
        deltas, end = answer(BODIES[name])
        assert text(deltas) == "".join(TEXTS)
        assert end.metadata["finish_reason"] == "stop"
        assert end.metadata["model_name"] == "gpt-4o-mini-2024"

    @pytest.mark.parametrize(
        "name",
        [
            "bom",
            "bom and crlf",
            "multi-line data",
            "comments and fields",
            "bare json lines",
            "bare json lines, crlf, no end",
            "array",
            "done without a space",
            "done with blanks",
            "done without line end",
            "events after done",
        ],
    )
    def test_every_token_arrives_in_odd_framing(self, name: str) -> None:
        deltas, end = answer(BODIES[name])
        assert deltas == ["Привет 🌍", " —"]
        assert end.metadata["finish_reason"] == "stop"

    def test_pieces_are_handed_over_as_they_come(self) -> None:
        reader = AnswerReader(CallOptions(model="asked"), CONTEXT)
        assert reader.feed(events(chunk("a"), done=False)) == ["a"]
        assert reader.feed(b": ping\n\n") == []
        assert reader.feed(events(chunk("b"), done=False)) == ["b"]
        assert not reader.complete
        assert not reader.finished
        assert reader.feed(events(chunk(None, "stop"), done=False)) == []
        assert reader.complete
        assert not reader.finished
        assert reader.feed(b"data: [DONE]\n\n") == []
        assert reader.finished
        assert reader.events == 4
        assert reader.close() == []
        assert reader.end().metadata["finish_reason"] == "stop"

    def test_the_end_of_the_body_is_told_with_none(self) -> None:
        reader = AnswerReader(CallOptions(model="asked"), CONTEXT)
        assert not reader.in_event
        assert reader.feed(events(chunk("a", "stop"), done=False)[:-2]) == []
        assert reader.in_event
        assert not reader.finished
        assert reader.feed(None) == []
        assert reader.finished
        assert reader.close() == ["a"]
        assert reader.end().metadata["finish_reason"] == "stop"

    def test_what_python_calls_line_ends_stays_in_the_text(self) -> None:
        assert text(answer(BODIES["line breakers"])[0]) == LINE_BREAKERS * 2

    def test_bad_utf_8_becomes_replacement_characters(self) -> None:
        assert answer(BODIES["invalid utf-8"])[0] == ["a\ufffd\ufffd(b"]

    @pytest.mark.parametrize("fields", ["content", "reasoning_content"])
    @pytest.mark.parametrize("escape", ["\\ud83d", "\\ude00", "\\ude00\\ud83d"])
    def test_lone_surrogates_are_replaced(self, escape: str, fields: str) -> None:
        body = '{"choices":[{"delta":{"%s":"a%sb"}}]}' % (fields, escape)  # noqa: UP031 - braces
        deltas, _ = answer(f"data: {body}\n\ndata: [DONE]\n\n".encode())
        assert "".join(map(str, deltas)) == "a" + "\ufffd" * (len(escape) // 6) + "b"

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (None, ""),
            ("", ""),
            ("x", "x"),
            (7, "7"),
            (1.5, "1.5"),
            (True, "true"),
            ([], ""),
            (["x", "y"], "xy"),
            ([{"type": "text", "text": "x"}, {"type": "text", "text": "y"}], "xy"),
            ([{"type": "text", "text": None}, {"type": "text", "text": "y"}], "y"),
            ([{"type": "text"}, {"type": "output_text", "text": "y"}], "y"),
            ([{"text": "x"}], "x"),
            ([None, "x", 7], "x7"),
            ({"type": "text", "text": "x"}, "x"),
            ({"text": ["x", {"text": "y"}]}, "xy"),
        ],
    )
    @pytest.mark.parametrize("kind", ["delta", "message"])
    def test_content_of_every_kind_is_text(self, kind: str, content: Any, expected: str) -> None:
        choice = {kind: {"content": content}, "finish_reason": "stop"}
        deltas, end = answer(events({"choices": [choice]}), allow_empty=True)
        assert text(deltas) == expected
        assert reasoning(deltas) == ""
        assert end.additional == {}

    def test_parts_that_are_no_text_are_kept_aside(self) -> None:
        image = {"type": "image_url", "image_url": {"url": "data:,"}}
        body = events(delta(content=[{"type": "text", "text": "x"}, image]), delta(content=[image]))
        deltas, end = answer(body)
        assert deltas == ["x"]
        assert end.additional == {"content_parts": [image, image]}

    @pytest.mark.parametrize("role", ["assistant", "model", "", None, 7])
    def test_the_role_means_nothing(self, role: Any) -> None:
        assert answer(events(delta(role=role, content="x"), delta("stop")))[0] == ["x"]

    def test_unknown_keys_mean_nothing(self) -> None:
        more = {f"key_{n}": [{"a": None}] for n in range(20)}
        body = events({**chunk("x", "stop"), **more, "answer": "old", "error": None})
        deltas, end = answer(body)
        assert deltas == ["x"]
        assert not end.metadata.keys() & more.keys()

    @pytest.mark.parametrize(
        "choice",
        [
            {"delta": None},
            {},
            {"delta": {}},
            {"delta": "x"},
            {"delta": None, "message": None},
            {"delta": [], "message": "x"},
            {"index": "0", "delta": {"content": ""}},
        ],
    )
    def test_a_choice_with_nothing_in_it_is_passed_over(self, choice: dict[str, Any]) -> None:
        deltas, _ = answer(events(delta(content="a"), event(choice), delta("stop", content="b")))
        assert deltas == ["a", "b"]

    @pytest.mark.parametrize(
        "value",
        [
            event(),
            {"object": "chat.completion.chunk"},
            {"object": "chat.completion.chunk", "choices": None},
            {"choices": [None, 7, "x"]},
            {"choices": {}},
            None,
            [],
            {},
        ],
    )
    def test_an_event_without_choices_is_passed_over(self, value: Any) -> None:
        body = events(delta(content="a"), value, delta("stop", content="b"))
        assert answer(body)[0] == ["a", "b"]

    def test_the_first_of_several_choices_is_the_answer(self) -> None:
        choices = [
            {"index": 1, "message": {"content": "second"}, "finish_reason": "length"},
            {"index": 0, "message": {"content": "first"}, "finish_reason": "stop"},
        ]
        deltas, end = answer(dump({"choices": choices}))
        assert deltas == ["first"]
        assert end.metadata["finish_reason"] == "stop"

    def test_without_an_index_the_first_one_in_the_list_is(self) -> None:
        choices = [{"message": {"content": "first"}}, {"message": {"content": "second"}}]
        assert answer(dump({"choices": choices}))[0] == ["first"]

    def test_a_large_answer_in_small_pieces(self) -> None:
        body = dump(completion({"content": "я" * (1 << 20)}))
        pieces = [body[start : start + 1024] for start in range(0, len(body), 1024)]
        assert text(answer(*pieces)[0]) == "я" * (1 << 20)


class TestWholeMessages:
    def test_a_message_in_a_stream_is_read(self) -> None:
        body = events(event({"message": {"content": "a"}}), event({"message": {"content": "b"}}))
        assert text(answer(body)[0]) == "ab"

    def test_a_whole_answer_in_a_stream_is_read(self) -> None:
        assert text(answer(events(WHOLE))[0]) == "".join(TEXTS)

    def test_a_whole_message_after_its_pieces_is_not_repeated(self) -> None:
        body = events(delta(content="a"), delta(content="b"), completion({"content": "ab"}))
        deltas, end = answer(body)
        assert deltas == ["a", "b"]
        assert end.metadata["finish_reason"] == "stop"

    @pytest.mark.parametrize("first", ["<", "hel", "  "])
    def test_nor_when_its_pieces_were_held_back(self, first: str) -> None:
        whole = f"{first}lo"
        body = events(delta(content=first), completion({"content": whole}))
        assert text(answer(body, stop=["hello world"])[0]) == first

    def test_nor_when_it_comes_beside_the_last_piece(self) -> None:
        last = event({"delta": {"content": "b"}, "message": {"content": "ab"}})
        assert text(answer(events(delta(content="a"), last))[0]) == "ab"

    def test_an_empty_delta_does_not_hide_a_message(self) -> None:
        body = events(event({"delta": {}, "message": {"content": "a"}, "finish_reason": "stop"}))
        assert answer(body)[0] == ["a"]

    def test_a_whole_message_needs_no_other_end_mark(self) -> None:
        deltas, end = answer(dump(completion({"content": "a"}, None)))
        assert deltas == ["a"]
        assert "finish_reason" not in end.metadata


class TestReasoning:
    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    @pytest.mark.parametrize("kind", ["delta", "message"])
    def test_both_fields_are_reasoning(self, kind: str, name: str) -> None:
        choice = {kind: {name: "hm", "content": "Yes"}, "finish_reason": "stop"}
        deltas, _ = answer(events({"choices": [choice]}))
        assert deltas == ["hm", "Yes"]
        assert [type(piece) for piece in deltas] == [Reasoning, str]

    def test_the_same_reasoning_in_both_fields_comes_once(self) -> None:
        body = events(delta(reasoning_content="hm", reasoning="hm"), delta("stop", content="Yes"))
        deltas, _ = answer(body)
        assert (reasoning(deltas), text(deltas)) == ("hm", "Yes")

    def test_reasoning_alone_is_an_answer(self) -> None:
        deltas, _ = answer(events(delta(reasoning_content="hm"), delta("stop")))
        assert reasoning(deltas) == "hm"

    def test_reasoning_is_as_it_came_with_parsing_turned_off(self) -> None:
        body = events(delta(reasoning="hm"), delta("stop", content="<think>x</think>Yes"))
        deltas, _ = answer(body, parse_reasoning=False)
        assert (reasoning(deltas), text(deltas)) == ("hm", "<think>x</think>Yes")

    @pytest.mark.parametrize("kind", ["reasoning", "thinking"])
    def test_parts_of_reasoning_are_reasoning(self, kind: str) -> None:
        parts = [{"type": kind, kind: "hm"}, {"type": "text", "text": "Yes"}]
        deltas, _ = answer(events(delta("stop", content=parts)))
        assert (reasoning(deltas), text(deltas)) == ("hm", "Yes")

    def test_a_leading_think_block_is_reasoning(self) -> None:
        deltas, _ = answer(BODIES["think"])
        assert (reasoning(deltas), text(deltas)) == ("hmm", "Yes")
        deltas, _ = answer(dump(completion({"content": "<think>\nhmm\n</think>\n\nYes"})))
        assert (reasoning(deltas), text(deltas)) == ("hmm", "Yes")

    @pytest.mark.parametrize("finish_reason", ["stop", None])
    def test_a_block_that_is_never_closed_does_not_eat_the_answer(
        self, finish_reason: str | None
    ) -> None:
        body = events(delta(content="<think>It is"), delta(finish_reason, content=" 4."))
        deltas, _ = answer(body)
        assert (reasoning(deltas), text(deltas)) == ("It is 4.", "It is 4.")

    def test_a_block_that_was_cut_off_is_reasoning_alone(self) -> None:
        body = events(delta(content="<think>It is"), delta("length", content=" may"))
        deltas, _ = answer(body)
        assert (reasoning(deltas), text(deltas)) == ("It is may", "")

    def test_a_block_in_a_stream_that_broke_off_is_reasoning_alone(self) -> None:
        deltas, error = failure(events(delta(content="<think>It is"), done=False))
        assert type(error) is OnlySqStreamError
        assert (reasoning(deltas), text(deltas)) == ("It is", "")

    @pytest.mark.parametrize("content", ["<think></think>", " <think>\n\n</think>\n\n"])
    def test_an_empty_block_is_no_answer(self, content: str) -> None:
        deltas, error = failure(events(delta("stop", content=content)))
        assert type(error) is OnlySqEmptyResponseError
        assert deltas == []


class TestStops:
    @pytest.mark.parametrize("cut", range(10))
    def test_the_answer_ends_before_a_stop_sequence_also_over_pieces(self, cut: int) -> None:
        whole = "one STOP two"
        body = events(delta(content=whole[:cut]), delta(content=whole[cut:]), delta("length"))
        deltas, end = answer(body, stop=["STOP"])
        assert text(deltas) == "one "
        assert end.metadata["finish_reason"] == "stop"

    def test_nothing_is_read_after_a_stop_sequence(self) -> None:
        reader = AnswerReader(CallOptions(model="asked", stop=["STOP"]), CONTEXT)
        assert reader.feed(events(chunk("one ST"), done=False)) == ["one "]
        assert not reader.finished
        assert reader.feed(events(chunk("OP"), chunk("more"), {"error": "x"})) == []
        assert reader.finished
        assert reader.complete
        assert reader.close() == []
        assert reader.end().metadata["finish_reason"] == "stop"

    def test_what_only_looked_like_one_is_handed_over_at_the_end(self) -> None:
        assert text(answer(events(delta("stop", content="one ST")), stop=["STOP"])[0]) == "one ST"
        deltas, error = failure(events(delta(content="one ST"), done=False), stop=["STOP"])
        assert text(deltas) == "one ST"
        assert type(error) is OnlySqStreamError

    def test_what_is_held_back_by_both_filters_is_handed_over(self) -> None:
        assert text(answer(events(delta("stop", content=" <th")), stop=["<those>"])[0]) == " <th"

    def test_one_that_shows_only_at_the_end_ends_the_answer_too(self) -> None:
        body = events(delta("length", content="xab"))
        deltas, end = answer(body, stop=["abc", "b"])
        assert text(deltas) == "xa"
        assert end.metadata["finish_reason"] == "stop"

    def test_reasoning_is_not_searched(self) -> None:
        body = events(delta(content="<think>STOP</think>a"), delta("stop", content="b STOP c"))
        deltas, _ = answer(body, stop=["STOP"])
        assert (reasoning(deltas), text(deltas)) == ("STOP", "ab ")
        body = events(delta(reasoning_content="a STOP"), delta("stop", content="b"))
        deltas, _ = answer(body, stop=["STOP"])
        assert (reasoning(deltas), text(deltas)) == ("a STOP", "b")

    def test_a_block_that_is_never_closed_is_searched_as_text(self) -> None:
        deltas, _ = answer(events(delta("stop", content="<think>a STOP b")), stop=["STOP"])
        assert text(deltas) == "a "

    def test_a_whole_answer_ends_there_too(self) -> None:
        body = dump({**completion({"content": "one STOP two"}, "length"), "usage": USAGE})
        deltas, end = answer(body, stop=["STOP"])
        assert deltas == ["one "]
        assert end.metadata["finish_reason"] == "stop"
        assert end.usage == READ_USAGE


class TestMetadata:
    def test_it_is_what_was_sent(self) -> None:
        body = dump({**WHOLE, "system_fingerprint": "fp_1", "cost": 0.1, "latency": 7})
        _, end = answer(body)
        assert end.metadata == {
            "id": "chat_1",
            "created": 1745146202,
            "model_name": "gpt-4o-mini-2024",
            "user": 0,
            "system_fingerprint": "fp_1",
            "finish_reason": "stop",
        }

    def test_it_is_there_once_however_often_it_was_sent(self) -> None:
        again = {"system_fingerprint": "fp_1", "user": 3}
        body = events(*(chunk("x", "stop", **again) for _ in range(5)))
        _, end = answer(body)
        assert end.metadata == {
            "id": "chatcmpl_1",
            "created": 1750612428,
            "model_name": "gpt-4o-mini-2024",
            "user": 3,
            "system_fingerprint": "fp_1",
            "finish_reason": "stop",
        }

    @pytest.mark.parametrize(
        "value", [{}, dict.fromkeys(("id", "model", "created", "user", "system_fingerprint"))]
    )
    def test_without_a_model_in_it_the_one_that_was_asked_is_named(
        self, value: dict[str, Any]
    ) -> None:
        _, end = answer(events({**delta("stop", content="x"), **value}))
        assert end.metadata == {"model_name": "asked", "finish_reason": "stop"}

    @pytest.mark.parametrize("value", ["", [], {}, ["x"], {"id": 1}])
    def test_what_makes_no_sense_is_left_out(self, value: Any) -> None:
        keys = ("id", "model", "created", "user", "system_fingerprint")
        _, end = answer(events({**delta("stop", content="x"), **dict.fromkeys(keys, value)}))
        assert end.metadata == {"model_name": "asked", "finish_reason": "stop"}

    def test_refusals_and_annotations_are_kept(self) -> None:
        notes = [{"type": "url_citation", "url": "https://example.org"}]
        body = events(
            delta(refusal="I "), delta(refusal="won't."), delta("stop", annotations=notes)
        )
        deltas, end = answer(body)
        assert deltas == []
        assert end.additional == {"refusal": "I won't.", "annotations": notes}

    @pytest.mark.parametrize("finish_reason", ["stop", "length", "tool_calls", "content_filter"])
    def test_the_finish_reason_is_kept(self, finish_reason: str) -> None:
        _, end = answer(events(delta(content="x"), delta(finish_reason), delta()))
        assert end.metadata["finish_reason"] == finish_reason


class TestUsage:
    @pytest.mark.parametrize(
        "values",
        [
            [chunk("x", "stop", usage=USAGE)],
            [chunk("x"), chunk(None, "stop", usage=USAGE)],
            [chunk("x", "stop"), event(usage=USAGE)],
            [chunk("x", "stop"), {"usage": USAGE}],
            [event(usage=USAGE), chunk("x", "stop")],
            [chunk("x", usage=USAGE), chunk("y", "stop", usage=USAGE), event(usage=USAGE)],
            [chunk("x", usage={**USAGE, "prompt_tokens": 99}), chunk("y", "stop", usage=USAGE)],
            [
                chunk("x", usage={"prompt_tokens": 11, "completion_tokens": 1}),
                event(usage={"prompt_tokens": 11, "completion_tokens": 7}),
                chunk("y", "stop", usage=USAGE),
            ],
            [chunk("x", "stop", usage=USAGE), chunk("", None, usage=None)],
            [chunk("x", "stop", usage=USAGE), event(usage={})],
            [completion({"content": "x"}, usage=USAGE)],
        ],
    )
    def test_the_last_totals_count_wherever_they_stand(self, values: list[Any]) -> None:
        deltas, end = answer(events(*values))
        assert text(deltas) in {"x", "xy"}
        assert end.usage == READ_USAGE

    @pytest.mark.parametrize(
        "usage",
        [None, {}, [], "x", 7, True, {"prompt_tokens": None}, {"total_tokens": 3}, {"x": {}}],
    )
    def test_bad_accounting_never_fails_an_answer(self, usage: Any) -> None:
        for value in (chunk("x", "stop", usage=usage), completion({"content": "x"}, usage=usage)):
            deltas, end = answer(events(value))
            assert deltas == ["x"]
            assert end.usage is None


FINISH, USAGE_ONLY, DONE_MARK = chunk(None, "stop"), event(usage=USAGE), b"data: [DONE]\n\n"
END_MARKS: dict[str, bytes] = {
    "finish_reason": events(FINISH, done=False),
    "usage-only chunk": events(USAGE_ONLY, done=False),
    "[DONE]": DONE_MARK,
    "all": events(FINISH, USAGE_ONLY),
}
BEGINNINGS: dict[str, tuple[bytes, str]] = {
    "text": (events(chunk("Hal"), chunk("lo"), done=False), "Hallo"),
    "reasoning": (events(delta(reasoning_content="hm"), done=False), ""),
    "an empty role chunk": (events(chunk(""), done=False), ""),
    "heartbeats": (b": ping\n\n: ping\n\n", ""),
    "nothing": (b"", ""),
}


class TestEnds:
    @pytest.mark.parametrize(
        ("beginning", "mark"), list(product(BEGINNINGS, END_MARKS)), ids=lambda name: name
    )
    def test_an_end_mark_makes_a_whole_answer(self, beginning: str, mark: str) -> None:
        body, expected = BEGINNINGS[beginning]
        body += END_MARKS[mark]
        deltas, end = read(body)
        assert text(deltas) == expected
        if beginning in {"text", "reasoning"}:
            assert isinstance(end, AnswerEnd)
        else:
            assert type(end) is OnlySqEmptyResponseError
            assert end.is_retryable
            assert end.status_code == 200
        assert isinstance(read(body, allow_empty=True)[1], AnswerEnd)

    @pytest.mark.parametrize("beginning", ["text", "reasoning", "an empty role chunk"])
    def test_without_one_the_stream_broke_off(self, beginning: str) -> None:
        body, expected = BEGINNINGS[beginning]
        for tail in (b"", b"data: ", b"dat", b'data: {"choices":[{"del'):
            deltas, error = failure(body + tail)
            assert text(deltas) == expected
            assert type(error) is OnlySqStreamError
            assert "allow_truncated_stream" in str(error)
            assert error.model == "asked"

    def test_a_stream_that_broke_off_may_be_allowed(self) -> None:
        body, expected = BEGINNINGS["text"]
        for tail in (b"", b'data: {"choices":[{"del'):
            deltas, end = answer(body + tail, allow_truncated_stream=True)
            assert text(deltas) == expected
            assert "finish_reason" not in end.metadata

    def test_nothing_in_a_stream_that_broke_off_is_still_nothing(self) -> None:
        body, _ = BEGINNINGS["an empty role chunk"]
        assert type(failure(body, allow_truncated_stream=True)[1]) is OnlySqEmptyResponseError
        answer(body, allow_truncated_stream=True, allow_empty=True)

    @pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", b": ping\n\n: ping\n\n"])
    def test_no_event_at_all_is_an_empty_answer(self, body: bytes) -> None:
        error = failure(body)[1]
        assert type(error) is OnlySqEmptyResponseError

    def test_the_first_event_cut_off_is_a_stream_that_broke_off(self) -> None:
        assert type(failure(b'data: {"choices":[{"del')[1]) is OnlySqStreamError

    def test_a_finish_reason_in_a_usage_free_stream_is_enough_without_done(self) -> None:
        assert answer(events(chunk("x", "stop"), done=False))[0] == ["x"]

    def test_broken_bytes_after_an_end_mark_mean_nothing(self) -> None:
        for tail in (b"data: {oops\n\n", b'data: {"choices":[{"del', b"<html>", b"data: 7\n\n"):
            assert answer(events(chunk("x", "stop"), done=False) + tail)[0] == ["x"]

    @pytest.mark.parametrize("message", [None, {}, {"content": None}, {"content": ""}])
    def test_a_whole_answer_with_nothing_in_it_is_empty(self, message: Any) -> None:
        body = dump(completion(message))
        assert type(failure(body)[1]) is OnlySqEmptyResponseError
        assert answer(body, allow_empty=True)[0] == []

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"choices": None},
            {"choices": []},
            {"id": "x", "object": "chat.completion", "choices": [], "model": "m"},
            {"choices": [None]},
            {"choices": {"0": {}}},
            {"success": True},
        ],
    )
    def test_an_answer_without_choices_names_its_keys(self, value: dict[str, Any]) -> None:
        error = failure(dump(value))[1]
        assert type(error) is OnlySqResponseError
        assert "choices" in str(error)
        for key in value:
            assert key in str(error)

    @pytest.mark.parametrize(
        "value",
        [
            {"k" * 50_000: 1},
            {f"key_{n}": n for n in range(5000)},
            {"a\nb\x1b[31m\u202e": 1},
            {KEY: 1},
            {"x" * 280 + KEY: 1},
        ],
    )
    def test_whatever_they_are_the_message_is_short_and_clean(self, value: dict[str, Any]) -> None:
        error = failure(dump(value))[1]
        assert len(str(error)) < 700
        assert str(error).isprintable()
        assert KEY[:8] not in str(error)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"Internal Server Error", "Internal Server Error"),
            (b"7", "7"),
            (b'"some text"', "some text"),
            (b"data: ping\n\n", "ping"),
            (b'data: "ping"\n\n', "ping"),
            (b"data: 7\n\n", "7"),
            (b"data: true\n\n", "true"),
            (b"[7]", "7"),
            (b'["a"]', "a"),
            (b'{"id": "chat_1", "choices": [{"mess', "chat_1"),
            (b'{\n "id": "chat_1",\n "choi', "chat_1"),
            (b"<!DOCTYPE html><html><body><h1>Bad gateway</h1>", "Bad gateway"),
            (b"\r\n <html>\r\n<p>Bad</p>\r\n<p>gateway</p>\r\n</html>", "Bad gateway"),
            (b"\xef\xbb\xbf<html><h1>Bad gateway", "Bad gateway"),
        ],
    )
    def test_what_cannot_be_understood_is_quoted(self, body: bytes, said: str) -> None:
        deltas, error = failure(body)
        assert deltas == []
        assert type(error) is OnlySqResponseError
        assert error.is_retryable
        assert error.status_code == 200
        assert error.model == "asked"
        assert said in str(error)
        assert "<" not in str(error)
        assert error.body is not None

    @pytest.mark.parametrize("name", ["html", "html, crlf", "html, cr"])
    def test_an_html_page_speaks_of_the_base_url(self, name: str) -> None:
        error = failure(BODIES[name])[1]
        assert "HTML" in str(error)
        assert "base_url" in str(error)
        assert CONTEXT.base_url in str(error)

    def test_a_broken_event_in_between_is_an_error_and_never_skipped(self) -> None:
        for name in ("undecodable event first", "undecodable event in between"):
            assert type(failure(BODIES[name])[1]) is OnlySqResponseError
        body = events(chunk("a"), done=False) + b"data: ping\n\n" + events(chunk("b", "stop"))
        deltas, error = failure(body)
        assert deltas == ["a"]
        assert type(error) is OnlySqResponseError

    def test_html_in_mid_stream_is_an_error(self) -> None:
        deltas, error = failure(BODIES["html in mid-stream"])
        assert deltas == ["Привет 🌍"]
        assert type(error) is OnlySqResponseError


class TestErrors:
    @pytest.mark.parametrize(
        ("value", "error_class", "status"),
        [
            ({"error": "Something broke"}, OnlySqAPIError, 200),
            ({"error": {"message": "Something broke"}}, OnlySqAPIError, 200),
            ({"error": {"type": "server_error"}}, OnlySqAPIError, 200),
            ({"error": {"message": "x", "code": 401}}, OnlySqAuthenticationError, 401),
            ({"error": {"message": "x", "code": "429"}}, OnlySqRateLimitError, 429),
            ({"error": {"message": "x", "code": 500}}, OnlySqAPIError, 500),
            ({"error": {"message": "x", "code": 7}}, OnlySqAPIError, 200),
            ({"error": {"code": "tool_use_failed"}}, OnlySqInvalidRequestError, 200),
            ({"error": {"code": "context_length_exceeded"}}, OnlySqContextOverflowError, 200),
            ({"choices": None, "error": {"code": 429}}, OnlySqRateLimitError, 429),
            ({"choices": [], "error": {"code": 429}}, OnlySqRateLimitError, 429),
            ({**chunk("lo", "stop"), "error": {"code": 429}}, OnlySqRateLimitError, 429),
            ({"detail": "Not authenticated"}, OnlySqAuthenticationError, 200),
            ({"detail": [{"msg": "field required"}]}, OnlySqAPIError, 200),
            ({"success": False, "message": "rate limit"}, OnlySqRateLimitError, 200),
            ({"success": False}, OnlySqAPIError, 200),
            ({"errors": [{"message": "Something broke"}]}, OnlySqAPIError, 200),
            ({"object": "error", "message": "x", "code": 400}, OnlySqInvalidRequestError, 400),
            ([{"error": {"message": "x", "code": 429}}], OnlySqRateLimitError, 429),
        ],
    )
    def test_an_error_in_a_body_has_its_own_class(
        self, value: Any, error_class: type[OnlySqError], status: int
    ) -> None:
        for before, after in product(
            (b"", events(chunk("Hal"), done=False), events(chunk("Hal", "stop"), done=False)),
            (b"", events(chunk("lo", "stop"))),
        ):
            deltas, error = failure(before + events(value, done=False) + after)
            assert type(error) is error_class
            assert error.status_code == status
            assert error.model == "asked"
            assert deltas == (["Hal"] if before else [])

        deltas, error = failure(dump(value), allow_empty=True, allow_truncated_stream=True)
        assert type(error) is error_class

    def test_an_error_event_is_an_error(self) -> None:
        assert type(failure(BODIES["error event"])[1]) is OnlySqRateLimitError
        body = b'event: error\ndata: {"message": "rate limit"}\n\n'
        assert type(failure(body)[1]) is OnlySqRateLimitError

    def test_nothing_is_read_after_an_error(self) -> None:
        reader = AnswerReader(CallOptions(model="asked"), CONTEXT)
        assert reader.feed(events(chunk("Hal"), {"error": "x"}, chunk("lo"))) == ["Hal"]
        assert reader.finished
        assert reader.close() == []
        with pytest.raises(OnlySqAPIError):
            reader.end()

    @pytest.mark.parametrize("said", ["", "The model is down"])
    @pytest.mark.parametrize("kind", ["delta", "message"])
    def test_finish_reason_error_is_a_failed_generation(self, kind: str, said: str) -> None:
        choice = {kind: {"content": said}, "finish_reason": "error"}
        deltas, error = failure(events(event(choice)))
        assert deltas == []
        assert type(error) is OnlySqAPIError
        assert error.is_retryable
        assert error.status_code == 200
        assert said in str(error)
        assert str(error).isprintable()

    def test_finish_reason_error_in_mid_stream_comes_after_what_was_said(self) -> None:
        deltas, error = failure(events(chunk("Hal"), delta("error"), chunk("lo", "stop")))
        assert deltas == ["Hal"]
        assert type(error) is OnlySqAPIError

    def test_finish_reason_error_of_a_whole_answer(self) -> None:
        deltas, error = failure(dump({**completion({"content": None}, "error"), "usage": USAGE}))
        assert deltas == []
        assert type(error) is OnlySqAPIError

    def test_a_null_error_is_none(self) -> None:
        nothings: list[Any] = [None, "", {}, [], False]
        for nothing in nothings:
            assert answer(events({**chunk("x", "stop"), "error": nothing}))[0] == ["x"]

    @pytest.mark.parametrize("padding", [0, 60, 90, 100, 110, 119, 270, 290, 299])
    def test_no_secret_is_in_an_error(self, padding: int) -> None:
        said = "x" * padding + KEY + "y" * 300
        for body in (
            said.encode(),
            f"<html>{said}</html>".encode(),
            f"data: {said}\n\n".encode(),
            dump({"error": said}),
            dump(completion({"content": said}, "error")),
            dump(said),
        ):
            error = failure(body)[1]
            for shown in (str(error), repr(error), repr(vars(error))):
                assert KEY[:8] not in shown


class TestShortPath:
    """An event that is like the one before it is read a shorter way, with the same outcome."""

    CHOICES = st.fixed_dictionaries(
        {
            "delta": st.fixed_dictionaries(
                {},
                optional={
                    "content": st.sampled_from(["a", "", "b\n", None, "<think>", "</think>", 7]),
                    "role": st.sampled_from(["assistant", "", None]),
                    "reasoning_content": st.sampled_from(["hm", None]),
                    "refusal": st.sampled_from(["no", None]),
                    "tool_calls": st.sampled_from([[], None, [{"function": {"name": "f"}}]]),
                },
            )
        },
        optional={
            "index": st.sampled_from([0, 1]),
            "finish_reason": st.sampled_from([None, "stop", "error", "length"]),
            "message": st.sampled_from([None, {"content": "whole"}]),
        },
    )
    AROUND = st.fixed_dictionaries(
        {},
        optional={
            "model": st.sampled_from(["one", "two"]),
            "usage": st.sampled_from([None, USAGE]),
            "error": st.sampled_from([None, "", {"message": "no"}]),
        },
    )
    EVENTS = st.lists(
        st.tuples(AROUND, st.lists(CHOICES, max_size=2) | st.none()).map(
            lambda parts: {**parts[0], "choices": parts[1]}
        ),
        max_size=6,
    )

    @patient
    @given(EVENTS, st.booleans())
    def test_the_outcome_is_the_same(self, values: list[Any], stops: bool) -> None:  # noqa: FBT001
        options: dict[str, Any] = {"stop": ["b"]} if stops else {}
        # No two events alike: none of them takes the short path.
        unlike = [{**value, "number": number} for number, value in enumerate(values)]
        alike = read(events(*values), **options)
        other = read(events(*unlike), **options)
        assert _without_ids(alike[0]) == _without_ids(other[0])
        assert type(alike[1]) is type(other[1])
        if isinstance(alike[1], AnswerEnd):
            assert alike[1] == other[1]

    def test_what_is_new_is_read(self) -> None:
        new = [
            delta(content="b", reasoning_content="hm"),
            delta(content="c", refusal="no"),
            delta(content="d", tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]),
            event({"delta": {"content": "e"}}, model="other"),
            event({"delta": {"content": "f"}}, usage=USAGE),
        ]
        deltas, end = answer(events(delta(content="a"), *new, delta("stop")))
        assert text([d for d in deltas if isinstance(d, str)]) == "abcdef"
        assert reasoning(deltas) == "hm"
        assert [d.name for d in deltas if isinstance(d, ToolCallDelta) and d.name] == ["f"]
        assert end.additional == {"refusal": "no"}
        assert end.metadata["model_name"] == "other"
        assert end.usage == READ_USAGE


def _without_ids(deltas: list[Delta]) -> list[Any]:
    return [replace(d, id=None) if isinstance(d, ToolCallDelta) else d for d in deltas]
