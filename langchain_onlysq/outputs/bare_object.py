"""Drops what a model writes around the JSON object that it was asked for. Pure.

For callers that parse the text of the answer themselves. An object that begins as it should streams
on while its syntax is mended; any other answer is held back and read as a whole. So is what follows
the object: where it holds another one, nobody can tell which was meant, and nothing is dropped.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import OutputParserException

from langchain_onlysq.outputs.json_schema import properties_of
from langchain_onlysq.outputs.object_forms import layers
from langchain_onlysq.outputs.object_reading import ObjectSchema, read_object
from langchain_onlysq.outputs.object_search import find_values
from langchain_onlysq.response.json_text import load_json
from langchain_onlysq.response.syntax_mender import SyntaxMender

if TYPE_CHECKING:
    from langchain_onlysq.response.deltas import Delta

_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\]++|\\.)*+")\s*:')
_MAY_BECOME_KEY = re.compile(r'\{\s*(?:"(?:[^"\\]++|\\.)*+(?:\\|"\s*)?)?')
_LONGEST_KEY = 1_000


class BareObjectFilter:
    """Lets the object of a text pass, and nothing around it; text without an object passes whole.

    Attributes:
        done: False: the object may come at any time.
    """

    done = False

    def __init__(self, schema: dict[str, Any]) -> None:
        """Wait for an object of a JSON schema."""
        self._schema = schema
        self._held: list[str] = []
        self._beginning = ""
        self._is_waiting = True
        self._mender: SyntaxMender | None = None
        self._object: list[str] = []

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return what can be delivered of the object."""
        if self._mender is not None:
            return self._mend(text)
        if not self._is_waiting or not (self._beginning or "{" in text):
            self._held.append(text)
            return []
        before, brace, rest = text.partition("{") if not self._beginning else ("", "", text)
        self._held.append(before)
        self._beginning += brace + rest
        return self._begin()

    def close(self, *, whole: bool) -> list[Delta]:  # noqa: ARG002 - both end alike
        """End the text; return what was held back."""
        if self._mender is None:
            text = "".join([*self._held, self._beginning])
            return [self._read(text)] if text else []
        rest = self._mender.close()
        tail = "".join(self._held)
        if self._mender.finished and self._holds_another(tail):
            rest += tail
        return [rest] if rest else []

    def _begin(self) -> list[Delta]:
        """Look at the first key of what may be the object."""
        text = self._beginning
        found = _FIRST_KEY.match(text)
        if found is None and _MAY_BECOME_KEY.fullmatch(text) and len(text) < _LONGEST_KEY:
            return []
        self._beginning = ""
        properties = properties_of(self._schema)
        if found is None or (properties and _unquoted(found[1]) not in properties):
            self._is_waiting = False
            self._held.append(text)
            return []
        self._held = []
        self._mender = SyntaxMender()
        return self._mend(text)

    def _mend(self, text: str) -> list[Delta]:
        mender = self._mender
        if mender is None or mender.finished:
            self._held.append(text)
            return []
        mended = mender.feed(text)
        self._object.append(mended)
        if mender.finished:
            self._held.append(mender.rest)
        return [mended] if mended else []

    def _read(self, text: str) -> str:
        """Return the object of a whole text, or the text where it holds none that fits."""
        try:
            found = read_object(find_values(text), ObjectSchema(None, self._schema), text)
        except OutputParserException:
            return text
        return json.dumps(found, ensure_ascii=False)

    def _holds_another(self, tail: str) -> bool:
        """Tell whether an object follows that might be the one that was meant."""
        try:
            values = find_values(tail)
            first = load_json("".join(self._object))
        except (OutputParserException, ValueError, RecursionError):
            return True
        return any(value != first and any(layers(value, self._schema)) for value in values)


def _unquoted(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
