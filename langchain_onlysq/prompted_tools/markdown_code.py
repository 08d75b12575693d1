"""Code in the Markdown of a model: what stands in it is quoted, not meant. Pure."""

from __future__ import annotations

import re

from langchain_onlysq.prompted_tools.text_source import BLANKS_IN_LINE, Reading, TextSource

BACKTICKS = re.compile("`+")
FENCE = 3
"""How many marks a fence has at least."""

_TOKEN = re.compile(r"`+|~+|\n|[^\n`~]+")
_UP_TO_MARK = re.compile(r"[^`\n]+")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


class CodeTracker:
    """Knows whether the end of a text is at the start of a line, in inline code, or in a fence.

    Attributes:
        fence: The mark that opened the fence; "" outside.
    """

    def __init__(self) -> None:
        self.fence = ""
        # What stands before on this line: "start" (blanks), "quote" (marks of a quotation),
        # "number", "item" (the mark of a list item), or "body".
        self._line = "start"
        # How many backticks opened the inline code; 0 outside.
        self._code = 0
        # The run of backticks or tildes that the text ends with, which may go on.
        self._mark, self._size = "", 0
        # Whether this line opened the fence, and whether it may be the one that closes it.
        self._opens = self._closes = False
        # What was searched for the end of inline code: up to which place, and for each size of
        # runs of backticks the place after the last one.
        self._runs: dict[int, int] = {}
        self._searched = 0

    @property
    def at_start(self) -> bool:
        """Whether only blanks stand before on this line, and it is not in a fence."""
        return self._line == "start" and not (self._mark or self.fence)

    @property
    def in_code(self) -> bool:
        """Whether a backtick opened inline code that has not been closed."""
        return bool(self._code)

    def read(self, text: str) -> None:
        """Read on."""
        for token in _TOKEN.findall(text):
            char = token[0]
            if char != self._mark:
                self.settle()
            if char in "`~":
                self._mark = char
                self._size += len(token)
            elif char == "\n":
                self._end_line()
            elif self._line == "body":
                self._closes = self._closes and token.isspace()
            else:
                self._read_start(token)

    def settle(self) -> None:
        """Judge the run of marks that ends here."""
        mark, size, self._mark, self._size = self._mark, self._size, "", 0
        if not mark:
            return
        starts = self._line in ("start", "quote")
        if self.fence and not (self._opens and mark == "`"):
            self._closes = starts and (mark * size).startswith(self.fence)
        elif self._opens:
            # What has a backtick behind it on its line was not a fence, but inline code.
            self._code, self.fence, self._opens = len(self.fence), "", False
            self._read_backticks(size)
        elif size >= FENCE and (starts or self._line == "item"):
            self.fence, self._code, self._opens = mark * size, 0, mark == "`"
        elif mark == "`":
            self._read_backticks(size)
        self._line = "body"

    def skip_call(self) -> None:
        """Pass over a call, which is not Markdown: no code that begins in it goes on behind it."""
        self._line, self._code, self.fence = "body", 0, ""
        self._mark, self._size = "", 0
        self._opens = self._closes = False

    def is_quoted(self, source: TextSource, start: int) -> Reading[bool]:
        """Tell whether a call is in inline code, which must be closed in the same paragraph.

        If it is, what closes the code has been read. No text is searched twice in vain.

        Args:
            source: The text, read up to where the code may be closed; one that was cut off counts
                as closing it.
            start: Place of the call.
        """
        size, place = self._code, source.offset
        if not size or _BLANK_LINE.search(source.since(start)):
            return False
        if place < self._searched and self._runs.get(size, 0) <= place:
            return False
        runs: dict[int, int] = {}
        while char := (yield from source.skip_over(_UP_TO_MARK)):
            place = source.offset
            if char == "`":
                yield from source.skip_over(BACKTICKS)
                if source.offset - place == size:
                    return True
                runs[source.offset - place] = source.offset
            else:
                source.take(1)
                if (yield from source.skip_over(BLANKS_IN_LINE)) == "\n":
                    break
        self._runs, self._searched = runs, source.offset
        return not (char or source.whole)

    def _read_backticks(self, size: int) -> None:
        self._code = 0 if self._code == size else self._code or size

    def _end_line(self) -> None:
        if self._closes:
            self.fence = ""
        if self._line == "start":
            self._code = 0
        self._line, self._opens, self._closes = "start", False, False

    def _read_start(self, text: str) -> None:
        for char in text:
            if char.isspace():
                continue
            if char == ">" and self._line in ("start", "quote"):
                self._line = "quote"
            elif char.isdigit():
                self._line = "number"
            elif char in ("-*+>" if self._line != "number" else ".)"):
                self._line = "item"
            else:
                self._line = "body"
                return
