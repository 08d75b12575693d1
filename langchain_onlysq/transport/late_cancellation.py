"""Cancellation of a request over httpx, at a moment at which its pool can bear it.

A task that is cancelled at a mere pause of httpcore's, or when what it waits for is there already,
leaves a connection in the pool that is never used again, and never expires. Then the cancellation
comes at the next wait instead. httpx2 needs none of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from langchain_onlysq.settings.http_library import library_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator


def sending(client: Any, request: Any) -> Any:
    """Return what sends a request, once it is awaited."""
    coroutine = client.send(request, stream=True, follow_redirects=False)
    return _CancelledAtWaits(coroutine) if library_of(client).__name__ == "httpx" else coroutine


class _CancelledAtWaits:
    """Awaits a coroutine; a cancellation where it does not wait comes at its next wait."""

    def __init__(self, sending: Coroutine[Any, Any, Any]) -> None:
        self._sending = sending

    def __await__(self) -> Generator[Any, Any, Any]:
        proceed, value = self._sending.send, None
        late: asyncio.CancelledError | None = None
        try:
            while True:
                # A future, or None for a pause.
                waits_for = proceed(value)
                if late and waits_for is not None and waits_for.cancel():
                    late = None
                try:
                    proceed, value = self._sending.send, (yield waits_for)
                except BaseException as error:  # noqa: BLE001 - all that a task throws is passed on
                    proceed, value = self._sending.throw, error
                    if isinstance(error, asyncio.CancelledError) and not _waits(waits_for):
                        proceed, value, late = self._sending.send, None, error
        except StopIteration as end:
            if late is None:
                return end.value
            yield from asyncio.shield(end.value.aclose()).__await__()
            raise late from None
        finally:
            # An error and its frame would keep each other.
            value = late = None
            self._sending.close()


def _waits(future: Any) -> bool:
    return future is not None and (future.cancelled() or not future.done())
