"""Calls as JSON behind a mark: those of our own form are delivered while they arrive. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.json_object import ObjectReader, members_of
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
    CUT_OFF,
    DESCRIBES,
    IN_BROKEN_LIST,
    NAMES_NO_TOOL,
    NAMING_KEYS,
    NOT_AN_OBJECT,
    NOT_JSON,
    WrittenCall,
    broken_call,
    calls_in,
    located_arguments,
    name_in,
    read_call,
)
from langchain_onlysq.response.argument_stream import ArgumentStream
from langchain_onlysq.response.json_text import parse_json
from langchain_onlysq.response.loose_json import mend

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools
    from langchain_onlysq.prompted_tools.delta_collector import CallBuffer, DeltaCollector

FENCE_MARK = re.compile(r"[`\w-]+")
_FENCE = Marks(("```",))
_JSON_FENCES = ("json", "tool_call")
_BACKTICKS = re.compile("`+")
_BRACKETS = re.compile(r"[{\[\s]+")
_KEY = re.compile(r"[\w$-]+")
_COMMENT = Marks(("//", "/*"))
_UP_TO_TAG = re.compile("[^<]+")
_JSON_MARKS = frozenset("{}[]:,;\"'")


def read_json(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read a call, a list of calls, or several with commas between them.

    Returns:
        The calls, or a broken one where any of them is broken; none where no JSON follows.
    """
    is_fenced = (yield from source.skip_over()) == "`"
    if is_fenced:
        yield from source.skip_over(FENCE_MARK)
        yield from source.skip_over(BLANKS)
    if not (yield from begins_json(source, "{[")):
        return []
    calls = yield from _read_group(source, tools)
    if is_fenced:
        end = source.offset
        if (yield from source.skip_over(BLANKS)) == "`":
            yield from source.skip_over(_BACKTICKS)
        else:
            source.go_to(end)
    return calls


def begins_calls(source: TextSource) -> Reading[bool]:
    """Tell whether calls are meant by what stands here, however badly they may be written.

    Brackets are if what follows can stand in them, or nothing does; a fence is if it says that it
    holds JSON, or begins with such brackets.
    """
    start, is_meant = source.offset, False
    if (yield from source.find_mark(_FENCE)):
        yield from source.skip_over(_BACKTICKS)
        language = source.offset
        yield from source.skip_over(FENCE_MARK)
        says_json = source.since(language).lower() in _JSON_FENCES
        is_meant = (yield from source.skip_over(BLANKS_IN_LINE)) in ("", "\n") and says_json
    is_meant = is_meant or (yield from _begins_brackets(source))
    source.go_to(start)
    return is_meant


def _begins_brackets(source: TextSource) -> Reading[bool]:
    start = source.offset
    char = yield from source.skip_over(_BRACKETS)
    brackets = "".join(source.since(start).split())
    if not brackets or "{[" in brackets:
        return False
    if brackets[-1] == "[":
        return not char or char in "\"']"
    if not char or char in "\"'}" or (yield from source.find_mark(_COMMENT)):
        return True
    key = source.offset
    yield from source.skip_over(_KEY)
    return source.offset > key and (yield from source.skip_over(BLANKS)) in ("", ":")


def begins_json(source: TextSource, brackets: str) -> Reading[bool]:
    """Tell whether JSON begins here, with one of these brackets."""
    start, bracket = source.offset, (yield from source.skip_over())
    if not bracket or bracket not in brackets:
        return False
    source.take(1)
    char = yield from source.skip_over(BLANKS)
    source.go_to(start)
    return bool(char) and char in ("\"'}" if bracket == "{" else "{]")


def _read_group(source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
    """Read values with commas between them; all of them are calls, or none is."""
    start, error, calls = source.offset, None, list[WrittenCall]()
    comma = True
    while comma and not error:
        place = source.offset
        try:
            yield from ObjectReader(source).skip()
        except CutOffError:
            error = CUT_OFF
        calls += calls_in(source.since(place), tools)
        end = source.offset
        mark = yield from source.skip_over(BLANKS)
        comma = mark in (",", ";") and not error
        if comma:
            source.take(1)
            char = yield from source.skip_over(BLANKS)
            if char != "{":
                comma = False
                error = NOT_JSON if mark == "," else None
        if not (comma or error):
            source.go_to(end)
    return all_or_none(calls, source.since(start), tools, error)


def all_or_none(
    calls: list[WrittenCall], text: str, tools: BoundTools, error: str | None = None
) -> list[WrittenCall]:
    """Return calls if each of them can be made; else a broken one, or none that is bound."""
    errors = [error, *(call.error for call in calls)]
    if DESCRIBES in errors:
        return [WrittenCall("", text)]
    error = next(filter(None, errors), None)
    return [broken_call(text, tools, error)] if error else calls


class OwnCalls:
    """Reads calls that may stand in a list and in a fence, with or without commas between them.

    What is broken is a broken call, to which all belongs up to the next tag. What follows a call
    and is not another one is text.
    """

    def __init__(
        self, source: TextSource, collector: DeltaCollector | CallBuffer, tools: BoundTools
    ) -> None:
        self._source = source
        self._collector = collector
        self._tools = tools
        # The mark that may close a fence.
        self._closer = ""

    def read(self) -> Reading[None]:
        """Read the calls up to a tag, the end of the text, or what is not a call."""
        source, start = self._source, self._source.offset
        char = yield from source.skip_over(BLANKS)
        if char == "`":
            self._closer = "`"
            yield from source.skip_over(FENCE_MARK)
            char = yield from source.skip_over(BLANKS)
        if char == "[":
            yield from self._read_list()
        elif char != "{":
            yield from self._skip_to_tag()
            is_tag = yield from source.find_mark(source.tags)
            error = NOT_JSON if char else NAMES_NO_TOOL if is_tag else CUT_OFF
            self._collector.call("", source.since(start).strip(), error)
            return
        while char == "[" or (char and (yield from self._read_call())):
            char = yield from self._read_between()

    def _read_between(self) -> Reading[str]:
        """Read up to the next call; return its first character, or "" where none follows."""
        source, start = self._source, self._source.offset
        char = yield from source.skip_over(BLANKS)
        if char and char == self._closer:
            yield from source.skip_over(_BACKTICKS)
            start = source.offset
            char = yield from source.skip_over(BLANKS)
        if char in ("", "{"):
            return char
        if char == ",":
            source.take(1)
            rest = source.offset
            if (yield from source.skip_over(BLANKS)) == "{":
                yield from self._read_others(rest)
                return (yield from self._read_between())
        # What was read as a call may have been only the beginning of what was meant.
        self._collector.more(error=NOT_JSON if char in _JSON_MARKS else None)
        source.go_to(start)
        return ""

    def _read_list(self) -> Reading[None]:
        """Read a list, which holds calls only, or is broken."""
        source, start, error = self._source, self._source.offset, None
        try:
            yield from ObjectReader(source).skip()
        except CutOffError:
            error = CUT_OFF
        text = source.since(start)
        calls = [] if error else calls_in(text, self._tools)
        error = error or next((call.error for call in calls if call.error), None)
        if error or not calls:
            self._collector.add(broken_call(text, self._tools, error or NAMES_NO_TOOL))
            return
        for call in calls:
            self._collector.add(call)

    def _read_others(self, start: int) -> Reading[None]:
        """Read what follows a call and a comma: all of them are calls, or none is."""
        calls = yield from _read_group(self._source, self._tools)
        calls = calls or [WrittenCall("", "")]
        if calls[0].error or not calls[0].name:
            self._collector.more(error=IN_BROKEN_LIST)
            text = self._source.since(start)
            calls = [broken_call(text, self._tools, calls[0].error or DESCRIBES)]
        for call in calls:
            self._collector.add(call)

    def _read_call(self) -> Reading[bool]:
        """Read a call; return whether its object is whole."""
        source, start = self._source, self._source.offset
        written = ObjectReader(source)
        error: str | None = None
        args_error: str | None = None
        # What stands before arguments that were delivered; the call is judged without them.
        head = name = ""
        try:
            while (key := (yield from written.next_key())) is not None:
                is_name = key in NAMING_KEYS and key not in written.values
                if not head and written.first == "{" and self._may_deliver(name, key):
                    head = source.since(start) + "{}"
                    args_error = yield from self._deliver(key, name, written)
                    start = source.offset
                else:
                    yield from written.value()
                    name = name_in(written.values, self._tools)[1] if is_name else name
        except FormError as reason:
            error = CUT_OFF if isinstance(reason, CutOffError) else NOT_JSON
        end = source.offset
        if error == NOT_JSON:
            yield from self._skip_to_tag()
        text = head + source.since(start)
        if error == NOT_JSON and (mended := mend(text)):
            text, written, error = mended, members_of(mended), None
        elif error and head:
            # What follows arguments that were delivered is text, and not lost.
            source.go_to(end)
        error = error or args_error
        if error:
            name = name_in(written.values, self._tools)[1]
            args = located_arguments(written.values) or text.strip()
            calls = [WrittenCall(name, args, error)]
        elif head and parse_json(text) is not None:
            calls = [read_call(written.values, text, self._tools, twice=written.twice)]
        else:
            calls = calls_in(text, self._tools) or [WrittenCall("", text, NAMES_NO_TOOL)]
        self._end(calls, is_open=bool(head))
        return error in (None, args_error)

    def _may_deliver(self, name: str, key: str) -> bool:
        """Tell whether an object under this key can only be the arguments."""
        is_argument = key in ARGUMENT_KEYS and key not in self._tools.parameters(name)
        return is_argument and name in self._tools

    def _end(self, calls: list[WrittenCall], *, is_open: bool) -> None:
        """Deliver calls, or only what is wrong with the one whose arguments were delivered."""
        if is_open:
            self._collector.more(error=calls[0].error)
            return
        if error := next((call.error for call in calls if call.error), None):
            calls = [calls[0]._replace(error=error)]
        for call in calls:
            self._collector.add(call)

    def _deliver(self, key: str, name: str, written: ObjectReader) -> Reading[str | None]:
        """Begin a call, and deliver its arguments while they are read; return what is wrong."""
        self._collector.call(name)
        place, arguments = self._source.offset, ArgumentStream()
        try:
            for _ in written.value():
                if place != written.doubt:
                    text = self._source.since(place, written.doubt)
                    self._collector.more(arguments.feed(text))
                    place += len(text)
                yield
        finally:
            self._collector.more(arguments.feed(self._source.since(place)))
            rest, delivered = arguments.finish()
            self._collector.more(rest)
            written.values[key] = delivered
        return None if isinstance(parse_json(delivered), dict) else NOT_AN_OBJECT

    def _skip_to_tag(self) -> Reading[None]:
        while (yield from self._source.skip_over(_UP_TO_TAG)):
            self._source.take(1)
