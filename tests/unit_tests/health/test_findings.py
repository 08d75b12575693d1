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
from tests.support.versions import knows_refusals

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
    assert found(report, "model").advice.startswith(
        "Choose one that is. Did you mean 'gpt-4o-mini'"
    )
    server.reply_catalogue(catalogue(["other"]))
    result = found(at("zzz", server, healthy), "model")
    assert str(result).endswith(" 'zzz' is not in the catalogue. Choose one that is.")


def test_of_a_model_is_told_what_was_sent(server: LocalOnlySq) -> None:
    server.reply_catalogue({"models": {"m": {"can-stream": True, "limits": "many"}}}, ["n"])
    result = found(at("m", server, healthy), "model")
    assert result.detail == "'m' is in the catalogue: streaming true, limits \"many\""
    assert found(at("n", server, healthy), "model").detail == "'n' is in the catalogue"


@pytest.mark.parametrize("status", ["not_work", "unstable"])
def test_a_model_that_is_not_called_working(status: str, server: LocalOnlySq) -> None:
    listed = catalogue(["m"])
    listed["models"]["m"]["status"] = status
    server.reply_catalogue(listed)
    report = at("m", server, healthy)
    result = found(report, "model")
    assert result.status == "unclear"
    assert f'status "{status}"' in result.detail
    assert "choose another one" in result.advice
    assert found(report, "catalogue").data == {"models": 1, "working": 0}


# The key, and the plain answer


@pytest.mark.parametrize(
    ("reply", "key", "said", "reason"),
    [
        (Reply.error(401, "Invalid key"), "failed", "not accepted", "the key was refused"),
        (Reply.error(403, "Level too low"), "unclear", "refused for", "the key was refused"),
        (Reply.error(404, "No such model"), "unchecked", "not known", "knows no such model"),
        (Reply.error(400, "Unknown model"), "unchecked", "not known", "knows no such model"),
        (Reply.html(502, "Sorry"), "unclear", "not known", "there is an HTML page"),
        (Reply.html(200, "Sorry"), "unchecked", "not known", "there is an HTML page"),
        (Reply.error(429, "Slow down"), "unchecked", "not known", "the service is busy"),
        (Reply.error(408, "Slow"), "unchecked", "not known", "took too long"),
    ],
    ids=["401", "403", "404", "400", "502", "html", "429", "408"],
)
def test_what_every_question_would_meet_with_ends_it(
    reply: ReplyLike, key: str, said: str, reason: str, server: LocalOnlySq, checker: Checker
) -> None:
    report = at("m", server, reply, checker)
    assert found(report, "key").status == key
    assert said in found(report, "key").detail
    assert found(report, "whole answer").status in {"failed", "unchecked"}
    assert [statuses(report)[name] for name in ASKED[1:]] == ["unchecked"] * 6
    assert found(report, "image").detail.startswith("not asked, since ")
    assert reason in found(report, "image").detail
    assert asked(server) == 2
    assert not report.works


@pytest.mark.parametrize(
    ("reply", "key"),
    [
        (Reply.error(500, "Maintenance"), "unclear"),
        (b'{"choices": [', "unchecked"),
        (b'{"choices": []}', "unchecked"),
        (Reply.error(400, "No"), "unchecked"),
    ],
    ids=["500", "broken JSON", "empty", "400"],
)
def test_other_failures_end_nothing_and_are_told_once(
    reply: ReplyLike, key: str, server: LocalOnlySq, checker: Checker
) -> None:
    report = at("m", server, reply, checker)
    assert found(report, "key").status == key
    assert [statuses(report)[name] for name in ASKED] == ["failed"] * 7
    assert asked(server) == 8
    assert not report.works
    assert found(report, "whole answer").data["error"].startswith("OnlySq")
    details = [found(report, name).detail for name in ASKED]
    assert details[0] not in details[1:]
    assert all(detail.startswith("the same as above (OnlySq") for detail in details[1:])


def test_a_refused_key_is_looked_at_or_replaced(server: LocalOnlySq) -> None:
    refused = Reply.error(401, "Invalid key")
    advice = found(at("m", server, refused), "key").advice
    assert advice.startswith("Get a key of your own from https://api.onlysq.ru")
    report = check("m", base_url=server.base_url, api_key=SECRET)
    assert found(report, "key").advice.startswith("Check ONLYSQ_API_KEY: was the key copied whole")


def test_a_key_of_your_own_may_be_dead(server: LocalOnlySq) -> None:
    failed = Reply.error(500, "No")
    assert found(at("m", server, failed), "key").advice == "Try again later."
    server.reply(*[failed] * MOST_REQUESTS)
    report = check("m", base_url=server.base_url, api_key=SECRET)
    assert "try the public key" in found(report, "key").advice


@pytest.mark.parametrize(
    ("retry_after", "later"), [(None, "a minute"), (300, "5 minutes"), (7200, "2 hours")]
)
def test_nothing_waits_for_a_quota(
    retry_after: int | None, later: str, server: LocalOnlySq, checker: Checker
) -> None:
    report = at("m", server, Reply.error(429, "Slow down", retry_after=retry_after), checker)
    assert [statuses(report)[name] for name in ["key", *ASKED]] == ["unchecked"] * 8
    assert found(report, "whole answer").detail.startswith("busy: OnlySq answered 429")
    assert found(report, "whole answer").advice == f"Check again in {later}, or another model."
    assert not report.works


def test_a_quota_that_is_used_up_on_the_way() -> None:
    with LocalOnlySq(requests_per_minute=3) as server:
        report = check("gpt-4o-mini", base_url=server.base_url)
    assert report.works
    assert list(statuses(report).values()).count("unchecked") == 4
    assert len(report.exchanges) == 5
    assert found(report, "tool call, prompted").detail.startswith("busy")
    assert "not asked, since the service is busy" in found(report, "image").detail


def test_usage_that_is_not_sent_and_a_model_that_was_not_asked(server: LocalOnlySq) -> None:
    report = at("m", server, Reply.text("one two", usage=None, model="other"))
    whole, streamed = found(report, "whole answer"), found(report, "streamed answer")
    assert (whole.status, streamed.status) == ("unclear", "unclear")
    assert "usage not sent" in whole.detail
    assert whole.detail.endswith("from 'other'")
    assert whole.advice == (
        "Token usage is not sent, so nobody can tell it. "
        "Another model answered than the one that was asked."
    )
    assert "stream_usage" in streamed.advice
    assert report.works


def test_a_model_is_not_named_where_the_answer_names_none(server: LocalOnlySq) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    message = {"content": "hello"}
    answer = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
    server.reply({**answer, "model": ""}, *[healthy] * MOST_REQUESTS)
    result = found(check("m", base_url=server.base_url), "whole answer")
    assert result.status == "ok"
    assert result.detail.endswith(" s, 1 tokens in, 1 out")
    assert result.data["model"] is None


REFUSED = {"content": None, "refusal": "I will not."}
WITHOUT_TEXT: list[Any] = [
    (
        {"choices": [{"message": REFUSED, "finish_reason": "stop"}]},
        Reply.stream(
            [chunk({"refusal": "I will "}), chunk({"refusal": "not."}, finish_reason="stop")]
        ),
        "The model refused: 'I will not.'",
    ),
    pytest.param(
        {"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]},
        Reply.stream([chunk("", finish_reason="content_filter")]),
        "A content filter left nothing of the answer",
        marks=knows_refusals,
    ),
    *[(r := Reply.text("", reasoning="Hm."), r, "The answer has no text, only reasoning: 'Hm.'")],
    *[(r := Reply.text(" \n", stream_pieces=[" ", "\n"]), r, "The answer has no text")],
]


@pytest.mark.parametrize(
    ("whole", "stream", "said"), WITHOUT_TEXT, ids=["refusal", "filter", "reasoning", "blank"]
)
def test_an_answer_without_text_does_not_work(
    whole: ReplyLike, stream: ReplyLike, said: str, server: LocalOnlySq, checker: Checker
) -> None:
    server.reply(whole, stream, *[healthy] * MOST_REQUESTS)
    report = checker("m", base_url=server.base_url)
    for name in ("whole answer", "streamed answer"):
        assert (found(report, name).status, found(report, name).detail) == ("failed", said)
        assert found(report, name).advice == "Check again, or another model."
    assert found(report, "key").detail.endswith("accepted")
    assert found(report, "image").status == "ok"
    assert not report.works


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
    assert "described in the prompt" in found(report, "tool call, native").advice
    assert "sent natively" in found(report, "tool call, prompted").advice
    assert found(report, "JSON").detail == "no object of the schema: 'No.'"
    assert report.works


def test_a_model_that_refuses_everything(server: LocalOnlySq) -> None:
    report = at("m", server, {"choices": [{"message": REFUSED, "finish_reason": "stop"}]})
    for name in ASKED:
        assert "The model refused: 'I will not.'" in found(report, name).detail
    assert not report.works


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
    assert asked(server) == MOST_REQUESTS
    assert statuses(report)["streamed answer"] == "failed"
    for name in ("system message", "image"):
        assert found(report, name).detail == "not asked, since 12 requests were sent already"
        assert found(report, name).status == "unchecked"


def test_one_redirect_costs_one_request(server: LocalOnlySq, checker: Checker) -> None:
    server.reply_catalogue(Reply.redirect(307, "/ai/models"))
    report = at("gpt-4o-mini", server, healthy, checker)
    assert set(statuses(report).values()) == {"ok"}
    assert asked(server) == 9
