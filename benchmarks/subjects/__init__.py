"""What is measured against what. Imports nothing: the import of a subject is measured, too."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from benchmarks.subjects.subject import Subject

TITLES = {
    "raw": "raw httpx",
    "core": "langchain-core",
    "limit": "the limit",
    "onlysq": "ChatOnlySq",
    "openai": "ChatOpenAI",
    "mistral": "ChatMistralAI",
}
"""Name of a subject -> its title in the table. Each has a module of its name in this folder."""

IMPORTS = {
    "raw": "import httpx",
    "core": "import langchain_core.language_models.chat_models",
    "limit": "import langchain_core.language_models.chat_models, httpx",
    "onlysq": "from langchain_onlysq import ChatOnlySq",
    "openai": "from langchain_openai import ChatOpenAI",
    "mistral": "from langchain_mistralai import ChatMistralAI",
}
"""Name of a subject -> the import that its user writes."""

PEERS = ("openai", "mistral")
"""Subjects that need packages of their own."""


def load(name: str) -> Subject:
    """Return a subject, with the packages that it needs."""
    return cast("Subject", import_module(f"{__name__}.{name}").SUBJECT)


def unknown_subject(name: str) -> str:
    """Say that there is no such subject, and which there are."""
    return f"unknown subject {name!r}; there are: {', '.join(TITLES)}"
