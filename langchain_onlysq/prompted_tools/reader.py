"""Tool calls in the text of a model, found while the text arrives. Pure.

However the text is cut into pieces, what comes out is the same: every decision is made at one
certain character, and what was held back until then is either a call or read again as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from langchain_onlysq.prompted_tools.delta_collector import DeltaCollector
from langchain_onlysq.prompted_tools.json_calls import JsonCalls
from langchain_onlysq.prompted_tools.markdown_code import CodeTracker
from langchain_onlysq.prompted_tools.standalone_calls import STARTS, read_standalone
from langchain_onlysq.prompted_tools.text_source import CutOffError, FormError, Reading, TextSource
from langchain_onlysq.response.tool_calls import new_call_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from langchain_onlysq.response.deltas import Delta


class Form(NamedTuple):
    """A form in which models write calls.

    Attributes:
        opener: The mark before the calls, in small letters; without a body after it, it is text.
        closer: The mark after them, in small letters.
        body: What reads the calls between the marks.
    """

    opener: str
    closer: str
    body: type[JsonCalls]


_FORMS = {form.opener: form for form in [Form("<tool_call>", "</tool_call>", JsonCalls)]}
_OPENERS = tuple(_FORMS)
_STARTS = re.compile(f"[{re.escape(STARTS + ''.join(mark[0] for mark in _OPENERS))}]")


class ToolCallReader:
    """Find the calls of tools in a model's text.

    Attributes:
        done: False: a call may come at any time.
    """

    done = False

    def __init__(
        self, tool_names: Collection[str], *, new_id: Callable[[], str] = new_call_id
    ) -> None:
        """Look for calls of the tools of these names.

        Args:
            tool_names: Names of the tools that were bound.
            new_id: Makes the ids of calls.
        """
        self._tool_names = frozenset(tool_names)
        self._collector = DeltaCollector(new_id)
        self._source = TextSource()
        self._code = CodeTracker()
        # The marks that may come: closing ones only after calls that ended without them.
        self._marks = _OPENERS
        # Up to this place the text was tried as calls without marks.
        self._tried = 0
        # Whether all text was read, and no call in it is open.
        self._is_idle = False
        self._reading = self._read_answer()
        next(self._reading)

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return text and calls that can be delivered."""
        if self._is_idle and not _STARTS.search(text):
            # The short path: nothing here begins a call.
            self._source.pass_over(text)
            self._deliver(text)
        else:
            self._source.feed(text)
            next(self._reading)
        return self._collector.take()

    def close(self, *, whole: bool) -> list[Delta]:
        """End the text, which is `whole` or was cut off; return what was held back."""
        self._source.end(whole=whole)
        next(self._reading, None)
        self._collector.end()
        return self._collector.take()

    def _read_answer(self) -> Reading[None]:
        """Read plain text, calls between marks, and calls alone on their lines."""
        source = self._source
        while True:
            found = _STARTS.search(source.piece, source.at)
            end = found.start() if found else len(source.piece)
            if end > source.at:
                self._deliver(source.take(end - source.at))
            source.forget()
            if found:
                yield from self._read_start(found[0])
                continue
            self._is_idle = True
            if not (yield from source.more()):
                return
            self._is_idle = False

    def _deliver(self, text: str) -> None:
        """Take text that is not part of a call."""
        self._code.read(text)
        self._collector.text(text)

    def _read_start(self, char: str) -> Reading[None]:
        """Read what a character may begin: calls, or nothing."""
        source, code = self._source, self._code
        if char != "`":
            code.settle()
        mark = "" if code.fence else (yield from source.find_mark(self._marks))
        if mark in _FORMS:
            yield from self._read_form(_FORMS[mark])
        elif mark:
            source.take(len(mark))
            self._end_calls(_OPENERS)
        elif char in STARTS and code.at_start and self._tool_names and source.offset >= self._tried:
            yield from self._read_standalone()
        else:
            self._deliver(source.take(1))

    def _read_form(self, form: Form) -> Reading[None]:
        """Read a mark and, if calls follow, all up to the mark after them."""
        source, start = self._source, self._source.offset
        source.take(len(form.opener))
        yield from source.skip_over()
        body = source.offset
        follows = yield from source.find_mark(form.body.STARTS)
        if not follows or (yield from self._code.is_quoted(source, start)):
            self._deliver(source.since(start))
            return
        source.back_to(body)
        source.tags = (form.opener, form.closer)
        yield from form.body(source, self._collector, self._tool_names).read()
        mark = yield from source.find_mark(source.tags)
        source.tags = ()
        if mark == form.closer:
            source.take(len(mark))
        self._end_calls(_OPENERS if mark else (*_OPENERS, form.closer))

    def _read_standalone(self) -> Reading[None]:
        source, start = self._source, self._source.offset
        try:
            calls = yield from read_standalone(source, self._tool_names)
        except FormError as error:
            if source.whole or not isinstance(error, CutOffError):
                self._tried = source.offset
                source.back_to(start)
            else:
                self._deliver(source.since(start))
        else:
            for call in calls:
                self._collector.call(call.name, call.args)
            self._end_calls(self._marks)

    def _end_calls(self, marks: tuple[str, ...]) -> None:
        """End calls, after which these marks may come."""
        self._marks = marks
        self._code.skip_call()
