"""Compressed bodies are read, whole and streamed, however they are compressed."""

from __future__ import annotations

import gzip
import json
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq import OnlySqResponseError
from langchain_onlysq.testing import LocalOnlySq, Reply, chunk, completion
from langchain_onlysq.transport.decoding import gunzip
from tests.support.four_ways import WAYS, agreed, agreed_error, run
from tests.support.properties import patient
from tests.support.tools import make

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE = json.dumps(completion("Hi")).encode()
STREAM = b"".join(
    b"data: %s\n\n" % json.dumps(each).encode()
    for each in (chunk("H"), chunk("i"), chunk({}, finish_reason="stop"))
)
BODIES = {"whole": WHOLE, "stream": STREAM}


def members(body: bytes) -> bytes:
    return b"".join(gzip.compress(part) for part in (body[:80], b"", body[80:]))


ENCODED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    " GZip ": members,
    "X-GZIP": members,
    "deflate": zlib.compress,
    "identity": bytes,
}


@pytest.mark.sockets
class TestFourWays:
    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    @pytest.mark.parametrize("encoding", ENCODED)
    def test_is_read(self, encoding: str, body: bytes) -> None:
        encoded = ENCODED[encoding](body)
        reply = Reply(headers={"Content-Encoding": encoding}, body=encoded)
        assert agreed(reply).content == "Hi"

    @pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
    @pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"x")[:-8] + bytes(8)])
    def test_what_cannot_be_decompressed_is_an_error(self, body: bytes, encoding: str) -> None:
        error = agreed_error(Reply(headers={"Content-Encoding": encoding}, body=body))
        assert type(error) is OnlySqResponseError
        assert "could not be decompressed" in str(error)

    @pytest.mark.parametrize("way", WAYS)
    def test_its_connection_is_kept(self, way: str, server: LocalOnlySq) -> None:
        for _ in range(2):
            server.reply(Reply.gzip(Reply.stream([chunk("Hi"), chunk({}, finish_reason="stop")])))
        with make(server) as llm:
            seen = server.connections_seen
            for _ in range(2):
                assert run(way, llm).answer.content == "Hi"
            # An event loop of its own has connections of its own.
            assert server.connections_seen - seen == (2 if way.startswith("a") else 1)


@given(
    parts=st.lists(st.binary(max_size=20), min_size=1, max_size=3),
    tail=st.sampled_from([b"", b"\0", b"\x1f", b"\0\0\0", b"no gzip", b"\x1f\x00\x1f\x8b"]),
    cuts=st.lists(st.integers(0, 120), max_size=6),
)
@patient
def test_wherever_the_body_is_cut(parts: list[bytes], tail: bytes, cuts: list[int]) -> None:
    body = b"".join(map(gzip.compress, parts)) + tail
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    pieces = [body[start:end] for start, end in pairwise(places)]
    assert b"".join(gunzip(pieces)) == b"".join(parts)
