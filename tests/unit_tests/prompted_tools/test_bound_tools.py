"""What schemas say of a value that came as text, and of the names that models write."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq.prompted_tools.bound_tools import BoundTools
from langchain_onlysq.prompted_tools.text_source import FormError

SCHEMA = {
    "$defs": {"Size": {"enum": [1, 2]}, "Loop": {"$ref": "#/$defs/Loop"}},
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "amount": {"type": "number"},
        "flag": {"type": "boolean"},
        "items": {"type": "array"},
        "data": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        "maybe": {"type": ["string", "null"]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "mixed": {"type": ["array", "string"]},
        "unit": {"enum": ["c", "f"]},
        "one": {"const": "1"},
        "size": {"$ref": "#/$defs/Size"},
        "loop": {"$ref": "#/$defs/Loop"},
        "odd": True,
        "free": {},
    },
}
TOOLS = BoundTools({"w": SCHEMA, "functions.x": None, "bare": {"properties": []}})


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("text", "42", "42"),
        ("text", " null ", " null "),
        ("count", " 42 ", 42),
        ("count", "forty", "forty"),
        ("count", "4.5", 4.5),
        ("amount", "4", 4),
        ("amount", "true", True),
        ("flag", "True", True),
        ("flag", "no", "no"),
        ("items", "[1]", [1]),
        ("items", "['a', (1, None)]", ["a", [1, None]]),
        ("items", "['a'] b", "['a'] b"),
        ("items", "{1, 2}", "{1, 2}"),
        ("items", '[{\\"a\\": \\"b\\\\nc\\"}]', [{"a": "b\nc"}]),
        ("items", "[1,\\n 2]", [1, 2]),
        ("items", '"[{\\"a\\": 1}]"', [{"a": 1}]),
        ("items", '"a"', "a"),
        ("items", "a, b", "a, b"),
        ("data", '{"a": 1}', {"a": 1}),
        ("data", "{'a': 1}", {"a": 1}),
        ("data", "None", None),
        ("data", '{\\"a\\": 1}', {"a": 1}),
        ("mixed", "[a", "[a"),
        ("mixed", '[\\"a\\"]', ["a"]),
        ("maybe", "null", None),
        ("maybe", "42", "42"),
        ("either", "42", 42),
        ("either", "4x", "4x"),
        ("unit", "c", "c"),
        ("one", "1", "1"),
        ("size", "2", 2),
        ("loop", "2", 2),
        ("odd", "2", 2),
        ("free", '"a"', "a"),
        ("free", "True", "True"),
        ("free", "NaN", "NaN"),
        ("other", "[]", []),
    ],
)
def test_a_value_is_typed_by_its_schema(key: str, text: str, value: Any) -> None:
    found = TOOLS.typed("w", key, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ['[{\\"a": 1}]', '{\\"a\\": }', '[\\"a\\"', '\\"a\\"'])
@pytest.mark.parametrize("key", ["items", "data"])
def test_what_has_escaped_quotes_and_must_be_a_list_or_an_object_is_no_text(
    key: str, text: str
) -> None:
    with pytest.raises(FormError, match="neither a list nor an object"):
        TOOLS.typed("w", key, text)


@pytest.mark.parametrize(
    ("name", "resolved"),
    [
        ("w", "w"),
        ("functions.w:0", "w"),
        ("default_api.w", "w"),
        ("functions.x", "functions.x"),
        ("functions.other", "functions.other"),
        ("w:x", "w:x"),
    ],
)
def test_what_models_write_around_a_name_is_dropped(name: str, resolved: str) -> None:
    assert TOOLS.resolve(name) == resolved


def test_names_alone_will_do() -> None:
    tools = BoundTools(["w"])
    assert "w" in tools
    assert tools
    assert not BoundTools([])
    assert list(tools.parameters("w")) == []
    assert list(TOOLS.parameters("bare")) == []
    assert tools.typed("w", "a", "1") == 1
