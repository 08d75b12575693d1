"""The builders of replies."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage

from langchain_onlysq.testing import Close, LocalOnlySq, Pause, Reply, chunk
from tests.support.local_server import (
    IMPATIENCE,
    OPENAI,
    PATIENCE,
    content_of,
    deltas_of,
    events_of,
    post,
    streamed,
    v2,
)


class TestScripting:
    def test_what_is_no_reply_is_refused_at_once(self) -> None:
        message: Any = AIMessage("Hi")
        other: Any = 7
        server = LocalOnlySq()
        for script in (server.reply, server.reply_catalogue, LocalOnlySq):
            with pytest.raises(TypeError, match=r"not AIMessage\. Of a message, script its text"):
                script("One", message)
            with pytest.raises(TypeError, match=r"a callable, not int\.$"):
                script(other)
        assert server.replies_left == 0
        server.reply(message.text, lambda _: message)
        assert server.replies_left == 2

    def test_what_a_callable_returns_is_a_500(self, server: LocalOnlySq) -> None:
        other: Any = 7
        server.reply(lambda _: other)
        response = post(server, v2())
        assert response.status_code == 500
        assert "a callable, not int." in response.text


class TestBuilders:
    def test_error(self, server: LocalOnlySq) -> None:
        server.reply(
            Reply.error(429, "Slow down", code="rate_limit", retry_after=2.5, headers={"X-A": "b"}),
            Reply.error(500),
        )
        first, second = post(server, v2()), post(server, v2())
        assert first.status_code == 429
        assert first.json() == {"error": {"message": "Slow down", "code": "rate_limit"}}
        assert (first.headers["Retry-After"], first.headers["X-A"]) == ("2.5", "b")
        assert set(second.json()["error"]) == {"message"}
        assert "Retry-After" not in second.headers

    def test_html(self, server: LocalOnlySq) -> None:
        server.reply(Reply.html(200, "a < b"))
        response = post(server, v2())
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<h1>a &lt; b</h1>" in response.text

    def test_json(self, server: LocalOnlySq) -> None:
        server.reply(Reply.json(["ж\u2028"], 201, {"content-type": "text/plain"}))
        response = post(server, v2())
        assert response.status_code == 201
        assert response.headers["Content-Type"] == "text/plain"
        assert response.content == '["ж\u2028"]'.encode()

    def test_lone_surrogates_are_escaped(self) -> None:
        assert Reply.json("\ud800").body == b'"\\ud800"'

    def test_redirect(self, server: LocalOnlySq) -> None:
        server.reply(Reply.redirect(307, OPENAI), "moved")
        response = post(server, v2(), follow_redirects=False)
        assert (response.status_code, response.headers["Location"]) == (307, OPENAI)

    def test_stream(self, server: LocalOnlySq) -> None:
        server.reply(
            Reply.stream([chunk("Hi"), ": ping\n\n", b"data:x\r\n\r\n", Pause(0)]),
            Reply.stream([], done=False, headers={"X-A": "b"}),
        )
        full, empty = post(server, v2()), post(server, v2())
        assert full.headers["Content-Type"] == "text/event-stream"
        first, rest = full.content.split(b"\n\n", 1)
        assert json.loads(first.removeprefix(b"data: ")) == chunk("Hi")
        assert rest == b": ping\n\ndata:x\r\n\r\ndata: [DONE]\n\n"
        assert (empty.content, empty.headers["X-A"]) == (b"", "b")

    @pytest.mark.parametrize("options", [{}, {"flush": False}])
    def test_gzip(self, server: LocalOnlySq, options: dict[str, bool]) -> None:
        server.reply(Reply.gzip(Reply.stream([chunk("Hi"), Pause(0)]), **options))
        response = post(server, v2())
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"] == "text/event-stream"
        assert events_of(response.content) == [chunk("Hi"), b"[DONE]"]

    @pytest.mark.parametrize(("options", "early"), [({}, b"first"), ({"flush": False}, b"")])
    def test_gzip_may_hold_back(
        self, server: LocalOnlySq, options: dict[str, bool], early: bytes
    ) -> None:
        server.reply(Reply.gzip(Reply(body=[b"first", Close()]), **options))
        with streamed(server) as response:
            received: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError):
                received.extend(response.iter_bytes())
        assert b"".join(received) == early

    def test_gzip_takes_what_can_be_scripted(self, server: LocalOnlySq) -> None:
        server.reply(Reply.gzip("zipped"))
        assert content_of(post(server, v2())) == "zipped"

    @pytest.mark.parametrize(
        ("how", "framing", "error"),
        [
            ("fin", "chunked", httpx.RemoteProtocolError),
            ("fin", "close", None),
            ("reset", "chunked", httpx.ReadError),
            ("hold", "chunked", httpx.ReadTimeout),
        ],
    )
    def test_broken_stream(
        self, server: LocalOnlySq, how: Any, framing: Any, error: type[Exception] | None
    ) -> None:
        server.reply(Reply.broken_stream("one two three four", after=2, how=how, framing=framing))
        received, failure = b"", None
        try:
            with streamed(server, timeout=IMPATIENCE if how == "hold" else PATIENCE) as response:
                for data in response.iter_raw():
                    received += data
        except httpx.HTTPError as caught:
            failure = type(caught)
        assert failure is error
        assert deltas_of(received, "content") == ["one ", "two "]
        assert b"[DONE]" not in received
