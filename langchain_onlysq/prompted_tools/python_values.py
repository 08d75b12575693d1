"""Literals of Python, read while they arrive, never run. Pure."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    FormError,
    Reading,
    TextSource,
)

_NUMBER = re.compile(r"[-+0-9a-fA-FxXoO._]+")
_LETTERS = re.compile(r"[A-Za-z]+")
_WORDS = {
    "True": True,
    "False": False,
    "None": None,
    "true": True,
    "false": False,
    "null": None,
}
_IN_STRING = {quote: re.compile(rf"[^\\{quote}\n]+") for quote in "'\""}
_IN_LONG_STRING = {quote: re.compile(rf"[^\\{quote}]+") for quote in "'\""}
_LONG_QUOTE = 3
_LONGEST_NUMBER = 100
_DEEPEST = 50


def read_value(source: TextSource, depth: int = 0) -> Reading[Any]:
    """Read a literal: text, a number, a constant, or a list, tuple or dict of such.

    Raises:
        FormError: If it is anything else, or nested too deeply.
    """
    char = yield from source.need(BLANKS)
    if depth > _DEEPEST:
        raise FormError
    if char in "'\"":
        return (yield from _read_texts(source))
    if char in "[(":
        return (yield from _read_list(source, "]" if char == "[" else ")", depth))
    if char == "{":
        return (yield from _read_dict(source, depth))
    if char.isalpha():
        return (yield from _read_word(source))
    start = source.offset
    yield from source.need(_NUMBER)
    number = source.since(start)
    if len(number) > _LONGEST_NUMBER:
        raise FormError
    return _evaluate(number)


def parse_python(text: str, default: Any) -> Any:
    """Return the literal that a text is, or the default."""
    source = TextSource(text)
    # A blank ends a number, too.
    source.feed(" ")
    source.end(whole=True)
    reading = read_value(source)
    try:
        while True:
            next(reading)
    except StopIteration as end:
        return default if text[source.offset :].strip() else end.value
    except FormError:
        return default


def _read_word(source: TextSource) -> Reading[Any]:
    """Read a constant, or a text behind the letters before its quote."""
    start = source.offset
    char = yield from source.need(_LETTERS)
    word = source.since(start)
    if char in "'\"" and word.lower() in ("r", "u"):
        return (yield from _read_text(source, word))
    if word not in _WORDS:
        raise FormError
    return _WORDS[word]


def _read_texts(source: TextSource) -> Reading[str]:
    """Read a text, and others right behind it, which are one with it."""
    parts = [(yield from _read_text(source, ""))]
    while (char := (yield from source.need(BLANKS))) and char in "'\"":
        parts.append((yield from _read_text(source, "")))
    return "".join(parts)


def _read_text(source: TextSource, prefix: str) -> Reading[str]:
    start, quote = source.offset, (yield from source.need())
    size = yield from _read_quotes(source, quote, _LONG_QUOTE)
    # Two quotes are an empty text, of which the second one closes the first.
    long, is_closed = size == _LONG_QUOTE, size == len("''")
    inside = _IN_LONG_STRING[quote] if long else _IN_STRING[quote]
    while not is_closed:
        char = yield from source.need(inside)
        if char == "\\":
            source.take(1)
            yield from source.need()
            source.take(1)
        elif char == quote:
            wanted = _LONG_QUOTE if long else 1
            is_closed = (yield from _read_quotes(source, quote, wanted)) == wanted
        else:
            raise FormError
    value = _evaluate(prefix + source.since(start))
    return str(value)


def _read_quotes(source: TextSource, quote: str, most: int) -> Reading[int]:
    """Read quotes, but not more than so many; return their number."""
    size = 0
    while size < most and (yield from source.skip_over()) == quote:
        source.take(1)
        size += 1
    return size


def _evaluate(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise FormError from error
    if not isinstance(value, (str, int, float)) or value in (float("inf"), float("-inf")):
        raise FormError
    return value


def _read_list(source: TextSource, closer: str, depth: int) -> Reading[Any]:
    values: list[Any] = []
    comma = False
    source.take(1)
    while (yield from source.need(BLANKS)) != closer:
        values.append((yield from read_value(source, depth + 1)))
        comma = yield from _read_comma(source, closer)
    source.take(1)
    if closer == ")" and len(values) == 1 and not comma:
        # Only brackets around a value.
        return values[0]
    return values


def _read_dict(source: TextSource, depth: int) -> Reading[dict[str, Any]]:
    values: dict[str, Any] = {}
    source.take(1)
    while (yield from source.need(BLANKS)) != "}":
        key = yield from read_value(source, depth + 1)
        if not isinstance(key, str) or key in values:
            raise FormError
        if (yield from source.need(BLANKS)) != ":":
            raise FormError
        source.take(1)
        values[key] = yield from read_value(source, depth + 1)
        yield from _read_comma(source, "}")
    source.take(1)
    return values


def _read_comma(source: TextSource, closer: str) -> Reading[bool]:
    char = yield from source.need(BLANKS)
    if char == ",":
        source.take(1)
        return True
    if char != closer:
        raise FormError
    return False
