"""What the command line accepts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from langchain_onlysq._version import __version__
from langchain_onlysq.cli.formatting import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "langchain-onlysq"
DEFAULT_MODEL = "gpt-4o-mini"
WRONG_USAGE = 2

_DESCRIPTION = """\
Ask a chat model of OnlySq. Without a question, a conversation starts. Text from
a pipe is the question, or is added below it.
"""
_EPILOG = f"""\
examples:
  {PROGRAM} "Why is the sky blue?"
  {PROGRAM} --image cat.png "What is in this image?"
  cat notes.txt | {PROGRAM} "Summarise this."

environment:
  ONLYSQ_API_KEY   your API key (default: the public key)
  ONLYSQ_API_BASE  base URL of the service (default: the public one)

The answer goes to stdout; token usage and errors go to stderr.
Exit status: 0, 1 if the request failed, 2 for wrong usage, 130 for Ctrl-C.
"""


class UsageError(Exception):
    """The command cannot do what was asked for; the message is one line."""


class Arguments(argparse.Namespace):
    """The parsed arguments.

    Attributes:
        question: What to ask; None if it is not among the arguments.
        model: Model id.
        system: Text of the system message, if any.
        image: Files and URLs of images.
        json: Whether to print one JSON document.
        models: Whether to print the catalogue.
        local: Whether the local server answers.
    """

    question: str | None
    model: str
    system: str | None
    image: list[str]
    json: bool
    models: bool
    local: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print what is wrong in one line, and exit."""
        self.exit(WRONG_USAGE, f"{self.prog}: {one_line(message)}; see --help\n")


def parse(argv: Sequence[str] | None) -> Arguments:
    """Parse the arguments.

    Args:
        argv: The arguments without the program's name; None = those of this process.

    Returns:
        The arguments.

    Raises:
        SystemExit: After `--help` and `--version` (status 0), and after wrong usage (status 2);
            the text is printed already.
    """
    parser = _parser()
    arguments = parser.parse_args(argv, Arguments())
    if arguments.question is not None and not arguments.question.strip():
        parser.error("the question is empty")
    if arguments.models and (arguments.question or arguments.system or arguments.image):
        parser.error("--models cannot be combined with a question, --system or --image")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        usage='%(prog)s [options] ["question"]',
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("question", nargs="?", help="what to ask, in quotes")
    add("--model", metavar="ID", default=DEFAULT_MODEL, help="model to ask (default: %(default)s)")
    add("--system", metavar="TEXT", help="system message: instructions for the model")
    add(
        "--image",
        metavar="FILE",
        action="append",
        default=[],
        help="image to ask about: a PNG, JPEG, GIF or WebP file, or a URL; may be repeated",
    )
    add("--json", action="store_true", help="print the whole message as one JSON document")
    add("--models", action="store_true", help="list the available models (also with --json)")
    add(
        "--local",
        action="store_true",
        help=f"use a local test server: no network, no key (needs {PROGRAM}[testing])",
    )
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser
