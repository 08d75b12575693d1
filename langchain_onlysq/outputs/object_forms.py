"""An object as a model wrote it -> the object of the schema that it was meant to be. Pure.

What differs in form alone is read: something around the object, the case of its keys, numbers in
quotes. No value is made up, and no missing one filled in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_onlysq.outputs.json_schema import listed, problems, properties_of, resolve, types_of
from langchain_onlysq.response.loose_json import read_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from langchain_onlysq.outputs.json_schema import Schema

_MOST_LAYERS = 4
_ARGUMENTS = frozenset({"arguments", "parameters", "args", "input"})
_SCHEMA_WORDS = frozenset(
    {
        "$defs",
        "$id",
        "$schema",
        "additionalProperties",
        "definitions",
        "description",
        "properties",
        "required",
        "title",
        "type",
    }
)
_DESCRIBES = frozenset({"type", "$ref", "anyOf", "allOf", "oneOf", "enum", "const"})
_NUMBERS = frozenset({"integer", "number"})
_LETTERS = re.compile(r"[\W_]+")


class ObjectFormError(ValueError):
    """A value cannot be read as an object of the schema."""


def layers(
    value: Any, schema: dict[str, Any], names: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the objects that a value may be meant to be, from the outermost inwards.

    Args:
        value: A JSON value.
        schema: The schema of the object that was asked for.
        names: Further names of its keys.
    """
    for depth in range(_MOST_LAYERS):
        is_given = isinstance(value, dict) and (depth == 0 or bool(value))
        if is_given and is_meant(value, schema, names):
            yield value
        value = _inside(value, schema)


def is_meant(value: dict[str, Any], schema: dict[str, Any], names: Collection[str] = ()) -> bool:
    """Tell whether an object may be one of a schema: not another one, not the schema itself.

    Args:
        value: The object.
        schema: The schema.
        names: Further names of its keys.
    """
    properties = properties_of(schema)
    if not properties:
        return True
    if _is_call(value, schema) or _is_schema(value, properties):
        return False
    if not value or _takes_any_key(schema):
        return True
    known = {fold(name) for name in (*properties, *names)}
    return any(fold(key) in known for key in value)


def mend(value: Any, schema: Schema, root: dict[str, Any]) -> Any:
    """Return a value with the keys of its schema, and with numbers out of their quotes.

    Args:
        value: A JSON value.
        schema: Its schema.
        root: The schema that references point into.

    Raises:
        ObjectFormError: If a key is given twice, in two spellings.
    """
    schema = resolve(schema, root)
    if not isinstance(schema, dict):
        return value
    for part in listed(schema, "allOf"):
        value = mend(value, part, root)
    for keyword in ("anyOf", "oneOf"):
        if parts := listed(schema, keyword):
            value = _mend_choice(value, parts, root)
    if isinstance(value, dict):
        return _mend_object(value, schema, root)
    if isinstance(value, list):
        first, others = listed(schema, "prefixItems"), schema.get("items", True)
        parts = [*first[: len(value)], *[others] * (len(value) - len(first))]
        return [mend(item, part, root) for item, part in zip(value, parts, strict=True)]
    if isinstance(value, str) and is_numeric(schema):
        number = read_number(value.strip())
        return value if number is None else number
    return value


def is_numeric(schema: dict[str, Any]) -> bool:
    """Tell whether a schema allows numbers, and no text."""
    types = types_of(schema)
    if types:
        return bool(_NUMBERS & set(types)) and "string" not in types
    allowed = [schema["const"]] if "const" in schema else []
    allowed = listed(schema, "enum") or allowed
    return bool(allowed) and all(type(one) in (int, float) for one in allowed)


def fold(name: str) -> str:
    """Return a key without its case: neither capitals nor what parts its words."""
    return _LETTERS.sub("", name).casefold()


def _inside(value: Any, schema: dict[str, Any]) -> Any:
    """Return what a list of one, or an object around another, holds; None where it is neither."""
    if isinstance(value, list):
        return value[0] if len(value) == 1 else None
    properties = properties_of(schema)
    if not isinstance(value, dict) or not properties:
        return None
    if _is_call(value, schema):
        return next(inner for key, inner in value.items() if key != "name")
    if "properties" in value and "properties" not in properties:
        return value["properties"] if value.keys() <= _SCHEMA_WORDS else None
    if len(value) == 1:
        ((key, inner),) = value.items()
        return None if fold(key) in map(fold, properties) else inner
    return None


def _is_call(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Tell whether this is a call of a tool with the name of the schema."""
    others = value.keys() - {"name"}
    return (
        len(value) == len(others) + 1 == len({"name", "arguments"})
        and value["name"] == schema.get("title")
        and others <= _ARGUMENTS
        and others.isdisjoint(properties_of(schema))
    )


def _is_schema(value: dict[str, Any], properties: dict[str, Any]) -> bool:
    """Tell whether this is the schema, or its properties, said back."""
    if "properties" in value and "properties" not in properties:
        return True
    said = [(item, properties[key]) for key, item in value.items() if key in properties]
    # An object may hold schemas; but it does not hold its own, nor one in place of a text.
    return all(_describes(item) for item, _ in said) and any(
        item == part or (isinstance(part, dict) and "object" not in (types_of(part) or ["object"]))
        for item, part in said
    )


def _describes(value: Any) -> bool:
    return isinstance(value, dict) and not _DESCRIBES.isdisjoint(value)


def _takes_any_key(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("additionalProperties") or schema.get("patternProperties"))


def _mend_choice(value: Any, parts: list[Any], root: dict[str, Any]) -> Any:
    """Mend towards the one schema of several that a value can be mended to."""
    if any(not problems(value, part, root) for part in parts):
        return value
    mended: list[Any] = []
    for part in parts:
        candidate = mend(value, part, root)
        if not problems(candidate, part, root) and candidate not in mended:
            mended.append(candidate)
    return mended[0] if len(mended) == 1 else value


def _mend_object(
    value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]
) -> dict[str, Any]:
    properties, further = properties_of(schema), schema.get("additionalProperties", True)
    renamed = value if _takes_any_key(schema) else _with_known_keys(value, properties)
    return {key: mend(item, properties.get(key, further), root) for key, item in renamed.items()}


def _with_known_keys(value: dict[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the schema's spelling of its keys."""
    names: dict[str, list[str]] = {}
    for name in properties:
        names.setdefault(fold(name), []).append(name)
    renamed: dict[str, Any] = {}
    for key, item in value.items():
        meant = names.get(fold(key), []) if key not in properties else []
        name = meant[0] if len(meant) == 1 else key
        if name in renamed or (name != key and name in value):
            msg = f"the key {name!r} is given twice, in two spellings"
            raise ObjectFormError(msg)
        renamed[name] = item
    return renamed
