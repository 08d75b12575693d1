"""What the cases do, but for the import and the first token: `WORKLOADS` has a function for each.

A function gets a subject and the server's address, and returns its figures by the titles of their
rows. Every answer is compared with what was sent.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.cases import PROMPT
from benchmarks.machine import allow_descriptors, resident
from benchmarks.wire import TOOL, Shape, texts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.subjects import Subject

_MICRO, _MILLI = 1e6, 1e3
_SHORT = Shape("w", 20)
_CALLS, _FEW_CALLS = 100, 5
_WARM_STREAMS = 220
_PARAMETERS = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
    "required": ["path"],
}
_TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "description": "Work on a text.", "parameters": _PARAMETERS},
    }
    for name in (TOOL, "read_file", "find_text", "list_files", "ask_user")
]


class WrongAnswerError(Exception):
    """A client read something else than what was sent."""


def cpu(work: Callable[[], list[str]], times: int, sent: list[str] | str) -> float:
    """Return the CPU seconds of a piece of work, all threads included: the median of some times.

    The first of several is a warm-up, which does not count. What the work read must be `sent`.
    """
    seconds = []
    for _ in range(times):
        gc.collect()
        start = time.process_time()
        read = work()
        seconds.append(time.process_time() - start)
        check(read, sent)
    return median(seconds[1:] or seconds)


def is_right(read: list[str], sent: list[str] | str) -> bool:
    """Whether it is what was sent: each text of a list as one, a text in whatever pieces."""
    if isinstance(sent, str):
        return "".join(read) == sent
    return [text for text in read if text] == sent


def check(read: list[str], sent: list[str] | str) -> None:
    """Raise WrongAnswerError where it is not what was sent."""
    if not is_right(read, sent):
        msg = f"{len(read)} pieces were read, and they are not what was sent"
        raise WrongAnswerError(msg)


def errors(outcomes: list[list[str] | BaseException], sent: list[str] | str) -> int:
    """Return how many calls failed or read something else; if all failed, raise the first one."""
    failed = [each for each in outcomes if isinstance(each, BaseException)]
    if len(failed) == len(outcomes):
        raise failed[0]
    return sum(isinstance(each, BaseException) or not is_right(each, sent) for each in outcomes)


def _ask(model: Any, messages: Any, text: Callable[[Any], str]) -> list[str]:
    return [text(model.invoke(messages))]


async def _aask(model: Any, messages: Any, text: Callable[[Any], str]) -> list[str]:
    return [text(await model.ainvoke(messages))]


def _read(model: Any, messages: Any, text: Callable[[Any], str]) -> list[str]:
    return [text(chunk) for chunk in model.stream(messages)]


async def _aread(model: Any, messages: Any, text: Callable[[Any], str]) -> list[str]:
    return [text(chunk) async for chunk in model.astream(messages)]


async def _gather(count: int, call: Callable[[], Awaitable[list[str]]]) -> list[Any]:
    return await asyncio.gather(*[call() for _ in range(count)], return_exceptions=True)


def _model(subject: Subject, server: str, shape: Shape) -> tuple[Any, Any]:
    """Return a model that gets such answers, and the messages to send."""
    model = subject.make(f"{server}/{shape.path}", native_tools=shape.kind == "a")
    return model, subject.to_messages(PROMPT)


def _construct(subject: Subject, server: str) -> dict[str, float]:
    """Make the first model of a process, further ones, and further ones with other URLs."""
    models = []

    def make(size: int) -> float:
        start = time.process_time()
        models.append(subject.make(f"{server}/c{size}"))
        return (time.process_time() - start) * _MICRO

    return {
        "construction, the first, µs": make(0),
        "construction, a further one, µs": median(make(0) for _ in range(40)),
        "construction, another URL, µs": median(make(size) for size in range(1, 40)),
    }


def _invoke(subject: Subject, server: str) -> dict[str, float]:
    """Ask for whole answers of 200 words, several at a time since one is short."""
    shape, text = Shape("w", 200), subject.text
    model, messages = _model(subject, server, shape)
    sent = ["".join(texts(shape))] * _CALLS

    def calls() -> list[str]:
        return [text(model.invoke(messages)) for _ in range(_CALLS)]

    async def acalls() -> list[str]:
        return [text(await model.ainvoke(messages)) for _ in range(_CALLS)]

    with asyncio.Runner() as runner:
        seconds = {
            "invoke, µs": cpu(calls, 6, sent),
            "ainvoke, µs": cpu(lambda: runner.run(acalls()), 6, sent),
        }
    return {title: each / _CALLS * _MICRO for title, each in seconds.items()}


def _warm(subject: Subject, server: str) -> dict[str, float]:
    """Wait for the first text of streams over a connection that is there already."""
    shape, text = Shape("c", 20), subject.text
    model, messages = _model(subject, server, shape)

    def first() -> float:
        start, read, seconds = time.process_time(), [], 0.0
        for chunk in model.stream(messages):
            read.append(text(chunk))
            if read[-1] and not seconds:
                seconds = time.process_time() - start
        check(read, texts(shape))
        return seconds

    async def afirst() -> float:
        start, read, seconds = time.process_time(), [], 0.0
        async for chunk in model.astream(messages):
            read.append(text(chunk))
            if read[-1] and not seconds:
                seconds = time.process_time() - start
        check(read, texts(shape))
        return seconds

    with asyncio.Runner() as runner:
        ways: dict[str, Callable[[], float]] = {
            "stream": first,
            "astream": lambda: runner.run(afirst()),
        }
        return {
            f"{way}, the first text of a warm one, µs": _MICRO
            * median([wait() for _ in range(_WARM_STREAMS)][_CALLS:])
            for way, wait in ways.items()
        }


def _streams(
    shapes: list[Shape], subject: Subject, server: str, *, tools: bool = False
) -> dict[str, float]:
    """Read streams of some shapes, sync and async."""

    def measure(read: Callable[..., list[str]], shape: Shape) -> float:
        model, messages = _model(subject, server, shape)
        if tools:
            model = model.bind_tools(_TOOLS)
        # What may be a call is read on before it is delivered: the pieces may be others then.
        sent = "".join(texts(shape)) if tools else texts(shape)
        # The short ones more often, for they vary more; the longest follow shorter ones.
        times = 3 if shape.pause else max(1, min(8, 10_000 // shape.size))
        text = subject.arguments if shape.kind == "a" else subject.text
        return cpu(partial(read, model, messages, text), times, sent) / shape.size * _MICRO

    bound = "tools bound, " * tools
    with asyncio.Runner() as runner:
        ways = {"stream": _read, "astream": lambda *args: runner.run(_aread(*args))}
        return {
            f"{way}, {bound}{shape}, µs a chunk": measure(read, shape)
            for way, read in ways.items()
            for shape in shapes
        }


def _events(subject: Subject, server: str) -> dict[str, float]:
    """Read the events of `astream_events` v2, and those of both methods v3."""
    shape = Shape("c", 2_000)
    model, messages = _model(subject, server, shape)

    async def v2() -> list[str]:
        return [
            event["data"]["chunk"].content
            async for event in model.astream_events(messages, version="v2")
            if event["event"] == "on_chat_model_stream"
        ]

    def v3() -> list[str]:
        return [
            event["delta"]["text"]
            for event in model.stream_events(messages, version="v3")
            if event["event"] == "content-block-delta"
        ]

    async def av3() -> list[str]:
        return [
            event["delta"]["text"]
            async for event in await model.astream_events(messages, version="v3")
            if event["event"] == "content-block-delta"
        ]

    with asyncio.Runner() as runner:
        ways: dict[str, Callable[[], list[str]]] = {
            "astream_events v2": lambda: runner.run(v2()),
            "stream_events v3": v3,
            "astream_events v3": lambda: runner.run(av3()),
        }
        return {
            f"{title}, µs a chunk": cpu(read, 3, texts(shape)) / shape.size * _MICRO
            for title, read in ways.items()
        }


def _requests(subject: Subject, server: str) -> dict[str, float]:
    """Send a history of 1,000 messages, and an image of 5 MB, some times in a row."""
    line = "He said that the sky is blue, because air scatters short waves more than long ones. "
    roles = ("user", "assistant")
    said = [{"role": roles[turn % 2], "content": f"{turn}: {line * 2}"} for turn in range(999)]
    data = base64.b64encode(random.Random(1).randbytes(5_000_000)).decode()  # noqa: S311 - not a secret
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    shown = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]

    def measure(wire: list[dict[str, Any]], times: int) -> float:
        model, messages = _model(subject, server, _SHORT)[0], subject.to_messages(wire)
        sent = ["".join(texts(_SHORT))] * _FEW_CALLS

        def calls() -> list[str]:
            return [subject.text(model.invoke(messages)) for _ in range(_FEW_CALLS)]

        return cpu(calls, times, sent) / _FEW_CALLS * _MILLI

    return {
        "invoke, 1,000 messages of history, ms": measure([*said, *PROMPT], 16),
        "invoke, an image of 5 MB, ms": measure(shown, 8),
    }


def _at_once(count: int, chunks: int, subject: Subject, server: str) -> dict[str, float]:
    """Read many streams at once on one event loop, with twenty chunks a second."""
    allow_descriptors()
    shape = Shape("c", chunks, pause=50)
    warm_up = partial(_aread, *_model(subject, server, Shape("c", 5)), subject.text)
    read = partial(_aread, *_model(subject, server, shape), subject.text)
    with asyncio.Runner() as runner:
        runner.run(warm_up())  # on another URL: every subject opens its connections anew
        wall, cpu_time = time.perf_counter(), time.process_time()
        outcomes = runner.run(_gather(count, read))
        return {
            f"streams at once: {count}, wall, ms": (time.perf_counter() - wall) * _MILLI,
            f"streams at once: {count}, CPU, ms": (time.process_time() - cpu_time) * _MILLI,
            f"streams at once: {count}, errors": errors(outcomes, texts(shape)),
        }


def _crowd(count: int, subject: Subject, server: str) -> dict[str, float]:
    """Await many whole answers at once on one event loop."""
    allow_descriptors()
    ask = partial(_aask, *_model(subject, server, _SHORT), subject.text)
    with asyncio.Runner() as runner:
        return _bursts(f"ainvoke at once: {count}", lambda: runner.run(_gather(count, ask)))


def _crowd_of_threads(subject: Subject, server: str) -> dict[str, float]:
    """Ask for 500 whole answers in 50 threads."""
    allow_descriptors()
    ask = partial(_ask, *_model(subject, server, _SHORT), subject.text)

    def burst() -> list[Any]:
        calls = [pool.submit(ask) for _ in range(500)]
        return [call.exception() or call.result() for call in calls]

    with ThreadPoolExecutor(50) as pool:
        return _bursts("invoke in 50 threads: 500", burst)


def _bursts(title: str, burst: Callable[[], list[Any]]) -> dict[str, float]:
    """Time the first calls of a model and a process, and as many again."""
    figures: dict[str, float] = {}
    wrong = 0
    for state in ("cold", "warm"):
        gc.collect()
        start = time.perf_counter()
        outcomes = burst()
        figures[f"{title}, {state}, wall, ms"] = (time.perf_counter() - start) * _MILLI
        wrong += errors(outcomes, "".join(texts(_SHORT)))
    return {**figures, f"{title}, errors": wrong}


def _growth(subject: Subject, server: str) -> dict[str, float]:
    """Make calls and models twice: what grows the second time may grow for ever."""
    few = Shape("c", 5)

    def calls(count: int) -> None:
        ask = partial(_ask, *_model(subject, server, _SHORT), subject.text)
        read = partial(_read, *_model(subject, server, few), subject.text)
        for _ in range(count // 2):
            check(ask(), "".join(texts(_SHORT)))
            check(read(), texts(few))

    def models(count: int) -> None:
        for _ in range(count):
            check(_ask(*_model(subject, server, _SHORT), subject.text), "".join(texts(_SHORT)))

    figures: dict[str, float] = {}
    for name, work, count in (("calls", calls, 2_000), ("models", models, 500)):
        work(100)
        for more in ("", " more"):
            gc.collect()
            before = resident()
            work(count)
            gc.collect()
            figures[f"growth, {count:,} {name}{more}, MB"] = resident() - before
    return figures


WORKLOADS: dict[str, Callable[[Subject, str], dict[str, float]]] = {
    "construct": _construct,
    "invoke": _invoke,
    "warm": _warm,
    "stream": partial(_streams, [Shape("c", size) for size in (200, 2_000, 20_000)]),
    "framing": partial(_streams, [Shape("c", 2_000, events=10), Shape("c", 200, pause=1)]),
    "events": _events,
    "tools": partial(
        _streams, [Shape("c", 2_000), Shape("c", 20_000), Shape("a", 500)], tools=True
    ),
    "requests": _requests,
    "at_once_1": partial(_at_once, 1, 10),
    "at_once_10": partial(_at_once, 10, 10),
    "at_once_100": partial(_at_once, 100, 20),
    # Opening 500 takes about a second: shorter streams would not be open all at once.
    "at_once_500": partial(_at_once, 500, 40),
    "crowd_100": partial(_crowd, 100),
    "crowd_300": partial(_crowd, 300),
    "crowd_threads": _crowd_of_threads,
    "growth": _growth,
}
