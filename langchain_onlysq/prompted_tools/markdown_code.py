"""Code in the Markdown of a model: what stands in it is quoted, not meant. Pure."""

from __future__ import annotations

import re

FENCE = 3
"""How many marks a fence has at least."""
"""How many marks a fence has at least."""


def end_of(pattern: re.Pattern[str], text: str, at: int = 0) -> int:
    """Return where a match that begins here ends."""
    match = pattern.match(text, at)
    return match.end() if match else at


class CodeTracker:
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
                end = end_of(self._PLAIN, text, at)
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


class Quote:
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
