"""Tools in plain text, for a wire that knows only user, assistant and system. Pure.

A call is `<tool_call>{"name": …, "arguments": {…}, "id": …}</tool_call>` in the assistant's text, a
result is `<tool_response>{"name": …, "id": …, "content": …}</tool_response>` in the user's: a form
that many models were trained on.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from langchain_onlysq.outputs.chunks import to_result
from langchain_onlysq.outputs.json_schema import listed, properties_of
from langchain_onlysq.response.deltas import AnswerEnd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langchain_core.messages import AIMessage

    from langchain_onlysq.response.deltas import Delta


_BLANK = r"(?:\s|\\++[nrtf])*+"
_MARKUP = re.compile(
    rf"<(?={_BLANK}(?:/{_BLANK})?(?:tool_call|tool_response|tools|json_schema))", re.IGNORECASE
)

_MOST_QUOTED = 500

_SCHEMAS_BY_NAME = ("properties", "$defs", "definitions", "patternProperties")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not", "contains")
_SAYS_NOTHING: dict[str, Any] = {
    "description": "",
    "properties": {},
    "required": [],
    "additionalProperties": False,
}
_EXAMPLES: dict[str, Any] = {
    "string": "...",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "null": None,
}


def describe_tools(tools: Sequence[Mapping[str, Any]], *, choice: str | None) -> str:
    """Write the system text that offers tools.

    Args:
        tools: In OpenAI's shape, at least one.
        choice: None or "auto", "none", "required", or the name of the tool to call.
    """
    functions = [tool["function"] for tool in tools]
    lines = ["You have tools:", "<tools>", *map(_describe, functions), "</tools>"]
    if choice == "none":
        return "\n".join([*lines, "You must not call a tool now. Answer without one."])
    shown = next((f for f in functions if f["name"] == choice), functions[0])
    lines += [
        "To call a tool, write its name and its arguments as JSON, like this:",
        render_call(shown["name"], _example(shown.get("parameters") or {}), None),
        "Several calls may follow one another. Then stop: results come back as <tool_response>.",
        "If no tool is needed, answer in plain text without this markup.",
    ]
    if choice not in (None, "auto"):
        lines[-1] = _demand(choice)
    return "\n".join(lines)


def describe_schema(schema: Mapping[str, Any]) -> str:
    """Write the system text that asks for an answer of a schema.

    Args:
        schema: A JSON schema.
    """
    lines = [
        "Answer with JSON that fits this schema and with nothing else:",
        "<json_schema>",
        _dump(_slim(schema), compact=True),
        "</json_schema>",
    ]
    return "\n".join(lines)


def remind(choice: str) -> str:
    """Write what the user says where a call was demanded and did not come.

    Args:
        choice: "required", or the name of the tool to call.
    """
    return f"{_demand(choice)} Write the <tool_call> now, and nothing else."


def remind_of_object(reason: str, schema: Mapping[str, Any], tool_name: str | None) -> str:
    """Write what the user says where an object was demanded, and the answer holds none that fits.

    Args:
        reason: Why it does not fit.
        schema: The JSON schema of the object.
        tool_name: Name of the tool whose arguments it is; None where it is the text.
    """
    said = f"Your answer cannot be used: {reason}"
    if tool_name is None:
        return f"{said}\n{describe_schema(schema)}"
    told = _dump({"name": tool_name, "parameters": _slim(schema, tool_name)}, compact=True)
    return f"{said}\n{told}\n{remind(tool_name)}"


def remind_of_call(name: str, reason: str, tools: Sequence[Mapping[str, Any]]) -> str:
    """Write what the user says to a call that cannot be read.

    Args:
        name: Name of the tool that was called; "" where the call names none.
        reason: What is wrong with the call.
        tools: The bound tools, in OpenAI's shape.
    """
    functions = [tool["function"] for tool in tools]
    meant = [function for function in functions if function["name"] == name] or functions
    told = "\n".join(map(_describe, meant))
    return f"Your call cannot be read: {reason}.\n{told}\nWrite it once more, whole."


def quote_answer(text: str) -> str:
    """Return as much of an answer as is said back to the model."""
    return text if len(text) <= _MOST_QUOTED else f"{text[: _MOST_QUOTED - 1]}…"


def _demand(choice: str) -> str:
    return "You must call a tool." if choice == "required" else f'You must call "{choice}".'


def _describe(function: Mapping[str, Any]) -> str:
    described = {"name": function["name"], "description": function.get("description") or ""}
    if function.get("parameters"):
        described["parameters"] = _slim(function["parameters"], function["name"])
    return _dump({key: value for key, value in described.items() if value}, compact=True)


def _slim(schema: Any, name: str | None = None) -> Any:
    """Leave out what costs tokens and says nothing.

    Args:
        schema: A schema, of what is called `name`.
        name: None where it has no name.
    """
    if not isinstance(schema, dict):
        return schema
    slim: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _SAYS_NOTHING and value == _SAYS_NOTHING[key]:
            continue
        if key == "title" and name is not None and _letters(value) == _letters(name):
            continue
        if key in _SCHEMAS_BY_NAME and isinstance(value, dict):
            slim[key] = {inner: _slim(one, inner) for inner, one in value.items()}
        elif key in _SCHEMA_LISTS and isinstance(value, list):
            slim[key] = [_slim(one) for one in value]
        else:
            slim[key] = _slim(value) if key in _SCHEMAS else value
    return slim


def _letters(name: Any) -> str:
    return re.sub(r"[\W_]", "", str(name)).lower()


def _example(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that show the form: the required ones, or the first one."""
    properties = properties_of(parameters)
    required = [name for name in listed(parameters, "required") if name in properties]
    return {name: _example_value(properties[name]) for name in required or [*properties][:1]}


def _example_value(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return "..."
    if values := listed(schema, "enum"):
        return values[0]
    if choices := listed(schema, "anyOf"):
        return _example_value(choices[0])
    kind = schema.get("type", "object" if "$ref" in schema else "string")
    return _EXAMPLES.get(kind, {}) if isinstance(kind, str) else "..."


def render_call(name: str, arguments: Any, call_id: str | None) -> str:
    """Write a call the way the model is asked to write it.

    Args:
        name: Name of the tool.
        arguments: The arguments; a string where they were broken.
        call_id: The call's id, if it has one.
    """
    call = {"name": name, "arguments": arguments}
    if call_id:
        call["id"] = call_id
    return f"<tool_call>{_dump(call)}</tool_call>"


def render_result(
    name: str | None, call_id: str | None, content: str, *, is_error: bool = False
) -> str:
    """Write the result of a call.

    The content may come from anywhere, a web page say, so markup in it is made harmless.

    Args:
        name: Name of the tool, if known.
        call_id: Id of the call that this answers.
        content: What the tool returned.
        is_error: Whether the tool failed.
    """
    fields = {"name": name, "id": call_id, "status": "error" if is_error else None}
    result = {key: value for key, value in fields.items() if value}
    return f"<tool_response>{_dump({**result, 'content': content})}</tool_response>"


def _dump(value: Any, *, compact: bool = False) -> str:
    """Write JSON in which no markup of ours can stand: a `<` of it becomes its JSON escape."""
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=False, default=str, separators=separators)
    return _MARKUP.sub(r"\\u003c", text)


def as_text(deltas: Iterable[Delta], *, with_calls: bool) -> str:
    """Return what the pieces say, the calls among them in the form of a prompted model."""
    message = cast("AIMessage", to_result(deltas, AnswerEnd()).generations[0].message)
    if not with_calls:
        return message.text
    calls: list[Any] = [*message.tool_calls, *message.invalid_tool_calls]
    written = [render_call(call["name"] or "", call["args"], None) for call in calls]
    return "\n".join(part for part in (message.text, *written) if part)
