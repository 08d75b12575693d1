"""What is wrong with an answer whose status was a success -> the error to raise. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqResponseError,
    OnlySqStreamError,
)
from langchain_onlysq.errors.bodies import excerpt, looks_like_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_onlysq.errors.context import ErrorContext

_QUOTED_CHARS = 120
_TRY_AGAIN = "Try again, or try another model."


def empty(context: ErrorContext) -> OnlySqError:
    """Return the error for an answer with nothing in it."""
    message = "The answer is empty. Ask again, or try another model; allow_empty=True accepts it."
    return _error(OnlySqEmptyResponseError, message, context)


def empty_at_length(finish_reason: str, context: ErrorContext) -> OnlySqError:
    """Return the error for an answer that was cut off before anything was in it.

    The next one would end at the same length, so it is not retried.
    """
    message = (
        f'The answer was cut off before its first word (finish_reason "{finish_reason}"): '
        "raise max_tokens, or leave it out; a model's reasoning counts, too."
    )
    error = _error(OnlySqEmptyResponseError, message, context)
    error.code = "length"
    return error


def nested_too_deeply(context: ErrorContext) -> OnlySqError:
    """Return the error for JSON that is too deep to be read."""
    return _error(OnlySqResponseError, f"The answer is nested too deeply. {_TRY_AGAIN}", context)


def too_long(context: ErrorContext) -> OnlySqError:
    """Return the error for a body that goes on without any part of an answer in it."""
    message = "The answer goes on and on without being one; try again, or try another model."
    return _error(OnlySqResponseError, message, context)


def no_choices(keys: Iterable[str], context: ErrorContext) -> OnlySqError:
    """Return the error for an answer that has other keys instead of choices."""
    named = excerpt(", ".join(map(str, keys)), context.redact, _QUOTED_CHARS) or "none"
    message = f"The answer has no choices in it; its keys: {named}. {_TRY_AGAIN}"
    return _error(OnlySqResponseError, message, context)


def no_end_mark(context: ErrorContext) -> OnlySqError:
    """Return the error for a stream of which nobody knows whether it is whole."""
    message = (
        "The stream ended without an end mark, so the answer may be incomplete. "
        "What came was delivered; allow_truncated_stream=True accepts such answers."
    )
    return _error(OnlySqStreamError, message, context)


def generation_failed(said: str, context: ErrorContext) -> OnlySqError:
    """Return the error for `finish_reason: "error"`."""
    reason = _quoted(said, context)
    message = (
        'The generation failed inside the service (finish_reason "error")'
        + (f": {reason}." if reason else ".")
        + f" {_TRY_AGAIN}"
    )
    return _error(OnlySqAPIError, message, context)


def not_understood(raw: bytes, context: ErrorContext) -> OnlySqError:
    """Return the error for a body that is something else: HTML, plain text, a list, broken JSON.

    Args:
        raw: The body, or its beginning.
        context: What an error message may say and must not show.
    """
    text = raw.decode("utf-8", "replace")
    is_html = looks_like_html(raw)
    what = "an HTML page" if is_html else "something that is not an answer"
    hint = f"Check base_url (now {context.base_url!r})." if is_html else _TRY_AGAIN
    message = f"OnlySq answered 200 with {what}: {_quoted(text, context)}. {hint}"
    return _error(OnlySqResponseError, message, context, body=excerpt(text, context.redact))


def _quoted(text: str, context: ErrorContext) -> str:
    return excerpt(text, context.redact, _QUOTED_CHARS).rstrip(". ")


def _error(
    error_class: type[OnlySqError], message: str, context: ErrorContext, body: str | None = None
) -> OnlySqError:
    return error_class(context.redact(message), status_code=200, body=body, model=context.model)
