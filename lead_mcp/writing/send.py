"""A claimed write to its end: looked at again, on record as about to leave, sent once, its outcome on record first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import anyio.lowlevel

from lead_mcp.errors import LeadMcpError, MalformedReply, NotAllowed, TimedOut, TooLarge, Unavailable
from lead_mcp.journal.entries import ClaimLost, State, Write, digest_of
from lead_mcp.uris import lead_uri
from lead_mcp.vendors.spec.writing import WriteResult
from lead_mcp.writing.advice import not_yet, unknown
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.confirm import Agreed
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.leases import in_thread, shielded, while_held
from lead_mcp.writing.outcome import DONE, Action, Outcome, OutcomeKind, Tool
from lead_mcp.writing.prepared import Intent, PreparedWrite, prepare
from lead_mcp.writing.readback import read_back
from lead_mcp.writing.settle import Settling
from lead_mcp.writing.vendor_time import NOTHING_SENT

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

MAY_HAVE_HAPPENED: Final = (Unavailable, TimedOut, MalformedReply, TooLarge)
"""Failures after which the vendor may or may not have done it, unless the request never left."""

PURGED: Final = "its values have been purged"


@dataclass(frozen=True)
class Sending:
    """Sends claimed writes. ``on_point`` is called with each point passed: tests kill the process there.

    ``approved_by``: who has said yes, in the words of an outcome; "" where nobody is known to.
    """

    journal: Journal
    context: WriteContext
    approved_by: str = ""
    on_point: Callable[[str], None] = lambda point: None

    async def finish(self, intent: Intent, call: WriteCall, write: Write, agreed: Agreed | None) -> Outcome:
        """The outcome of a write that is ours. A refusal before sending gives the key back.

        Raises ClaimLost where another process took it over before anything left, and LeadMcpError.
        """
        try:
            return await while_held(self.journal, write, lambda: self._finished(intent, call, write, agreed))
        finally:
            self.journal.let_go(write)

    async def _finished(self, intent: Intent, call: WriteCall, write: Write, agreed: Agreed | None) -> Outcome:
        self.on_point("intended")
        try:
            prepared = await prepare(intent, self.context, token_of(write))
            prepared.check()
            if agreed is not None:
                agreed.check(prepared)
            if prepared.verdict is None:
                self.context.time.check_to_send(write.account)
                write = await self._about_to_send(call, write, prepared)
        except ClaimLost:
            raise
        except BaseException as error:
            why = {"why": getattr(error, "message", type(error).__name__)}
            await shielded(lambda: self._withdrawn(write, why))
            raise
        if prepared.verdict is not None:
            outcome = replace(prepared.without_request(), journal_id=write.id)
            await in_thread(self.journal.step, write, State.REFUSED, outcome.record(), keep_key=False)
            return outcome
        return await shielded(lambda: self._sent(intent, write, prepared))  # who hangs up does not make it unknown

    async def _about_to_send(self, call: WriteCall, write: Write, prepared: PreparedWrite) -> Write:
        """The write as ``sending``; whoever is cancelled before that is on record sends nothing."""
        sending = await in_thread(self.journal.step, write, State.SENDING, intended(call, prepared))
        await anyio.lowlevel.checkpoint_if_cancelled()
        self.on_point("sending")
        return sending

    async def _withdrawn(self, write: Write, why: Mapping[str, Any]) -> None:
        """Nothing has left: the journal says so, if it can, from whichever step it has come to."""
        with suppress(ClaimLost, NotAllowed):
            now = await in_thread(self.journal.get, write.id)
            if now is not None and (now.owner, now.fence) == (write.owner, write.fence):
                await in_thread(self.journal.step, now, State.REFUSED, why, keep_key=False)

    # --- sent ---

    async def _sent(self, intent: Intent, write: Write, prepared: PreparedWrite) -> Outcome:
        try:
            result = await self._exchange(prepared)
        except LeadMcpError as error:
            raise await self._failed(write, error) from error
        except Exception as error:  # whatever it was, the request may have left
            raise await self._failed(write, Unavailable(f"sending failed ({type(error).__name__}).")) from error
        self.on_point("answered")
        outcome = replace(_outcome(write, prepared, result), approved_by=self.approved_by or None)
        if result.accepted and outcome.uri is None:
            outcome = await self._looked_for(intent, write, outcome)
        if prepared.action is Action.UPDATE or write.tool == Tool.INSERT_LEAD:  # of a batch's inserts nobody sees it
            outcome = await read_back(prepared, outcome, self.context)
        recorded = await self._recorded(write, outcome)
        self.on_point("done")
        return recorded

    async def _looked_for(self, intent: Intent, write: Write, outcome: Outcome) -> Outcome:
        """The outcome of a write that the vendor has taken and not done yet: only what is found there is created."""
        uri = await Settling(self.journal, self.context).awaited(intent, write)
        if uri is not None:
            return replace(outcome, uri=uri)
        self.on_point("accepted")
        return replace(outcome, kind=OutcomeKind.PENDING, warnings=(*outcome.warnings, not_yet(self.journal, write)))

    async def _exchange(self, prepared: PreparedWrite) -> WriteResult:
        if prepared.request is None or prepared.read is None:
            raise AssertionError("a prepared write without a verdict has a request")
        name, gone = prepared.connection.name, list[bool]()
        try:
            with self.context.time.counted(name):
                return await prepared.connection.outbound.fetch(
                    prepared.request, prepared.read, lambda: gone.append(True)
                )
        except TimedOut:
            if gone:
                raise
            raise self.context.time.late(name, NOTHING_SENT) from None  # it waited here, for the account's rate

    async def _failed(self, write: Write, error: LeadMcpError) -> LeadMcpError:
        """The journal knows how it failed, if it can be written still; what to raise."""
        if isinstance(error, MAY_HAVE_HAPPENED) and error.sent:
            with suppress(NotAllowed, ClaimLost):
                await in_thread(self.journal.step, write, State.UNKNOWN, {"why": error.message})
            return unknown(self.journal, write, error.message)
        why = {"why": error.message, "code": error.code, "vendor_code": error.vendor_code}
        with suppress(NotAllowed, ClaimLost):
            await in_thread(self.journal.step, write, State.REFUSED, why, keep_key=False)
        return error

    async def _recorded(self, write: Write, outcome: Outcome) -> Outcome:
        """The outcome on disk. Raises UnknownOutcome where it cannot be put there: then nobody may rely on it."""
        where = f" ({outcome.uri})" if outcome.uri else ""
        try:
            await in_thread(self.journal.step, write, _state_of(outcome), outcome.record(), uri=outcome.uri)
        except NotAllowed:
            raise unknown(
                self.journal, write, f"the vendor said yes{where}, but the journal cannot be written any more."
            ) from None
        except ClaimLost:
            return await self._recorded_late(write, outcome, where)
        return outcome

    async def _recorded_late(self, write: Write, outcome: Outcome, where: str) -> Outcome:
        """The outcome of a write that another process has taken for abandoned and has not settled otherwise."""
        why = f"the vendor said yes{where}, but another process has taken the write over."
        with suppress(NotAllowed):
            now = await in_thread(self.journal.get, write.id)
            if now is not None and now.replayed:
                return replayed(now)
            if now is not None and now.state is State.UNKNOWN:
                record, uri = outcome.record(), outcome.uri
                if await in_thread(self.journal.take_over, now, _state_of(outcome), record, uri=uri):
                    return outcome
        raise unknown(self.journal, write, why)


def intended(call: WriteCall, prepared: PreparedWrite) -> dict[str, Any]:
    """What the journal keeps of a write about to be: enough to carry it out, to look for it and to undo it."""
    return {
        "tool": str(call.tool),
        "arguments": call.recorded(prepared.connection),
        "action": str(prepared.action),
        "request": prepared.redacted_request(),
        "before": prepared.before,
        "after": prepared.after,
        "known": prepared.known,
    }


def token_of(write: Write) -> str:
    """Forty hex digits that are the same for every try of one write."""
    return digest_of(["token", write.id])[:40]


def _outcome(write: Write, prepared: PreparedWrite, result: WriteResult) -> Outcome:
    uri = prepared.uri or (lead_uri(prepared.connection.name, result.id) if result.id else None)
    kind = OutcomeKind.UPDATED if result.updated and prepared.uri is None else DONE[prepared.action]
    warnings = (*prepared.warnings, *result.warnings)
    return Outcome(
        kind,
        uri,
        prepared.before,
        sent=prepared.after,
        request=prepared.redacted_request(),
        journal_id=write.id,
        warnings=warnings,
        checked=prepared.checked,
    )


def _state_of(outcome: Outcome) -> State:
    return State.ACCEPTED if outcome.kind is OutcomeKind.PENDING else State.DONE


def replayed(write: Write) -> Outcome:
    """What an ended write became, as the journal has it."""
    if write.outcome is not None:
        return Outcome.of_record(write.outcome, write.id)
    return Outcome(DONE[Tool(write.tool).action], write.uri, journal_id=write.id, warnings=(PURGED,))
