"""ChatOnlySq with its default settings."""

from __future__ import annotations

from benchmarks.subjects.subject import LangChainSubject
from benchmarks.wire import MODEL
from langchain_onlysq import ChatOnlySq


def _build(url: str, native_tools: bool) -> ChatOnlySq:  # noqa: FBT001 - the interface
    """Make a model; native tool calls are documented for the other endpoint only."""
    if native_tools:
        return ChatOnlySq(model=MODEL, base_url=f"{url}/ai", endpoint="openai")
    return ChatOnlySq(model=MODEL, base_url=f"{url}/ai")


SUBJECT = LangChainSubject(_build, ChatOnlySq.close, ChatOnlySq.aclose)
