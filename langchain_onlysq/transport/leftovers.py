"""Closes what the garbage collector found, where somebody may wait for a lock.

The collector may run at any allocation, in a thread that holds any lock: one of the HTTP library's,
say, which are not all re-entrant. What it finishes must take no lock, so it hands on what is to be
closed. Starting a bare thread takes none.
"""

from __future__ import annotations

import _thread
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def close_later(close: Callable[[], object]) -> None:
    """Have something closed by another thread."""
    # At the end of the interpreter no thread can be started, and the system closes everything.
    with suppress(RuntimeError):
        _thread.start_new_thread(_close, (close,))


def _close(close: Callable[[], object]) -> None:
    with suppress(Exception):
        close()
