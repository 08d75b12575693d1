"""The tools that can be called, and what their schemas say of a value that came as text. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from langchain_onlysq.prompted_tools.python_values import parse_python
from langchain_onlysq.prompted_tools.text_source import FormError, Marks
from langchain_onlysq.response.json_text import load_json, parse_json

NOT_THAT_TYPE = "an argument is neither a list nor an object"

_PREFIX = re.compile(r"(?:functions?|tools?|default_api)[./]")
_SUFFIX = re.compile(r":\d+\Z")
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_NESTED_TYPES = frozenset(("array", "object"))
_NESTED = ("anyOf", "oneOf", "allOf")
_DEEPEST = 8


class BoundTools:
    """The tools that can be called, by their names.

    Attributes:
        lines: The lines that a name alone makes.
    """

    def __init__(self, tools: Mapping[str, Any] | Collection[str]) -> None:
        """Take names, or names with the JSON schemas of the parameters."""
        self._schemas = dict(tools) if isinstance(tools, Mapping) else dict.fromkeys(tools)
        self.lines = Marks(f"{name.lower()}\n" for name in self._schemas)
        self._parameters = {name: _properties(schema) for name, schema in self._schemas.items()}

    def __contains__(self, name: str) -> bool:
        """Tell whether a tool has this name."""
        return name in self._schemas

    def __bool__(self) -> bool:
        """Tell whether there are any tools."""
        return bool(self._schemas)

    def resolve(self, name: str) -> str:
        """Return the name without what models write around it, if it is that of a tool."""
        if name in self:
            return name
        bare = _SUFFIX.sub("", _PREFIX.sub("", name, count=1))
        return bare if bare in self else name

    def parameters(self, name: str) -> Collection[str]:
        """Return the names of the parameters of a tool."""
        return self._parameters.get(name, {}).keys()

    def typed(self, name: str, key: str, text: str) -> Any:
        """Return the value of a parameter that came as text."""
        schema = self._schemas.get(name)
        definitions = schema.get("$defs", {}) if isinstance(schema, dict) else {}
        found = _types(self._parameters.get(name, {}).get(key), definitions)
        return _typed(text, found)


def _properties(schema: Any) -> dict[str, Any]:
    found = schema.get("properties") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def _types(schema: Any, definitions: Any, depth: int = 0) -> set[str]:
    """Return the types that a schema allows; none where it does not say."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return set()
    if isinstance(schema.get("$ref"), str) and isinstance(definitions, dict):
        target = schema["$ref"].rpartition("/")[2]
        return _types(definitions.get(target), definitions, depth + 1)
    given = schema.get("type")
    if isinstance(given, (str, list)):
        return {given} if isinstance(given, str) else {one for one in given if type(one) is str}
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list):
        return {_type_of(value) for value in values}
    parts = [part for key in _NESTED for part in schema.get(key) or ()]
    return set().union(*(_types(part, definitions, depth + 1) for part in parts))


def _type_of(value: Any) -> str:
    return next((name for name in _TYPES if _is_a(value, name)), "string")


def _is_a(value: Any, name: str) -> bool:
    is_bool = isinstance(value, bool)
    return isinstance(value, _TYPES.get(name, ())) and is_bool == (name == "boolean")


def _json_in(text: Any, default: Any) -> Any:
    """Return the list or object that a text is, or the default."""
    value = parse_json(text) if isinstance(text, str) else None
    return value if isinstance(value, (list, dict)) else default


def _nested(text: str, *, must_be: bool) -> Any:
    """Return the list or object that was written as Python, or as JSON inside of a string."""
    value = parse_python(text, text)
    if value is text and "\\" in text:
        value = _json_in(parse_json(f'"{text.strip()}"'), text)
    if value is text and must_be and '\\"' in text:
        raise FormError(NOT_THAT_TYPE)
    return value


def _typed(text: str, types: set[str]) -> Any:
    """Return what a text says; the text itself where it says nothing of a type that may be.

    Raises:
        FormError: If it must be a list or an object, is written with escaped quotes, and is none.
    """
    if types == {"string"}:
        return text
    try:
        value = load_json(text)
    except (ValueError, RecursionError):
        value = _WORDS.get(text.strip().lower(), text)
        if value is text and types & _NESTED_TYPES:
            value = _nested(text, must_be="string" not in types)
        if not types:
            return text
    if types <= _NESTED_TYPES:
        value = _json_in(value, value)
    if not types or any(_is_a(value, name) for name in types):
        return value
    return text if "string" in types else value
