"""ChatMistralAI, pointed at the server."""

from __future__ import annotations

from langchain_mistralai import (  # type: ignore[import-not-found,unused-ignore] # a peer
    ChatMistralAI,
)

from benchmarks.subjects.subject import LangChainSubject
from benchmarks.wire import MODEL

SUBJECT = LangChainSubject(
    lambda url, _: ChatMistralAI(model=MODEL, api_key="openai", endpoint=f"{url}/v1")
)
