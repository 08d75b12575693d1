"""What langchain-core knows of refusals: nothing before 1.7.5. Pure."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXCEPTIONS: Any = import_module("langchain_core.exceptions")

CONTENT_FILTER = "content_filter"
"""The finish reason of an answer that was withheld."""

REFUSAL_ERROR: Any = getattr(_EXCEPTIONS, "ModelRefusalError", None)
"""LangChain's error for a refusal; None where it has none."""
