"""The text of an answer -> the JSON values that stand in it. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import OutputParserException

from langchain_onlysq.response.loose_json import LooseJsonError, LooseReader, read_value

if TYPE_CHECKING:
    from collections.abc import Iterator

_BRACKET = re.compile(r"[{\[]")
_EITHER_BRACKET = re.compile(r"[{}\[\]]")
_LOOKS_LIKE_JSON = re.compile(r"""\{\s*(?:"|'[^']*'\s*:|$)|\[\s*[{\["]""")
_FENCES = ("```", "~~~")
_MOST_WORK = 20
_MOST_FAILURES = 5_000
"""How often a text, and a bracket, may be read in vain: more of them are not an answer."""


def find_values(text: str) -> list[Any]:
    """Find the objects and lists of an answer: it is one, or they are in fences or among prose.

    What stands inside of something broken is not found: it is a part of that.

    Args:
        text: The text of the answer.

    Returns:
        The values, each once, in their order; empty ones only where nothing else is beside them.

    Raises:
        OutputParserException: If one was cut off or is broken.
    """
    if (whole := _whole(text)) is not None:
        return [whole]
    fenced = [found for fence in _fences(text) if (found := _whole(fence)) is not None]
    try:
        among_prose = _among_prose(text)
    except OutputParserException:
        if not fenced:
            raise
        among_prose = []
    return list({json.dumps(value): value for value in [*fenced, *among_prose]}.values())


def _fences(text: str) -> Iterator[str]:
    """Yield what stands in the code fences that are closed."""
    inside: list[str] | None = None
    for line in text.split("\n"):
        if inside is not None and line.strip() in _FENCES:
            yield "\n".join(inside)
            inside = None
        elif inside is not None:
            inside.append(line)
        elif line.lstrip().startswith(_FENCES):
            inside = []


def _whole(text: str) -> Any:
    """Return the object or the list that a text is, None where it is neither."""
    stripped = text.strip()
    if stripped[:1] not in {"{", "["}:
        return None
    try:
        value, end = read_value(stripped)
    except LooseJsonError:
        return None
    return value if end == len(stripped) else None


def _among_prose(text: str) -> list[Any]:
    found: list[Any] = []
    reader = LooseReader(text)
    at, work, failures = 0, 0, 0
    while match := _BRACKET.search(text, at):
        start = match.start()
        if work > _MOST_WORK * len(text) or failures > _MOST_FAILURES:
            return []
        try:
            value, at = reader.read(start)
        except LooseJsonError as error:
            if _LOOKS_LIKE_JSON.match(text, start):
                what = "was cut off before its end" if error.cut_off else f"is broken: {error}"
                msg = f"The JSON in the answer {what}."
                raise OutputParserException(msg, llm_output=text) from None
            at = _behind(text, start)
            work += error.position - start
            failures += 1
        else:
            if value:
                found.append(value)
    return found


def _behind(text: str, start: int) -> int:
    """Return where the brackets of prose, or of code, are closed again."""
    depth = 0
    for match in _EITHER_BRACKET.finditer(text, start):
        depth += 1 if match[0] in "{[" else -1
        if depth == 0:
            return match.end()
    return len(text)
