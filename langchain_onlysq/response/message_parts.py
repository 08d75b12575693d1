"""The parts of a message on the wire, in whichever form they come. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_onlysq.response.deltas import Reasoning

if TYPE_CHECKING:
    from langchain_onlysq.response.deltas import Delta

# Tuples, since what is looked for in them may be anything.
_REASONING_PARTS = ("reasoning", "thinking")
_TEXT_PARTS = ("text", "output_text", "refusal", *_REASONING_PARTS)
_TEXT_KEYS = ("text", "content", "thinking", "reasoning", "refusal")


def first_choice(choices: Any) -> dict[str, Any] | None:
    """Return the choice with index 0, else the first one without any: only one was asked for.

    Returns:
        The choice; an empty one where all are others, None where there are none.
    """
    objects = [choice for choice in choices or () if isinstance(choice, dict)]
    if not objects:
        return None
    first = [choice for choice in objects if not choice.get("index")] or [{}]
    if len(first) > 1:
        first.sort(key=lambda choice: choice.get("index") != 0)
    return first[0]


def deltas_of(content: Any) -> tuple[list[Delta], list[Any]]:
    """Read a content: a string, a list of parts, a single part, a number.

    Returns:
        The deltas of text and reasoning, and the parts that are something else.
    """
    if isinstance(content, str):
        return [content], []
    deltas: list[Delta] = []
    others: list[Any] = []
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type") if isinstance(part, dict) else None
        text = text_of(part)
        if text and kind in _REASONING_PARTS:
            deltas.append(Reasoning(text))
        elif text:
            deltas.append(text)
        elif kind is not None and kind not in _TEXT_PARTS:
            others.append(part)
    return deltas, others


def text_of(value: Any) -> str:
    """Return the text of a string, a part, a list of parts, a number."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(map(text_of, value))
    if isinstance(value, dict):
        return next((text_of(value[name]) for name in _TEXT_KEYS if name in value), "")
    return json.dumps(value)
