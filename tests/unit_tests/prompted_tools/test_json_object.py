"""Members of a JSON object, read while it arrives; values only as far as to find their ends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.prompted_tools.json_object import ObjectReader, members_of
from langchain_onlysq.prompted_tools.text_source import CutOffError, FormError, Marks, TextSource

TAGS = Marks(("<tool_call>",), ("</tool_call>",))


def test_keys_and_values_come_as_they_arrive() -> None:
    source = TextSource(' {"a" ')
    written = ObjectReader(source)
    key = written.next_key()
    assert next(key) is None
    source.feed(": 1")
    with pytest.raises(StopIteration, match="a"):
        next(key)
    assert written.first == "1"
    value = written.value()
    assert next(value) is None
    source.feed("2 }x")
    with pytest.raises(StopIteration, match="12"):
        next(value)
    with pytest.raises(StopIteration, match=r"^$"):
        next(written.next_key())
    assert written.values == {"a": "12"}
    assert source.take(9) == "x"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans(), st.sampled_from([None, 2]))
def test_members_are_those_of_json(value: dict[str, object], escaped: bool, indent: int) -> None:  # noqa: FBT001
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    members = members_of(text)
    assert {key: json.loads(raw) for key, raw in members.values.items()} == value
    assert not members.twice


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a":1,"a":2}', {"a": "1"}),
        ('{"a":{},"b":[2', {"a": "{}", "b": "[2"}),
        ('{"a":"\\', {"a": '"\\'}),
        ('{"a":1,}', {"a": "1"}),
        ('{"a":1;"b":2}', {"a": "1;"}),
        ('{"a":"1" "b":2}', {"a": '"1"'}),
        ('{"a":?', {}),
        ('{"\\x":1}', {}),
        ("[1]", {}),
        ('"a"', {}),
        ("", {}),
    ],
)
def test_broken_objects_are_read_as_far_as_they_are_objects(
    text: str, values: dict[str, str]
) -> None:
    members = members_of(text)
    assert members.values == values
    assert members.twice == (text.count('"a":') > 1)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ('"<b>"</tool_call>', '"<b>"'),
        ('"<tool_call>"', '"<tool_call>"'),
        ('"\\<tool_call>"', '"\\<tool_call>"'),
        ('"</tool_call> \\" <tool_call>" ', '"</tool_call> \\" <tool_call>"'),
        ('"\\</tool_call>\\<tool_call>"', '"\\</tool_call>\\<tool_call>"'),
        ("1<2,", "1<2"),
        ('["<"]', '["<"]'),
    ],
)
def test_what_looks_like_a_tag_is_part_of_a_value(text: str, raw: str) -> None:
    for at in range(len(text)):
        source = TextSource(f'{{"a":{text[:at]}')
        source.feed(text[at:] + "}")
        source.tags = TAGS
        written = ObjectReader(source)
        assert list(written.next_key()) == []
        assert list(written.value()) == []
        assert written.values == {"a": raw}


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ('"b</tool_call>', '"b'),
        ('"b</tool_call>\n"', '"b'),
        ('"b\\</tool_call> \\\n"', '"b\\'),
        ('"b</tool_call> \\', '"b'),
        ("1</tool_call>", "1"),
        ("[<tool_call>", "["),
    ],
)
def test_a_tag_ends_a_value_that_does_not_end_on_its_line(text: str, raw: str) -> None:
    source = TextSource(f'{{"a":{text}')
    source.tags = TAGS
    source.end(whole=True)
    written = ObjectReader(source)
    assert list(written.next_key()) == []
    with pytest.raises(CutOffError):
        list(written.value())
    assert written.values == {"a": raw}
    assert source.piece[source.at :] == text[len(raw) :]


def test_what_may_be_behind_an_unclosed_string_is_in_doubt() -> None:
    source = TextSource('{"a":"b</tool_call> c')
    source.tags = TAGS
    written = ObjectReader(source)
    assert list(written.next_key()) == []
    value = written.value()
    next(value)
    assert written.doubt == 7
    source.feed('"')
    assert list(value) == []
    assert written.doubt is None
    source.feed("]")
    with pytest.raises(FormError):
        next(written.next_key())
