"""Being the replica that writes: the lease taken, renewed as long as work goes on, given back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread

from lead_mcp.errors import Conflict, LeadMcpError
from lead_mcp.mirror.lake.lease import Lease

if TYPE_CHECKING:
    from lead_mcp.mirror.lake.lake import Lake

RENEWALS: Final = 4
"""How often a lease is renewed before it would be over."""
PAUSE: Final = 0.5
"""Seconds after which a lease that another replica holds is looked at again."""
BUSY: Final = (
    "Another replica is writing the lake (a server that tops it up, or `lead-mcp mirror sync`). Try again later: one that has "
    "died holds it for 20 seconds at most."
)
LOST: Final = (
    "Another replica may write the lake by now: this one did not renew its lease in time. Nothing was changed."
)


@dataclass
class Turn:
    """The right to write, under the number ``fence``. ``erases``: what goes now must be in no file any more."""

    lease: Lease
    fence: int
    erases: bool = False
    _ended: Event = field(default_factory=Event)

    async def check(self) -> None:
        """Raises Conflict where it is another one's by now."""
        if not await to_thread.run_sync(self.lease.is_held, self.fence):
            raise Conflict(LOST)

    def renewing(self) -> None:
        """Renew it until the end, or until it is lost. In a thread of its own: what is done meanwhile may block."""
        while not self._ended.wait(self.lease.seconds / RENEWALS):
            with suppress(LeadMcpError):  # a database that is stuck just now may answer the next time
                if not self.lease.renew(self.fence):
                    return

    def end(self) -> None:
        self._ended.set()
        with suppress(LeadMcpError):  # then it ends by itself
            self.lease.release(self.fence)


@asynccontextmanager
async def writing_lake(lake: Lake, seconds: float = 0.0) -> AsyncIterator[Turn]:
    """Be the replica that writes, waiting for so long at most. Raises Conflict where another one is, Unavailable."""
    fence = await _taken(lake.lease, anyio.current_time() + seconds)
    turn = Turn(lake.lease, fence)
    Thread(target=turn.renewing, name="lead-mcp-lease", daemon=True).start()
    lake.turn = turn
    try:
        yield turn
    finally:
        lake.turn = None
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(turn.end)


async def _taken(lease: Lease, until: float) -> int:
    while (fence := await to_thread.run_sync(lease.take)) is None:
        if anyio.current_time() + PAUSE > until:
            raise Conflict(BUSY)
        await anyio.sleep(PAUSE)
    return fence
