"""The command: what it does with its arguments, and the status that it ends with."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, suppress
from io import StringIO
from typing import TYPE_CHECKING

from langchain_onlysq.cli.arguments import PROGRAM, WRONG_USAGE, UsageError, parse
from langchain_onlysq.cli.failures import describe
from langchain_onlysq.cli.question import read_question
from langchain_onlysq.cli.screen import Screen, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_onlysq.cli.arguments import Arguments

_FAILED = 1
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments without the program's name; None = those of this process.

    Returns:
        The exit status: 0, 1 for an answer that failed, 2 for wrong usage, 130 for Ctrl-C.
    """
    try:
        arguments = parse(argv)
        screen = Screen(sys.stdout or StringIO(), sys.stderr or StringIO())
        return _guarded(arguments, screen)
    except SystemExit as said:  # by argparse, which has printed why
        return int(said.code or 0)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        settle()


def _guarded(arguments: Arguments, screen: Screen) -> int:
    """Do what was asked for; whatever goes wrong becomes one line on stderr, and a status."""
    status, said = 0, ""
    try:
        with _retries_shown(screen):
            _run(arguments, screen)
    except KeyboardInterrupt:
        with suppress(OSError):
            screen.interrupt()
        return _INTERRUPTED
    except BrokenPipeError:  # as in `… | head -1`: nobody wants to hear of it
        return _FAILED
    except UsageError as error:
        status, said = WRONG_USAGE, str(error)
    except Exception as error:  # noqa: BLE001 - a command does not end in a traceback
        status, said = _FAILED, describe(error)
    if said:
        with suppress(OSError):
            screen.note(f"{PROGRAM}: {said}", "red")
    return status


def _run(arguments: Arguments, screen: Screen) -> None:
    if sys.stdout is None:
        msg = "stdout is closed: there is no place for an answer"
        raise UsageError(msg)
    content = None if arguments.models else read_question(arguments)
    # Loads LangChain.
    from langchain_onlysq.cli import session

    if arguments.models:
        session.show_models(arguments, screen)
    elif content is None:
        session.converse(arguments, screen)
    else:
        session.answer(content, arguments, screen)


@contextmanager
def _retries_shown(screen: Screen) -> Iterator[None]:
    """Show the package's warnings where the spinner is, or nowhere: a failure is one line.

    Without a handler, Python would print them.
    """
    logger = logging.getLogger("langchain_onlysq")
    handler = _ShowsWarnings(screen)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _ShowsWarnings(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        self._screen.wait(record.getMessage())
