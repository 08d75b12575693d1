"""What is read from the headers and the body of an error."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.errors import bodies as error_details
from langchain_onlysq.errors.bodies import (
    excerpt,
    looks_like_html,
    names_an_error,
    parse_retry_after,
)
from tests.support.properties import patient

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


class TestRetryAfter:
    @pytest.fixture(autouse=True)
    def _clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(error_details, "time", lambda: NOW)

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({}, None),
            ({"retry-after": ""}, None),
            ({"retry-after": "0"}, 0.0),
            ({"retry-after": "-1"}, 0.0),
            ({"retry-after": "7"}, 7.0),
            ({"retry-after": " 7 "}, 7.0),
            ({"retry-after": "1.5"}, 1.5),
            ({"retry-after": "61"}, 61.0),
            ({"retry-after": "121"}, 121.0),
            ({"retry-after": "inf"}, None),
            ({"retry-after": "-inf"}, None),
            ({"retry-after": "nan"}, None),
            ({"retry-after": "soon"}, None),
            ({"retry-after": "1, 2"}, None),
            ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
            ({"retry-after": "Tue, 14 Nov 2023 23:13:50 +0100"}, 30.0),
            ({"retry-after": "Tue, 14 Nov 2023 22:13:20 GMT"}, 0.0),
            ({"retry-after": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0.0),
            ({"retry-after": "Tuesday, 14-Nov-23 22:13:50 GMT"}, 30.0),
            ({"retry-after": "Tue, 14 Nov 100000 22:13:50 GMT"}, None),
            ({"retry-after": "Tue, 32 Nov 2023 22:13:50 GMT"}, None),
            ({"retry-after": "Tue, 14 Nov 2023 25:61:50 GMT"}, None),
            ({"retry-after-ms": "1500"}, 1.5),
            ({"retry-after-ms": "-5"}, 0.0),
            ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
            ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
            ({"retry-after-ms": "nan", "retry-after": "9"}, 9.0),
            ({"retry-after-ms": "inf", "retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ],
    )
    def test_seconds_and_dates_are_read(
        self, headers: dict[str, str], seconds: float | None
    ) -> None:
        assert parse_retry_after(headers) == (None if seconds is None else pytest.approx(seconds))

    @pytest.mark.parametrize(
        "date",
        [
            "Tue Nov 14 22:13:50 2023",
            "Tue, 14 Nov 2023 22:13:50 -0000",
            "Tue, 14 Nov 2023 22:13:50",
        ],
    )
    def test_a_date_without_a_zone_is_utc_wherever_we_are(
        self, monkeypatch: pytest.MonkeyPatch, date: str
    ) -> None:
        try:
            monkeypatch.setenv("TZ", "Asia/Vladivostok")
            time.tzset()
            assert parse_retry_after({"retry-after": date}) == pytest.approx(30.0)
        finally:
            monkeypatch.undo()
            time.tzset()

    @patient
    @given(st.text(max_size=30), st.text(max_size=12))
    def test_no_header_is_a_crash(self, value: str, milliseconds: str) -> None:
        seconds = parse_retry_after({"retry-after": value, "retry-after-ms": milliseconds})
        assert seconds is None or seconds >= 0


class TestExcerpts:
    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b"", ""),
            (b"text", "text"),
            (b"  a\r\n\tb  ", "a b"),
            ("\ufeff — 🌍".encode(), "— 🌍"),
            (b"a\x00b\x1bc\xc2\x85d", "a b c d"),
            ("a\u2028b\u202ec".encode(), "a b c"),
            (b"a\xffb", "a\ufffdb"),
            (b"<p>a &amp; b</p>", "a & b"),
            (b"<style>p{}</style><p>a</p><script>1<2</script >b", "a b"),
            (b"<p>a</p><script>never closed <p>b</p>", "a"),
            (b"<p>a</p><unfinished", "a"),
            (b'{"a": "<b>"}', '{"a": "<b>"}'),
        ],
    )
    def test_an_excerpt_is_one_clean_line(self, body: bytes, text: str) -> None:
        assert excerpt(body.decode("utf-8", "replace")) == text

    @pytest.mark.parametrize("limit", [1, 10, 300])
    def test_an_excerpt_has_a_limit(self, limit: int) -> None:
        assert excerpt("x" * limit, limit=limit) == "x" * limit
        assert excerpt("x" * (limit + 1), limit=limit) == "x" * (limit - 1) + "…"

    @pytest.mark.parametrize(
        ("body", "is_html"),
        [
            (b"<!DOCTYPE html>", True),
            (b"<html>", True),
            (b"\xef\xbb\xbf \r\n\t<html>", True),
            (b"", False),
            (b"text <b>", False),
            (b'{"a": "<html>"}', False),
        ],
    )
    def test_html_is_known_by_its_first_character(self, *, body: bytes, is_html: bool) -> None:
        assert looks_like_html(body) is is_html


class TestErrorsInBodies:
    @pytest.mark.parametrize(
        ("payload", "is_error"),
        [
            ({"error": "x"}, True),
            ({"error": {"message": "x"}, "choices": []}, True),
            ({"success": False}, True),
            ({"detail": "x"}, True),
            ({"errors": ["x"]}, True),
            ({"message": "x"}, True),
            ({"object": "error"}, True),
            ({"error": None}, False),
            ({"error": "", "errors": [], "detail": None}, False),
            ({"success": True}, False),
            ({"message": {"content": "x"}}, False),
            ({"message": "x", "choices": [{}]}, False),
            ({"detail": "x", "choices": []}, False),
            ({}, False),
        ],
    )
    def test_an_error_is_told_from_an_answer(
        self, *, payload: dict[str, Any], is_error: bool
    ) -> None:
        assert names_an_error(payload) is is_error
