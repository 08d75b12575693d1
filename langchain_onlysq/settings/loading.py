"""Modules that only some calls need are loaded by one thread at a time, and while nobody forks."""

from __future__ import annotations

import os
import threading
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
