"""What the check finds, with a server that fails in every way."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq import check
from langchain_onlysq.health.plan import MOST_REQUESTS
from langchain_onlysq.testing import (
    LocalOnlySq,
    Reply,
    ReplyLike,
    Request,
    catalogue,
    chunk,
)
from tests.support.healthy import ASKED, SECRET, Checker, asked, at, found, healthy, statuses

# The catalogue


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply.html(502, "Bad Gateway"), "502"),
        (catalogue([]), "The catalogue is empty"),
        (b"{", "not a catalogue"),
        (Reply.html(200, "Sorry"), "an HTML page"),
        (Reply.error(429, "Slow down", retry_after=60), "busy"),
    ],
    ids=["502", "empty", "broken", "html", "busy"],
)
def test_a_catalogue_that_fails_keeps_nothing_from_being_asked(
    reply: ReplyLike, said: str, server: LocalOnlySq, checker: Checker
) -> None:
    server.reply_catalogue(reply)
    report = at("gpt-4o-mini", server, healthy, checker)
    assert said in found(report, "catalogue").detail
    assert found(report, "address").status == "ok"
    assert found(report, "model").status == "unchecked"
    assert report.works
    assert asked(server) == 8


def test_a_model_that_is_not_in_it(server: LocalOnlySq) -> None:
    report = at("gpt-4o-minni", server, healthy)
    assert found(report, "model").status == "unclear"
    assert "did you mean 'gpt-4o-mini'" in found(report, "model").detail
    server.reply_catalogue(catalogue(["other"]))
    assert found(at("zzz", server, healthy), "model").detail == "'zzz' is not in the catalogue"


def test_a_model_that_is_not_called_working(server: LocalOnlySq) -> None:
    listed = catalogue(["m"])
    listed["models"]["m"]["status"] = "not_work"
    server.reply_catalogue(listed)
    result = found(at("m", server, healthy), "model")
    assert result.status == "unclear"
    assert 'status "not_work"' in result.detail
    assert "choose another one" in result.advice


# The key, and the plain answer


@pytest.mark.parametrize(
    ("reply", "key", "said"),
    [
        (Reply.error(401, "Invalid key"), "failed", "ONLYSQ_API_KEY"),
        (Reply.error(403, "Level too low"), "unclear", "refused for this model"),
        (Reply.error(404, "No such model"), "unchecked", "not known"),
    ],
)
def test_a_refusal_for_good_ends_it(
    reply: ReplyLike, key: str, said: str, server: LocalOnlySq, checker: Checker
) -> None:
    report = at("m", server, reply, checker)
    assert found(report, "key").status == key
    assert said in found(report, "key").detail + found(report, "key").advice
    assert found(report, "whole answer").status == "failed"
    assert [statuses(report)[name] for name in ASKED[1:]] == ["unchecked"] * 6
    assert asked(server) == 2
    assert not report.works


@pytest.mark.parametrize(
    ("reply", "key"),
    [
        (Reply.error(500, "Maintenance"), "unclear"),
        (Reply.html(200, "Sorry"), "unchecked"),
        (b'{"choices": [', "unchecked"),
        (b'{"choices": []}', "unchecked"),
        (Reply.error(400, "No"), "unchecked"),
    ],
    ids=["500", "html", "broken JSON", "empty", "400"],
)
def test_other_failures_end_nothing(
    reply: ReplyLike, key: str, server: LocalOnlySq, checker: Checker
) -> None:
    report = at("m", server, reply, checker)
    assert found(report, "key").status == key
    assert [statuses(report)[name] for name in ASKED] == ["failed"] * 7
    assert asked(server) == 8
    assert not report.works
    assert found(report, "whole answer").data["error"].startswith("OnlySq")


def test_a_key_of_your_own_may_be_dead(server: LocalOnlySq) -> None:
    failed = Reply.error(500, "No")
    assert found(at("m", server, failed), "key").advice == "Try again later."
    server.reply(*[failed] * MOST_REQUESTS)
    report = check("m", base_url=server.base_url, api_key=SECRET)
    assert "try the public key" in found(report, "key").advice


def test_nothing_waits_for_a_quota(server: LocalOnlySq, checker: Checker) -> None:
    report = at("m", server, Reply.error(429, "Slow down", retry_after=3600), checker)
    assert [statuses(report)[name] for name in ["key", *ASKED]] == ["unchecked"] * 8
    assert "busy" in found(report, "image").detail
    assert "in a minute" in found(report, "image").advice
    assert not report.works


def test_a_quota_that_is_used_up_on_the_way() -> None:
    with LocalOnlySq(requests_per_minute=3) as server:
        report = check("gpt-4o-mini", base_url=server.base_url)
    assert report.works
    assert list(statuses(report).values()).count("unchecked") == 4


def test_usage_that_is_not_sent_and_a_model_that_was_not_asked(server: LocalOnlySq) -> None:
    report = at("m", server, Reply.text("one two", usage=None, model="other"))
    whole, streamed = found(report, "whole answer"), found(report, "streamed answer")
    assert (whole.status, streamed.status) == ("unclear", "unclear")
    assert "usage not sent" in whole.detail
    assert "Another model answered" in whole.advice
    assert "stream_usage" in streamed.advice
    assert report.works


# Streams


def streams(reply: ReplyLike) -> ReplyLike:
    """Answer streams with this, and all else as a healthy model does."""

    def answer(request: Request) -> ReplyLike:
        return reply if request.streams else healthy(request)

    return answer


def test_a_server_that_cannot_stream(server: LocalOnlySq, checker: Checker) -> None:
    whole: dict[str, Any] = {
        "choices": [{"message": {"content": "one"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    result = found(at("m", server, streams(whole), checker), "streamed answer")
    assert result.status == "unclear"
    assert "came whole" in result.advice
    assert result.data["is_stream"] is False


@pytest.mark.parametrize(
    "reply",
    [
        Reply.error(400, "No streams"),
        Reply.broken_stream("one two three", after=2, how="reset"),
        Reply.stream([], done=False),
    ],
)
def test_a_stream_that_fails(reply: ReplyLike, server: LocalOnlySq) -> None:
    report = at("m", server, streams(reply))
    assert found(report, "streamed answer").status == "failed"
    assert found(report, "image").status == "ok"
    assert report.works


def test_a_stream_without_finish_reason(server: LocalOnlySq) -> None:
    result = found(at("m", server, streams(Reply.stream([chunk("one")]))), "streamed answer")
    assert result.data["end"] == ["[DONE]"]
    bare = chunk("one", finish_reason="stop")
    assert result.detail.startswith("first piece after ")
    assert ", 1 piece in " in result.detail
    with LocalOnlySq() as other:
        report = at("m", other, streams(Reply.stream([bare], done=False)))
    assert found(report, "streamed answer").data["end"] == ["finish_reason 'stop'"]


# What a model may not be able to do


def test_a_model_that_obeys_nothing(server: LocalOnlySq, checker: Checker) -> None:
    report = at("m", server, "No.", checker)
    assert [statuses(report)[name] for name in ASKED] == ["ok"] * 2 + ["unclear"] * 5
    assert "answered without a call: 'No.'" in found(report, "tool call, native").detail
    assert "tool_calling='prompted'" in found(report, "tool call, native").advice
    assert "'native'" in found(report, "tool call, prompted").advice
    assert found(report, "JSON").detail == "no object of the schema: 'No.'"
    assert report.works


@pytest.mark.parametrize(
    ("arguments", "said"),
    [('{"city": ', "a call that cannot be read: '{"), ({}, "called get_weather({}), which is not")],
)
def test_calls_that_are_wrong(arguments: Any, said: str, server: LocalOnlySq) -> None:
    report = at("m", server, Reply.tool_calls([("get_weather", arguments)]))
    assert found(report, "tool call, native").status == "unclear"
    assert said in found(report, "tool call, native").detail


# The number of requests


def test_redirects_do_not_make_it_more_than_twelve(server: LocalOnlySq, checker: Checker) -> None:
    def moved(request: Request) -> ReplyLike:
        return Reply.redirect(307, request.path)

    report = at("m", server, moved, checker)
    assert asked(server) <= MOST_REQUESTS
    assert "requests were sent already" in found(report, "image").detail
    assert found(report, "image").status == "unchecked"
