"""CPU time, and whether an answer was right."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

from benchmarks.wire import Shape, pieces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MICRO = 1e6
MILLI = 1e3


class WrongAnswerError(Exception):
    """A client read something else than what was sent."""


def median(values: list[float]) -> float:
    """Return the middle value; of two, the mean."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def cpu(
    work: Callable[[], Any], repeats: int, check: Callable[[Any], None], *, warm_up: bool = True
) -> float:
    """Return the CPU seconds of a piece of work, all threads included: the median of its repeats.

    Args:
        work: What is timed.
        repeats: How often.
        check: Gets what each one returned; it raises where that is wrong.
        warm_up: Whether it is done once before, untimed.
    """
    if warm_up:
        check(work())
    gc.collect()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
        check(result)
    return median(times)


async def acpu(
    work: Callable[[], Awaitable[Any]],
    repeats: int,
    check: Callable[[Any], None],
    *,
    warm_up: bool = True,
) -> float:
    """Return the CPU seconds of a piece of work that is awaited; see `cpu`."""
    if warm_up:
        check(await work())
    gc.collect()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = await work()
        times.append(time.process_time() - start)
        check(result)
    return median(times)


def expect_chunks(shape: Shape) -> Callable[[list[str]], None]:
    """Return a check that every chunk was read, each as one."""
    sent = pieces(shape)

    def check(read: list[str]) -> None:
        texts = [text for text in read if text]
        if len(texts) != len(sent):
            msg = f"{len(sent)} chunks were sent, {len(texts)} read"
            raise WrongAnswerError(msg)
        if texts != sent:
            msg = "the text that was read is not the one that was sent"
            raise WrongAnswerError(msg)

    return check


def expect_text(shape: Shape, *, times: int = 1) -> Callable[[list[str] | str], None]:
    """Return a check that the text was read (so many times), in whatever pieces."""
    sent = "".join(pieces(shape)) * times

    def check(read: list[str] | str) -> None:
        if "".join(read) != sent:
            msg = "the text that was read is not the one that was sent"
            raise WrongAnswerError(msg)

    return check
