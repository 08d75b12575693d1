r"""Half a character that is escaped alone, the six letters `\ud83d` of JSON, becomes U+FFFD."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.response.argument_stream import ArgumentStream
from langchain_onlysq.response.json_text import load_json, mend_escapes, split_open_escape
from langchain_onlysq.response.loose_json import mend, read_value
from langchain_onlysq.response.sse import replace_surrogates
from langchain_onlysq.response.syntax_mender import SyntaxMender
from langchain_onlysq.testing import LocalOnlySq, Reply, chunk, tool_call
from tests.support.four_ways import WAYS, run
from tests.support.properties import patient
from tests.support.tools import make

if TYPE_CHECKING:
    from collections.abc import Callable

SMILE = "\N{GRINNING FACE}"
LOST = "\N{REPLACEMENT CHARACTER}"
HIGH, LOW = r"\ud83d", r"\uDE00"

TOKENS = (HIGH, LOW, r"\n", r"\\", r"\u0430", r"\u0064", "u", "d83d", "a", "☃", " ")
texts = st.lists(st.sampled_from(TOKENS), max_size=8).map("".join)
SCHEMA = {
    "title": "Note",
    "description": "A note.",
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
}


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (HIGH, LOST),
        (LOW, LOST),
        (HIGH + LOW, SMILE),
        (HIGH + HIGH + LOW, LOST + SMILE),
        (LOW + HIGH, LOST + LOST),
        (rf"\\ud83d{HIGH}a", rf"\ud83d{LOST}a"),
        (HIGH + r"\n\\", f"{LOST}\n\\"),
    ],
)
@pytest.mark.parametrize("read", [load_json, lambda text: read_value(text)[0]])
def test_is_replaced(read: Callable[[str], Any], escaped: str, text: str) -> None:
    assert read(f'{{"{escaped}": "{escaped}"}}') == {text: text}


def test_is_replaced_between_single_quotes() -> None:
    assert mend(f"{{'a': '{HIGH}', }}") == f'{{"a": "{LOST}"}}'


@given(text=texts)
@patient
def test_nothing_else_changes(text: str) -> None:
    value = json.loads(f'"{text}"')
    mended = mend_escapes(f'"{text}"')
    assert json.loads(mended) == replace_surrogates(value)
    assert len(mended) == len(text) + 2


@given(text=texts, cuts=st.lists(st.integers(0, 60), max_size=6))
@patient
def test_wherever_the_text_is_cut(text: str, cuts: list[int]) -> None:
    whole = f'{{"a": "{text}", "b": 1}}'
    places = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    mender, stream = SyntaxMender(), ArgumentStream()
    assert "".join([*map(mender.feed, pieces), mender.close()]) == mend_escapes(whole)
    before = "".join(map(stream.feed, pieces))
    rest, delivered = stream.finish()
    assert before + rest == delivered == mend_escapes(whole)


@pytest.mark.parametrize("size", range(1, len(HIGH + LOW)))
def test_what_may_be_half_of_an_escape_waits(size: int) -> None:
    begun = (HIGH + LOW)[:size]
    expected = ("a\\", "") if size == 1 else ("a", begun)
    assert split_open_escape(f"a{begun}") == expected


def test_one_that_is_open_at_the_end_stays_as_it_came() -> None:
    stream = ArgumentStream()
    before = stream.feed(f'{{"a": "b{HIGH}')
    rest, delivered = stream.finish()
    assert (before, rest) == ('{"a": "b', HIGH)
    assert delivered == f'{{"a": "b{HIGH}'


def test_twice_the_same_key_streams_as_it_is_read_whole() -> None:
    text = f'{{"a": "{HIGH}", "a": "{LOW}"}}'
    stream = ArgumentStream()
    stream.feed(text)
    assert stream.finish()[1] == mend_escapes(text)


CALLS = {
    "own form": f'<tool_call>{{"name": "note", "arguments": {{"text": "a{HIGH}"}}}}</tool_call>',
    "a list": f'[{{"name": "note", "arguments": {{"text": "a{HIGH}"}}}}]',
    "Python": f'<|python_tag|>[note(text="a{HIGH}")]<|eom_id|>',
}


@pytest.mark.sockets
class TestFourWays:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("text", CALLS.values(), ids=CALLS)
    def test_of_calls_in_the_text(self, text: str, way: str, server: LocalOnlySq) -> None:
        chunks = [chunk(letter) for letter in text]
        server.reply(Reply.stream([*chunks, chunk({}, finish_reason="stop")]))
        tool = {"name": "note", "description": "Take a note.", "parameters": SCHEMA}
        answer = run(way, make(server, "v2").bind_tools([tool])).answer
        assert [call["args"] for call in answer.tool_calls] == [{"text": f"a{LOST}"}]
        assert answer.model_dump_json()

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("size", [1, 100])
    def test_of_native_calls(self, size: int, way: str, server: LocalOnlySq) -> None:
        arguments = f'{{"text": "a{HIGH}{HIGH}{LOW}", "more": "{LOW}b"}}'
        pieces = [arguments[at : at + size] for at in range(0, len(arguments), size)]
        first = {"index": 0, **tool_call("note", pieces[0], call_id="c")}
        more = [{"index": 0, "function": {"arguments": piece}} for piece in pieces[1:]]
        chunks = [chunk({"tool_calls": [fragment]}) for fragment in (first, *more)]
        server.reply(Reply.stream([*chunks, chunk({}, finish_reason="tool_calls")]))
        tool = {"name": "note", "description": "Take a note.", "parameters": {"type": "object"}}
        answer = run(way, make(server, "openai").bind_tools([tool])).answer
        args = {"text": f"a{LOST}{SMILE}", "more": f"{LOST}b"}
        assert [call["args"] for call in answer.tool_calls] == [args]
        assert answer.model_dump_json()

    @pytest.mark.parametrize("way", WAYS)
    def test_of_objects(self, way: str, server: LocalOnlySq) -> None:
        text = f'{{"text": "{HIGH}{LOW} {HIGH}"}}'
        server.reply(Reply.stream([*map(chunk, text), chunk({}, finish_reason="stop")]))
        llm = make(server, "v2").with_structured_output(SCHEMA)
        shown = [found.get("text", "") for found in objects(way, llm)]
        assert shown[-1] == f"{SMILE} {LOST}"
        # What a stream shows before the end is the beginning of it.
        assert all(shown[-1].startswith(text) for text in shown)

    @pytest.mark.parametrize("way", WAYS)
    def test_of_a_bare_object(self, way: str, server: LocalOnlySq) -> None:
        text = f'Here: {{"text": "a{HIGH}"}} That is it.'
        server.reply(Reply.stream([*map(chunk, text), chunk({}, finish_reason="stop")]))
        form = {"type": "json_schema", "json_schema": {"name": "Note", "schema": SCHEMA}}
        answer = run(way, make(server, "v2").bind_tools([], response_format=form)).answer
        assert json.loads(str(answer.content)) == {"text": f"a{LOST}"}


def objects(way: str, llm: Any) -> list[Any]:
    if way == "astream":
        return asyncio.run(collected(llm))
    return list(llm.stream("Hi")) if way == "stream" else [run(way, llm).message]


async def collected(llm: Any) -> list[Any]:
    return [found async for found in llm.astream("Hi")]
