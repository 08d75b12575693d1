"""A JSON document in a text, in which nothing is looked at, passed on while it arrives. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.forms import MARKS
from langchain_onlysq.prompted_tools.text_source import Marks, Reading, TextSource

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = re.compile(r"[\s,:\d.eE+-]+")
_IN_STRING = re.compile(r'[^"\\]+')
_WORDS = Marks(("true", "false", "null"))


def read_document(source: TextSource, deliver: Callable[[str], None]) -> Reading[None]:
    """Read a list or an object to its end, or up to what cannot stand in it.

    Args:
        source: The text, read up to an opening bracket.
        deliver: Takes what was read.
    """
    depth = 0
    while char := (yield from _pass(source, deliver, _PLAIN)):
        if char == '"':
            yield from _read_string(source, deliver)
        elif char in "{[":
            if depth and (yield from source.find_mark(MARKS)):
                return
            depth += 1
            deliver(source.take(1))
        elif char in "]}":
            depth -= 1
            deliver(source.take(1))
        elif word := (yield from source.find_mark(_WORDS)):
            deliver(source.take(len(word)))
        else:
            return
        if not depth:
            return


def _read_string(source: TextSource, deliver: Callable[[str], None]) -> Reading[None]:
    deliver(source.take(1))
    while char := (yield from _pass(source, deliver, _IN_STRING)):
        deliver(source.take(1))
        if char == '"':
            return
        if (yield from source.skip_over()):
            deliver(source.take(1))


def _pass(
    source: TextSource, deliver: Callable[[str], None], pattern: re.Pattern[str]
) -> Reading[str]:
    """Deliver what a pattern matches; return the character after it, "" at the end."""
    while True:
        if found := pattern.match(source.piece, source.at):
            deliver(source.take(found.end() - source.at))
            source.forget()
        if source.at < len(source.piece):
            return source.piece[source.at]
        if not (yield from source.more()):
            return ""
