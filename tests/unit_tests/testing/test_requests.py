"""What the local server keeps of the requests it got."""

from __future__ import annotations

from langchain_onlysq import testing
from langchain_onlysq.testing import LocalOnlySq, Request
from tests.support.local_server import KEY, OPENAI, USER, flat, post, send, user, v2


class TestRequests:
    def test_they_are_recorded_in_order(self, server: LocalOnlySq) -> None:
        for text in ("one", "two"):
            post(server, v2(user(text)))
        texts = [request.json["request"]["messages"][0]["content"] for request in server.requests]
        assert texts == ["one", "two"]

    def test_refused_ones_are_recorded(self, server: LocalOnlySq) -> None:
        send(server, "PUT", "/ai/nothing?a=1", content=b"\xff{", headers={"X-Test": "1"})
        (request,) = server.requests
        assert (request.method, request.path, request.query) == ("PUT", "/ai/nothing", "a=1")
        assert (request.body, request.json) == (b"\xff{", None)

    def test_headers_ignore_case(self, server: LocalOnlySq) -> None:
        post(server, v2(), headers=[*KEY.items(), ("X-Twice", "a"), ("x-twice", "b")])
        headers = server.requests[0].headers
        assert headers["AUTHORIZATION"] == headers["authorization"] == "Bearer openai"
        assert headers["X-Twice"] == "a, b"
        assert "x-missing" not in headers
        assert len(headers) == len(list(headers))

    def test_their_repr_hides_the_key(self, server: LocalOnlySq) -> None:
        post(server, v2(), headers={"Authorization": "Bearer sq-canary"})
        assert "sq-canary" not in repr(server.requests[0])
        assert "/ai/v2" in repr(server.requests[0])

    def test_the_list_is_a_copy(self, server: LocalOnlySq) -> None:
        server.requests.append(Request("GET", "/", testing.Headers()))
        assert server.requests == []

    def test_what_a_reply_may_read_of_them(self, server: LocalOnlySq) -> None:
        post(server, v2(stream=True))
        post(server, flat(), OPENAI)
        send(server, "POST", "/ai/v2", json=[1])
        first, second, third = server.requests
        assert (first.model, first.streams, first.messages) == ("m", True, [USER])
        assert (second.model, second.streams, second.messages) == ("m", False, [USER])
        assert (third.model, third.streams, third.messages, third.chat) == ("", False, [], {})
