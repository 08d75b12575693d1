"""Values that fit a JSON schema, taken from what the user said where that is simple."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,15})?")
_QUOTED = re.compile(r"(?<!\w)(?:'([^'\n]+)'|\"([^\"\n]+)\"|«([^»\n]+)»|“([^”\n]+)”)(?!\w)")
_TOKEN = re.compile(r"\w+|[^\w ]")
_SENTENCE_ENDS = frozenset(".!?:\n")
_DEEPEST = 5
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}

Schema = Mapping[str, Any]


def fill(schema: Schema, text: str) -> Any:
    """Build a value that fits a JSON schema.

    Numbers in the text fill numeric properties in their order, quoted and capitalised words fill
    strings. Properties that are optional and have a default are left out. Patterns, and
    members of ``allOf`` after the first one, are ignored.

    Args:
        schema: The schema; references point into its own ``$defs`` or ``definitions``.
        text: What the user said.

    Returns:
        The value, ready for JSON.

    Example:
        >>> schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
        >>> fill(schema, "Say 'hi' 3 times.")
        {'a': 3, 'b': 'hi'}
    """
    return _Filler(schema, text).value(schema, "", 0)


class _Filler:
    """Fills one schema; each word and number of the text is used once."""

    def __init__(self, root: Schema, text: str) -> None:
        self._root = root
        self._text = text
        self._numbers = [float(number) for number in _NUMBER.findall(text)]
        self._words = _words(text)

    def value(self, schema: Schema, name: str, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._member(schema["enum"])
        if "default" in schema:
            return schema["default"]
        return self._of_kind(_kind(schema), schema, name, depth)

    def _of_kind(self, kind: str, schema: Schema, name: str, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "string":
                return self._string(schema, name)
        return True if kind == "boolean" else None

    def _resolved(self, schema: Schema, depth: int) -> Schema:
        """Follow references, and take the first alternative: null only where it gets too deep."""
        for _ in range(_DEEPEST):
            if isinstance(schema.get("$ref"), str):
                schema = self._referred(schema["$ref"])
            elif members := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
                own = {k: v for k, v in schema.items() if k in ("default", "description")}
                nulls_last = sorted(members, key=lambda member: member.get("type") == "null")
                schema = {**own, **nulls_last[-1 if depth >= _DEEPEST else 0]}
            else:
                break
        return schema

    def _referred(self, reference: str) -> Schema:
        place: Any = self._root
        for key in reference.removeprefix("#").strip("/").split("/"):
            place = place.get(key, {}) if isinstance(place, Mapping) and key else place
        return place if isinstance(place, Mapping) else {}

    def _member(self, members: list[Any]) -> Any:
        said = (m for m in members if isinstance(m, str) and m.lower() in self._text.lower())
        return next(said, members[0])

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.value(property_schema, name, depth + 1)
            for name, property_schema in schema.get("properties", {}).items()
            if name in required or (depth < _DEEPEST and "default" not in property_schema)
        }

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.value(item, name, depth + 1) for item in schema["prefixItems"]]
        items = schema.get("items", {})
        numeric = _kind(self._resolved(items, depth)) in ("integer", "number")
        found = len(self._numbers) if numeric else int(depth < _DEEPEST)
        count = max(found, schema.get("minItems", 0))
        values = range(min(count, schema.get("maxItems", count)))
        return [self.value(items, name, depth + 1) for _ in values]

    def _number(self, schema: Schema, *, whole: bool) -> float:
        number = self._numbers.pop(0) if self._numbers else 1.0
        step = 1.0 if whole else 0.5
        low = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf) + step)
        high = schema.get("maximum", schema.get("exclusiveMaximum", math.inf) - step)
        fitting = min(max(number, low), high)
        return int(fitting) if whole or fitting == int(fitting) else fitting

    def _string(self, schema: Schema, name: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        spare = schema.get("description") or self._text or name or "text"
        word = self._words.pop(0) if self._words else spare
        return str(word).ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((k for k in kind if k != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _words(text: str) -> list[str]:
    """Quoted words, then names."""
    quoted = ["".join(groups) for groups in _QUOTED.findall(text)]
    return quoted + _names(_QUOTED.sub(" ", text))


def _names(text: str) -> list[str]:
    """Capitalised words that do not begin a sentence; neighbours belong together."""
    names: list[list[str]] = [[]]
    begins = True
    for token in _TOKEN.findall(text):
        if token[0].isupper() and not begins:
            names[-1].append(token)
        elif names[-1]:
            names.append([])
        begins = token in _SENTENCE_ENDS or (begins and not token[0].isalnum())
    return [" ".join(name) for name in names if name]
