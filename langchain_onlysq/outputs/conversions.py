"""What pydantic would turn into a value that the model did not write. Pure.

In its lax mode a boolean is a number, `"nan"` too, and a number is a second since 1970. Its classes
may take more than their JSON schemas say, so only these conversions are looked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_onlysq.outputs.json_schema import properties_of, resolve, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_onlysq.outputs.json_schema import Schema

_NUMBERS = {"integer", "number"}
_TIMES = frozenset({"date", "date-time", "duration", "time"})
_NOT_FINITE = re.compile(r"\s*[+-]?(?:nan|inf|infinity)\s*", re.IGNORECASE)
_NUMERIC = re.compile(r"\s*[+-]?[\d._]+(?:e[+-]?\d+)?\s*", re.IGNORECASE)


def conversions(value: Any, schema: Schema, root: dict[str, Any]) -> list[str]:
    """Say which values would become others.

    Args:
        value: A JSON value.
        schema: Its schema.
        root: The schema that references point into.

    Returns:
        A line for each of them, with the path to it.
    """
    return list(_conversions(value, schema, root, ""))


def _conversions(value: Any, schema: Schema, root: dict[str, Any], path: str) -> Iterator[str]:
    choices = list(_choices(schema, root))
    if not isinstance(value, (dict, list)):
        if wrong := _wrong(value, choices):
            yield f"{path}: {wrong}"
        return
    kind = "object" if isinstance(value, dict) else "array"
    fitting = [choice for choice in choices if kind in (types_of(choice) or [kind])]
    inside = [list(_inside(value, choice, root, path)) for choice in fitting]
    if all(inside):
        yield from next(iter(inside), ())


def _choices(schema: Schema, root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of which a value has to fit one; an empty one takes anything."""
    schema = resolve(schema, root)
    schema = schema if isinstance(schema, dict) else {}
    for keyword in ("anyOf", "oneOf", "allOf"):
        # Of all that it has to fit, pydantic writes a single one.
        if parts := schema.get(keyword):
            for part in parts:
                yield from _choices(part, root)
            return
    yield schema


def _inside(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    """Yield the conversions of what is inside an object or a list."""
    if isinstance(value, dict):
        properties, further = properties_of(schema), schema.get("additionalProperties", True)
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            yield from _conversions(item, properties.get(key, further), root, here)
        return
    first, others = schema.get("prefixItems") or (), schema.get("items", True)
    for index, item in enumerate(value):
        part = first[index] if index < len(first) else others
        yield from _conversions(item, part, root, f"{path}[{index}]")


def _wrong(value: Any, choices: list[dict[str, Any]]) -> str | None:
    """Say what is wrong with a value that is taken only because pydantic converts it."""
    types = {name for choice in choices for name in types_of(choice)}
    if not all(map(types_of, choices)):
        return None
    if types & _NUMBERS and _is_no_number(value, types):
        return f"{value!r} is not {'a number' if 'number' in types else 'an integer'}"
    if types.isdisjoint(_NUMBERS) and _is_numeric(value) and not any(map(_takes_text, choices)):
        is_time = any(choice.get("format") in _TIMES for choice in choices)
        return f"{value!r} is not a time" if is_time else None
    return None


def _is_no_number(value: Any, types: set[Any]) -> bool:
    if isinstance(value, bool):
        return "boolean" not in types
    if isinstance(value, float):
        return "number" not in types and not value.is_integer()
    return isinstance(value, str) and "string" not in types and bool(_NOT_FINITE.fullmatch(value))


def _is_numeric(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMERIC.fullmatch(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _takes_text(choice: dict[str, Any]) -> bool:
    return "string" in types_of(choice) and choice.get("format") not in _TIMES
