"""Which cases there are. Imports nothing heavy: measuring processes read it."""

from __future__ import annotations

MODEL = "gpt-4o-mini"
PROMPT = [{"role": "user", "content": "Why is the sky blue?"}]

CASES = {
    "import": 0.9,
    "first": 0.9,
    "construct": 1.0,
    "invoke": 1.2,
    "warm": 1.2,
    "stream": 3.2,
    "framing": 2.4,
    "events": 2.3,
    "tools": 4.3,
    "requests": 1.0,
    "at_once_1": 1.6,
    "at_once_10": 1.6,
    "at_once_100": 2.3,
    "at_once_500": 4.8,
    "crowd_100": 3.0,
    "crowd_300": 6.0,
    "crowd_threads": 4.5,
    "growth": 7.5,
}
"""Name of a case -> about how many seconds one process of it takes; README.md explains them."""


def select(names: str) -> list[str]:
    """Return the cases of a list such as `stream,crowd`; `crowd` stands for every `crowd_…`.

    Raises:
        ValueError: If a case is unknown.
    """
    chosen: list[str] = []
    for name in names.replace(",", " ").split():
        found = [case for case in CASES if case == name or case.startswith(f"{name}_")]
        if not found:
            msg = f"unknown case {name!r}; there are: {', '.join(CASES)}"
            raise ValueError(msg)
        chosen += found
    return chosen


WITHOUT = {
    "raw": {"construct", "events", "growth"},
    "core": {"framing", "tools", "growth", *select("at_once,crowd")},
}
"""Name of a subject -> cases that it has nothing for."""
