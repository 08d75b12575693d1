"""The service's limit of requests per minute, for each key and model."""

from __future__ import annotations

from collections import defaultdict, deque
from time import monotonic
from typing import TYPE_CHECKING

from langchain_onlysq.testing.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_onlysq.testing.requests import Request


class Quota:
    """Counts the requests that were accepted in the last minute, and refuses those beyond.

    Args:
        limit: Requests per minute; None allows any number.
        minute: Seconds that a minute takes.
        clock: Tells the time, in seconds.
    """

    def __init__(
        self,
        limit: int | None,
        minute: float = 60.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limit = limit
        self._minute = minute
        self._clock = clock
        self._accepted: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def refusal(self, request: Request) -> Reply | None:
        """Count a chat request; return the refusal where it is beyond the limit."""
        if self._limit is None:
            return None
        model = str(request.json.get("model")) if isinstance(request.json, dict) else ""
        accepted = self._accepted[request.headers.get("authorization", ""), model]
        now = self._clock()
        while accepted and accepted[0] <= now - self._minute:
            accepted.popleft()
        if len(accepted) >= self._limit:
            return Reply.error(429, f"Too many requests: {self._limit} per minute for {model}.")
        accepted.append(now)
        return None
