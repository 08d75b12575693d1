"""Elements that are open in a text: what stands between their tags is not meant as a call. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.forms import FORMS, QUOTES

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.text_source import Reading, TextSource

_ANALYSIS = "<|channel|>analysis"
_CLOSES_ANALYSIS = ("<|end|>", "<|channel|>final")
_NEVER_CLOSED = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "!doctype",
    ]
)
_GENERIC = frozenset(("tool", "tools", "function_call", "response", "json", "xml"))
_OF_CALLS = {
    *(match[1] for mark in FORMS if (match := re.match(r"<([a-z][\w:]*)[ =>]", mark))),
    *(
        "parameter",
        "parameters",
        "param",
        "arg_key",
        "arg_value",
        "tool_name",
        "start_function_call",
    ),
} - _GENERIC
"""Tags that calls are made of, and that open nothing where there is no call."""

_LONGEST_NAME = 64
_NAME = rf"[A-Za-z][\w:.-]{{0,{_LONGEST_NAME}}}"
_closing = "|".join(map(re.escape, (*QUOTES.values(), *_CLOSES_ANALYSIS)))
_CLOSING = re.compile(rf"</(?P<name>{_NAME})[^\S\n]{{0,8}}>|{_closing}", re.IGNORECASE | re.ASCII)
_opening = "|".join(map(re.escape, (*QUOTES, _ANALYSIS)))
_TOKEN = re.compile(
    rf"{_CLOSING.pattern}|<(?P<tag>{_NAME})(?=[\s>]|/>)|(?P<opens>{_opening})",
    re.IGNORECASE | re.ASCII,
)
_BEGUN = re.compile(
    r"(?:<[^\s<>]{0,72}|</[^\s<>]+[^\S\n]{1,8}|\[/?\w{0,6}|-{1,2}|\]{1,2})\Z", re.ASCII
)
_LONGEST_TOKEN = 80
_TAG_END = re.compile("[<>]")


class MarkupTracker:
    """Knows which elements are open at the end of a text.

    Attributes:
        open: How many are open, by what closes them.
        waits: Whether text without a `<` or `[` in it may change something.
    """

    def __init__(self) -> None:
        """Start before the first character."""
        self.open: dict[str, int] = {}
        self.waits = False
        # The end of the text, which may be the beginning of a token.
        self._held = ""
        # The tag that the text ends in, and its last character.
        self._tag = self._last = ""
        # The last place of each closing tag in what was searched to its end; and what has been
        # opened since then and closes there, unless it is closed already.
        self._closed: dict[str, int] | None = None
        self._ahead: list[str] = []

    def read(self, text: str) -> None:
        """Read on."""
        self._read(text)
        self._set_waits()

    def settle(self) -> None:
        """Expect no token to go on that has begun: what comes next is not in the middle of one."""
        if self._held:
            self._held = ""
            self._set_waits()

    def _set_waits(self) -> None:
        self.waits = bool(self._held or self._tag) or "-->" in self.open or "]]>" in self.open

    def _read(self, text: str) -> None:
        text, at = self._held + text, 0
        self._held = ""
        while at < len(text):
            found = (_TAG_END if self._tag else _TOKEN).search(text, at)
            if found is None:
                self._end(text, at)
                return
            if self._tag:
                at = self._read_tag_end(text, at, found.start())
            else:
                at = found.end()
                self._read_token(found)

    def _end(self, text: str, at: int) -> None:
        """Keep what may go on."""
        if self._tag:
            self._last = text[-1]
        elif begun := _BEGUN.search(text, max(at, len(text) - _LONGEST_TOKEN)):
            self._held = begun[0]

    def _read_tag_end(self, text: str, at: int, end: int) -> int:
        """Read up to the end of a tag; return where to read on."""
        before = text[end - 1] if end > at else self._last
        tag, self._tag = self._tag, ""
        if text[end] == "<":
            return end
        if before != "/":
            self._open(tag)
        return end + 1

    def _read_token(self, found: re.Match[str]) -> None:
        if tag := found["tag"]:
            tag = tag.lower()
            if tag not in _NEVER_CLOSED and tag not in _OF_CALLS:
                self._tag, self._last = tag, ""
        elif opens := found["opens"]:
            self._open(QUOTES.get(opens.lower(), "<|end|>"))
        else:
            closes = _closed_by(found)
            if (left := self.open.pop(closes, 0) - 1) > 0:
                self.open[closes] = left

    def _open(self, closes: str) -> None:
        self.open[closes] = self.open.get(closes, 0) + 1
        if self._closed and closes in self._closed:
            self._ahead.append(closes)

    def is_closed(self, source: TextSource) -> Reading[bool]:
        """Tell whether an element that is open is closed further on.

        If it is, what closes it has been read. No text is searched twice in vain.
        """
        if not self.open:
            return False
        start = source.offset
        if self._closed is not None and not self._is_closed_behind(start):
            return False
        closed: dict[str, int] = {}
        while found := (yield from source.search(_CLOSING, _LONGEST_TOKEN)):
            closes = _closed_by(found)
            if closes in self.open:
                return True
            closed[closes] = source.offset
        if not source.whole:
            return True
        self._closed, self._ahead = closed, []
        source.go_to(start)
        return False

    def _is_closed_behind(self, place: int) -> bool:
        """Tell whether something that is open closes behind a place, in what was searched."""
        closed, ahead = self._closed or {}, self._ahead
        while ahead and not (ahead[-1] in self.open and closed[ahead[-1]] > place):
            ahead.pop()
        return bool(ahead)


def _closed_by(found: re.Match[str]) -> str:
    """Return what a closing token closes."""
    name = found["name"]
    token = found[0].lower()
    return name.lower() if name else "<|end|>" if token in _CLOSES_ANALYSIS else token
