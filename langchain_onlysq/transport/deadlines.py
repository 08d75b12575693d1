"""Limits on a whole wait: a read timeout begins anew with every byte that comes.

A server that sends interim answers, or the head of an answer byte by byte, would be waited for
without end. So a connection looks at the deadline of the thread that reads from it: no other thread
is needed, and nothing is done to a connection that several calls share. A task has a watch.
"""

from __future__ import annotations

import asyncio
import math
import threading
from contextlib import suppress
from time import monotonic
from typing import Any


class DeadlineError(BaseException):
    """The thread's deadline has passed.

    Not an `Exception`, which HTTP/2 takes for the end of the connection, and of all calls on it.
    """


class _Deadline(threading.local):
    at = math.inf


_deadline = _Deadline()


def set_deadline(seconds: float | None) -> None:
    """Let this thread read for so many seconds from now on; None for as long as it takes."""
    _deadline.at = math.inf if seconds is None else monotonic() + seconds


def keep_deadlines(stream: Any) -> None:
    """Have a connection look at the deadline of whoever reads from it.

    Args:
        stream: The network stream of the HTTP library, or of a caller's own transport.
    """
    read = getattr(stream, "read", None)
    if read is not None and not isinstance(read, _BoundedRead):
        with suppress(AttributeError):
            stream.read = _BoundedRead(read)


class _BoundedRead:
    """The `read` of a network stream, which ends at the deadline."""

    __slots__ = ("_read",)

    def __init__(self, read: Any) -> None:
        self._read = read

    def __call__(self, max_bytes: int, timeout: float | None = None) -> Any:
        left = _deadline.at - monotonic()
        if left == math.inf or (timeout is not None and timeout < left):
            return self._read(max_bytes, timeout)
        if left <= 0:
            raise DeadlineError
        try:
            return self._read(max_bytes, left)
        except Exception as error:
            if type(error).__name__ != "ReadTimeout":
                raise
            raise DeadlineError from None


class Watch:
    """Ends the waits of a task that take too long.

    What `asyncio.timeout` does, for one wait after another: a timer for each of the thousands of
    reads of a stream would cost more than reading.
    """

    __slots__ = ("_cancelling", "_expired", "_loop", "_task", "_timer", "_timer_at", "_until")

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._timer_at = self._until = math.inf
        self._cancelling = 0
        self._expired = False

    def start(self, seconds: float | None) -> None:
        """Let the running task wait for so many seconds from now on; None for ever."""
        if seconds is None:
            self.stop()
            return
        loop = self._loop = self._loop or asyncio.get_running_loop()
        self._task = task = asyncio.current_task(loop)
        self._cancelling = task.cancelling() if task else 0
        self._expired = False
        self._until = until = loop.time() + seconds
        if self._timer is None or self._timer_at > until:
            self.close()
            self._timer_at = until
            self._timer = loop.call_at(until, self._look)

    def stop(self) -> None:
        """End the wait."""
        self._task, self._until = None, math.inf

    def expired(self) -> bool:
        """Tell of a cancellation whether it is the watch's own; ask once."""
        expired, self._expired = self._expired, False
        return expired and (not self._task or self._task.uncancel() <= self._cancelling)

    def close(self) -> None:
        """Let go of the event loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._task is None or self._loop is None:
            return
        if self._loop.time() < self._until:
            self._timer_at = self._until
            self._timer = self._loop.call_at(self._until, self._look)
        else:
            self._expired = True
            self._task.cancel()
