"""Redirects to what is no URL: httpx raises for them and forgets their status. Pure.

What it traced before still knows it. httpx2 hands such an answer over like any other.
"""

from __future__ import annotations

from typing import Any

from langchain_onlysq.settings.http_library import kinds_of
from langchain_onlysq.transport.flow import ResponseHead


def unread_redirect(error: Exception, traced: Any) -> ResponseHead | None:
    """Return the head of a redirect that the library failed at; None for any other failure.

    Args:
        error: What it raised.
        traced: What it traced as the head of an answer: the status and the headers among other
            things, which differ between HTTP/1.1 and HTTP/2. None where there was no head.
    """
    if "RemoteProtocolError" not in kinds_of(error) or not isinstance(traced, tuple):
        return None
    status = next((part for part in traced if isinstance(part, int)), 0)
    raw = next((part for part in traced if isinstance(part, list)), ())
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
    head = ResponseHead(status, headers)
    return head if head.is_redirect and "location" in headers else None
