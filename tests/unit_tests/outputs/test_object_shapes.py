"""The shapes in which models write an object, and the traps: what must not become a value."""

from __future__ import annotations

import json
import operator
import warnings
from functools import reduce
from typing import Any, Literal, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk
from pydantic import BaseModel, ConfigDict

from langchain_onlysq.outputs.structured_output import StructuredOutputParser
from langchain_onlysq.request.structured import ask_for
from langchain_onlysq.testing import LocalOnlySq, Reply, chunk
from tests.support.four_ways import WAYS
from tests.support.tools import make

FENCE = "```"


class Person(BaseModel):
    """A person."""

    model_config = ConfigDict(extra="forbid")

    full_name: str
    age: int
    height: float
    is_admin: bool
    role: Literal["author", "editor"] = "author"
    tags: list[str] = []
    note: str | None = None


class _RequiredOfPerson(TypedDict):
    full_name: str
    age: int
    height: float
    is_admin: bool


class PersonDict(_RequiredOfPerson, total=False):
    """A person."""

    role: Literal["author", "editor"]
    tags: list[str]
    note: str | None


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pydantic import v1

    class PersonV1(v1.BaseModel):
        """A person."""

        full_name: str
        age: int
        height: float
        is_admin: bool
        role: Literal["author", "editor"] = "author"
        tags: list[str] = []
        note: str | None = None


SCHEMA = {
    "title": "Person",
    "type": "object",
    "properties": {
        "full_name": {"type": "string"},
        "age": {"$ref": "#/$defs/Count"},
        "height": {"type": "number"},
        "is_admin": {"type": "boolean"},
        "role": {"enum": ["author", "editor"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["full_name", "age", "height", "is_admin"],
    "additionalProperties": False,
    "$defs": {"Count": {"type": "integer"}},
}
KINDS: dict[str, Any] = {
    "pydantic": Person,
    "pydantic v1": PersonV1,
    "typeddict": PersonDict,
    "json schema": SCHEMA,
}
kinds = pytest.mark.parametrize("kind", KINDS)

ADA: dict[str, Any] = {
    "full_name": "Ada {L}",
    "age": 1036,
    "height": 1.7,
    "is_admin": True,
    "tags": ["a"],
    "note": None,
}
TEXT = json.dumps(ADA)
PRETTY = json.dumps(ADA, indent=2)
REPR = repr(ADA)
BARE = "full_name: 'Ada {L}', age: 1036, height: 1.7, is_admin: true, tags: ['a'], note: null"

SHAPES = {
    "bare": TEXT,
    "pretty": PRETTY,
    "in a fence": f"{FENCE}json\n{PRETTY}\n{FENCE}",
    "in a fence among prose": f"Sure:\n\n{FENCE}json\n{TEXT}\n{FENCE}\nAnything {{else}}?",
    "in a fence left open": f"{FENCE}json\n{TEXT}",
    "among prose": f"Here is the person you asked for: {TEXT} I hope it helps.",
    "in one key": json.dumps({"person": ADA}),
    "in one key, in a fence": f"{FENCE}\n{json.dumps({'result': ADA}, indent=1)}\n{FENCE}",
    "a list of one": json.dumps([ADA]),
    "a list of one in one key": json.dumps({"people": [ADA]}),
    "in the schema's properties": json.dumps(
        {"title": "Person", "type": "object", "properties": ADA}
    ),
    "as a call": json.dumps({"name": "Person", "arguments": ADA}),
    "after the schema": f"The schema is {json.dumps(SCHEMA)}.\n\n{TEXT}",
    "keys in camel case": TEXT.replace("full_name", "fullName").replace("is_admin", "isAdmin"),
    "keys with blanks": TEXT.replace("full_name", "Full name").replace("age", "AGE"),
    "numbers in quotes": TEXT.replace("1036", '"1036"').replace("1.7", '"1.7"'),
    "grouped digits": TEXT.replace("1036", "1_036"),
    "grouped digits in quotes": TEXT.replace("1036", '"1_036"'),
    "a whole float": TEXT.replace("1036", "1036.0"),
    "comments": PRETTY.replace("1036,", "1036, // years") + "\n# done\n",
    "a comment in between": TEXT.replace("1036", "/* in years */ 1036"),
    "trailing commas": TEXT.replace('["a"]', '["a",]').replace("null}", "null,}"),
    "Python's repr": REPR,
    "Python's literals": TEXT.replace("true", "True").replace("null", "None"),
    "single quotes": REPR.replace("True", "true").replace("None", "null"),
    "keys without quotes": f"{{{BARE}}}",
    "doubled braces": f"{{{TEXT}}}",
    "said twice": f"{TEXT}\n\nIn short:\n{FENCE}json\n{PRETTY}\n{FENCE}",
    "after a byte order mark": f"\ufeff{TEXT}",
}
TRAPS = {
    "a cut off object": TEXT[:-1],
    "a cut off object without quotes": f"{{{BARE}",
    "a missing field": TEXT.replace('"age": 1036, ', ""),
    "a null in place of a field": TEXT.replace("1036", "null"),
    "a unit": TEXT.replace("1.7", '"1.7 m"'),
    "a word for a number": TEXT.replace("1036", '"many"'),
    "a boolean for a number": TEXT.replace("1036", "true"),
    "a boolean for a fraction": TEXT.replace("1.7", "false"),
    "a fraction for an integer": TEXT.replace("1036", "1036.5"),
    "a fraction in quotes for an integer": TEXT.replace("1036", '"1036.5"'),
    "a grouping comma": TEXT.replace("1036", '"1,036"'),
    "a decimal comma": TEXT.replace("1.7", '"1,7"'),
    "NaN": TEXT.replace("1.7", "NaN"),
    "NaN in quotes": TEXT.replace("1.7", '"nan"'),
    "infinity in quotes": TEXT.replace("1.7", '"-Infinity"'),
    "too large a number": TEXT.replace("1.7", "1e999"),
    "a list for a number": TEXT.replace("1036", "[1036]"),
    "one value for a list": TEXT.replace('["a"]', '"a"'),
    "another case of a value": TEXT[:-1] + ', "role": "Author"}',
    "a key given twice": TEXT[:-1] + ', "age": 5}',
    "a key given twice, alike": TEXT[:-1] + ', "age": 1036}',
    "a key in two spellings": TEXT[:-1] + ', "Age": 5}',
    "two objects": f"{TEXT}\n{TEXT.replace('1036', '36')}",
    "a draft and an answer, in fences": (
        f"{FENCE}\n{TEXT}\n{FENCE}\nNo:\n{FENCE}\n{TEXT.replace('1036', '36')}\n{FENCE}"
    ),
    "an example and half an answer": f"E.g. {TEXT}. So: {TEXT[:-9]}",
    "an example and an answer that does not fit": f"{TEXT} {TEXT.replace('1036', 'null')}",
    "a list of two": json.dumps([ADA, {**ADA, "age": 36}]),
    "two in two keys": json.dumps({"a": ADA, "b": {**ADA, "age": 36}}),
    "inside of something broken": '{"people": {"ada": ' + TEXT + ", bob: }",
    "behind a comment": f'{{"people": 1, // {TEXT}\n',
    "text without quotes": TEXT.replace('"Ada {L}"', "Ada"),
    "a quote inside of single quotes": REPR.replace("Ada", "Ada's"),
    "the schema itself": json.dumps(SCHEMA),
    "the schema's properties": json.dumps(SCHEMA["properties"]),
    "another object": '{"error": "I know nobody of that name."}',
    "a null": "null",
    "prose": "Ada is 1036 years old.",
}


def parser_for(kind: str) -> StructuredOutputParser:
    return ask_for(KINDS[kind], "json_schema", strict=None)[1]


def as_dict(found: Any) -> dict[str, Any]:
    if isinstance(found, BaseModel):
        return found.model_dump(exclude_unset=True)
    return found.dict(exclude_unset=True) if isinstance(found, v1.BaseModel) else found


@kinds
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_read(shape: str, kind: str) -> None:
    parser, text = parser_for(kind), SHAPES[shape]
    if shape == "as a call":
        text = text.replace("Person", KINDS[kind].__name__ if kind != "json schema" else "Person")
    whole = as_dict(parser.parse(text))
    assert json.dumps(whole) in {TEXT, TEXT.replace("1036", "1036.0")}
    assert as_dict(list(parser.transform(iter(text)))[-1]) == whole
    judged = parser.judge(AIMessage(text))
    assert as_dict(judged["parsed"]) == whole
    assert judged["parsing_error"] is None


@kinds
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_not_a_value(trap: str, kind: str) -> None:
    parser, text = parser_for(kind), TRAPS[trap]
    with pytest.raises(OutputParserException):
        parser.parse(text)
    with pytest.raises(OutputParserException):
        list(parser.transform(iter(text)))
    judged = parser.judge(AIMessage(text))
    assert judged["parsed"] is None
    assert isinstance(judged["parsing_error"], OutputParserException)


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_streamed_shape_is_read(shape: str, size: int) -> None:
    parser, text = parser_for("json schema"), SHAPES[shape]
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    shown = list(parser.transform(AIMessageChunk(content=piece) for piece in pieces))
    assert shown[-1] == parser.parse(text)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", ["in a fence among prose", "in one key", "Python's repr"])
async def test_a_shape_from_a_server(shape: str, way: str, server: LocalOnlySq) -> None:
    llm: Any = make(server).with_structured_output(PersonDict)
    raw: Any = make(server).with_structured_output(PersonDict, include_raw=True)
    reply = Reply.stream([chunk(char) for char in SHAPES[shape]])
    server.reply(reply, reply)
    if way == "invoke":
        assert llm.invoke("x") == ADA
        result = raw.invoke("x")
    elif way == "ainvoke":
        assert await llm.ainvoke("x") == ADA
        result = await raw.ainvoke("x")
    elif way == "stream":
        assert list(llm.stream("x"))[-1] == ADA
        result = reduce(operator.add, raw.stream("x"))
    else:
        assert [part async for part in llm.astream("x")][-1] == ADA
        result = reduce(operator.add, [part async for part in raw.astream("x")])
    assert result["parsed"] == ADA
    assert result["raw"].content == SHAPES[shape]
    assert result["parsing_error"] is None


@kinds
@pytest.mark.parametrize(
    "args",
    [
        ADA,
        {"person": ADA},
        {**ADA, "age": "1036"},
        {("fullName" if k == "full_name" else k): v for k, v in ADA.items()},
    ],
)
def test_the_arguments_of_a_call_are_read_alike(args: dict[str, Any], kind: str) -> None:
    parser = ask_for(KINDS[kind], "function_calling", strict=None)[1]
    call = {"name": parser.tool_name, "args": args, "id": "1"}
    assert as_dict(parser.judge(AIMessage("", tool_calls=[call]))["parsed"]) == ADA


@kinds
def test_two_different_calls_are_not_an_object(kind: str) -> None:
    parser = ask_for(KINDS[kind], "function_calling", strict=None)[1]
    calls = [
        {"name": parser.tool_name, "args": {**ADA, "age": age}, "id": str(age)} for age in (1, 2)
    ]
    error = parser.judge(AIMessage("", tool_calls=calls))["parsing_error"]
    assert "several objects" in str(error)
    alike = [calls[0], {**calls[0], "id": "3"}]
    assert as_dict(parser.judge(AIMessage("", tool_calls=alike))["parsed"]) == {**ADA, "age": 1}
