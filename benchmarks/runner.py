"""Starts the measuring processes, one at a time, in interleaved rounds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.cases import CASES, WITHOUT
from benchmarks.server import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT = 300.0
_FRAMES = 23
"""How much deeper each round measures than the one before, see `benchmarks.measure`."""

_FOREIGN = re.compile(
    r".*_PROXY$|LANGCHAIN_|LANGSMITH_|LC_|ONLYSQ_|OPENAI_|MISTRAL|PYTHON(?!PATH$)", re.IGNORECASE
)


class Job(NamedTuple):
    """One process."""

    turn: int
    case: str
    subject: str


def plan(cases: Sequence[str], subjects: Sequence[str], rounds: int) -> list[Job]:
    """Return all processes of a run, in their order.

    The subjects of one case follow each other, in another order each round, so that none of them
    is always measured on the warmer machine.
    """
    return [
        Job(turn, case, subject)
        for turn in range(rounds)
        for case in cases
        for subject in [*subjects[turn % len(subjects) :], *subjects[: turn % len(subjects)]]
        if case not in WITHOUT.get(subject, ())
    ]


def seconds(jobs: Sequence[Job]) -> float:
    """Return about how long the processes take, one after another."""
    return sum(CASES[job.case] for job in jobs)


def measure(job: Job, server: str) -> dict[str, Any]:
    """Measure in a fresh process; return the figures, or the `"error"` that prevented them."""
    arguments = [str(job.turn * _FRAMES), job.case, job.subject, server]
    try:
        process = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "benchmarks.measure", *arguments],
            capture_output=True,
            check=False,
            cwd=ROOT,
            encoding="utf-8",
            env=environment(),
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"it took longer than {_TIMEOUT:g} s"}
    if process.returncode:
        said = process.stderr.strip().rpartition("\n")[2]
        return {"error": said or f"exit code {process.returncode}"}
    figures: dict[str, Any] = json.loads(process.stdout)
    return figures


def environment() -> dict[str, str]:
    """Return the variables of a process, without proxies or settings of Python or any subject."""
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return {**kept, "NO_PROXY": "*", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
