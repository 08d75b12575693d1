"""However an answer is cut, and whatever its bytes are, it comes out the same."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.response.deltas import AnswerEnd, ToolCallDelta
from tests.support.answer_bodies import BODIES, body_table, cut_at
from tests.support.properties import json_with, patient
from tests.support.reading import (
    READ_USAGE,
    USAGE,
    answer,
    comparable,
    completion,
    delta,
    dump,
    event,
    events,
    read,
    reasoning,
    text,
)

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "stops": {"stop": ["мир", "done", "b\u2029"]},
    "no reasoning": {"parse_reasoning": False},
    "tolerant": {"allow_empty": True, "allow_truncated_stream": True},
}


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
        | st.none()
    },
    optional={
        "index": st.sampled_from([0, 1]),
        "finish_reason": st.sampled_from([None, "stop", "error", "length"]),
        "message": st.sampled_from([None, {"content": "whole"}]),
    },
)
EVENT = st.fixed_dictionaries(
    {"choices": st.lists(CHOICES, max_size=2) | st.none()},
    optional={
        "model": st.sampled_from(["one", "two"]),
        "usage": st.sampled_from([None, USAGE]),
        "error": st.sampled_from([None, "", {"message": "no"}]),
    },
)
WHOLE_ONES = [completion({"content": "whole"}), completion({"content": "whole"}, None)]
EVENTS = st.lists(
    EVENT | st.sampled_from([*WHOLE_ONES, {}, None, 7, [delta(content="c")]]), max_size=6
)


class TestCuts:
    @body_table
    def test_any_two_pieces_give_what_one_gives(self, body: bytes) -> None:
        for name, options in OPTIONS.items():
            expected = comparable(body, **options)
            for offset in range(0, len(body) + 1, 1 if name == "plain" else 7):
                pieces = body[:offset], body[offset:]
                assert comparable(*pieces, **options) == expected, (name, offset)

    @body_table
    def test_single_bytes_give_what_one_piece_gives(self, body: bytes) -> None:
        pieces = [bytes([byte]) for byte in body]
        for name, options in OPTIONS.items():
            assert comparable(*pieces, **options) == comparable(body, **options), name

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
    @given(EVENTS)
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


json_values = json_with(
    "choices delta message content finish_reason usage text type error id model object index "
    "refusal reasoning annotations",
    *(None, True, False, 0, 7, 1.5, "", "x", "stop", "error", "\ud83d", 10**30),
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
def test_nesting_does_not_crash(opening: str, closing: str) -> None:
    inside = ('{"text":', "}") if opening.endswith(":") else ("[", "]")
    # On a stack of its own, which is as deep here as anywhere.
    with ThreadPoolExecutor(1) as pool:
        for depth in (100, 190, 300, 480, 600, 800, 950, 5000):
            body = opening + inside[0] * depth + "7" + inside[1] * depth + closing
            pool.submit(read, f"data: {body}\n\ndata: [DONE]\n\n".encode()).result()


class TestShortPath:
    """An event that is like the one before it is read a shorter way, with the same outcome."""

    @patient
    @given(EVENTS, st.booleans())
    def test_the_outcome_is_the_same(self, values: list[Any], stops: bool) -> None:  # noqa: FBT001
        options: dict[str, Any] = {"stop": ["b"]} if stops else {}
        # No two events alike: none of them takes the short path.
        unlike = [
            {**value, "number": number} if isinstance(value, dict) else value
            for number, value in enumerate(values)
        ]
        alike = comparable(events(*values), **options)
        # Of a failure its class alone: its text tells the number.
        assert comparable(events(*unlike), **options)[:2] == alike[:2]

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
