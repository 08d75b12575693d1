"""Calls without tags: JSON in a code fence, or alone on its lines. Pure."""

from __future__ import annotations

from langchain_onlysq.prompted_tools.json_object import ObjectReader
from langchain_onlysq.prompted_tools.markdown_code import BACKTICKS, FENCE
from langchain_onlysq.prompted_tools.text_source import (
    BLANKS_IN_LINE,
    CutOffError,
    FormError,
    Reading,
    TextSource,
)
from langchain_onlysq.prompted_tools.written_call import (
    ARGUMENT_KEYS,
    WrittenCall,
    bound_name,
    read_call,
)
from langchain_onlysq.response.json_text import parse_json

_CALL_KEYS = frozenset(("name", "arguments", "parameters", "function", "type", "id"))
_CALL_FENCES = ("", "json", "tool_call")
_LONGEST_INFO = 20

STARTS = "{[`"
"""The characters that such calls begin with."""


def read_standalone(source: TextSource, tool_names: frozenset[str]) -> Reading[list[WrittenCall]]:
    """Read calls up to the end of their last line.

    Raises:
        FormError: As soon as something is not a call, or does not stand alone on its lines.
    """
    start = source.offset
    yield from source.skip_over(BACKTICKS)
    if size := source.offset - start:
        calls = yield from _read_fenced(source, size, tool_names)
    else:
        calls = yield from _read_group(source, tool_names)
    end = yield from source.skip_over(BLANKS_IN_LINE)
    if end not in ("", "\n"):
        raise FormError
    if not (end or source.whole):
        raise CutOffError
    return calls


def _read_fenced(
    source: TextSource, size: int, tool_names: frozenset[str]
) -> Reading[list[WrittenCall]]:
    """Read what follows the mark of a fence; the end of the text closes it, too."""
    if size < FENCE:
        raise FormError
    yield from _read_language(source)
    calls = yield from _read_group(source, tool_names)
    while (char := (yield from source.skip_over())) in ("{", "["):
        calls += yield from _read_group(source, tool_names)
    if char == "`":
        start = source.offset
        if (yield from source.skip_over(BACKTICKS)) and source.offset - start < size:
            raise FormError
    return calls


def _read_language(source: TextSource) -> Reading[None]:
    info = ""
    while not info.endswith("\n"):
        if not (char := (yield from source.peek())):
            raise CutOffError
        info += char
        word = info.strip().lower()
        begun = any(known.startswith(word) for known in _CALL_FENCES)
        fits = word in _CALL_FENCES if char == "\n" else begun
        if not fits or len(info.rstrip("\n")) > _LONGEST_INFO:
            raise FormError
        source.take(1)


def _read_group(source: TextSource, tool_names: frozenset[str]) -> Reading[list[WrittenCall]]:
    """Read a call, or a list of them."""
    if (yield from source.need()) != "[":
        return [(yield from _read_call(source, tool_names))]
    calls, mark = [], ","
    while mark == ",":
        source.take(1)
        calls.append((yield from _read_call(source, tool_names)))
        mark = yield from source.need()
    if mark != "]":
        raise FormError
    source.take(1)
    return calls


def _read_call(source: TextSource, tool_names: frozenset[str]) -> Reading[WrittenCall]:
    """Read an object; give up at its first member that no call has."""
    yield from source.need()
    start, written = source.offset, ObjectReader(source)
    while (key := (yield from written.next_key())) is not None:
        if key not in _CALL_KEYS or (key in ARGUMENT_KEYS and written.first not in '{"'):
            raise FormError
        raw = yield from written.value()
        if key == "name" and not bound_name(raw, tool_names):
            raise FormError
    call = read_call(written, source.since(start), tool_names)
    if call.error or not _is_meant(call.members):
        raise FormError
    return call


def _is_meant(members: dict[str, str]) -> bool:
    """Tell whether these are the members of a call, and not of the description of a tool, say."""
    parameters = parse_json(members.get("parameters", ""))
    is_schema = isinstance(parameters, dict) and isinstance(parameters.get("properties"), dict)
    has_arguments = "arguments" in members or "parameters" in members
    return has_arguments and not is_schema and _CALL_KEYS.issuperset(members)
