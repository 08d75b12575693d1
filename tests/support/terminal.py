"""A pseudo terminal: what is shown on its screen, and its keyboard."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PRESSES = 6
"""How often Ctrl-C is pressed before a test fails."""

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
"""What hides the cursor, as a spinner does, and what shows it again."""


class Terminal:
    """A pseudo terminal that a thread reads.

    Attributes:
        theirs: The file descriptor of the end that programs use.
    """

    def __init__(self) -> None:
        self._ours, self.theirs = os.openpty()
        self._shown = b""
        self._lock = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            select.select([self._ours], [], [])
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # nobody has the other end open any more
                return
            with self._lock:
                self._shown += data
                self._lock.notify_all()

    @property
    def shown(self) -> str:
        """All that was shown so far."""
        return self._all.replace("\0", "")

    @property
    def _all(self) -> str:
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def shows(self, text: str, seconds: float, times: int = 1) -> bool:
        """Wait for a text; return whether it came in time."""
        with self._lock:
            return self._lock.wait_for(lambda: self._all.count(text) >= times, timeout=seconds)

    def until(self, text: str, times: int = 1) -> None:
        """Wait for a text, and fail without it."""
        assert self.shows(text, 60, times), self.shown

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._ours, text.encode())

    def wait_for_all(self) -> None:
        """Wait for what was written so far."""
        os.write(self.theirs, b"\0")
        self.until("\0")

    def close(self) -> None:
        """Close both ends."""
        os.close(self.theirs)
        self._reader.join()
        os.close(self._ours)


@contextmanager
def opened() -> Iterator[Terminal]:
    """Open a terminal, and close it in the end."""
    terminal = Terminal()
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def started(arguments: list[str]) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """Start the command on a terminal that controls it: Ctrl-C is a signal there."""
    code = (
        "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "from langchain_onlysq.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    with opened() as terminal:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-W", "error", "-c", code, *arguments],
            stdin=terminal.theirs,
            stdout=terminal.theirs,
            stderr=terminal.theirs,
            start_new_session=True,
        )
        try:
            yield terminal, process
        finally:
            process.kill()
            process.wait()


def press_ctrl_c(terminal: Terminal, process: subprocess.Popen[bytes]) -> int:
    """Press Ctrl-C at a prompt; once more if Python missed it, as it may just before it waits."""
    for _ in range(MOST_PRESSES):
        terminal.type("\x03")
        with suppress(subprocess.TimeoutExpired):
            return process.wait(10)
    raise AssertionError(terminal.shown)
