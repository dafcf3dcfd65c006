"""How often an account's vendor may be asked.

A slot is taken when a request leaves and is free again one window after its *reply*: the vendor counts arrivals by its own
clock, and an arrival lies somewhere between the two. Counted so, our window always contains the vendor's. Times are
monotonic seconds: setting the machine's clock changes nothing here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

from lead_mcp.transport.budget import VendorBudget
from lead_mcp.vendors.spec.http import RateHint

AT_ONCE: Final = 4
"""Requests under way at once where the vendor has no documented limit."""
MARGIN: Final = 0.02
"""Seconds that a slot stays taken beyond its window: timers are not exact."""
UNTIL_WOKEN: Final = 60.0
"""Seconds to wait where only a reply can free a slot; the reply wakes whoever waits."""


@dataclass
class RateLimit:
    """``calls`` in any ``seconds``, or (``calls`` 0) only ``AT_ONCE`` requests under way together.

    ``ended``: when the replies came whose slots are not free yet, oldest first.
    """

    calls: int = 0
    seconds: float = 1.0
    clock: Callable[[], float] = time.monotonic
    in_flight: int = 0
    budget: VendorBudget = field(default_factory=VendorBudget)
    """The vendor's own limit, where it tells it: it holds beside ours."""
    ended: deque[float] = field(default_factory=deque)
    _changed: anyio.Event | None = None
    """What those who wait are woken by, where there are any."""

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, hold it while the request is under way, and give it back a window after the reply."""
        while (pause := self.pause()) is not None:
            self._changed = self._changed or anyio.Event()
            with anyio.move_on_after(pause):
                await self._changed.wait()
        self.leave()
        try:
            yield
        finally:
            self.arrive()

    def pause(self) -> float | None:
        """Seconds after which to look again; None where a slot is free now."""
        now, (calls, seconds) = self.clock(), self.own()
        most = calls or AT_ONCE
        while self.ended and self.ended[0] + seconds + MARGIN <= now:
            self.ended.popleft()
        if self.in_flight >= most:
            return UNTIL_WOKEN
        if (wait := self.budget.pause(self.in_flight, now)) is not None:
            return wait + MARGIN
        if self.in_flight + len(self.ended) < most:
            return None
        return self.ended[0] + seconds + MARGIN - now

    def own(self) -> tuple[int, float]:
        """The calls that this process may make in any so many seconds."""
        return self.calls, self.seconds

    def heed(self, hint: RateHint) -> None:
        """What the vendor says of its own limit."""
        self.budget.heed(hint, self.clock())

    def leave(self) -> None:
        """A request leaves."""
        self.in_flight += 1

    def arrive(self) -> None:
        """Its reply is here, or it failed: where calls are counted, its slot stays taken for one window more."""
        self.in_flight -= 1
        if self.calls:
            self.ended.append(self.clock())
        event, self._changed = self._changed, None
        if event is not None:
            event.set()
