"""What ChatOnlySq does, in six steps, against a local server or (--live) the real service."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool

from langchain_onlysq import ChatOnlySq, OnlySqError
from langchain_onlysq.testing import LocalOnlySq, Reply

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import BaseMessage

MODEL = "gpt-4o-mini"
MOST_STEPS = 8


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def stream(llm: ChatOnlySq) -> None:
    title("1. A streamed answer, piece by piece")
    started = time.monotonic()
    pieces = 0
    for chunk in llm.stream("In one sentence: what does a chat model do?"):
        if chunk.text:
            pieces += 1
            print(chunk.text, end="", flush=True)
    print(f"\n   ({pieces} pieces in {time.monotonic() - started:.1f} s)")


def invoke(llm: ChatOnlySq) -> None:
    title("2. A whole answer, with its token usage")
    answer = llm.invoke("Why is the sky blue? One sentence.")
    print(answer.text)
    print(f"   usage: {answer.usage_metadata}")
    print(f"   served by: {answer.response_metadata['model_name']}")


async def batch(llm: ChatOnlySq) -> None:
    title("3. Three questions at once, natively async")
    questions: list[LanguageModelInput] = ["One plus one?", "Two plus two?", "Three plus three?"]
    answers = await llm.abatch(questions)
    for question, answer in zip(questions, answers, strict=True):
        print(f"   {question} -> {answer.text}")
    await llm.aclose()


def chain(llm: ChatOnlySq) -> None:
    title("4. An LCEL chain: prompt | model | parser")
    prompt = ChatPromptTemplate.from_messages(
        [("system", "You translate into {language}."), ("user", "{text}")]
    )
    print((prompt | llm | StrOutputParser()).invoke({"language": "French", "text": "Good morning"}))


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"17 degrees and sunny in {city}"


@tool
def to_fahrenheit(celsius: float) -> float:
    """Turn degrees Celsius into degrees Fahrenheit."""
    return celsius * 9 / 5 + 32


def agent(llm: ChatOnlySq) -> None:
    title("5. An agent with two tools, step by step (over v2, which has no tools of its own)")
    tools = {"weather": weather, "to_fahrenheit": to_fahrenheit}
    bound = llm.bind_tools(list(tools.values()))
    messages: list[BaseMessage] = [HumanMessage("How warm is it in Lisbon, in Fahrenheit?")]
    print(f"   user: {messages[0].text}")
    for _ in range(MOST_STEPS):
        answer = bound.invoke(messages)
        messages.append(answer)
        if not answer.tool_calls:
            print(f"   model: {answer.text}")
            return
        for call in answer.tool_calls:
            result = tools[call["name"]].invoke(call)
            print(f"   model calls {call['name']}({call['args']}) -> {result.content}")
            messages.append(result)


def pacing() -> None:
    logging.getLogger("langchain_onlysq").setLevel(logging.ERROR)  # it would announce the wait
    title("6. Ten questions at once, of which the service allows four a minute (here of 2 seconds)")
    with (
        LocalOnlySq(requests_per_minute=4, minute=2) as server,
        ChatOnlySq(model=MODEL, base_url=server.base_url) as llm,
    ):
        started = time.monotonic()
        answers = llm.batch([f"Question {number}" for number in range(10)])
        refused = len(server.requests) - len(answers)
    waits = [answer.response_metadata.get("waited", 0.0) for answer in answers]
    print(f"   {len(answers)} answers in {time.monotonic() - started:.1f} s, {refused} refusals")
    print(f"   the last one waited {max(waits):.1f} s for its turn")


def local_server() -> LocalOnlySq:
    sentence = "It reads a conversation and writes what could well come next, word by word."
    return LocalOnlySq(
        Reply.text(sentence, interval=0.08),
        "Because air scatters blue light more than red light.",
    )


AGENT_SCRIPT = (
    Reply.tool_calls([("weather", {"city": "Lisbon"})], text="Let me look."),
    Reply.tool_calls([("to_fahrenheit", {"celsius": 17})]),
    "It is 62.6 degrees Fahrenheit in Lisbon, and sunny.",
)
"""What the local model does as an agent: it has no mind of its own."""


def main() -> int:
    live = "--live" in sys.argv[1:]
    server: AbstractContextManager[LocalOnlySq | None] = nullcontext() if live else local_server()
    where = "the real service" if live else "a local server: no network, no key"
    print(f"ChatOnlySq(model={MODEL!r}) against {where}")
    with server as running:
        fields: dict[str, Any] = {"base_url": running.base_url} if running else {}
        with ChatOnlySq(model=MODEL, **fields) as llm:
            try:
                stream(llm)
                invoke(llm)
                asyncio.run(batch(llm))
                chain(llm)
                if running:
                    running.reply(*AGENT_SCRIPT)
                agent(llm)
                pacing()
            except OnlySqError as error:
                print(f"\n{type(error).__name__}: {error}", file=sys.stderr)
                return 1
        if running:
            title(f"The server got {len(running.requests)} requests; the first one was")
            print(f"   POST {running.requests[0].path} {running.requests[0].body.decode()}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
