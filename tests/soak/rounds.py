"""Streams dropped, calls cancelled and processes forked at random, while garbage is collected.

After each round a call has to give its answer, in one way or another. Some streams stay open while
other rounds go on, and now and then the model is closed in the middle of everything. The garbage
collector runs at every allocation, so it finds what was dropped in the middle of anything.
Whatever stands still for long is named, and ends the process.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq, Reply, ReplyLike, Request
from tests.soak.conversations import Progress
from tests.soak.quiet import left_behind, most_idle, settle
from tests.soak.ways import TEXT_WAYS, Answer, aask, ask
from tests.support.threads import collecting_everywhere

SLOW = "one two three four five six seven eight"
THREADS, TASKS = 2, 3
REST_EVERY = 1000
"""Rounds after which one looks at the connections, while nothing runs."""
RARE = {"fork": 0.06, "close": 0.06}
"""Weight of the kinds of rounds that are rarer than the others."""


@dataclass
class Found:
    """What came of the rounds.

    Attributes:
        kinds: How many rounds there were of each kind.
        wrong: Answers that are not the ones that were asked for, and errors.
        left: What is still there when nothing runs, and at the end.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Watchdog:
    """Ends the process when one of those that it watches stands still."""

    def __init__(self, patience: float) -> None:
        """Wait so many seconds for each step."""
        self._patience = patience
        self._steps: dict[str, tuple[str, float]] = {}
        self._done = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def begin(self, who: str, step: str) -> None:
        """Begin a step."""
        self._steps[who] = (step, time.monotonic())

    def end(self, who: str) -> None:
        """Take part no more."""
        self._steps.pop(who)

    def _watch(self) -> None:
        while not self._done.wait(min(1.0, self._patience)):
            for who, (step, since) in list(self._steps.items()):
                if time.monotonic() - since > self._patience:
                    print(f"{who} hangs in: {step}", file=sys.stderr, flush=True)
                    faulthandler.dump_traceback()
                    os._exit(1)


class Rounds:
    """What a thread and a task have in common, which go rounds with one model."""

    def __init__(
        self, who: str, llm: ChatOnlySq, found: Found, seed: int, watch: Watchdog, step: Progress
    ) -> None:
        """Take what takes part."""
        self._who = who
        self._llm = llm
        self._found = found
        self._random = random.Random(f"{seed} {who}")  # noqa: S311 - reproducible, not secret
        self._watchdog = watch
        self._progress = step
        self._held: Any = None

    def _begin(self, number: int, kinds: Iterable[str]) -> str:
        """Choose the kind of a round, and begin it."""
        names = list(kinds)
        (kind,) = self._random.choices(names, [RARE.get(name, 1) for name in names])
        self._progress()
        self._found.kinds[kind] += 1
        self._watchdog.begin(self._who, f"round {number}, {kind}")
        return kind

    @contextmanager
    def _reporting(self, kind: str) -> Iterator[None]:
        """Count every error as wrong."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - everything is reported
            self._found.wrong.append(f"{kind}: {error!r}")

    def _way(self) -> str:
        return self._random.choice(TEXT_WAYS)

    def _check(self, answer: Answer, expected: str, kind: str) -> None:
        if answer.error or answer.text != expected:
            got = repr(answer.error or answer.text)
            self._found.wrong.append(f"{kind}: {got} instead of {expected!r}")

    def _pieces(self) -> int:
        """How many pieces of a stream are read before it is dropped."""
        return self._random.choice((0, 1, 2, 3, 100))

    def _leave(self, *dropped: Any) -> None:
        """Leave something to the garbage collector, or to the next line."""
        if self._random.random() < 0.5:
            cycle: list[Any] = [*dropped]
            cycle.append(cycle)


class ThreadRounds(Rounds):
    """The rounds of a thread."""

    def go(self, count: int) -> None:
        """Go some rounds."""
        kinds: dict[str, Callable[[], object]] = {
            "drop chunks": lambda: self._drop(iter(self._llm.stream(SLOW))),
            "drop events": lambda: self._drop(iter(self._llm.stream_events(SLOW, version="v3"))),
            "hold chunks": self._hold,
            "close": self._llm.close,
        }
        if hasattr(os, "fork"):
            kinds["fork"] = self._fork
        for number in range(count):
            kind = self._begin(number, kinds)
            text = f"{self._who} {number}"
            with self._reporting(kind):
                kinds[kind]()
                self._check(ask(self._llm, self._way(), text), f"You said: {text}", kind)
        with self._reporting("the last one held"):
            self._end_held()
        self._watchdog.end(self._who)

    def _drop(self, stream: Any) -> None:
        for _ in range(self._pieces()):
            next(stream, None)
        self._leave(stream)

    def _hold(self) -> None:
        """Read the rest of one stream, and the beginning of another."""
        self._end_held()
        stream = self._llm.stream(SLOW)
        self._held = next(stream).text, stream

    def _end_held(self) -> None:
        held, self._held = self._held, None
        if held:
            pieces = [held[0], *(piece.text for piece in held[1])]
            self._check(Answer(pieces), f"You said: {SLOW}", "hold chunks")

    def _fork(self) -> None:
        """Ask in a child of the process."""
        child = os.fork()
        if child == 0:
            faulthandler.dump_traceback_later(60, exit=True)
            try:
                os._exit(0 if self._llm.invoke("child").text == "You said: child" else 3)
            finally:
                os._exit(2)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != 0:
            self._found.wrong.append(f"a forked process ended with {status}")


class TaskRounds(Rounds):
    """The rounds of a task of an event loop."""

    async def go(self, count: int) -> None:
        """Go some rounds."""
        kinds: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "drop async chunks": lambda: self._drop(self._llm.astream(SLOW)),
            "drop async events": self._drop_events,
            "hold async chunks": self._hold,
            "cancel ainvoke": lambda: self._cancel(self._llm.ainvoke(SLOW)),
            "cancel astream": lambda: self._cancel(aask(self._llm, "stream", SLOW)),
            "cancel events": lambda: self._cancel(aask(self._llm, "events", SLOW)),
            "close": self._llm.aclose,
        }
        for number in range(count):
            kind = self._begin(number, kinds)
            text = f"{self._who} {number}"
            with self._reporting(kind):
                await kinds[kind]()
                self._check(await aask(self._llm, self._way(), text), f"You said: {text}", kind)
        with self._reporting("the last one held"):
            await self._end_held()
        self._watchdog.end(self._who)

    async def _drop(self, stream: Any) -> None:
        pieces = aiter(stream)
        for _ in range(self._pieces()):
            await anext(pieces, None)
        self._leave(pieces, stream)

    async def _drop_events(self) -> None:
        await self._drop(await self._llm.astream_events(SLOW, version="v3"))

    async def _hold(self) -> None:
        """Read the rest of one stream, and the beginning of another."""
        await self._end_held()
        stream = self._llm.astream(SLOW)
        self._held = (await anext(stream)).text, stream

    async def _end_held(self) -> None:
        held, self._held = self._held, None
        if held:
            pieces = [held[0], *[piece.text async for piece in held[1]]]
            self._check(Answer(pieces), f"You said: {SLOW}", "hold async chunks")

    async def _cancel(self, work: Coroutine[Any, Any, object]) -> None:
        """Cancel a call at any moment, and some calls twice."""
        call = asyncio.create_task(work)
        for _ in range(self._random.randrange(100)):
            await asyncio.sleep(0)
        for _ in range(self._random.choice((1, 1, 1, 2))):
            call.cancel()
            await asyncio.sleep(0)
        with suppress(asyncio.CancelledError):
            await call


def _answer(request: Request) -> ReplyLike:
    text = str(request.messages[-1]["content"])
    return Reply.text(f"You said: {text}", interval=0.001 if text == SLOW else 0)


def _shares(count: int, parts: int) -> list[int]:
    """Divide a number of rounds."""
    return [count * (n + 1) // parts - count * n // parts for n in range(parts)]


def hostile_rounds(count: int, seed: int, progress: Progress, patience: float) -> Found:
    """Go the rounds, one half of them in threads, the other half in tasks at the same time."""
    found = Found()
    # Each thread and each task has one stream open, and one call.
    most = most_idle(2 * THREADS) + most_idle(2 * TASKS)
    with LocalOnlySq() as server, Watchdog(patience) as watchdog:
        server.reply(*[_answer] * (3 * count))
        llm = ChatOnlySq(model="m", base_url=server.base_url, max_retries=0)
        common = (llm, found, seed, watchdog, progress)
        threads = [ThreadRounds(f"thread {n}", *common) for n in range(THREADS)]
        tasks = [TaskRounds(f"task {n}", *common) for n in range(TASKS)]

        async def go(count: int) -> None:
            in_tasks = _shares(count // 2, TASKS)
            in_threads = _shares(count - count // 2, THREADS)
            await asyncio.gather(
                *(asyncio.to_thread(r.go, n) for r, n in zip(threads, in_threads, strict=True)),
                *(r.go(n) for r, n in zip(tasks, in_tasks, strict=True)),
            )

        async def go_all() -> None:
            for begin in range(0, count, REST_EVERY):
                end = min(begin + REST_EVERY, count)
                await go(end - begin)
                watchdog.begin("the loop", "a rest")
                found.left += await left_behind(server, f"after {end} rounds", most)
                watchdog.end("the loop")
            watchdog.begin("the loop", "the end")
            await llm.aclose()
            await settle(lambda: len(asyncio.all_tasks()) == 1)
            if count_left := len(asyncio.all_tasks()) - 1:
                found.left.append(f"{count_left} tasks")
            watchdog.end("the loop")

        with collecting_everywhere():
            asyncio.run(go_all())
        llm.close()
        gc.collect()
        found.left += asyncio.run(left_behind(server, "when the model is closed", 0))
    return found
