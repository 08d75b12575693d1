"""The JSON of one call, as a model wrote it -> the call, or what is wrong with it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from langchain_onlysq.prompted_tools.json_object import ObjectReader, members_of
from langchain_onlysq.response.json_text import parse_json

ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
"""What models call the arguments, though they are asked for the first of these."""

CUT_OFF = "cut off before the end"
NOT_JSON = "the call is not valid JSON"
NOT_AN_OBJECT = "the arguments are not a JSON object"
NAMES_NO_TOOL = "the call names no tool"


class WrittenCall(NamedTuple):
    """A call as a model wrote it.

    Attributes:
        name: Name of the tool, "" if there is none.
        args: Raw text of the arguments; of the whole call where they cannot be told from it.
        error: Why this is not a call that can be made; None if it is one.
        members: Raw text of what stands beside the name, by key; the name, too.
    """

    name: str
    args: str
    error: str | None
    members: dict[str, str]


def bound_name(raw: str, tool_names: frozenset[str]) -> str | None:
    """Read the JSON of a name; return it if it is that of a bound tool."""
    name = parse_json(raw)
    return name if isinstance(name, str) and name in tool_names else None


def read_call(
    written: ObjectReader, text: str, tool_names: frozenset[str], error: str | None = None
) -> WrittenCall:
    """Read a call from the object that a model wrote.

    Args:
        written: The object, as far as it could be read.
        text: Its text, in which `{}` may stand for arguments that were read before.
        tool_names: Names of the tools that can be called.
        error: Why it could not be read to its end; None if it was.
    """
    inner = written
    if "name" not in written.values and "function" in written.values:
        inner = members_of(written.values["function"])
    members = inner.values
    name = parse_json(members.get("name", ""))
    name = name if isinstance(name, str) else ""
    located = [members[key] for key in ARGUMENT_KEYS if key in members]
    args = located[0] if located else text.strip()
    if error is not None:
        pass
    elif not isinstance(parse_json(text), dict):
        error = NOT_JSON
    elif len(located) > 1 or inner.twice or written.twice:
        error = "something is given twice in the call"
    elif not name:
        error = NAMES_NO_TOOL
    elif name not in tool_names:
        error = f'"{name}" is not a bound tool'
    else:
        args, error = _read_arguments(args) if located else ("{}", None)
    return WrittenCall(name, args, error, members)


def _read_arguments(raw: str) -> tuple[str, str | None]:
    if raw.strip() == "null":
        return "{}", None
    text, value = raw, parse_json(raw)
    if isinstance(value, str):
        text = value.strip()
        value = parse_json(text)
    return (text, None) if isinstance(value, dict) else (raw, NOT_AN_OBJECT)
