"""A write whose answer was lost, or which the vendor has only taken: the vendor is looked at, and only proof settles it."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from lead_mcp.errors import LeadMcpError, NotAllowed, TimedOut
from lead_mcp.journal.entries import State, Write
from lead_mcp.writing.advice import not_yet, unknown
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.leases import in_thread
from lead_mcp.writing.outcome import DONE, INSERTING, Action, Outcome, OutcomeKind, Tool
from lead_mcp.writing.prepared import Intent, Sent

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

BY_LOOKING: Final = "settled by looking at the vendor"
PATIENCE: Final = 10.0
"""Seconds at most that an accepted lead is looked for before its call is answered."""
PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between two looks, the last for ever."""


@dataclass(frozen=True)
class Settling:
    """Looks at vendors for what unknown writes have done."""

    journal: Journal
    context: WriteContext

    async def settled(self, intent: Intent, write: Write) -> Outcome | None:
        """What it has become, on record; None where another call has moved it on just now, or it may be sent again.

        An accepted write that cannot be seen yet is pending. Raises UnknownOutcome where looking proves nothing.
        """
        try:
            with self.context.time.counted(write.account):
                uri = await self._found(intent, write)
        except TimedOut as error:
            return self._not_looked_at(write, error)
        if uri is not None:
            return await self._proved(write, uri)
        if write.state is State.ACCEPTED:
            return Outcome(OutcomeKind.PENDING, journal_id=write.id, warnings=(not_yet(self.journal, write),))
        if may_be_sent_again(intent, write):
            return None
        if write.state is State.SENDING:
            why = {"why": "the process ended while sending"}
            taken = await in_thread(self.journal.take_over, write, State.UNKNOWN, why)
            if taken is None:
                return None
        raise unknown(self.journal, write)

    def _not_looked_at(self, write: Write, error: TimedOut) -> Outcome:
        """What a write stays that could not be looked for in time. Raises UnknownOutcome."""
        if write.state is not State.ACCEPTED:
            raise unknown(self.journal, write, error.message)
        warnings = (not_yet(self.journal, write), error.message)
        return Outcome(OutcomeKind.PENDING, journal_id=write.id, warnings=warnings)

    async def awaited(self, intent: Intent, write: Write) -> str | None:
        """The URI of a lead that the vendor has taken, as soon as it is there; None after ``PATIENCE`` or in time.

        A vendor that cannot be looked at just now shows nothing.
        """
        with suppress(TimedOut), self.context.time.counted(write.account, PATIENCE):
            for nth in itertools.count():
                with suppress(LeadMcpError):
                    if (uri := await self._found(intent, write)) is not None:
                        return uri
                await anyio.sleep(PAUSES[min(nth, len(PAUSES) - 1)])
        return None

    async def _found(self, intent: Intent, write: Write) -> str | None:
        """The URI of the lead that proves it was done."""
        uri = await intent.settle(self.context, await self._sent(write))
        return None if uri is None or await self._is_of_another(write, uri) else uri

    async def _sent(self, write: Write) -> Sent:
        """What its last ``sending`` step says of the request."""
        events = await in_thread(self.journal.events, write.id)
        values = [event.values for event in events if event.state is State.SENDING and event.values]
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
            raise unknown(
                self.journal, write, f"the lead is there ({uri}), but the journal cannot be written."
            ) from None
        return outcome if taken else None


def may_be_sent_again(intent: Intent, write: Write) -> bool:
    """Whether the vendor makes one lead of both requests."""
    insert = intent.connection.vendor.insert
    return Tool(write.tool).action is Action.INSERT and insert is not None and insert.dedupes
