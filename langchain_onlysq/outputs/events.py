"""Pieces of an answer -> the events of LangChain's streaming protocol ("v3"). Pure.

langchain-core can make these events from chunks, too. Without the chunks they take a fraction of
the time, and they say more: a block ends where it ends, not with the message, and a broken call
comes with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.utils.utils import LC_ID_PREFIX

from langchain_onlysq.outputs.chunks import mark_as_broken, whole_call
from langchain_onlysq.outputs.content_blocks import PROVIDER, extra_blocks
from langchain_onlysq.response.deltas import Reasoning, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

    from langchain_onlysq.response.deltas import AnswerEnd, Delta

Event = dict[str, Any]

_RUNS = {str: ("text", "lc_text"), Reasoning: ("reasoning", "lc_reasoning")}
"""Kind of a piece -> type of its block, and the block's id for LangChain's merging."""


class EventMaker:
    """Makes the events of one streamed answer.

    A block of text or reasoning ends where something else begins. A prompted call ends where text
    or the next one does: reasoning and native calls, which do not stand in the text, may come in
    the middle of it. Native calls may go on after anything, so they end with the message.
    """

    streams = True

    def __init__(self, message_id: str = "") -> None:
        """Start before the first piece of the message with this id."""
        self._message_id = message_id
        self._started = False
        self._next_index = 0
        # Of the block of text or reasoning that is open, if one is.
        self._kind: type | None = None
        self._index = 0
        self._texts: list[str] = []
        self._runs = {str: 0, Reasoning: 0}
        self._reasoning: list[str] = []
        # Index of an open call in the answer -> index of its block, and its pieces.
        self._calls: dict[int, tuple[int, list[ToolCallDelta]]] = {}

    def feed(self, deltas: list[Delta]) -> Iterator[Event]:
        """Return the events of the next pieces."""
        for delta in deltas:
            if type(delta) is not self._kind:
                yield from self._change_to(type(delta))
            if isinstance(delta, ToolCallDelta):
                yield from self._call(delta)
                continue
            text = str(delta)
            self._texts.append(text)
            is_text = self._kind is str
            yield {
                "event": "content-block-delta",
                "index": self._index,
                "delta": {"type": "text-delta", "text": text}
                if is_text
                else {"type": "reasoning-delta", "reasoning": text},
            }

    def finish(self, end: AnswerEnd) -> Iterator[Event]:
        """Return the events that end the message."""
        yield from self._start(end)
        yield from self._end_run()
        yield from self._end_calls()
        for block in extra_blocks(end.additional, end.metadata):
            is_refusal = block["type"] == "refusal"
            yield self._begin({**block} if is_refusal else {**block, "value": {}})
            yield _finish(self._next_index - 1, block)
        finish: Event = {"event": "message-finish"}
        if end.usage:
            finish["usage"] = end.usage
        finish["metadata"] = {"model_provider": PROVIDER, **end.metadata}
        additional = dict(end.additional)
        if self._reasoning:
            additional["reasoning_content"] = "".join(self._reasoning)
        if additional:
            finish["additional_kwargs"] = additional
        yield finish

    def _start(self, end: AnswerEnd | None = None) -> Iterator[Event]:
        if self._started:
            return
        self._started = True
        metadata = {"provider": PROVIDER}
        if end:
            metadata["model"] = end.metadata["model_name"]
        start = {"event": "message-start", "role": "ai", "id": self._message_id}
        yield {**start, "metadata": metadata}

    def _change_to(self, kind: type) -> Iterator[Event]:
        """End what ends where a piece of another kind begins."""
        yield from self._start()
        yield from self._end_run()
        if kind is str:
            yield from self._end_calls(only_sequential=True)
        self._kind = kind
        if kind in _RUNS:
            name, _ = _RUNS[kind]
            self._index = self._next_index
            yield self._begin({"type": name, name: ""})

    def _end_run(self) -> Iterator[Event]:
        """End the open block of text or reasoning, if there is one."""
        if self._kind in _RUNS:
            name, merge_id = _RUNS[self._kind]
            self._runs[self._kind] += 1
            if (run := self._runs[self._kind]) > 1:
                merge_id = f"{merge_id}_{run}"
            text = "".join(self._texts)
            if self._kind is Reasoning:
                self._reasoning.append(text)
            yield _finish(self._index, {"type": name, name: text, "index": merge_id})
        self._kind = None
        self._texts = []

    def _call(self, delta: ToolCallDelta) -> Iterator[Event]:
        if delta.index not in self._calls:
            if delta.sequential:
                yield from self._end_calls(only_sequential=True)
            self._calls[delta.index] = (self._next_index, [])
            block = {
                "type": "tool_call_chunk",
                "id": delta.id,
                "name": delta.name or None,
                "args": "",
            }
            yield self._begin({**block, "index": f"lc_tc_{delta.index}"})
        index, parts = self._calls[delta.index]
        parts.append(delta)
        args = delta.args
        if delta.error:
            args += mark_as_broken("".join(part.args for part in parts), delta.error)
        if args:
            call_delta = {"type": "tool-call-delta", "args": args}
            yield {"event": "content-block-delta", "index": index, "delta": call_delta}

    def _end_calls(self, *, only_sequential: bool = False) -> Iterator[Event]:
        """End the calls that are open, or those of them that cannot go on."""
        for number, (index, parts) in list(self._calls.items()):
            if parts[0].sequential or not only_sequential:
                del self._calls[number]
                yield _finish(index, whole_call(parts))

    def _begin(self, block: Event) -> Event:
        """Begin the next block."""
        self._next_index += 1
        return {"event": "content-block-start", "index": self._next_index - 1, "content": block}


def message_id(
    run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
) -> str:
    """Return the id that LangChain gives the message of a run."""
    return f"{LC_ID_PREFIX}-{run_manager.run_id}" if run_manager else ""


def _finish(index: int, block: Any) -> Event:
    return {"event": "content-block-finish", "index": index, "content": block}
