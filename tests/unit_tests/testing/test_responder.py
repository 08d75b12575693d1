"""The built-in model of the local server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_onlysq.testing import tool_call
from tests.support.local_server import (
    ADDER,
    ASKED,
    IMAGE,
    OPENAI,
    RESULT,
    USER,
    WEATHER,
    answered,
    flat,
    message_in,
    native,
    user,
    v2,
)

JOKE = {
    "type": "object",
    "properties": {"setup": {"type": "string"}, "punchline": {"type": "string"}},
    "required": ["setup", "punchline"],
}


def prompted(*tools: dict[str, Any], more: str = "") -> dict[str, Any]:
    lines = "\n".join(json.dumps(tool) for tool in tools)
    return {"role": "system", "content": f"You have tools.\n<tools>\n{lines}\n</tools>\n{more}"}


def ask(*messages: dict[str, Any], **options: Any) -> Any:
    """The answer on openai: its text, or name and arguments of its calls."""
    message = message_in(answered(flat(*messages, **options), OPENAI))
    calls = [c["function"] for c in message.get("tool_calls", ())]
    return [(c["name"], json.loads(c["arguments"])) for c in calls] or message["content"]


def ask_v2(*messages: dict[str, Any], **options: Any) -> Any:
    """The answer on v2: its text, or name and arguments of the calls written in it."""
    text = str(message_in(answered(v2(*messages, **options)))["content"])
    written = [part.partition("</tool_call>")[0] for part in text.split("<tool_call>")[1:]]
    return [(c["name"], c["arguments"]) for c in map(json.loads, written)] or text


class TestBuiltInModel:
    def test_it_repeats_what_was_said(self) -> None:
        answer = {"role": "assistant", "content": "Hello"}
        assert ask_v2(USER, answer, user("And now?")) == "You said: And now?"

    @pytest.mark.parametrize("count", [1, 2])
    def test_it_counts_images(self, count: int) -> None:
        content = [{"type": "text", "text": "Look"}, *[IMAGE] * count]
        answer = ask_v2({"role": "user", "content": content})
        assert answer == f"I see {count} image{'s' * (count - 1)}. You said: Look"

    @pytest.mark.parametrize("stop", ["two", ["none", "two", "three"]])
    def test_it_keeps_to_stop(self, stop: Any) -> None:
        assert ask_v2(user("one two three"), stop=stop) == "You said: one "

    def test_it_may_ignore_stop(self) -> None:
        answer = answered(v2(user("one two"), stop=["two"]), ignores_stop=True)
        assert message_in(answer)["content"] == "You said: one two"

    def test_it_keeps_to_max_tokens(self) -> None:
        body = answered(v2(user("one two three four"), max_tokens=3))
        assert body["choices"][0]["finish_reason"] == "length"
        assert body["usage"]["completion_tokens"] == 3
        assert ask_v2(user("one"), max_tokens=100) == "You said: one"

    @pytest.mark.parametrize("choice", [None, "none"])
    def test_tools_are_not_called_unasked(self, choice: str | None) -> None:
        options = {} if choice is None else {"tool_choice": choice}
        text = "What is the weather in Rome?"
        assert ask(user(text), tools=native(WEATHER), **options) == f"You said: {text}"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("What is the weather in San Francisco, CA?", [("get_weather", "San Francisco")]),
            ("Hello!", None),
            ("Use get_weather for 'the sea'.", [("get_weather", "the sea")]),
            ("Which location?", [("get_weather", "Which location?")]),
        ],
    )
    def test_fitting_tools_are_called(
        self, text: str, expected: list[tuple[str, str]] | None
    ) -> None:
        wanted: Any = f"You said: {text}"
        if expected:
            wanted = [(name, {"location": location}) for name, location in expected]
        tools = native(WEATHER, ADDER)
        assert ask(user(text), tools=tools, tool_choice="auto") == wanted
        assert ask_v2(prompted(WEATHER, ADDER), user(text)) == wanted

    def test_named_tools_are_called_together(self) -> None:
        text = "Call get_weather for Rome and my_adder_tool with 4 and -5."
        options = {"tools": native(WEATHER, ADDER), "tool_choice": "auto"}
        calls = [("get_weather", {"location": "Rome"}), ("my_adder_tool", {"a": 4, "b": -5})]
        assert ask(user(text), **options) == calls
        assert ask(user(text), parallel_tool_calls=False, **options) == calls[:1]
        assert ask_v2(prompted(WEATHER, ADDER), user(text)) == calls

    def test_forced_calls(self) -> None:
        tools = native(WEATHER, ADDER)
        one = {"type": "function", "function": {"name": "my_adder_tool"}}
        assert ask(user("Hello!"), tools=tools, tool_choice="required") == [
            ("get_weather", {"location": "Hello!"})
        ]
        assert ask(user("Hello!"), tools=tools, tool_choice=one) == [
            ("my_adder_tool", {"a": 1, "b": 1})
        ]

    @pytest.mark.parametrize(
        ("line", "name"),
        [
            ("You must call a tool.", "get_weather"),
            ('You must call "my_adder_tool".', "my_adder_tool"),
            ('You must call the tool "my_adder_tool" now.', "my_adder_tool"),
        ],
    )
    def test_forced_prompted_calls(self, line: str, name: str) -> None:
        ((called, _),) = ask_v2(prompted(WEATHER, ADDER, more=line), user("Hello!"))
        assert called == name

    def test_results_are_repeated(self) -> None:
        question = user("What is the weather in Rome?")
        options = {"tools": native(WEATHER, ADDER), "tool_choice": "auto"}
        assert ask(question, ASKED, RESULT, **options) == "The tools say: sunny"
        assert ask(question, ASKED, RESULT, USER, **options) == "You said: Hi there"

    def test_prompted_results_are_repeated(self) -> None:
        called = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'
        response = '<tool_response>{"name":"get_weather","id":"1","content":%s}</tool_response>'
        history = [prompted(WEATHER), user("What is the weather?")]
        history += [{"role": "assistant", "content": called}]
        assert ask_v2(*history, user(response % '"sunny"')) == "The tools say: sunny"
        assert ask_v2(*history, user(response % '{"t":3}')) == 'The tools say: {"t": 3}'
        merged = user(response % '"sunny"' + "\n\nThank you")
        assert ask_v2(*history, merged) == "You said: Thank you"

    def test_forced_tools_are_called_once_each(self) -> None:
        options = {"tools": native(WEATHER, ADDER), "tool_choice": "required"}
        question = user("What is the weather in Rome?")
        other = tool_call("my_adder_tool", {}, call_id="c2")
        answered = [question, ASKED, RESULT]
        assert ask(*answered, **options) == [("my_adder_tool", {"a": 1, "b": 1})]
        answered += [ASKED | {"tool_calls": [other]}, RESULT | {"tool_call_id": "c2"}]
        assert ask(*answered, **options) == "The tools say: sunny; sunny"

    def test_it_answers_json_of_a_schema(self) -> None:
        wanted = {"type": "json_schema", "json_schema": {"name": "Joke", "schema": JOKE}}
        question = user("Tell me a joke about 'cats' and 'dogs'.")
        expected = {"setup": "cats", "punchline": "dogs"}
        assert json.loads(ask(question, response_format=wanted)) == expected
        told = f"Answer so:\n<json_schema>\n{json.dumps(JOKE)}\n</json_schema>\n"
        system = {"role": "system", "content": told}
        assert json.loads(ask_v2(system, question)) == expected

    def test_it_answers_plain_json(self) -> None:
        wanted = {"type": "json_object"}
        question = user("A joke as JSON with 'setup' and 'punchline' keys.")
        expected = {"setup": "setup", "punchline": "punchline"}
        assert json.loads(ask(question, response_format=wanted)) == expected
        assert json.loads(ask_v2(question)) == expected
        assert set(json.loads(ask(USER, response_format=wanted))) == {"answer"}

    def test_broken_descriptions_of_tools_are_ignored(self) -> None:
        system = {"role": "system", "content": '<tools>\n{"name": \n[]\n</tools>'}
        assert ask_v2(system, user("weather")) == "You said: weather"
