"""What calls cost: whole answers, streams, tools."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.cases import SIZES
from benchmarks.measures.clock import MICRO, acpu, cpu, expect_chunks, expect_text
from benchmarks.measures.fresh import PROMPT
from benchmarks.subjects import load
from benchmarks.wire import TOOL, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.subjects.subject import Subject

_CALLS = 20
_REPEATS = 5

_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "Do something with a text, and say how it went.",
            "parameters": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Where it stands."},
                    "text": {"type": "string", "description": "What it says."},
                    "limit": {"type": "integer", "description": "At most so many lines."},
                },
                "required": ["path"],
            },
        },
    }
    for name in (TOOL, "read_file", "find_text", "list_files", "ask_user")
]


def measure_invoke(name: str, server: str) -> dict[str, float]:
    """Ask for whole answers of 200 words, several at a time since one is short."""
    subject, shape = load(name), Shape("w", 200)
    model, messages = subject.make(f"{server}/{shape.path}"), subject.to_messages(PROMPT)
    check = expect_text(shape, times=_CALLS)

    def calls() -> list[str]:
        return [subject.invoke(model, messages) for _ in range(_CALLS)]

    async def acalls() -> list[str]:
        return [await subject.ainvoke(model, messages) for _ in range(_CALLS)]

    return {
        "invoke": cpu(calls, _REPEATS, check) / _CALLS * MICRO,
        "ainvoke": asyncio.run(acpu(acalls, _REPEATS, check)) / _CALLS * MICRO,
    }


def measure_stream(name: str, server: str) -> dict[str, float]:
    """Read streams of each size."""
    return _streams(load(name), server, {str(size): Shape("c", size) for size in SIZES})


def measure_framing(name: str, server: str) -> dict[str, float]:
    """Read streams that are framed otherwise, and slow ones."""
    shapes = {"packed": Shape("c", 2_000, events=10), "trickle": Shape("c", 200, pause=1)}
    return _streams(load(name), server, shapes)


def measure_tools(name: str, server: str) -> dict[str, float]:
    """Read text that is no call, with tools bound, and a native call in fragments."""
    subject = load(name)
    shapes = {str(size): Shape("c", size) for size in SIZES[1:]}
    return _streams(subject, server, {**shapes, "arguments": Shape("a", 500)}, tools=True)


def _streams(
    subject: Subject, server: str, shapes: dict[str, Shape], *, tools: bool = False
) -> dict[str, float]:
    """Return the µs of a chunk, for each shape, sync and async."""
    figures: dict[str, float] = {}
    for title, shape in shapes.items():
        reading = _reading(subject, server, shape, tools=tools)
        seconds = cpu(*reading, warm_up=not _is_long(shape))
        figures[f"stream_{title}"] = seconds / shape.size

    async def read() -> None:
        for title, shape in shapes.items():
            reading = _reading(subject, server, shape, tools=tools, awaited=True)
            seconds = await acpu(*reading, warm_up=not _is_long(shape))
            figures[f"astream_{title}"] = seconds / shape.size

    asyncio.run(read())
    return {title: seconds * MICRO for title, seconds in figures.items()}


def _reading(
    subject: Subject, server: str, shape: Shape, *, tools: bool, awaited: bool = False
) -> tuple[Callable[[], Any], int, Callable[[Any], None]]:
    """Return how a stream is read, how often, and how the result is checked."""
    call = shape.kind == "a"
    model = subject.make(f"{server}/{shape.path}", native_tools=call)
    if tools:
        model = subject.bind_tools(model, _TOOLS)
    messages = subject.to_messages(PROMPT)
    name = f"{'a' if awaited else ''}{'arguments' if call else 'stream'}"
    # What may be a call is read on before it is handed over: the pieces may be others then.
    check = expect_text(shape) if tools else expect_chunks(shape)
    return partial(getattr(subject, name), model, messages), _repeats(shape), check


def _is_long(shape: Shape) -> bool:
    """Whether a stream is one of those that are read after a shorter one, once."""
    return shape.size == SIZES[-1]


def _repeats(shape: Shape) -> int:
    """Return how often it is timed: the short ones more often, for they vary more."""
    return 2 if shape.pause else max(1, min(7, 8_000 // shape.size))
