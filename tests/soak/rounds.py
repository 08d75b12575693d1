"""Streams dropped, calls cancelled and processes forked at random, while garbage is collected.

The garbage collector runs at every allocation, so it finds what was dropped in the middle of
anything. Ten thousand rounds take some two minutes. Whatever stands still for long is named, and
ends the process.
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
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq, Reply, ReplyLike, Request
from tests.soak.conversations import Progress
from tests.support.threads import collecting_everywhere

SLOW = "one two three four five six seven eight"
TASKS = 3
SETTLING = 2000
"""How often one looks whether what ends in the background has ended."""
FORKS = 0.02
"""Share of the rounds of threads in which the process forks."""


@dataclass
class Found:
    """What came of the rounds.

    Attributes:
        kinds: How many rounds there were of each kind.
        wrong: Answers that are not the ones that were asked for, and errors.
        left: What is still there at the end, and how much of it.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)


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
    """Rounds with one model, in a thread and in the tasks of a loop."""

    def __init__(self, llm: ChatOnlySq, seed: int, watchdog: Watchdog, progress: Progress) -> None:
        """Take what takes part."""
        self.found = Found()
        self._llm = llm
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._watchdog = watchdog
        self._progress = progress

    def in_a_thread(self, count: int) -> None:
        """Go some rounds."""
        kinds: dict[str, Callable[[], object]] = {
            "drop chunks": lambda: self._drop(iter(self._llm.stream(SLOW))),
            "drop events": lambda: self._drop(iter(self._llm.stream_events(SLOW, version="v3"))),
        }
        for number in range(count):
            kind = self._random.choice(list(kinds))
            is_fork = hasattr(os, "fork") and self._random.random() < FORKS
            kind, work = ("fork", self._fork) if is_fork else (kind, kinds[kind])
            self._begin("the thread", number, kind)
            try:
                work()
                self._check(self._llm.invoke(f"s{number}").text, f"You said: s{number}", kind)
            except Exception as error:  # noqa: BLE001 - everything is reported
                self.found.wrong.append(f"{kind}: {error!r}")
        self._watchdog.end("the thread")

    async def in_a_task(self, who: str, count: int) -> None:
        """Go some rounds."""
        kinds: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "drop async chunks": lambda: self._adrop(self._llm.astream(SLOW)),
            "drop async events": self._drop_events,
            "cancel ainvoke": lambda: self._cancel(self._llm.ainvoke(SLOW)),
            "cancel astream": lambda: self._cancel(self._read_all()),
            "cancel events": lambda: self._cancel(self._read_events()),
        }
        for number in range(count):
            kind = self._random.choice(list(kinds))
            self._begin(who, number, kind)
            try:
                await kinds[kind]()
                text = f"{who} {number}"
                self._check((await self._llm.ainvoke(text)).text, f"You said: {text}", kind)
            except Exception as error:  # noqa: BLE001 - everything is reported
                self.found.wrong.append(f"{kind}: {error!r}")
        self._watchdog.end(who)

    def _begin(self, who: str, number: int, kind: str) -> None:
        self._progress()
        self.found.kinds[kind] += 1
        self._watchdog.begin(who, f"round {number}, {kind}")

    def _check(self, got: str, expected: str, kind: str) -> None:
        if got != expected:
            self.found.wrong.append(f"{kind}: {got!r} instead of {expected!r}")

    def _pieces(self) -> int:
        """How many pieces of a stream are read before it is dropped."""
        return self._random.choice((0, 1, 2, 3, 100))

    def _leave(self, *dropped: Any) -> None:
        """Leave something to the garbage collector, or to the next line."""
        if self._random.random() < 0.5:
            cycle: list[Any] = [*dropped]
            cycle.append(cycle)

    def _drop(self, stream: Any) -> None:
        for _ in range(self._pieces()):
            next(stream, None)
        self._leave(stream)

    async def _adrop(self, stream: Any) -> None:
        pieces = aiter(stream)
        for _ in range(self._pieces()):
            await anext(pieces, None)
        self._leave(pieces, stream)

    async def _drop_events(self) -> None:
        await self._adrop(await self._llm.astream_events(SLOW, version="v3"))

    async def _read_all(self) -> None:
        async for _ in self._llm.astream(SLOW):
            pass

    async def _read_events(self) -> None:
        # Its producer is a task of LangChain's, which ends with the stream.
        async with aclosing(await self._llm.astream_events(SLOW, version="v3")) as stream:
            await stream.output

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
            self.found.wrong.append(f"a forked process ended with {status}")


def _answer(request: Request) -> ReplyLike:
    text = str(request.messages[-1]["content"])
    return Reply.text(f"You said: {text}", interval=0.001 if text == SLOW else 0)


def hostile_rounds(count: int, seed: int, progress: Progress, patience: float) -> Found:
    """Go the rounds, one half of them in a thread, the other half in tasks at the same time."""
    with LocalOnlySq() as server, Watchdog(patience) as watchdog:
        server.reply(*[_answer] * (3 * count))
        llm = ChatOnlySq(model="m", base_url=server.base_url, max_retries=0)
        rounds = Rounds(llm, seed, watchdog, progress)

        async def in_tasks() -> None:
            each = count // 2 // TASKS
            counts = [each] * (TASKS - 1) + [count // 2 - each * (TASKS - 1)]
            tasks = [rounds.in_a_task(f"task {n}", c) for n, c in enumerate(counts)]
            await asyncio.gather(*tasks)
            watchdog.begin("the loop", "the end")
            await llm.aclose()
            await _settle(lambda: len(asyncio.all_tasks()) == 1)
            rounds.found.left["tasks"] = len(asyncio.all_tasks()) - 1
            watchdog.end("the loop")

        with collecting_everywhere():
            thread = threading.Thread(target=rounds.in_a_thread, args=(count - count // 2,))
            thread.start()
            asyncio.run(in_tasks())
            thread.join()
        llm.close()
        gc.collect()
        asyncio.run(_settle(lambda: server.connections_open == 0))
        rounds.found.left["connections"] = server.connections_open
    rounds.found.left = {what: number for what, number in rounds.found.left.items() if number}
    return rounds.found


async def _settle(is_settled: Callable[[], bool]) -> None:
    """Wait a while for what ends in the background."""
    for _ in range(SETTLING):
        if is_settled():
            return
        await asyncio.sleep(0.005)
