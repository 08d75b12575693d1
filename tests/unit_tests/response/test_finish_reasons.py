"""Which finish reasons say that an answer is not whole."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq import OnlySqEmptyResponseError
from langchain_onlysq.response.finish_reasons import reached_limit, was_cut
from langchain_onlysq.testing import LocalOnlySq, completion, tool_call
from tests.support.four_ways import WAYS, agreed_error, four_ways, run
from tests.support.tools import make, weather

LIMITS = ("length", "max_tokens", "MAX_TOKENS", "FinishReason.MAX_TOKENS", "model_length")
INTERRUPTIONS = ("content_filter", "SAFETY", "insufficient_system_resource")
WHOLE: tuple[Any, ...] = (None, "", "stop", "STOP", "tool_calls", "end_turn", "length of days", 1)


@pytest.mark.parametrize("finish_reason", LIMITS)
def test_of_answers_that_became_too_long(finish_reason: str) -> None:
    assert reached_limit(finish_reason)
    assert was_cut(finish_reason)


@pytest.mark.parametrize("finish_reason", INTERRUPTIONS)
def test_of_answers_that_were_interrupted(finish_reason: str) -> None:
    assert not reached_limit(finish_reason)
    assert was_cut(finish_reason)


@pytest.mark.parametrize("finish_reason", WHOLE)
def test_of_whole_answers(finish_reason: Any) -> None:
    assert not reached_limit(finish_reason)
    assert not was_cut(finish_reason)


@pytest.mark.sockets
class TestFourWays:
    @pytest.mark.parametrize("finish_reason", LIMITS)
    def test_an_empty_answer_speaks_of_max_tokens_and_is_not_retried(
        self, finish_reason: str
    ) -> None:
        reply = completion("", finish_reason=finish_reason)
        error = agreed_error(reply)
        assert type(error) is OnlySqEmptyResponseError
        assert f'(finish_reason "{finish_reason}"): raise max_tokens' in str(error)
        assert [outcome.requests for outcome in four_ways(reply, max_retries=2)] == [1] * 4

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("finish_reason", [*LIMITS, *INTERRUPTIONS])
    def test_a_call_without_arguments_is_broken_and_not_asked_for_again(
        self, finish_reason: str, way: str, server: LocalOnlySq
    ) -> None:
        call = tool_call("weather", "", call_id="c")
        server.reply(completion(None, tool_calls=[call], finish_reason=finish_reason))
        llm = make(server, "openai").bind_tools([weather], tool_choice="weather")
        answer = run(way, llm).answer
        assert answer.tool_calls == []
        assert [call["name"] for call in answer.invalid_tool_calls] == ["weather"]
        assert answer.response_metadata["finish_reason"] == finish_reason
        assert len(server.requests) == 1
