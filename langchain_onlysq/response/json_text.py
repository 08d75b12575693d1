"""JSON as models write it: strict in everything but line ends inside strings. Pure."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str) -> Any:
    """Parse JSON; return None where it is none, or nested too deeply to be read.

    Line ends in strings, which models write often and mean well, are taken as they are.
    """
    try:
        return load_json(text)
    except (ValueError, RecursionError):
        return None


def load_json(text: str) -> Any:
    """Parse JSON as `parse_json` does, but raise what is wrong with it.

    Raises:
        ValueError: If it is not JSON; `NaN` and its like are not.
        RecursionError: If it is nested too deeply.
    """
    return json.loads(text, strict=False, parse_constant=refuse_constant)


def is_cut_off(error: json.JSONDecodeError) -> bool:
    """Tell whether JSON ended too early, rather than went wrong somewhere."""
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")


def refuse_constant(name: str) -> Any:
    """Refuse `NaN`, `Infinity` and `-Infinity`, which Python would take for numbers."""
    msg = f"{name} is not JSON"
    raise ValueError(msg)
