"""No wait is without end, whatever a server sends to be waited for, and none disturbs another."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from langchain_onlysq import ChatOnlySq, OnlySqTimeoutError, list_models
from langchain_onlysq.testing import (
    Close,
    Heartbeats,
    Hold,
    LocalOnlySq,
    Pause,
    Reply,
    chunk,
    completion,
)
from langchain_onlysq.transport.deadlines import (
    DeadlineError,
    Watch,
    keep_deadlines,
    set_deadline,
)
from tests.support.four_ways import WAYS, run
from tests.support.http2_server import Http2Server

pytestmark = pytest.mark.sockets

SOON = 0.02
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
GZIP = HEAD + b"Content-Encoding: gzip\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def beats(data: bytes) -> Heartbeats:
    return Heartbeats(SOON, data=data)


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def compressed() -> list[Any]:
    packer = zlib.compressobj(wbits=31)
    begun = packer.compress(b" ") + packer.flush(zlib.Z_SYNC_FLUSH)
    return [GZIP + framed(begun), beats(framed(packer.flush(zlib.Z_FULL_FLUSH)))]


HEADS: dict[str, list[Any]] = {
    "102": [beats(b"HTTP/1.1 102 Processing\r\n\r\n")],
    "103": [beats(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")],
    "100": [beats(b"HTTP/1.1 100 Continue\r\n\r\n")],
    "a head without end": [HEAD, beats(b"X-More: a\r\n")],
    "a header byte by byte": [HEAD + b"X: ", beats(b"a")],
    "a status byte by byte": [b"HTTP/1.1 200 O", beats(b"K")],
}
BODIES: dict[str, list[Any]] = {
    "blanks": [HEAD + b"\r\n", beats(framed(b" "))],
    "line ends": [HEAD + b"\r\n", beats(framed(b"\r\n"))],
    "blanks in an object": [HEAD + b"\r\n" + framed(b'{"choices": ['), beats(framed(b" "))],
    "letters, one by one": [HEAD + b"\r\n" + framed(b'{"choices": "'), beats(framed(b"a"))],
    "a comment without end": [STREAM + framed(b": "), beats(framed(b"p"))],
    "data without end": [STREAM + framed(b"data: {"), beats(framed(b" "))],
    "nothing, said again and again": [STREAM, beats(framed(b"data: null\n\n"))],
    "a frame without end": [STREAM + b"5;a=", beats(b"b")],
    "nothing, compressed": compressed(),
}


def ask(way: str, server: LocalOnlySq, **fields: Any) -> Any:
    settings = {"timeout": (5, 0.15, 5, 5), "stall_timeout": 0.15, "max_retries": 0, **fields}
    with ChatOnlySq(model="m", base_url=server.base_url, **settings) as llm:
        return run(way, llm)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", HEADS)
def test_a_head_has_to_come_in_time(name: str, way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.raw(*HEADS[name]))
    failure = ask(way, server, stall_timeout=5).failure
    assert type(failure) is OnlySqTimeoutError
    assert failure.code == "read_timeout"
    assert "0.15 s" in str(failure)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_has_to_begin_in_time(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.raw(*HEADS["102"]))
    assert ask(way, server, timeout=None).failure.code == "stall_timeout"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_has_to_go_on(name: str, way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.raw(*BODIES[name]))
    failure = ask(way, server, timeout=(5, 5, 5, 5)).failure
    assert type(failure) is OnlySqTimeoutError
    assert failure.code == "stall_timeout"
    assert "0.15 s" in str(failure)


@pytest.mark.parametrize("way", WAYS)
def test_a_silent_body_ends_without_a_timeout_too(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply(body=[b"", Hold()]))
    assert ask(way, server, timeout=None).failure.code == "stall_timeout"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("beat", [b"data: null\n\n", b'data: {"choices": [{"delta": {}}]}\n\n'])
def test_what_follows_the_end_mark_is_not_waited_for(
    beat: bytes, way: str, server: LocalOnlySq
) -> None:
    events: list[Any] = [chunk("all", finish_reason="stop"), beats(beat)]
    server.reply(Reply.stream(events, done=False))
    assert ask(way, server).answer.content == "all"


@pytest.mark.parametrize("way", WAYS)
def test_interim_answers_before_one_that_comes_do_no_harm(way: str, server: LocalOnlySq) -> None:
    interim = Heartbeats(SOON, 5, b"HTTP/1.1 102 Processing\r\n\r\n")
    body = b'{"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}'
    server.reply(Reply.raw(interim, HEAD + b"\r\n" + framed(body) + b"0\r\n\r\n"))
    assert ask(way, server).answer.content == "all"


@pytest.mark.parametrize("way", WAYS)
def test_the_body_of_an_error_is_waited_for_no_longer(way: str, server: LocalOnlySq) -> None:
    server.reply(Reply(401, body=[b'{"error": "no', beats(b"o")]))
    assert ask(way, server).failure.status_code == 401


def test_the_catalogue_has_to_come_in_time(server: LocalOnlySq) -> None:
    for items in (*HEADS.values(), BODIES["blanks"], BODIES["a frame without end"]):
        server.reply_catalogue(Reply.raw(*items))
        with pytest.raises(OnlySqTimeoutError):
            list_models(base_url=server.base_url, timeout=0.15)


@pytest.mark.parametrize("way", ["stream", "invoke"])
def test_a_transport_without_a_network_is_left_alone(way: str) -> None:
    answer = completion("all")
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with httpx.Client(transport=transport) as client:
        llm = ChatOnlySq(model="m", http_client=client, stall_timeout=0.15)
        assert run(way, llm).answer.content == "all"


def test_the_end_of_a_stream_does_no_harm_to_the_next_call(server: LocalOnlySq) -> None:
    # The rest arrives just when nobody waits for it any longer.
    events: list[Any] = [chunk("all", finish_reason="stop"), "data: [DONE]\n\n", Pause(0.005)]
    failures: list[BaseException] = []

    def many(llm: ChatOnlySq) -> None:
        for _ in range(40):
            outcome = run("stream", llm)
            if outcome.error or outcome.answer.content != "all":
                failures.append(outcome.failure)

    server.reply(*[Reply.stream([*events, b": end\n\n"], done=False)] * 160)
    with ChatOnlySq(model="m", base_url=server.base_url, max_retries=0) as llm:
        threads = [threading.Thread(target=many, args=(llm,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("bad", ["silent", "headless", "done"])
def test_calls_on_one_connection_do_not_disturb_each_other(bad: str, library: str) -> None:
    http: Any = pytest.importorskip(library, reason="it tests another library")
    event = Reply.stream([chunk("a")], done=False).items[0]
    end = Reply.stream([chunk("", finish_reason="stop")]).items
    plans: dict[str, list[Any]] = {
        "healthy": [event, Pause(0.15)] * 10 + [*end, Close()],
        "silent": [event],
        "headless": [],
        "done": [event, *end],
    }
    outcomes: list[Any] = []

    def ask_for(model: str) -> None:
        llm = ChatOnlySq(model=model, base_url=server.base_url, http_client=client, max_retries=0)
        outcomes.append(run("stream", llm, stall_timeout=1))

    with Http2Server(plans) as server, http.Client(http1=False, http2=True) as client:
        # Until there is a connection, each call begins one.
        ask_for("done")
        outcomes.clear()
        models = [bad] + ["healthy"] * 3
        threads = [threading.Thread(target=ask_for, args=(model,)) for model in models]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.connections == 1
    texts = sorted(outcome.delivered for outcome in outcomes)
    assert texts[1:] == ["a" * 10] * 3
    codes = [outcome.error.code for outcome in outcomes if outcome.error]
    assert codes == ([] if bad == "done" else ["stall_timeout"])


class Stream:
    """A network stream that notes its timeouts."""

    def __init__(self, outcome: Callable[[], bytes]) -> None:
        self.timeouts: list[float | None] = []
        self._outcome = outcome

    def read(self, _: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        return self._outcome()


class TestDeadlines:
    def test_a_read_ends_at_the_earlier_of_two_times(self) -> None:
        stream = Stream(lambda: b"a")
        keep_deadlines(stream)
        keep_deadlines(stream)
        assert stream.read(1) == stream.read(1, 5) == b"a"
        set_deadline(60)
        stream.read(1, 5)
        stream.read(1, 500)
        stream.read(1)
        set_deadline(None)
        stream.read(1, 500)
        none, first, second, third, fourth, last = stream.timeouts
        assert (none, first, second, last) == (None, 5, 5, 500)
        assert third is not None
        assert fourth is not None
        assert 0 < fourth <= third <= 60

    def test_what_is_late_is_not_an_exception_of_the_connection(self) -> None:
        late = httpx.ReadTimeout("late")

        def fail() -> bytes:
            raise late

        stream = Stream(fail)
        keep_deadlines(stream)
        with pytest.raises(httpx.ReadTimeout):
            stream.read(1, 5)
        set_deadline(60)
        with pytest.raises(DeadlineError) as caught:
            stream.read(1, 500)
        assert not isinstance(caught.value, Exception)
        set_deadline(-1)
        with pytest.raises(DeadlineError):
            stream.read(1, 500)
        set_deadline(None)
        assert len(stream.timeouts) == 2

    def test_other_failures_stay_what_they_are(self) -> None:
        gone = httpx.ReadError("gone")

        def fail() -> bytes:
            raise gone

        stream = Stream(fail)
        keep_deadlines(stream)
        set_deadline(60)
        with pytest.raises(httpx.ReadError):
            stream.read(1)
        set_deadline(None)

    def test_a_deadline_is_that_of_one_thread(self) -> None:
        stream = Stream(lambda: b"a")
        keep_deadlines(stream)
        set_deadline(-1)
        thread = threading.Thread(target=stream.read, args=(1,))
        thread.start()
        thread.join()
        set_deadline(None)
        assert stream.timeouts == [None]

    def test_what_cannot_be_read_or_changed_is_left_alone(self) -> None:
        keep_deadlines(None)
        keep_deadlines(object())


class TestWatch:
    async def test_a_wait_that_takes_too_long_is_cancelled(self) -> None:
        watch = Watch()
        for seconds in (60, 0.01):
            watch.start(seconds)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(60)
        assert watch.expired()
        assert not watch.expired()
        watch.stop()
        await asyncio.sleep(0)

    async def test_a_cancellation_from_outside_is_not_its_own(self) -> None:
        watch = Watch()
        seen: list[bool] = []

        async def wait() -> None:
            watch.start(0.01)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append(watch.expired())
                raise

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == [False]
        watch.close()

    async def test_both_at_once_are_one_from_outside(self) -> None:
        watch = Watch()
        watch.start(0.0)
        task = asyncio.current_task()
        assert task
        asyncio.get_running_loop().call_later(0.0, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(0) if task.cancelling() < 2 else None
        assert not watch.expired()
        task.uncancel()
        watch.close()

    async def test_one_timer_serves_for_many_waits(self) -> None:
        watch = Watch()
        for _ in range(5):
            watch.start(0.05)
            await asyncio.sleep(0.02)
            watch.stop()
        watch.start(None)
        await asyncio.sleep(0.06)
        watch.start(60)
        await asyncio.sleep(0)
        watch.close()
        watch.close()
