"""The command line: `python -m benchmarks`, or `make bench` and `make bench_peers`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report, runner
from benchmarks.cases import CASES, select
from benchmarks.machine import facts
from benchmarks.server import running
from benchmarks.subjects import PEERS, TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code says nothing of what it measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    cases = ",".join(CASES)
    parser.add_argument("--only", default=cases, metavar="CASE,…", help=f"some of {cases}")
    parser.add_argument("--peers", action="store_true", help="measure the other integrations too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured there")
    options = parser.parse_args(arguments)
    subjects = [name for name in TITLES if options.peers or name not in PEERS]
    try:
        jobs = runner.plan(select(options.only), subjects, options.rounds)
    except ValueError as error:
        parser.error(str(error))
    if not jobs:
        parser.error("--rounds and --only leave nothing to measure")
    machine = facts()
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    try:
        outcomes = _run(jobs, subjects)
    except KeyboardInterrupt:
        _say("\nInterrupted.\n")
        return _INTERRUPTED
    print(f"\n{report.table(outcomes, subjects)}")
    if options.json:
        text = json.dumps({"machine": machine, "outcomes": outcomes}, indent=1)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    return 0


def _run(jobs: Sequence[runner.Job], subjects: Sequence[str]) -> report.Outcomes:
    outcomes: report.Outcomes = {}
    tell = _progress(jobs)
    with running() as server:
        for subject in subjects:
            # The first import of all writes bytecode, and reads files that are not in memory yet.
            runner.measure(runner.Job(0, "import", subject), server)
        for number, job in enumerate(jobs):
            tell(number)
            rounds = outcomes.setdefault(job.case, {}).setdefault(job.subject, [])
            rounds.append(runner.measure(job, server))
    _say("\n")
    return outcomes


def _progress(jobs: Sequence[runner.Job]) -> Callable[[int], None]:
    """Return what says on stderr how far it is: one line that changes, or a line for each case."""
    started, total = time.monotonic(), runner.seconds(jobs)
    _say(f"{len(jobs)} processes, about {_duration(total)}.\n")

    def tell(number: int) -> None:
        turn, case, subject = jobs[number]
        done = runner.seconds(jobs[:number])
        pace = (time.monotonic() - started) / done if number else 1.0
        left = _duration((total - done) * pace)
        text = (
            f"round {turn + 1}, {case}, {TITLES[subject]}: {number + 1} of {len(jobs)}, {left} left"
        )
        if sys.stderr.isatty():
            _say(f"\r\x1b[K{text}")
        elif number == 0 or jobs[number - 1][:2] != (turn, case):
            _say(f"{text}\n")

    return tell


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"  # noqa: PLR2004


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
