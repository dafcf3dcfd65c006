"""How long vendors may take over one call, whatever its steps are: the look, the sending, the reading back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import anyio

from lead_mcp.errors import TimedOut

TO_SEND: Final = 0.1
"""The share of the deadline that must be left for a request to be sent: one with less could hardly be answered."""
NOTHING_SENT: Final = "; nothing was sent."


@dataclass
class VendorTime:
    """The seconds of vendor work that one call may take, all steps together; what passes outside ``counted`` is free.

    Where a person is asked within a call, their answer is outside.
    """

    deadline: float
    spent: float = 0.0
    since: float | None = None
    """When the step under way began, by the event loop's clock."""

    @property
    def left(self) -> float:
        running = 0.0 if self.since is None else anyio.current_time() - self.since
        return max(0.0, self.deadline - self.spent - running)

    @property
    def is_up(self) -> bool:
        """Whether nothing more may be sent."""
        return self.left < TO_SEND * self.deadline

    @contextmanager
    def counted(self, account: str, most: float = math.inf, so: str = ".", grace: float = 0.0) -> Iterator[None]:
        """A step at that account, of ``most`` seconds. Raises TimedOut where it does not end in the time that is left.

        ``so``: what that means for the write, as the end of the error's sentence. ``grace``: seconds beyond that time.
        """
        self.since = begun = anyio.current_time()
        try:
            with anyio.fail_after(min(self.left + grace, most)):
                yield
        except TimeoutError:
            raise self.late(account, so) from None
        finally:
            self.spent, self.since = self.spent + anyio.current_time() - begun, None

    def check_to_send(self, account: str) -> None:
        """Raises TimedOut where too little is left to send something."""
        if self.is_up:
            raise self.late(account, NOTHING_SENT)

    def late(self, account: str, so: str) -> TimedOut:
        message = f"{account} took longer than the {self.deadline:g} s that one call may take (LEAD_MCP_DEADLINE){so}"
        return TimedOut(message, account=account, sent=so != NOTHING_SENT)
