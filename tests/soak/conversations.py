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
from tests.soak.ways import WAYS, Answer, aask, ask, tools_or_object

TURNS = len(WAYS)
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


async def atalk_all(
    models: list[ChatOnlySq], count: int, at_once: int, seed: int, tally: Tally
) -> None:
    """Hold many conversations."""
    gate = asyncio.Semaphore(at_once)
    moments = random.Random(seed)  # noqa: S311 - reproducible, not secret

    async def one(number: int) -> None:
        async with gate:
            await atalk(models[number % len(models)], f"a{number}", tally, moments)

    await asyncio.gather(*[one(number) for number in range(count)])
    for llm in models:
        await llm.aclose()


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
    with LocalOnlySq() as server:
        server.reply(*[model] * (conversations * TURNS * 9))
        fields = {**FIELDS, "base_url": server.base_url}
        with (
            http().Client(event_hooks={"response": [raise_for_status]}) as client,
            ChatOnlySq(**fields) as llm,
            ThreadPoolExecutor(at_once) as pool,
        ):
            models = [llm, llm, llm, ChatOnlySq(**fields, http_client=client)]
            for number in range(conversations // 2):
                pool.submit(talk, models[number % len(models)], f"s{number}", tally)

        async def on_a_loop() -> None:
            async with http().AsyncClient(event_hooks={"response": [araise_for_status]}) as client:
                llm, hooked = ChatOnlySq(**fields), ChatOnlySq(**fields, http_async_client=client)
                models = [llm, llm, llm, hooked]
                await atalk_all(models, conversations // 2, at_once, seed, tally)

        asyncio.run(on_a_loop())
    return tally
