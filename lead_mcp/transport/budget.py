"""What a vendor says of its own limit, in every reply and before it is reached."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from lead_mcp.errors import RateLimited
from lead_mcp.vendors.spec.http import RateHint

SAME_WINDOW = 1.5
"""Seconds by which the end of one window may differ from hint to hint: it is told in whole seconds."""


@dataclass
class VendorBudget:
    """Calls ``left`` in the vendor's window that ``ends`` at that moment (monotonic seconds), as it last said."""

    left: int = 0
    ends: float = 0.0

    def heed(self, hint: RateHint, now: float) -> None:
        """Take in a hint. Replies overtake each other, so within one window the least that was said holds."""
        ends = now + hint.seconds
        known = now < self.ends and ends < self.ends + SAME_WINDOW
        self.left = min(self.left, hint.calls) if known else hint.calls
        self.ends = max(self.ends, ends) if known else ends

    def pause(self, in_flight: int, now: float) -> float | None:
        """Seconds until another call may leave; None: now. Calls under way count as not yet told of.

        Raises RateLimited where the deadline comes first and nothing under way could change that.
        """
        wait = self.ends - now
        if wait <= 0 or self.left > in_flight:
            return None
        if not in_flight and anyio.current_time() + wait > anyio.current_effective_deadline():
            message = (
                f"The vendor allows no more calls for {wait:.0f} s, as it said in its last answer. Try again then."
            )
            raise RateLimited(message, retry_after=wait, sent=False)
        return wait
