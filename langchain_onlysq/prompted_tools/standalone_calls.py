"""Calls without marks: JSON alone on its lines, and what a code fence holds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.forms import FORMS, MARKS
from langchain_onlysq.prompted_tools.json_calls import begins_json
from langchain_onlysq.prompted_tools.json_object import ObjectReader
from langchain_onlysq.prompted_tools.markdown_code import BACKTICKS, FENCE
from langchain_onlysq.prompted_tools.marked_calls import read_closers, read_marked
from langchain_onlysq.prompted_tools.python_calls import read_python
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
    ARGUMENT_KEYS,
    LISTS,
    NAME_KEYS,
    WRAPPERS,
    WrittenCall,
    calls_in,
    name_in,
)

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools

_CALL_KEYS = frozenset(
    (
        *NAME_KEYS,
        *("arguments", "parameters", "args", "input"),
        *WRAPPERS,
        *LISTS,
        *("type", "id", "index", "tool_call_id", "call_id", "role", "content", "refusal"),
    )
)
_NEXT_NAME = Marks((">>>",))
_PYTHON_FENCE = "tool_code"
_CALL_FENCES = ("", "json", "tool_call", _PYTHON_FENCE)
_MEANT_FENCES = ("tool_call", _PYTHON_FENCE)
_LONGEST_INFO = 20


def read_standalone(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a call or a list of calls up to the end of its last line.

    Raises:
        FormError: As soon as something is not a call, or does not stand alone on its lines.
    """
    calls = yield from _read_group(source, tools)
    while (yield from source.skip_over(BLANKS_IN_LINE)) == ";":
        source.take(1)
        calls += yield from _read_group(source, tools)
    yield from _read_line_end(source)
    return calls


def read_python_list(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a list of Python calls that is the whole rest of the text.

    Raises:
        FormError: If it is anything else.
    """
    calls = made((yield from read_python(source, tools)), tools)
    yield from read_end(source)
    return calls


def read_named_answer(
    source: TextSource, tools: BoundTools, name: str
) -> Reading[list[WrittenCall]]:
    """Read the arguments of a tool whose name is all that stands before them.

    Raises:
        FormError: If they are anything else.
    """
    if (yield from source.skip_over(BLANKS)) != "{":
        raise FormError
    start = source.offset
    yield from ObjectReader(source).skip()
    (call,) = calls_in(f'{{"name": "{name}", "arguments": {source.since(start)}}}', tools)
    end = source.offset
    yield from source.skip_over(BLANKS)
    if not (yield from source.find_mark(_NEXT_NAME)):
        yield from read_end(source)
    source.go_to(end)
    return made([call], tools)


def made(calls: list[WrittenCall], tools: BoundTools) -> list[WrittenCall]:
    """Return calls if all of them can be made.

    Raises:
        FormError: If not, or if there are none.
    """
    if not calls or any(call.error or call.name not in tools for call in calls):
        raise FormError
    return calls


def read_end(source: TextSource) -> Reading[None]:
    """Read the end of the whole text.

    Raises:
        FormError: If anything but blanks and marks that close calls stands before it.
    """
    yield from read_closers(source, frozenset())
    if (yield from source.skip_over(BLANKS)):
        raise FormError
    if not source.whole:
        raise CutOffError


def _read_line_end(source: TextSource) -> Reading[None]:
    """Read the end of a line, before which marks that close calls may stand."""
    if (yield from source.skip_over(BLANKS_IN_LINE)) != "\n":
        yield from read_closers(source, frozenset())
    end = yield from source.skip_over(BLANKS_IN_LINE)
    if end not in ("", "\n"):
        raise FormError
    if not (end or source.whole):
        raise CutOffError


def read_fence(
    source: TextSource, tools: BoundTools, *, is_answer: bool
) -> Reading[list[WrittenCall]]:
    """Read a fence with calls, and those that follow it.

    Args:
        source: The text.
        tools: The tools that can be called.
        is_answer: Whether nothing stands before it, so that it may be the whole answer.

    Raises:
        FormError: As soon as there is anything else in it, or behind one that must be the last.
    """
    calls: list[WrittenCall] = []
    is_meant, char = False, "`"
    while char == "`" and not is_meant:
        start = source.offset
        yield from source.skip_over(BACKTICKS)
        size = source.offset - start
        if size < FENCE or not tools:
            raise FormError
        language = yield from _read_language(source, is_answer=is_answer)
        is_meant = language in _MEANT_FENCES
        calls += yield from _read_in_fence(
            source, tools, language, with_marks=is_answer or is_meant
        )
        yield from _read_fence_end(source, size)
        yield from read_closers(source, frozenset())
        if not is_meant and not (char := (yield from source.skip_over(BLANKS))):
            yield from read_end(source)
    if char and not is_meant:
        raise FormError
    return calls


def _read_language(source: TextSource, *, is_answer: bool) -> Reading[str]:
    info = ""
    while not info.endswith("\n"):
        char = yield from source.need()
        info += char
        word = info.strip().lower()
        begun = is_answer or any(known.startswith(word) for known in _CALL_FENCES)
        fits = is_answer or word in _CALL_FENCES if char == "\n" else begun and char != "`"
        if not fits or len(info.rstrip("\n")) > _LONGEST_INFO:
            raise FormError
        source.take(1)
    return info.strip().lower()


def _read_in_fence(
    source: TextSource, tools: BoundTools, language: str, *, with_marks: bool
) -> Reading[list[WrittenCall]]:
    """Read the calls in a fence, of which there is at least one."""
    calls: list[WrittenCall] = []
    char = yield from source.skip_over(BLANKS)
    if language == _PYTHON_FENCE and not (yield from begins_json(source, "{[")):
        calls = made((yield from read_python(source, tools)), tools)
        char = yield from source.skip_over(BLANKS)
    while not calls or char not in ("", "`"):
        mark = (yield from source.find_mark(MARKS)) if with_marks else ""
        closers = frozenset[str]()
        if char and char in "{[" and mark not in FORMS:
            calls += yield from _read_group(source, tools)
        else:
            found = yield from read_marked(source, tools, mark)
            calls += made(found.calls, tools)
            closers = found.closers
        yield from read_closers(source, closers)
        char = yield from source.skip_over(BLANKS)
    return calls


def _read_fence_end(source: TextSource, size: int) -> Reading[None]:
    """Read the line that closes a fence; the end of the text closes it, too."""
    if (yield from source.skip_over(BLANKS)) == "`":
        start = source.offset
        if (yield from source.skip_over(BACKTICKS)) and source.offset - start < size:
            raise FormError
    yield from _read_line_end(source)


def _read_group(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a call, or a list of them."""
    char = yield from source.need(BLANKS)
    start = source.offset
    if char != "[":
        yield from _read_object(source, tools)
    else:
        mark = ","
        while mark == ",":
            source.take(1)
            yield from source.need(BLANKS)
            yield from _read_object(source, tools)
            mark = yield from source.need(BLANKS)
        if mark != "]":
            raise FormError
        source.take(1)
    calls = calls_in(source.since(start), tools)
    if not all(call.is_plain for call in calls):
        raise FormError
    return made(calls, tools)


def _read_object(source: TextSource, tools: BoundTools) -> Reading[None]:
    """Read an object; give up at its first member that no call has."""
    written = ObjectReader(source)
    while (key := (yield from written.next_key())) is not None:
        if key not in _CALL_KEYS or (key in ARGUMENT_KEYS and written.first not in '{"'):
            raise FormError
        is_name = key in NAME_KEYS and written.first == '"'
        yield from written.value()
        if written.twice or (is_name and name_in(written.values, tools)[1] not in tools):
            raise FormError
