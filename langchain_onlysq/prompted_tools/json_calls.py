"""Calls as JSON between two tags, delivered while they arrive. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.json_object import ObjectReader
from langchain_onlysq.prompted_tools.text_source import CutOffError, FormError, Reading, TextSource
from langchain_onlysq.prompted_tools.written_call import (
    ARGUMENT_KEYS,
    CUT_OFF,
    NAMES_NO_TOOL,
    NOT_JSON,
    bound_name,
    read_call,
)

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.delta_collector import DeltaCollector

_FENCE_MARK = re.compile(r"[`\w-]+")
_UP_TO_TAG = re.compile("[^<]+")
_JSON_MARKS = frozenset("{}[]:,\"'")


class JsonCalls:
    """Reads calls that may stand in a list and in a fence, with or without commas between them.

    What is broken is a broken call, to which all belongs up to the next tag. What follows a call
    and is not another one is text.
    """

    STARTS = ("{", "[", "```")
    """What the calls begin with."""

    def __init__(
        self, source: TextSource, collector: DeltaCollector, tool_names: frozenset[str]
    ) -> None:
        self._source = source
        self._collector = collector
        self._tool_names = tool_names
        # The marks that may close a list and a fence.
        self._closers = ""

    def read(self) -> Reading[None]:
        """Read the calls up to a tag, the end of the text, or what is not a call."""
        source, start = self._source, self._source.offset
        while (char := (yield from source.skip_over())) in ("[", "`"):
            if char == "[":
                if "]" in self._closers:
                    break
                self._closers += "]"
                source.take(1)
            elif "`" in self._closers:
                source.take(1)
                start = source.offset
            else:
                self._closers += "`"
                yield from source.skip_over(_FENCE_MARK)
        if char != "{":
            yield from self._skip_to_tag()
            is_tag = yield from source.find_mark(source.tags)
            error = NOT_JSON if char else NAMES_NO_TOOL if is_tag else CUT_OFF
            self._collector.call("", source.since(start).strip(), error)
            return
        while char and (yield from self._read_call()):
            char = yield from self._read_between()

    def _read_between(self) -> Reading[str]:
        """Read up to the next call; return its first character, or "" where none follows."""
        source, start, comma = self._source, self._source.offset, False
        while (char := (yield from source.skip_over())) not in ("", "{"):
            if comma or char not in f",{self._closers}":
                # What was read as a call may have been only the beginning of what was meant.
                self._collector.more(error=NOT_JSON if comma or char in _JSON_MARKS else None)
                source.back_to(start)
                return ""
            source.take(1)
            comma = char == ","
            if not comma:
                start = source.offset
            if char == "]":
                self._closers = self._closers.replace(char, "")
        if comma and not char:
            self._collector.more(error=NOT_JSON)
        return char

    def _read_call(self) -> Reading[bool]:
        """Read a call; return whether its object is whole."""
        source, start = self._source, self._source.offset
        written = ObjectReader(source)
        name = error = None
        # What stands before arguments that were delivered; the call is judged without them.
        head = ""
        try:
            while (key := (yield from written.next_key())) is not None:
                if key in ARGUMENT_KEYS and written.first == "{" and name and not head:
                    head = source.since(start) + "{}"
                    yield from self._deliver(name, written)
                    start = source.offset
                    continue
                raw = yield from written.value()
                if key == "name":
                    name = bound_name(raw, self._tool_names)
        except FormError as reason:
            error = CUT_OFF if isinstance(reason, CutOffError) else NOT_JSON
        if error == NOT_JSON and not head:
            yield from self._skip_to_tag()
        call = read_call(written, head + source.since(start), self._tool_names, error)
        if not head:
            self._collector.call(call.name, call.args, call.error)
        elif call.error:
            self._collector.more(error=call.error)
        return error is None

    def _deliver(self, name: str, written: ObjectReader) -> Reading[None]:
        """Begin a call, and deliver its arguments while they are read."""
        self._collector.call(name)
        place = self._source.offset
        try:
            for _ in written.value():
                if place != written.doubt:
                    args = self._source.since(place, written.doubt)
                    self._collector.more(args)
                    place += len(args)
                yield
        finally:
            self._collector.more(self._source.since(place))

    def _skip_to_tag(self) -> Reading[None]:
        while (yield from self._source.skip_over(_UP_TO_TAG)):
            self._source.take(1)
