"""ChatOpenAI, pointed at the endpoint of OpenAI's shape."""

from __future__ import annotations

from langchain_openai import ChatOpenAI  # type: ignore[import-not-found,unused-ignore] # a peer

from benchmarks.subjects.subject import LangChainSubject
from benchmarks.wire import MODEL

SUBJECT = LangChainSubject(
    lambda url, _: ChatOpenAI(model=MODEL, api_key="openai", base_url=f"{url}/ai/openai/v1")
)
