"""What an error carries with it."""

from __future__ import annotations

import traceback
from pathlib import Path

TESTS = str(Path(__file__).parents[1])


def everything_about(error: BaseException) -> str:
    """All that a tracker of errors would store, local variables included."""
    told: list[str] = []
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        told += [repr(current), str(current), repr(current.args), repr(vars(current))]
        frames = traceback.walk_tb(current.__traceback__)
        for frame, _ in frames:
            if not frame.f_code.co_filename.startswith(TESTS):
                told += [f"{name}={value!r}" for name, value in frame.f_locals.items()]
        pending += [current.__cause__, current.__context__]
    return "\n".join(told)
