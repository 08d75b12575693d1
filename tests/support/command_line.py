"""The command line, run in this process or by a shell, and what came of it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple


class Result(NamedTuple):
    """The exit status of a command, and what it wrote to stdout and stderr."""

    status: int
    out: str
    err: str


Run = Callable[..., Result]
"""The fixture `run`: takes the arguments, and as `stdin` the bytes of a pipe."""

_COMMAND = [sys.executable, "-W", "error", "-m", "langchain_onlysq"]


def shell(script: str) -> Result:
    """Run a script in which CMD is the command."""
    result = subprocess.run(  # noqa: S603 - our own interpreter
        ["bash", "-c", script.replace("CMD", shlex.join(_COMMAND))],  # noqa: S607
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    return Result(result.returncode, result.stdout, result.stderr)


def error_line(result: Result, status: int, *, out: str = "") -> str:
    """Return the one line on stderr with which the command failed, after those on its retries."""
    assert result[:2] == (status, out)
    shown = re.fullmatch(r"(?:Attempt [^\n\x1b]+\n)*(langchain-onlysq: [^\n\x1b]+\n)", result.err)
    assert shown, result.err
    return shown[1]
