"""Attempts over real sockets: how many, when, and what the caller sees of them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage

from langchain_onlysq import (
    ChatOnlySq,
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqConnectionError,
    OnlySqContextOverflowError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqNotFoundError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqResponseError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)
from langchain_onlysq.testing import (
    Close,
    Heartbeats,
    Hold,
    LocalOnlySq,
    Pause,
    Reply,
    Reset,
    chunk,
    completion,
)
from tests.support.four_ways import WAYS, agreed_error, four_ways, run
from tests.support.rate_limiter import CountingLimiter

SOON = {"Retry-After": "0"}


pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("short_waits")]


RETRIED: dict[str, Any] = {
    **{str(s): Reply.error(s, "later", headers=SOON) for s in (408, 429, 503)},
    "500 without Retry-After": Reply.error(500, "later"),
    "reset before the answer": Reply(body=[Reset()]),
    "closed before the answer": Reply(body=[Close()]),
    "error in a 200": {"error": {"message": "overloaded", "code": 503}},
    "rate limit in a 200": {"error": "rate limit exceeded"},
    "finish_reason error": completion("no", finish_reason="error"),
    "not understood": b"<html>maintenance</html>",
    "bad json": b"{nope",
    "no choices": {},
    "empty": completion(""),
    "empty stream": Reply.stream([]),
    "role chunk, then an error": Reply.stream([chunk(""), {"error": "overloaded"}]),
    "role chunk, then nothing": Reply.stream([chunk("")], done=False),
    "cut before the first text": Reply.stream([chunk(""), Reset()], done=False),
    "cut in a whole answer": Reply(body=b'{"choices": [', declared_length=500, framing="length"),
}


@pytest.mark.parametrize("fault", RETRIED.values(), ids=RETRIED.keys())
def test_what_may_pass_is_tried_again(fault: Any) -> None:
    for outcome in four_ways(fault, fault, "at last", max_retries=2):
        assert outcome.answer.content == "at last", outcome.way
        assert outcome.requests == 3


@pytest.mark.parametrize("name", ["429", "reset before the answer", "not understood"])
def test_no_retries_is_one_request(name: str) -> None:
    for outcome in four_ways(RETRIED[name], max_retries=0):
        assert isinstance(outcome.failure, OnlySqError), outcome.way
        assert outcome.requests == 1


FINAL: dict[str, tuple[Any, type[OnlySqError]]] = {
    "400": (Reply.error(400, "bad"), OnlySqInvalidRequestError),
    "401": (Reply.error(401, "no key"), OnlySqAuthenticationError),
    "402": (Reply.error(402, "pay"), OnlySqPermissionDeniedError),
    "403": (Reply.error(403, "no"), OnlySqPermissionDeniedError),
    "404": (Reply.error(404, "no such model"), OnlySqNotFoundError),
    "405": (Reply.html(405), OnlySqInvalidRequestError),
    "413": (Reply.error(413, "large"), OnlySqInvalidRequestError),
    "422": (Reply.error(422, "what"), OnlySqInvalidRequestError),
    "too long": (Reply.error(400, "maximum context length"), OnlySqContextOverflowError),
    "429, later than two minutes": (
        Reply.error(429, "slow", retry_after=121),
        OnlySqRateLimitError,
    ),
    "key refused in a 200": ({"error": {"message": "x", "code": 401}}, OnlySqAuthenticationError),
}


@pytest.mark.parametrize(("fault", "error_class"), FINAL.values(), ids=FINAL.keys())
def test_what_will_not_pass_is_tried_once(fault: Any, error_class: type[OnlySqError]) -> None:
    for outcome in four_ways(fault, max_retries=2):
        assert type(outcome.failure) is error_class, outcome.way
        assert outcome.requests == 1


def test_the_last_error_is_raised_when_all_attempts_fail() -> None:
    replies = [Reply.error(500, "one"), Reply.error(503, "two"), Reply.error(429, "three")]
    for outcome in four_ways(*replies, max_retries=2, pacing=False):
        assert type(outcome.failure) is OnlySqRateLimitError
        assert "three" in str(outcome.failure)
        assert outcome.requests == 3


def test_nothing_is_repeated_after_the_first_piece() -> None:
    faults: list[Any] = [Reset(), Close(), {"error": "overloaded"}, b"data: ping\n\n"]
    for fault in faults:
        events: list[Any] = [chunk("half an "), fault]
        body = Reply.stream(events, done=False)
        for outcome in four_ways(body, max_retries=2)[2:]:
            assert outcome.failure.is_retryable
            assert outcome.delivered == "half an "
            assert outcome.requests == 1


def test_reasoning_counts_as_a_piece() -> None:
    body = Reply.stream([chunk({"reasoning_content": "hm"}), {"error": "overloaded"}])
    for outcome in four_ways(body, max_retries=2)[2:]:
        assert type(outcome.failure) is OnlySqAPIError
        assert outcome.requests == 1


def test_a_read_timeout_is_not_repeated() -> None:
    for outcome in four_ways(Reply(body=[Hold()]), max_retries=2, timeout=(5, 0.2, 5, 5)):
        assert type(outcome.failure) is OnlySqTimeoutError
        assert outcome.failure.code == "read_timeout"
        assert outcome.requests == 1


def test_a_connection_that_cannot_be_made() -> None:
    for way in WAYS:
        llm = ChatOnlySq(model="m", base_url="http://127.0.0.1:9/ai", max_retries=1)
        error = run(way, llm).failure
        assert type(error) is OnlySqConnectionError
        assert error.__cause__ is not None
        assert error.model == "m"


def test_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with LocalOnlySq(Reply.error(429, "slow", retry_after=7), "now") as server:
        llm = ChatOnlySq(model="m", base_url=server.base_url, pacing=False)
        assert llm.invoke("Hi").content == "now"
    assert waits == [7.0]


def test_a_warning_is_logged_before_each_wait(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="langchain_onlysq"):
        four_ways(Reply.error(503, "busy"), "now", max_retries=1)
    messages = [r.getMessage() for r in caplog.records if r.name == "langchain_onlysq"]
    assert len(messages) == 4
    assert all("Attempt 1 of 2 failed (OnlySqAPIError" in message for message in messages)


class Retries(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_retry(self, retry_state: Any, **_: Any) -> None:
        self.seen.append(retry_state.outcome.exception())


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_callbacks_hear_of_retries(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.error(503, "busy"), "now")
    handler = Retries()
    llm = ChatOnlySq(model="m", base_url=server.base_url, callbacks=[handler])
    assert run(way, llm).answer.content == "now"
    assert [type(error) for error in handler.seen] == [OnlySqAPIError]


@pytest.mark.parametrize("way", WAYS)
def test_the_rate_limiter_is_asked_for_each_attempt(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.error(503, "busy"), Reply.error(503, "busy"), "now")
    limiter = CountingLimiter()
    llm = ChatOnlySq(model="m", base_url=server.base_url, rate_limiter=limiter)
    assert run(way, llm).answer.content == "now"
    assert limiter.asked == 3


async def test_a_wait_can_be_cancelled(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "slow", retry_after=100))
    async with ChatOnlySq(model="m", base_url=server.base_url) as llm:
        task = asyncio.create_task(llm.ainvoke("Hi"))
        while not server.requests:  # noqa: ASYNC110 - the server is another thread
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(server.requests) == 1


def test_ctrl_c_ends_a_wait(server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    server.reply(Reply.error(429, "slow", retry_after=100))
    with ChatOnlySq(model="m", base_url=server.base_url) as llm, pytest.raises(KeyboardInterrupt):
        llm.invoke("Hi")
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
def test_with_fallbacks_works_also_after_a_role_chunk(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.stream([chunk(""), {"error": "overloaded"}]), "the other one")
    llm = ChatOnlySq(model="m", base_url=server.base_url, max_retries=0)
    chain: Any = llm.with_fallbacks([llm.model_copy(update={"model": "n"})])
    assert run(way, chain).answer.content == "the other one"


class TestRedirects:
    @pytest.mark.parametrize("status", [307, 308])
    def test_the_same_origin_is_followed_with_the_post_kept(self, status: int) -> None:
        for outcome in four_ways(Reply.redirect(status, "/ai/v2"), "moved"):
            assert outcome.answer.content == "moved"
            assert outcome.requests == 2

    @pytest.mark.parametrize("status", [301, 302, 303, 304, 300])
    def test_what_would_change_the_method_is_an_error(self, status: int) -> None:
        error = agreed_error(Reply.redirect(status, "https://api.onlysq.ru/ai/v2"))
        assert "https://api.onlysq.ru/ai/v2" in str(error)
        assert error.status_code == status
        assert not error.is_retryable

    def test_the_key_never_reaches_another_host(self, server: LocalOnlySq) -> None:
        for way in WAYS:
            target = server.base_url.replace("127.0.0.1", "localhost") + "/v2"
            server.reply(Reply.redirect(307, target))
            llm = ChatOnlySq(model="m", base_url=server.base_url)
            assert target in str(run(way, llm).failure)
        assert len(server.requests) == 4

    @pytest.mark.usefixtures("library")
    @pytest.mark.parametrize("location", ["http://[bad", "http://127.0.0.1:99999/", "http://h:x/"])
    def test_a_location_that_is_no_url_is_no_other_error(self, location: str) -> None:
        for status in (301, 307):
            error = agreed_error(Reply.redirect(status, location))
            assert location in str(error)
            assert error.status_code == status
        pointed = {**SOON, "Location": location}
        for outcome in four_ways(Reply(503, pointed, framing="length"), "again", max_retries=1):
            assert outcome.answer.content == "again"
            assert outcome.requests == 2

    def test_a_loop_ends(self) -> None:
        loop = [Reply.redirect(307, "/ai/v2")] * 9
        with LocalOnlySq(*loop) as server:
            llm = ChatOnlySq(model="m", base_url=server.base_url)
            assert "redirect" in str(run("invoke", llm).failure)
            assert len(server.requests) == 5


class TestTheEndOfAStream:
    @pytest.mark.parametrize("framing", ["chunked", "close"])
    @pytest.mark.parametrize(
        "end", ["finish_reason", "done", "usage", "finish_reason and reset", "nothing"]
    )
    def test_end_marks(self, framing: Any, end: str) -> None:
        events: dict[str, list[Any]] = {
            "finish_reason": [chunk("", finish_reason="stop")],
            "done": ["data: [DONE]\n\n"],
            "usage": [{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}],
            "finish_reason and reset": [chunk("", finish_reason="stop"), Pause(0.05), Reset()],
            "nothing": [],
        }
        body = Reply.stream([chunk("a b"), *events[end]], done=False, framing=framing)
        for outcome in four_ways(body):
            if end == "nothing":
                assert type(outcome.failure) is OnlySqStreamError
                assert outcome.delivered == ("a b" if "stream" in outcome.way else "")
            else:
                assert outcome.answer.content == "a b"
        if end == "nothing":
            for outcome in four_ways(body, allow_truncated_stream=True):
                assert outcome.answer.content == "a b"

    @pytest.mark.parametrize("how", ["fin", "reset"])
    @pytest.mark.parametrize("framing", ["chunked", "close"])
    def test_a_broken_stream_is_never_a_whole_answer(self, how: Any, framing: Any) -> None:
        body = Reply.broken_stream("one two three four", after=2, how=how, framing=framing)
        for outcome in four_ways(body):
            assert isinstance(outcome.failure, OnlySqStreamError), outcome.way
            assert outcome.failure.is_retryable

    def test_held_back_text_is_delivered_before_the_error(self) -> None:
        body = Reply.stream([chunk("<thi"), Close()], done=False)
        for outcome in four_ways(body, stop=["x"])[2:]:
            assert outcome.delivered == "<thi"
            assert type(outcome.failure) is OnlySqStreamError

    def test_done_ends_the_stream_although_the_socket_stays_open(self, server: LocalOnlySq) -> None:
        for way in WAYS:
            server.reply(Reply.stream([chunk("all"), "data: [DONE]\n\n", Hold()], done=False))
            llm = ChatOnlySq(model="m", base_url=server.base_url, timeout=20)
            with llm:
                assert run(way, llm).answer.content == "all"


class TestSilence:
    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    def test_heartbeats_instead_of_a_whole_answer_come_to_an_end(
        self, way: str, server: LocalOnlySq
    ) -> None:
        server.reply(Reply(body=[b"", Heartbeats(0.02)]))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=0.3)
        assert run(way, llm).failure.code == "stall_timeout"

    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    def test_a_whole_answer_may_take_longer_than_a_stall(
        self, way: str, server: LocalOnlySq
    ) -> None:
        some = b"x" * 1_100
        begun: list[Any] = [Pause(0.4), b'{"choices": [{"message": {"content": "']
        more: list[Any] = [Pause(0.1), some] * 6
        server.reply(Reply(body=[*begun, *more, b'"}, "finish_reason": "stop"}]}']))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=0.4)
        assert run(way, llm).answer.content == some.decode() * 6

    @pytest.mark.parametrize("way", ["stream", "astream"])
    def test_heartbeats_are_not_events(self, way: str, server: LocalOnlySq) -> None:
        server.reply(Reply.stream([chunk("first"), Heartbeats(0.02)], done=False))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=0.3, max_retries=2)
        outcome = run(way, llm)
        assert type(outcome.failure) is OnlySqTimeoutError
        assert outcome.failure.code == "stall_timeout"
        assert "0.3 s" in str(outcome.failure)
        assert outcome.delivered == "first"

    @pytest.mark.parametrize("way", ["stream", "astream"])
    @pytest.mark.parametrize("beats", [0, 3])
    def test_silence_is_a_stall_also_after_heartbeats(
        self, way: str, beats: int, server: LocalOnlySq
    ) -> None:
        silence: list[Any] = [Heartbeats(0.05, beats), Hold()]
        server.reply(Reply(headers={"Content-Type": "text/event-stream"}, body=[b"", *silence]))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=0.3, timeout=60)
        error = run(way, llm).failure
        assert error.code == "stall_timeout"
        assert len(server.requests) == 1

    @pytest.mark.parametrize("way", ["stream", "astream"])
    def test_a_connection_lost_after_heartbeats_is_not_a_stall(
        self, way: str, server: LocalOnlySq
    ) -> None:
        events: list[Any] = [chunk("a"), Heartbeats(0.1, 2), Pause(0.1), Reset()]
        server.reply(Reply.stream(events, done=False))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=2)
        assert type(run(way, llm).failure) is OnlySqStreamError

    @pytest.mark.parametrize("way", ["stream", "astream"])
    def test_a_slow_but_living_stream_goes_on(self, way: str, server: LocalOnlySq) -> None:
        server.reply(Reply.text("a b c d e f g h", interval=0.15))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=1, timeout=60)
        assert run(way, llm).answer.content == "a b c d e f g h"

    def test_the_callers_own_pauses_do_not_count(self, server: LocalOnlySq) -> None:
        server.reply(Reply.text("a b c", interval=0.01))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=0.3)
        text = ""
        for piece in llm.stream("Hi"):
            text += piece.text
            time.sleep(0.2)
        assert text == "a b c"

    def test_none_turns_it_off(self, server: LocalOnlySq) -> None:
        server.reply(Reply.stream([Heartbeats(0.02, 20), chunk("late", finish_reason="stop")]))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=None)
        assert run("stream", llm).answer.content == "late"

    def test_silence_after_the_end_mark_is_not_an_error(self, server: LocalOnlySq) -> None:
        body: list[Any] = [chunk("all"), chunk("", finish_reason="stop"), Hold()]
        server.reply(Reply.stream(body, done=False))
        llm = ChatOnlySq(model="m", base_url=server.base_url, stall_timeout=0.2)
        assert run("stream", llm).answer.content == "all"


def test_an_error_whose_body_breaks_off_is_classified_by_its_status() -> None:
    body = Reply(403, {"Content-Type": "application/json"}, [b'{"error": "slo', Reset()])
    for outcome in four_ways(body):
        assert outcome.failure.status_code == 403


def test_an_error_whose_body_never_ends_is_classified_by_its_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("langchain_onlysq.transport.attempts._ERROR_BODY_SECONDS", 0.2)
    body = Reply(429, {"Content-Type": "application/json"}, [b'{"error": "slo', Hold()])
    for outcome in four_ways(body):
        assert type(outcome.failure) is OnlySqRateLimitError


def test_of_a_huge_error_only_the_beginning_is_read() -> None:
    body = Reply(500, {"Content-Type": "text/plain"}, [b"sorry " * 50_000] * 9)
    for outcome in four_ways(body):
        assert type(outcome.failure) is OnlySqAPIError
        assert len(str(outcome.failure)) < 600


def test_gzip_works_and_broken_gzip_is_an_error() -> None:
    for outcome in four_ways(Reply.gzip("one two three")):
        assert outcome.answer.content == "one two three"
    broken = Reply(headers={"Content-Encoding": "gzip"}, body=b"no gzip at all")
    for outcome in four_ways(broken):
        assert type(outcome.failure) is OnlySqResponseError


def test_an_empty_200_is_an_error_that_may_pass() -> None:
    error = agreed_error(Reply(204))
    assert type(error) is OnlySqEmptyResponseError
    assert error.is_retryable


def hammer(ask: Callable[[int], AIMessage], threads: int, calls: int) -> list[str]:
    wrong: list[str] = []

    def work(name: int) -> None:
        for number in range(calls):
            value = name * 1000 + number
            if (content := ask(value).content) != f"You said: {value}":
                wrong.append(str(content))

    workers = [threading.Thread(target=work, args=(name,)) for name in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return wrong


def test_fifty_threads_share_a_model(server: LocalOnlySq) -> None:
    with ChatOnlySq(model="m", base_url=server.base_url) as llm:
        assert hammer(lambda value: llm.invoke(str(value)), 50, 10) == []
    assert len(server.requests) == 500
