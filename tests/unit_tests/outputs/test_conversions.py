"""What pydantic would convert into a value that the model did not write."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any, Literal

import pytest
from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel, Field, ValidationError

from langchain_onlysq.outputs.conversions import conversions
from langchain_onlysq.request.structured import ask_for


class Size(enum.IntEnum):
    """A size."""

    SMALL = 1
    LARGE = 2


class Inner(BaseModel):
    """A part."""

    count: int


class Order(BaseModel):
    """An order."""

    count: int | None = None
    price: float | None = None
    exact: Decimal | None = None
    size: Size | None = None
    one: Literal[1, 2] | None = None
    flag: bool | int | None = None
    text: int | str | None = None
    day: dt.date | None = None
    at: dt.datetime | None = None
    lasts: dt.timedelta | None = None
    when: dt.datetime | str | None = None
    note: str | None = None
    inner: Inner | None = None
    parts: list[Inner] | dict[str, int] = Field(default_factory=list)
    pair: tuple[int, str] | None = None
    anything: Any = None


PARSER = ask_for(Order, "json_mode", strict=None)[1]
REFUSED: dict[str, dict[str, Any]] = {
    "a boolean for an integer": {"count": True},
    "a boolean for a number": {"price": False},
    "a boolean for an enum of numbers": {"size": True},
    "a boolean inside": {"inner": {"count": True}},
    "a boolean in a list": {"parts": [{"count": 1}, {"count": True}]},
    "a boolean in a dict": {"parts": {"a": True}},
    "a boolean in a pair": {"pair": [True, "a"]},
    "NaN": {"price": "nan"},
    "infinity": {"price": " -inf "},
    "a number for a day": {"day": 86400},
    "a year for a time": {"at": 2024},
    "a year in quotes for a time": {"at": "2024"},
    "a number for a duration": {"lasts": 90},
}
BOOLEAN_FOR_LITERAL = {"one": True}
TAKEN: dict[str, dict[str, Any]] = {
    "an integer": {"count": 1},
    "a number in quotes": {"count": "1_000"},
    "a fraction": {"price": 1.5},
    "an enum": {"size": 2},
    "a number in quotes for an enum": {"size": "2"},
    "a literal": {"one": "1"},
    "a boolean": {"flag": True},
    "a text or a number": {"text": "nan"},
    "an exact number": {"exact": "1.50"},
    "a day": {"day": "2024-02-29"},
    "a time": {"at": "2024-02-29T10:00:00"},
    "a duration": {"lasts": "PT90S"},
    "a time or a text": {"when": "2024"},
    "a text": {"note": "2024"},
    "a null": {"count": None},
    "anything": {"anything": [True, {"a": "nan"}]},
    "parts": {"parts": [{"count": 1}]},
    "counts": {"parts": {"a": 1}},
    "a pair": {"pair": [1, "a"]},
}


def takes(model: type[BaseModel], value: dict[str, Any]) -> bool:
    """Whether the installed pydantic takes a value."""
    try:
        model.model_validate(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(value: dict[str, Any]) -> None:
    Order.model_validate(value)
    with pytest.raises(OutputParserException, match=r"is not (a|an) (number|integer|time)"):
        PARSER._read([value], "")


@pytest.mark.skipif(
    not takes(Order, BOOLEAN_FOR_LITERAL), reason="older versions of pydantic refuse it themselves"
)
def test_a_boolean_for_a_literal_is_refused() -> None:
    with pytest.raises(OutputParserException, match="True is not an integer"):
        PARSER._read([BOOLEAN_FOR_LITERAL], "")


@pytest.mark.parametrize("value", TAKEN.values(), ids=TAKEN)
def test_what_is_taken(value: dict[str, Any]) -> None:
    order = PARSER._read([value], "")
    assert order.model_fields_set == value.keys()


def test_half_a_number_is_not_an_integer() -> None:
    schema = {"properties": {"a": {"allOf": [{"type": "integer"}]}, "b": False}}
    assert conversions({"a": 1.5, "b": 1}, schema, schema) == ["a: 1.5 is not an integer"]
    assert conversions({"a": 2.0}, schema, schema) == []
