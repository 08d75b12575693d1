"""The three ways in which tools are offered to a model, and two tools."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq

SETUPS: dict[str, dict[str, Any]] = {
    "v2": {"endpoint": "v2"},
    "openai": {"endpoint": "openai"},
    "openai prompted": {"endpoint": "openai", "tool_calling": "prompted"},
}
PROMPTED = ["v2", "openai prompted"]


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def make(server: LocalOnlySq, setup: str = "v2", **fields: Any) -> ChatOnlySq:
    settings = {"model": "m", "base_url": server.base_url, "max_retries": 0, **SETUPS[setup]}
    return ChatOnlySq(**{**settings, **fields})
