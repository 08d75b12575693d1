"""A rate limiter that keeps count."""

from __future__ import annotations

from langchain_core.rate_limiters import InMemoryRateLimiter


class CountingLimiter(InMemoryRateLimiter):
    """Lets everything through, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(requests_per_second=1000)
        self.asked = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return super().acquire(blocking=blocking)

    async def aacquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return await super().aacquire(blocking=blocking)
