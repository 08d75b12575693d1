"""LangChain's table of providers, which `register()` writes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.chat_models import base


@pytest.fixture(autouse=True)
def table() -> Iterator[dict[str, Any]]:
    """LangChain's providers, without ours before and after the test."""
    providers: dict[str, Any] = base._BUILTIN_PROVIDERS
    clear_cache = base._get_chat_model_creator.cache_clear

    def forget() -> None:
        providers.pop("onlysq", None)
        clear_cache()

    forget()
    yield providers
    forget()
