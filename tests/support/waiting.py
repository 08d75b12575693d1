"""Waits for what another thread does."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 10.0


def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, and fail when it does not within the limit."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()
