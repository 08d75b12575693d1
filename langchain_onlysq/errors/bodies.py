"""What a body says went wrong, in whichever of the known shapes it says it. Pure."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_onlysq.errors.context import ErrorContext

EXCERPT_CHARS = 300
"""Longest excerpt of a body that an error keeps, in characters."""

_PARSED_BYTES = 1 << 20
FIRST_ERROR_STATUS, LAST_ERROR_STATUS = 400, 599


class Detail(NamedTuple):
    """What a body says went wrong, in whichever of the known shapes it says it."""

    message: str = ""
    code: str | None = None
    kind: str | None = None
    status: int | None = None


def names_an_error(payload: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object of a 200 body is an error, in any of the known shapes."""
    if payload.get("error"):
        return True
    if payload.get("choices") is not None:
        return False
    return (
        payload.get("success") is False
        or payload.get("object") == "error"
        or isinstance(payload.get("message"), str)
        or any(payload.get(key) for key in ("detail", "errors"))
    )


def read_body(body: bytes, context: ErrorContext) -> tuple[str, Any]:
    """Return a body's text and, where it is JSON, its value, both without any secret."""
    if len(body) <= _PARSED_BYTES:
        try:
            payload = context.redact_value(json.loads(body))
            return json.dumps(payload, ensure_ascii=False), payload
        except (ValueError, RecursionError):
            pass
    return context.redact(body.decode("utf-8", "replace")), None


def detail_of(payload: Any, redact: Callable[[str], str] = str) -> Detail:
    """Read the known shapes: `error` (object or text), `detail`, `message`, `errors`."""
    if isinstance(payload, list):
        return detail_of(payload[0], redact) if payload else Detail()
    if not isinstance(payload, dict):
        return Detail(message=_one_line(payload, redact))
    inner = next(
        (
            payload[key]
            for key in ("error", "detail", "errors", "message")
            if payload.get(key) and payload[key] is not True
        ),
        None,
    )
    if isinstance(inner, list):
        inner = inner[0]
    fields = inner if isinstance(inner, dict) else {}
    message = next(
        (fields[key] for key in ("message", "msg", "detail", "error") if fields.get(key)),
        payload.get("message") or "" if fields else inner,
    )
    code = _first_of(("code", "status_code", "status"), fields, payload)
    return Detail(
        message=_one_line(message, redact),
        code=None if code is None else str(code),
        kind=str(fields["type"]) if fields.get("type") else None,
        status=_status_in(("code", "status_code", "status"), fields, payload),
    )


def _first_of(names: tuple[str, ...], *objects: dict[str, Any]) -> Any:
    for fields in objects:
        for name in names:
            value = fields.get(name)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                return value
    return None


def _status_in(names: tuple[str, ...], *objects: dict[str, Any]) -> int | None:
    for fields in objects:
        for name in names:
            text = str(fields.get(name))
            if re.fullmatch(r"\d{3}", text, re.ASCII) and (
                FIRST_ERROR_STATUS <= int(text) <= LAST_ERROR_STATUS
            ):
                return int(text)
    return None


def _one_line(value: Any, redact: Callable[[str], str]) -> str:
    if value is None:
        return ""
    return excerpt(value if isinstance(value, str) else json.dumps(value, default=str), redact)


def excerpt(text: str, redact: Callable[[str], str] = str, limit: int = EXCERPT_CHARS) -> str:
    """Return the beginning of a text, HTML or not, as one readable line.

    Args:
        text: The text.
        redact: Hides secrets in the line before it is cut: entities may have hidden them from
            whoever looked before, and halves of them are no longer recognised.
        limit: The longest line, in characters.
    """
    text = text[: 16 * limit].lstrip("\ufeff")
    if text.lstrip().startswith("<"):
        text = re.sub(r"(?is)<(script|style)\b.*?(</\1\s*>|$)", " ", text)
        text = _without_tags(_without_title(text))
    text = redact(" ".join("".join(c if c.isprintable() else " " for c in text).split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _without_tags(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*(>|$)", " ", page))


def _without_title(page: str) -> str:
    """Drop the title of an HTML page that says the same again below it."""
    title = re.search(r"(?is)<title\b[^>]*>(.*?)</title\s*>", page)
    if title is None:
        return page
    # Blanks, entities and tags make no other words of it.
    said, below = ("".join(_without_tags(p).split()) for p in (title[1], page[title.end() :]))
    return page[: title.start()] + page[title.end() :] if said in below else page


def looks_like_html(body: bytes) -> bool:
    """Tell an HTML page by its first characters, whatever its content type says."""
    return body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how long to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.

    Args:
        headers: The answer's headers, looked up by lowercase names.

    Returns:
        Seconds from now, never negative; None where nothing readable was sent.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if isfinite(seconds):
            return max(seconds, 0.0)
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
        # HTTP dates are in UTC, whether they say so or not.
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(moment - time(), 0.0)
