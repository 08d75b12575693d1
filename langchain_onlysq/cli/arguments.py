"""What the command line accepts."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Literal, NoReturn

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
  {PROGRAM} -m deepseek-r1 -o temperature=0.2 is 97 a prime
  {PROGRAM} --image cat.png "What is in this image?"
  cat notes.txt | {PROGRAM} "Summarise this."

environment:
  ONLYSQ_API_KEY   your API key (default: the public key)
  ONLYSQ_API_BASE  base URL of the service (default: the public one)

The answer goes to stdout; token usage and errors go to stderr.
Exit status: 0, 1 if the request failed or --check found that no plain answer
comes, 2 for wrong usage, 130 for Ctrl-C.
"""


class UsageError(Exception):
    """The command cannot do what was asked for; the message is one line."""


class Arguments(argparse.Namespace):
    """The parsed arguments.

    Attributes:
        words: What to ask; none if it is not among the arguments.
        chosen_model: Model id; None if it is not among the arguments.
        endpoint: Which of the two chat endpoints is asked.
        option: Fields of `ChatOnlySq`, as `name=value`.
        system: Text of the system message, if any.
        image: Files and URLs of images.
        json: Whether to print one JSON document.
        models: Whether to print the catalogue.
        check: Whether to check what works.
        local: Whether the local server answers.
    """

    words: list[str]
    chosen_model: str | None
    endpoint: Literal["v2", "openai"] | None
    option: list[str]
    system: str | None
    image: list[str]
    json: bool
    models: bool
    check: bool
    local: bool

    @property
    def question(self) -> str | None:
        """The words as one question; None if there are none."""
        return " ".join(self.words) if self.words else None

    @property
    def model(self) -> str:
        """The model to ask."""
        return DEFAULT_MODEL if self.chosen_model is None else self.chosen_model

    @property
    def options(self) -> dict[str, Any]:
        """The fields of `ChatOnlySq`; values are JSON, or else text."""
        return dict(map(_read_option, self.option))


def _read_option(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    name = name.strip()
    try:
        return name, json.loads(value)
    except ValueError:
        return name, re.findall(r"[^,\s]+", value) if name == "fallback_models" else value


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
    given: list[str] = list(sys.argv[1:] if argv is None else argv)
    # What follows `--` are words of the question; argparse does not know that for mixed arguments.
    end = given.index("--") if "--" in given else len(given)
    arguments = parser.parse_intermixed_args(given[:end], Arguments())
    arguments.words += given[end + 1 :]
    if contradiction := _contradiction(arguments):
        parser.error(contradiction)
    return arguments


def _contradiction(arguments: Arguments) -> str | None:
    """Say what of the arguments makes no sense, by itself or together."""
    if arguments.question is not None and not arguments.question.strip():
        return "the question is empty"
    for option in arguments.option:
        if not re.match(r"\s*\w+\s*=", option):
            return f"-o takes NAME=VALUE, such as -o temperature=0.2, not {option!r}"
    for name, given in (("model", arguments.chosen_model), ("endpoint", arguments.endpoint)):
        other = arguments.options.get(name, given)
        if given is not None and given != other:
            return f"--{name} {given} and -o {name}={other} contradict each other"
    others = [*arguments.words, *arguments.image, *arguments.option]
    others += filter(None, [arguments.system, arguments.endpoint])
    if (arguments.models or arguments.check) and (others or arguments.models is arguments.check):
        flag = "--models" if arguments.models else "--check"
        return f"{flag} can be combined with --model, --json and --local alone"
    return None


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        usage="%(prog)s [options] [question]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("words", metavar="question", nargs="*", help="what to ask; several words are one question")
    add(
        *("-m", "--model"),
        dest="chosen_model",
        metavar="ID",
        help=f"model to ask (default: {DEFAULT_MODEL})",
    )
    add("-s", "--system", metavar="TEXT", help="system message: instructions for the model")
    add(
        *("-o", "--option"),
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="setting of the request, such as temperature=0.2; may be repeated",
    )
    add("--endpoint", choices=("v2", "openai"), help="chat endpoint to use (default: v2)")
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
        "--check",
        action="store_true",
        help="ask the service what works, in at most 12 requests (with --json: raw answers, too)",
    )
    add(
        "--local",
        action="store_true",
        help=f"use a local test server: no network, no key (needs {PROGRAM}[testing])",
    )
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser
