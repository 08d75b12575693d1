"""What the local server takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq.testing import Request
from langchain_onlysq.testing.checks import RefusedRequestError, check_chat
from tests.support.local_server import (
    ADDER,
    ASKED,
    CALL,
    IMAGE,
    OPENAI,
    RESULT,
    USER,
    V2,
    WEATHER,
    answered,
    flat,
    message_in,
    native,
    request_of,
    v2,
)


def image(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


GOOD: list[tuple[str, dict[str, Any]]] = [
    (V2, v2()),
    (V2, v2(stream=True)),
    (V2, v2({"role": "system", "content": "Be kind"}, USER, {"role": "assistant", "content": ""})),
    (V2, v2({"role": "user", "content": [{"type": "text", "text": "See"}, IMAGE]})),
    (V2, v2(temperature=0, top_p=0.5, max_tokens=9, seed=1, stop=["a"], meta={"image_count": 1})),
    (V2, v2(stop="a", stream=True, stream_options={"include_usage": True}, my_own_key=None)),
    (V2, v2(top_k=5, max_completion_tokens=9, extra={}, stopwatch=1)),
    (V2, v2(min_tokens=1, max_new_tokens=1, models=["a"])),
    (V2, v2(repeat_penalty=1, repetition_penalty=1, reasoning_format="raw")),
    (V2, v2(image("https://example.com/a.png"), image("DATA:image/png;base64,AA=="))),
    (OPENAI, flat()),
    (OPENAI, flat(stream=False)),
    (OPENAI, flat(USER | {"name": "Ann"})),
    (OPENAI, flat(tools=native(WEATHER, ADDER), tool_choice="auto", parallel_tool_calls=False)),
    (OPENAI, flat(tools=native({"name": "f", "strict": True}))),
    (
        OPENAI,
        flat(
            tools=native(WEATHER),
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
        ),
    ),
    (OPENAI, flat(USER, ASKED, RESULT, USER)),
    (OPENAI, flat(USER, {"role": "assistant", "tool_calls": [CALL]}, RESULT | {"name": "f"})),
    (OPENAI, flat(USER, ASKED | {"content": ""}, RESULT, {"role": "assistant", "content": "x"})),
    (OPENAI, flat(USER, ASKED, RESULT, ASKED, RESULT)),
    (OPENAI, flat(response_format={"type": "json_object"})),
]


def call(**changes: Any) -> dict[str, Any]:
    """An assistant message with one call that has something wrong."""
    return {"role": "assistant", "tool_calls": [CALL | changes]}


def function(**fields: Any) -> dict[str, Any]:
    return {"function": fields}


BAD: list[tuple[str, Any, str]] = [
    (V2, [], "the body: must be an object, not list"),
    (V2, {"request": {"messages": [USER]}}, "model: missing"),
    (V2, v2() | {"model": ""}, "model: must not be empty"),
    (V2, v2() | {"model": None}, "model: must be a string, not null"),
    (V2, {"model": "m"}, "request: missing"),
    (V2, {"model": "m", "request": []}, "request: must be an object, not list"),
    (V2, v2() | {"stream": True}, "stream: v2 takes only 'model' and 'request'"),
    (V2, flat(), "messages: v2 takes only"),
    (V2, v2(stream=False), "request.stream: left out when false"),
    (V2, v2(stream=1), "request.stream: must be true or false, not int"),
    (V2, v2(stream_options={}), "request.stream_options: only with stream true"),
    (V2, v2(temperature=None), "request.temperature: must be a number, not null"),
    (V2, v2(temperature="0"), "request.temperature: must be a number, not str"),
    (V2, v2(top_p=None), "request.top_p: must be a number, not null"),
    (V2, v2(max_tokens=None), "request.max_tokens: must be a whole number, not null"),
    (V2, v2(max_tokens=0), "request.max_tokens: must be at least 1"),
    (V2, v2(seed=None), "request.seed: must be a whole number, not null"),
    (V2, v2(seed=True), "request.seed: must be a whole number, not bool"),
    (V2, v2(stop=None), "request.stop: must be a string, not null"),
    (V2, v2(stop=["a", ""]), "request.stop[1]: must not be empty"),
    (V2, v2(tools=native(WEATHER)), "request.tools: v2 documents no tools"),
    (V2, v2(tool_choice="none"), "request.tool_choice: v2 documents no tools"),
    (V2, {"model": "m", "request": {}}, "request.messages: missing or null"),
    (V2, {"model": "m", "request": {"messages": []}}, "request.messages: must not be empty"),
    (V2, {"model": "m", "request": {"messages": "Hi"}}, "request.messages: must be a list"),
    (V2, v2("Hi"), "request.messages[0]: must be an object, not str"),  # type: ignore[arg-type]
    (V2, v2({"content": "x"}), "request.messages[0].role: must be one of user, assistant, system"),
    (V2, v2(USER, {"role": "tool", "content": "x"}), "request.messages[1].role: must be one of"),
    (V2, v2({"role": "User", "content": "x"}), "not 'User'"),
    (V2, v2({"role": [], "content": "x"}), "request.messages[0].role: must be one of"),
    (V2, v2({"role": "user"}), "request.messages[0].content: missing"),
    (V2, v2(USER | {"name": "Ann"}), "request.messages[0].name: unknown key"),
    (V2, v2(USER, ASKED, RESULT), "request.messages[1].tool_calls: unknown key"),
    (V2, v2({"role": "user", "content": None}), "content: must be a string or a list of parts"),
    (V2, v2({"role": "user", "content": []}), "request.messages[0].content: must not be empty"),
    (V2, v2({"role": "user", "content": ["x"]}), "content[0]: must be an object, not str"),
    (V2, v2({"role": "user", "content": [{"type": "file"}]}), "content[0].type: must be 'text'"),
    (V2, v2({"role": "user", "content": [{"type": "text"}]}), "content[0].text: missing"),
    (
        V2,
        v2({"role": "user", "content": [IMAGE | {"image_url": "data:"}]}),
        "content[0].image_url: must be an object, not str",
    ),
    (
        V2,
        v2({"role": "user", "content": [IMAGE | {"image_url": {"url": ""}}]}),
        "content[0].image_url.url: must be a data: or an http(s) URL, not ''",
    ),
    (V2, v2(image("cat.png")), "must be a data: or an http(s) URL, not 'cat.png'"),
    (V2, v2(image("iVBOR" * 20)), "not 'iVBORiVBORiVBORiVBORiVBORiVBORiVBORiVBOR…'"),
    (V2, v2(temprature=0), "request.temprature: unknown; did you mean 'temperature'?"),
    (V2, v2(**{"max-token": 5}), "request.max-token: unknown; did you mean 'max_tokens'?"),
    (OPENAI, flat(topP=1), "topP: unknown; did you mean 'top_p'?"),
    (V2, v2({"role": "user", "content": [IMAGE | {"index": 0}]}), "content[0].index: unknown key"),
    (OPENAI, v2(), "request: the openai endpoint takes the keys flat"),
    (OPENAI, flat(tool_choice="auto"), "tool_choice: only with tools"),
    (OPENAI, flat(tools=[]), "tools: must not be empty"),
    (OPENAI, flat(tools=[WEATHER]), "tools[0].type: missing"),
    (OPENAI, flat(tools=[{"type": "x", "function": {}}]), "tools[0].type: must be 'function'"),
    (OPENAI, flat(tools=native({})), "tools[0].function.name: missing"),
    (OPENAI, flat(tools=native({"name": "f", "input": {}})), "function.input: unknown key"),
    (OPENAI, flat(tools=native({"name": "f", "parameters": None})), "parameters: must be an"),
    (OPENAI, flat(tools=native({"name": "f", "description": None})), "description: must be a"),
    (OPENAI, flat(tools=native({"name": "f", "strict": None})), "strict: must be true or false"),
    (OPENAI, flat(tools=native(ADDER, ADDER)), "tools: two tools have the same name"),
    (OPENAI, flat(tools=native(ADDER), tool_choice="any"), "tool_choice: must be 'none'"),
    (OPENAI, flat(tools=native(ADDER), tool_choice=None), "tool_choice: must be an object"),
    (
        OPENAI,
        flat(tools=native(ADDER), tool_choice={"type": "function", "function": {"name": "other"}}),
        "tool_choice.function.name: 'other' is not one of the tools",
    ),
    (OPENAI, flat(parallel_tool_calls=None), "parallel_tool_calls: must be true or false"),
    (OPENAI, flat(response_format="json"), "response_format: must be an object, not str"),
    (OPENAI, flat(USER, call(id="")), "tool_calls[0].id: must not be empty"),
    (OPENAI, flat(USER, call(type="tool")), "tool_calls[0].type: must be 'function'"),
    (OPENAI, flat(USER, call(index=0)), "tool_calls[0].index: unknown key"),
    (OPENAI, flat(USER, call(**function(name="f", arguments={}))), "arguments: must be a string"),
    (OPENAI, flat(USER, call(**function(name="f", arguments="{"))), "arguments: is not JSON"),
    (OPENAI, flat(USER, ASKED | {"tool_calls": []}), "tool_calls: must not be empty"),
    (OPENAI, flat(USER, ASKED), "messages: no tool message answers the calls c1"),
    (OPENAI, flat(USER, ASKED, USER), "messages[2]: no tool message answers the calls c1"),
    (OPENAI, flat(USER, RESULT), "tool_call_id: 'c1' does not answer an open tool call"),
    (OPENAI, flat(USER, ASKED, RESULT, RESULT), "messages[3].tool_call_id: 'c1' does not answer"),
    (OPENAI, flat(USER, ASKED, RESULT | {"tool_call_id": ""}), "tool_call_id: must not be empty"),
    (OPENAI, flat(USER, ASKED, {"role": "tool", "content": "x"}), "tool_call_id: missing"),
    (OPENAI, flat(USER, ASKED, RESULT | {"content": None}), "messages[2].content: must be a str"),
    (
        OPENAI,
        flat(USER, {"role": "assistant", "tool_calls": [CALL, CALL]}),
        "messages[1].tool_calls: two calls have the same id",
    ),
    (OPENAI, flat(USER | {"name": ""}), "messages[0].name: must not be empty"),
]


def refusal(request: Request, **options: bool) -> RefusedRequestError:
    with pytest.raises(RefusedRequestError) as caught:
        check_chat(request, **options)
    return caught.value


@pytest.mark.parametrize(("path", "body"), GOOD)
def test_documented_requests_pass(path: str, body: dict[str, Any]) -> None:
    check_chat(request_of(body, path))


@pytest.mark.parametrize(("path", "body", "complaint"), BAD)
def test_wrong_requests_are_refused(path: str, body: Any, complaint: str) -> None:
    error = refusal(request_of(body, path))
    assert error.status == 400
    assert complaint in str(error)


@pytest.mark.parametrize("path", [V2, OPENAI])
@pytest.mark.parametrize("key", ["", "openai", "Bearer", "Basic b3BlbmFp", "Bearer a b"])
def test_a_key_is_a_bearer_token(path: str, key: str) -> None:
    error = refusal(request_of({}, path, {"Authorization": key}))
    assert error.status == 401
    assert "Bearer <key>" in str(error)


def test_a_key_is_needed() -> None:
    error = refusal(request_of({}, headers={"Authorization": None}))
    assert error.status == 401
    assert "missing" in str(error)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"model": "\xff"}', "not JSON"),
        (b'{"model": NaN}', "NaN is not a JSON number"),
        (b'{"model": "\\ud800"}', "lone surrogate"),
    ],
)
def test_bodies_that_are_not_json(content: bytes, complaint: str) -> None:
    request = request_of(content, V2, {"Content-Type": "application/json; charset=utf-8"})
    assert complaint in str(refusal(request))


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/jsonp"])
def test_content_types(content_type: str | None) -> None:
    request = request_of(v2(), V2, {"Content-Type": content_type})
    assert "Content-Type" in str(refusal(request))


def test_native_tools_on_v2_are_an_option() -> None:
    body = v2(USER, ASKED, RESULT, USER, tools=native(WEATHER), tool_choice="required")
    check_chat(request_of(body), native_tools_on_v2=True)
    message = message_in(answered(body, native_tools_on_v2=True))
    assert message["tool_calls"][0]["function"]["name"] == "get_weather"
    for wrong in (v2(tool_choice="auto"), v2(USER, ASKED)):
        assert refusal(request_of(wrong), native_tools_on_v2=True).status == 400
