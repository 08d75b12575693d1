"""Calls wait for their turn at the service's limit of requests per minute: over real sockets."""

from __future__ import annotations

import asyncio
import gc
import logging
import operator
import threading
import time
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from langchain_onlysq import ChatOnlySq, OnlySqAPIError, OnlySqRateLimitError
from langchain_onlysq.testing import Hold, LocalOnlySq, Reply, chunk
from langchain_onlysq.transport import gates
from langchain_onlysq.transport.gates import Gates, gate_for
from tests.support.four_ways import WAYS, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("short_waits")]

MINUTE = 1.0
"""Seconds that a minute takes here."""


@pytest.fixture(autouse=True)
def own_gates(monkeypatch: pytest.MonkeyPatch) -> Gates:
    """Gates whose window is a short minute, and a little more."""
    own = Gates(window=MINUTE * 1.05)
    monkeypatch.setattr(gates, "_gates", own)
    return own


def crowded(server: LocalOnlySq, **fields: Any) -> ChatOnlySq:
    return ChatOnlySq(**{"model": "m", "base_url": server.base_url, "max_retries": 1, **fields})


def answered(server: LocalOnlySq, text: str) -> int:
    """How many requests with this question were accepted."""
    return sum(text in request.body.decode() for request in server.requests)


QUESTIONS: list[Any] = [f"Question {number}" for number in range(12)]
CROWDS: dict[str, Callable[[ChatOnlySq], list[Any]]] = {
    "batch": lambda llm: llm.batch(QUESTIONS, {"max_concurrency": 12}),
    "abatch": lambda llm: asyncio.run(llm.abatch(QUESTIONS)),
}


@pytest.mark.parametrize("crowd", CROWDS.values(), ids=CROWDS.keys())
def test_every_call_of_a_crowd_is_answered(crowd: Callable[[ChatOnlySq], list[Any]]) -> None:
    with LocalOnlySq(requests_per_minute=4, minute=MINUTE) as server:
        answers = crowd(crowded(server))
        assert [answer.content for answer in answers] == [f"You said: {q}" for q in QUESTIONS]
        waited = [answer.response_metadata.get("waited", 0.0) for answer in answers]
        # Two minutes must pass before the last four are answered.
        assert max(waited) >= 2 * MINUTE - 0.5
        assert min(waited) == 0.0


@pytest.mark.parametrize("way", WAYS)
def test_the_wait_is_told_once(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "Slow down"), "Fine.")
    outcome = run(way, crowded(server))
    assert outcome.answer.content == "Fine."
    assert outcome.answer.response_metadata["waited"] > 0.0
    assert [c.response_metadata.get("waited") for c in outcome.chunks[:-1]] == [None] * (
        len(outcome.chunks) - 1 if outcome.chunks else 0
    )
    assert len(server.requests) == 2


def test_a_refusal_uses_up_none_of_the_retries(server: LocalOnlySq) -> None:
    server.reply(*[Reply.error(429, "Slow down")] * 2, Reply.error(500, "Oops"), "Fine.")
    assert crowded(server, max_retries=1).invoke("Hi").content == "Fine."


def test_the_wait_is_in_the_events(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "Slow down"), "Fine.")
    stream = crowded(server).stream_events("Hi", version="v3")
    assert "".join(stream.text) == "Fine."
    assert stream.output.response_metadata["waited"] > 0.0


def test_a_call_that_did_not_wait_says_nothing_of_it(server: LocalOnlySq) -> None:
    assert "waited" not in crowded(server).invoke("Hi").response_metadata


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_in_the_first_event_counts_like_one_in_the_status(
    way: str, server: LocalOnlySq
) -> None:
    refusal = {"error": {"message": "Too many requests", "code": 429}}
    server.reply(refusal if way.endswith("invoke") else Reply.stream([refusal]), "Fine.")
    answer = run(way, crowded(server)).answer
    assert answer.content == "Fine."
    assert answer.response_metadata["waited"] > 0.0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fields", [{"pacing": False}, {"max_retries": 0}], ids=str)
def test_who_takes_no_part_fails_as_ever(
    way: str, fields: dict[str, Any], server: LocalOnlySq
) -> None:
    refusal = Reply.error(429, "Slow down", retry_after=0)
    server.reply(refusal, refusal, refusal)
    assert type(run(way, crowded(server, **fields)).failure) is OnlySqRateLimitError
    assert len(server.requests) == (1 if "max_retries" in fields else 2)


@pytest.mark.parametrize("way", WAYS)
def test_a_wait_that_may_not_be_so_long_fails_at_once(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "Slow down", retry_after=60))
    error = run(way, crowded(server), max_wait=30).failure
    assert type(error) is OnlySqRateLimitError
    assert "max_wait (30 s)" in str(error)
    assert (error.status_code, error.retry_after, error.model) == (429, 60.0, "m")
    assert len(server.requests) == 1
    # The gate is closed for the next call as well.
    assert "max_wait (0 s)" in str(run(way, crowded(server, max_wait=0)).failure)
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_retry_after_that_is_too_long_is_an_end(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "Come back tomorrow", retry_after=121))
    error = run(way, crowded(server)).failure
    assert "Come back tomorrow" in str(error)
    assert len(server.requests) == 1


def test_a_gate_without_answers_ends_the_wait(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("langchain_onlysq.transport.turns.monotonic", lambda: now[0])

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("langchain_onlysq.transport.channels.time.sleep", sleep)
    server.reply(*[Reply.error(429, "Slow down")] * 500)
    with pytest.raises(OnlySqRateLimitError, match="waiting did not help") as caught:
        crowded(server).invoke("Hi")
    assert "fallback_models" in str(caught.value)
    assert 75.0 <= now[0] - 1000.0 <= 120.0


def test_other_models_keys_and_addresses_do_not_wait(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "Slow down", retry_after=60))
    with pytest.raises(OnlySqRateLimitError):
        crowded(server, max_wait=0).invoke("Hi")
    for fields in ({"model": "n"}, {"api_key": "another"}):
        answer = crowded(server, max_wait=0, **fields).invoke("Hi")
        assert "waited" not in answer.response_metadata
    with LocalOnlySq() as elsewhere:
        assert crowded(elsewhere, max_wait=0).invoke("Hi").content == "You said: Hi"


def test_callbacks_hear_of_each_refusal(server: LocalOnlySq) -> None:
    heard: list[int] = []

    class Listener(BaseCallbackHandler):
        def on_retry(self, retry_state: Any, **_: Any) -> None:
            heard.append(retry_state.attempt_number)
            assert isinstance(retry_state.outcome.exception(), OnlySqRateLimitError)

    server.reply(*[Reply.error(429, "Slow down")] * 2, "Fine.")
    assert crowded(server, callbacks=[Listener()]).invoke("Hi").content == "Fine."
    assert heard == [1, 2]


def test_a_long_wait_is_announced_once(
    server: LocalOnlySq, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(Reply.error(429, "Slow down", retry_after=20))
    llm = crowded(server)
    with caplog.at_level(logging.WARNING, logger="langchain_onlysq"):
        for _ in range(2):
            with pytest.raises(OnlySqRateLimitError):
                llm.invoke("Hi", max_wait=1.2)
    (record,) = caplog.records
    assert "Model 'm' is at its limit of requests per minute" in record.getMessage()
    assert "fallback_models" in record.getMessage()


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_refusal_in_the_middle_of_a_stream_ends_it(way: str, server: LocalOnlySq) -> None:
    refusal = {"error": {"message": "Too many requests", "code": 429}}
    server.reply(Reply.stream([chunk("one "), refusal], done=False))
    outcome = run(way, crowded(server))
    assert type(outcome.failure) is OnlySqRateLimitError
    assert outcome.delivered == "one "
    assert len(server.requests) == 1


def test_other_failures_use_up_the_retries_as_ever(server: LocalOnlySq) -> None:
    server.reply(Reply.error(500, "one"), Reply.error(429, "two"), Reply.error(500, "three"))
    with pytest.raises(OnlySqAPIError, match="three"):
        crowded(server, max_retries=1).invoke("Hi")
    assert len(server.requests) == 3


class TestLeaving:
    """What is cancelled, abandoned or broken off gives its place back."""

    @pytest.fixture
    def closed(self, server: LocalOnlySq) -> ChatOnlySq:
        """A model that was told to come back in twenty seconds."""
        server.reply(Reply.error(429, "Slow down", retry_after=20))
        llm = crowded(server)
        with pytest.raises(OnlySqRateLimitError):
            llm.invoke("Hi", max_wait=0)
        return llm

    def waiting(self, llm: ChatOnlySq) -> int:
        gate = gate_for(llm.base_url, "openai", "m", 0.0)
        return gate.outlook(time.monotonic()).waiting

    def test_a_cancelled_task(self, closed: ChatOnlySq) -> None:
        async def cancel() -> None:
            task = asyncio.create_task(closed.ainvoke("Hi"))
            await asyncio.to_thread(eventually, lambda: self.waiting(closed))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert self.waiting(closed) == 0

        asyncio.run(cancel())

    def test_a_stream_that_is_dropped_in_a_cycle(self, closed: ChatOnlySq) -> None:
        async def drop() -> None:
            stream: Any = closed.astream("Hi")
            task = asyncio.create_task(anext(stream))
            await asyncio.to_thread(eventually, lambda: self.waiting(closed))
            task.cancel()

        asyncio.run(drop())
        gc.collect()
        assert self.waiting(closed) == 0

    def test_a_stream_that_is_left_early_was_answered(self, server: LocalOnlySq) -> None:
        server.reply(Reply.error(429, "Slow down"), Reply.stream([chunk("one"), Hold()]))
        stream: Any = crowded(server).stream("Hi")
        assert next(stream).text == "one"
        stream.close()
        eventually(lambda: server.connections_open == 0)
        assert crowded(server).invoke("Hi").content == "You said: Hi"


class TestSeveralModels:
    MODELS = ("m", "n", "o")

    def busy(self, server: LocalOnlySq, **fields: Any) -> ChatOnlySq:
        given = {"fallback_models": ["n", "o"], "fallback_when": "busy", **fields}
        return crowded(server, **given)

    @pytest.mark.parametrize("way", WAYS)
    def test_the_next_open_one_is_asked_at_once(self, way: str, server: LocalOnlySq) -> None:
        server.reply(Reply.error(429, "Slow down", retry_after=60))
        llm = self.busy(server)
        for _ in range(2):
            outcome = run(way, llm)
            assert outcome.answer.response_metadata["model_name"] == "n"
            assert "waited" not in outcome.answer.response_metadata
        assert [request.json["model"] for request in server.requests] == ["m", "n", "n"]

    def test_they_are_one_quota(self) -> None:
        with LocalOnlySq(requests_per_minute=4, minute=MINUTE) as server:
            answers = asyncio.run(self.busy(server).abatch(QUESTIONS))
            models = [answer.response_metadata["model_name"] for answer in answers]
        assert [models.count(model) for model in self.MODELS] == [4, 4, 4]

    def test_where_all_are_closed_the_first_to_open_is_waited_for(
        self, server: LocalOnlySq
    ) -> None:
        server.reply(
            Reply.error(429, "Slow down", retry_after=60),
            Reply.error(429, "Slow down", retry_after=60),
            Reply.error(429, "Slow down", retry_after=0.05),
        )
        answer = self.busy(server).invoke("Hi")
        assert answer.response_metadata["model_name"] == "o"
        assert answer.response_metadata["waited"] > 0.0

    def test_where_none_may_be_waited_for_the_call_fails(self, server: LocalOnlySq) -> None:
        server.reply(*[Reply.error(429, "Slow down", retry_after=60)] * 3)
        with pytest.raises(OnlySqRateLimitError, match="max_wait"):
            self.busy(server, max_wait=1).invoke("Hi")
        assert len(server.requests) == 3

    def test_one_that_failed_for_good_rests_for_all(self, server: LocalOnlySq) -> None:
        server.reply(Reply.error(404, "No such model"))
        first = self.busy(server).invoke("Hi")
        assert first.response_metadata["attempted_models"] == ["m"]
        second = self.busy(server).invoke("Hi")
        assert second.response_metadata["model_name"] == "n"
        assert "attempted_models" not in second.response_metadata
        assert [request.json["model"] for request in server.requests] == ["m", "n", "n"]

    def test_where_all_rest_they_are_asked_all_the_same(self, server: LocalOnlySq) -> None:
        server.reply(*[Reply.error(404, "No such model")] * 3)
        with pytest.raises(Exception, match="No such model"):
            self.busy(server).invoke("Hi")
        assert self.busy(server).invoke("Hi").content == "You said: Hi"

    @pytest.mark.parametrize("way", WAYS)
    def test_while_others_are_left_a_refusal_uses_up_the_retries(
        self, way: str, server: LocalOnlySq
    ) -> None:
        refusal = Reply.error(429, "Slow down", retry_after=0)
        server.reply(refusal, refusal)
        outcome = run(way, crowded(server, fallback_models=["n"]))
        assert outcome.answer.response_metadata["model_name"] == "n"
        assert outcome.answer.response_metadata["attempted_models"] == ["m"]
        assert [request.json["model"] for request in server.requests] == ["m", "m", "n"]


def test_threads_and_loops_share_the_gate() -> None:
    """Half of the calls come from threads, half from an event loop."""
    with LocalOnlySq(requests_per_minute=4, minute=MINUTE) as server:
        llm, texts = crowded(server), []
        threads = [
            threading.Thread(target=lambda: texts.append(llm.invoke("Hi").content))
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        texts += [answer.content for answer in asyncio.run(crowded(server).abatch(["Hi"] * 5))]
        for thread in threads:
            thread.join()
    assert texts == ["You said: Hi"] * 10


def test_merged_chunks_have_the_wait_once(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, "Slow down"), "One two three.")
    total = reduce(operator.add, crowded(server).stream("Hi"))
    assert isinstance(total.response_metadata["waited"], float)
