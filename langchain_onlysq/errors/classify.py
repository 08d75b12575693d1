"""Status, body and wording of a failure -> the error to raise. Pure."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

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
from langchain_onlysq.errors.bodies import (
    FIRST_ERROR_STATUS,
    LAST_ERROR_STATUS,
    Detail,
    detail_of,
    excerpt,
    looks_like_html,
    parse_retry_after,
    read_body,
)
from langchain_onlysq.errors.near_ids import did_you_mean
from langchain_onlysq.errors.wording import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_onlysq.errors.context import ErrorContext


def error_from_response(
    status: int, headers: Mapping[str, str], body: bytes, context: ErrorContext
) -> OnlySqError:
    """Classify an answer whose HTTP status is not a success.

    Args:
        status: The HTTP status.
        headers: The answer's headers, looked up by lowercase names.
        body: The body, as much of it as was read.
        context: What the message may say and must not show.

    Returns:
        The error to raise.
    """
    text, payload = read_body(body, context)
    said = excerpt(text, context.redact)
    detail = Detail(message=said) if payload is None else detail_of(payload, context.redact)
    error_class = _class_for_status(status, detail)
    is_html = looks_like_html(body)
    retry_after = parse_retry_after(headers)
    return _build(
        error_class,
        detail,
        context,
        status_code=status,
        hint=_hint(error_class, status, context, detail, retry_after, is_html=is_html),
        retry_after=retry_after,
        body=said,
    )


def error_from_payload(payload: Any, context: ErrorContext, *, status: int = 200) -> OnlySqError:
    """Classify an error that stands inside a body whose HTTP status was a success.

    The error's own code decides where it is a number from 400 to 599; otherwise its type and
    its wording do.

    Args:
        payload: The JSON value that says what went wrong.
        context: What the message may say and must not show.
        status: The HTTP status of the answer.

    Returns:
        The error to raise.
    """
    payload = context.redact_value(payload)
    text = json.dumps(payload, ensure_ascii=False, default=str)
    detail = detail_of(payload, context.redact)
    if detail.status is not None:
        error_class = _class_for_status(detail.status, detail)
    else:
        error_class = _class_for_wording(detail)
    status_code = detail.status or status
    return _build(
        error_class,
        detail,
        context,
        status_code=status_code,
        hint=_hint(error_class, status_code, context, detail),
        body=excerpt(text, context.redact),
    )


def stalled(limit: float, model: str | None, *, streams: bool = True) -> OnlySqTimeoutError:
    """Return the error for an answer that brought nothing for too long.

    Args:
        limit: The stall timeout in seconds.
        model: Model id that was asked.
        streams: Whether the answer was to arrive piece by piece.
    """
    what = "The stream was silent" if streams else "Nothing more of the answer came"
    msg = f"{what} for {limit:g} s; raise stall_timeout to wait longer."
    return OnlySqTimeoutError(msg, code="stall_timeout", model=model)


_OVERFLOW = (
    r"context[ _-]?(length|window|size)[ _-]?(exceed|is|of|limit)|max(imum)? context"
    r"|\b(exceed|larger|longer|greater|over\b|beyond)\w*[^.:]{0,40}context(?! (deadline|cancel))"
    r"|(prompt|input|messages?|request|conversation)( is| are| was)? too (long|many tokens)"
    r"|too many (input )?tokens|reduce the length|string_above_max_length"
    r"|input tokens? exceed|token limit exceeded|exceeds? the (maximum|max)[^.]{0,30}tokens"
)


_RATE_LIMIT = r"rate.?limit|too.?many.?requests|quota|requests per minute|per.?min"


_KEY = (
    r"(?<![a-z])(invalid|incorrect|wrong|missing|bad|no|expired)(?![a-z])"
    r".{0,12}(key|token)(?![a-z])"
    r"|unauthori[sz]ed|authenticat"
)


_UNKNOWN_MODEL = (
    r"model.{0,80}(not.?found|not exist|n't exist|no longer|(is|was) unknown)"
    r"|(unknown|no such|invalid|unsupported).?model"
)


_NO_MODEL = rf"{_UNKNOWN_MODEL}|not_found"


_NOT_ALLOWED = r"permission|forbidden|access denied|not allowed|insufficient|payment|\bbalance\b"


_INVALID = (
    r"invalid.?request|bad.?request|invalid.{0,30}(parameter|argument|value|field)"
    r"|validation|unprocessable|tool_use_failed|required (field|parameter)"
)


_WORDINGS: tuple[tuple[str, type[OnlySqError]], ...] = (
    (_RATE_LIMIT, OnlySqRateLimitError),
    (_OVERFLOW, OnlySqContextOverflowError),
    (_KEY, OnlySqAuthenticationError),
    (_NO_MODEL, OnlySqNotFoundError),
    (_NOT_ALLOWED, OnlySqPermissionDeniedError),
    (r"tim(ed|e)[ _-]?out", OnlySqTimeoutError),
    (_INVALID, OnlySqInvalidRequestError),
)


_STATUSES: dict[int, type[OnlySqError]] = {
    401: OnlySqAuthenticationError,
    402: OnlySqPermissionDeniedError,
    403: OnlySqPermissionDeniedError,
    404: OnlySqNotFoundError,
    408: OnlySqTimeoutError,
    409: OnlySqAPIError,
    425: OnlySqAPIError,
    429: OnlySqRateLimitError,
}


_NEVER_OVERFLOW = frozenset({401, 402, 403, 404, 408, 429})


def _class_for_status(status: int, detail: Detail) -> type[OnlySqError]:
    if status >= FIRST_ERROR_STATUS and status not in _NEVER_OVERFLOW and _overflows(detail):
        return OnlySqContextOverflowError
    if status in _STATUSES:
        return _STATUSES[status]
    if status > LAST_ERROR_STATUS or status < FIRST_ERROR_STATUS:
        return OnlySqError
    return OnlySqAPIError if status >= 500 else OnlySqInvalidRequestError  # noqa: PLR2004 - 5xx


def _class_for_wording(detail: Detail) -> type[OnlySqError]:
    texts = (detail.code or "", detail.kind or "", detail.message)
    for wording, error_class in _WORDINGS:
        if any(_pattern(wording).search(text) for text in texts):
            return error_class
    return OnlySqAPIError


def _overflows(detail: Detail) -> bool:
    return any(_pattern(_OVERFLOW).search(text) for text in (detail.code or "", detail.message))


@lru_cache
def _pattern(wording: str) -> re.Pattern[str]:
    """Compile at the first error: that takes longer than the rest of importing this module."""
    return re.compile(wording, re.IGNORECASE)


def _build(
    error_class: type[OnlySqError],
    detail: Detail,
    context: ErrorContext,
    *,
    status_code: int,
    hint: str,
    body: str,
    retry_after: float | None = None,
) -> OnlySqError:
    said = detail.message.rstrip(". ")
    where = f" for model {context.model!r}" if context.model else ""
    parts = [f"OnlySq answered {status_code}{where}" + (f": {said}." if said else ".")]
    if retry_after:
        parts.append(f"It asks to wait for {duration(retry_after)}.")
    parts.append(hint)
    return error_class(
        " ".join(part for part in parts if part),
        status_code=status_code,
        code=detail.code,
        body=body or None,
        retry_after=retry_after,
        model=context.model,
    )


def _hint(
    error_class: type[OnlySqError],
    status: int,
    context: ErrorContext,
    detail: Detail,
    retry_after: float | None = None,
    *,
    is_html: bool = False,
) -> str:
    """Say what to do next."""
    if (error_class is OnlySqNotFoundError and is_html) or status == 405:  # noqa: PLR2004 - HTTP
        return (
            f"That path does not exist there: check base_url (now {context.base_url!r}); "
            "it usually is 'https://api.onlysq.ru/ai'."
        )
    hint = _HINTS.get(error_class, "")
    if error_class is OnlySqRateLimitError and retry_after:
        hint = hint.replace("wait a minute", "wait that long")
    if status == PROXY_WANTS_LOGIN:
        hint = PROXY_LOGIN_HINT
    texts = (detail.message, detail.code or "")
    names_a_model = any(_pattern(_UNKNOWN_MODEL).search(text) for text in texts)
    if names_a_model and error_class is OnlySqInvalidRequestError:
        hint = UNKNOWN_MODEL_HINT
    if (error_class is OnlySqNotFoundError or names_a_model) and context.model:
        hint += did_you_mean(context.base_url, context.model)
    return hint


UNKNOWN_MODEL_HINT = "Check the model id: list_models() has those on offer."

PROXY_WANTS_LOGIN = 407

PROXY_LOGIN_HINT = (
    "The proxy wants a user and a password: set it as http://user:password@host:port."
)

_HINTS: dict[type[OnlySqError], str] = {
    OnlySqAuthenticationError: (
        "Check the key: set ONLYSQ_API_KEY or pass api_key=…; the public key is 'openai'."
    ),
    OnlySqPermissionDeniedError: (
        "The key (ONLYSQ_API_KEY) was refused for this, or its account level is too low "
        "for the model: try another model or key."
    ),
    OnlySqContextOverflowError: "Send fewer or shorter messages; trim_messages can do it.",
    OnlySqNotFoundError: UNKNOWN_MODEL_HINT,
    OnlySqRateLimitError: (
        "OnlySq limits requests per minute, by account level and model: wait a minute, or name "
        "other models as fallback_models."
    ),
    OnlySqAPIError: (
        "The service or the model behind it failed: try again later, or try another model."
    ),
    OnlySqTimeoutError: "Try again, or try a faster model.",
}
