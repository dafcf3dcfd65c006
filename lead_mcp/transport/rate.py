"""How often an account's vendor may be asked.

A slot is taken when a request leaves and is free again one window after its *reply*: the vendor counts arrivals by its own
clock, and an arrival lies somewhere between the two. Counted so, our window always contains the vendor's.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.strategies import MovingWindowRateLimiter

AT_ONCE: Final = 4
"""Requests under way at once where the vendor has no documented limit."""
MARGIN: Final = 0.02


@dataclass
class RateLimit:
    """``calls`` in any ``seconds``, or (``calls`` 0) only so many at once."""

    calls: int = 0
    seconds: float = 1.0
    name: str = "account"
    in_flight: int = 0
    changed: anyio.Event = field(default_factory=anyio.Event)
    _limiter: MovingWindowRateLimiter | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, hold it while the request is under way, and give it back a window after the reply."""
        await self._wait()
        self.in_flight += 1
        try:
            yield
        finally:
            # it counts as used before it stops counting as under way: never as neither
            with anyio.CancelScope(shield=True):
                await self._used()
            self.in_flight -= 1
            self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()

    async def _wait(self) -> None:
        while (pause := await self._pause()) is not None:
            with anyio.move_on_after(pause):
                await self.changed.wait()

    async def _pause(self) -> float | None:
        """Seconds to wait before looking again; None where a slot is free."""
        if self.in_flight >= (self.calls or AT_ONCE):
            return 60.0
        if not self.calls:
            return None
        limiter, item = self._tools()
        stats = await limiter.get_window_stats(item, self.name)
        if stats.remaining > self.in_flight:
            return None
        return max(0.005, stats.reset_time - time.time()) + MARGIN

    async def _used(self) -> None:
        if self.calls:
            limiter, item = self._tools()
            await limiter.hit(item, self.name)

    def _tools(self) -> tuple[MovingWindowRateLimiter, RateLimitItem]:
        from limits import RateLimitItemPerSecond
        from limits.aio.storage import MemoryStorage
        from limits.aio.strategies import MovingWindowRateLimiter

        if self._limiter is None:
            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        return self._limiter, RateLimitItemPerSecond(self.calls, max(1, int(-(-self.seconds // 1))))
