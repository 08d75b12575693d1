"""The JSON of calls, as a model wrote it -> the calls, or what is wrong with them. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_onlysq.prompted_tools.json_object import items_of, members_of
from langchain_onlysq.response.json_text import parse_json
from langchain_onlysq.response.loose_json import mend

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_onlysq.prompted_tools.bound_tools import BoundTools

NAME_KEYS = ("name", "tool_name", "function_name", "tool")
"""What models call the name, though they are asked for the first of these."""
FUNCTION_KEY = "function"
"""What some call the name, though others have the whole call there: it names bound tools only."""
NAMING_KEYS = (*NAME_KEYS, FUNCTION_KEY)
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "params", "tool_input")
"""What models call the arguments, though they are asked for the first of these."""
WRAPPERS = (FUNCTION_KEY, "functionCall", "function_call", "tool_call", "tool_use")
"""Keys under which the APIs have the name and the arguments."""
LISTS = ("tool_calls", "function_calls")
"""Keys under which the APIs have a list of calls."""
ENVELOPE = frozenset(("role", "content", "refusal", *LISTS))
"""What may stand beside such a list."""

CUT_OFF = "cut off before the end"
NOT_JSON = "the call is not valid JSON"
NOT_AN_OBJECT = "the arguments are not a JSON object"
NAMES_NO_TOOL = "the call names no tool"
NOT_ITS_OWN = "the tool has no such parameters"
TWICE = "something is given twice in the call"
DESCRIBES = "this describes a tool, and does not call it"
IN_BROKEN_LIST = "another call of the same list cannot be read"

_NO_ARGUMENT = frozenset(("id", "type", "index", "tool_call_id", "call_id"))
_CALL_TYPES = ("function", "function_call", "tool_call", "tool_use")
_NAMES = re.compile(r'"((?:[^"\\]|\\.)+)"')


class WrittenCall(NamedTuple):
    """A call as a model wrote it.

    Attributes:
        name: Name of the tool, "" if there is none.
        args: Raw text of the arguments; of the whole call where they cannot be told from it.
        error: Why this is not a call that can be made; None if it is one.
        is_plain: Whether it has a key for its arguments, and so is a call where no mark says so.
        said: Text that stands before it in the same object.
    """

    name: str
    args: str
    error: str | None = None
    is_plain: bool = False
    said: str = ""


def json_call(name: str, raw: str, *, twice: bool = False) -> WrittenCall:
    """Return the call of a tool whose arguments are written as a JSON value.

    Args:
        name: Name of the tool.
        raw: The arguments; where their syntax alone is wrong, they are mended.
        twice: Whether something in the call is given twice.
    """
    if twice:
        return WrittenCall(name, raw, TWICE)
    if raw.strip() == "null":
        return WrittenCall(name, "{}")
    text, value = raw, parse_json(raw)
    if isinstance(value, str):
        text = value.strip()
        value = parse_json(text) if text else {}
    if value is None and (mended := mend(text)):
        text, value = mended, parse_json(mended)
    if isinstance(value, dict):
        return WrittenCall(name, text or "{}")
    return WrittenCall(name, raw, NOT_AN_OBJECT)


def named_call(name: str, raw: str, tools: BoundTools) -> WrittenCall:
    """Return the call of a tool whose name stands before its arguments, a JSON value."""
    call = json_call(name, raw)
    written = {} if call.error else parse_json(call.args)
    arguments = _inner_arguments(name, written, tools)
    return call if arguments is written else call_with(name, arguments, tools)


def call_with(name: str, arguments: Mapping[str, Any], tools: BoundTools) -> WrittenCall:
    """Return the call of a tool with arguments that were not written as JSON."""
    inner = _inner_arguments(name, arguments, tools)
    return WrittenCall(name, json.dumps(inner, ensure_ascii=False))


def _inner_arguments(name: str, written: Mapping[str, Any], tools: BoundTools) -> Mapping[str, Any]:
    """Return the arguments where they stand once more under a key, perhaps beside the name."""
    own = tools.parameters(name)
    keys = [key for key in written if key not in NAME_KEYS or written[key] != name]
    if len(keys) != 1 or keys[0] not in ARGUMENT_KEYS or any(key in own for key in written):
        return written
    inner = written[keys[0]]
    inner = parse_json(inner) if isinstance(inner, str) else inner
    return inner if isinstance(inner, dict) else written


def broken_call(text: str, tools: BoundTools, error: str) -> WrittenCall:
    """Return a broken call, of the first tool that its text names."""
    found = (tools.resolve(match[1]) for match in _NAMES.finditer(text))
    return WrittenCall(next((name for name in found if name in tools), ""), text.strip(), error)


def calls_in(text: str, tools: BoundTools) -> list[WrittenCall]:
    """Read the calls in a JSON value, a list of them or one, mended where it must be."""
    value = parse_json(text)
    if value is None:
        text = mend(text) or text
        value = parse_json(text)
    if isinstance(value, dict):
        for key in LISTS:
            if isinstance(value.get(key), list) and value.keys() <= ENVELOPE:
                said = value.get("content") or ""
                if not isinstance(said, str) or value.get("refusal"):
                    return []
                calls = _read_items(members_of(text).values[key], tools)
                return [call._replace(said=said) for call in calls[:1]] + calls[1:]
        return [_read_object(text, tools)]
    return (
        _read_items(text, tools) if isinstance(value, list) else [WrittenCall("", text, NOT_JSON)]
    )


def _read_items(text: str, tools: BoundTools) -> list[WrittenCall]:
    return [_read_object(item, tools) for item in items_of(text)]


def _read_object(text: str, tools: BoundTools) -> WrittenCall:
    if not text.startswith("{"):
        return WrittenCall("", text, NAMES_NO_TOOL)
    written = members_of(text)
    return read_call(written.values, text, tools, twice=written.twice)


def name_in(members: Mapping[str, str], tools: BoundTools) -> tuple[str, str]:
    """Return the key and the name of the tool that a call names; empty where it names none."""
    texts = [key for key in NAMING_KEYS if members.get(key, "").startswith('"')]
    given = [(key, parse_json(members[key])) for key in texts]
    named = [(key, tools.resolve(name)) for key, name in given if isinstance(name, str)]
    bound = [pair for pair in named if pair[1] in tools]
    others = [pair for pair in named if pair[0] != FUNCTION_KEY]
    return next(iter(bound or others), ("", ""))


def read_call(
    members: Mapping[str, str], text: str, tools: BoundTools, *, twice: bool = False
) -> WrittenCall:
    """Read a call from the members of an object.

    Args:
        members: Raw text of the values, by key.
        text: The text of the call.
        tools: The tools that can be called.
        twice: Whether a key came more than once.
    """
    wrapper = next((key for key in WRAPPERS if members.get(key, "").startswith("{")), "")
    name_key, name = name_in(members, tools)
    if wrapper and not name:
        inner = members_of(members[wrapper])
        members, twice = inner.values, twice or inner.twice
        name_key, name = name_in(members, tools)
    if not name and len(members) == 1:
        ((key, raw),) = members.items()
        if tools.resolve(key) in tools and raw.startswith("{"):
            return json_call(tools.resolve(key), raw, twice=twice)
    if not name:
        return WrittenCall("", located_arguments(members) or text.strip(), NAMES_NO_TOOL)
    found = [key for key in ARGUMENT_KEYS if key in members]
    own = tools.parameters(name)
    beside = _beside(members, name_key, own)
    if len(found) == 1 and found[0] in own and _is_flat(members, found[0], own):
        found = []
    if _is_description(members, found, own):
        return WrittenCall(name, text.strip(), DESCRIBES)
    if not found:
        return _flat_call(name, members, beside, own, text, twice=twice)
    twice = twice or len(found) > 1 or any(key in own for key in beside)
    says_call = bool(wrapper) or name_key == FUNCTION_KEY or "type" in members
    is_plain = says_call or found[0] in ("arguments", "parameters")
    return json_call(name, members[found[0]], twice=twice)._replace(is_plain=is_plain)


def located_arguments(members: Mapping[str, str]) -> str | None:
    """Return the raw text under the key for arguments; None where there is none."""
    return next((members[key] for key in ARGUMENT_KEYS if key in members), None)


def _beside(members: Mapping[str, str], name_key: str, own: Collection[str]) -> list[str]:
    """Return the keys that are neither the name, nor known to be no arguments."""
    is_known = located_arguments(members) is not None
    is_known = is_known or parse_json(members.get("type", "")) in _CALL_TYPES
    skipped = _NO_ARGUMENT if is_known else _NO_ARGUMENT - set(own)
    return [key for key in members if key not in {name_key, *ARGUMENT_KEYS, *skipped}]


def _is_flat(members: Mapping[str, str], key: str, own: Collection[str]) -> bool:
    """Tell whether a key that may be that of the arguments is one of the tool's parameters."""
    value = parse_json(members[key])
    return value is not None and not (isinstance(value, dict) and value.keys() <= set(own))


def _is_description(members: Mapping[str, str], found: list[str], own: Collection[str]) -> bool:
    """Tell whether these are the members of the description of a tool."""
    if "description" in members and "description" not in own:
        return True
    schema = parse_json(members.get("parameters", "")) if "parameters" in found else None
    is_schema = isinstance(schema, dict) and isinstance(schema.get("properties"), dict)
    return is_schema and "properties" not in own


def _flat_call(
    name: str,
    members: Mapping[str, str],
    beside: list[str],
    own: Collection[str],
    text: str,
    *,
    twice: bool,
) -> WrittenCall:
    """Read a call whose arguments stand beside the name."""
    keys = [key for key in members if key in beside or (key in ARGUMENT_KEYS and key in own)]
    if not all(key in own for key in keys):
        return WrittenCall(name, text.strip(), NOT_ITS_OWN)
    args = ", ".join(f"{json.dumps(key)}: {members[key]}" for key in keys)
    return WrittenCall(name, f"{{{args}}}", TWICE if twice else None)
