"""Where requests go, and which of the scripted replies they get."""

from __future__ import annotations

import json
import threading

import pytest
from langchain_core.messages import AIMessage

from langchain_onlysq.testing import LocalOnlySq, Reply, catalogue
from tests.support.local_server import KEY, OPENAI, V2, content_of, deltas_of, flat, post, send, v2

pytestmark = pytest.mark.sockets


class TestEndpoints:
    @pytest.mark.parametrize("path", ["/", "/ai", "/ai/v1", "/ai/v2/", "/ai/openai", "/v2"])
    def test_unknown_paths_give_a_page(self, server: LocalOnlySq, path: str) -> None:
        response = post(server, v2(), path)
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/html")
        assert "<title>404 Not Found</title>" in response.text

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [("GET", V2, "POST"), ("PUT", OPENAI, "POST"), ("POST", "/ai/models", "GET")],
    )
    def test_wrong_methods(self, server: LocalOnlySq, method: str, path: str, allowed: str) -> None:
        response = send(server, method, path, headers=KEY)
        assert (response.status_code, response.headers["Allow"]) == (405, allowed)
        assert method in response.json()["error"]["message"]

    def test_the_catalogue_needs_no_key(self, server: LocalOnlySq) -> None:
        body = send(server, "GET", "/ai/models").json()
        assert body == catalogue()
        assert "gpt-4o-mini" in body["models"]
        assert body["models"]["sonar"]["status"] == "work"

    def test_scripted_catalogues(self, server: LocalOnlySq) -> None:
        server.reply("for chat")
        server.reply_catalogue(catalogue(["a"]), Reply.error(502), b"{}")
        answers = [send(server, "GET", "/ai/models") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 502, 200, 200]
        assert list(answers[0].json()["models"]) == ["a"]
        assert answers[2].content == b"{}"
        assert answers[3].json() == catalogue()
        assert server.replies_left == 1


class TestChecks:
    def test_what_is_refused_takes_no_reply(self, server: LocalOnlySq) -> None:
        server.reply("unused")
        refused = post(server, {})
        assert refused.status_code == 400
        assert refused.json() == {"error": {"message": "model: missing"}}
        assert post(server, v2(), headers={}).status_code == 401
        assert server.replies_left == 1
        assert len(server.requests) == 2

    @pytest.mark.parametrize("body", [b"{", json.dumps(v2(stream=False)).encode(), b"[1]"])
    def test_they_can_be_turned_off(self, body: bytes) -> None:
        with LocalOnlySq("Hello", strict=False) as server:
            response = send(server, "POST", "/ai/v2", content=body)
            assert content_of(response) == "Hello"
            assert send(server, "POST", "/ai/v3", content=body).status_code == 404

    def test_the_built_in_model_answers_unchecked_requests(self) -> None:
        with LocalOnlySq(strict=False) as server:
            response = send(server, "POST", "/ai/v2", content=b"not JSON")
            assert content_of(response) == "You said: "


class TestScripting:
    def test_each_kind_of_item(self, server: LocalOnlySq) -> None:
        server.reply("text", {"a": 1}, [1, 2], b"bytes", Reply(202, body=b"raw"), lambda _: "made")
        assert server.replies_left == 6
        answers = [post(server, v2()) for _ in range(6)]
        assert content_of(answers[0]) == "text"
        assert [answers[1].json(), answers[2].json()] == [{"a": 1}, [1, 2]]
        assert answers[3].content == b"bytes"
        assert answers[3].headers["Content-Type"] == "application/json"
        assert (answers[4].status_code, answers[4].content) == (202, b"raw")
        assert content_of(answers[5]) == "made"
        assert server.replies_left == 0

    def test_the_same_items_when_a_stream_is_asked_for(self, server: LocalOnlySq) -> None:
        server.reply("text", {"a": 1}, b"data: x\n\n")
        text, whole, raw = (post(server, v2(stream=True)) for _ in range(3))
        assert deltas_of(text.content, "content") == ["text"]
        assert whole.json() == {"a": 1}
        assert raw.content == b"data: x\n\n"
        assert raw.headers["Content-Type"] == "text/event-stream"

    def test_callables_get_the_request(self, server: LocalOnlySq) -> None:
        server.reply(lambda request: lambda _: f"{request.model} on {request.path}")
        assert content_of(post(server, v2())) == "m on /ai/v2"

    def test_the_text_of_a_message_is_text_though_it_can_be_called(self) -> None:
        with LocalOnlySq(AIMessage("Hello").text) as server:
            assert content_of(post(server, v2())) == "Hello"

    def test_the_built_in_model_comes_last(self, server: LocalOnlySq) -> None:
        server.reply("scripted")
        assert [content_of(post(server, v2())) for _ in range(2)] == [
            "scripted",
            "You said: Hi there",
        ]

    def test_both_endpoints_share_the_queue(self) -> None:
        with LocalOnlySq("one", "two") as server:
            assert content_of(post(server, flat(), OPENAI)) == "one"
            assert content_of(post(server, v2())) == "two"

    def test_failing_callables_are_told(self, server: LocalOnlySq) -> None:
        server.reply(lambda request: request.json["no such key"], lambda _: 7)  # type: ignore[arg-type, return-value]
        answers = [post(server, v2()) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [500, 500]
        assert "KeyError('no such key')" in answers[0].json()["error"]["message"]
        assert "not int" in answers[1].json()["error"]["message"]

    def test_replies_can_be_added_from_other_threads(self, server: LocalOnlySq) -> None:
        threads = [threading.Thread(target=server.reply, args=("a", "b")) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.replies_left == 40
