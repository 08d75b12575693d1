"""Several threads at once, and a lock in whose middle the garbage collector runs."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG = 300.0
"""Seconds after which something counts as hanging: nobody waits for them where all is well."""


def in_threads(work: Callable[[], object], threads: int = 8) -> None:
    """Do something in some threads, which may hang: that is an error."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    running = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(LONG)
        assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


@contextmanager
def collecting_everywhere() -> Iterator[None]:
    """Have the garbage collector run at every allocation."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class CollectsInside:
    """A lock in whose middle the garbage collector runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entered = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self.entered += 1
        gc.collect()

    def __exit__(self, *args: object) -> None:
        self._lock.release()
