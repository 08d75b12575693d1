"""The table of a run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.subjects import TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Rounds = list[dict[str, Any]]
"""For each round, the figures of a process by the titles of their rows, or its `"error"`."""

Outcomes = dict[str, dict[str, Rounds]]
"""Case -> subject -> rounds."""

_YARDSTICK = "limit"
_WITHOUT_RATIOS = {"growth"}


def table(outcomes: Outcomes, subjects: Sequence[str]) -> str:
    """Return the medians of all rounds, and what went wrong; `subjects` are the columns."""
    rows = [["CPU time, medians (to the limit)", *[TITLES[subject] for subject in subjects]]]
    errors = []
    for case, measured in outcomes.items():
        keys = dict.fromkeys(key for rounds in measured.values() for each in rounds for key in each)
        keys.pop("error", None)
        rows += [
            [title, *[_cell(measured, subject, title, case) for subject in subjects]]
            for title in keys
        ]
        for subject, rounds in measured.items():
            said = [each["error"] for each in rounds if "error" in each]
            errors += [f"  {TITLES[subject]}, {case}: {error}" for error in said]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["─" * width for width in widths])
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", "Errors:", *errors] if errors else lines)


def number(value: float) -> str:
    """Write a number with three digits or so."""
    if value == int(value):
        return f"{value:,.0f}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004
    return f"{value:,.{digits}f}"


def _cell(measured: Mapping[str, Rounds], subject: str, title: str, case: str) -> str:
    """Return the median, and that of each round's ratio to the limit.

    Both were measured within the same minute: what slows the machine down slows both down.
    """
    rounds, limits = measured.get(subject, []), measured.get(_YARDSTICK, [])
    if any("error" in each for each in rounds):
        return "error"
    values = [each[title] for each in rounds if title in each]
    if not values:
        return "-"
    text = number(median(values))
    pairs = zip(rounds, limits, strict=False)
    ratios = [mine[title] / limit[title] for mine, limit in pairs if limit.get(title)]
    return f"{text} ({median(ratios):.2f})" if ratios and case not in _WITHOUT_RATIOS else text
