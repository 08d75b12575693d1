"""The shapes in which models write an object, and the traps: what must not become a value."""

from __future__ import annotations

import datetime
import json
import operator
import warnings
from decimal import Decimal
from enum import Enum
from functools import reduce
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from pydantic import BaseModel, ConfigDict, Field

from langchain_onlysq.outputs.structured_output import StructuredOutputParser
from langchain_onlysq.request.structured import ask_for
from langchain_onlysq.testing import LocalOnlySq, Reply, chunk
from tests.support.four_ways import WAYS
from tests.support.tools import make

FENCE = "```"


class Person(BaseModel):
    """A person."""

    full_name: str
    age: int
    height: float
    is_admin: bool
    tags: list[str] = []
    note: str | None = None


class PersonDict(TypedDict):
    """A person."""

    full_name: str
    age: int
    height: float
    is_admin: bool
    tags: NotRequired[list[str]]
    note: NotRequired[str | None]


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pydantic import v1

    class PersonV1(v1.BaseModel):
        """A person."""

        full_name: str
        age: int
        height: float
        is_admin: bool
        tags: list[str] = []
        note: str | None = None


SCHEMA = {"title": "Person", **ask_for(Person, "json_mode", strict=None)[1].json_schema}  # type: ignore[dict-item]
