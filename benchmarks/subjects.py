"""What is measured against what. Imports nothing heavy: the import of a subject is measured."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.cases import MODEL
from benchmarks.yardsticks import HTTP

if TYPE_CHECKING:
    from collections.abc import Callable

TITLES = {
    "raw": f"raw {HTTP}",
    "core": "langchain-core",
    "limit": "the limit",
    "onlysq": "ChatOnlySq",
    "openai": "ChatOpenAI",
    "mistral": "ChatMistralAI",
}
"""Name of a subject -> its title in the table."""

IMPORTS = {
    "raw": f"import {HTTP}",
    "core": "import langchain_core.language_models.chat_models",
    "limit": f"import langchain_core.language_models.chat_models, {HTTP}",
    "onlysq": "from langchain_onlysq import ChatOnlySq",
    "openai": "from langchain_openai import ChatOpenAI",
    "mistral": "from langchain_mistralai import ChatMistralAI",
}
"""Name of a subject -> the import that its user writes."""

PEERS = ("openai", "mistral")
"""Subjects that need packages of their own."""


def _arguments(chunk: Any) -> str:
    return "".join([call["args"] for call in chunk.tool_call_chunks])


def _to_messages(wire: list[dict[str, Any]]) -> Any:
    from langchain_core.messages import convert_to_messages

    return convert_to_messages(wire)


class Subject(NamedTuple):
    """How a client is made and read; its model has the methods of a LangChain chat model.

    Attributes:
        make: Makes a model, as a user would, that asks a base URL; `native_tools` says whether
            tool calls must come from the endpoint itself.
        text: Reads the text off a chunk or a whole answer.
        arguments: Reads the fragment of a tool call's arguments off a chunk.
        to_messages: Turns the messages of a request into what the model takes.
    """

    make: Callable[..., Any]
    text: Callable[[Any], str] = attrgetter("content")
    arguments: Callable[[Any], str] = _arguments
    to_messages: Callable[[list[dict[str, Any]]], Any] = _to_messages


def load(name: str) -> Subject:
    """Return a subject, with the packages that it needs."""
    fixed = {"model": MODEL, "api_key": "openai"}
    match name:
        case "raw":
            from benchmarks.yardsticks import raw

            return Subject(
                lambda url, **_: raw.RawModel(f"{url}/ai/v2"), raw.text, raw.arguments, list
            )
        case "core":
            from benchmarks.yardsticks.core import BareChatModel

            return Subject(lambda url, **_: BareChatModel(url=f"{url}/ai/v2"))
        case "limit":
            from benchmarks.yardsticks.limit import LimitChatModel

            return Subject(lambda url, **_: LimitChatModel(url=f"{url}/ai/v2"))
        case "openai":
            openai = import_module("langchain_openai").ChatOpenAI
            return Subject(lambda url, **_: openai(base_url=f"{url}/ai/openai/v1", **fixed))
        case "mistral":
            mistral = import_module("langchain_mistralai").ChatMistralAI
            return Subject(lambda url, **_: mistral(endpoint=f"{url}/v1", **fixed))
    from langchain_onlysq import ChatOnlySq

    def make(url: str, *, native_tools: bool = False) -> ChatOnlySq:
        if native_tools:  # which are documented for this endpoint only
            return ChatOnlySq(model=MODEL, base_url=f"{url}/ai", endpoint="openai")
        return ChatOnlySq(model=MODEL, base_url=f"{url}/ai")

    return Subject(make)
