"""The bytes of a reply: framing, faults and waits."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from langchain_onlysq.testing import Close, Heartbeats, Hold, LocalOnlySq, Pause, Reply, Reset
from tests.support.local_server import (
    IMPATIENCE,
    KEY,
    client,
    connect,
    exchange,
    post,
    raw_request,
    streamed,
    v2,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.sockets


class TestFraming:
    def read(self, reply: Reply) -> tuple[bytes, bytes]:
        """The head and the body of a reply, as bytes, until the connection ends."""
        with LocalOnlySq(reply) as server:
            head, _, body = exchange(server, raw_request(v2(), "Connection: close")).partition(
                b"\r\n\r\n"
            )
        return head, body

    def test_chunked(self) -> None:
        head, body = self.read(Reply(body=[b"ab", b"", b"c" * 17]))
        assert head == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
        assert body == b"2\r\nab\r\n11\r\n" + b"c" * 17 + b"\r\n0\r\n\r\n"

    def test_length(self) -> None:
        reply = Reply(503, {"X-A": "b"}, [b"ab", Heartbeats(0, count=2, data=b"-")], "length")
        head, body = self.read(reply)
        assert head == b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nX-A: b"
        assert body == b"ab--"

    def test_close(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"ab", b"c"], framing="close"))
        answer = exchange(server, raw_request(v2()))
        assert answer == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"

    def test_large_bodies_arrive_whole(self, server: LocalOnlySq) -> None:
        size = 30_000_000
        server.reply(Reply(body=[b"x" * size, Pause(0), b"y"]))
        content = post(server, v2()).content
        assert (len(content), content[:2], content[-2:]) == (size + 1, b"xx", b"xy")
        assert server.disconnects == 0

    @pytest.mark.parametrize("length", [0, 2, 9])
    def test_wrong_lengths_end_the_connection(self, server: LocalOnlySq, length: int) -> None:
        server.reply(Reply(body=b"abc", framing="length", declared_length=length))
        answer = exchange(server, raw_request(v2()))
        assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nabc" % length

    def test_a_right_declared_length_is_kept_alive(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=b"abc", framing="length", declared_length=3))
        with client(headers=KEY) as sender:
            assert sender.post(f"{server.base_url}/v2", json=v2()).content == b"abc"
            assert sender.post(f"{server.base_url}/v2", json=v2()).status_code == 200
        assert server.connections_seen == 1

    @pytest.mark.parametrize("status", [204, 304])
    def test_statuses_without_a_body(self, server: LocalOnlySq, status: int) -> None:
        server.reply(Reply.error(status), Reply(status, body=[b"x"]))
        with client(headers=KEY) as sender:
            for _ in range(2):
                response = sender.post(f"{server.base_url}/v2", json=v2())
                assert (response.status_code, response.content) == (status, b"")
        assert server.connections_seen == 1

    def test_given_headers_win_in_any_case(self) -> None:
        reply = Reply(headers={"content-length": "1"}, body=b"abc", framing="length")
        assert self.read(reply)[0] == b"HTTP/1.1 200 OK\r\ncontent-length: 1"

    def test_unknown_statuses_have_a_phrase(self) -> None:
        assert self.read(Reply(599))[0].startswith(b"HTTP/1.1 599 Unknown\r\n")

    def test_each_item_is_one_chunk(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"a", Pause(0.05), b"b", Pause(0.05), b"c"]))
        with client(headers=KEY) as sender:
            request = sender.build_request("POST", f"{server.base_url}/v2", json=v2())
            response = sender.send(request, stream=True)
            assert list(response.iter_raw()) == [b"a", b"b", b"c"]

    def test_a_body_of_text_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match="not of str"):
            Reply(body=["text"])  # type: ignore[list-item]


class TestSteps:
    def test_an_empty_item_sends_the_head_alone(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"", Close()]))
        answer = exchange(server, raw_request(v2()))
        assert answer == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def test_close_before_the_head(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Close(), b"never"]))
        assert exchange(server, raw_request(v2())) == b""

    def test_close_in_the_middle_of_chunks(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"ab", Close(), b"never"]))
        assert exchange(server, raw_request(v2())).endswith(b"\r\n\r\n2\r\nab\r\n")
        server.reply(Reply(body=[b"ab", Close()]))
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            post(server, v2())

    def test_reset_before_the_head(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Reset()]))
        with connect(server) as connection:
            connection.sendall(raw_request(v2()))
            with pytest.raises(ConnectionResetError):
                connection.recv(1)

    def test_reset_in_the_middle(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[b"ab", Pause(0.05), Reset(), b"never"]))
        received: list[bytes] = []
        with connect(server) as connection:
            connection.sendall(raw_request(v2()))
            data = iter(lambda: connection.recv(65536), b"")
            with pytest.raises(ConnectionResetError):
                received.extend(data)
        assert b"".join(received).endswith(b"2\r\nab\r\n")

    @pytest.mark.parametrize("body", [[Hold()], [b"", Hold()], [b"ab", Hold()]])
    def test_hold(self, server: LocalOnlySq, body: list[Any]) -> None:
        server.reply(Reply(body=body))
        with pytest.raises(httpx.ReadTimeout):
            post(server, v2(), timeout=IMPATIENCE)
        eventually(lambda: server.disconnects == 1)

    def test_pause(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Pause(600), b"late"]))
        with pytest.raises(httpx.ReadTimeout):
            post(server, v2(), timeout=IMPATIENCE)
        server.reply(Reply(body=[Pause(0.01), b"late"]))
        assert post(server, v2()).content == b"late"

    def test_heartbeats(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Heartbeats(0.001, count=3), b"end"]))
        assert post(server, v2()).content == b": ping\n\n" * 3 + b"end"

    def test_endless_heartbeats(self, server: LocalOnlySq) -> None:
        server.reply(Reply(body=[Heartbeats(0.001, data=b".")]))
        with streamed(server) as response:
            received = b""
            for data in response.iter_raw():
                received += data
                if len(received) >= 20:
                    break
        assert set(received) == set(b".")
        eventually(lambda: server.disconnects == 1)
