"""TypedDicts and what their objects have to be."""

from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import typing_extensions

from langchain_onlysq.outputs.json_schema import problems
from langchain_onlysq.request.typed_dicts import schema_of_typed_dict


class Part(TypedDict):
    """A part."""

    name: str


class Modern(typing_extensions.TypedDict):
    """A TypedDict of the other library."""

    size: int


class Thing(TypedDict, total=False):
    """A thing."""

    kind: Required[Literal["a", "b"]]
    count: Required[Annotated[int, ..., "How many."]]
    price: Annotated[float, 1.0, "How much."]
    note: str | None
    parts: list[Part]
    by_name: dict[str, Modern]
    pair: tuple[int, str]
    schema: str
    _private: str
    inner: "Thing"
    bare: list[Any]


class Strict(TypedDict):
    """With a key that may be missing."""

    name: str
    price: Annotated[float, 1.0, "How much."]
    size: Annotated[int, ...]
    note: NotRequired[str]


def wrong(typed_dict: Any, value: Any) -> list[str]:
    schema = schema_of_typed_dict(typed_dict)
    return [line.partition(":")[0] for line in problems(value, schema, schema)]


def test_what_fits() -> None:
    least = {"kind": "a", "count": 1}
    assert wrong(Thing, least) == []
    most = {
        **least,
        "price": 1,
        "note": None,
        "parts": [{"name": "x"}],
        "by_name": {"x": {"size": 1}},
        "pair": [1, "a"],
        "schema": "s",
        "_private": "p",
        "inner": {"anything": 1},
        "bare": [1],
    }
    assert wrong(Thing, most) == []
    assert wrong(Strict, {"name": "a", "size": 1}) == []


def test_what_does_not_fit() -> None:
    assert wrong(Thing, {"kind": "c"}) == ["count", "kind"]
    value = {
        "kind": "a",
        "count": 1,
        "price": "1",
        "note": 1,
        "parts": [{}],
        "by_name": {"x": {"size": "1"}},
        "pair": ["a", "b"],
        "inner": 1,
    }
    expected = ["price", "note", "parts[0].name", "by_name.x.size", "pair[0]", "inner"]
    assert wrong(Thing, value) == expected
    assert wrong(Strict, {}) == ["name", "size"]
