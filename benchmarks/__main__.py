"""The command line: `python -m benchmarks`, or `make bench` and `make bench_peers`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine, report, runner
from benchmarks.cases import CASES, unknown_case
from benchmarks.runner import Job
from benchmarks.server import running
from benchmarks.subjects import PEERS, TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.results import Results

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code says nothing of the goals."""
    options = _parser().parse_args(arguments)
    subjects = [name for name in TITLES if options.peers or name not in PEERS]
    jobs = runner.plan(options.only, subjects, options.rounds)
    facts = machine.facts()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    _say(f"{len(jobs)} processes, about {_minutes(runner.seconds(jobs))}.\n")
    try:
        results = _run(jobs, subjects)
    except KeyboardInterrupt:
        _say("\nInterrupted.\n")
        return _INTERRUPTED
    print(f"\n{report.render(results, subjects)}")
    if options.json:
        document = {"machine": facts, "rounds": options.rounds, **report.to_json(results, subjects)}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=_positive, default=5, help="rounds (default: 5)")
    parser.add_argument(
        "--only",
        type=_cases,
        default=list(CASES),
        metavar="CASE,…",
        help=f"cases to run: {', '.join(CASES)}",
    )
    parser.add_argument("--peers", action="store_true", help="measure the other integrations too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured there")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"{text!r} is no number of rounds"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _cases(text: str) -> list[str]:
    names = [name for name in text.replace(",", " ").split() if name]
    for name in names:
        if name not in CASES:
            raise argparse.ArgumentTypeError(unknown_case(name))
    return names


def _run(jobs: Sequence[Job], subjects: Sequence[str]) -> Results:
    with running() as server:
        for subject in subjects:
            # The first import of all writes bytecode, and reads files that are not in memory yet.
            runner.measure(Job(0, "import", subject), server)
        results = runner.run(jobs, server, _progress(jobs))
    _say("\n")
    return results


def _progress(jobs: Sequence[Job]) -> Callable[[Job, int], None]:
    """Return what says on stderr how far it is: one line that changes, or a line for each case."""
    started, total = time.monotonic(), runner.seconds(jobs)
    last = [(-1, "")]

    def tell(job: Job, number: int) -> None:
        done = runner.seconds(jobs[:number])
        pace = (time.monotonic() - started) / done if number else 1.0
        text = (
            f"round {job.turn + 1}, {job.case}, {TITLES[job.subject]}: {number + 1} of {len(jobs)}"
            f", {_minutes((total - done) * pace)} left"
        )
        if sys.stderr.isatty():
            _say(f"\r\x1b[K{text}")
        elif last[0] != (job.turn, job.case):
            last[0] = (job.turn, job.case)
            _say(f"{text}\n")

    return tell


def _minutes(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - as people say it
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
