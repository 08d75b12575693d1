"""Whether a value fits a JSON schema, and where it does not. Pure.

It knows what schemas of objects are made of: types, required and further keys, enums, constants,
bounds, patterns, combinations, and references inside the schema. A keyword that it does not know,
or whose value is not what JSON Schema has there, forbids nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Schema = dict[str, Any] | bool

_MOST_QUOTED = 60
_SCALARS: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "boolean": bool,
    "string": str,
    "array": list,
    "object": dict,
}
_BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "minimum": ("is less than", lambda value, bound: value >= bound),
    "maximum": ("is more than", lambda value, bound: value <= bound),
    "exclusiveMinimum": ("is not more than", lambda value, bound: value > bound),
    "exclusiveMaximum": ("is not less than", lambda value, bound: value < bound),
}
_SIZES: dict[type, dict[str, tuple[str, Callable[[int, int], bool]]]] = {
    kind: {
        f"min{name}": ("is shorter than", lambda size, bound: size >= bound),
        f"max{name}": ("is longer than", lambda size, bound: size <= bound),
    }
    for kind, name in ((str, "Length"), (list, "Items"), (dict, "Properties"))
}


def problems(value: Any, schema: Schema, root: dict[str, Any]) -> list[str]:
    """Say where a value does not fit a schema.

    Args:
        value: A JSON value.
        schema: A JSON schema, or a part of one.
        root: The schema that references point into.

    Returns:
        A line for each problem, with the path to it; none where the value fits.
    """
    return list(_problems(value, schema, root, "", frozenset()))


def resolve(schema: Schema, root: dict[str, Any]) -> Schema:
    """Follow the references of a schema; what they lead to nowhere allows everything.

    Args:
        schema: A schema, or a part of one.
        root: The schema that references point into.
    """
    seen: set[str] = set()
    while isinstance(schema, dict) and isinstance(pointer := schema.get("$ref"), str):
        target = None if pointer in seen else _find(pointer, root)
        seen.add(pointer)
        if not isinstance(target, dict):
            return target if isinstance(target, bool) else True
        beside = {key: part for key, part in schema.items() if key != "$ref"}
        schema = {**beside, **target} if beside else target
    return schema


def is_type(value: Any, name: Any) -> bool:
    """Tell whether a JSON value is of a type; a boolean is not a number, 2.0 is an integer."""
    if name in {"integer", "number"}:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return name == "number" or isinstance(value, int) or value.is_integer()
    return isinstance(value, _SCALARS.get(name, object))


def types_of(schema: dict[str, Any]) -> list[str]:
    """Return the types that a schema names: none, one, or several."""
    named = schema.get("type")
    names = _strings(named if isinstance(named, list) else [named])
    return [*names, "null"] if names and schema.get("nullable") is True else names


def properties_of(schema: Schema) -> dict[str, Any]:
    """Return the properties that a schema describes, by their names."""
    found = schema.get("properties") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def listed(schema: Schema, keyword: str) -> list[Any]:
    """Return what a keyword lists, the schemas of `anyOf` say; nothing where it has no list."""
    parts = schema.get(keyword) if isinstance(schema, dict) else None
    return parts if isinstance(parts, list) else []


def _strings(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _find(pointer: str, root: dict[str, Any]) -> Any:
    if not pointer.startswith("#"):
        return None
    found: Any = root
    for part in filter(None, pointer[1:].split("/")):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _problems(
    value: Any, schema: Schema, root: dict[str, Any], path: str, seen: frozenset[int]
) -> Iterator[str]:
    """Yield the problems of a value; `seen` are the schemas that lead to this one at this value."""
    schema = resolve(schema, root)
    if schema is False:
        yield _say(path, "must not be there")
    if not isinstance(schema, dict) or id(schema) in seen:
        return
    types = types_of(schema)
    if types and not any(is_type(value, name) for name in types):
        yield _say(path, f"{_quoted(value)} is not of type {' or '.join(types)}")
        return
    yield from _wrong_value(value, schema, path)
    yield from _wrong_combination(value, schema, root, path, seen)
    if isinstance(value, dict):
        yield from _wrong_object(value, schema, root, path)
    elif isinstance(value, list):
        yield from _wrong_list(value, schema, root, path)


def _wrong_value(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(_same(value, one) for one in allowed):
        yield _say(path, f"{_quoted(value)} is not one of {_quoted(allowed)}")
    if "const" in schema and not _same(value, schema["const"]):
        yield _say(path, f"{_quoted(value)} is not {_quoted(schema['const'])}")
    if is_type(value, "number"):
        for keyword, (wrong, is_within) in _BOUNDS.items():
            bound = schema.get(keyword)
            if is_type(bound, "number") and not is_within(value, bound):
                yield _say(path, f"{_quoted(value)} {wrong} {bound}")
    for keyword, (wrong, has_size) in _SIZES.get(type(value), {}).items():
        bound = schema.get(keyword)
        if isinstance(bound, int) and not has_size(len(value), bound):
            yield _say(path, f"{_quoted(value)} {wrong} {bound}")
    pattern = schema.get("pattern")
    if isinstance(value, str) and isinstance(pattern, str) and _mismatches(pattern, value):
        yield _say(path, f"{_quoted(value)} does not match {pattern}")


def _wrong_combination(
    value: Any, schema: dict[str, Any], root: dict[str, Any], path: str, seen: frozenset[int]
) -> Iterator[str]:
    seen |= {id(schema)}
    for part in listed(schema, "allOf"):
        yield from _problems(value, part, root, path, seen)
    for keyword in ("anyOf", "oneOf"):
        parts = listed(schema, keyword)
        found = [list(_problems(value, part, root, path, seen)) for part in parts]
        fitting = sum(not wrong for wrong in found)
        if parts and not fitting:
            # The part that comes nearest says the most.
            yield from min(found, key=len)
        elif keyword == "oneOf" and fitting > 1:
            yield _say(path, f"{_quoted(value)} fits {fitting} schemas of oneOf")
    forbidden = schema.get("not")
    if isinstance(forbidden, dict) and not list(_problems(value, forbidden, root, path, seen)):
        yield _say(path, f"{_quoted(value)} fits what it must not be")


def _wrong_object(
    value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[str]:
    for key in _strings(schema.get("required")):
        if key not in value:
            yield _say(_join(path, key), "is missing")
    patterns = schema.get("patternProperties")
    patterns = patterns if isinstance(patterns, dict) else {}
    for key, member in value.items():
        here = _join(path, key)
        parts = [part for pattern, part in patterns.items() if not _mismatches(pattern, key)]
        if key in properties_of(schema):
            parts.append(properties_of(schema)[key])
        if not parts:
            further = schema.get("additionalProperties", True)
            if further is False:
                yield _say(here, "is not a key of the schema")
                continue
            parts.append(further)
        for part in parts:
            yield from _problems(member, part, root, here, frozenset())


def _wrong_list(
    value: list[Any], schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[str]:
    first = listed(schema, "prefixItems")
    others = schema.get("items", True)
    for index, item in enumerate(value):
        part = first[index] if index < len(first) else others
        yield from _problems(item, part, root, f"{path}[{index}]", frozenset())
    if schema.get("uniqueItems") is True and len(set(map(_dump, value))) < len(value):
        yield _say(path, "holds an item twice")


def _same(value: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal: 1 is 1.0, but true is not 1."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _mismatches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is None
    except re.error:
        # Written for another dialect of regular expressions.
        return False


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _say(path: str, what: str) -> str:
    return f"{path or 'the object'}: {what}"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _quoted(value: Any) -> str:
    text = _dump(value)
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"
