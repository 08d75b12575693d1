"""How things look on stderr, the spinner's place: plain, or by rich where that is installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

Style = Literal["dim", "red"]

_CODES: dict[Style, int] = {"dim": 2, "red": 31}
"""Style -> its number in an ANSI sequence."""


class Look(Protocol):
    """What a screen needs of its look."""

    def wait(self, text: str) -> None:
        """Show that something is being waited for, or what it is now."""

    def stop_waiting(self) -> None:
        """Take that away again."""

    def write(self, text: str, style: Style) -> None:
        """Write text in a style."""


class PlainLook:
    """Text alone, with styles where `styled` says so; nothing shows that one waits."""

    def __init__(self, err: TextIO, *, styled: bool) -> None:
        self._err = err
        self._styled = styled

    def wait(self, text: str) -> None:
        """Show nothing: what stood there could not be taken away everywhere."""

    def stop_waiting(self) -> None:
        """Do nothing."""

    def write(self, text: str, style: Style) -> None:
        """Write text in a style."""
        self._err.write(f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._styled else text)
        self._err.flush()


class RichLook:
    """The same by rich, with a spinner.

    Raises:
        ImportError: If rich is not installed.
    """

    def __init__(self, err: TextIO) -> None:
        self._console = rich_console(err)
        self._status: Status | None = None

    def wait(self, text: str) -> None:
        """Spin, or change the text beside the spinner."""
        from rich.text import Text

        shown = Text(text, style="dim")
        if self._status is not None:
            self._status.update(shown)
            return
        spinner = "line" if self._console.options.ascii_only else "dots"
        self._status = self._console.status(shown, spinner=spinner)
        self._status.start()

    def stop_waiting(self) -> None:
        """Take the spinner away, and show the cursor again."""
        status, self._status = self._status, None
        if status is not None:
            status.stop()

    def write(self, text: str, style: Style) -> None:
        """Write text in a style."""
        from rich.text import Text

        self._console.print(Text(text, style=style), end="", soft_wrap=True)


def rich_console(file: TextIO) -> Console:
    """Return a rich console on a terminal, without any colour or style where `NO_COLOR` is set.

    Raises:
        ImportError: If rich is not installed.
    """
    from rich.console import Console

    return Console(file=file, color_system=None if no_color() else "auto")


def no_color() -> bool:
    """Return whether the user wants no styles (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def choose_look(err: TextIO, *, is_terminal: bool) -> Look:
    """Choose how stderr looks.

    Args:
        err: stderr.
        is_terminal: Whether it is a terminal that understands more than text.
    """
    if not is_terminal:
        return PlainLook(err, styled=False)
    try:
        return RichLook(err)
    except ImportError:
        return PlainLook(err, styled=not no_color())
