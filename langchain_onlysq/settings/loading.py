"""Modules that only some calls need are loaded by one thread at a time, and while nobody forks."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from langchain_onlysq.errors import OnlySqConnectionError

if TYPE_CHECKING:
    from types import TracebackType


class _Loading:
    """Held while something is loaded; what cannot be loaded fails as any call does."""

    def __init__(self) -> None:
        """Begin without anybody who holds it."""
        self._lock = threading.RLock()
        if hasattr(os, "register_at_fork"):
            # A module that is loaded while another thread forks has a lock that the child would
            # never get back; so do certificates.
            os.register_at_fork(
                before=lambda: self._lock.acquire() and None,
                after_in_parent=self._lock.release,
                after_in_child=self._lock.release,
            )

    def __enter__(self) -> None:
        """Wait until nobody else loads anything."""
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let others load; say what kept a file from being read."""
        self._lock.release()
        if isinstance(error, (ImportError, OSError)):
            msg = f"A part of the program that this call needs cannot be loaded: {error}."
            raise OnlySqConnectionError(msg) from error


loading = _Loading()
"""The one lock of this process for loading."""


@lru_cache(maxsize=1)
def load_langchains_own() -> None:
    """Load, before the first call, what langchain-core itself loads in the middle of it.

    Raises:
        OnlySqConnectionError: If it cannot be loaded.
    """
    with loading:
        for name in _LANGCHAINS_OWN:
            import_module(name)


_LANGCHAINS_OWN = (
    "langsmith.run_helpers",
    "langchain_core.tracers.context",
    "langchain_core.tracers.langchain",
    "langchain_core.tracers.stdout",
    "langchain_core.messages.block_translators.langchain_v0",
    "langchain_core.messages.block_translators.openai",
)
"""Modules that every call of a chat model imports inside of functions."""
