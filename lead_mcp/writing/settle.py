"""A write whose answer was lost: the vendor is looked at, and only proof settles it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lead_mcp.errors import NotAllowed, UnknownOutcome
from lead_mcp.journal.entries import State, Write
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.leases import in_thread
from lead_mcp.writing.outcome import DONE, INSERTING, Action, Outcome, Tool
from lead_mcp.writing.prepared import Intent, Sent

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

BY_LOOKING: Final = "settled by looking at the vendor"


@dataclass(frozen=True)
class Settling:
    """Looks at vendors for what unknown writes have done."""

    journal: Journal
    context: WriteContext

    async def settled(self, intent: Intent, write: Write) -> Outcome | None:
        """What it has become, on record; None where another call has moved it on just now, or it may be sent again.

        Raises UnknownOutcome where looking proves nothing.
        """
        uri = await intent.settle(self.context, await self._sent(write))
        if uri is not None and not await self._is_of_another(write, uri):
            return await self._proved(write, uri)
        if may_be_sent_again(intent, write):
            return None
        if write.state is State.SENDING:
            why = {"why": "the process ended while sending"}
            taken = await in_thread(self.journal.take_over, write, State.UNKNOWN, why)
            if taken is None:
                return None
        raise unknown(write)

    async def _sent(self, write: Write) -> Sent:
        """What its last ``sending`` step says of the request."""
        story = await in_thread(self.journal.story, write.id)
        values = [event.values for event in story if event.state is State.SENDING and event.values]
        known = values[-1].get("known") if values else None
        return Sent(tuple(known) if isinstance(known, list) else None)

    async def _is_of_another(self, write: Write, uri: str) -> bool:
        """Whether another insert is known to have made this lead."""
        if write.tool not in INSERTING:
            return False
        return await in_thread(self.journal.is_of_another, write, uri, INSERTING)

    async def _proved(self, write: Write, uri: str) -> Outcome | None:
        outcome = Outcome(DONE[Tool(write.tool).action], uri, journal_id=write.id, warnings=(BY_LOOKING,))
        try:
            taken = await in_thread(self.journal.take_over, write, State.DONE, outcome.record(), uri=uri)
        except NotAllowed:
            raise unknown(write, f"the lead is there ({uri}), but the journal cannot be written.") from None
        return outcome if taken else None


def may_be_sent_again(intent: Intent, write: Write) -> bool:
    """Whether the vendor makes one lead of both requests."""
    insert = intent.connection.vendor.insert
    return Tool(write.tool).action is Action.INSERT and insert is not None and insert.dedupes


def unknown(write: Write, why: str = "") -> UnknownOutcome:
    """The error of a write that may or may not have happened, with the way to settle it."""
    way = (
        f"Repeat the call with the same idempotency_key to look at the vendor and settle it, or look yourself and say "
        f"`lead-mcp journal resolve {write.id}`."
        if write.key
        else f"Look for the lead first; then say `lead-mcp journal resolve {write.id}`. Do not just repeat the call."
    )
    message = (
        f"The write {write.id} may or may not have happened{f': {why}' if why else ''} It is not sent again. {way}"
    )
    return UnknownOutcome(message, account=write.account)
