"""What a chunk of a stream costs in each part of ChatOnlySq: `python -m benchmarks.parts`."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic_core import from_json

from benchmarks.wire import Shape, answer
from langchain_onlysq import ChatOnlySq
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.outputs.chunks import ChunkMaker
from langchain_onlysq.outputs.content_blocks import PROVIDER
from langchain_onlysq.response.reader import AnswerReader
from langchain_onlysq.response.sse import EventDecoder
from langchain_onlysq.transport import driver as transport
from langchain_onlysq.transport.flow import Read, ResponseHead, Send

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE, _REPEATS, _MICRO = 2_000, 9, 1e6
_LLM = ChatOnlySq(model="gpt-4o-mini")


class _Channel:
    """Delivers what would come through a socket."""

    def __init__(self, events: list[bytes]) -> None:
        self._events = iter(events)

    def perform(self, effect: Any) -> Any:
        if isinstance(effect, Read):
            return next(self._events, None)
        return ResponseHead(200, {}) if isinstance(effect, Send) else None

    def close(self) -> None:
        pass


def main() -> None:
    """Print the parts, in µs of CPU a chunk: the best of some repeats."""
    body = b"".join(answer(Shape("c", _SIZE)))
    events = [part for part in body.split(b"\r\n") if part.startswith(b"data: {")]
    provider = {"model_provider": PROVIDER}
    parts: dict[str, Callable[[], Any]] = {
        "JSON of an event -> its value (pydantic-core)": lambda: [from_json(e[6:]) for e in events],
        "bytes -> events": lambda: deque(map(EventDecoder().feed, events), 0),
        "bytes -> pieces": lambda: deque(map(_reader().feed, events), 0),
        "a chunk of langchain-core": lambda: [_chunk() for _ in events],
        "the same with its provider": lambda: [_chunk(response_metadata=provider) for _ in events],
        "bytes -> chunks, the whole way": lambda: _whole(events),
    }
    for title, work in parts.items():
        print(f"{title:48} {_best(work) / len(events) * _MICRO:6.2f}")


def _reader() -> AnswerReader:
    return AnswerReader(_LLM, ErrorContext(model="gpt-4o-mini"))


def _chunk(**fields: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content="word", **fields))


def _whole(events: list[bytes]) -> None:
    completion = _LLM._completion([HumanMessage("Hi")], None, {}, ChunkMaker, stream=True)  # noqa: SLF001
    channel: Any = _Channel(events)
    deque(transport.stream(completion.steps(), channel), 0)


def _best(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(_REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
