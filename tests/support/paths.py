"""Where things lie, and in which order."""

from __future__ import annotations

from pathlib import Path

import langchain_onlysq

ROOT = Path(__file__).parents[2]
PACKAGE = Path(langchain_onlysq.__file__).parent

TOWER = (
    "__main__",
    "cli",
    "__init__",
    "compat",
    "pytest_plugin",
    "testing",
    "health",
    "registration",
    "chat_models",
    "completion",
    "models",
    "transport",
    "request",
    "prompted_tools",
    "outputs",
    "response",
    "settings",
    "errors",
    "_version",
)
"""The rooms and the modules beside them, from the top."""
