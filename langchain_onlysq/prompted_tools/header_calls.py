"""Messages of gpt-oss, whose headers say what they are: calls, text, reasoning. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.forms import HEADER_CLOSERS, HEADERS
from langchain_onlysq.prompted_tools.json_object import ObjectReader
from langchain_onlysq.prompted_tools.marked_calls import Marked
from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    NO_MARKS,
    CutOffError,
    Marks,
    Reading,
    TextSource,
)
from langchain_onlysq.prompted_tools.written_call import CUT_OFF, WrittenCall, named_call
from langchain_onlysq.response.message_headers import (
    HEADER_END,
    LONGEST_HEADER,
    THOUGHT_END,
    Header,
    parse_header,
)

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools

_TAGS = Marks(HEADERS, HEADER_CLOSERS)
_END = Marks((HEADER_END,), ("<|start|>", "<|end|>", "<|call|>", "\n\n"))
_THOUGHT_END = Marks(HEADERS, (THOUGHT_END,))


def read_header(source: TextSource, opener: str) -> Reading[Header]:
    """Read a header, behind its first mark; what is not one says nothing."""
    start = source.offset
    mark = yield from source.up_to(_END, LONGEST_HEADER)
    header = parse_header(opener + source.since(start))
    source.take(len(mark))
    return header if mark == HEADER_END else Header()


def read_thought(source: TextSource) -> Reading[str | None]:
    """Read reasoning, behind its header; leave all unread, and return None, if it has no end."""
    start = source.offset
    mark = yield from source.up_to(_THOUGHT_END)
    thought = source.since(start)
    if mark == THOUGHT_END:
        source.take(len(mark))
    elif not mark:
        source.go_to(start)
        return None
    return thought


def read_message(source: TextSource, tools: BoundTools, recipient: str) -> Reading[Marked]:
    """Read the arguments of a call that a header addresses to a function."""
    name, calls = tools.resolve(recipient), list[WrittenCall]()
    char = yield from source.skip_over(BLANKS)
    start = source.offset
    source.tags = _TAGS
    if char == "{":
        try:
            yield from ObjectReader(source).skip()
            calls = [named_call(name, source.since(start), tools)]
        except CutOffError:
            calls = [WrittenCall(name, source.since(start).strip(), CUT_OFF)]
    source.tags = NO_MARKS
    return Marked(calls, (), start, HEADER_CLOSERS)
