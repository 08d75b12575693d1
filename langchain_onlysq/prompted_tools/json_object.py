"""A JSON object, read member by member while it arrives. Pure."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from langchain_onlysq.prompted_tools.text_source import (
    NO_MARKS,
    CutOffError,
    FormError,
    Reading,
    TextSource,
)
from langchain_onlysq.response.json_text import parse_json

_BLANKS = re.compile(r"[ \t\r\n]+")
_IN_STRING = {
    '"': re.compile(r'(?:[^"\\<]++|\\[^<])++'),
    # Which is no JSON, but what some models write, and what is mended.
    "'": re.compile(r"(?:[^'\\<]++|\\[^<])++"),
}
_IN_SCALAR = re.compile(r"[^ \t\r\n,{}\[\]\"<]+")
_UP_TO_STRUCTURE = re.compile(r"""(?:[^"'{}\[\]<]++|"(?:[^"\\<]++|\\[^<])*+")++""")
_LINE_UP_TO_QUOTE = {
    '"': re.compile(r'[^"\\\r\n]+'),
    "'": re.compile(r"[^'\\\r\n]+"),
}
_DECODER = json.JSONDecoder(strict=False)
_SCALAR_STARTS = frozenset("-0123456789tfnNI")


class ObjectReader:
    """Reads one object; what is inside its values is followed only as far as to find their ends.

    Its methods raise `CutOffError` at the end of the text, and `FormError` at a character that
    cannot stand there. A tag in a string is part of it if the string ends on the same line.

    Attributes:
        values: Raw text of the values that were read, by key; the last one may be cut off.
        twice: Whether a key came more than once, of which the first counts.
        first: The first character of the value that comes next.
        doubt: Place of a closing tag in a string whose end has not been found.
    """

    def __init__(self, source: TextSource) -> None:
        self.values: dict[str, str] = {}
        self.twice = False
        self.first = ""
        self.doubt: int | None = None
        self._source = source
        self._key: str | None = None

    def next_key(self) -> Reading[str | None]:
        """Read up to the next value; return its key, or None where the object ends instead."""
        source, is_first = self._source, self._key is None
        if is_first:
            yield from self._expect("{")
        if (yield from source.need(_BLANKS)) == "}":
            source.take(1)
            return None
        if not is_first:
            yield from self._expect(",")
        if (yield from source.need(_BLANKS)) != '"':
            raise FormError
        start = source.offset
        yield from self.skip_string()
        key = parse_json(source.since(start))
        if not isinstance(key, str):
            raise FormError
        yield from self._expect(":")
        self._key, self.first = key, (yield from source.need(_BLANKS))
        if self.first not in '"{[' and self.first not in _SCALAR_STARTS:
            raise FormError
        return key

    def value(self) -> Reading[str]:
        """Read the value of the last key; it is in `values` even where it is cut off."""
        start, key = self._source.offset, self._key or ""
        try:
            if self.first in "{[":
                yield from self.skip()
            else:
                yield from (self.skip_string() if self.first == '"' else self._scalar())
        finally:
            raw = self._source.since(start)
            self.twice |= key in self.values
            self.values.setdefault(key, raw)
        return raw

    def skip(self) -> Reading[None]:
        """Read a list or an object, of which only brackets and strings matter."""
        depth = 1
        self._source.take(1)
        while depth:
            char = yield from self._source.need(_UP_TO_STRUCTURE)
            if char in _IN_STRING:
                yield from self.skip_string()
            else:
                self._source.take(1)
                depth += (char in "{[") - (char in "}]")

    def _expect(self, char: str) -> Reading[None]:
        if (yield from self._source.need(_BLANKS)) != char:
            raise FormError
        self._source.take(1)

    def _scalar(self) -> Reading[None]:
        while (yield from self._source.need(_IN_SCALAR)) == "<":
            self._source.take(1)

    def skip_string(self) -> Reading[None]:
        """Read a string."""
        source = self._source
        quote = source.take(1)
        while (char := (yield from source.skip_over(_IN_STRING[quote]))) != quote:
            if char:
                source.take(1)
                # What follows a backslash is part of the string, if it is not a tag.
                if char == "\\" and (yield from source.skip_over()):
                    source.take(1)
                continue
            tag = yield from source.find_mark(source.tags)
            if not tag:
                raise CutOffError
            if tag in source.tags.closers:
                yield from self._doubtful(source.offset, quote)
            else:
                source.take(1)
        source.take(1)

    def _doubtful(self, start: int, quote: str) -> Reading[None]:
        """Read from a closing tag to the next quote; go back where its line has none."""
        source, self.doubt = self._source, start
        tags, source.tags = source.tags, NO_MARKS
        source.take(1)
        while (char := (yield from source.skip_over(_LINE_UP_TO_QUOTE[quote]))) == "\\":
            source.take(1)
            if (yield from source.skip_over()) in "\r\n":
                break
            source.take(1)
        self.doubt, source.tags = None, tags
        if char != quote:
            source.go_to(start)
            raise CutOffError


def members_of(text: str) -> ObjectReader:
    """Read an object that has arrived, as far as it is one."""
    source = TextSource(text)
    source.end(whole=True)
    written = ObjectReader(source)
    with suppress(FormError):
        list(_all_of(written))
    return written


def _all_of(written: ObjectReader) -> Reading[None]:
    while (yield from written.next_key()) is not None:
        yield from written.value()


def items_of(text: str) -> list[str]:
    """Return the raw text of each item of a list, which is valid JSON."""
    items, at, last = [], 1, len(text) - 1
    while at < last:
        if text[at] in " \t\r\n,":
            at += 1
            continue
        end = _DECODER.raw_decode(text, at)[1]
        items.append(text[at:end])
        at = end
    return items
