"""What events cost, of both versions."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

from benchmarks.measures.clock import MICRO, acpu, cpu, expect_chunks
from benchmarks.measures.fresh import PROMPT
from benchmarks.subjects import load
from benchmarks.wire import Shape

if TYPE_CHECKING:
    from benchmarks.subjects.subject import LangChainSubject

_SHAPE = Shape("c", 2_000)
_REPEATS = 2


def measure_events(name: str, server: str) -> dict[str, float]:
    """Read the events of `astream_events` v2, and those of both methods v3."""
    subject = cast("LangChainSubject", load(name))
    model, messages = subject.make(f"{server}/{_SHAPE.path}"), subject.to_messages(PROMPT)
    check = expect_chunks(_SHAPE)

    async def read() -> tuple[float, float]:
        v2 = await acpu(partial(subject.v2_events, model, messages), _REPEATS, check)
        return v2, await acpu(partial(subject.av3_events, model, messages), _REPEATS, check)

    v3 = cpu(partial(subject.v3_events, model, messages), _REPEATS, check)
    v2, av3 = asyncio.run(read())
    seconds = {"v2": v2, "v3": v3, "av3": av3}
    return {title: each / _SHAPE.size * MICRO for title, each in seconds.items()}
