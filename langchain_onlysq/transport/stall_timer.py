"""How long a stream has been silent."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from langchain_onlysq.errors.classify import stalled
from langchain_onlysq.transport.flow import Read

if TYPE_CHECKING:
    from langchain_onlysq.settings.call_options import TimeoutTuple


_CLOSE_TO_STALL = 0.05


_READ = Read()


class StallTimer:
    """How long a stream has been silent: time spent waiting since the last event.

    Where a whole answer was asked for, the silence begins with the body, since it may take long to
    write; so heartbeats without an answer come to an end there, too.

    Attributes:
        streams: Whether the answer is to arrive piece by piece.
    """

    __slots__ = ("_began", "_close", "_limit", "_silent", "streams")

    def __init__(self, limit: float | None, *, streams: bool) -> None:
        """Start before the request, with a limit in seconds; None = none."""
        self.streams = streams
        self._limit = limit
        self._close = float("inf") if limit is None else limit * _CLOSE_TO_STALL
        self._silent = 0.0
        self._began = 0.0

    def bound(self, timeouts: TimeoutTuple) -> tuple[TimeoutTuple, bool]:
        """Return the four timeouts, and whether the one for reading is the stall timeout."""
        connect, read, write, pool = timeouts
        if not self.streams or self._limit is None or (read is not None and read <= self._limit):
            return (connect, read, write, pool), False
        return (connect, self._limit, write, pool), True

    def begin(self) -> None:
        """Begin to wait."""
        self._began = monotonic()

    def end(self) -> None:
        """End the wait, in which nothing was heard."""
        self._silent += monotonic() - self._began

    def read(self) -> Read:
        """Begin to wait for the next bytes.

        Returns:
            The read, with a limit of its own where the read timeout comes too late.
        """
        self._began = monotonic()
        if self._limit is None or self._silent < self._close:
            return _READ
        return Read(limit=max(self._limit - self._silent, 0.001))

    def broken(self) -> None:
        """End the wait, and the silence with it."""
        self._silent = 0.0

    def go_on(self, model: str | None) -> None:
        """End a wait in which nothing was heard.

        Raises:
            OnlySqTimeoutError: If the silence is too long by now.
        """
        self.end()
        if self._limit is not None and self._silent >= self._limit:
            raise stalled(self._limit, model)
