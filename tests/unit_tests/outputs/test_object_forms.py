"""What an object may look like and still be the one that was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from langchain_onlysq.outputs.object_forms import layers, mend
from langchain_onlysq.outputs.structured_output import StructuredOutputParser
from langchain_onlysq.request.structured import ask_for

CITY: dict[str, Any] = {
    "title": "City",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "size": {"type": ["integer", "null"]},
        "parts": {"type": "array", "items": {"$ref": "#"}},
        "pair": {"prefixItems": [{"type": "number"}, {"type": "string"}]},
        "code": {"anyOf": [{"type": "integer"}, {"const": "x"}]},
        "rank": {"enum": [1, 2]},
        "rate": {"const": 2.5},
        "any": {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 0}]},
        "far": {"allOf": [{"type": "number"}]},
        "data": {"type": "object", "additionalProperties": {"type": "integer"}},
        "open": True,
    },
}
MENDED: dict[str, tuple[Any, Any]] = {
    "nothing": ({"name": "a", "size": 1}, {"name": "a", "size": 1}),
    "a key": ({"NAME": "a"}, {"name": "a"}),
    "a key further in": ({"Parts": [{"Name": "a"}]}, {"parts": [{"name": "a"}]}),
    "a key that nobody knows": ({"Color": "1"}, {"Color": "1"}),
    "a number": ({"size": " 12 "}, {"size": 12}),
    "no number": ({"size": "12 m"}, {"size": "12 m"}),
    "a number of a pair": ({"pair": ["1.5", "2"]}, {"pair": [1.5, "2"]}),
    "too short a pair": ({"pair": ["1"]}, {"pair": [1]}),
    "too long a pair": ({"pair": ["1", "2", "3"]}, {"pair": [1, "2", "3"]}),
    "a number of a choice": ({"code": "7"}, {"code": 7}),
    "a text of a choice": ({"code": "x"}, {"code": "x"}),
    "neither of a choice": ({"code": "y"}, {"code": "y"}),
    "a number of an enum": ({"rank": "2"}, {"rank": 2}),
    "a number that is a constant": ({"rate": "2.5"}, {"rate": 2.5}),
    "a number that fits twice, alike": ({"any": "5"}, {"any": 5}),
    "a number of all": ({"far": "5"}, {"far": 5}),
    "a number in a dict": ({"data": {"Name": "5"}}, {"data": {"Name": 5}}),
    "anything": ({"open": "5"}, {"open": "5"}),
}


@pytest.mark.parametrize(("value", "expected"), MENDED.values(), ids=MENDED)
def test_what_is_mended(value: Any, expected: Any) -> None:
    assert mend(value, CITY, CITY) == expected


LAYERS: dict[str, tuple[Any, list[Any]]] = {
    "an object": ({"name": "a"}, [{"name": "a"}]),
    "an empty one": ({}, [{}]),
    "an empty one in a list": ([{}], []),
    "another one": ({"error": "a", "code_": 1}, [{"error": "a", "code_": 1}]),
    "nothing of it": ({"error": "a", "why": "b"}, []),
    "a text": ("a", []),
    "a list of two": ([{"name": "a"}, {"name": "b"}], []),
    "in five keys": ({"a": {"b": {"c": {"d": {"name": "a"}}}}}, []),
    "in three keys": ({"a": {"b": {"c": {"name": "a"}}}}, [{"name": "a"}]),
    "in a key of its own": ({"data": {"name": "a"}}, [{"data": {"name": "a"}}]),
    "in properties": ({"type": "object", "properties": {"name": "a"}}, [{"name": "a"}]),
    "in properties beside another key": ({"x": 1, "properties": {"name": "a"}}, []),
    "a call": ({"name": "City", "arguments": {"name": "a"}}, [{"name": "a"}]),
    "a call of another tool": (
        {"name": "Town", "arguments": {"name": "a"}},
        [{"name": "Town", "arguments": {"name": "a"}}],
    ),
    "a name alone": ({"name": "City"}, [{"name": "City"}]),
    "data that looks like a schema": (
        {"data": {"type": "string"}},
        [{"data": {"type": "string"}}],
    ),
}


@pytest.mark.parametrize(("value", "expected"), LAYERS.values(), ids=LAYERS)
def test_the_layers(value: Any, expected: list[Any]) -> None:
    assert list(layers(value, CITY)) == expected


def test_without_properties_any_object_is_meant() -> None:
    assert list(layers({"a": {"b": 1}}, {})) == [{"a": {"b": 1}}]
    assert list(layers([{"a": 1}], {})) == [{"a": 1}]


def test_where_any_key_may_be_there_none_is_renamed() -> None:
    schema = {"properties": {"name": {}}, "additionalProperties": {"type": "integer"}}
    assert mend({"Name": "1"}, schema, schema) == {"Name": 1}
    assert list(layers({"x": 1}, schema)) == [{"x": 1}]


def test_keys_that_differ_in_case_alone_are_not_mixed_up() -> None:
    schema: dict[str, Any] = {"properties": {"id": {}, "ID": {}}}
    assert mend({"id": 1, "ID": 2, "Id": 3}, schema, schema) == {"id": 1, "ID": 2, "Id": 3}


class Renamed(BaseModel):
    """With another name on the wire."""

    model_config = ConfigDict(populate_by_name=True)

    first_name: str = Field("nobody", alias="givenName")


def test_a_class_takes_its_fields_by_either_name() -> None:
    parser = ask_for(Renamed, "json_schema", strict=None)[1]
    for text in ('{"givenName": "Ada"}', '{"first_name": "Ada"}', '{"given_name": "Ada"}'):
        assert parser.parse(text) == Renamed(givenName="Ada")


class Chosen(BaseModel):
    """With several names on the wire."""

    size: int = Field(validation_alias=AliasChoices("width", "breadth", AliasPath("all", 0)))


def test_a_class_takes_any_of_its_aliases() -> None:
    parser = ask_for(Chosen, "json_schema", strict=None)[1]
    for text in ('{"width": 1}', '{"breadth": 1}'):
        assert parser.parse(text).size == 1


def test_what_was_not_meant_is_not_filled_up_with_defaults() -> None:
    parser = ask_for(Renamed, "json_schema", strict=None)[1]
    assert parser.parse("{}") == Renamed()
    for text in ('{"error": "I cannot."}', '{"properties": {"givenName": {"type": "string"}}}'):
        with pytest.raises(OutputParserException, match="meant to be Renamed"):
            parser.parse(text)


def test_too_deep_an_object_is_not_one() -> None:
    schema = {"properties": {"a": {"$ref": "#"}}, "required": ["a"], "title": "Deep"}
    parser = StructuredOutputParser(output_type=None, json_schema=schema)
    deep: dict[str, Any] = {}
    for _ in range(3000):
        deep = {"a": deep}
    with pytest.raises(OutputParserException, match="does not fit Deep"):
        parser._read([deep], "")
