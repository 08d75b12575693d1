"""A redirect that the library fails at is a redirect all the same."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq.transport.unread_redirects import unread_redirect

POINTED = [(b"Server", b"x"), (b"Location", b"http://h:x/\xe9")]


@pytest.mark.parametrize(
    "traced", [(b"HTTP/1.1", 307, b"Temporary Redirect", POINTED, b""), (307, POINTED)]
)
def test_its_head_is_what_was_traced(traced: Any, library: Any) -> None:
    head = unread_redirect(library.RemoteProtocolError("Invalid URL"), traced)
    assert head is not None
    assert (head.status, head.headers["location"]) == (307, "http://h:x/\xe9")


@pytest.mark.parametrize("traced", [None, (200, POINTED), (307, [(b"server", b"x")]), (307,), ()])
def test_other_heads_are_none(traced: Any, library: Any) -> None:
    assert unread_redirect(library.RemoteProtocolError("x"), traced) is None


def test_other_failures_are_none(library: Any) -> None:
    assert unread_redirect(library.ReadError("x"), (307, POINTED)) is None
    assert unread_redirect(OSError("x"), (307, POINTED)) is None
