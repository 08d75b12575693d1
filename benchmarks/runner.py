"""Starts the measuring processes, one at a time, in interleaved rounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.cases import CASES
from benchmarks.measure import DEPTH
from benchmarks.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[1]
_TIMEOUT = 300.0
_FOREIGN = ("LANGCHAIN_", "LANGSMITH_", "LC_", "ONLYSQ_", "OPENAI_", "MISTRAL", "PYTHON")
_FRAMES = 23
"""How much deeper each round measures than the one before, see `benchmarks.measure`."""


class Job(NamedTuple):
    """One process."""

    turn: int
    case: str
    subject: str


def plan(cases: Sequence[str], subjects: Sequence[str], rounds: int) -> list[Job]:
    """Return all processes of a run, in their order.

    The subjects of one case follow each other, in another order each round, so that no one is
    always measured on the warmer machine.
    """
    return [
        Job(turn, case, subject)
        for turn in range(rounds)
        for case in cases
        for subject in [*subjects[turn % len(subjects) :], *subjects[: turn % len(subjects)]]
        if subject not in CASES[case].without
    ]


def seconds(jobs: Sequence[Job]) -> float:
    """Return about how long the processes take, one after another."""
    return sum(CASES[job.case].seconds for job in jobs)


def run(jobs: Sequence[Job], server: str, report: Callable[[Job, int], None]) -> Results:
    """Run the processes.

    Args:
        jobs: The processes.
        server: Address of the benchmark's server.
        report: Is told each process before it starts, and how many were before it.
    """
    results = Results()
    for number, job in enumerate(jobs):
        report(job, number)
        results.add(job.case, job.subject, job.turn, measure(job, server))
    return results


def measure(job: Job, server: str) -> dict[str, float] | str:
    """Measure in a fresh process; return the figures, or what went wrong."""
    command = [sys.executable, "-m", "benchmarks.measure", job.case, job.subject, server]
    try:
        process = subprocess.run(  # noqa: S603 - our own interpreter
            command,
            capture_output=True,
            check=False,
            cwd=ROOT,
            encoding="utf-8",
            env=environment(job.turn),
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {_TIMEOUT:g} s"
    if not process.stdout:
        return (process.stderr.strip() or f"exit code {process.returncode}").rsplit("\n", 1)[-1]
    outcome = json.loads(process.stdout)
    figures: dict[str, float] | str = outcome.get("figures") or outcome["error"]
    return figures


def environment(turn: int) -> dict[str, str]:
    """Return the variables of a process: no proxies, no settings of Python or of any subject."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "PYTHONPATH"
        or not (name.upper().endswith("_PROXY") or name.upper().startswith(_FOREIGN))
    }
    depth = str(turn * _FRAMES)
    return {**kept, DEPTH: depth, "NO_PROXY": "*", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
