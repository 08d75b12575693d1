"""Calls as Python with keyword arguments, one, several or a list; parsed, never run. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_onlysq.prompted_tools.python_values import read_value
from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    CutOffError,
    FormError,
    Reading,
    TextSource,
)
from langchain_onlysq.prompted_tools.written_call import CUT_OFF, WrittenCall, call_with

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools

NOT_PYTHON = "the call is not Python with keyword arguments and literals"

_FIRST = re.compile(r"[^\W\d]")
_NAME = re.compile(r"[\w.]+")
_KEY = re.compile(r"\w+")
_LONGEST_NAME = 128


def read_python(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a list of calls, or calls with line ends, commas or semicolons between them.

    Returns:
        The calls, or a broken one where any of them is broken; none where no call follows.
    """
    start = source.offset
    if is_list := (yield from source.skip_over()) == "[":
        source.take(1)
    if not (name := (yield from _read_name(source))):
        return []
    calls: list[WrittenCall] = []
    try:
        calls.append((yield from _read_call(source, name, tools)))
        end = source.offset
        while (yield from _read_separator(source, is_list=is_list)):
            name = yield from _read_name(source)
            if not name and not is_list:
                break
            calls.append((yield from _read_call(source, name, tools)))
            end = source.offset
        if not is_list:
            source.go_to(end)
    except FormError as error:
        is_cut = isinstance(error, CutOffError)
        if source.tags.all:
            yield from source.up_to(source.tags)
        bound = next((call.name for call in calls if call.name in tools), tools.resolve(name))
        text = source.since(start).strip()
        return [WrittenCall(bound, text, CUT_OFF if is_cut else NOT_PYTHON)]
    return calls


def _read_separator(source: TextSource, *, is_list: bool) -> Reading[bool]:
    """Read what stands between calls; return whether another one may follow."""
    char = yield from source.skip_over(BLANKS)
    if is_list and not char:
        raise CutOffError
    if char == "]" and is_list:
        source.take(1)
        return False
    if char in (",", ";") and char:
        source.take(1)
        yield from source.skip_over(BLANKS)
    elif is_list:
        raise FormError
    return True


def _read_name(source: TextSource) -> Reading[str]:
    """Read up to the bracket after the name of a function; return "" where there is none."""
    yield from source.skip_over(BLANKS)
    start = source.offset
    char = yield from source.skip_over()
    if _FIRST.match(char):
        char = yield from source.skip_over(_NAME)
    name = source.since(start)
    if char != "(" or not 0 < len(name) <= _LONGEST_NAME:
        source.go_to(start)
        return ""
    source.take(1)
    return name


def _read_call(source: TextSource, name: str, tools: BoundTools) -> Reading[WrittenCall]:
    """Read a call, behind the bracket after its name; what prints it does not count."""
    if name == "print" and name not in tools:
        inner = yield from _read_name(source)
        if not inner:
            return (yield from _read_unknown(source, name))
        call = yield from _read_call(source, inner, tools)
        if (yield from source.need(BLANKS)) != ")":
            raise FormError
        source.take(1)
        return call
    name = tools.resolve(name)
    name = name if name in tools else tools.resolve(name.removesuffix(".call"))
    if name not in tools:
        return (yield from _read_unknown(source, name))
    return call_with(name, (yield from _read_arguments(source)), tools)


def _read_unknown(source: TextSource, name: str) -> Reading[WrittenCall]:
    """Read a call of what is not a tool, as far as it can be read."""
    yield from _read_arguments(source)
    return WrittenCall(name, "{}")


def _read_arguments(source: TextSource) -> Reading[dict[str, Any]]:
    values: dict[str, Any] = {}
    while (yield from source.need(BLANKS)) != ")":
        start = source.offset
        yield from source.need(_KEY)
        key = source.since(start)
        if not key.isidentifier() or key in values:
            raise FormError
        if (yield from source.need(BLANKS)) != "=":
            raise FormError
        source.take(1)
        values[key] = yield from read_value(source)
        char = yield from source.need(BLANKS)
        if char == ",":
            source.take(1)
        elif char != ")":
            raise FormError
    source.take(1)
    return values
