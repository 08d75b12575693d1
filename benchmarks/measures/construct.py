"""What a model object costs."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.measures.clock import MICRO, median
from benchmarks.subjects import load

_TIMES = 40


def measure_construct(name: str, server: str) -> dict[str, float]:
    """Make the first model of a process, further ones, and further ones with other URLs."""
    subject = load(name)
    models: list[Any] = []

    def make(url: str) -> float:
        start = time.process_time()
        model = subject.make(url)
        seconds = time.process_time() - start
        models.append(model)
        return seconds * MICRO

    url = f"{server}/c20e1t0"
    return {
        "cold": make(url),
        "warm": median([make(url) for _ in range(_TIMES)]),
        "url": median([make(f"{server}/c{number}e1t0") for number in range(1, _TIMES)]),
    }
