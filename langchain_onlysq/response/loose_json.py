"""JSON that was meant, though its syntax is not quite JSON's. Pure.

Only what has one reading is read, and only where it is closed: comments, trailing commas, single
quotes, Python's literals, keys without quotes, doubled braces, digits grouped by `_`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from langchain_onlysq.response.json_text import (
    is_cut_off,
    is_too_deep,
    mend_escapes,
    refuse_constant,
)

_MOST_LEVELS = 100
_MOST_TRIES = 50
_BLANKS = re.compile(r"(?:\s++|//[^\n]*+|#[^\n]*+|/\*(?s:.*?)\*/)*+")
_NUMBER = re.compile(
    r"-?(?:0|[1-9]\d*(?:_\d+)*)(\.\d+(?:_\d+)*)?([eE][+-]?\d+)?(?![\w.+-])", re.ASCII
)
_WORD = re.compile(r"[^\W\d]\w*")
_KEY = re.compile(r"[^\W\d][\w$-]*|\$[\w$-]*")
_SINGLE_QUOTED = re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL)
_UNQUOTED = re.compile(r"\\'|\"|\\.", re.DOTALL)
_LITERALS = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}


class LooseJsonError(ValueError):
    """A text is not JSON, not even with what is read beside it.

    Attributes:
        position: Where it goes wrong.
        cut_off: Whether it ended too early, rather than went wrong somewhere.
    """

    def __init__(self, reason: str, position: int, *, cut_off: bool = False) -> None:
        super().__init__(f"{reason}, at character {position + 1}")
        self.position = position
        self.cut_off = cut_off


def read_value(text: str, start: int = 0) -> tuple[Any, int]:
    """Read the JSON value that begins at a place.

    Args:
        text: Any text.
        start: Where the value begins.

    Returns:
        The value, and where it ends.

    Raises:
        LooseJsonError: If there is none, if it is cut off, or if a key is given twice.
    """
    return LooseReader(text).read(start)


def mend(text: str) -> str | None:
    """Return a text as JSON, if it is one whole value that was meant as such; None if not."""
    start = len(text) - len(text.lstrip())
    try:
        value, end = read_value(text, start)
    except LooseJsonError:
        return None
    return None if text[end:].strip() else json.dumps(value, ensure_ascii=False)


def read_number(text: str) -> int | float | None:
    """Return the number that a text is, None where it is anything else."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    try:
        return _number(found)
    except ValueError:
        return None


def _number(found: re.Match[str]) -> int | float:
    digits = found[0].replace("_", "")
    return _finite(digits) if found[1] or found[2] else int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        msg = f"{digits[:20]} is too large"
        raise ValueError(msg)
    return number


def _object_of(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of members, of which no two may have the same key."""
    found: dict[str, Any] = {}
    for key, value in members:
        if key in found:
            msg = f"The key {key!r} is given twice"
            raise ValueError(msg)
        found[key] = value
    return found


_STRICT = json.JSONDecoder(
    strict=False,
    object_pairs_hook=_object_of,
    parse_constant=refuse_constant,
    parse_float=_finite,
)


class LooseReader:
    """Reads the values of one text."""

    def __init__(self, text: str) -> None:
        """Read in a text."""
        self._text = text = mend_escapes(text)
        self._end = len(text.rstrip())
        # Python's own decoder is quick, but says at length what it cannot read.
        self._tries_left = 0 if is_too_deep(text) else _MOST_TRIES

    def read(self, start: int) -> tuple[Any, int]:
        """Read the value that begins at a place, as `read_value` does.

        Raises:
            LooseJsonError: If there is none, if it is cut off, or if a key is given twice.
        """
        if self._tries_left:
            try:
                return _STRICT.raw_decode(self._text, start)
            except json.JSONDecodeError:
                self._tries_left -= 1
            except (ValueError, RecursionError) as error:
                raise LooseJsonError(str(error), start) from None
        return self.value(start, 0)

    def value(self, at: int, level: int) -> tuple[Any, int]:
        """Read a value that is inside of so many others; return it, and where it ends."""
        if level > _MOST_LEVELS:
            reason = "It is nested too deeply"
            raise LooseJsonError(reason, at)
        char = self._text[at : at + 1]
        if char == "{":
            return self._object(at, level)
        if char == "[":
            return self._list(at, level)
        if char in {'"', "'"}:
            return self._string(at)
        if found := _NUMBER.match(self._text, at):
            try:
                return _number(found), found.end()
            except ValueError as error:
                raise LooseJsonError(str(error), at) from None
        if (word := _WORD.match(self._text, at)) and word[0] in _LITERALS:
            return _LITERALS[word[0]], word.end()
        raise self._expected(at, "a value")

    def _object(self, at: int, level: int) -> tuple[dict[str, Any], int]:
        closer = "}}" if self._text.startswith("{{", at) else "}"
        start, at = at, self._skip(at + len(closer))
        members: list[tuple[str, Any]] = []
        while not (self._text.startswith(closer, at) and (members or closer == "}")):
            key, at = self._key(at)
            at = self._skip(self._take(":", self._skip(at)))
            value, at = self.value(at, level + 1)
            members.append((key, value))
            at = self._separator(at, closer)
        try:
            return _object_of(members), at + len(closer)
        except ValueError as error:
            raise LooseJsonError(str(error), start) from None

    def _list(self, at: int, level: int) -> tuple[list[Any], int]:
        at = self._skip(at + 1)
        values: list[Any] = []
        while not self._text.startswith("]", at):
            value, at = self.value(at, level + 1)
            values.append(value)
            at = self._separator(at, "]")
        return values, at + 1

    def _separator(self, at: int, closer: str) -> int:
        """Return the place behind a comma, or the place of the mark that closes."""
        at = self._skip(at)
        if self._text.startswith(closer, at):
            return at
        return self._skip(self._take(",", at))

    def _key(self, at: int) -> tuple[str, int]:
        if self._text[at : at + 1] in {'"', "'"}:
            return self._string(at)
        if found := _KEY.match(self._text, at):
            return found[0], found.end()
        raise self._expected(at, "a key")

    def _string(self, at: int) -> tuple[str, int]:
        quoted, start, end = self._text, at, None
        if self._text[at] == "'":
            found = _SINGLE_QUOTED.match(self._text, at)
            if found is None:
                reason = "A string has no end"
                raise LooseJsonError(reason, at, cut_off=True)
            inside = _UNQUOTED.sub(lambda part: _ESCAPES.get(part[0], part[0]), found[1])
            quoted, start, end = f'"{inside}"', 0, found.end()
        try:
            value, read = _STRICT.raw_decode(quoted, start)
        except json.JSONDecodeError as error:
            raise LooseJsonError(error.msg, at, cut_off=is_cut_off(error)) from None
        return value, read if end is None else end

    def _take(self, char: str, at: int) -> int:
        if not self._text.startswith(char, at):
            raise self._expected(at, repr(char))
        return at + 1

    def _skip(self, at: int) -> int:
        """Return the place behind blanks and comments."""
        found = _BLANKS.match(self._text, at)
        at = found.end() if found else at
        if self._text.startswith("/*", at):
            reason = "A comment has no end"
            raise LooseJsonError(reason, self._end, cut_off=True)
        return at

    def _expected(self, at: int, what: str) -> LooseJsonError:
        return LooseJsonError(f"Expecting {what}", at, cut_off=at >= self._end)


_ESCAPES = {"\\'": "'", '"': '\\"'}
"""What stands between single quotes -> what stands between double ones."""
