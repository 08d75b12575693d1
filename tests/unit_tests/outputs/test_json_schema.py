"""A value and a JSON schema: where the one does not fit the other."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq.outputs.json_schema import problems

STRING, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}
TREE = {
    "type": "object",
    "properties": {"left": {"$ref": "#"}, "value": {"$ref": "#/$defs/a~1b/c~0d"}},
    "$defs": {"a/b": {"c~d": INTEGER}, "no": False, "list": []},
}
LOOP = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
CHOICE_OF_ITSELF: dict[str, Any] = {"anyOf": [{"$ref": "#"}, STRING]}
CASES: dict[str, tuple[Any, Any, list[str]]] = {
    "anything": ({"a": 1}, {}, []),
    "true": (1, True, []),
    "false": (1, False, ["the object: must not be there"]),
    "a type": ("a", STRING, []),
    "another type": (1, STRING, ["the object: 1 is not of type string"]),
    "one of several types": (None, {"type": ["string", "null"]}, []),
    "none of several types": (
        [],
        {"type": ["string", "null"]},
        ["the object: [] is not of type string or null"],
    ),
    "a type that nobody knows": (1, {"type": "money"}, []),
    "nullable": (None, {"type": "string", "nullable": True}, []),
    "not nullable": (
        None,
        {"type": "string", "nullable": False},
        ["the object: null is not of type string"],
    ),
    "a boolean": (True, {"type": "boolean"}, []),
    "a boolean is not a number": (True, NUMBER, ["the object: true is not of type number"]),
    "a boolean is not an integer": (False, INTEGER, ["the object: false is not of type integer"]),
    "an integer is not a boolean": (
        1,
        {"type": "boolean"},
        ["the object: 1 is not of type boolean"],
    ),
    "an integer is a number": (1, NUMBER, []),
    "2.0 is an integer": (2.0, INTEGER, []),
    "2.5 is not": (2.5, INTEGER, ["the object: 2.5 is not of type integer"]),
    "an enum": ("b", {"enum": ["a", "b"]}, []),
    "not of the enum": ("c", {"enum": ["a"]}, ['the object: "c" is not one of ["a"]']),
    "true is not 1 of an enum": (True, {"enum": [1]}, ["the object: true is not one of [1]"]),
    "a constant": (1.0, {"const": 1}, []),
    "not the constant": (2, {"const": 1}, ["the object: 2 is not 1"]),
    "null as a constant": (2, {"const": None}, ["the object: 2 is not null"]),
    "within bounds": (5, {"minimum": 5, "maximum": 5}, []),
    "below": (4, {"minimum": 5}, ["the object: 4 is less than 5"]),
    "above": (6, {"maximum": 5}, ["the object: 6 is more than 5"]),
    "not above": (5, {"exclusiveMinimum": 5}, ["the object: 5 is not more than 5"]),
    "not below": (5, {"exclusiveMaximum": 5}, ["the object: 5 is not less than 5"]),
    "a bound that is not a number": (5, {"exclusiveMinimum": True}, []),
    "too short": ("a", {"minLength": 2}, ['the object: "a" is shorter than 2']),
    "too long": ([1, 2], {"maxItems": 1}, ["the object: [1, 2] is longer than 1"]),
    "long enough": ({"a": 1}, {"minProperties": 1}, []),
    "a size that is not one": ("a", {"minLength": "2"}, []),
    "a pattern": ("ab", {"pattern": "^a"}, []),
    "not of the pattern": ("b", {"pattern": "^a"}, ['the object: "b" does not match ^a']),
    "a pattern that Python cannot read": ("b", {"pattern": "(?<x>a)"}, []),
    "a list": ([1, 2], {"items": INTEGER}, []),
    "a wrong item": ([1, "b"], {"items": INTEGER}, ['[1]: "b" is not of type integer']),
    "a pair": (["a", 1, 2], {"prefixItems": [STRING], "items": INTEGER}, []),
    "a wrong pair": ([1], {"prefixItems": [STRING]}, ["[0]: 1 is not of type string"]),
    "too many for a pair": (
        ["a", 1],
        {"prefixItems": [STRING], "items": False},
        ["[1]: must not be there"],
    ),
    "an item twice": ([1, 1], {"uniqueItems": True}, ["the object: holds an item twice"]),
    "each item once": ([1, True], {"uniqueItems": True}, []),
    "a missing key": ({}, {"required": ["a"]}, ["a: is missing"]),
    "a wrong member": (
        {"a": {"b": [{"c": 1}]}},
        {"properties": {"a": {"properties": {"b": {"items": {"properties": {"c": STRING}}}}}}},
        ["a.b[0].c: 1 is not of type string"],
    ),
    "a further key": ({"b": 1}, {"properties": {"a": STRING}}, []),
    "a key that is not there": (
        {"b": 1},
        {"additionalProperties": False},
        ["b: is not a key of the schema"],
    ),
    "further keys of a type": (
        {"a": 1, "b": 1},
        {"properties": {"a": INTEGER}, "additionalProperties": STRING},
        ["b: 1 is not of type string"],
    ),
    "keys of a pattern": (
        {"x-a": 1},
        {"patternProperties": {"^x-": STRING}, "additionalProperties": False},
        ["x-a: 1 is not of type string"],
    ),
    "any of": (1, {"anyOf": [STRING, INTEGER]}, []),
    "none of any": (
        {"a": 1},
        {"anyOf": [{"required": ["b", "c"]}, {"required": ["d"]}]},
        ["d: is missing"],
    ),
    "one of": (1, {"oneOf": [STRING, INTEGER]}, []),
    "two of one": (1, {"oneOf": [NUMBER, INTEGER]}, ["the object: 1 fits 2 schemas of oneOf"]),
    "all of": (1, {"allOf": [NUMBER, INTEGER]}, []),
    "not all of": (1.5, {"allOf": [NUMBER, INTEGER]}, ["the object: 1.5 is not of type integer"]),
    "what it must not be": (1, {"not": INTEGER}, ["the object: 1 fits what it must not be"]),
    "what it is not": (1, {"not": STRING}, []),
    "a list of schemas that is none": (1, {"anyOf": "x"}, []),
    "properties that are none": ({"a": 1}, {"properties": 7}, []),
    "a reference": ({"value": 1, "left": {"value": 2}}, TREE, []),
    "a wrong reference": (
        {"left": {"left": {"value": "x"}}},
        TREE,
        ['left.left.value: "x" is not of type integer'],
    ),
    "a reference to a file": (1, {"$ref": "x.json"}, []),
    "a reference to nothing": (1, {"$ref": "#/$defs/x/y"}, []),
    "a reference to false": (
        1,
        {"$ref": "#/$defs/no", "$defs": {"no": False}},
        ["the object: must not be there"],
    ),
    "a reference to a list": (1, {"$ref": "#/$defs/list", "$defs": {"list": []}}, []),
    "a reference with a word of its own": (
        {"a": "x"},
        {"properties": {"a": {"$ref": "#/$defs/n", "title": "A"}}, "$defs": {"n": INTEGER}},
        ['a: "x" is not of type integer'],
    ),
    "references in a circle": (1, LOOP, []),
    "a choice of itself": (1, CHOICE_OF_ITSELF, []),
    "a long value": ("a" * 99, INTEGER, [f'the object: "{"a" * 59}… is not of type integer']),
}


@pytest.mark.parametrize(("value", "schema", "expected"), CASES.values(), ids=CASES)
def test_the_problems(value: Any, schema: Any, expected: list[str]) -> None:
    root = schema if isinstance(schema, dict) else {}
    assert problems(value, schema, root) == expected
