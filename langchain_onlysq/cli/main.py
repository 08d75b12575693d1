"""The command: runs what its arguments ask for, and returns the exit status."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, suppress
from io import StringIO
from typing import TYPE_CHECKING

from langchain_onlysq.cli.arguments import PROGRAM, WRONG_USAGE, UsageError, parse
from langchain_onlysq.cli.formatting import describe_error, in_flags
from langchain_onlysq.cli.question import read_question
from langchain_onlysq.cli.ui import Screen, flush_output

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
        The exit status: 0, 1 if the request failed, 2 for wrong usage, 130 for Ctrl-C.
    """
    try:
        arguments = parse(argv)
        screen = Screen(sys.stdout or StringIO(), sys.stderr or StringIO())
        return _run_reporting_errors(arguments, screen)
    except SystemExit as end:  # by argparse, which has printed why
        return int(end.code or 0)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        flush_output()


def _run_reporting_errors(arguments: Arguments, screen: Screen) -> int:
    """Run what was asked for; an error becomes one line on stderr and an exit status."""
    try:
        with _warnings_shown(screen):
            return _run(arguments, screen)
    except KeyboardInterrupt:
        with suppress(OSError):
            screen.interrupt()
        return _INTERRUPTED
    except BrokenPipeError:  # the reader has left, as in `… | head -1`: nothing to report
        return _FAILED
    except UsageError as error:
        status, message = WRONG_USAGE, str(error)
    except Exception as error:  # noqa: BLE001 - a command does not end in a traceback
        status, message = _FAILED, describe_error(error)
    with suppress(OSError):
        screen.note(f"{PROGRAM}: {message}", "red")
    return status


def _run(arguments: Arguments, screen: Screen) -> int:
    if sys.stdout is None:
        msg = "stdout is closed; the answer cannot be printed"
        raise UsageError(msg)
    asks = not (arguments.models or arguments.check)
    content = read_question(arguments, screen.note) if asks else None
    # Loads LangChain.
    from langchain_onlysq.cli import session

    if arguments.check:
        return 0 if session.check_service(arguments, screen) else _FAILED
    with session.open_model(arguments) as llm:
        if arguments.models:
            session.show_models(llm, screen, as_json=arguments.json)
        elif content is None:
            session.Conversation(llm, screen, arguments.system).run()
        else:
            session.answer(llm, screen, arguments.system, content, as_json=arguments.json)
    return 0


@contextmanager
def _warnings_shown(screen: Screen) -> Iterator[None]:
    """Show the package's warnings; without a handler, Python prints them."""
    logger = logging.getLogger("langchain_onlysq")
    handler = _WarningHandler(screen)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _WarningHandler(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            self._screen.progress(in_flags(record.getMessage()))
