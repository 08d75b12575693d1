"""What ChatOpenAI and ChatOnlySq do on OnlySq's endpoint in OpenAI's shape, point by point.

The table of docs/beside_chat_openai.md says this in words. The suite asks ChatOnlySq; where
langchain-openai is installed, this asks both, and tells what is no longer as the table says:

    python -m tests.support.beside_chat_openai
"""
# ruff: noqa: T201 - it reports

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any

from langchain_core.exceptions import ModelAPIError, ModelRateLimitError
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from pydantic import BaseModel

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import (
    Heartbeats,
    Hold,
    LocalOnlySq,
    Reply,
    ReplyLike,
    chunk,
    completion,
)
from langchain_onlysq.testing.quota import Quota

CANARY = "canary-0123456789"
FAILED = {"error": {"message": "overloaded", "code": 503}}
QUESTION = {"type": "text", "text": "What is this?"}
PICTURE = {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"}
FILE = {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "filename": "a.pdf"}
AUDIO = {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"}


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


class City(BaseModel):
    """A city."""

    name: str


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        point: The first cell of the row.
        ask: What is done with a model; what it raises counts by the name of its class.
        theirs: What that gives with ChatOpenAI.
        ours: What it gives with ChatOnlySq.
        replies: The replies of the server, in order.
        both: Fields that both take.
        only_theirs: Further fields of ChatOpenAI.
        only_ours: Further fields of ChatOnlySq.
    """

    point: str
    ask: Callable[[Any, LocalOnlySq], Any]
    theirs: Any
    ours: Any
    replies: Sequence[ReplyLike] = ()
    both: dict[str, Any] = field(default_factory=dict)
    only_theirs: dict[str, Any] = field(default_factory=dict)
    only_ours: dict[str, Any] = field(default_factory=dict)


def make_theirs(case: Case, server: LocalOnlySq) -> Any:
    """Make a ChatOpenAI."""
    fields = {"model": "gpt-4o-mini", "api_key": "openai", **case.both, **case.only_theirs}
    chat_openai = import_module("langchain_openai").ChatOpenAI
    return chat_openai(base_url=f"{server.base_url}/openai", **fields)


def make_ours(case: Case, server: LocalOnlySq) -> ChatOnlySq:
    """Make a ChatOnlySq."""
    fields = {"model": "gpt-4o-mini", **case.both, **case.only_ours}
    return ChatOnlySq(base_url=server.base_url, endpoint="openai", **fields)


def outcome(case: Case, make: Callable[[Case, LocalOnlySq], Any]) -> Any:
    """Do what a case does; return what came of it."""
    with LocalOnlySq(*case.replies) as server:
        llm = make(case, server)
        try:
            return case.ask(llm, server)
        except Exception as error:  # noqa: BLE001 - that is an outcome
            return type(error).__name__


# What is done


def invoke(llm: Any, _: LocalOnlySq) -> Any:
    return llm.invoke("Hi").text


def stream(llm: Any, _: LocalOnlySq) -> Any:
    return "".join(part.text for part in llm.stream("Hi"))


def stream_to_the_end(llm: Any, _: LocalOnlySq) -> tuple[str, bool]:
    """Return what was delivered, and whether an error followed."""
    delivered = ""
    try:
        for part in llm.stream("Hi"):
            delivered += part.text
    except Exception:  # noqa: BLE001 - each has its own
        return delivered, True
    return delivered, False


def ordinary(llm: Any, server: LocalOnlySq) -> Any:
    seen = llm.invoke([HumanMessage([QUESTION, PICTURE])]).text
    bound = llm.bind_tools([weather], tool_choice="auto")
    calls = bound.invoke("What is the weather in 'Rome'?").tool_calls
    return invoke(llm, server), stream(llm, server), seen, [call["args"] for call in calls]


def refused(llm: Any, server: LocalOnlySq) -> Any:
    """Count the requests for an answer, for a failure, and where too long a wait is asked for."""
    text = llm.invoke("Hi").text
    counts = [len(server.requests)]
    for _ in range(2):
        try:
            llm.invoke("Hi")
        except (ModelAPIError, ModelRateLimitError):
            counts.append(len(server.requests) - sum(counts))
    return text, counts


def batch_at_the_limit(llm: Any, server: LocalOnlySq) -> Any:
    """Count the answers to eight questions where four are allowed in a minute of four seconds."""
    quota = Quota(4, minute=4.0)
    server.reply(*[lambda request: quota.refusal(request) or Reply.text("Fine")] * 100)
    outcomes = llm.batch(["Hi"] * 8, return_exceptions=True)
    return sum(isinstance(outcome, AIMessage) for outcome in outcomes)


def usage(llm: Any, _: LocalOnlySq) -> Any:
    return [part.usage_metadata["total_tokens"] for part in llm.stream("Hi") if part.usage_metadata]


def call_unasked(llm: Any, _: LocalOnlySq) -> Any:
    bound = llm.bind_tools([weather])
    return [call["args"] for call in bound.invoke("What is the weather in 'Rome'?").tool_calls]


def streamed_calls(llm: Any, _: LocalOnlySq) -> Any:
    total = AIMessageChunk(content="")
    for part in llm.bind_tools([weather], tool_choice="auto").stream("Hi"):
        total += part
    return [call["args"] for call in total.tool_calls], len(total.invalid_tool_calls)


def reasoning(llm: Any, _: LocalOnlySq) -> Any:
    messages = [llm.invoke("Hi"), llm.invoke("Hi")]
    kinds = [[block["type"] for block in message.content_blocks] for message in messages]
    return kinds, [message.text for message in messages]


def stop(llm: Any, _: LocalOnlySq) -> Any:
    return llm.invoke("Hi", stop=["STOP"]).text


def fenced(llm: Any, _: LocalOnlySq) -> Any:
    return llm.with_structured_output(City).invoke("Hi")


def two_loops(llm: Any, _: LocalOnlySq) -> Any:
    return [asyncio.run(llm.ainvoke("Hi")).text for _ in range(2)]


def copies(llm: Any, _: LocalOnlySq) -> Any:
    llm.invoke("Hi")
    made: list[Any] = []
    ways: list[Callable[[Any], Any]] = [
        copy.deepcopy,
        lambda it: pickle.loads(pickle.dumps(it)),  # noqa: S301
    ]
    for make_copy in ways:
        try:
            made.append(make_copy(llm).invoke("Hi").text)
        except TypeError:
            made.append("TypeError")
    return made


def shown(llm: Any, _: LocalOnlySq) -> Any:
    return [CANARY in text for text in (repr(llm), dumps(llm), llm._get_llm_string())]


def window(llm: Any, _: LocalOnlySq) -> Any:
    return (llm.profile or {}).get("max_input_tokens")


def path(llm: Any, server: LocalOnlySq) -> Any:
    with suppress(Exception):  # where it was sent is what counts
        llm.invoke("Hi")
    return server.requests[-1].path


def with_files(llm: Any, server: LocalOnlySq) -> Any:
    with suppress(Exception):  # the server's refusal, or ours
        llm.invoke([HumanMessage([QUESTION, FILE, AUDIO])])
    return [part["type"] for request in server.requests for part in request.messages[0]["content"]]


def logprobs(llm: Any, _: LocalOnlySq) -> Any:
    return bool(llm.invoke("Hi", logprobs=True).response_metadata.get("logprobs"))


def with_logprobs() -> dict[str, Any]:
    body = completion("Hi")
    token = {"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": []}
    body["choices"][0]["logprobs"] = {"content": [token]}
    return body


SAID = "You said: Hi"
OFF = {"max_retries": 0}
AGAIN = {"max_retries": 1}
ORDINARY = (SAID, SAID, "I see 1 image. You said: What is this?", [{"city": "Rome"}])

CASES = [
    Case(
        "an answer, streamed or whole; images; native tool calls",
        ordinary,
        ORDINARY,
        ORDINARY,
    ),
    Case(
        "an error status, `Retry-After`",
        refused,
        ("Fine", [2, 3, 1]),
        ("Fine", [2, 3, 1]),
        [
            Reply.error(503, retry_after=0.01),
            "Fine",
            *[Reply.error(503, retry_after=0.01)] * 3,
            Reply.error(429, retry_after=130),
        ],
    ),
    Case(
        "a batch of 8, of which 4 a minute are allowed",
        batch_at_the_limit,
        4,
        8,
        [],
    ),
    Case(
        "a stream that is cut off on the wire",
        stream_to_the_end,
        ("One two ", True),
        ("One two ", True),
        [Reply.broken_stream("One two three", after=2)],
    ),
    Case("usage of a stream", usage, [4], [4], both={"stream_usage": True}),
    Case("tools without a `tool_choice`", call_unasked, [], [{"city": "Rome"}]),
    Case(
        "cut-off arguments of a streamed call",
        streamed_calls,
        ([{"city": "Ro"}], 0),
        ([], 1),
        [Reply.tool_calls([("weather", '{"city": "Ro')])],
    ),
    Case(
        "`reasoning_content`, a leading `<think>`",
        reasoning,
        ([["text"], ["text"]], ["Yes.", "<think>Hm.</think>Yes."]),
        ([["reasoning", "text"]] * 2, ["Yes.", "Yes."]),
        [Reply.text("Yes.", reasoning="Hm."), "<think>Hm.</think>Yes."],
    ),
    Case("an empty answer", invoke, "", "Fine", [completion(""), "Fine"], AGAIN),
    Case(
        '`finish_reason: "error"`',
        invoke,
        "oops",
        "Fine",
        [completion("oops", finish_reason="error"), "Fine"],
        AGAIN,
    ),
    Case("an `error` in a 200 body", invoke, "ValueError", "Fine", [FAILED, "Fine"], AGAIN),
    Case(
        "an HTML page with status 200",
        invoke,
        "JSONDecodeError",
        "Fine",
        [b"<html>Maintenance</html>", "Fine"],
        AGAIN,
    ),
    Case(
        "a whole answer where a stream was asked for",
        stream,
        "ValueError",
        "Hello",
        [completion("Hello")],
    ),
    Case(
        "a stream without an end mark",
        stream_to_the_end,
        ("One ", False),
        ("One ", True),
        [Reply.stream([chunk("One ")], done=False)],
    ),
    Case(
        "an error after the first, empty chunk",
        stream,
        "APIError",
        "Fine",
        [Reply.stream([chunk(""), FAILED]), "Fine"],
        AGAIN,
    ),
    Case(
        "a stream of heartbeats alone, sync",
        stream,
        "Late",
        "OnlySqTimeoutError",
        [Reply.stream([Heartbeats(0.05, count=30), chunk("Late", finish_reason="stop")])],
        OFF,
        only_theirs={"stream_chunk_timeout": 0.3},
        only_ours={"stall_timeout": 0.3},
    ),
    Case(
        "a stop sequence that the service passes over",
        stop,
        "One STOP two",
        "One ",
        ["One STOP two"],
    ),
    Case(
        "a read timeout",
        invoke,
        "Fine",
        "OnlySqTimeoutError",
        [Reply(body=[Hold()]), "Fine"],
        {"timeout": 0.3, **AGAIN},
    ),
    Case(
        "JSON in a code fence, as `json_schema`",
        fenced,
        "ValidationError",
        City(name="Rome"),
        ['```json\n{"name": "Rome"}\n```'],
    ),
    Case("a second `asyncio.run` with one model", two_loops, "RuntimeError", [SAID] * 2),
    Case("`deepcopy` and `pickle` after a call", copies, ["TypeError"] * 2, [SAID] * 2),
    Case(
        "`default_headers` in repr, dumps and cache keys",
        shown,
        [True] * 3,
        [False] * 3,
        both={"default_headers": {"x-secret": CANARY}},
    ),
    Case(
        "a profile of `claude-haiku-4-5`",
        window,
        None,
        200_000,
        both={"model": "claude-haiku-4-5"},
    ),
    Case(
        "ids such as `gpt-5.2-codex`",
        path,
        "/ai/openai/responses",
        "/ai/openai/chat/completions",
        both={"model": "gpt-5.2-codex"},
    ),
    Case("files and audio in a message", with_files, ["text", "file", "input_audio"], []),
    Case("`logprobs` of an answer", logprobs, True, False, [with_logprobs()]),  # noqa: FBT003
]


def main() -> int:
    """Ask both, and say which rows of the table do not hold."""
    os.environ.pop("OPENAI_API_KEY", None)
    print(f"langchain-openai {version('langchain-openai')}, openai {version('openai')}")
    wrong = 0
    for case in CASES:
        found = (outcome(case, make_theirs), outcome(case, make_ours))
        if found != (case.theirs, case.ours):
            wrong += 1
            print(f"DIFFERS  {case.point}: {found!r}, not {(case.theirs, case.ours)!r}")
        else:
            print(f"holds    {case.point}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
