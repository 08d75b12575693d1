"""Tool calls between `<tool_call>` tags, read while they arrive. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.json_scanner import ObjectScanner, Token
from langchain_onlysq.prompted_tools.markdown_code import end_of
from langchain_onlysq.prompted_tools.written_call import (
    ARGUMENT_KEYS,
    CUT_OFF,
    NO_JSON,
    NO_OBJECT,
    read_call,
)
from langchain_onlysq.response.deltas import ToolCallDelta
from langchain_onlysq.response.json_text import parse_json
from langchain_onlysq.response.text_filters import held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from langchain_onlysq.response.deltas import Delta

OPEN_TAG, CLOSE_TAG = "<tool_call>", "</tool_call>"

EDGE = re.compile("</?tool_call>", re.IGNORECASE | re.ASCII)
"""Either of the tags."""

_JSON_MARKS = frozenset("{}[]:,\"'")
_UP_TO_QUOTE = re.compile(r'(?:[^"\\\r\n]|\\[^\r\n])*')
_OPENING_FENCE = re.compile(r"[`\w-]*")


class Answer:
    """Collects what is handed over: texts, with the blanks around calls dropped, and calls."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._deltas: list[Delta] = []
        self._index = -1
        self._blanks: list[str] = []
        self._gap = ""
        self._is_broken = False
        self._has_text = False
        self._after_call = False

    def take(self) -> list[Delta]:
        """Return what was collected since the last time."""
        deltas, self._deltas = self._deltas, []
        return deltas

    def text(self, text: str) -> None:
        """Add text; blanks at its end wait for what comes next."""
        core = text.strip()
        if not core:
            self._blanks.append(text)
            return
        lead = text[: len(text) - len(text.lstrip())]
        before = "".join([*self._blanks, lead])
        if self._after_call:
            # Texts around a call are one text in the end: something must stand between them.
            before = (self._gap or before) if self._has_text else ""
            self._after_call, self._gap = False, ""
        self._has_text = True
        self._deltas.append(before + core)
        self._blanks = [text[len(lead) + len(core) :]]

    def call(self, name: str, args: str = "", error: str | None = None) -> None:
        """Begin a call."""
        self._gap = self._gap or "".join(self._blanks)
        self._blanks = []
        self._after_call = True
        self._index += 1
        self._is_broken = error is not None
        call_id = self._new_id()
        self._deltas.append(ToolCallDelta(self._index, call_id, name, args, error, sequential=True))

    def more(self, args: str = "", error: str | None = None) -> None:
        """Go on with the last call, unless it is broken already."""
        if self._is_broken:
            return
        self._is_broken = error is not None
        self._deltas.append(ToolCallDelta(self._index, args=args, error=error))

    def end(self) -> None:
        """End the answer: blanks behind a call are dropped, those behind text are text."""
        blanks = "".join(self._blanks)
        if blanks and not self._after_call:
            self._deltas.append(blanks)
        self._blanks = []


class CallReader:
    """Reads one call inside the tags; its arguments are handed over while they arrive."""

    def __init__(self, answer: Answer, tool_names: Collection[str]) -> None:
        self.token = Token.MORE
        self.streamed = False
        self._answer = answer
        self._tool_names = tool_names
        self._scanner = ObjectScanner()
        self._raw: list[str] = []
        self._args: list[str] = []
        self._name: str | None = None
        self._taken_by: list[str] | None = None

    @property
    def in_string(self) -> bool:
        """Whether the text so far ends inside a JSON string."""
        return self._scanner.in_string

    def read(self, text: str) -> int:
        """Read on up to the end of the text or of the object; return how far that is."""
        at = 0
        while True:
            self.token, end = self._scanner.step(text, at)
            self._keep(text[at:end])
            at = end
            if self.token is Token.OPEN:
                self._open(text[at])
            elif self.token is Token.CLOSE:
                self._close()
            else:
                return at

    def spill(self, text: str) -> None:
        """Keep text that belongs to a broken call."""
        self._raw.append(text)

    def end(self) -> None:
        """End the call, whole or not."""
        call = read_call("".join(self._raw), self._tool_names)
        if not self.streamed:
            self._answer.call(call.name, call.args, call.error)
            return
        error = NO_JSON if self.token is Token.BAD else call.error
        if error is None and not isinstance(parse_json("".join(self._args)), dict):
            error = NO_OBJECT
        if error:
            self._answer.more(error=error)

    def _keep(self, text: str) -> None:
        if self._taken_by is self._args:
            self._args.append(text)
            self._answer.more(text)
            return
        self._raw.append(text)
        if self._taken_by is not None:
            self._taken_by.append(text)

    def _open(self, char: str) -> None:
        key = self._scanner.key
        if key == "name":
            self._taken_by = []
        elif key in ARGUMENT_KEYS and char == "{" and not self.streamed and self._name:
            self.streamed = True
            self._answer.call(self._name)
            # The rest of the call is judged without the arguments, which may be long.
            self._raw.append("{}")
            self._taken_by = self._args

    def _close(self) -> None:
        if self._scanner.key == "name" and self._taken_by is not None:
            name = parse_json("".join(self._taken_by))
            self._name = name if isinstance(name, str) and name in self._tool_names else None
        self._taken_by = None


class TagReader:
    """Reads what follows a `<tool_call>`, up to its end.

    Attributes:
        done: Whether the tag has ended.
        open: Whether it ended without `</tool_call>`, which may come yet.
    """

    def __init__(self, answer: Answer, tool_names: Collection[str]) -> None:
        self.done = self.open = False
        self._answer = answer
        self._tool_names = tool_names
        self._call: CallReader | None = None
        self._between: list[str] = []
        self._count = 0
        self._fenced = self._in_mark = False
        self._listed = self._comma = False
        self._broken = False
        self._doubt: list[str] | None = None

    def read(self, text: str, *, final: bool) -> str:
        """Read on; return the text that cannot be judged yet, or is no part of this."""
        while text and not self.done:
            edge = EDGE.search(text)
            held = 0 if final else held_back(text[-len(CLOSE_TAG) :].lower(), (OPEN_TAG, CLOSE_TAG))
            limit = edge.start() if edge else len(text) - held
            if self._doubt is not None and self._call is not None:
                rest = self._read_doubt(self._doubt, self._call, text, final=final)
            elif limit:
                rest = self._read_inside(text[:limit]) + text[limit:]
            elif edge:
                rest = self._read_edge(text, edge.end())
            else:
                break
            if rest == text and self._doubt is not None:
                break
            text = rest
        return text

    def finish(self) -> str:
        """End the text; return what is to be read again, as text."""
        if self._doubt is not None:
            return self._cut(self._doubt)
        self._end(CUT_OFF)
        return ""

    def _read_inside(self, text: str) -> str:
        """Read text without a tag in it; return what is left of it."""
        if self._call is None:
            return self._read_between(text)
        if self._broken:
            self._call.spill(text)
            return ""
        return self._read_call(self._call, text)

    def _read_call(self, call: CallReader, text: str) -> str:
        at = call.read(text)
        if call.token is Token.END:
            call.end()
            self._call, self._between, self._comma = None, [], False
            self._count += 1
        elif call.token is Token.BAD and call.streamed:
            call.end()
            self._leave()
        elif call.token is Token.BAD:
            self._broken = True
        return text[at:]

    def _read_edge(self, text: str, end: int) -> str:
        """Read a tag, which ends this unless it is part of a string."""
        tag, rest = text[:end], text[end:]
        closes = tag.lower() == CLOSE_TAG
        if self._call and self._call.in_string and not self._broken:
            if closes:
                self._doubt = [tag]
                return rest
            return self._read_call(self._call, tag) + rest
        self._end("the call names no tool")
        return rest if closes else text

    def _read_doubt(self, doubt: list[str], call: CallReader, text: str, *, final: bool) -> str:
        """Read on behind a `</tool_call>` in a string, which may be one that was never closed."""
        end = end_of(_UP_TO_QUOTE, text)
        doubt.append(text[:end])
        rest = text[end:]
        if rest.startswith('"'):
            self._doubt = None
            return self._read_call(call, "".join([*doubt, '"'])) + rest[1:]
        if not rest or (rest == "\\" and not final):
            return rest
        return self._cut(doubt) + rest

    def _read_between(self, text: str) -> str:
        """Read what stands before, between and behind the calls."""
        blanks = text[: len(text) - len(text.lstrip())]
        if blanks:
            self._between.append(blanks)
            self._in_mark = False
            return text[len(blanks) :]
        char, first = text[0], self._count == 0
        if first and (self._in_mark or (char == "`" and not self._fenced)):
            return self._read_fence_mark(text)
        if char == "{":
            self._call = CallReader(self._answer, self._tool_names)
            return text
        if char == "`" and self._fenced and not self._comma:
            self._between = []
        elif char == "[" and first and not self._listed:
            self._listed = True
            self._between.append(char)
        elif char == "," and not first and not self._comma:
            self._comma = True
            self._between.append(char)
        elif char == "]" and self._listed and not first and not self._comma:
            self._listed = False
            self._between = []
        else:
            return self._read_junk(text)
        return text[1:]

    def _read_fence_mark(self, text: str) -> str:
        """Read the mark of a fence and the language behind it."""
        self._fenced = self._in_mark = True
        end = end_of(_OPENING_FENCE, text)
        self._between.append(text[:end])
        self._in_mark = end == len(text)
        return text[end:]

    def _read_junk(self, text: str) -> str:
        """Take what is no JSON: a broken call, or text after a tag that was never closed."""
        before = "".join(self._between)
        if self._count == 0:
            self._call = CallReader(self._answer, self._tool_names)
            self._call.spill(before)
            self._broken = True
            return text
        if self._comma or text[0] in _JSON_MARKS:
            # The object that was read as a call was only the beginning of what was meant.
            self._answer.more(error=NO_JSON)
        self._leave()
        return before + text

    def _cut(self, doubt: list[str]) -> str:
        """End a call at the `</tool_call>` that stands in a string; return what is behind it."""
        self._doubt = None
        self._end(CUT_OFF)
        return "".join(doubt[1:])

    def _end(self, reason: str) -> None:
        if self._call is not None:
            self._call.end()
        elif self._count == 0:
            self._answer.call("", "".join(self._between).strip(), reason)
        elif self._comma:
            self._answer.more(error=NO_JSON)
        self.done = True

    def _leave(self) -> None:
        self.done = self.open = True
