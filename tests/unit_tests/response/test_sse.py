"""Bytes of a body become events: the same ones, wherever the network cuts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.response.sse import DONE, Event, EventDecoder, Unreadable
from tests.support.answer_bodies import (
    BODIES,
    BOM,
    CHUNKS,
    DOCUMENTS,
    FRAMINGS,
    ODD_FRAMINGS,
    SHORT,
    WHOLE,
    body_table,
    cut_at,
    dump,
)
from tests.support.properties import patient


def decode(*pieces: bytes) -> list[Event]:
    decoder = EventDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.close()


def outcome(*pieces: bytes) -> tuple[list[Event], bool, bytes]:
    decoder = EventDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    events += decoder.close()
    return events, decoder.cut_off, decoder.opening


WORDS = [
    *(b"\r", b"\n", b"\r\n", b" ", b"data:", b"data: ", b"[DONE]", b":", BOM),
    *(b'{"a":1}', b'{"a":', b"1}", b"[", b"]", b"<p>", b"text", '"🌍"'.encode()),
]


class TestCuts:
    @body_table
    def test_two_pieces_give_what_one_gives(self, body: bytes) -> None:
        expected = outcome(body)
        for offset in range(len(body) + 1):
            assert outcome(body[:offset], body[offset:]) == expected, offset

    @body_table
    def test_single_bytes_give_what_one_piece_gives(self, body: bytes) -> None:
        pieces = [bytes([byte]) for byte in body]
        assert outcome(*pieces) == outcome(body)

    @body_table
    def test_empty_pieces_change_nothing(self, body: bytes) -> None:
        half = len(body) // 2
        assert outcome(b"", body[:half], b"", b"", body[half:], b"") == outcome(body)

    @patient
    @given(body=st.sampled_from(list(BODIES.values())), data=st.data())
    def test_random_cuts_give_what_one_piece_gives(self, body: bytes, data: st.DataObject) -> None:
        offsets = data.draw(st.lists(st.integers(0, len(body)), max_size=12))
        assert outcome(*cut_at(body, offsets)) == outcome(body)

    @patient
    @given(st.lists(st.binary(max_size=12), max_size=8))
    def test_arbitrary_bytes_give_the_same_events_however_they_are_cut(
        self, pieces: list[bytes]
    ) -> None:
        body = b"".join(pieces)
        assert repr(outcome(*pieces)) == repr(outcome(body))

    @patient
    @given(st.lists(st.sampled_from(WORDS), max_size=14))
    def test_any_words_of_the_format_give_the_same_events_however_they_are_cut(
        self, words: list[bytes]
    ) -> None:
        body = b"".join(words)
        expected = outcome(body)
        assert outcome(*words) == expected
        assert outcome(*(bytes([byte]) for byte in body)) == expected


@pytest.mark.parametrize(
    ("names", "events"), [(FRAMINGS, CHUNKS), (ODD_FRAMINGS, SHORT), (DOCUMENTS, [WHOLE])]
)
def test_every_token_survives_every_framing(names: tuple[str, ...], events: list[Event]) -> None:
    for name in names:
        assert [event for event in decode(BODIES[name]) if event is not DONE] == events, name


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'data: {"a":1}\n\n', [{"a": 1}]),
        (b'data:{"a":1}\n\n', [{"a": 1}]),
        (b'data:  {"a":1}\n\n', [{"a": 1}]),
        (b'data: {"a":1}', [{"a": 1}]),
        (b'data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
        (b'data: {"a":\ndata: 1}', [{"a": 1}]),
        (b'data: {"a":\n: ping\nid: 7\ndata: 1}\n\n', [{"a": 1}]),
        (b'data: {"a":1}\ndata: {"b":2}\n\n', [{"a": 1}, {"b": 2}]),
        (b"data: one\ndata: 2\n\n", [Unreadable(b"one"), 2]),
        (b'data: one\ndata: {"a":1}\n\n', [Unreadable(b"one"), {"a": 1}]),
        (b"data: [DONE]\n\n", [DONE]),
        (b"data:[DONE]", [DONE]),
        (b"data: [DONE] \r\n", [DONE]),
        (b"data: oops\ndata: [DONE]\n\n", [Unreadable(b"oops"), DONE]),
        (b"data:\n\n", []),
        (b"data: \ndata\n\n", []),
        (b": a comment\n\n", []),
        (b"event: error\nid: 1\nretry: 5\nunknown: x\nword\n\n", []),
        (b"data: null\n\ndata: 1\n\ndata: true\n\n", [None, 1, True]),
        (b'data: "text"\n\n', ["text"]),
        (b"data: [1, 2]\n\n", [[1, 2]]),
        (b'{"a":1}\n{"b":2}\n', [{"a": 1}, {"b": 2}]),
        (b'  \t{"a":1}\n', [{"a": 1}]),
        (b'[{"a":1}]', [[{"a": 1}]]),
        (b'\n\n{"a":\n1}\n', [{"a": 1}]),
        (BOM + b'data: {"a":1}\n\n', [{"a": 1}]),
        (BOM + b'{"a":1}', [{"a": 1}]),
        (BOM + b'{"a":\n1}', [{"a": 1}]),
        (b"plain text\nmore of it", []),
        (b"", []),
        (b"\r\n\r\n", []),
    ],
)
def test_lines_become_events(body: bytes, events: list[Event]) -> None:
    assert decode(body) == events


def test_only_the_first_bom_of_a_body_is_dropped() -> None:
    assert decode(BOM + b"x\n" + BOM + b'data: {"a":1}\n\n') == []


def test_an_event_is_there_with_the_end_of_its_line() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b'data: {"a":1}') == []
    assert decoder.feed(b"\r") == [{"a": 1}]
    assert decoder.feed(b"\n\r\n") == []
    assert decoder.feed(b'data: {"a":2}\n') == [{"a": 2}]
    assert decoder.close() == []


@pytest.mark.parametrize(
    ("begun", "end"),
    [
        (b"da", b"\n"),
        (b'data: {"a":1}', b"\r"),
        (b'data: {"a":\n', b"data: 1}\n\n"),
        (b": ping", b"\n"),
    ],
)
def test_an_event_that_has_begun_can_be_told(begun: bytes, end: bytes) -> None:
    decoder = EventDecoder()
    assert not decoder.in_event
    decoder.feed(begun)
    assert decoder.in_event
    decoder.feed(end)
    assert not decoder.in_event


def test_a_document_that_has_begun_can_be_told() -> None:
    decoder = EventDecoder()
    decoder.feed(b'{\n"a":\n')
    assert decoder.in_event
    assert decoder.feed(b"1}\n") == []
    assert decoder.close() == [{"a": 1}]
    assert not decoder.in_event


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u0085"])
def test_what_python_calls_a_line_end_is_text_inside_json(character: str) -> None:
    value = {"text": f"a{character}b"}
    assert decode(b"data: " + dump(value) + b"\n\n") == [value]


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_control_characters_do_not_end_a_line(character: str) -> None:
    value = {"text": f"a{character}b"}
    assert decode(b"data: " + dump(value) + b"\n\n") == [value]
    raw = f'data: {{"text":"a{character}b"}}\n\n'.encode()
    assert decode(raw) == [Unreadable(raw[6:-2])]


def test_bytes_that_are_not_utf_8_become_replacement_characters() -> None:
    assert decode(b'data: {"text":"a\xff\xc3(b"}\n\n') == [{"text": "a\ufffd\ufffd(b"}]


def test_lone_surrogates_are_read_and_pairs_are_characters() -> None:
    first, second, done = decode(BODIES["lone surrogate escapes"])
    assert first["choices"][0]["delta"]["content"].startswith("a")
    assert second["choices"][0]["delta"]["content"].endswith(" 😀")
    assert done is DONE


@pytest.mark.parametrize("depth", [50, 150, 300, 600])
def test_deep_nesting_is_read(depth: int) -> None:
    (value,) = decode(b"data: " + b"[" * depth + b"]" * depth + b"\n\n")
    for _ in range(depth - 1):
        (value,) = value
    assert value == []


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_without_end_is_unreadable(opening: bytes) -> None:
    event = opening * 200_000
    assert decode(b"data: " + event + b"\n\n") == [Unreadable(event)]


def test_a_number_of_many_digits_does_not_crash() -> None:
    assert len(decode(b"data: " + b"9" * 50_000 + b"\n\n")) == 1


@pytest.mark.parametrize(
    ("body", "cut_off"),
    [
        (b"", False),
        (b'data: {"a":1}', False),
        (b'data: {"a":1}\n\n', False),
        (b'data: {"a":', True),
        (b'data: {"a":1}\n\ndata: {"b', True),
        (b"data: {broken}\n\n", False),
        (b'data: {broken}\n\ndata: {"a":1}\n\n', False),
        (b'{"a":', True),
        (b'{\n"a":', True),
        (b"[1,", True),
        (b"<html>", False),
        (b" \r\n<html>\n<bo", False),
        (BOM + b"<html>", False),
        (b"plain", False),
    ],
)
def test_an_end_in_the_middle_of_an_event_is_noticed(*, body: bytes, cut_off: bool) -> None:
    assert outcome(body)[1] is cut_off


def test_html_stays_one_event_as_it_came() -> None:
    body = BODIES["html"]
    (event,) = decode(body)
    assert isinstance(event, Unreadable)
    assert event.strip() == body.strip()


def test_the_opening_is_the_beginning_of_the_body_and_no_more() -> None:
    body = b"<html>" + bytes(range(256)) * 100
    for size in (1, 1000, 4096, len(body)):
        decoder = EventDecoder()
        for start in range(0, len(body), size):
            decoder.feed(body[start : start + size])
        assert decoder.opening == body[:4096]


class TestLargeBodies:
    SIZE = 8 << 20

    def in_pieces(self, body: bytes) -> list[Event]:
        return decode(*(body[start : start + 1024] for start in range(0, len(body), 1024)))

    def test_one_event_of_many_pieces(self) -> None:
        value = {"text": "я" * (self.SIZE // 2)}
        assert self.in_pieces(b"data: " + dump(value) + b"\n\n") == [value]

    def test_a_printed_document_of_many_pieces(self) -> None:
        value = {"lines": ["x" * 60] * (self.SIZE // 70)}
        assert self.in_pieces(json.dumps(value, indent=1).encode()) == [value]

    def test_an_event_of_many_data_lines(self) -> None:
        body = b'data: ["a"\n' + b'data: ,"a"\n' * 200_000 + b"data: ]\n\n"
        assert self.in_pieces(body) == [["a"] * 200_001]

    def test_many_small_events(self) -> None:
        body = b'data: {"a":1}\r\n\r\n' * 100_000
        assert self.in_pieces(body) == [{"a": 1}] * 100_000

    def test_one_long_line_of_text(self) -> None:
        assert self.in_pieces(b"x" * self.SIZE) == []


def test_done_says_what_it_is() -> None:
    assert repr(DONE) == "DONE"


@pytest.mark.parametrize(
    "piece",
    [
        b'data: {"a":1}\n\n',
        b'data: {"a":\n\n',
        b'data: {"a":\r1}\n\n',
        b'data: {"a":1}\r\n\r\n',
        b'data: {"a":1}\nX',
        b'data: {"a":1}\n',
        b'data: {"a":1} x\n\n',
        b"data: [DONE]\n\n",
    ],
)
def test_a_long_stream_is_read_like_a_short_one(piece: bytes) -> None:
    # Once the opening is kept, an event that comes alone is read a shorter way.
    before = [b'data: {"b":"%s"}\n\n' % (b"x" * 500)] * 10
    long, short = EventDecoder(), EventDecoder()
    for other in before:
        assert len(long.feed(other)) == 1
    assert long.feed(piece) + long.close() == short.feed(piece) + short.close()
