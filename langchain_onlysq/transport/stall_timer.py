"""How long an answer has been silent."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from langchain_onlysq.errors.classify import stalled
from langchain_onlysq.transport.flow import Read

if TYPE_CHECKING:
    from langchain_onlysq.settings.call_options import (
        TimeoutTuple,
    )

_READ = Read()


class StallTimer:
    """Adds up the time spent waiting since something was heard last.

    Where a whole answer was asked for, the silence begins with the body, since it may take long to
    write; so heartbeats without an answer come to an end there, too.

    Attributes:
        streams: Whether the answer is to arrive piece by piece.
    """

    __slots__ = ("_first_read", "_limit", "_model", "_silent", "_started", "streams")

    def __init__(self, limit: float | None, model: str | None = None, *, streams: bool) -> None:
        """Begin before the request.

        Args:
            limit: Longest silence in seconds; None = no limit.
            model: Model id, for the error.
            streams: Whether the answer is to arrive piece by piece.
        """
        self.streams = streams
        self._limit = limit
        self._model = model
        self._first_read = _READ if limit is None else Read(limit)
        self._silent = 0.0
        self._started = 0.0

    def bound(self, timeouts: TimeoutTuple) -> tuple[TimeoutTuple, bool]:
        """Return the four timeouts, and whether the one for reading is the stall timeout."""
        connect, read, write, pool = timeouts
        if not self.streams or self._limit is None or (read is not None and read <= self._limit):
            return (connect, read, write, pool), False
        return (connect, self._limit, write, pool), True

    def start(self) -> None:
        """Start to wait."""
        self._started = monotonic()

    def read(self) -> Read:
        """Start to wait for the next bytes.

        Returns:
            The read, with a limit of its own: the read timeout begins anew with every byte.
        """
        self._started = monotonic()
        if self._limit is None or not self._silent:
            return self._first_read
        return Read(max(self._limit - self._silent, 0.001))

    def stop(self, *, heard: bool) -> None:
        """End a wait; where something was heard, the silence ends with it.

        Raises:
            OnlySqTimeoutError: If the silence is too long by now.
        """
        if heard:
            self._silent = 0.0
            return
        self._silent += monotonic() - self._started
        if self._limit is not None and self._silent >= self._limit:
            raise stalled(self._limit, self._model, streams=self.streams)
