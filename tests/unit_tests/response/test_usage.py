"""The `usage` block in every state that it arrives in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_onlysq.response.usage import read_usage
from tests.support.properties import patient

COUNTS = {"prompt_tokens": 11, "completion_tokens": 19, "total_tokens": 30}
PLAIN = {"input_tokens": 11, "output_tokens": 19, "total_tokens": 30}


@pytest.mark.parametrize(
    "usage",
    [
        COUNTS,
        {"input_tokens": 11, "output_tokens": 19, "total_tokens": 30},
        {"input_tokens": 11, "output_tokens": 19},
        {"prompt_tokens": 11, "completion_tokens": 19},
        {"prompt_tokens": 11, "completion_tokens": 19, "total_tokens": None},
        {"prompt_tokens": 11, "total_tokens": 30},
        {"completion_tokens": 19, "total_tokens": 30},
        {"prompt_tokens": "11", "completion_tokens": 19.0, "total_tokens": "30"},
        {"prompt_tokens": None, "input_tokens": 11, "completion_tokens": 19},
        {"prompt_tokens": "eleven", "input_tokens": 11, "output_tokens": 19},
        {**COUNTS, "prompt_tokens_details": None, "completion_tokens_details": None},
        {**COUNTS, "prompt_tokens_details": {"cached_tokens": None}},
        {**COUNTS, "prompt_tokens_details": [], "completion_tokens_details": "none"},
        {**COUNTS, "prompt_tokens_details": {"cached_tokens": -1, "audio_tokens": True}},
        {**COUNTS, "cost": 0.001, "latency": [1], "unknown": {}},
    ],
)
def test_counts_are_read_in_every_form(usage: dict[str, Any]) -> None:
    assert read_usage(usage) == PLAIN


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        0,
        "30 tokens",
        True,
        [COUNTS],
        {"total_tokens": 30},
        {"prompt_tokens": 11},
        {"completion_tokens": 19},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": -1, "completion_tokens": 19},
        {"prompt_tokens": 1.5, "completion_tokens": 19},
        {"prompt_tokens": True, "completion_tokens": 19},
        {"prompt_tokens": "", "completion_tokens": 19},
        {"prompt_tokens": [11], "completion_tokens": {"n": 19}},
        {"prompt_tokens": float("nan"), "completion_tokens": 19},
        {"prompt_tokens": float("inf"), "completion_tokens": "inf"},
        {"prompt_tokens": 10**400, "completion_tokens": 19},
    ],
)
def test_what_was_not_sent_is_never_invented(usage: Any) -> None:
    assert read_usage(usage) is None


def test_nothing_used_is_not_the_same_as_nothing_sent() -> None:
    assert read_usage({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}) == {
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
    }


@pytest.mark.parametrize(
    ("usage", "missing", "value"),
    [
        ({"prompt_tokens": 11, "total_tokens": 5}, "output_tokens", 0),
        ({"completion_tokens": 19, "total_tokens": 5}, "input_tokens", 0),
    ],
)
def test_a_total_that_is_too_small_gives_no_negative_count(
    usage: dict[str, Any], missing: str, value: int
) -> None:
    read = read_usage(usage)
    assert read is not None
    assert dict(read)[missing] == value


@pytest.mark.parametrize(
    ("more", "details"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 4}}, {"cache_read": 4}),
        ({"input_tokens_details": {"cached_tokens": "4"}}, {"cache_read": 4}),
        ({"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 7}, {"cache_read": 4}),
        ({"cache_read_input_tokens": 4}, {"cache_read": 4}),
        (
            {"prompt_tokens_details": {"cached_tokens": None}, "cache_read_input_tokens": 4},
            {"cache_read": 4},
        ),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, {"cache_read": 0}),
        (
            {"cache_read_input_tokens": 4, "cache_creation_input_tokens": 2},
            {"cache_read": 4, "cache_creation": 2},
        ),
        (
            {"prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 3}},
            {"cache_read": 4, "audio": 3},
        ),
    ],
)
def test_cache_details_go_by_many_names(more: dict[str, Any], details: dict[str, int]) -> None:
    assert read_usage({**COUNTS, **more}) == {**PLAIN, "input_token_details": details}


@pytest.mark.parametrize(
    ("more", "details"),
    [
        ({"completion_tokens_details": {"reasoning_tokens": 8}}, {"reasoning": 8}),
        ({"output_tokens_details": {"reasoning_tokens": 8}}, {"reasoning": 8}),
        ({"reasoning_tokens": 8}, {"reasoning": 8}),
        ({"completion_tokens_details": {}, "reasoning_tokens": 8}, {"reasoning": 8}),
        (
            {"completion_tokens_details": {"reasoning_tokens": 8, "audio_tokens": 2}},
            {"reasoning": 8, "audio": 2},
        ),
    ],
)
def test_reasoning_details_go_by_many_names(more: dict[str, Any], details: dict[str, int]) -> None:
    assert read_usage({**COUNTS, **more}) == {**PLAIN, "output_token_details": details}


counts = st.sampled_from(
    [
        *(None, True, False, 0, 1, 11, -1, 10**400, 1.0, 1.5, -0.0, 1e300),
        *(float("nan"), float("inf"), "", "7", " 7 ", "7.0", "-7", "seven", "nan", "inf"),
        *([], [7], {}, {"n": 7}),
    ]
)
details_blocks = st.one_of(
    counts,
    st.dictionaries(
        st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens", "x"]), counts
    ),
)
usages = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"), counts
        ),
        **dict.fromkeys(("prompt_tokens_details", "completion_tokens_details"), details_blocks),
    },
)


@patient
@given(usages)
def test_bad_accounting_never_fails_an_answer(usage: dict[str, Any]) -> None:
    before = repr(usage)
    read = read_usage(usage)
    assert repr(usage) == before
    message = AIMessage(content="x", usage_metadata=read)
    if read is not None:
        assert min(read["input_tokens"], read["output_tokens"], read["total_tokens"]) >= 0
        json.dumps(read)
        message_chunk = AIMessageChunk(content="b", usage_metadata=read)
        assert (AIMessageChunk(content="") + message_chunk).usage_metadata == read
        assert message.usage_metadata == read
