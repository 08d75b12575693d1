"""Tool calls in the text of a model, found while the text arrives. Pure.

However the text is cut into pieces, what comes out is the same: every decision is made at one
certain character, and what was held back until then is either a call or read again as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.bound_tools import BoundTools
from langchain_onlysq.prompted_tools.delta_collector import CallBuffer, DeltaCollector
from langchain_onlysq.prompted_tools.forms import (
    FORMS,
    HEADER_CLOSERS,
    HEADERS,
    MARKS,
    OWN,
    RESPONSES,
    SIGNS,
    STARTS,
    TEXT_LINES,
    WORDS,
)
from langchain_onlysq.prompted_tools.header_calls import read_header, read_message, read_thought
from langchain_onlysq.prompted_tools.json_calls import OwnCalls, begins_calls
from langchain_onlysq.prompted_tools.json_document import read_document
from langchain_onlysq.prompted_tools.markdown_code import CodeTracker
from langchain_onlysq.prompted_tools.marked_calls import (
    Marked,
    read_closers,
    read_further,
    read_marked,
    tags_of,
)
from langchain_onlysq.prompted_tools.markup import MarkupTracker
from langchain_onlysq.prompted_tools.standalone_calls import (
    read_fence,
    read_named_answer,
    read_python_list,
    read_standalone,
)
from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    NO_MARKS,
    CutOffError,
    FormError,
    Marks,
    Reading,
    TextSource,
)
from langchain_onlysq.response.message_headers import TEXT_CHANNELS, THOUGHT_CHANNEL
from langchain_onlysq.response.tool_calls import new_call_id

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from langchain_onlysq.prompted_tools.written_call import WrittenCall
    from langchain_onlysq.response.deltas import Delta

_NO_LIST_BEFORE = (",", "[")
_ADDRESS = Marks(("to=",))
"""What an answer of gpt-oss begins with where the beginning of its header is in the prompt."""


class ToolCallReader:
    """Find the calls of tools in a model's text.

    Attributes:
        done: False: a call may come at any time.
    """

    done = False

    def __init__(
        self,
        tools: Mapping[str, Any] | Collection[str],
        *,
        new_id: Callable[[], str] = new_call_id,
        first_index: int = 0,
        parse_reasoning: bool = True,
    ) -> None:
        """Look for calls of these tools.

        Args:
            tools: Names of the tools that were bound, perhaps with the schemas of their parameters.
            new_id: Makes the ids of calls.
            first_index: Index of the first call.
            parse_reasoning: Whether reasoning behind calls is told from text.
        """
        self._tools = BoundTools(tools)
        self._parses_reasoning = parse_reasoning
        self._collector = DeltaCollector(new_id, first_index)
        self._source = TextSource()
        self._code = CodeTracker()
        self._markup = MarkupTracker()
        # The closing marks of calls that ended without them.
        self._closers: frozenset[str] = frozenset()
        # Whether nothing stands before, or only calls and marks.
        self._is_fresh = True
        # Up to this place the text was tried as calls without marks.
        self._tried = 0
        # Whether all text was read, and no call in it is open.
        self._is_idle = False
        self._reading = self._read_answer()
        next(self._reading)

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return text and calls that can be delivered."""
        if self._is_idle and self._is_plain(text):
            # The short path.
            self._source.pass_over(text)
            self._deliver_plain(text)
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
        """Read plain text, calls behind marks, and calls alone on their lines."""
        source = self._source
        yield from self._read_beginning()
        while True:
            found = self._find_start()
            end = found.start(found.lastgroup or 0) if found else len(source.piece)
            if end > source.at:
                self._deliver(source.take(end - source.at))
            source.forget()
            if found:
                yield from self._read_start(source.piece[source.at])
                continue
            self._is_idle = True
            if not (yield from source.more()):
                return
            self._is_idle = False

    def _find_start(self) -> re.Match[str] | None:
        """Return the next of what may begin calls in this piece."""
        piece, at = self._source.piece, self._source.at
        found = WORDS.match(piece, at) if self._code.at_start else None
        return found or STARTS.search(piece, at)

    def _is_plain(self, text: str) -> bool:
        """Tell whether nothing in a text, which comes next, begins a call."""
        if SIGNS.search(text):
            return False
        if self._code.at_start and WORDS.match(text):
            return False
        return not ("\n" in text and STARTS.search(text))

    def _deliver(self, text: str) -> None:
        """Take text that is not part of a call."""
        may_begin = "<" in text or "[" in text
        # What has begun goes on in code, too: where that begins must not depend on the pieces.
        if may_begin and not (self._markup.waits or self._code.in_code or self._code.fence):
            self._markup.read(text)
            self._deliver_quoted(text)
        else:
            self._deliver_plain(text)

    def _deliver_plain(self, text: str) -> None:
        """Take text in which no markup begins."""
        if self._markup.waits:
            self._markup.read(text)
        self._deliver_quoted(text)

    def _deliver_quoted(self, text: str) -> None:
        """Take text in which there is no markup."""
        self._code.read(text)
        if self._is_fresh:
            self._is_fresh = text.isspace() or not text
        self._collector.text(text)

    def _read_beginning(self) -> Reading[None]:
        """Read an answer that begins with the name of a tool: alone on its line, or in a header."""
        source, start = self._source, self._source.offset
        yield from source.skip_over(BLANKS)
        if mark := (yield from source.find_mark(_ADDRESS)):
            self._deliver(source.since(start))
            yield from self._read_message(mark)
            return
        if line := (yield from source.find_mark(self._tools.lines)):
            name = source.take(len(line)).strip()
            reading = read_named_answer(source, self._tools, name)
            if name in self._tools and (yield from self._try(reading, start)):
                return
        source.go_to(start)

    def _read_start(self, char: str) -> Reading[None]:
        """Read what a character may begin: calls, or nothing."""
        source, code = self._source, self._code
        if char != "`":
            code.settle()
        self._markup.settle()
        mark = "" if code.fence else (yield from source.find_mark(MARKS))
        if mark in FORMS:
            yield from self._read_form(mark)
        elif mark in HEADERS:
            yield from self._read_message(mark)
        elif mark in RESPONSES and self._is_fresh:
            source.take(len(mark))
            self._closers |= {RESPONSES[mark]}
        elif mark in self._closers:
            source.take(len(mark))
            self._closers -= {mark}
            self._is_fresh = True
        elif char in "{[" and not (mark or code.fence):
            yield from self._read_brackets(char)
        elif char == "`" and code.at_start and source.offset >= self._tried:
            yield from self._read_fence()
        else:
            self._deliver(source.take(len(mark) or 1))

    def _read_form(self, mark: str) -> Reading[None]:
        """Read a mark and, if calls follow, all up to the marks after them."""
        source, start = self._source, self._source.offset
        if self._is_fresh and (line := (yield from source.find_mark(TEXT_LINES))):
            written = source.take(len(line))
            if written != line:
                self._deliver(written)
            return
        if mark == OWN:
            source.take(len(mark))
            source.tags = tags_of(OWN)
            yield from source.skip_over(BLANKS)
            is_meant = yield from begins_calls(source)
            source.tags = NO_MARKS
            if is_meant:
                yield from self._read_own(start)
                return
            source.go_to(start)
        found = yield from read_marked(source, self._tools, mark)
        if found.calls:
            yield from self._end_form(start, found)
        else:
            self._give_up(start, mark)

    def _give_up(self, start: int, mark: str) -> None:
        """Take a mark for text, since nothing follows that would make it one."""
        self._source.go_to(start + len(mark))
        self._deliver(self._source.since(start))

    def _end_form(self, start: int, found: Marked) -> Reading[None]:
        """Deliver what was read behind marks, as calls or as text."""
        source = self._source
        if (yield from self._is_quoted(start, found.body)):
            self._deliver(source.since(start))
            return
        if not self._call(found.calls):
            self._deliver(source.since(start))
            self._code.skip_call()
            return
        end = source.offset
        while calls := (yield from read_further(source, self._tools, found.marks)):
            if not self._call(calls):
                self._deliver(source.since(end))
            end = source.offset
        yield from self._end_calls(found.closers)

    def _is_quoted(self, start: int, body: int) -> Reading[bool]:
        """Tell whether what was read is in inline code or between tags; then read these, too.

        Inline code is closed behind the mark; where that begins a line, behind the whole call.
        """
        source, end = self._source, self._source.offset
        if self._code.in_code:
            source.go_to(end if self._code.at_start else body)
            if (yield from self._code.is_quoted(source, start)):
                return True
            source.go_to(end)
        return (yield from self._markup.is_closed(source))

    def _call(self, calls: list[WrittenCall]) -> bool:
        """Deliver calls, if all of them are of tools that were bound; return whether they are."""
        if any(call.name not in self._tools for call in calls):
            return False
        for call in calls:
            self._collector.add(call)
        return True

    def _read_own(self, start: int) -> Reading[None]:
        """Read calls in our own form, and deliver them while they arrive."""
        source, body = self._source, self._source.offset
        may_be_quoted = bool(self._markup.open) or (self._code.in_code and self._code.at_start)
        if self._code.in_code and not self._code.at_start:
            if (yield from self._code.is_quoted(source, start)):
                self._deliver(source.since(start))
                return
            source.go_to(body)
        buffer = CallBuffer() if may_be_quoted else None
        source.tags = tags_of(OWN)
        yield from OwnCalls(source, buffer or self._collector, self._tools).read()
        source.tags = NO_MARKS
        if buffer:
            if (yield from self._is_quoted(start, source.offset)):
                self._deliver(source.since(start))
                return
            buffer.deliver(self._collector)
        yield from self._end_calls(frozenset(FORMS[OWN].closers))

    def _end_calls(self, closers: frozenset[str]) -> Reading[None]:
        """Read the marks after calls, of which these may come."""
        self._closers = yield from read_closers(self._source, self._closers | closers)
        self._code.skip_call()
        self._is_fresh = True

    def _read_message(self, mark: str) -> Reading[None]:
        """Read the header of a message, and the call behind it if it addresses a tool."""
        source, start = self._source, self._source.offset
        source.take(len(mark))
        recipient, channel = yield from read_header(source, mark)
        if channel == THOUGHT_CHANNEL and not recipient:
            thought = None
            if self._is_fresh and self._parses_reasoning:
                thought = yield from read_thought(source)
            if thought is None:
                self._deliver(source.since(start))
            else:
                self._collector.reasoning(thought.strip())
            return
        if recipient:
            found = yield from read_message(source, self._tools, recipient)
            if found.calls:
                yield from self._end_form(start, found)
                return
        elif channel in TEXT_CHANNELS and self._is_fresh:
            self._closers |= HEADER_CLOSERS
            return
        self._give_up(start, mark)

    def _read_brackets(self, char: str) -> Reading[None]:
        """Read JSON or Python that stands alone on its lines, or any other JSON, which is text."""
        source, start = self._source, self._source.offset
        is_alone = self._code.at_start and self._collector.last not in _NO_LIST_BEFORE
        if is_alone and self._tools and start >= self._tried:
            is_first = self._collector.is_empty
            if (yield from self._try(self._read_alone(), start)):
                return
            if char == "[" and is_first:
                reading = read_python_list(source, self._tools)
                if (yield from self._try(reading, start)):
                    return
        yield from read_document(source, self._deliver_quoted)

    def _read_alone(self) -> Reading[list[WrittenCall]]:
        """Read calls alone on their lines; those in inline code are none."""
        source, start = self._source, self._source.offset
        calls = yield from read_standalone(source, self._tools)
        end = source.offset
        if (yield from self._code.is_quoted(source, start)):
            raise FormError
        source.go_to(end)
        return calls

    def _read_fence(self) -> Reading[None]:
        """Read a fence with calls, or only the mark of one."""
        source, start = self._source, self._source.offset
        reading = read_fence(source, self._tools, is_answer=self._collector.is_empty)
        if not (yield from self._try(reading, start)):
            self._deliver(source.take(1))

    def _try(self, reading: Reading[list[WrittenCall]], start: int) -> Reading[bool]:
        """Read calls without marks; return False, and go back, where there are none."""
        source = self._source
        try:
            calls = yield from reading
        except FormError as error:
            if source.whole or not isinstance(error, CutOffError):
                self._tried = max(self._tried, source.offset)
                source.go_to(start)
                return False
            self._deliver(source.since(start))
            return True
        if (yield from self._markup.is_closed(source)):
            self._deliver(source.since(start))
            return True
        self._call(calls)
        yield from self._end_calls(frozenset())
        return True
