"""stdout and stderr: the answer goes to the one, everything else to the other."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from langchain_onlysq.cli.looks import choose_look, rich_console
from langchain_onlysq.cli.tables import plain_table, rich_table
from langchain_onlysq.cli.texts import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_onlysq.cli.looks import Style


class Screen:
    """Where answers are written, each piece at once.

    Only where both streams are terminals are there a spinner and reasoning. What a model says is
    cleaned before a terminal gets it; in a pipe it stays as it is.

    Attributes:
        is_shown: Whether stdout is a terminal.
    """

    def __init__(self, out: TextIO, err: TextIO) -> None:
        for stream in (out, err):
            if isinstance(stream, io.TextIOWrapper):
                # A character that the terminal has not is no reason to lose an answer.
                stream.reconfigure(errors="replace")
        self._out = out
        self._err = err
        self.is_shown = out.isatty()
        self._is_smart = os.environ.get("TERM", "").lower() not in {"dumb", "unknown"}
        self._is_terminal = self.is_shown and err.isatty()
        self._look = choose_look(err, is_terminal=self._is_terminal and self._is_smart)
        self._in_line = False
        self._in_reasoning = False

    def wait(self, text: str) -> None:
        """Show on a terminal what is being waited for, until something is written."""
        self._look.wait(one_line(text))

    def text(self, piece: str) -> None:
        """Write a piece of the answer.

        Raises:
            OSError: If it cannot be written.
        """
        shown = clean(piece) if self.is_shown else piece
        if not shown:
            return
        self._look.stop_waiting()
        if self._in_reasoning:
            self._say("\n\n", "dim")
            self._in_reasoning = False
        self._in_line = False  # nor is there anything to end where this cannot be written
        self._out.write(shown)
        self._out.flush()
        self._in_line = not shown.endswith("\n")

    def reasoning(self, piece: str) -> None:
        """Show a piece of reasoning, on a terminal only."""
        if not piece or not self._is_terminal:
            return
        self._look.stop_waiting()
        if self._in_line:
            self.text("\n")
        self._say(clean(piece), "dim")
        self._in_reasoning = True

    def end(self) -> None:
        """End what was begun: the spinner, and a line of reasoning or of the answer.

        Raises:
            OSError: If it cannot be written.
        """
        self._look.stop_waiting()
        if self._in_reasoning:
            self._say("\n", "dim")
            self._in_reasoning = False
        if self._in_line:
            self.text("\n")

    def note(self, text: str, style: Style = "dim") -> None:
        """Write a line to stderr.

        Raises:
            OSError: If the answer's last line cannot be ended.
        """
        self.end()
        self._say(one_line(text) + "\n", style)

    def interrupt(self) -> None:
        """End what was begun, or else the line on which the terminal shows `^C`.

        Raises:
            OSError: If it cannot be written.
        """
        was_begun = self._in_line or self._in_reasoning
        self.end()
        if self._is_terminal and not was_begun:
            self._say("\n", "dim")

    def _say(self, text: str, style: Style) -> None:
        """Write to stderr; an answer is an answer also where nobody reads what is said of it."""
        with suppress(OSError):
            self._look.write(text, style)

    def ask(self, prompt: str) -> str:
        """Read a line from the terminal.

        Raises:
            EOFError: At Ctrl-D.
        """
        if self.is_shown:
            return input(prompt)
        # stdout holds the answers alone.
        self._err.write(prompt)
        self._err.flush()
        return input()

    def document(self, value: Any) -> None:
        """Write a JSON document.

        Raises:
            OSError: If it cannot be written.
        """
        speaks_unicode = (self._out.encoding or "utf-8").lower().startswith("utf")
        text = json.dumps(value, ensure_ascii=not speaks_unicode, indent=2, default=str)
        self.text(text + "\n")

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Write a table, whose first row is its head.

        Raises:
            OSError: If it cannot be written.
        """
        if self.is_shown and self._is_smart:
            try:
                console = rich_console(self._out)
            except ImportError:
                pass
            else:
                self._look.stop_waiting()
                console.print(rich_table(rows), soft_wrap=True)
                return
        self.text(plain_table(rows))


def settle() -> None:
    """Flush what was written; where nobody takes it any more, let it go.

    Python itself would flush it at its end, and complain.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
