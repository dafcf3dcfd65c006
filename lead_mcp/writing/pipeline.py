"""One intent, from the call to its end: asked about, claimed, sent once, recorded, settled.

Every write passes the same gates in the same order. (1) A key that is known answers without doing anything. (2) In
``confirm``, a person is asked, or the write waits for one. (3) The journal is claimed: from here on a parallel call with
the same key waits for this one. (4) Everything is looked at again; what changed since the question is a conflict. (5) The
journal says ``sending``, then the request leaves, once. (6) The outcome is on disk before anybody hears of it.
A lost answer leaves ``unknown``: the next call with that key looks at the vendor and settles it, or says that it cannot.
A vendor that has only taken the write leaves ``accepted``: it is looked for, now and by the next call with that key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lead_mcp.errors import Conflict
from lead_mcp.journal.entries import ClaimLost, State, Write
from lead_mcp.writing.advice import not_yet, unknown, waits
from lead_mcp.writing.call import PREVIEWED, WriteCall
from lead_mcp.writing.claim import Claims
from lead_mcp.writing.confirm import Agreed, CannotAsk, ConfirmCallback, nobody
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.outcome import Outcome, OutcomeKind
from lead_mcp.writing.prepared import Intent, prepare
from lead_mcp.writing.send import Sending, intended, replayed
from lead_mcp.writing.settle import Settling, may_be_sent_again

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

DECLINED = Outcome(OutcomeKind.DECLINED, warnings=("a person said no; nothing was sent",))


@dataclass
class WritePipeline:
    """Carries writes out. ``mode``: ``confirm`` or ``allow``. ``on_point`` is called with each point passed: tests kill there.

    ``confirmed``: by the digest of a call's arguments, what a person has just said yes to. ``approved_by``: as in ``Sending``.
    """

    journal: Journal
    context: WriteContext
    mode: str
    confirm: ConfirmCallback | None = None
    confirmed: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    on_point: Callable[[str], None] = lambda point: None
    approved_by: str = ""

    @property
    def claims(self) -> Claims:
        return Claims(self.journal, self.context.time)

    async def run(self, intent: Intent, call: WriteCall, agreed: Agreed | None = None) -> Outcome:
        """The write's outcome. Raises LeadMcpError; nothing was sent unless it is UnknownOutcome or the vendor's refusal."""
        while True:
            known = await self.known(intent, call)
            if isinstance(known, Outcome):
                return known
            if agreed is None and self.mode == "confirm":
                answer = await self._answer(intent, call)
                if isinstance(answer, Outcome):
                    return answer
                agreed = answer
            self.on_point("before claim")
            write = await (self.claims.take_over(known) if known else self.claims.begin(intent.connection, call))
            if write is None:
                continue  # another call was faster: its write is known now
            try:
                return await self.finish(intent, call, write, agreed)
            except ClaimLost:  # to another process, before anything left; with a key, look what that one has made of it
                if call.key is None:
                    return await self._of_another(write)

    async def preview(self, intent: Intent) -> Outcome:
        """What would be sent, and what stands in the way."""
        prepared = await prepare(intent, self.context, PREVIEWED)
        request, warnings = prepared.redacted_request() or None, prepared.warnings
        warnings = (*warnings, *([prepared.refusal.message] if prepared.refusal else []))
        before, after, checked = prepared.before, prepared.after, prepared.checked
        return Outcome(OutcomeKind.PREVIEW, prepared.uri, before, after, None, request, None, warnings, checked)

    async def finish(self, intent: Intent, call: WriteCall, write: Write, agreed: Agreed | None) -> Outcome:
        """The outcome of a write that is ours. Raises ClaimLost where another process took it before anything left."""
        return await Sending(self.journal, self.context, self.approved_by, self.on_point).finish(
            intent, call, write, agreed
        )

    async def known(self, intent: Intent, call: WriteCall) -> Outcome | Write | None:
        """The outcome of a write with this key; or such a write that may be carried out now; or None."""
        while (write := await self.claims.find(intent.connection.name, call)) is not None:
            write = await self.claims.waited_for(write)
            if write.replayed:
                return replayed(write)
            if write.state is State.PENDING:
                raise waits(self.journal, write)
            if write.state is State.INTENDED:
                return write  # whoever meant it died before sending
            if write.state not in (State.SENDING, State.UNKNOWN, State.ACCEPTED):
                return None  # it has just given its key up
            outcome = await Settling(self.journal, self.context).settled(intent, write)
            if outcome is not None:
                return outcome
            if write.state is not State.ACCEPTED and may_be_sent_again(intent, write):
                return write
        return None

    async def _answer(self, intent: Intent, call: WriteCall) -> Agreed | Outcome:
        """What a person agreed to; or an outcome that needs nobody's word. Raises Pending where nobody can be asked."""
        if call.digest in self.confirmed:
            return Agreed(self.confirmed[call.digest][0])
        prepared = await prepare(intent, self.context, PREVIEWED)
        prepared.check()
        if prepared.verdict is not None:
            return prepared.without_request()
        try:
            agreed = await (self.confirm or nobody)(prepared, [prepared.digest()])
        except CannotAsk:
            raise await self.claims.put_by(intent.connection.name, call, intended(call, prepared)) from None
        if agreed:
            return Agreed(prepared.digest())
        return Outcome(OutcomeKind.DECLINED, prepared.uri, warnings=DECLINED.warnings)

    async def _of_another(self, write: Write) -> Outcome:
        """What became of a write that another process took over."""
        now = await self.claims.waited_for(write)
        if now.replayed:
            return replayed(now)
        if now.state is State.ACCEPTED:
            return Outcome(OutcomeKind.PENDING, journal_id=now.id, warnings=(not_yet(self.journal, now),))
        if now.state in (State.SENDING, State.UNKNOWN):
            raise unknown(self.journal, now)
        message = f"{write.id} was taken over by another process, where it is {now.state}; nothing was sent from here."
        raise Conflict(message, account=write.account)
