"""Measures one case for one subject, in a process of its own, and prints one line of JSON.

    python -m benchmarks.measure CASE SUBJECT [SERVER]

Without the address of a server it starts one, which is handy below a profiler.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from benchmarks.cases import CASES, unknown_case
from benchmarks.subjects import TITLES, unknown_subject

DEPTH = "BENCHMARK_DEPTH"
_USAGE = "usage: python -m benchmarks.measure CASE SUBJECT [SERVER]"


def measure(case: str, subject: str, server: str) -> dict[str, float]:
    """Return the figures of a case, by their names.

    Args:
        case: Name of a case.
        subject: Name of a subject.
        server: Address of the benchmark's server.
    """
    module = import_module(f"benchmarks.measures.{CASES[case].module}")
    figures: dict[str, float] = getattr(module, f"measure_{case}")(subject, server)
    return figures


def deeper(frames: int, case: str, subject: str, server: str) -> dict[str, float]:
    """Measure so many frames further down the stack.

    CPython keeps its frames in chunks of 16 KB. A loop whose calls happen to cross the end of one
    may take several times as long, so each round measures at another depth.
    """
    if frames == 0:
        return measure(case, subject, server)
    return deeper(frames - 1, case, subject, server)


def main(arguments: list[str]) -> int:
    """Measure and print; return the exit code: 1 for a failure, 2 for a wrong command line."""
    if len(arguments) not in {2, 3}:
        return _refuse(_USAGE)
    case, subject, *servers = arguments
    if case not in CASES:
        return _refuse(unknown_case(case))
    if subject not in TITLES:
        return _refuse(unknown_subject(subject))
    try:
        outcome: dict[str, Any] = {"figures": _with_server(case, subject, servers)}
    except Exception as error:  # noqa: BLE001 - the table names it
        outcome = {"error": f"{type(error).__name__}: {error}"}
    import json

    print(json.dumps({"case": case, "subject": subject, **outcome}))
    return 1 if "error" in outcome else 0


def _with_server(case: str, subject: str, servers: list[str]) -> dict[str, float]:
    frames = int(os.environ.get(DEPTH, "0"))
    if servers:
        return deeper(frames, case, subject, servers[0])
    from benchmarks.server import running

    with running() as server:
        return deeper(frames, case, subject, server)


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
