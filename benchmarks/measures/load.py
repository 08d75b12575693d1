"""What large requests cost, and many streams at once."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cases import AT_ONCE
from benchmarks.measures.clock import MILLI, cpu, expect_chunks, expect_text
from benchmarks.measures.fresh import PROMPT
from benchmarks.server import allow_descriptors
from benchmarks.subjects import load
from benchmarks.wire import Shape

if TYPE_CHECKING:
    from benchmarks.subjects.subject import Subject, Wire

_ANSWER = Shape("w", 20)
_LINE = "He said that the sky is blue, because air scatters short waves more than long ones. "
_IMAGE_BYTES = 5_000_000
_PAUSE = 50


def measure_requests(name: str, server: str) -> dict[str, float]:
    """Send a long history, and a large image."""
    return {
        "history": _send(name, server, _history(), repeats=15) * MILLI,
        "image": _send(name, server, _image(), repeats=7) * MILLI,
    }


def measure_at_once(name: str, server: str) -> dict[str, float]:
    """Read many streams at once on one event loop, each number of them with a new model."""
    allow_descriptors()
    return asyncio.run(_at_once(load(name), server))


def _send(name: str, server: str, wire: Wire, repeats: int) -> float:
    subject = load(name)
    model, messages = subject.make(f"{server}/{_ANSWER.path}"), subject.to_messages(wire)
    return cpu(lambda: subject.invoke(model, messages), repeats, expect_text(_ANSWER))


def _history() -> Wire:
    roles = ("user", "assistant")
    said = [{"role": roles[turn % 2], "content": f"{turn}: {_LINE * 2}"} for turn in range(999)]
    return [*said, {"role": "user", "content": "Why?"}]


def _image() -> Wire:
    data = base64.b64encode(random.Random(1).randbytes(_IMAGE_BYTES)).decode()  # noqa: S311 - no secret
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]


async def _at_once(subject: Subject, server: str) -> dict[str, float]:
    messages = subject.to_messages(PROMPT)
    figures: dict[str, float] = {}
    for count, chunks in AT_ONCE.items():
        warm_up = subject.make(f"{server}/c5")
        await subject.astream(warm_up, messages)
        await subject.aclose(warm_up)
        shape = Shape("c", chunks, pause=_PAUSE)
        # Another URL each time: some share the connections of all models with one URL.
        model, check = subject.make(f"{server}/{shape.path}/{count}"), expect_chunks(shape)
        wall, cpu_time = time.perf_counter(), time.process_time()
        read = [_is_right(subject, model, messages, check) for _ in range(count)]
        right = await asyncio.gather(*read)
        figures[f"wall_{count}"] = (time.perf_counter() - wall) * MILLI
        figures[f"cpu_{count}"] = (time.process_time() - cpu_time) * MILLI
        figures[f"errors_{count}"] = right.count(False)
        await subject.aclose(model)
    return figures


async def _is_right(subject: Subject, model: Any, messages: Any, check: Any) -> bool:
    """Read a stream; return whether it was read as it was sent."""
    try:
        check(await subject.astream(model, messages))
    except Exception:  # noqa: BLE001 - whatever it is, it counts
        return False
    return True
