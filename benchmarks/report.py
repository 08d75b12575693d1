"""The tables of a run, and its JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.cases import CASES
from benchmarks.goals import Verdict, judge
from benchmarks.subjects import TITLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.results import Results

YARDSTICK = "limit"
_VERDICTS = {True: "met", False: "not met", None: "error"}


def render(results: Results, subjects: Sequence[str]) -> str:
    """Return both tables and what went wrong, as text.

    Args:
        results: What was measured.
        subjects: Names of the subjects, in the order of their columns.
    """
    parts = [
        _table(["CPU time, medians (to the limit)", *_titles(subjects)], _rows(results, subjects))
    ]
    if verdicts := judge(results):
        header = ["Goal of ChatOnlySq", "measured", "at most", ""]
        parts.append(_table(header, [_judged(verdict) for verdict in verdicts]))
    if results.errors:
        lines = [
            f"  {TITLES[subject]}, {case}: {error}"
            for (case, subject), error in results.errors.items()
        ]
        parts.append("\n".join(["Errors:", *lines]))
    return "\n\n".join(parts)


def to_json(results: Results, subjects: Sequence[str]) -> dict[str, Any]:
    """Return everything that was measured, round by round, and the verdicts."""
    return {
        "figures": {
            f"{case}.{name}": {
                subject: {"median": results.value(f"{case}.{name}", subject), "rounds": rounds}
                for subject in subjects
                if (rounds := results.rounds(f"{case}.{name}", subject))
            }
            for case in results.cases
            for name in CASES[case].lines
        },
        "goals": [
            {**verdict.goal._asdict(), "measured": verdict.measured, "met": verdict.met}
            for verdict in judge(results)
        ],
        "errors": [
            {"case": case, "subject": subject, "error": error}
            for (case, subject), error in results.errors.items()
        ],
    }


def number(value: float) -> str:
    """Write a number with three digits or so."""
    if value == int(value):
        return f"{value:,.0f}"
    for least, digits in ((100, 0), (10, 1)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.2f}"


def _titles(subjects: Sequence[str]) -> list[str]:
    return [TITLES[subject] for subject in subjects]


def _rows(results: Results, subjects: Sequence[str]) -> list[list[str]]:
    return [
        [title, *[_cell(results, case, name, subject) for subject in subjects]]
        for case in results.cases
        for name, title in CASES[case].lines.items()
    ]


def _cell(results: Results, case: str, name: str, subject: str) -> str:
    if (case, subject) in results.errors:
        return "error"
    value = results.value(f"{case}.{name}", subject)
    if value is None:
        return "-"
    ratio = results.ratio(f"{case}.{name}", subject, YARDSTICK) if CASES[case].ratios else None
    return number(value) if ratio is None else f"{number(value)} ({ratio:.2f})"


def _judged(verdict: Verdict) -> list[str]:
    goal, measured, met = verdict
    shown = "-" if measured is None else _quantity(measured, goal.kind, goal.unit)
    return [goal.title, shown, _quantity(goal.most, goal.kind, goal.unit), _VERDICTS[met]]


def _quantity(value: float, kind: str, unit: str) -> str:
    if kind == "ratio":
        return f"{value:.2f}"
    if kind == "spread":
        return f"{value:.0%}"
    return f"{number(value)} {unit}".rstrip()


def _table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: list[str]) -> str:
        first, *others = (cell for cell in cells)
        aligned = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return "  ".join([first.ljust(widths[0]), *aligned]).rstrip()

    return "\n".join([line(header), "  ".join("─" * width for width in widths), *map(line, rows)])
