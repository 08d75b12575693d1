"""JSON that was meant: what is read, and what is not."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.response.loose_json import LooseJsonError, read_number, read_value

READ: dict[str, Any] = {
    '{"a": 1}': {"a": 1},
    '{"a": "x\ny"}': {"a": "x\ny"},
    "{'a': 'it\\'s \"b\"', \"c\": 'd\\n\\u00e9'}": {"a": 'it\'s "b"', "c": "d\né"},
    "{'a': '\\\"'}": {"a": '"'},
    "{a: 1, $b: 2, c-d: 3, é: 4}": {"a": 1, "$b": 2, "c-d": 3, "é": 4},
    "{true: True, x: False, y: None, z: null}": {"true": True, "x": False, "y": None, "z": None},
    '{"a": [1, 2,], /* b */ "c": {"d": 1,},} ': {"a": [1, 2], "c": {"d": 1}},
    "[// a\n1, # b\n2]": [1, 2],
    "[]": [],
    "[ ]": [],
    "{ a : [ ] }": {"a": []},
    "{a: {}}": {"a": {}},
    '{{"a": {{"b": 1}}, "c": {"d": 2}}}': {"a": {"b": 1}, "c": {"d": 2}},
    "{a: 1_000, b: -1_0.5_0e-3, c: 0, d: 1E2}": {"a": 1000, "b": -10.5e-3, "c": 0, "d": 100.0},
}
NOT_READ = {
    "": "value",
    "{": "cut off",
    "{a": "cut off",
    "{a: 1": "cut off",
    "{a: 1,": "cut off",
    "{a: 'b": "cut off",
    '{a: "b': "cut off",
    "{a: 1 /* b": "cut off",
    "{a: 1 // }": "cut off",
    '{"a": "b': "cut off",
    "{a 1}": "':'",
    "{a: b}": "a value",
    "{a: 1 b: 2}": "','",
    "{a: 1,, b: 2}": "a key",
    "{,}": "a key",
    "{{}}": "a key",
    '{{"a": 1} }': "','",
    "[1,,2]": "a value",
    "[,]": "a value",
    "{1: 2}": "a key",
    "{a: 01}": "a value",
    "{a: 1__0}": "a value",
    "{a: +1}": "a value",
    "{a: .5}": "a value",
    "{a: 5.}": "a value",
    "{a: 12px}": "a value",
    "{a: undefined}": "a value",
    "{a: Infinity}": "a value",
    '{"a": NaN}': "not JSON",
    '{"a": 1e999}': "too large",
    "{a: 1e999}": "too large",
    '{"a": 1, "a": 1}': "given twice",
    "{a: 1, 'a': 2}": "given twice",
    "{'a': '\\x41'}": "escape",
    "{'a': \"\\x41\"}": "escape",
    "{'it's': 1}": "':'",
    "[" * 200 + "'" * 2 + "]" * 200: "deep",
    "[" * 100_000: "deep",
    "{a: " + "9" * 5000 + "}": "limit",
    '{"a": ' + "9" * 5000 + "}": "limit",
}


@pytest.mark.parametrize("text", READ)
def test_what_is_read(text: str) -> None:
    value, end = read_value(f"..{text}", 2)
    assert json.dumps(value) == json.dumps(READ[text])
    assert text[end - 2 :].strip() == ""


@pytest.mark.parametrize("text", NOT_READ, ids=lambda text: text[:20])
def test_what_is_not_read(text: str) -> None:
    with pytest.raises(LooseJsonError) as caught:
        read_value(text)
    reason = NOT_READ[text]
    assert caught.value.cut_off is (reason == "cut off" or not text)
    if reason != "cut off":
        assert reason in str(caught.value).lower() or reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("1,000", None),
        ("1 m", None),
        ("one", None),
        ("", None),
        ("0x1", None),
        ("\u0661", None),
        ("1e999", None),
        ("9" * 5000, None),
    ],
)
def test_numbers(text: str, number: float | None) -> None:
    assert read_number(text) == number


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES.filter(lambda value: isinstance(value, (dict, list))))
def test_what_json_writes_is_read_as_it_is(value: Any) -> None:
    assert json.dumps(read_value(json.dumps(value))[0]) == json.dumps(value)


@given(st.dictionaries(st.text(), VALUES))
def test_what_python_writes_is_read_as_it_is_or_not_at_all(value: Any) -> None:
    text = repr(value)
    try:
        read = read_value(text)[0]
    except LooseJsonError:
        assert "\\x" in text or "\\U" in text
    else:
        assert json.dumps(read) == json.dumps(ast.literal_eval(text))
