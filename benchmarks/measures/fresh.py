"""What a process pays before the first token. Imports as little as can be: it would count."""

from __future__ import annotations

import sys
import time

from benchmarks.subjects import IMPORTS, load

PROMPT = [{"role": "user", "content": "Why is the sky blue?"}]


def measure_import(subject: str, _: str) -> dict[str, float]:
    """Import what a user of the subject imports."""
    before = len(sys.modules)
    start = time.process_time()
    exec(IMPORTS[subject], {})  # noqa: S102 - one of our own statements
    seconds = time.process_time() - start
    figures = {"time": seconds * 1e3, "modules": len(sys.modules) - before}

    from benchmarks.measures.memory import resident

    if (used := resident()) is not None:
        figures["memory"] = used
    return figures


def measure_first(name: str, server: str) -> dict[str, float]:
    """Read the first text of a stream; the CPU time is that since the interpreter's start."""
    subject = load(name)
    model = subject.make(f"{server}/c20e1t0")
    text = subject.first(model, subject.to_messages(PROMPT))
    seconds = time.process_time()
    if text != "The":
        msg = f"the first text is {text!r}"
        raise ValueError(msg)
    return {"time": seconds * 1e3}
