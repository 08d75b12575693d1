"""Many conversations at once with a server that fails in every known way; nothing may get lost.

Every answer says which question it belongs to, so a lost, half or repeated answer shows. Some
conversations go through clients whose hooks raise, and some async calls are cancelled, which the
next answer must not notice.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.settings.http_library import http
from langchain_onlysq.testing import LocalOnlySq
from tests.soak.faults import LOOPING, FaultyModel, name_of, truth
from tests.soak.quiet import KEPT_BY_LIBRARY, left_behind, most_idle
from tests.soak.ways import WAYS, Answer, aask, ask, tools_or_object

TURNS = len(WAYS)
REST_EVERY = 250
"""Conversations after which one looks at the connections, while nothing runs."""
REPORTS = 20
FIELDS: dict[str, Any] = {"model": "m", "timeout": (5, 1.0, 5, 30), "stall_timeout": 1.0}


@dataclass
class Progress:
    """Says on stderr, now and then, how many there are already."""

    total: int
    out: TextIO
    unit: str = "answers"
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> None:
        with self.lock:
            self.done += 1
            if self.done * REPORTS // self.total > (self.done - 1) * REPORTS // self.total:
                print(f"{self.done} of {self.total} {self.unit}", file=self.out, flush=True)


@dataclass
class Tally:
    """What happened."""

    model: FaultyModel
    errors: Counter[str] = field(default_factory=Counter)
    right: int = 0
    repaired: int = 0
    cancelled: int = 0
    wrong: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    progress: Progress | None = None

    def note(self, question: str, answer: Answer) -> None:
        """Count an answer, and check it."""
        if self.progress:
            self.progress()
        with self.lock:
            error = self.check(question, answer)
            if error:
                self.errors[error] += 1
            else:
                self.right += 1
                self.repaired += answer.repairs

    def check(self, question: str, answer: Answer) -> str:
        """Return "" for a right answer, else the name of what came instead of it."""
        got, expected = answer.text, truth(question)
        if got.count(f"<{question}>") > 1 or got.count("The answer to") > 1:
            self.repeated.append(got)
        error, last = answer.error, self.model.last.get(question, "")
        if error and expected.startswith(got) and self.model.may_raise(question, error):
            return name_of(error)
        is_counted = answer.repairs == self.model.repairs[question]
        if answer.is_broken and last == LOOPING and is_counted:
            return "broken answer"
        if error is None and got == expected and is_counted:
            return ""
        self.wrong.append(f"{got!r} after {last!r}, repairs: {answer.repairs} {error!r}")
        return "wrong answer"


def talk(llm: ChatOnlySq, name: str, tally: Tally) -> None:
    """Hold one conversation, each turn in another way."""
    for way in WAYS:
        question = f"{name}.{way}"
        tally.note(question, ask(tools_or_object(llm, way), way, question))


async def atalk(llm: ChatOnlySq, name: str, tally: Tally, moments: random.Random) -> None:
    """Hold one conversation; before each turn, a call is cancelled at any moment."""
    for way in WAYS:
        question, asked = f"{name}.{way}", tools_or_object(llm, way)
        call = asyncio.create_task(aask(asked, way, f"{question}.cancelled"))
        await asyncio.sleep(moments.random() * 0.05)
        call.cancel()
        with suppress(asyncio.CancelledError):
            tally.check(f"{question}.cancelled", await call)
        tally.cancelled += call.cancelled()
        tally.note(question, await aask(asked, way, question))


def talk_all(models: list[ChatOnlySq], numbers: range, at_once: int, tally: Tally) -> None:
    """Hold some conversations in threads."""
    with ThreadPoolExecutor(at_once) as pool:
        for number in numbers:
            pool.submit(talk, models[number % len(models)], f"s{number}", tally)


async def atalk_all(
    models: list[ChatOnlySq], numbers: range, at_once: int, seed: int, tally: Tally
) -> None:
    """Hold some conversations on the running event loop."""
    gate = asyncio.Semaphore(at_once)
    moments = random.Random(seed + numbers.start)  # noqa: S311 - reproducible, not secret

    async def one(number: int) -> None:
        async with gate:
            await atalk(models[number % len(models)], f"a{number}", tally, moments)

    await asyncio.gather(*map(one, numbers))


def raise_for_status(response: Any) -> None:
    """Be a hook as people write them."""
    response.raise_for_status()


async def araise_for_status(response: Any) -> None:
    """Be a hook as people write them."""
    response.raise_for_status()


def soak(
    conversations: int,
    at_once: int,
    rate: float = 0.3,
    seed: int = 20260101,
    progress: Progress | None = None,
) -> Tally:
    """Hold the conversations, one half of them in threads, one half on an event loop."""
    model = FaultyModel(rate, seed)
    tally = Tally(model, progress=progress)
    half = conversations // 2
    parts = [range(half)[begin : begin + REST_EVERY] for begin in range(0, half, REST_EVERY)]
    at_once = min(at_once, half)
    most = most_idle(at_once) + min(at_once, KEPT_BY_LIBRARY)
    with LocalOnlySq() as server:
        server.reply(*[model] * (conversations * TURNS * 9))
        fields = {**FIELDS, "base_url": server.base_url}

        def in_threads() -> None:
            with (
                http().Client(event_hooks={"response": [raise_for_status]}) as client,
                ChatOnlySq(**fields) as llm,
            ):
                models = [llm, llm, llm, ChatOnlySq(**fields, http_client=client)]
                for part in parts:
                    talk_all(models, part, at_once, tally)
                    when = f"after {part.stop} conversations in threads"
                    tally.left += asyncio.run(left_behind(server, when, most))

        async def on_a_loop() -> None:
            hooks = {"response": [araise_for_status]}
            async with (
                http().AsyncClient(event_hooks=hooks) as client,
                ChatOnlySq(**fields) as llm,
            ):
                models = [llm, llm, llm, ChatOnlySq(**fields, http_async_client=client)]
                for part in parts:
                    await atalk_all(models, part, at_once, seed, tally)
                    when = f"after {part.stop} conversations on a loop"
                    tally.left += await left_behind(server, when, most)

        in_threads()
        asyncio.run(on_a_loop())
        tally.left += asyncio.run(left_behind(server, "when the models are closed", 0))
    return tally
