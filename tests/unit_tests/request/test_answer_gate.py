"""What is held back until it is known whether the model is asked once more."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from langchain_onlysq.request.answer_gate import AnswerGate
from langchain_onlysq.request.structured import ask_for
from langchain_onlysq.request.tools import ToolRequest, take_tool_keywords
from langchain_onlysq.response.deltas import AnswerEnd, Delta, Reasoning, ToolCallDelta


class City(BaseModel):
    """A city."""

    name: str


FITS: list[Delta] = ['{"name": ', '"Lisbon"}']
FITS_NOT: list[Delta] = ["Sure: ", '{"nam": 1}']
CALL: list[Delta] = [ToolCallDelta(0, "1", "City"), ToolCallDelta(0, args='{"name": "Lisbon"}')]
BAD_CALL: list[Delta] = [ToolCallDelta(0, "1", "City"), ToolCallDelta(0, args="{}")]
BROKEN: list[Delta] = [ToolCallDelta(0, "1", "City", "{", error="cut off")]
FREE = ToolRequest()
FORCED = take_tool_keywords({"tools": [City], "tool_choice": "City"})[0]


def wanting(schema: Any = City, method: str = "json_schema", **options: bool) -> ToolRequest:
    return take_tool_keywords(ask_for(schema, method, strict=None, **options)[0])[0]


AS_DICT = City.model_json_schema()
CASES: dict[str, tuple[ToolRequest, bool, list[Delta], int, str | None]] = {
    # What is asked for, whether it streams, the answer; how much of it is delivered before its end,
    # and what the reminder says.
    "free text": (FREE, True, ["a", "b"], 2, None),
    "a call that was demanded": (FORCED, True, ["So: ", *CALL], 3, None),
    "no call": (FORCED, True, ["a"], 0, 'You must call "City".'),
    "a broken call": (FORCED, True, BROKEN, 0, "Your call cannot be read: cut off."),
    "a class": (wanting(), False, FITS, 0, None),
    "no class": (wanting(), False, FITS_NOT, 0, "name"),
    "a streamed class": (wanting(), True, FITS, 0, None),
    "no streamed class": (wanting(), True, FITS_NOT, 0, "name"),
    "a dict": (wanting(AS_DICT), False, FITS, 0, None),
    "no dict": (wanting(AS_DICT), False, FITS_NOT, 0, "name"),
    "a streamed dict": (wanting(AS_DICT), True, FITS, 2, None),
    "a streamed dict that does not fit": (wanting(AS_DICT), True, FITS_NOT, 2, None),
    "prose for a streamed dict": (wanting(AS_DICT), True, [Reasoning("{"), "No."], 0, "no JSON"),
    "a streamed class beside its message": (wanting(include_raw=True), True, FITS_NOT, 2, None),
    "a call of the class": (wanting(method="function_calling"), False, CALL, 0, None),
    "no call of the class": (
        wanting(method="function_calling"),
        False,
        ["No."],
        0,
        'You must call "City".',
    ),
    "a call that does not fit": (wanting(method="function_calling"), True, BAD_CALL, 0, "name"),
    "a streamed call of the dict": (
        wanting(AS_DICT, "function_calling"),
        True,
        ["{", *BAD_CALL],
        3,
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_and_what_is_asked_again(name: str) -> None:
    tools, streams, deltas, shown, said = CASES[name]
    gate = AnswerGate(tools, may_ask_again=True, streams=streams)
    delivered: list[Delta] = []
    for delta in deltas:
        gate.hold([delta])
        delivered += gate.release()
    assert len(delivered) == shown
    reminder = gate.reminder(AnswerEnd())
    if said is None:
        assert reminder is None
        assert delivered + gate.release() == deltas
    else:
        assert said in str(reminder)
        assert gate.release() == []
        assert gate.held == deltas


@pytest.mark.parametrize("name", CASES)
def test_without_a_further_request_nothing_is_held_back(name: str) -> None:
    tools, streams, deltas, *_ = CASES[name]
    gate = AnswerGate(tools, may_ask_again=False, streams=streams)
    gate.hold(deltas)
    assert gate.release() == deltas
    assert gate.reminder(AnswerEnd()) is None


@pytest.mark.parametrize("finish_reason", ["length", "MAX_TOKENS", "content_filter"])
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[-1]])
def test_an_answer_that_was_cut_is_kept(name: str, finish_reason: str) -> None:
    tools, streams, deltas, *_ = CASES[name]
    gate = AnswerGate(tools, may_ask_again=True, streams=streams)
    gate.hold(deltas)
    assert gate.reminder(AnswerEnd(metadata={"finish_reason": finish_reason})) is None
    assert gate.release() == deltas


def test_a_refusal_is_kept() -> None:
    for tools in (wanting(), wanting(method="function_calling")):
        gate = AnswerGate(tools, may_ask_again=True, streams=True)
        gate.hold(["I will not."])
        assert gate.reminder(AnswerEnd(additional={"refusal": "I will not."})) is None
        assert gate.release() == ["I will not."]
