"""Many conversations at once with a server that fails in every known way; nothing may get lost.

Run it with `make soak`. Every answer says which question it belongs to, so a lost, half or repeated
answer shows. The faults follow from a fixed seed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import resource
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

from langchain_core.messages import AIMessage

from langchain_onlysq import ChatOnlySq, OnlySqError
from langchain_onlysq.testing import (
    Close,
    Heartbeats,
    Hold,
    LocalOnlySq,
    Reply,
    ReplyLike,
    Request,
    Reset,
    chunk,
    completion,
)
from tests.support.four_ways import run

TURNS = 3
REPORTS = 20
SOON = {"Retry-After": "0"}


def truth(question: str) -> str:
    """What a right answer to this question is."""
    return f"The answer to {question} is <{question}> 🌍, and that is the whole of it."


NOTE = {
    "name": "note",
    "description": "Take a note.",
    "parameters": {"properties": {"text": {"type": "string"}}},
}
DIALECTS: list[Callable[[str], str]] = [
    str,
    lambda text: f'<tool_call>{{"name": "note", "arguments": {_arguments(text)}}}</tool_call>',
    lambda text: f"<function=note>\n<parameter=text>\n{text}\n</parameter>\n</function>",
    lambda text: f"[TOOL_CALLS]note{_arguments(text)}",
    lambda text: f"<tool_call>note<arg_key>text</arg_key><arg_value>{text}</arg_value></tool_call>",
    lambda text: f"<|python_start|>[note(text={text!r})]<|python_end|>",
    lambda text: f'<|tool_call>call:note{{text:<|"|>{text}<|"|>}}<tool_call|>',
]
"""Forms of an answer: as text, and as calls."""


def _arguments(text: str) -> str:
    return json.dumps({"text": text}, ensure_ascii=False)


def said(message: AIMessage) -> str:
    """Return the text of an answer, or what it calls the tool with."""
    return message.text + "".join(call["args"]["text"] for call in message.tool_calls)


FAULTS: dict[str, Callable[[str], ReplyLike]] = {
    "429": lambda _: Reply.error(429, "slow down", headers=SOON),
    "500": lambda _: Reply.error(500, "maintenance", headers=SOON),
    "502 html": lambda _: Reply.html(502),
    "401": lambda _: Reply.error(401, "no"),
    "error in a 200": lambda _: {"error": {"message": "overloaded", "code": 503}},
    "finish_reason error": lambda _: completion("oops", finish_reason="error"),
    "empty": lambda _: completion(""),
    "no choices": lambda _: {},
    "html": lambda _: b"<html>try later</html>",
    "reset": lambda _: Reply(body=[Reset()]),
    "closed": lambda _: Reply(body=[Close()]),
    "half a body": lambda text: Reply(
        body=f'{{"choices": "{text}'.encode(), declared_length=9999, framing="length"
    ),
    "half a stream, fin": lambda text: Reply.broken_stream(text, after=4),
    "half a stream, clean end": lambda text: Reply.broken_stream(text, after=4, framing="close"),
    "half a stream, reset": lambda text: Reply.broken_stream(text, after=4, how="reset"),
    "half a stream, silence": lambda text: Reply.broken_stream(text, after=4, how="hold"),
    "heartbeats for ever": lambda _: Reply.stream([chunk("The"), Heartbeats(0.05)], done=False),
    "silence": lambda _: Reply(body=[Hold()]),
    "error in mid-stream": lambda _: Reply.stream([chunk("The answer"), {"error": "overloaded"}]),
    "whole answer to a stream": completion,
    "done without an end": lambda text: Reply.stream(
        [chunk(text), "data: [DONE]\n\n", Hold()], done=False
    ),
    "cut into bytes": lambda text: Reply.stream(
        [bytes([byte]) for byte in b"data: " + _event(text)]
    ),
}
"""Name of a fault -> what the server does. The last three are no faults to a good client."""


def _event(text: str) -> bytes:
    body = Reply.stream([chunk(text, finish_reason="stop")]).items[0]
    assert isinstance(body, bytes)
    return body.removeprefix(b"data: ")


@dataclass
class Progress:
    """Says on stderr, now and then, how many of the answers have come."""

    total: int
    out: TextIO
    done: int = 0

    def __call__(self) -> None:
        self.done += 1
        if self.done * REPORTS // self.total > (self.done - 1) * REPORTS // self.total:
            print(f"{self.done} of {self.total} answers", file=self.out, flush=True)


@dataclass
class Tally:
    """What happened."""

    faults: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    progress: Progress | None = None

    def note(self, question: str, got: str, error: OnlySqError | None) -> None:
        expected = truth(question)
        with self.lock:
            if self.progress:
                self.progress()
            if got.count(f"<{question}>") > 1 or got.count("The answer to") > 1:
                self.repeated.append(got)
            if error is not None:
                self.errors[type(error).__name__] += 1
                if not expected.startswith(got):
                    self.wrong.append(got)
            elif got == expected:
                self.right += 1
            else:
                self.wrong.append(got)


class FaultyModel:
    """Answers each question truthfully, but for the faults."""

    def __init__(self, rate: float, seed: int, tally: Tally) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._rate = rate
        self._tally = tally

    def __call__(self, request: Request) -> ReplyLike:
        text = self._random.choice(DIALECTS)(truth(str(request.messages[-1]["content"])))
        if self._random.random() >= self._rate:
            return text
        name = self._random.choice(list(FAULTS))
        self._tally.faults[name] += 1
        return FAULTS[name](text)


def talk_sync(llm: ChatOnlySq, name: str, tally: Tally) -> None:
    """Hold one conversation, by invoke and stream in turn."""
    for turn in range(TURNS):
        question = f"{name}.{turn}"
        outcome = run("invoke" if turn % 2 else "stream", llm.bind_tools([NOTE]), question)
        whole = said(outcome.message) if outcome.message else ""
        tally.note(question, whole or outcome.delivered, outcome.error)


async def talk_async(llm: ChatOnlySq, name: str, tally: Tally) -> None:
    """Hold one conversation, by ainvoke and astream in turn."""
    for turn in range(TURNS):
        question, got, error = f"{name}.{turn}", "", None
        bound, total = llm.bind_tools([NOTE]), None
        try:
            if turn % 2:
                got = said(await bound.ainvoke(question))
            else:
                async for piece in bound.astream(question):
                    got += piece.text
                    total = piece if total is None else cast("AIMessage", total + piece)
                got = said(total or AIMessage(""))
        except OnlySqError as caught:
            error = caught
        tally.note(question, got, error)


async def talk_all_async(llm: ChatOnlySq, count: int, at_once: int, tally: Tally) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with gate:
            await talk_async(llm, f"a{number}", tally)

    await asyncio.gather(*[one(number) for number in range(count)])
    await llm.aclose()


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def memory() -> int:
    """Most memory used so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def soak(
    conversations: int,
    at_once: int,
    rate: float = 0.3,
    seed: int = 20260101,
    progress: Progress | None = None,
) -> Tally:
    """Hold the conversations, one half of them in threads, one half on an event loop."""
    tally = Tally(progress=progress)
    model = FaultyModel(rate, seed, tally)
    with LocalOnlySq() as server:
        server.reply(*[model] * (conversations * TURNS * 6))
        fields: dict[str, Any] = {
            "model": "m",
            "base_url": server.base_url,
            "timeout": (5, 1.0, 5, 30),
            "stall_timeout": 1.0,
        }
        with ChatOnlySq(**fields) as llm, ThreadPoolExecutor(at_once) as pool:
            for number in range(conversations // 2):
                pool.submit(talk_sync, llm, f"s{number}", tally)
        asyncio.run(talk_all_async(ChatOnlySq(**fields), conversations // 2, at_once, tally))
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=20260101)
    args = parser.parse_args()
    import logging

    logging.getLogger("langchain_onlysq").setLevel(logging.ERROR)
    soak(4, 2)
    gc.collect()
    before = (descriptors(), memory())
    answers = args.conversations // 2 * 2 * TURNS
    tally = soak(
        args.conversations, args.at_once, args.rate, args.seed, Progress(answers, sys.stderr)
    )
    gc.collect()
    after = (descriptors(), memory())
    for title, counter in (("faults", tally.faults), ("errors raised", tally.errors)):
        print(f"{title}: {counter.total()}")
        for name, count in sorted(counter.items()):
            print(f"  {name:28} {count}")
    print(f"answers right: {tally.right} of {answers}")
    print(f"answers wrong: {len(tally.wrong)}")
    print(f"answers repeated: {len(tally.repeated)}")
    print(f"descriptors: {before[0]} at the start, {after[0]} at the end")
    print(f"memory: {before[1] // 1024} MiB at the start, {after[1] // 1024} MiB at the most")
    for text in [*tally.wrong, *tally.repeated][:5]:
        print(f"  {text!r}", file=sys.stderr)
    return 1 if tally.wrong or tally.repeated or after[0] > before[0] else 0


if __name__ == "__main__":
    sys.exit(main())
