"""The JSON of one call, as a model wrote it -> the call, or what is wrong with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.json_scanner import Token, read_members
from langchain_onlysq.response.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Collection


ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
"""What models call the arguments, though they are asked for the first of these."""


CUT_OFF = "cut off before the end"


NO_JSON = "the call is no valid JSON"


NO_OBJECT = "the arguments are no JSON object"


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as a model wrote it.

    Attributes:
        name: Name of the tool, "" if there is none.
        args: Raw text of the arguments; of the whole call where they cannot be told from it.
        error: Why this is no call that can be made; None if it is one.
    """

    name: str
    args: str
    error: str | None


def read_call(text: str, tool_names: Collection[str]) -> WrittenCall:
    """Read a call from the JSON that a model wrote, which may be cut off or broken.

    Args:
        text: The JSON of one call, without its tag.
        tool_names: Names of the tools that can be called.
    """
    outer = inner = read_members(text)
    if "name" not in outer.values and "function" in outer.values:
        inner = read_members(outer.values["function"])
    name = parse_json(inner.values.get("name", ""))
    name = name if isinstance(name, str) else ""
    located = [inner.values[key] for key in ARGUMENT_KEYS if key in inner.values]
    args = located[0] if located else text.strip()
    error = None
    if outer.ended is Token.MORE:
        error = CUT_OFF
    elif outer.ended is Token.BAD or not isinstance(parse_json(text), dict):
        error = NO_JSON
    elif len(located) > 1 or inner.twice or outer.twice:
        error = "something is given twice in the call"
    elif not name:
        error = "the call names no tool"
    elif name not in tool_names:
        error = f'"{name}" is no tool that was bound'
    elif not located:
        args = "{}"
    else:
        args, error = _read_arguments(args)
    return WrittenCall(name, args, error)


def _read_arguments(raw: str) -> tuple[str, str | None]:
    value = parse_json(raw)
    text = raw
    if raw.strip() == "null":
        return "{}", None
    if isinstance(value, str):
        text = value.strip()
        value = parse_json(text)
    return (text, None) if isinstance(value, dict) else (raw, NO_OBJECT)
