"""Tool calls in the text of a model, found while the text arrives. Pure.

However the text is cut into pieces, what comes out is the same: every decision is made at one
certain character, and what was held back until then is either a call or read again as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

from langchain_onlysq.deltas import ToolCallDelta
from langchain_onlysq.json_scanner import ObjectScanner, Token, parse_json, read_members
from langchain_onlysq.prompted_tools import (
    ARGUMENT_KEYS,
    CUT_OFF,
    NO_JSON,
    NO_OBJECT,
    read_call,
)
from langchain_onlysq.text_filters import held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from langchain_onlysq.deltas import Delta
    from langchain_onlysq.prompted_tools import WrittenCall

FENCE = 3
"""How many marks a fence has at least."""

OPEN_TAG, CLOSE_TAG = "<tool_call>", "</tool_call>"

_EDGE = re.compile("</?tool_call>", re.IGNORECASE | re.ASCII)
_CALL_KEYS = frozenset(("name", "arguments", "parameters", "function", "type", "id"))
_CALL_FENCES = ("", "json", "tool_call")
_LONGEST_INFO = 20
_JSON_MARKS = frozenset("{}[]:,\"'")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_MARKS = re.compile(r"[<{\[`]")
_UP_TO_QUOTE = re.compile(r'(?:[^"\\\r\n]|\\[^\r\n])*')
_OPENING_FENCE = re.compile(r"[`\w-]*")


def _end_of(pattern: re.Pattern[str], text: str, at: int = 0) -> int:
    """Return where a match that begins here ends."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _new_id() -> str:
    return f"call_{uuid4().hex[:24]}"


class _Answer:
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
        self._deltas.append(ToolCallDelta(self._index, self._new_id(), name, args, error))

    def more(self, args: str = "", error: str | None = None) -> None:
        """Go on with the last call, unless it is broken already."""
        if self._is_broken:
            return
        self._is_broken = error is not None
        self._deltas.append(ToolCallDelta(self._index, args=args, error=error))

    def end(self) -> None:
        blanks = "".join(self._blanks)
        if blanks and not self._after_call:
            self._deltas.append(blanks)
        self._blanks = []


class _CodeTracker:
    """Knows whether the end of a text is at the start of a line, in inline code, or in a fence.

    Attributes:
        line: What stands before on this line: "start" (blanks), "quote" (marks of a quotation),
            "number", "item" (the mark of a list item), or "body".
        code: How many backticks opened the inline code; 0 outside.
        fence: The mark that opened the fence; "" outside.
    """

    _PLAIN = re.compile(r"[^\n`~]+")

    def __init__(self) -> None:
        self.line = "start"
        self.code = 0
        self.fence = ""
        self._mark, self._size = "", 0
        self._info = False
        self._closing = False

    @property
    def at_start(self) -> bool:
        """Whether only blanks stand before on this line."""
        return self.line == "start" and not self._mark

    def read(self, text: str) -> None:
        """Read on."""
        at = 0
        while at < len(text):
            char = text[at]
            if char != self._mark:
                self.settle()
            if char in "`~":
                self._mark = char
                self._size += 1
                at += 1
            elif char == "\n":
                self._end_line()
                at += 1
            elif self.line == "body":
                end = _end_of(self._PLAIN, text, at)
                if self._closing and not text[at:end].isspace():
                    self._closing = False
                at = end
            else:
                self._start_of_line(char)
                at += 1

    def settle(self) -> None:
        """Judge the run of marks that ends here."""
        mark, size, self._mark, self._size = self._mark, self._size, "", 0
        if not mark:
            return
        starts = self.line in ("start", "quote")
        if self.fence and not (self._info and mark == "`"):
            self._closing = starts and (mark * size).startswith(self.fence)
        elif self._info:
            # What has a backtick behind it on its line was no fence, but inline code.
            self.code, self.fence, self._info = len(self.fence), "", False
            self._inline(size)
        elif size >= FENCE and (starts or self.line == "item"):
            self.fence, self.code, self._info = mark * size, 0, mark == "`"
        elif mark == "`":
            self._inline(size)
        self.line = "body"

    def skip_call(self) -> None:
        """Pass over a call, which is no Markdown."""
        self.line, self.code = "body", 0

    def _inline(self, size: int) -> None:
        if not self.code:
            self.code = size
        elif self.code == size:
            self.code = 0

    def _end_line(self) -> None:
        if self._closing:
            self.fence = ""
        if self.line == "start":
            self.code = 0
        self.line, self._info, self._closing = "start", False, False

    def _start_of_line(self, char: str) -> None:
        if char.isspace():
            return
        if char == ">" and self.line in ("start", "quote"):
            self.line = "quote"
        elif char.isdigit() and self.line != "body":
            self.line = "number"
        elif char in ("-*+>" if self.line != "number" else ".)"):
            self.line = "item"
        else:
            self.line = "body"


class _CallReader:
    """Reads one call inside the tags; its arguments are handed over while they arrive."""

    def __init__(self, answer: _Answer, tool_names: Collection[str]) -> None:
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


class _TagReader:
    """Reads what follows a `<tool_call>`, up to its end.

    Attributes:
        done: Whether the tag has ended.
        open: Whether it ended without `</tool_call>`, which may come yet.
    """

    def __init__(self, answer: _Answer, tool_names: Collection[str]) -> None:
        self.done = self.open = False
        self._answer = answer
        self._tool_names = tool_names
        self._call: _CallReader | None = None
        self._between: list[str] = []
        self._count = 0
        self._fenced = self._in_mark = False
        self._listed = self._comma = False
        self._broken = False
        self._doubt: list[str] | None = None

    def read(self, text: str, *, final: bool) -> str:
        """Read on; return the text that cannot be judged yet, or is no part of this."""
        while text and not self.done:
            edge = _EDGE.search(text)
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

    def _read_call(self, call: _CallReader, text: str) -> str:
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

    def _read_doubt(self, doubt: list[str], call: _CallReader, text: str, *, final: bool) -> str:
        """Read on behind a `</tool_call>` in a string, which may be one that was never closed."""
        end = _end_of(_UP_TO_QUOTE, text)
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
            self._call = _CallReader(self._answer, self._tool_names)
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
        end = _end_of(_OPENING_FENCE, text)
        self._between.append(text[:end])
        self._in_mark = end == len(text)
        return text[end:]

    def _read_junk(self, text: str) -> str:
        """Take what is no JSON: a broken call, or text after a tag that was never closed."""
        before = "".join(self._between)
        if self._count == 0:
            self._call = _CallReader(self._answer, self._tool_names)
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


class _Standalone:
    """Reads what may be calls without tags: JSON, perhaps in a fence, on lines of its own.

    Attributes:
        verdict: Whether it is; None while that is not known.
        held: The text that was read.
        calls: The calls.
    """

    def __init__(self, tool_names: Collection[str]) -> None:
        self.verdict: bool | None = None
        self.held: list[str] = []
        self.calls: list[WrittenCall] = []
        self._tool_names = tool_names
        self._take = self._take_first
        self._fence = self._closing = 0
        self._info = ""
        self._listed = self._after = False
        self._scanner: ObjectScanner | None = None
        self._raw: list[str] = []
        self._name: list[str] | None = None

    def read(self, text: str) -> int:
        """Read on up to where the verdict is known; return how far that is."""
        at = 0
        while at < len(text) and self.verdict is None:
            if self._scanner is not None:
                at = self._read_object(self._scanner, text, at)
                continue
            self._take(text[at])
            if self.verdict is None and self._scanner is None:
                at += 1
        self.held.append(text[:at])
        return at

    def finish(self) -> None:
        """End the text, which is whole."""
        self.verdict = self._after and not self._listed and self._scanner is None

    def _take_first(self, char: str) -> None:
        if char == "`":
            self._fence += 1
        elif not self._fence:
            self._take = self._take_json
            self._take(char)
        elif self._fence < FENCE:
            self.verdict = False
        else:
            self._take = self._take_info
            self._take(char)

    def _take_info(self, char: str) -> None:
        self._info += char
        word = self._info.strip().lower()
        if char == "\n" and word in _CALL_FENCES:
            self._take = self._take_json
        elif (
            char == "\n"
            or len(self._info) > _LONGEST_INFO
            or not any(known.startswith(word) for known in _CALL_FENCES)
        ):
            self.verdict = False

    def _take_json(self, char: str) -> None:
        """Take a character outside of the objects."""
        done = self._after and not self._listed
        if done and not self._fence and char == "\n":
            self.verdict = True
        elif char.isspace():
            pass
        elif char == "{" and (not self._after or (done and self._fence)):
            self._scanner, self._raw, self._after = ObjectScanner(), [], False
        elif char == "[" and not self._listed and (not self._after or self._fence):
            self._listed, self._after = True, False
        elif self._listed and self._after and char == "]":
            self._listed = False
        elif self._listed and self._after and char == ",":
            self._after = False
        elif done and self._fence and char == "`":
            self._take = self._take_closing
            self._take(char)
        else:
            self.verdict = False

    def _take_closing(self, char: str) -> None:
        if char == "`" and self._closing >= 0:
            self._closing += 1
        elif self._closing >= 0 and self._closing < self._fence:
            self.verdict = False
        elif char == "\n":
            self.verdict = True
        elif char.isspace():
            self._closing = -1
        else:
            self.verdict = False

    def _read_object(self, scanner: ObjectScanner, text: str, at: int) -> int:
        token, end = scanner.step(text, at)
        self._raw.append(text[at:end])
        if self._name is not None:
            self._name.append(text[at:end])
        if token is Token.OPEN:
            self._check_key(scanner.key, text[end])
        elif token is Token.CLOSE:
            self._check_name()
        elif token is Token.END:
            self._scanner, self._after = None, True
            self._judge("".join(self._raw))
        elif token is Token.BAD:
            self.verdict = False
        return end

    def _check_key(self, key: str, char: str) -> None:
        """Give up at a member that no call has."""
        self._name = [] if key == "name" else None
        known = key in _CALL_KEYS
        if not known or (key in ARGUMENT_KEYS and char not in '{"'):
            self.verdict = False

    def _check_name(self) -> None:
        """Give up at a name that no tool has."""
        if self._name is not None:
            name = parse_json("".join(self._name))
            if not isinstance(name, str) or name not in self._tool_names:
                self.verdict = False
        self._name = None

    def _judge(self, raw: str) -> None:
        """Decide whether an object is a call, and not the description of a tool, say."""
        call = read_call(raw, self._tool_names)
        values = read_members(raw).values
        if "name" not in values:
            values = read_members(values.get("function", "")).values
        parameters = parse_json(values.get("parameters", ""))
        is_schema = isinstance(parameters, dict) and isinstance(parameters.get("properties"), dict)
        has_arguments = "arguments" in values or "parameters" in values
        if call.error or is_schema or not has_arguments or not _CALL_KEYS.issuperset(values):
            self.verdict = False
        self.calls.append(call)


class _Quote:
    """Reads on behind a tag in what may be inline code: is there a mark that closes it?

    Attributes:
        verdict: Whether there is one; None while that is not known.
        held: The text that was read.
        runs: Size of each run of backticks -> the offset of what follows the last one.
    """

    def __init__(self, size: int, held: list[str], offset: int) -> None:
        self.verdict: bool | None = None
        self.held = held
        self.runs: dict[int, int] = {}
        self._size = size
        self._run = 0
        self._offset = offset
        self._blank = False

    def read(self, text: str) -> int:
        """Read on up to where the verdict is known; return how far that is."""
        for at, char in enumerate(text):
            if char == "`":
                self._run += 1
                self._blank = False
                continue
            self._end_run(self._offset + at)
            if char == "\n":
                if self._blank:
                    self.verdict = False
                self._blank = True
            elif not char.isspace():
                self._blank = False
            if self.verdict is not None:
                self.held.append(text[:at])
                return at
        self._offset += len(text)
        self.held.append(text)
        return len(text)

    def finish(self) -> None:
        """End the text, which is whole."""
        self._end_run(self._offset)
        self.verdict = self.verdict or False

    def _end_run(self, at: int) -> None:
        if self._run == self._size:
            self.verdict = True
        elif self._run:
            self.runs[self._run] = at
        self._run = 0


class ToolCallParser:
    """Find the calls of tools in a model's text."""

    _PIECE = 4096

    def __init__(self, tool_names: Collection[str], *, new_id: Callable[[], str] = _new_id) -> None:
        """Look for calls of the tools of these names.

        Args:
            tool_names: Names of the tools that were bound.
            new_id: Makes the ids of calls.
        """
        self._tool_names = frozenset(tool_names)
        self._answer = _Answer(new_id)
        self._code = _CodeTracker()
        self._pieces: list[str] = []
        self._rest = ""
        self._offset = 0
        self._opening: list[str] | None = None
        # Offset of that tag.
        self._begun = 0
        self._tag: _TagReader | None = None
        self._candidate: _Standalone | _Quote | None = None
        self._awaits_close = False
        # Up to here the text was tried as a call without tags already.
        self._tried = 0
        # Where the last run of backticks of each size stands, as far as text was searched for it.
        self._runs: dict[int, int] = {}
        self._searched = 0

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return text and calls that can be handed over."""
        self._push(text)
        self._read_all(final=False)
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
            self._candidate = _Standalone(self._tool_names)
            return text, False
        return self._pass_on(text, 1)

    def _read_angle(self, text: str, *, final: bool) -> tuple[str, bool]:
        """Read a `<`, which may begin a tag."""
        tags = (OPEN_TAG, CLOSE_TAG) if self._awaits_close else (OPEN_TAG,)
        edge = _EDGE.match(text)
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
                self._candidate = _Quote(self._code.code, held, offset)
            else:
                self._tag = _TagReader(self._answer, self._tool_names)
                self._awaits_close = False
        elif rest:
            self._opening = None
            self._pass_on("".join(held), None)
        return rest, False

    def _read_tag(self, tag: _TagReader, text: str, *, final: bool) -> tuple[str, bool]:
        rest = tag.read(text, final=final)
        if tag.done:
            self._end_tag(tag)
        return rest, not tag.done

    def _end_tag(self, tag: _TagReader) -> None:
        self._tag = None
        self._awaits_close = tag.open
        self._code.skip_call()

    def _is_quoted(self, held: str) -> bool:
        """Return whether what opened inline code before this tag may be closed behind it."""
        size = self._code.code
        if not size or self._code.line == "start" or _BLANK_LINE.search(held):
            return False
        return self._begun >= self._searched or self._runs.get(size, 0) > self._begun

    def _judge(self, candidate: _Standalone | _Quote, end: int) -> str:
        """Act on the verdict, if there is one; return the text to read again."""
        if candidate.verdict is None:
            return ""
        self._candidate = None
        held = "".join(candidate.held)
        if isinstance(candidate, _Standalone):
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
