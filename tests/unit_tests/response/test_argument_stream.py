"""Arguments pass as they come while they are JSON; what is not is mended, or stays as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.response.argument_stream import ArgumentStream
from langchain_onlysq.response.json_text import parse_json
from langchain_onlysq.response.loose_json import mend
from tests.support.properties import patient

texts = st.text(alphabet="abд☃ '\"{}[],:#/<", max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=4)
TOKENS = (
    *("{", "}", "[", "]", ",", ":", " ", "\n", '"a"', "'b'", "c", "True", "None"),
    *("1", "1_0", "// d\n", "<", '"'),
)
hostile = st.lists(st.sampled_from(TOKENS), max_size=12).map(lambda parts: f"{{{''.join(parts)}}}")


def passed(pieces: list[str]) -> tuple[str, str]:
    """Return what was delivered before the end, and in all."""
    stream = ArgumentStream()
    before = "".join(map(stream.feed, pieces))
    rest, delivered = stream.finish()
    assert delivered == before + rest
    return before, delivered


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@patient
@given(value=objects, indent=st.sampled_from([None, 1]), size=st.integers(1, 9))
def test_json_passes_as_it_is(value: dict[str, Any], indent: int | None, size: int) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert passed(cut(text, size)) == (text, text)


@patient
@given(text=hostile, size=st.integers(1, 9))
def test_what_comes_out_is_what_came_or_the_same_mended(text: str, size: int) -> None:
    before, delivered = passed(cut(text, size))
    assert text.startswith(before)
    assert passed([text])[1] == delivered
    if delivered != text:
        meant = mend(text)
        assert meant is not None
        assert parse_json(delivered) == parse_json(meant)


@patient
@given(value=objects)
def test_python_is_mended(value: dict[str, Any]) -> None:
    delivered = passed(cut(repr(value), 5))[1]
    assert json.loads(delivered) == value


@pytest.mark.parametrize(
    ("text", "delivered"),
    [
        ('{"a": 1,}', '{"a": 1}'),
        ('{"a": 1, }', '{"a": 1 }'),
        ('{"a": [1,],}', '{"a": [1]}'),
        ("{'a': 'b'}", '{"a": "b"}'),
        ("{a: True, b: None}", '{"a": true, "b": null}'),
        ('{{"a": {{"b": 1}}}}', '{"a": {"b": 1}}'),
        ('{"a": {{"b": 1}}}', '{"a": {{"b": 1}}}'),
        ('{"a": 1,', '{"a": 1,'),
        ("{'a': 1", "{'a': 1"),
        ("{'a': 1, 'a': 2}", "{'a': 1, 'a': 2}"),
        ('{"a": Rome}', '{"a": Rome}'),
        ("\"{'a': 1}\"", '{"a": 1}'),
        ('"a"', '"a"'),
        ("['a',]", "['a',]"),
        (" null ", " null "),
        ('{"a": 1} {"b": 2}', '{"a": 1} {"b": 2}'),
        ("{'a': 1} {'b': 2}", "{'a': 1} {'b': 2}"),
        ("{", "{"),
        ("", ""),
    ],
)
def test_what_is_mended(text: str, delivered: str) -> None:
    assert passed([text])[1] == passed(cut(text, 1))[1] == delivered


def test_what_is_json_is_not_held_back() -> None:
    stream = ArgumentStream()
    texts = ['{"', 'text": "', "Once", " upon", '"', ", ", '"n": ', "12", ",", "}"]
    assert [stream.feed(text) for text in texts] == [
        *('{"', 'text": "', "Once", " upon", '"'),
        *("", ', "n": ', "", "12", ""),
    ]
    assert stream.finish() == ("}", '{"text": "Once upon", "n": 12}')
