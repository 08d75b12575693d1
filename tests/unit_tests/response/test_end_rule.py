"""When an answer is whole, when it broke off, and when there was none."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from langchain_onlysq.errors import OnlySqEmptyResponseError, OnlySqResponseError, OnlySqStreamError
from langchain_onlysq.response.deltas import AnswerEnd
from langchain_onlysq.transport.retries import seconds_until_retry
from tests.support.answer_bodies import BODIES, chunk
from tests.support.reading import (
    CONTEXT,
    KEY,
    USAGE,
    answer,
    completion,
    delta,
    dump,
    event,
    events,
    failure,
    read,
    text,
)

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


def test_an_answer_that_was_cut_off_before_its_first_word_speaks_of_max_tokens() -> None:
    _, error = failure(events(chunk(""), chunk(None, "length")))
    assert type(error) is OnlySqEmptyResponseError
    assert error.code == "length"
    assert "max_tokens" in str(error)
    assert seconds_until_retry(error, 1, 2) is None
    assert isinstance(read(events(chunk(None, "length")), allow_empty=True)[1], AnswerEnd)
