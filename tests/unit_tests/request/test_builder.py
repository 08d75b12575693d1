"""What cannot be sent is said before anything is, whatever objects a call holds."""

from __future__ import annotations

import enum
import traceback
from typing import Any, NotRequired, TypedDict

import pytest
import typing_extensions
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_onlysq import ChatOnlySq, OnlySqInvalidRequestError
from langchain_onlysq.testing import LocalOnlySq
from tests.support.four_ways import WAYS, run
from tests.support.tools import SETUPS, make, weather

CALL = {"type": "tool_call", "name": "add", "args": {}, "id": "c"}


class Colour(enum.Enum):
    """Keys that JSON has no form for."""

    RED = 1


class Unreadable:
    """An object whose methods fail."""

    def __str__(self) -> str:
        msg = "no text"
        raise LookupError(msg)

    __repr__ = __str__


def changed(message: BaseMessage, name: str, value: Any) -> BaseMessage:
    """Return a message that was given a wrong value after it was made."""
    message.__dict__[name] = value
    return message


def tool_use(**fields: Any) -> AIMessage:
    block = {"type": "tool_use", "id": "c", "name": "add", "input": {}, **fields}
    return AIMessage([block])


MESSAGES: dict[str, list[BaseMessage]] = {
    "arguments with tuples as keys": [tool_use(input={(1, 2): 3})],
    "arguments with an enum as a key": [tool_use(input={Colour.RED: 3})],
    "arguments that cannot be shown": [tool_use(input={"a": Unreadable()})],
    "a list as the id of a call": [tool_use(id=["c"])],
    "a result with an enum as a key": [
        AIMessage("", tool_calls=[CALL]),
        ToolMessage([{Colour.RED: 1}], tool_call_id="c"),
    ],
    "a part with a tuple as a key": [HumanMessage([{(1, 2): 1}])],
    "a part whose type is a list": [HumanMessage([{"type": ["x"], "text": "y"}])],
    "content that is a number": [changed(HumanMessage("x"), "content", 5)],
    "a part that is None": [changed(HumanMessage("x"), "content", [None])],
}


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
def test_a_message_that_cannot_be_sent_is_named(
    messages: list[BaseMessage], setup: str, server: LocalOnlySq
) -> None:
    conversation = [HumanMessage("first"), *messages]
    with pytest.raises(OnlySqInvalidRequestError, match=r"^Message [12] \(\w+\) ") as caught:
        make(server, setup).invoke(conversation)
    assert server.requests == []
    assert "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("way", WAYS)
def test_a_part_that_langchain_itself_fails_at_is_named(way: str, server: LocalOnlySq) -> None:
    messages = [HumanMessage([{"type": {}, "text": "y"}])]
    error = run(way, make(server), messages).failure
    assert type(error) is OnlySqInvalidRequestError
    assert str(error).startswith("Message 0 (human) holds a content block whose type is not")


def offered(parameters: Any, name: Any = "add") -> dict[str, Any]:
    function = {"name": name, "description": "Add.", "parameters": parameters}
    return {"type": "function", "function": function}


def cyclic() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["self"] = schema
    return schema


def deep() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(20_000):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def with_default(value: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"type": "string", "default": value}}}


UNSENDABLE_TOOLS = {
    "a number as the schema": offered(5),
    "true as the schema": offered(parameters=True),
    "cyclic": offered(cyclic()),
    "deep": offered(deep()),
    "a tuple as a key": offered(with_default({(1, 2): 3})),
    "a number without end": offered(with_default(10**5000)),
    "a number as the name": offered({}, name=5),
    "a list as the name": offered({}, name=["a"]),
    "a number as the type": {"type": 5, "function": {"name": "a", "parameters": {}}},
    "nothing": None,
    "a class of Python": int,
}


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("tool", UNSENDABLE_TOOLS.values(), ids=UNSENDABLE_TOOLS)
def test_a_tool_that_cannot_be_sent_is_an_error(tool: Any, setup: str, server: LocalOnlySq) -> None:
    with pytest.raises(OnlySqInvalidRequestError):
        make(server, setup).bind_tools([tool]).invoke("Hi")
    assert server.requests == []


def property_with(**keywords: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": keywords}, "required": ["a"]}


ODD_SCHEMAS: dict[str, Any] = {
    "required is no list": {**property_with(type="string"), "required": True},
    "properties are a list": {"type": "object", "properties": [1]},
    "an enum is no list": property_with(enum=5),
    "a choice is no list": property_with(anyOf={"b": 1}),
    "a type is no text": property_with(type={}),
}


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("schema", ODD_SCHEMAS.values(), ids=ODD_SCHEMAS)
def test_schemas_that_are_not_quite_schemas_are_sent_as_they_are(
    schema: Any, setup: str, server: LocalOnlySq
) -> None:
    assert make(server, setup).bind_tools([offered(schema)]).invoke("Hi").content
    assert len(server.requests) == 1


KEYWORDS: dict[str, dict[str, Any]] = {
    "a choice": {"tool_choice": 10**5000},
    "a form": {"response_format": int},
    "a judge": {"structured_output_judge": "mine"},
    "a timeout": {"timeout": 10**5000},
    "an object": {"further": Unreadable()},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("keywords", KEYWORDS.values(), ids=KEYWORDS)
def test_a_keyword_that_cannot_be_sent_is_an_error(
    keywords: dict[str, Any], way: str, server: LocalOnlySq
) -> None:
    bound = make(server).bind_tools([weather]).bind(**keywords)
    assert isinstance(run(way, bound).failure, OnlySqInvalidRequestError)
    assert server.requests == []


def test_a_timeout_is_no_number_without_end() -> None:
    with pytest.raises(ValueError, match="give seconds"):
        ChatOnlySq(model="m", timeout=10**5000)


@pytest.mark.parametrize("way", WAYS)
def test_stop_has_other_names(way: str, server: LocalOnlySq) -> None:
    run(way, make(server).bind(stop_sequences=["END"]))
    assert server.requests[0].chat["stop"] == ["END"]


class Partly(TypedDict):
    """What LangChain makes no tool of, since a key may be missing."""

    city: str
    days: NotRequired[int]


class PartlyToo(typing_extensions.TypedDict):
    """The same, of the other library."""

    city: str
    days: typing_extensions.NotRequired[int]


@pytest.mark.parametrize("schema", [Partly, PartlyToo])
def test_keys_may_be_missing(schema: Any, server: LocalOnlySq) -> None:
    server.reply('{"city": "Rome"}', '{"city": "Rome", "days": 2}')
    structured = make(server).with_structured_output(schema)
    assert structured.invoke("Hi") == {"city": "Rome"}
    assert structured.invoke("Hi") == {"city": "Rome", "days": 2}
    make(server, "openai").bind_tools([schema]).invoke("Hi")
    function = server.requests[-1].chat["tools"][0]["function"]
    assert function["name"] == schema.__name__
    assert function["parameters"]["required"] == ["city"]
