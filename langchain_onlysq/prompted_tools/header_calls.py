"""Messages of gpt-oss, whose headers say what they are: calls, text, reasoning. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.forms import HEADER_CLOSERS, HEADERS
from langchain_onlysq.prompted_tools.json_calls import begins_json
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
from langchain_onlysq.prompted_tools.written_call import CUT_OFF, WrittenCall, json_call

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools

TEXT_CHANNELS = ("final", "commentary")
"""The channels whose messages are the answer, where they address nobody."""

_TAGS = Marks(HEADERS, HEADER_CLOSERS)
_MESSAGE = Marks(("<|message|>",), ("<|start|>", "<|end|>", "<|call|>", "\n\n"))
_LONGEST_HEADER = 128
_HEADER = re.compile(
    r"(?:\s*(?:<\|(?:start|channel|constrain)\|>|assistant|analysis|commentary|final|json|code"
    r"|to=[\w.:-]+))*\s*"
)
_RECIPIENT = re.compile(r"to=(?:functions\.)?([\w.:-]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")


def read_header(source: TextSource, opener: str) -> Reading[tuple[str, str]]:
    """Read a header, behind its first mark; return whom it addresses, and its channel."""
    start = source.offset
    mark = yield from source.up_to(_MESSAGE, _LONGEST_HEADER)
    header = opener + source.since(start)
    source.take(len(mark))
    if mark != "<|message|>" or not _HEADER.fullmatch(header):
        return "", ""
    recipients, channels = _RECIPIENT.findall(header), _CHANNEL.findall(header)
    return next(iter(recipients), ""), next(reversed(channels), "")


def read_message(source: TextSource, tools: BoundTools, recipient: str) -> Reading[Marked]:
    """Read the arguments of a call that a header addresses to a function."""
    yield from source.skip_over(BLANKS)
    name, start = tools.resolve(recipient), source.offset
    calls: list[WrittenCall] = []
    source.tags = _TAGS
    if (yield from begins_json(source, "{")):
        try:
            yield from ObjectReader(source).skip()
            calls = [json_call(name, source.since(start))]
        except CutOffError:
            calls = [WrittenCall(name, source.since(start).strip(), CUT_OFF)]
    source.tags = NO_MARKS
    return Marked(calls, (), start, HEADER_CLOSERS)
