"""Tool calls in the text of a model, found while the text arrives. Pure.

However the text is cut into pieces, what comes out is the same: every decision is made at one
certain character, and what was held back until then is either a call or read again as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.markdown_code import CodeTracker, Quote
from langchain_onlysq.prompted_tools.standalone_calls import Standalone
from langchain_onlysq.prompted_tools.tagged_calls import (
    CLOSE_TAG,
    EDGE,
    OPEN_TAG,
    Answer,
    TagReader,
)
from langchain_onlysq.response.tool_calls import new_call_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from langchain_onlysq.response.deltas import Delta

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_MARKS = re.compile(r"[<{\[`]")


class ToolCallParser:
    """Find the calls of tools in a model's text.

    Attributes:
        done: False: a call may come at any time.
    """

    _PIECE = 4096

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
        self._answer = Answer(new_id)
        self._code = CodeTracker()
        self._pieces: list[str] = []
        self._rest = ""
        self._offset = 0
        self._opening: list[str] | None = None
        # Offset of that tag.
        self._begun = 0
        self._tag: TagReader | None = None
        self._candidate: Standalone | Quote | None = None
        self._awaits_close = False
        # Up to here the text was tried as a call without tags already.
        self._tried = 0
        # Where the last run of backticks of each size stands, as far as text was searched for it.
        self._runs: dict[int, int] = {}
        self._searched = 0

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return text and calls that can be handed over."""
        if _MARKS.search(text) or self._rest or self._tag or self._candidate or self._opening:
            self._push(text)
            self._read_all(final=False)
        else:
            # The short path: nothing here begins a call, and none is open.
            self._offset += len(text)
            self._pass_on(text, None)
        return self._answer.take()

    def close(self, *, whole: bool) -> list[Delta]:
        """End the text, which is `whole` or was cut off; return what was held back."""
        self._read_all(final=True)
        while self._tag or self._candidate or self._opening:
            back = self._end_mode(whole=whole)
            self._offset -= len(back)
            self._push(back)
            self._read_all(final=True)
        self._answer.end()
        return self._answer.take()

    def _push(self, text: str) -> None:
        """Put text before what is still to be read; in small pieces, which are cheap to cut."""
        starts = range(0, len(text), self._PIECE)
        self._pieces += [text[start : start + self._PIECE] for start in reversed(starts)]

    def _read_all(self, *, final: bool) -> None:
        while self._pieces or (final and self._rest):
            text = self._rest + (self._pieces.pop() if self._pieces else "")
            self._rest = ""
            last = final and not self._pieces
            waits = False
            while text and not waits:
                rest, waits = self._read_some(text, final=last)
                self._offset += len(text) - len(rest)
                if len(rest) > len(text):
                    self._push(rest)
                    rest = ""
                text = rest
            self._rest = text

    def _read_some(self, text: str, *, final: bool) -> tuple[str, bool]:
        """Read on; return the text that is left, and whether more must come before it is read."""
        if self._tag is not None:
            return self._read_tag(self._tag, text, final=final)
        if self._candidate is not None:
            end = self._candidate.read(text)
            back = self._judge(self._candidate, self._offset + end)
            return back + text[end:], False
        if self._opening is not None:
            return self._read_opening(self._opening, text, final=final)
        return self._read_text(text, final=final)

    def _read_text(self, text: str, *, final: bool) -> tuple[str, bool]:
        mark = _MARKS.search(text)
        start = mark.start() if mark else len(text)
        if start:
            return self._pass_on(text, start)
        if text[0] != "`":
            self._code.settle()
        if self._code.fence:
            return self._pass_on(text, 1)
        if text[0] == "<":
            return self._read_angle(text, final=final)
        if self._code.at_start and self._offset >= self._tried and self._tool_names:
            self._candidate = Standalone(self._tool_names)
            return text, False
        return self._pass_on(text, 1)

    def _read_angle(self, text: str, *, final: bool) -> tuple[str, bool]:
        """Read a `<`, which may begin a tag."""
        tags = (OPEN_TAG, CLOSE_TAG) if self._awaits_close else (OPEN_TAG,)
        edge = EDGE.match(text)
        found = edge[0].lower() if edge else ""
        if found == OPEN_TAG:
            self._opening, self._begun = [text[: len(OPEN_TAG)]], self._offset
            return text[len(OPEN_TAG) :], False
        if found in tags:
            self._awaits_close = False
            self._code.skip_call()
            return text[len(CLOSE_TAG) :], False
        begun = any(tag.startswith(text.lower()) for tag in tags)
        if begun and not final:
            return text, True
        return self._pass_on(text, 1)

    def _read_opening(self, held: list[str], text: str, *, final: bool) -> tuple[str, bool]:
        """Read what follows a tag: only where JSON or a fence does, it is one."""
        rest = text.lstrip()
        held.append(text[: len(text) - len(rest)])
        if rest and "```".startswith(rest) and not final:
            return rest, True
        if rest.startswith(("{", "[", "```")):
            self._opening = None
            if self._is_quoted("".join(held)):
                offset = self._offset + len(text) - len(rest)
                self._candidate = Quote(self._code.code, held, offset)
            else:
                self._tag = TagReader(self._answer, self._tool_names)
                self._awaits_close = False
        elif rest:
            self._opening = None
            self._pass_on("".join(held), None)
        return rest, False

    def _read_tag(self, tag: TagReader, text: str, *, final: bool) -> tuple[str, bool]:
        rest = tag.read(text, final=final)
        if tag.done:
            self._end_tag(tag)
        return rest, not tag.done

    def _end_tag(self, tag: TagReader) -> None:
        self._tag = None
        self._awaits_close = tag.open
        self._code.skip_call()

    def _is_quoted(self, held: str) -> bool:
        """Return whether what opened inline code before this tag may be closed behind it."""
        size = self._code.code
        if not size or self._code.line == "start" or _BLANK_LINE.search(held):
            return False
        return self._begun >= self._searched or self._runs.get(size, 0) > self._begun

    def _judge(self, candidate: Standalone | Quote, end: int) -> str:
        """Act on the verdict, if there is one; return the text to read again."""
        if candidate.verdict is None:
            return ""
        self._candidate = None
        held = "".join(candidate.held)
        if isinstance(candidate, Standalone):
            if candidate.verdict:
                for call in candidate.calls:
                    self._answer.call(call.name, call.args)
                self._code.skip_call()
                return ""
            self._tried = end
            return held
        if candidate.verdict:
            self._pass_on(held, None)
            return ""
        self._runs = candidate.runs
        self._searched = end
        self._code.code = 0
        return held

    def _end_mode(self, *, whole: bool) -> str:
        """End what was begun and not ended; return the text to read again."""
        if self._tag is not None:
            back = self._tag.finish()
            self._end_tag(self._tag)
            return back
        candidate, held = self._candidate, self._opening or []
        if candidate is not None and whole:
            candidate.finish()
            return self._judge(candidate, self._offset)
        if candidate is not None:
            held = candidate.held
        self._candidate = self._opening = None
        self._pass_on("".join(held), None)
        return ""

    def _pass_on(self, text: str, size: int | None) -> tuple[str, bool]:
        """Hand over the first characters as text."""
        self._code.read(text[:size])
        self._answer.text(text[:size])
        return text[len(text) if size is None else size :], False
