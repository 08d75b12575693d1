"""What is asked: the argument, text from stdin, and images."""

from __future__ import annotations

import io
import re
import sys
import threading
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_onlysq.cli.arguments import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_onlysq.cli.arguments import Arguments

Content = str | list[str | dict[str, str]]
"""The content of a user's message."""

_SILENT_SECONDS = 1.0
_WAITING = "reading stdin until it ends; if nothing is to come from there, add </dev/null"

_MOST_BYTES = 50_000_000
"""How large an image may be; the service says nothing of it."""

_SIGNATURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
"""Media type -> how such a file begins."""


def read_question(arguments: Arguments, say: Callable[[str], None]) -> Content | None:
    """Read the question from the arguments and stdin.

    Args:
        arguments: The arguments.
        say: Called, on another thread, if stdin keeps the question waiting.

    Returns:
        The content of the message; None for a conversation: there is no question, and stdin is a
        terminal.

    Raises:
        UsageError: If there is no question, or something that cannot be sent.
    """
    piped = _read_stdin(say)
    if arguments.question is None and piped is None:
        if arguments.json or arguments.image:
            msg = "--json and --image need a question"
            raise UsageError(msg)
        return None
    question = "\n\n".join(part for part in (arguments.question, piped) if part)
    if not question:
        msg = "no question was given, and stdin is empty"
        raise UsageError(msg)
    if not arguments.image:
        return question
    return [{"type": "text", "text": question}, *(_image_block(image) for image in arguments.image)]


def _read_stdin(say: Callable[[str], None]) -> str | None:
    """Read the text of a pipe, "" if there is none; None if stdin is a terminal."""
    if sys.stdin is None:
        return ""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if sys.stdin.isatty():
        return None
    waiting = threading.Timer(_SILENT_SECONDS, say, [_WAITING])
    waiting.daemon = True
    waiting.start()
    try:
        text = sys.stdin.read()
    except OSError:  # under nohup, stdin cannot be read
        return ""
    finally:
        waiting.cancel()
    if "\0" in text:
        msg = "stdin is binary data, not text; use --image for an image"
        raise UsageError(msg)
    return text.rstrip()


def _image_block(source: str) -> dict[str, str]:
    """Return an image file, or a URL, as a content block in LangChain's standard form."""
    if source.lower().startswith(("http://", "https://")):
        return {"type": "image", "url": source}
    try:
        with Path(source).open("rb") as file:
            # A device may have no end.
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        if source.lower().startswith("data:"):
            source, reason = "data:…", "takes a file, or an http(s) URL"
        msg = f"--image {source}: {reason}"
        raise UsageError(msg) from None
    if len(data) > _MOST_BYTES:
        msg = f"--image {source}: more than {_MOST_BYTES // 1_000_000} MB"
        raise UsageError(msg)
    for media_type, signature in _SIGNATURES.items():
        if signature.match(data):
            return {"type": "image", "base64": b64encode(data).decode(), "mime_type": media_type}
    msg = f"--image {source}: not a PNG, JPEG, GIF or WebP image"
    raise UsageError(msg)
