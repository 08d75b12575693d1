"""JSON as models write it -> JSON, while it arrives. Pure.

Comments and trailing commas go, single quotes become double ones, keys get theirs, Python's
literals and digits grouped by `_` become JSON's. All else passes as it is.
"""

from __future__ import annotations

import json
import re

from langchain_onlysq.response.json_text import split_open_escape
from langchain_onlysq.response.loose_json import LooseJsonError, read_number, read_value

_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ )
  | (?P<comment> //[^\n]*\n | \#[^\n]*\n | /\*(?s:.*?)\*/ )
  | (?P<text> '(?:[^'\\]++|\\.)*+' )
  | (?P<word> [^\s,:{}\[\]"'/\#]++ ) (?= \s*+ (?P<next> \S ) )
  | (?P<mark> [{}\[\]:,"] )
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_NAME = re.compile(r"[^\W\d][\w$-]*|\$[\w$-]*")
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_SHORT = 64


class SyntaxMender:
    """Mends one object, from its opening brace on.

    Attributes:
        finished: Whether the object has ended.
        rest: What follows the object, once it has ended.
    """

    def __init__(self) -> None:
        self.finished = False
        self.rest = ""
        # What is being read, and what waits until it is worth it.
        self._text = ""
        self._waiting: list[str] = []
        self._size = 0
        self._depth = 0
        self._in_string = False
        # A comma, and the blanks behind it, that may turn out to be a trailing one.
        self._comma: list[str] = []
        # An unfinished token is tried again when there is twice as much of it.
        self._worth_trying = 0

    def feed(self, text: str) -> str:
        """Take the next text; return what can be delivered."""
        self._waiting.append(text)
        self._size += len(text)
        if self._size < self._worth_trying:
            return ""
        self._text = "".join(self._waiting)
        mended: list[str] = []
        at = 0
        while at < len(self._text) and not self.finished:
            read = self._string(at, mended) if self._in_string else self._token(at, mended)
            if read == at:
                break
            at = read
        left = self._text[at:]
        if self.finished:
            self.rest += left
            left = ""
        self._waiting, self._size = [left], len(left)
        self._worth_trying = 2 * len(left) if len(left) > _SHORT else 0
        return "".join(mended)

    def close(self) -> str:
        """End the text; return what was held back of an object that has not ended."""
        self._worth_trying = 0
        mended = self.feed("")
        return "".join((mended, *self._comma, *self._waiting))

    def _string(self, at: int, mended: list[str]) -> int:
        found = _IN_STRING.match(self._text, at)
        end = found.end() if found else at
        if self._text.startswith('"', end):
            end += 1
            self._in_string = False
        whole, escape = split_open_escape(self._text[at:end])
        mended.append(whole)
        return end - len(escape)

    def _token(self, at: int, mended: list[str]) -> int:
        found = _TOKEN.match(self._text, at)
        if found is None:
            return at
        kind, token = found.lastgroup, found[0]
        if kind in {"blank", "comment"}:
            blank = token if kind == "blank" else " "
            if self._comma:
                self._comma.append(blank)
            else:
                mended.append(blank)
            return found.end()
        if self._comma:
            # Before a closing mark only the blanks behind the comma are left.
            mended += self._comma[1:] if token in {"}", "]"} else self._comma
            self._comma = []
        if kind == "mark":
            mended.append(self._mark(token))
        elif kind == "text":
            mended.append(_in_double_quotes(token))
        else:
            mended.append(_word(found["word"], is_key=found["next"] == ":"))
        return found.end()

    def _mark(self, mark: str) -> str:
        if mark == ",":
            self._comma = [mark]
            return ""
        self._in_string = mark == '"'
        self._depth += (mark in "{[") - (mark in "}]")
        self.finished = self._depth == 0
        return mark


def _in_double_quotes(text: str) -> str:
    try:
        return json.dumps(read_value(text)[0], ensure_ascii=False)
    except LooseJsonError:
        return text


def _word(word: str, *, is_key: bool) -> str:
    if is_key:
        return json.dumps(word, ensure_ascii=False) if _NAME.fullmatch(word) else word
    if "_" in word and read_number(word) is not None:
        return word.replace("_", "")
    return _LITERALS.get(word, word)
