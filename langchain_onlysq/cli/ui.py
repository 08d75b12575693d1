"""What the user sees and types: answers on stdout, everything else on stderr."""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TextIO

from langchain_onlysq.cli.formatting import as_json, clean, one_line, plain_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.status import Status
    from rich.table import Table

Style = Literal["dim", "red"]

_PATIENT_SECONDS = 2.0
"""How long nothing is said of a wait where there is no spinner."""

_WIDE = 10_000
"""More columns than a table of models has."""

_ANSI_CODES: dict[Style, int] = {"dim": 2, "red": 31}


class Screen:
    """stdout and stderr, each piece shown at once.

    The spinner and reasoning are shown only where both are terminals. What a model says is cleaned
    for a terminal; a pipe gets it unchanged.

    Attributes:
        out_is_terminal: Whether stdout is a terminal.
    """

    def __init__(self, out: TextIO, err: TextIO) -> None:
        for stream in (out, err):
            if isinstance(stream, io.TextIOWrapper):
                # A character that the encoding lacks is no reason to lose an answer.
                stream.reconfigure(errors="replace")
        self._out = out
        self._err = err
        self.out_is_terminal = out.isatty()
        self._is_dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
        self._both_are_terminals = self.out_is_terminal and err.isatty()
        self._notes = _open_notes(err, plain=self._is_dumb or not self._both_are_terminals)
        self._unfinished: Literal["answer", "reasoning"] | None = None

    def wait(self, text: str) -> None:
        """Show on a terminal what is being waited for, until something is written."""
        self._notes.wait(one_line(text))

    def progress(self, text: str) -> None:
        """Show why it takes longer: beside the spinner, or where there is none in a line.

        Raises:
            OSError: If the answer's last line cannot be ended.
        """
        if isinstance(self._notes, _PlainNotes):
            self.note(text)
        else:
            self.wait(text)

    def text(self, piece: str) -> None:
        """Write a piece of the answer.

        Raises:
            OSError: If it cannot be written.
        """
        shown = clean(piece) if self.out_is_terminal else piece
        if not shown:
            return
        self._notes.stop_waiting()
        if self._unfinished == "reasoning":
            self._say("\n\n", "dim")
        self._unfinished = None  # if writing fails, there is no line to end
        self._out.write(shown)
        self._out.flush()
        self._unfinished = None if shown.endswith("\n") else "answer"

    def reasoning(self, piece: str) -> None:
        """Show a piece of reasoning, on a terminal only."""
        if not piece or not self._both_are_terminals:
            return
        self._notes.stop_waiting()
        if self._unfinished == "answer":
            self.text("\n")
        self._say(clean(piece), "dim")
        self._unfinished = "reasoning"

    def end(self) -> None:
        """Remove the spinner, and end an unfinished line.

        Raises:
            OSError: If the answer's last line cannot be ended.
        """
        self._notes.stop_waiting()
        if self._unfinished == "reasoning":
            self._say("\n", "dim")
            self._unfinished = None
        elif self._unfinished == "answer":
            self.text("\n")

    def note(self, text: str, style: Style = "dim") -> None:
        """Write a line to stderr.

        Raises:
            OSError: If the answer's last line cannot be ended.
        """
        self.end()
        self._say(one_line(text) + "\n", style)

    def interrupt(self) -> None:
        """End an unfinished line, or else the line on which the terminal shows `^C`.

        Raises:
            OSError: If the answer's last line cannot be ended.
        """
        was_unfinished = self._unfinished is not None
        self.end()
        if self._both_are_terminals and not was_unfinished:
            self._say("\n", "dim")

    def _say(self, text: str, style: Style) -> None:
        """Write to stderr; an answer is worth having even if stderr cannot be written."""
        with suppress(OSError):
            self._notes.write(text, style)

    def edit_lines(self) -> None:
        """Give `ask` its line editing on a terminal, where a paste of several lines is one."""
        if self.out_is_terminal:
            with suppress(ImportError):
                import readline  # it may write to stdout at once

                if not self._is_dumb:
                    readline.parse_and_bind("set enable-bracketed-paste on")

    def ask(self, prompt: str) -> str:
        """Read a line from the terminal.

        Raises:
            EOFError: At Ctrl-D.
        """
        if self.out_is_terminal:
            return input(prompt)
        # `input` would write the prompt to stdout, among the answers.
        self._err.write(prompt)
        self._err.flush()
        return input()

    def has_half_a_line(self) -> bool:
        """Tell whether something was typed when Ctrl-C was pressed, as far as Python knows."""
        readline = sys.modules.get("readline")
        return readline is not None and bool(readline.get_line_buffer())

    def document(self, value: Any) -> None:
        """Write a JSON document.

        Raises:
            OSError: If it cannot be written.
        """
        is_unicode = (self._out.encoding or "utf-8").lower().startswith("utf")
        self.text(as_json(value, ascii_only=not is_unicode) + "\n")

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Write a table, whose first row is its header.

        Raises:
            OSError: If it cannot be written.
        """
        if self.out_is_terminal and not self._is_dumb:
            with suppress(ImportError):
                console, table = _rich_console(self._out), _rich_table(rows)
                whole = console.measure(table, options=console.options.update(width=_WIDE))
                # What does not fit, rich would fold, or not show at all.
                if whole.maximum <= console.width:
                    self._notes.stop_waiting()
                    console.print(table, soft_wrap=True)
                    return
        self.text(plain_table(rows))


class _PlainNotes:
    """Writes to stderr without rich: no spinner, and styles only if `styled`."""

    def __init__(self, err: TextIO, *, styled: bool) -> None:
        self._err = err
        self._styled = styled
        self._timer = threading.Timer(0, lambda: None)
        self._said = ""

    def wait(self, text: str) -> None:
        """Say in a line on a terminal that it takes longer: not every one could remove it again."""
        self.stop_waiting()
        if self._err.isatty() and text != self._said:
            self._timer = threading.Timer(_PATIENT_SECONDS, self._say, [text])
            self._timer.daemon = True
            self._timer.start()

    def _say(self, text: str) -> None:
        with suppress(OSError):
            self.write(f"{text} …\n", "dim")
        self._said = text

    def stop_waiting(self) -> None:
        self._timer.cancel()

    def write(self, text: str, style: Style) -> None:
        self._said = ""
        self._err.write(f"\x1b[{_ANSI_CODES[style]}m{text}\x1b[0m" if self._styled else text)
        self._err.flush()


class _RichNotes:
    """Writes to stderr with rich, and shows a spinner there."""

    def __init__(self, err: TextIO) -> None:
        self._console = _rich_console(err)
        self._spinner: Status | None = None

    def wait(self, text: str) -> None:
        from rich.text import Text

        shown = Text(text, style="dim")
        if self._spinner is not None:
            self._spinner.update(shown)
            return
        name = "line" if self._console.options.ascii_only else "dots"
        self._spinner = self._console.status(shown, spinner=name)
        self._spinner.start()

    def stop_waiting(self) -> None:
        spinner, self._spinner = self._spinner, None
        if spinner is not None:
            spinner.stop()

    def write(self, text: str, style: Style) -> None:
        from rich.text import Text

        self._console.print(Text(text, style=style), end="", soft_wrap=True)


def _open_notes(err: TextIO, *, plain: bool) -> _PlainNotes | _RichNotes:
    """Choose how to write to stderr; rich is an extra, so it may be missing."""
    if not plain:
        with suppress(ImportError):
            return _RichNotes(err)
    return _PlainNotes(err, styled=not plain and not _no_color())


def _no_color() -> bool:
    """Return whether the user wants no styles (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def _rich_console(file: TextIO) -> Console:
    from rich.console import Console

    # Left to itself, rich takes NO_COLOR to mean colours alone, not styles.
    return Console(file=file, color_system=None if _no_color() else "auto")


def _rich_table(rows: Sequence[Sequence[str]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    header, *body = rows
    table = Table(box=SIMPLE_HEAD, header_style="bold")
    for name in header:
        table.add_column(name)
    for row in body:
        table.add_row(*(Text(cell) for cell in row))
    return table


def flush_output() -> None:
    """Flush stdout and stderr; discard what cannot be delivered.

    Python itself would flush them as it exits, and complain.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
