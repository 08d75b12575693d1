"""Measures one case for one subject, in a process of its own, and prints one line of JSON.

    python -m benchmarks.measure FRAMES CASE SUBJECT SERVER

Imports as little as can be: it would count. Below a profiler, `python -m benchmarks.server` is the
server, and prints its port.
"""

from __future__ import annotations

import sys
import time

from benchmarks.cases import PROMPT
from benchmarks.machine import resident
from benchmarks.subjects import IMPORTS, load


def measure(frames: int, case: str, subject: str, server: str) -> dict[str, float]:
    """Return the figures of a case, by their titles, measured so many frames further down.

    CPython keeps its frames in chunks of 16 KB. A loop whose calls happen to cross the end of one
    may take several times as long, so each round measures at another depth.
    """
    if frames:
        return measure(frames - 1, case, subject, server)
    if case == "import":
        return _import(subject)
    if case == "first":
        return _first(subject, server)
    from benchmarks.workloads import WORKLOADS

    return WORKLOADS[case](load(subject), server)


def _import(name: str) -> dict[str, float]:
    """Import what a user of the subject imports."""
    before = len(sys.modules)
    start = time.process_time()
    exec(IMPORTS[name], {})  # noqa: S102 - one of our own statements
    seconds = time.process_time() - start
    modules = len(sys.modules) - before
    return {
        "import, ms": seconds * 1e3,
        "import, modules": modules,
        "memory after import, MB": resident(),
    }


def _first(name: str, server: str) -> dict[str, float]:
    """Read the first text of a stream; the CPU time is that since the interpreter's start."""
    subject = load(name)
    chunks = subject.make(f"{server}/c20").stream(subject.to_messages(PROMPT))
    text = next(text for chunk in chunks if (text := subject.text(chunk)))
    seconds = time.process_time()
    if text != "The":
        msg = f"the first text is {text!r}"
        raise ValueError(msg)
    return {"first token in a fresh process, ms": seconds * 1e3}


if __name__ == "__main__":
    figures = measure(int(sys.argv[1]), *sys.argv[2:])
    import json

    print(json.dumps(figures))
