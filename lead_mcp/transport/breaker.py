"""A vendor that is down is left alone: after many failures in a row nothing is sent for a while, then one request tries.

A failure is no reply, or one that says the vendor is down (502, 503, 504). Any other reply shows that it is there. A caller
that goes away says nothing of the vendor; one whose own deadline cuts a request off that got no reply has met a hang.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

from lead_mcp.errors import TimedOut, Unavailable

FAILURES: Final = 12
"""In a row: three reads, each with its repetitions."""
HANG: Final = 4
"""Failures that a hang counts for: it is not repeated, since it takes a read's whole time."""
REST: Final = 15.0
"""Seconds of the first rest; each further one is twice as long."""
LONGEST_REST: Final = 120.0
PATIENCE: Final = 5.0
"""Seconds without a reply after which a request that is cut off was a hang, not a call that came too late to be answered."""
DOWN: Final = frozenset({502, 503, 504})


class NotAsked(Unavailable):
    """Nothing was sent: the vendor was down a moment ago."""


@dataclass
class WatchedRequest:
    """One request, from the moment at which it leaves (by the event loop's clock).

    ``probe``: the name under which it tries a vendor that is down, or "". ``status``: of its reply.
    """

    breaker: Breaker
    probe: str
    deadline: float = field(default_factory=anyio.current_effective_deadline)
    left_at: float = math.inf
    status: int | None = None

    def leaves(self) -> None:
        """Raises NotAsked where its vendor was found to be down while it waited for its turn."""
        if self.breaker.is_open and not self.probe:
            raise self.breaker.not_asked()
        self.left_at = anyio.current_time()

    def replied(self, status: int) -> None:
        self.status = status

    @property
    def seconds(self) -> float:
        """For how long it has been under way."""
        return max(0.0, anyio.current_time() - self.left_at)

    @property
    def weight(self) -> int | None:
        """How many failures its end counts for: 0 for a vendor that is there, None where it says nothing."""
        if self.status is None:
            return None
        return 1 if self.status in DOWN else 0

    @property
    def cut_off_weight(self) -> int | None:
        """The same, where it was cancelled."""
        by_deadline = anyio.current_time() >= self.deadline
        return HANG if by_deadline and self.seconds >= self.breaker.patience else None


@dataclass
class Breaker:
    """How one account's vendor has fared of late. Times are monotonic seconds.

    ``patience``: seconds without a reply that make a hang. Requests that hang together are one hang; ``hung``: when the last
    one was met, by the event loop's clock.
    """

    clock: Callable[[], float] = time.monotonic
    patience: float = PATIENCE
    failures: int = 0
    rests: int = 0
    until: float = 0.0
    hung: float = -math.inf
    probing: bool = False

    @property
    def is_open(self) -> bool:
        return self.failures >= FAILURES

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[WatchedRequest]:
        """One request; it is told when it leaves, and its reply's status. Raises NotAsked where none may be sent now."""
        request = WatchedRequest(self, await self.enter())
        weight: int | None = None
        try:
            yield request
            weight = request.weight
        except TimedOut:
            weight = HANG
            raise
        except Unavailable as error:
            weight = None if isinstance(error, NotAsked) else 1
            raise
        except anyio.get_cancelled_exc_class():
            weight = request.cut_off_weight
            raise
        finally:
            await self.leave(request, weight)

    async def enter(self) -> str:
        """The name of the request where it is the one that tries, or "". Raises NotAsked."""
        if not self.is_open:
            return ""
        if self.until > self.clock() or self.probing:
            raise self.not_asked()
        self.probing = True
        return "here"

    async def leave(self, request: WatchedRequest, weight: int | None) -> None:
        """What a request's end tells of the vendor."""
        if request.probe:
            self.probing = False
        if weight == 0:
            self.failures = self.rests = 0
        elif weight:
            self._failed(weight, request)

    def _failed(self, weight: int, request: WatchedRequest) -> None:
        if weight == HANG:
            if request.left_at < self.hung:
                return
            self.hung = anyio.current_time()
        now = self.clock()
        self.failures += weight
        if self.is_open and now >= self.until:  # what was under way when the rest began does not prolong it
            self.until = now + min(REST * 2**self.rests, LONGEST_REST)
            self.rests += 1

    def not_asked(self) -> NotAsked:
        wait = max(1.0, self.until - self.clock())
        return NotAsked(
            "The vendor did not answer the last requests to it, so it was not asked now. "
            f"It is asked again in {round(wait)} s.",
            retry_after=wait,
            sent=False,
        )
