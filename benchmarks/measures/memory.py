"""What stays in memory."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from benchmarks.measures.fresh import PROMPT
from benchmarks.subjects import load

_MEGA = 1e6
_CALLS = 2_000
_MODELS = 500
_WARM_UP = 100


def resident() -> float | None:
    """Return the memory that this process has now, in MB; None where the system does not say."""
    with suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib would count
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MEGA
    with suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MEGA
    return None


def measure_growth(name: str, server: str) -> dict[str, float]:
    """Make calls and models twice: what grows the second time may grow for ever."""
    subject = load(name)
    messages = subject.to_messages(PROMPT)
    whole, stream = f"{server}/w20", f"{server}/c5"

    def calls(count: int) -> None:
        models = subject.make(whole), subject.make(stream)
        for _ in range(count // 2):
            subject.invoke(models[0], messages)
            subject.stream(models[1], messages)

    def models(count: int) -> None:
        for _ in range(count):
            subject.invoke(subject.make(whole), messages)

    figures: dict[str, float] = {}
    for title, work, count in (("calls", calls, _CALLS), ("models", models, _MODELS)):
        work(_WARM_UP)
        for turn in ("first", "again"):
            gc.collect()
            before = resident()
            work(count)
            gc.collect()
            after = resident()
            if before is not None and after is not None:
                figures[f"{title}_{turn}"] = after - before
    return figures
