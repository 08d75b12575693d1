"""Errors inside of a body, and answers that say of themselves that they failed."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqContextOverflowError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqRateLimitError,
)
from langchain_onlysq.response.reader import AnswerReader
from langchain_onlysq.settings.call_options import CallOptions
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
)


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
