"""A vendor that is down is left alone: after many failures in a row nothing is sent for a while, then one request tries.

A failure is no reply, or one that says the vendor is down (502, 503, 504). Any other reply shows that it is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from lead_mcp.errors import TimedOut, Unavailable

FAILURES: Final = 12
"""In a row: three reads, each with its repetitions."""
REST: Final = 15.0
"""Seconds of the first rest; each further one is twice as long."""
LONGEST_REST: Final = 120.0
DOWN: Final = frozenset({502, 503, 504})


class NotAsked(Unavailable):
    """Nothing was sent: the vendor was down a moment ago."""


@dataclass
class Breaker:
    """How one account's vendor has fared of late. Times are monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    rests: int = 0
    until: float = 0.0
    probing: bool = False

    @property
    def is_open(self) -> bool:
        return self.failures >= FAILURES

    @contextmanager
    def watched(self) -> Iterator[Callable[[int], None]]:
        """One request; it tells the status of its reply. Raises NotAsked where none may be sent now."""
        probe = self._enter()
        status: list[int] = []
        try:
            yield status.append
            if status and status[0] in DOWN:
                self._failed()
            else:
                self.failures = self.rests = 0
        except (Unavailable, TimedOut):
            self._failed()
            raise
        finally:
            if probe:
                self.probing = False

    def _enter(self) -> bool:
        """Whether this request is the one that tries."""
        if not self.is_open:
            return False
        wait = self.until - self.clock()
        if wait > 0 or self.probing:
            raise NotAsked(
                f"The vendor did not answer {self.failures} requests in a row, so it was not asked now. "
                f"It is asked again in {max(1, round(wait))} s.",
                retry_after=max(1.0, wait),
                sent=False,
            )
        self.probing = True
        return True

    def _failed(self) -> None:
        self.failures += 1
        if self.is_open:
            self.until = self.clock() + min(REST * 2**self.rests, LONGEST_REST)
            self.rests += 1
