"""Values that fit a JSON schema."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq.testing.schemas import fill


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({"type": "integer"}, 3),
            ({"type": "number"}, 3),
            ({"type": "integer", "minimum": 5}, 5),
            ({"type": "integer", "exclusiveMaximum": 2}, 1),
            ({"type": "string"}, "Ann"),
            ({"type": "string", "maxLength": 2}, "An"),
            ({"type": "string", "minLength": 5}, "Ann.."),
            ({"type": "string", "format": "date"}, "2026-01-31"),
            ({"type": ["null", "string"]}, "Ann"),
            ({"type": "boolean"}, True),
            ({"type": "null"}, None),
            ({"const": 7}, 7),
            ({"enum": ["x", "apples"]}, "apples"),
            ({"enum": [4, 5]}, 4),
            ({"type": "string", "default": "d"}, "d"),
            ({}, "Ann"),
            ({"type": "object"}, {}),
            ({"items": {"type": "integer"}}, [3, 4]),
            ({"type": "array", "items": {"type": "number"}, "maxItems": 1}, [3]),
            ({"type": "array", "items": {"type": "string"}}, ["Ann"]),
            ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
            ({"type": "array", "prefixItems": [{"type": "number"}, {"const": 1}]}, [3, 1]),
            ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 3),
            ({"anyOf": [{"type": "string"}], "default": None}, None),
            ({"$ref": "#/$defs/A", "$defs": {"A": {"const": "a"}}}, "a"),
            ({"properties": {"a": {"default": 1}, "b": {"const": 2}}}, {"b": 2}),
            ({"properties": {"a": {"default": 1}}, "required": ["a"]}, {"a": 1}),
        ],
    )
    def test_values_fit(self, schema: dict[str, Any], expected: object) -> None:
        assert fill(schema, "Give 3 apples and 4.5 pears to Ann") == expected

    def test_circular_references_end(self) -> None:
        assert fill({"$ref": "#"}, "word") == "word"

    def test_recursive_schemas_end(self) -> None:
        node = {
            "type": "object",
            "properties": {
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "all": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["next", "all"],
        }
        value = fill({"$ref": "#/$defs/Node", "$defs": {"Node": node}}, "")
        depth = 0
        while value["next"] is not None:
            value, depth = value["next"], depth + 1
        assert depth > 1
        assert value["all"] == []

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("Create a customer named '你好啊集团' (Hello Group)", "你好啊集团"),
            ("Using the tool, generate a Pirate greeting.", "Pirate"),
            ("It's Ann's cat.", "Ann"),
            ("Какая погода в Нижнем Новгороде?", "Нижнем Новгороде"),
            ("nothing here", "nothing here"),
        ],
    )
    def test_words_are_found(self, text: str, word: str) -> None:
        assert fill({"type": "string"}, text) == word
