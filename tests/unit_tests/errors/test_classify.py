"""From a status, a body or a piece of JSON to an error: class, message, attributes."""

from __future__ import annotations

import gzip
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqContextOverflowError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqNotFoundError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqTimeoutError,
)
from langchain_onlysq.errors.classify import error_from_payload, error_from_response
from langchain_onlysq.errors.context import ErrorContext
from tests.support.properties import json_with, patient

KEY = "sq-test-0123456789abcdefghijklmnopq"
CONTEXT = ErrorContext("gpt-4o-mini", "https://example.org/ai", lambda: (KEY,))


BODIES: dict[str, bytes] = {
    "error object": b'{"error": {"message": "It is broken."}}',
    "error text": b'{"error": "It is broken."}',
    "detail": b'{"detail": "It is broken."}',
    "details": b'{"detail": [{"loc": ["body"], "msg": "It is broken.", "type": "x"}]}',
    "message": b'{"message": "It is broken.", "success": false}',
    "errors": b'{"errors": [{"message": "It is broken."}]}',
    "list": b'[{"error": {"message": "It is broken."}}]',
    "json text": b'"It is broken."',
    "text": b"It is broken.",
    "html": b"<!doctype html><html><head><style>p {}</style><title>It is</title></head>"
    b"<body><script>var x = '<p>';</script><p>broken.</p></body></html>",
    "html in json": b'{"error": "<html><h1>It is</h1><p>broken.</p></html>"}',
    "large": b'{"error": {"message": "It is broken."}, "x": "' + b"y" * (1 << 20) + b'"}',
}
UNTOLD: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \r\n",
    "empty object": b"{}",
    "empty list": b"[]",
    "null": b"null",
    "null error": b'{"error": null}',
    "true": b'{"error": true}',
    "empty html": b"<html></html>",
    "gzip": gzip.compress(b'{"error": "It is broken."}'),
    "invalid utf-8": b"\xff\xfe\xfd" * 400,
    "deep": b"[" * 100_000,
    "deep error": b'{"error":' * 5_000 + b"1" + b"}" * 5_000,
    "cut": b'{"error": {"message": "It is',
    "numbers": b'{"error": {"message": 7, "code": 7, "type": 7}, "code": [7]}',
    "text of a megabyte": b"x" * (1 << 20),
    "html of a megabyte": b"<html><p>" + b"x" * (1 << 20),
    "script without end": b"<html><script>" + b"<" * (1 << 16),
    "digits": b'{"error": {"code": ' + b"9" * 4000 + b"}}",
    "many digits": b'{"error": {"code": ' + b"9" * 40_000 + b"}}",
    "control characters": b"a\x00b\x1b[31mc\xe2\x80\xa8d\xe2\x80\xaee\nf",
}
STATUSES: dict[int, type[OnlySqError]] = {
    **dict.fromkeys([101, 302, 399, 600, 999], OnlySqError),
    **dict.fromkeys([400, 405, 407, 410, 422, 424, 426, 428, 430, 499], OnlySqInvalidRequestError),
    401: OnlySqAuthenticationError,
    402: OnlySqPermissionDeniedError,
    403: OnlySqPermissionDeniedError,
    404: OnlySqNotFoundError,
    408: OnlySqTimeoutError,
    429: OnlySqRateLimitError,
    **dict.fromkeys([409, 425, 500, 599], OnlySqAPIError),
}
"""The statuses with a class of their own, their neighbours, and the ends of the ranges."""


class TestStatuses:
    @pytest.mark.parametrize(("status", "error_class"), STATUSES.items())
    def test_the_status_chooses_the_class(
        self, status: int, error_class: type[OnlySqError]
    ) -> None:
        error = error_from_response(status, {}, BODIES["error object"], CONTEXT)
        assert type(error) is error_class
        assert error.status_code == status
        assert error.model == "gpt-4o-mini"
        assert error.retry_after is None
        assert error.is_retryable is (status in {408, 409, 425, 429, 500, 599})

    @pytest.mark.parametrize("body", [*BODIES.values(), *UNTOLD.values()], ids=[*BODIES, *UNTOLD])
    def test_whatever_the_body_is_the_message_is_one_short_readable_line(self, body: bytes) -> None:
        for status in (302, 401, 404, 422, 500):
            error = error_from_response(status, {}, body, CONTEXT)
            assert type(error) is STATUSES[status]
            assert str(error).isprintable()
            assert len(str(error)) < 700
            assert "<" not in str(error).replace("<<", "")
            assert str(error).startswith(f"OnlySq answered {status} for model 'gpt-4o-mini'")
            assert error.body is None or (len(error.body) <= 300 and error.body.isprintable())

    @pytest.mark.parametrize("name", [name for name in BODIES if name != "large"])
    def test_the_message_says_what_the_body_says(self, name: str) -> None:
        for status in (302, 401, 422, 500):
            message = str(error_from_response(status, {}, BODIES[name], CONTEXT))
            start = f"OnlySq answered {status} for model 'gpt-4o-mini': It is broken"
            assert message.startswith(start)
            assert ".." not in message

    def test_an_empty_body_is_none(self) -> None:
        error = error_from_response(500, {}, b"", ErrorContext())
        assert error.body is None
        assert error.model is None
        assert str(error).startswith("OnlySq answered 500. ")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b'{"error": {"code": "bad_key", "message": "x"}}', "bad_key"),
            (b'{"error": {"code": 1001}}', "1001"),
            (b'{"error": {"code": true, "status": "x"}}', "x"),
            (b'{"error": "x", "code": "c"}', "c"),
            (b'{"error": {"message": "x", "code": ""}, "code": "outer"}', "outer"),
            (b'{"error": {"message": "x", "code": null}}', None),
            (b"text", None),
        ],
    )
    def test_the_services_own_code_is_kept(self, body: bytes, code: str | None) -> None:
        assert error_from_response(400, {}, body, CONTEXT).code == code

    def test_retry_after_is_kept(self) -> None:
        assert error_from_response(429, {"retry-after": "7"}, b"", CONTEXT).retry_after == 7.0


class TestHints:
    @pytest.mark.parametrize(
        ("status", "body", "said", "unsaid"),
        [
            (401, b'{"error":{"message":"no"}}', ["ONLYSQ_API_KEY"], []),
            (403, b"", ["level", "key"], []),
            (404, BODIES["html"], ["base_url", "https://example.org/ai"], []),
            (404, b'{"error":"no such thing"}', ["model id"], ["base_url"]),
            (405, b"", ["base_url"], []),
            (429, b"", ["fallback_models", "per minute"], []),
            (400, b'{"error":{"code":"context_length_exceeded"}}', ["trim_messages"], []),
        ],
    )
    def test_what_to_do_next(
        self, status: int, body: bytes, said: list[str], unsaid: list[str]
    ) -> None:
        message = str(error_from_response(status, {}, body, CONTEXT))
        assert [words for words in said if words not in message] == []
        assert [words for words in unsaid if words in message] == []

    def test_a_plain_refusal_has_no_hint(self) -> None:
        message = str(error_from_response(422, {}, b'{"detail":"temperature"}', CONTEXT))
        assert message == "OnlySq answered 422 for model 'gpt-4o-mini': temperature."


OVERFLOWS = [
    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
    "context_length_exceeded",
    "Context window exceeded",
    "The input exceeds the model's context window",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "Input is too long for requested model.",
    "messages too long",
    "Please reduce the length of the messages or completion.",
    "string_above_max_length",
    "Too many tokens in the request",
    "The input token count (40000) exceeds the maximum number of tokens allowed (32768).",
    "input tokens exceed the configured limit",
    "Requested 10 tokens, which is larger than the context",
    "token limit exceeded",
]


class TestOverflow:
    @pytest.mark.parametrize("message", OVERFLOWS)
    def test_too_long_is_known_by_its_wording(self, message: str) -> None:
        # The type of an invalid request does not hide it.
        for kind in ({}, {"type": "invalid_request_error", "code": None}):
            payload = {"error": {"message": message, **kind}}
            error = error_from_payload(payload, CONTEXT)
            assert type(error) is OnlySqContextOverflowError
            assert error.status_code == 200
            for status in (400, 413, 500):
                error = error_from_response(status, {}, json.dumps(payload).encode(), CONTEXT)
                assert type(error) is OnlySqContextOverflowError
                assert error.status_code == status

    @pytest.mark.parametrize("status", [400, 500])
    def test_too_long_is_known_by_its_code(self, status: int) -> None:
        body = b'{"error":{"code":"context_length_exceeded","message":"no"}}'
        error = error_from_response(status, {}, body, CONTEXT)
        assert type(error) is OnlySqContextOverflowError

    @pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 429])
    def test_statuses_that_say_something_else_win(self, status: int) -> None:
        body = b'{"error":{"message":"Request too large: too many tokens per minute"}}'
        assert type(error_from_response(status, {}, body, CONTEXT)) is STATUSES[status]

    @pytest.mark.parametrize(
        "message",
        [
            "The request took too long to process",
            "The server is overloaded: context deadline exceeded",
            "Client.Timeout exceeded while awaiting headers: context canceled",
            "max_tokens is too large",
            "The tool 'context' does not exist",
        ],
    )
    @pytest.mark.parametrize("status", [400, 500])
    def test_other_failures_are_not_taken_for_it(self, status: int, message: str) -> None:
        body = json.dumps({"error": {"message": message}}).encode()
        assert type(error_from_response(status, {}, body, CONTEXT)) is STATUSES[status]
        payload = {"error": {"message": message}}
        assert not isinstance(error_from_payload(payload, CONTEXT), OnlySqContextOverflowError)


class TestPayloads:
    @pytest.mark.parametrize("status", [400, 401, 429, 499, 500, 599])
    def test_a_number_from_400_to_599_chooses_the_class(self, status: int) -> None:
        payloads: list[Any] = [
            {"error": {"message": "x", "code": status}},
            {"error": {"message": "x", "code": str(status)}},
            {"error": {"message": "x", "status_code": status}},
            {"error": {"message": "x", "status": status}},
            {"error": {"message": "x"}, "code": status},
            {"error": "x", "status": status},
            {"detail": "x", "status_code": status},
            {"error": {"message": "x", "code": "some_word", "status": status}},
            {"error": {"message": "rate limit", "type": "rate_limit_error", "code": status}},
        ]
        for payload in payloads:
            error = error_from_payload(payload, CONTEXT)
            assert type(error) is STATUSES[status], payload
            assert error.status_code == status

    @pytest.mark.parametrize("code", [0, 7, 200, 399, 600, 4290, -429, True, None, [429], "429 "])
    def test_other_numbers_do_not(self, code: Any) -> None:
        error = error_from_payload({"error": {"message": "It broke", "code": code}}, CONTEXT)
        assert type(error) is OnlySqAPIError
        assert error.status_code == 200

    @pytest.mark.parametrize(
        ("word", "error_class"),
        [
            ("rate_limit_exceeded", OnlySqRateLimitError),
            ("rate_limit_error", OnlySqRateLimitError),
            ("too_many_requests", OnlySqRateLimitError),
            ("insufficient_quota", OnlySqRateLimitError),
            ("context_length_exceeded", OnlySqContextOverflowError),
            ("invalid_api_key", OnlySqAuthenticationError),
            ("authentication_error", OnlySqAuthenticationError),
            ("unauthorized", OnlySqAuthenticationError),
            ("model_not_found", OnlySqNotFoundError),
            ("not_found_error", OnlySqNotFoundError),
            ("permission_error", OnlySqPermissionDeniedError),
            ("forbidden", OnlySqPermissionDeniedError),
            ("timeout_error", OnlySqTimeoutError),
            ("invalid_request_error", OnlySqInvalidRequestError),
            ("tool_use_failed", OnlySqInvalidRequestError),
            ("api_error", OnlySqAPIError),
            ("server_error", OnlySqAPIError),
            ("overloaded_error", OnlySqAPIError),
        ],
    )
    def test_code_and_type_choose_the_class(
        self, word: str, error_class: type[OnlySqError]
    ) -> None:
        for field in ("code", "type"):
            error = error_from_payload({"error": {"message": "Oops", field: word}}, CONTEXT)
            assert type(error) is error_class, field

    @pytest.mark.parametrize(
        ("message", "error_class"),
        [
            ("Rate limit reached for requests", OnlySqRateLimitError),
            ("Too Many Requests", OnlySqRateLimitError),
            ("You exceeded 3 requests per minute", OnlySqRateLimitError),
            ("Incorrect API key provided", OnlySqAuthenticationError),
            ("Invalid token", OnlySqAuthenticationError),
            ("No API key", OnlySqAuthenticationError),
            ("Unauthorized", OnlySqAuthenticationError),
            ("The model `gpt-9` does not exist", OnlySqNotFoundError),
            ("Model gpt-9 not found", OnlySqNotFoundError),
            ("Unknown model: gpt-9", OnlySqNotFoundError),
            ("You have no permission for this model", OnlySqPermissionDeniedError),
            ("Access denied", OnlySqPermissionDeniedError),
            ("Insufficient balance", OnlySqPermissionDeniedError),
            ("The upstream timed out", OnlySqTimeoutError),
            ("Request timeout", OnlySqTimeoutError),
            ("Bad request", OnlySqInvalidRequestError),
            ("Invalid value for temperature", OnlySqInvalidRequestError),
            ("Internal server error", OnlySqAPIError),
            ("Something went wrong", OnlySqAPIError),
            ("The experiment failed", OnlySqAPIError),
            ("The model is overloaded", OnlySqAPIError),
            ("", OnlySqAPIError),
        ],
    )
    def test_the_wording_chooses_where_there_is_nothing_else(
        self, message: str, error_class: type[OnlySqError]
    ) -> None:
        for payload in (
            {"error": message or " "},
            {"error": {"message": message, "x": 1}},
            {"success": False, "message": message},
        ):
            assert type(error_from_payload(payload, CONTEXT)) is error_class

    @pytest.mark.parametrize(
        "message",
        [
            "The model returned an unknown error",
            "The model failed: unknown reason",
            "load balancer error",
            "Upstream failed at an unknown token",
            "Cannot parse token",
        ],
    )
    def test_a_failure_of_the_service_is_not_taken_for_the_callers(self, message: str) -> None:
        error = error_from_payload({"error": {"message": message}}, CONTEXT)
        assert type(error) is OnlySqAPIError
        assert error.is_retryable

    @pytest.mark.parametrize(
        "payload",
        [
            {"error": {"message": "It broke."}},
            {"error": {"msg": "It broke."}},
            {"error": {"detail": "It broke."}},
            {"error": {"error": "It broke."}},
            {"error": {"code": 7}, "message": "It broke."},
            {"error": "It broke."},
            {"error": ["It broke."]},
            {"error": [{"message": "It broke."}]},
            {"error": True, "message": "It broke."},
            {"detail": "It broke."},
            {"detail": [{"msg": "It broke."}]},
            {"errors": ["It broke."]},
            {"message": "It broke."},
            [{"error": "It broke."}],
            "It broke.",
        ],
    )
    def test_what_it_says_is_found_in_every_shape(self, payload: Any) -> None:
        message = str(error_from_payload(payload, CONTEXT))
        assert message.startswith("OnlySq answered 200 for model 'gpt-4o-mini': It broke. ")

    @pytest.mark.parametrize("payload", [{}, [], {"error": None}, {"error": {"x": 1}}, None])
    def test_what_says_nothing_is_an_error_all_the_same(self, payload: Any) -> None:
        error = error_from_payload(payload, CONTEXT)
        assert type(error) is OnlySqAPIError
        assert str(error).startswith("OnlySq answered 200 for model 'gpt-4o-mini'. ")

    def test_the_status_of_the_answer_is_the_default(self) -> None:
        assert error_from_payload({"error": "x"}, CONTEXT, status=206).status_code == 206

    def test_what_is_not_json_is_written_all_the_same(self) -> None:
        error = error_from_payload({"error": {"message": {1, 2}}}, CONTEXT)
        assert error.body is not None
        assert "{1, 2}" in error.body


class TestSecrets:
    @pytest.mark.parametrize(
        "body",
        [
            f"Bad key {KEY}",
            f"<html><p>Bad key {KEY}</p></html>",
            json.dumps({"error": f"Bad key {KEY}"}),
            json.dumps({"error": {"message": f"Bad key Bearer {KEY}.", "code": KEY, "type": KEY}}),
            json.dumps({KEY: KEY}),
            f"{KEY}{KEY}",
        ],
    )
    def test_no_secret_is_anywhere_in_an_error(self, body: str) -> None:
        statuses = (302, 401, 404, 500)
        shown = [error_from_response(status, {}, body.encode(), CONTEXT) for status in statuses]
        if body[0] == "{":
            shown.append(error_from_payload(json.loads(body), CONTEXT))
        for error in shown:
            for text in (str(error), repr(error), repr(error.args), repr(vars(error))):
                assert KEY not in text

    @pytest.mark.parametrize("offset", range(250, 310, 5))
    def test_no_part_of_a_secret_is_left_where_an_excerpt_ends(self, offset: int) -> None:
        body = "x" * offset + KEY + "y" * 100
        for text in (body, json.dumps({"error": body}), f"<html>{body}"):
            error = error_from_response(500, {}, text.encode(), CONTEXT)
            for shown in (str(error), str(error.body)):
                assert KEY[:8] not in shown

    def test_a_context_does_not_show_its_secrets(self) -> None:
        assert KEY not in repr(CONTEXT)

    def test_every_secret_is_redacted(self) -> None:
        context = ErrorContext(find_secrets=lambda: ("one", "two"))
        assert context.redact("one, two, three") == "***, ***, three"
        assert ErrorContext().redact("one") == "one"

    @pytest.mark.parametrize("levels", [500, 5_000])
    @pytest.mark.parametrize("form", ["list", "object"])
    def test_levels_that_nobody_reads_are_left_out(self, form: str, levels: int) -> None:
        value: Any = "one"
        for _ in range(levels):
            value = [value] if form == "list" else {"a": value}
        error = error_from_payload({"error": {"code": 429, "why": value}}, ErrorContext())
        assert type(error) is OnlySqRateLimitError
        redacted = ErrorContext().redact_value(value)
        text = json.dumps(redacted, ensure_ascii=False)
        assert text.count("[") + text.count("{") == 100
        assert "…" in text


class TestAnything:
    def test_a_body_that_is_too_large_to_parse_is_text(self) -> None:
        error = error_from_response(500, {}, BODIES["large"], ErrorContext())
        assert '{"error": {"message": "It is broken."}' in str(error)
        assert error.body is not None
        assert len(error.body) <= 300

    @patient
    @given(st.integers(100, 999), st.binary(max_size=200))
    def test_no_body_is_a_crash(self, status: int, body: bytes) -> None:
        error = error_from_response(status, {}, body, CONTEXT)
        assert isinstance(error, OnlySqError)
        assert str(error).isprintable()


json_values = json_with(
    "error detail errors message msg code status type x",
    *(None, True, 0, 429, 1.5, 10**50, "", "x", "429", "error", "rate limit", "\ud83d", "\n"),
)


@patient
@given(json_values)
def test_no_payload_is_a_crash(payload: Any) -> None:
    error = error_from_payload(payload, CONTEXT)
    assert isinstance(error, OnlySqError)
    assert str(error).isprintable()
    assert pickle.loads(pickle.dumps(error)).body == error.body  # noqa: S301 - our own
    body = json.dumps(payload).encode()
    assert str(error_from_response(500, {}, body, CONTEXT)).isprintable()
