"""Calls in forms that are neither JSON alone nor elements: names, pairs, Gemma's own. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_onlysq.prompted_tools.element_calls import without_line_ends
from langchain_onlysq.prompted_tools.json_calls import FENCE_MARK, begins_json
from langchain_onlysq.prompted_tools.json_object import ObjectReader
from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    BLANKS_IN_LINE,
    CutOffError,
    FormError,
    Marks,
    Reading,
    TextSource,
)
from langchain_onlysq.prompted_tools.written_call import (
    CUT_OFF,
    WrittenCall,
    call_with,
    named_call,
)
from langchain_onlysq.response.json_text import parse_json

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools

TOOL_SEPARATORS = ("<｜tool▁sep｜>", "<｜tool_sep｜>", "<|tool▁sep|>", "<|tool_sep|>")
"""What DeepSeek writes behind the kind of a call, and behind its name."""
NOT_PAIRS = "the keys and values of the call cannot be told apart"

_NAME = re.compile(r"[\w.:/-]+")
_BACKTICKS = re.compile("`+")
_LONGEST_NAME = 128
_SEPARATORS = Marks(("[args]", "[call_id]", "<|tool_call_argument_begin|>", *TOOL_SEPARATORS))
_WRITTEN_LINE_END = Marks((r"\n",))
_KEY = Marks(("<arg_key>", "<longcat_arg_key>"))
_KEY_END = Marks(("</arg_key>", "</longcat_arg_key>"))
_VALUE = Marks(("<arg_value>", "<longcat_arg_value>"))
_VALUE_MARKS = Marks(
    ("<arg_value>", "<longcat_arg_value>"), ("</arg_value>", "</longcat_arg_value>")
)
_QUOTE_MARKS = {mark: Marks((mark,)) for mark in ('<|"|>', "<escape>")}
_QUOTES = Marks(_QUOTE_MARKS)
_CALL = Marks(("call:",))
_KEY_NAME = re.compile(r"[\w.-]+")
_SCALAR = re.compile(r"[\w.+-]+")
_DEEPEST = 50


def _read_name(source: TextSource) -> Reading[str]:
    start = source.offset
    yield from source.skip_over(_NAME)
    name = source.since(start)
    return name if len(name) <= _LONGEST_NAME else ""


def read_named(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a name, perhaps a mark or a fence, and the arguments as JSON."""
    start = source.offset
    name = yield from _read_name(source)
    mark = ""
    while True:
        yield from source.skip_over(BLANKS)
        if not (found := (yield from source.find_mark(_SEPARATORS))):
            break
        source.take(len(found))
        mark = found
        yield from source.skip_over(BLANKS)
        if found == "[call_id]":
            yield from _read_name(source)
        elif name == "function" and (named := (yield from _read_name(source))):
            name = named
    is_fenced = (yield from source.skip_over()) == "`"
    if is_fenced:
        yield from source.skip_over(FENCE_MARK)
        yield from source.skip_over(BLANKS)
    bound = tools.resolve(name)
    # Behind a separator, a bracket can only begin arguments, however broken they are.
    is_meant = mark and (is_fenced or bound in tools) and (yield from source.skip_over()) == "{"
    if not name or not (is_meant or (yield from begins_json(source, "{"))):
        tag = yield from source.find_mark(source.tags)
        has_no_arguments = mark and not is_fenced and tag in source.tags.closers and bound in tools
        return [WrittenCall(bound, "{}")] if has_no_arguments else []
    args = source.offset
    try:
        yield from ObjectReader(source).skip()
    except CutOffError:
        return [WrittenCall(bound, source.since(start).strip(), CUT_OFF)]
    call = named_call(bound, source.since(args), tools)
    if is_fenced:
        yield from source.skip_over(BLANKS)
        yield from source.skip_over(_BACKTICKS)
    return [call]


def read_named_line(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a name at the end of its line, and the arguments on the next ones."""
    start = source.offset
    yield from _read_name(source)
    if (yield from source.skip_over(BLANKS_IN_LINE)) != "\n":
        return []
    source.go_to(start)
    return (yield from read_named(source, tools))


def _skip_blanks(source: TextSource) -> Reading[None]:
    """Pass over blanks, and over line ends that were written as in a string."""
    yield from source.skip_over(BLANKS)
    while mark := (yield from source.find_mark(_WRITTEN_LINE_END)):
        source.take(len(mark))
        yield from source.skip_over(BLANKS)


def read_pairs(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a name, and pairs of a key and a value up to the closing mark."""
    start = source.offset
    name = tools.resolve((yield from _read_name(source)))
    yield from _skip_blanks(source)
    key = yield from source.find_mark(_KEY)
    closer = yield from source.find_mark(source.tags)
    if not name or not (key or (closer and name in tools)):
        return []
    try:
        values = yield from _read_all_pairs(source, tools, name)
    except FormError as error:
        is_cut = isinstance(error, CutOffError) or not (yield from source.skip_over())
        if not (yield from source.find_mark(source.tags)):
            yield from source.up_to(source.tags)
        text, reason = source.since(start).strip(), str(error) or NOT_PAIRS
        return [WrittenCall(name, text, CUT_OFF if is_cut else reason)]
    return [call_with(name, values, tools)]


def _read_all_pairs(source: TextSource, tools: BoundTools, name: str) -> Reading[dict[str, Any]]:
    """Read pairs up to a closing mark, which must be there."""
    values: dict[str, Any] = {}
    while (yield from source.find_mark(_KEY)):
        key = (yield from _read_element(source, _KEY, _KEY_END)).strip()
        yield from _skip_blanks(source)
        text = yield from _read_element(source, _VALUE, _VALUE_MARKS)
        if key in values:
            raise FormError
        values[key] = tools.typed(name, key, without_line_ends(text))
        yield from _skip_blanks(source)
    if (yield from source.find_mark(source.tags)) not in source.tags.closers:
        raise FormError
    return values


def _read_element(source: TextSource, opener: Marks, marks: Marks) -> Reading[str]:
    """Read an element; what is opened in it is closed in it."""
    mark = yield from source.find_mark(opener)
    if not mark:
        raise FormError
    source.take(len(mark))
    start, depth = source.offset, 1
    while depth:
        if not (mark := (yield from source.up_to(marks))):
            raise CutOffError
        end = source.offset
        source.take(len(mark))
        depth += -1 if mark.startswith("</") else 1
    return source.since(start, end)


def read_gemma(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read `call:`, a name, and keys and values in brackets, with quotes of their own; and others.

    Returns:
        The calls, or a broken one where any of them is broken; none where no call follows.
    """
    start = end = source.offset
    calls: list[WrittenCall] = []
    try:
        while name := (yield from _read_gemma_name(source, tools)):
            values = yield from _GemmaReader(source, tools, name).read_object(depth=0)
            calls.append(call_with(name, values, tools))
            end = source.offset
            yield from source.skip_over(BLANKS)
    except FormError as error:
        is_cut = isinstance(error, CutOffError)
        yield from source.up_to(source.tags)
        name = calls[0].name if calls else name
        text = source.since(start).strip()
        return [WrittenCall(name, text, CUT_OFF if is_cut else NOT_PAIRS)]
    source.go_to(end)
    return calls


def _read_gemma_name(source: TextSource, tools: BoundTools) -> Reading[str]:
    """Read up to the bracket behind the name of a call; return "" where there is none."""
    mark = yield from source.find_mark(_CALL)
    source.take(len(mark))
    name = tools.resolve((yield from _read_name(source)))
    is_call = mark and (yield from source.skip_over(BLANKS)) == "{"
    return name if is_call else ""


class _GemmaReader:
    """Reads the arguments of one call."""

    def __init__(self, source: TextSource, tools: BoundTools, name: str) -> None:
        self._source = source
        self._tools = tools
        self._name = name

    def read_object(self, depth: int) -> Reading[dict[str, Any]]:
        """Read keys and values in curly brackets."""
        source = self._source
        values: dict[str, Any] = {}
        source.take(1)
        while (yield from source.need(BLANKS)) != "}":
            key = yield from self._read_key()
            if key in values:
                raise FormError
            values[key] = yield from self._read_value(key if not depth else "", depth)
            yield from self._read_comma("}")
        source.take(1)
        return values

    def _read_key(self) -> Reading[str]:
        source = self._source
        if (quoted := (yield from self._read_quoted())) is not None:
            key = quoted
        else:
            start = source.offset
            if (yield from source.skip_over()) == '"':
                key = yield from self._read_string()
            else:
                yield from source.need(_KEY_NAME)
                key = source.since(start)
        if not key or (yield from self._need()) != ":":
            raise FormError
        source.take(1)
        return key

    def _need(self) -> Reading[str]:
        """Return the next character that is not blank, also that of a quote."""
        yield from self._source.skip_over(BLANKS)
        return (yield from self._source.need())

    def _read_value(self, key: str, depth: int) -> Reading[Any]:
        source = self._source
        yield from source.skip_over(BLANKS)
        if (quoted := (yield from self._read_quoted())) is not None:
            return quoted
        if depth > _DEEPEST:
            raise FormError
        char = yield from source.need()
        if char == "{":
            return (yield from self.read_object(depth + 1))
        if char == "[":
            return (yield from self._read_list(depth))
        if char == '"':
            return (yield from self._read_string())
        start = source.offset
        yield from source.need(_SCALAR)
        text = source.since(start)
        if not text:
            raise FormError
        return self._tools.typed(self._name, key, text)

    def _read_list(self, depth: int) -> Reading[list[Any]]:
        source = self._source
        values: list[Any] = []
        source.take(1)
        while (yield from self._need_item()) != "]":
            values.append((yield from self._read_value("", depth + 1)))
            yield from self._read_comma("]")
        source.take(1)
        return values

    def _need_item(self) -> Reading[str]:
        source = self._source
        yield from source.skip_over(BLANKS)
        return (yield from source.find_mark(_QUOTES)) or (yield from source.need())

    def _read_comma(self, closer: str) -> Reading[None]:
        char = yield from self._need()
        if char == ",":
            self._source.take(1)
        elif char != closer:
            raise FormError

    def _read_quoted(self) -> Reading[str | None]:
        """Read a text in quotes of the model's own; return None where none begins."""
        source = self._source
        mark = yield from source.find_mark(_QUOTES)
        if not mark:
            return None
        source.take(len(mark))
        start = source.offset
        if not (yield from source.up_to(_QUOTE_MARKS[mark])):
            raise CutOffError
        text = source.since(start)
        source.take(len(mark))
        return text

    def _read_string(self) -> Reading[str]:
        source, start = self._source, self._source.offset
        yield from ObjectReader(source).skip_string()
        value = parse_json(source.since(start))
        if not isinstance(value, str):
            raise FormError
        return value
