"""Whose a write is: what is known under its key, who works on it, and making it ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import Conflict, Pending, TimedOut
from lead_mcp.journal.entries import State, Write
from lead_mcp.writing.advice import waits
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.leases import in_thread
from lead_mcp.writing.vendor_time import VendorTime

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

LOOK_AGAIN: Final = 0.05
GRACE: Final = 1.0
"""Seconds beyond its own time that a call waits for another with the same key, whose time may end with it."""


@dataclass(frozen=True)
class Claims:
    """The writes of one journal. ``time``: what vendors may take over the call; to wait for another call takes of it too."""

    journal: Journal
    time: VendorTime

    async def find(self, account: str, call: WriteCall) -> Write | None:
        """The write that has this key. Raises Conflict where the key was used for something else."""
        if call.key is None:
            return None
        write = await in_thread(self.journal.find, account, str(call.tool), call.principal, call.key)
        if write is not None:
            check_same(write, call)
        return write

    async def waited_for(self, write: Write) -> Write:
        """The write once nobody works on it any more. Raises TimedOut where somebody does so for too long."""
        try:
            with self.time.counted(write.account, grace=GRACE):
                while await in_thread(self.journal.is_worked_on, write):
                    await anyio.sleep(LOOK_AGAIN)
                    write = await self._now(write)
                return await self._now(write)
        except TimedOut:
            message = f"Another call still works on the write {write.id}. Repeat this call with the same key later."
            raise TimedOut(message, account=write.account, sent=False) from None

    async def _now(self, write: Write) -> Write:
        found = await in_thread(self.journal.get, write.id)
        return write if found is None else found

    async def put_by(self, account: str, call: WriteCall, values: Mapping[str, Any]) -> Pending:
        """The write stored until somebody approves it, as the refusal that says so."""
        new = call.entry(account)
        waiting = await in_thread(self.journal.pending, new)
        if waiting is not None:
            return waits(self.journal, waiting)
        stored, _ = await in_thread(self.journal.begin, new, State.PENDING, values)
        check_same(stored, call)
        return waits(self.journal, stored)

    async def begin(self, connection: Connection, call: WriteCall) -> Write | None:
        """The write, new and ours; None where another call has begun one with its key."""
        values = {"tool": str(call.tool), "arguments": call.recorded(connection)}
        write, new = await in_thread(self.journal.begin, call.entry(connection.name), State.INTENDED, values)
        return write if new else None

    async def take_over(self, write: Write) -> Write | None:
        """A write that nobody works on, ours; None where another call was faster."""
        values = {"taken_over_from": str(write.state)}
        return await in_thread(self.journal.take_over, write, State.INTENDED, values)


def check_same(write: Write, call: WriteCall) -> None:
    """Raises Conflict where a key's write is not this call's."""
    if write.arguments != call.digest:
        message = f"idempotency_key: {call.key!r} was used for another {call.tool} ({write.id}). Use a new key."
        raise Conflict(message, account=write.account)
