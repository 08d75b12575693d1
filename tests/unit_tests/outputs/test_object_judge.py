"""Whether an answer holds its object, or why it is asked for once more."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langchain_onlysq.outputs.object_judge import JUDGE_KEYWORD, ObjectJudge
from langchain_onlysq.request.structured import ask_for
from langchain_onlysq.request.tools import take_tool_keywords
from langchain_onlysq.response.deltas import Delta, Reasoning, ToolCallDelta
from langchain_onlysq.testing import LocalOnlySq
from tests.support.tools import make

METHODS = ["json_schema", "function_calling", "json_mode"]


class City(BaseModel):
    """A city."""

    name: str
    size: int


def judge_for(
    schema: Any = City, method: str = "json_schema", *, include_raw: bool = False
) -> ObjectJudge:
    asked, _ = ask_for(schema, method, strict=None, include_raw=include_raw)
    judge = asked[JUDGE_KEYWORD]
    assert isinstance(judge, ObjectJudge)
    return judge


def said(text: str, finish_reason: str = "stop", **additional: Any) -> AIMessage:
    metadata = {"finish_reason": finish_reason, "model_provider": "onlysq"}
    return AIMessage(text, additional_kwargs=additional, response_metadata=metadata)


@pytest.mark.parametrize("method", METHODS)
def test_an_object_that_fits_is_not_asked_for_again(method: str) -> None:
    assert judge_for(method=method).objection(said('{"name": "Lisbon", "size": 5}')) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I know none.", "There is no JSON object in the answer."),
        ('{"error": "none"}', "There is no JSON object in the answer that is meant to be City."),
        ('{"name": "Lisbon", "si', "The JSON in the answer was cut off before its end."),
        ('{"name": "a", "size": 1} {"name": "b", "size": 1}', "holds several objects"),
    ],
)
@pytest.mark.parametrize("schema", [City, City.model_json_schema()])
def test_the_reason(schema: Any, text: str, reason: str) -> None:
    objection = judge_for(schema).objection(said(text))
    assert objection is not None
    assert reason in objection
    assert "troubleshooting" not in objection


def test_an_answer_without_json_is_quoted_in_the_error_and_not_in_the_reminder(
    server: LocalOnlySq,
) -> None:
    prose = "Sure! Lisbon is a city of Portugal, " + "and a fine one, " * 9
    server.reply(prose, prose)
    with pytest.raises(OutputParserException) as caught:
        make(server, max_repairs=1).with_structured_output(City).invoke("Hi")
    error = str(caught.value).partition("\n")[0]
    assert error.startswith("There is no JSON object in the answer. It begins with 'Sure! Lisbon ")
    assert error.endswith("…'")
    assert len(error) < 160
    reminder = server.requests[-1].messages[-1]["content"]
    assert "Your answer cannot be used: There is no JSON object in the answer.\n" in reminder
    server.reply(" ")
    with pytest.raises(OutputParserException, match=r"no JSON object in the answer\.\n"):
        make(server, max_repairs=0).with_structured_output(City).invoke("Hi")


def test_the_reason_of_the_schema() -> None:
    judge = judge_for(City.model_json_schema())
    objection = judge.objection(said('{"name": "Lisbon", "size": "big"}'))
    assert objection == 'The answer does not fit City: size: "big" is not of type integer'
    assert "valid integer" in str(judge_for().objection(said('{"name": "a", "size": "big"}')))


def test_the_reason_is_short() -> None:
    keys = {f"key {number}": {"type": "integer"} for number in range(99)}
    schema = {"title": "Many", "properties": keys, "required": [*keys]}
    objection = judge_for(schema).objection(said('{"key 1": 1, "key 2": "' + "x" * 9999 + '"}'))
    assert len(objection or "") <= 500
    long = {"title": "L" * 999, "properties": {"a": {"type": "integer"}}}
    objection = judge_for(long).objection(said('{"a": "b"}'))
    assert len(objection or "") == 500


@pytest.mark.parametrize(
    "message",
    [
        said('{"name": "Lisb', "length"),
        said('{"name": "Lisb', "MAX_TOKENS"),
        said('{"name": "Lisb', "content_filter"),
        said("", "content_filter", refusal=""),
        said("", refusal="I will not."),
    ],
)
def test_what_is_not_asked_for_again(message: AIMessage) -> None:
    assert judge_for().objection(message) is None


def test_the_calls_are_judged() -> None:
    judge = judge_for(method="function_calling")
    assert judge.tool_name == "City"
    call = {"name": "City", "args": {"name": "Lisbon"}, "id": "1"}
    assert "size" in str(judge.objection(AIMessage("", tool_calls=[call])))
    broken = {"name": "City", "args": '{"name": "Li', "id": "1", "error": "cut off"}
    message = AIMessage("", invalid_tool_calls=[{**broken, "type": "invalid_tool_call"}])
    assert judge.objection(message) == "The call of 'City' is broken: cut off"


DELTAS: list[Delta] = ["Sure: ", Reasoning("{}"), '{"na', ToolCallDelta(0, "1", "City")]


@pytest.mark.parametrize(
    ("schema", "include_raw", "shown"),
    [
        (City, False, [False, False, False, False]),
        (City, True, [False, False, True, True]),
        (City.model_json_schema(), False, [False, False, True, True]),
    ],
)
def test_what_the_caller_of_a_stream_sees(
    schema: Any,
    *,
    include_raw: bool,
    shown: list[bool],
) -> None:
    judge = judge_for(schema, include_raw=include_raw)
    assert [judge.is_shown(delta) for delta in DELTAS] == shown


def test_it_rides_in_the_keywords_of_a_call_and_is_not_sent(server: LocalOnlySq) -> None:
    llm: Any = make(server).with_structured_output(City)
    keywords = llm.first.kwargs
    request, rest = take_tool_keywords(keywords)
    assert request.judge is keywords[JUDGE_KEYWORD]
    assert JUDGE_KEYWORD not in rest
    server.reply('{"name": "Lisbon", "size": 5}')
    assert llm.invoke("Hi") == City(name="Lisbon", size=5)
    assert server.requests[0].json["request"].keys() == {"messages"}


def test_it_is_the_same_in_every_process() -> None:
    judge = judge_for()
    assert repr(judge) == repr(pickle.loads(pickle.dumps(judge))) == "ObjectJudge('City')"  # noqa: S301


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({}, [False]),
        ({"response_format": {"type": "text"}}, [False]),
        ({"response_format": {"type": "json_object"}}, [True]),
        ({"response_format": City}, [True]),
        ({"response_format": City, JUDGE_KEYWORD: judge_for()}, [False]),
    ],
)
def test_who_reads_the_text_as_json(keywords: dict[str, Any], expected: list[bool]) -> None:
    assert [take_tool_keywords(keywords)[0].wants_bare_object] == expected
