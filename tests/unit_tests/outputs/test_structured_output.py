"""Objects out of answers: found where they are whole, refused where they are not."""

from __future__ import annotations

import asyncio
import json
import operator
import pickle
import warnings
from functools import reduce
from typing import Any, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.outputs import Generation
from pydantic import BaseModel

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.outputs.structured_output import StructuredOutputParser
from langchain_onlysq.testing import LocalOnlySq, Reply, chunk, completion
from tests.support.four_ways import WAYS
from tests.support.tools import make

FENCE = "```"


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


class JokeDict(TypedDict):
    """A joke."""

    setup: str
    punchline: str


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pydantic import v1

    class JokeV1(v1.BaseModel):
        """A joke."""

        setup: str
        punchline: str


JOKE = {"setup": "Why? {no} ```fence```", "punchline": "Because [x]."}
ANY_OBJECT = StructuredOutputParser(output_type=None)
TEXT = json.dumps(JOKE)
PRETTY = json.dumps(JOKE, indent=2)

FOUND = {
    "alone": TEXT,
    "pretty": PRETTY,
    "in a fence": f"{FENCE}json\n{PRETTY}\n{FENCE}",
    "in a fence among prose": f"Sure! Here it is:\n{FENCE}json\n{TEXT}\n{FENCE}\nEnjoy {{it}}!",
    "in a fence without a language": f"{FENCE}\n{TEXT}\n{FENCE}",
    "in tildes": f"~~~json\n{TEXT}\n~~~",
    "in a fence left open": f"{FENCE}json\n{TEXT}\n",
    "among prose": f"As you asked, a joke: {TEXT} I hope you like it.",
    "after braces": f"In {{python}} and [lists], a joke: {TEXT}",
    "after empty braces": f"Use {{}} like this: {TEXT}",
    "after a list": f"Of [1, 2] and [{{}}]: {TEXT}",
    "in a fence after something broken": f'Not {{"so}}:\n{FENCE}json\n{TEXT}\n{FENCE}',
    "with blanks": f"\n\n  {TEXT}  \n",
}
NOT_FOUND = {
    "prose": ("I know no joke.", "no JSON"),
    "nothing": ("", "no JSON"),
    "braces": ("if (x) { y(); }", "no JSON"),
    "cut off": (TEXT[:-3], "cut off"),
    "cut off in a fence": (f"{FENCE}json\n{PRETTY[:-8]}", "cut off"),
    "cut off with an object inside": ('{"setup": {"a": 1}, "punchl', "cut off"),
    "a quote too many": ("{'setup': 'it's', 'punchline': 'b'}", "broken"),
    "inside of something broken": ('{"outer": {"a": 1},,}', "broken"),
    "inside of something broken, in a fence": (
        f'{FENCE}json\n{{"z": {{"a": 5}}, "q": tru\n{FENCE}',
        "broken",
    ),
    "inside of a comment": ('{"a": 1, // "b": {"a": 3}}', "cut off"),
    "inside of a list that was cut off": ('[{"a": 1}, {"a": 2', "cut off"),
    "inside of braces without quotes": ('{x: {"a": 1}', "no JSON"),
    "a number": ("42", "no JSON"),
    "a string": ('"hi"', "no JSON"),
    "null": ("null", "no JSON"),
    "a list": ("[1, 2]", "no JSON"),
    "a list of objects": ('[{"a": 1}, {"a": 2}]', "no JSON"),
    "NaN": ('{"a": NaN}', "broken"),
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND.keys())
def test_json_is_found(text: str) -> None:
    assert ANY_OBJECT.parse(text) == JOKE


@pytest.mark.parametrize(("text", "reason"), NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_what_is_not_whole_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(OutputParserException, match=reason):
        ANY_OBJECT.parse(text)


def test_many_braces_and_deep_ones_come_to_an_end() -> None:
    for text in (word * 10_000 for word in ("{", "[", '{"a":', "{x} ")):
        with pytest.raises(OutputParserException):
            ANY_OBJECT.parse(text)


SCHEMAS: dict[str, tuple[Any, Any]] = {
    "pydantic": (Joke, Joke(**JOKE)),
    "pydantic v1": (JokeV1, JokeV1(**JOKE)),
    "typeddict": (JokeDict, JOKE),
    "json schema": (Joke.model_json_schema(), JOKE),
}
METHODS: Any = ["json_schema", "function_calling", "json_mode"]


def answer_for(method: str, text: str = TEXT) -> Any:
    if method == "function_calling":
        name = "Joke"
        return lambda request: Reply.tool_calls([(_name(request) or name, text)])(request)
    return text


def _name(request: Any) -> str | None:
    chat = request.chat
    if "tools" in chat:
        return str(chat["tools"][0]["function"]["name"])
    system = str(chat["messages"][0]["content"])
    line = next(line for line in system.split("\n") if line.startswith('{"name"'))
    return str(json.loads(line)["name"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SCHEMAS)
def test_every_kind_of_schema(name: str, method: Any, server: LocalOnlySq) -> None:
    schema, expected = SCHEMAS[name]
    for endpoint in ("v2", "openai"):
        server.reply(answer_for(method))
        llm = make(server, endpoint=endpoint).with_structured_output(schema, method=method)
        assert llm.invoke("A joke") == expected


@pytest.mark.parametrize("endpoint", ["v2", "openai"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_an_object(way: str, method: Any, endpoint: str, server: LocalOnlySq) -> None:
    server.reply(answer_for(method))
    llm = make(server, endpoint=endpoint).with_structured_output(Joke, method=method)
    assert last(way, llm) == Joke(**JOKE)
    request = server.requests[0].json
    if endpoint == "v2":
        assert request.keys() == {"model", "request"}
        assert request["request"].keys() <= {"messages", "stream"}
    elif method == "function_calling":
        assert request["tool_choice"]["function"]["name"] == _name(server.requests[0])
    else:
        kind = "json_object" if method == "json_mode" else "json_schema"
        assert request["response_format"]["type"] == kind


def last(way: str, llm: Any) -> Any:
    if way == "invoke":
        return llm.invoke("A joke")
    if way == "ainvoke":
        return asyncio.run(llm.ainvoke("A joke"))
    return streamed(way, llm)[-1]


def streamed(way: str, llm: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [item async for item in llm.astream("A joke")]

    return list(llm.stream("A joke")) if way == "stream" else asyncio.run(collect())


@pytest.mark.parametrize("endpoint", ["v2", "openai"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", ["I know none.", TEXT[:-4], '{"setup": "only half"}'])
def test_what_does_not_parse(text: str, method: Any, endpoint: str, server: LocalOnlySq) -> None:
    reply = answer_for(method, text) if text.startswith("{") else text
    server.reply(reply, reply, reply, reply)
    llm = make(server, endpoint=endpoint)
    with pytest.raises(OutputParserException):
        llm.with_structured_output(Joke, method=method).invoke("A joke")
    server.reply(reply, reply)
    result = llm.with_structured_output(Joke, method=method, include_raw=True).invoke("A joke")
    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], OutputParserException)
    assert result["raw"].response_metadata["model_provider"] == "onlysq"


@pytest.mark.parametrize("method", METHODS)
def test_include_raw(method: Any, server: LocalOnlySq) -> None:
    server.reply(answer_for(method))
    result = make(server).with_structured_output(Joke, method=method, include_raw=True).invoke("x")
    assert result["parsed"] == Joke(**JOKE)
    assert result["parsing_error"] is None


def test_a_leading_think_block_is_not_an_obstacle(server: LocalOnlySq) -> None:
    server.reply(f"<think>{{not this}}</think>{TEXT}")
    assert make(server).with_structured_output(Joke).invoke("x") == Joke(**JOKE)


@pytest.mark.parametrize("finish_reason", ["length", "max_tokens", "content_filter"])
def test_a_cut_off_answer_says_so(finish_reason: str, server: LocalOnlySq) -> None:
    server.reply(completion(TEXT[:-5], finish_reason=finish_reason))
    with pytest.raises(OutputParserException, match=f"cut off .finish_reason '{finish_reason}'"):
        make(server).with_structured_output(Joke).invoke("x")


def test_a_whole_object_before_the_cut_is_kept(server: LocalOnlySq) -> None:
    server.reply(completion(TEXT + " And then", finish_reason="length"))
    assert make(server).with_structured_output(Joke).invoke("x") == Joke(**JOKE)


@pytest.mark.parametrize("method", METHODS)
def test_a_stream_shows_a_dict_while_it_grows(method: Any, server: LocalOnlySq) -> None:
    text = Reply.text(TEXT, stream_pieces=list(TEXT))
    server.reply(answer_for(method) if method == "function_calling" else text)
    llm = make(server, endpoint="openai").with_structured_output(JokeDict, method=method)
    parts = list(llm.stream("x"))
    assert len(parts) > 3
    assert parts[-1] == JOKE
    assert {} in parts


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("method", METHODS)
def test_a_stream_ends_with_the_number_that_was_written(
    method: Any, way: str, server: LocalOnlySq
) -> None:
    text = '{"x": 1.0}'
    deltas: list[Any] = list(text)
    if method == "function_calling":
        parts = [{"name": "X", "arguments": ""}, *({"arguments": letter} for letter in text)]
        deltas = [{"tool_calls": [{"index": 0, "function": part}]} for part in parts]
    server.reply(Reply.stream([*map(chunk, deltas), chunk({}, finish_reason="stop")]))
    schema = {"title": "X", "description": "A number.", "type": "object", "properties": {"x": {}}}
    llm = make(server, endpoint="openai").with_structured_output(schema, method=method)
    assert repr(streamed(way, llm)[-1]) == "{'x': 1.0}"


def test_a_cut_off_stream_is_never_half_an_object(server: LocalOnlySq) -> None:
    server.reply(Reply.text(TEXT[:-4]))
    stream = make(server).with_structured_output(JokeDict).stream("x")
    with pytest.raises(OutputParserException, match="cut off"):
        list(stream)


def test_an_unknown_method_is_refused(server: LocalOnlySq) -> None:
    with pytest.raises(ValueError, match="json_mode"):
        make(server).with_structured_output(Joke, method="magic")  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_include_raw_in_a_stream(way: str, server: LocalOnlySq) -> None:
    llm: Any = make(server).with_structured_output(Joke, include_raw=True)
    for replies, parsed in ((TEXT,), Joke(**JOKE)), (("no", "no"), None):
        reply = replies[-1]
        server.reply(*replies)
        first, *others = streamed(way, llm)
        total = reduce(operator.add, others, first)
        assert total["raw"].content == reply
        assert total["parsed"] == parsed
        assert isinstance(total["parsing_error"], OutputParserException) is (parsed is None)


def test_with_fallbacks_keeps_it(server: LocalOnlySq) -> None:
    server.reply(Reply.error(500, "no"), TEXT, Reply.error(500, "no"), "plain")
    both: Any = make(server).with_fallbacks([make(server)])
    assert both.with_structured_output(Joke).invoke("x") == Joke(**JOKE)
    assert both.bind_tools([Joke]).invoke("x").content == "plain"


def test_a_text_alone_can_be_parsed() -> None:
    parser = StructuredOutputParser(output_type=None)
    assert parser.parse(TEXT) == JOKE
    assert list(parser.transform(iter([TEXT[:9], TEXT[9:]])))[-1] == JOKE
    assert list(parser.transform(iter([]))) == []
    assert parser.parse_result([Generation(text='{"a": 1, "b')], partial=True) == {"a": 1}
    assert parser.parse_result([Generation(text="[]{")], partial=True) == {}
    assert "onlysq" in parser._type


def test_the_call_of_another_tool_is_passed_over() -> None:
    calls = [{"name": name, "args": args, "id": name} for name, args in (("x", {}), ("Joke", JOKE))]
    message = AIMessage("", tool_calls=calls)
    parser = StructuredOutputParser(output_type=None, tool_name="Joke")
    assert parser.judge(message) == {"parsed": JOKE, "parsing_error": None}


def test_strict_is_passed_on(server: LocalOnlySq) -> None:
    server.reply(TEXT)
    llm = make(server, endpoint="openai").with_structured_output(Joke, strict=True)
    assert llm.invoke("x") == Joke(**JOKE)
    form = server.requests[0].chat["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["additionalProperties"] is False


def test_with_raw_can_be_pickled(server: LocalOnlySq) -> None:
    schema = {"title": "Pair", "type": "object", "properties": {"a": {"type": "integer"}}}
    llm = make(server).with_structured_output(schema, include_raw=True)
    server.reply('{"a": 1}')
    assert pickle.loads(pickle.dumps(llm)).invoke("Hi")["parsed"] == {"a": 1}  # noqa: S301 - our own


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FOUND)
def test_a_streamed_dict_is_what_a_whole_one_is(name: str, way: str, server: LocalOnlySq) -> None:
    server.reply(Reply.stream([chunk(char) for char in FOUND[name]]))
    llm = ChatOnlySq(model="m", base_url=server.base_url).with_structured_output(JokeDict)
    assert last(way, llm) == JOKE


@pytest.mark.parametrize("text", ['A brace {"', 'Deep: {"a": ' + "[" * 3000, '{"a": {}} {"b'])
def test_what_a_stream_has_begun_never_raises(text: str) -> None:
    parser = StructuredOutputParser(output_type=None)
    for end in range(len(text) - 20, len(text) + 1):
        found = parser.parse_result([Generation(text=text[: max(end, 0)])], partial=True)
        assert found is None or isinstance(found, dict)
