"""JSON whose text comes in pieces: where an object ends, and where its members stand. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from langchain_onlysq.response.json_text import parse_json

_BLANKS = re.compile(r"[ \t\r\n]*")
_IN_STRING = re.compile(r'[^"\\]*')
_STRUCTURE = re.compile(r'["{}\[\]]')
_SCALAR = re.compile(r"[^ \t\r\n,{}\[\]\"]*")
_SCALAR_STARTS = frozenset("-0123456789tfnNI")


class Token(Enum):
    """What a step of an `ObjectScanner` ended at."""

    MORE = auto()
    """The end of the text; the object goes on."""
    OPEN = auto()
    """The first character of a member's value, whose name is `ObjectScanner.key`."""
    CLOSE = auto()
    """What follows the last character of that value."""
    END = auto()
    """What follows the closing brace of the object."""
    BAD = auto()
    """A character that cannot stand there."""


class _Place(Enum):
    """Where in the object the scanner is; what it waits for."""

    BRACE = auto()
    FIRST = auto()
    NEXT = auto()
    KEY = auto()
    COLON = auto()
    VALUE = auto()
    NESTED = auto()
    SCALAR = auto()
    COMMA = auto()


class ObjectScanner:
    """Finds the end and the members of one JSON object, each character read once.

    What is inside the values is followed only as far as needed to find their ends.

    Attributes:
        key: Name of the member that was read last.
        in_string: Whether the next character is inside a string.
    """

    def __init__(self) -> None:
        """Start before the opening brace."""
        self.key = ""
        self.in_string = False
        self._place = _Place.BRACE
        self._depth = 0
        self._escaped = False
        self._raw_key: list[str] = []

    def step(self, text: str, at: int) -> tuple[Token, int]:
        """Read on from `text[at]`.

        Args:
            text: The text; one that was used up is followed by the next piece.
            at: Where to read on.

        Returns:
            What was found, and where. After `END` and `BAD` there is no further step.
        """
        while True:
            if self._place in (_Place.KEY, _Place.NESTED, _Place.SCALAR):
                token, at = self._inside(text, at)
            else:
                at = _end_of(_BLANKS, text, at)
                if at == len(text):
                    return Token.MORE, at
                token, at = self._between(text[at], at)
            if token is not None:
                return token, at

    def _between(self, char: str, at: int) -> tuple[Token | None, int]:
        """Take a character of the object's own: a brace, a colon, a comma, a first one."""
        place, token = self._place, None
        if place is _Place.VALUE:
            return self._open_value(char), at
        if place is _Place.BRACE and char == "{":
            self._place = _Place.FIRST
        elif place in (_Place.FIRST, _Place.NEXT) and char == '"':
            self._place, self.in_string, self._raw_key = _Place.KEY, True, ['"']
        elif place is _Place.COLON and char == ":":
            self._place = _Place.VALUE
        elif place is _Place.COMMA and char == ",":
            self._place = _Place.NEXT
        elif place in (_Place.FIRST, _Place.COMMA) and char == "}":
            token = Token.END
        else:
            return Token.BAD, at
        return token, at + 1

    def _open_value(self, char: str) -> Token:
        if char in '"{[':
            # Strings, too, are read as something nested: their quote opens them.
            self._place, self._depth = _Place.NESTED, 0
        elif char in _SCALAR_STARTS:
            self._place = _Place.SCALAR
        else:
            return Token.BAD
        return Token.OPEN

    def _inside(self, text: str, at: int) -> tuple[Token | None, int]:
        """Read on inside a key or a value, up to its end."""
        if self._place is _Place.SCALAR:
            at = _end_of(_SCALAR, text, at)
            return (Token.MORE if at == len(text) else self._close_value()), at
        if self._place is _Place.KEY:
            to = self._through_string(text, at)
            self._raw_key.append(text[at:to])
            return (Token.MORE if self.in_string else self._close_key()), to
        return self._through_nested(text, at)

    def _through_nested(self, text: str, at: int) -> tuple[Token, int]:
        while True:
            if self.in_string:
                at = self._through_string(text, at)
                if self.in_string:
                    return Token.MORE, at
            else:
                mark = _STRUCTURE.search(text, at)
                if mark is None:
                    return Token.MORE, len(text)
                at = mark.end()
                if mark[0] == '"':
                    self.in_string = True
                    continue
                self._depth += 1 if mark[0] in "{[" else -1
            if self._depth == 0:
                return self._close_value(), at

    def _through_string(self, text: str, at: int) -> int:
        """Read on inside a string, past its closing quote or up to the end of the text."""
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            at = _end_of(_IN_STRING, text, at)
            if at < len(text):
                self.in_string = text[at] != '"'
                self._escaped = self.in_string
                at += 1
                if not self.in_string:
                    break
        return at

    def _close_key(self) -> Token | None:
        key = parse_json("".join(self._raw_key))
        self._place = _Place.COLON
        if not isinstance(key, str):
            return Token.BAD
        self.key = key
        return None

    def _close_value(self) -> Token:
        self._place = _Place.COMMA
        return Token.CLOSE


@dataclass(frozen=True, slots=True)
class Members:
    """What is known of an object, which need not be whole.

    Attributes:
        values: Raw text of the members' values; the last one may be cut off.
        twice: Names that came more than once, of which the first counts.
        ended: `END` if it is an object and nothing else, `MORE` if it was cut off, or `BAD`.
    """

    values: dict[str, str]
    twice: frozenset[str]
    ended: Token


def read_members(text: str) -> Members:
    """Read the members of an object, as far as there are any."""
    scanner = ObjectScanner()
    values: dict[str, str] = {}
    twice: set[str] = set()
    token, at = scanner.step(text, 0)
    while token is Token.OPEN:
        token, end = scanner.step(text, at)
        if scanner.key in values:
            twice.add(scanner.key)
        values.setdefault(scanner.key, text[at:end])
        if token is Token.CLOSE:
            token, at = scanner.step(text, end)
    if token is Token.END and _end_of(_BLANKS, text, at) < len(text):
        token = Token.BAD
    return Members(values, frozenset(twice), token)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where a pattern that matches everywhere stops matching."""
    match = pattern.match(text, at)
    return match.end() if match else at
