"""JSON as models write it: strict in everything but line ends inside strings. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LEVELS = 200
"""Levels of lists and objects that are read. Python's own limit depends on who calls."""

_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\(?:.|\Z))*+(?P<end>"|\Z)|[{}\[\]]', re.DOTALL)
_CLOSERS = {"{": "}", "[": "]"}

_HEX = "[0-9a-fA-F]"
_HIGH, _LOW = rf"\\u[dD][89abAB]{_HEX}{{2}}", rf"\\u[dD][c-fC-F]{_HEX}{{2}}"
_BEGINS_LOW = rf"(?:\\(?:u(?:[dD](?:[c-fC-F]{_HEX}?)?)?)?)?"
_ESCAPES = re.compile(
    rf"""
    {_HIGH}{_LOW}
  | (?P<open> (?: {_HIGH}{_BEGINS_LOW} | \\u(?:[dD](?:[89a-fA-F]{_HEX}?)?)? ) \Z )
  | (?P<lone> {_HIGH} | {_LOW} )
  | \\.
    """,
    re.VERBOSE | re.DOTALL,
)


def refuse_constant(name: str) -> Any:
    """Refuse `NaN`, `Infinity` and `-Infinity`, which Python would take for numbers."""
    msg = f"{name} is not JSON"
    raise ValueError(msg)


_DECODER = json.JSONDecoder(strict=False, parse_constant=refuse_constant)


def parse_json(text: str) -> Any:
    """Parse JSON; return None where it is none, or nested too deeply to be read.

    Line ends in strings, which models write often and mean well, are taken as they are.
    """
    try:
        return load_json(text)
    except (ValueError, RecursionError):
        return None


def load_json(text: str) -> Any:
    """Parse JSON as `parse_json` does, but raise what is wrong with it.

    Raises:
        ValueError: If it is not JSON; `NaN` and its like are not.
        RecursionError: If it is nested too deeply.
    """
    if is_too_deep(text):
        msg = "nested too deeply"
        raise RecursionError(msg)
    return _DECODER.decode(mend_escapes(text))


def mend_escapes(text: str) -> str:
    r"""Put `\ufffd` in JSON where half a character is escaped alone, which no text can hold.

    Nothing else changes, nor where it stands.
    """
    return "".join(split_open_escape(text))


def split_open_escape(text: str) -> tuple[str, str]:
    """Mend the escapes of JSON that is still arriving.

    Returns:
        The text as `mend_escapes` has it, without what ends it and may be half of an escape; and
        that.
    """
    if "\\ud" not in text and "\\uD" not in text and not text.endswith("\\u"):
        return text, ""
    rest = ""

    def mend(found: re.Match[str]) -> str:
        nonlocal rest
        rest = found["open"] or ""
        return "" if rest else "\\ufffd" if found["lone"] else found[0]

    return _ESCAPES.sub(mend, text), rest


def is_too_deep(text: str) -> bool:
    """Tell whether JSON has more levels than are read."""
    if text.count("{") + text.count("[") <= MOST_LEVELS:
        return False
    depth = 0
    for mark in _marks(text):
        depth += (mark in _CLOSERS) - (mark in "}]")
        if depth > MOST_LEVELS:
            return True
    return False


def bounded(value: Any) -> Any:
    """Return a JSON value that has no more levels than are read.

    Raises:
        RecursionError: If it has, so that nobody could write it again.
    """
    level = [value]
    for _ in range(MOST_LEVELS):
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [item for part in parts for item in part if isinstance(item, (dict, list))]
        if not level:
            return value
    msg = "nested too deeply"
    raise RecursionError(msg)


def misfit(text: str) -> str:
    """Return what makes a text that is not JSON stay so, however much is closed behind it."""
    opened: list[str] = []
    mark = ""
    for mark in _marks(text):
        if mark in _CLOSERS:
            opened.append(_CLOSERS[mark])
        elif opened and mark == opened[-1]:
            opened.pop()
    in_string = ' "' if mark == '"' else ""
    return in_string + ("]" if opened[-1:] != ["]"] else "}")


def _marks(text: str) -> Iterator[str]:
    """Yield the brackets outside of strings, and a quote where the text ends in a string."""
    for found in _STRUCTURE.finditer(text):
        if found["end"] is None:
            yield found[0]
        elif not found["end"]:
            yield '"'


def is_cut_off(error: json.JSONDecodeError) -> bool:
    """Tell whether JSON ended too early, rather than went wrong somewhere."""
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
