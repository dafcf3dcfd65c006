"""One intent, from the call to its end: asked, claimed, sent once, recorded, settled.

Every write passes the same gates in the same order. (1) A key that is known answers without doing anything. (2) In
``confirm``, a person is asked, or the write waits for one. (3) The journal is claimed: from here on a parallel call with
the same key waits for this one. (4) Everything is looked at again; what changed since the question is a conflict. (5) The
journal says ``sending``, then the request leaves, once. (6) The outcome is on disk before anybody hears of it.
A lost answer leaves ``unknown``: the next call with that key looks at the vendor and settles it, or says that it cannot.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.lookup import get_record
from lead_mcp.errors import (
    Conflict,
    LeadMcpError,
    MalformedReply,
    NotAllowed,
    TimedOut,
    TooLarge,
    Unavailable,
    UnknownOutcome,
)
from lead_mcp.filters import as_time, folded
from lead_mcp.journal.entries import Write, digest_of
from lead_mcp.outgoing.cleaning import cell, plain_value
from lead_mcp.outgoing.masking import shown
from lead_mcp.uris import lead_uri, parse_uri
from lead_mcp.vendors.spec.writing import WriteResult
from lead_mcp.writing.forms import secret_names
from lead_mcp.writing.intents import REDACTED, Intent, PreparedWrite, WriteContext

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

LOST: Final = (Unavailable, TimedOut, MalformedReply, TooLarge)
"""Failures after which the vendor may or may not have done it, unless the request never left."""
LOOK_AGAIN: Final = 0.05
WAITS: Final = 4
"""Deadlines that a call waits for another with the same key: to look, to send and to read back take one each."""
NO_QUESTION: Final = (
    "This client cannot ask you, so nothing was sent: LEAD_MCP_WRITES=confirm wants a person's yes. "
    "The write is stored; settle it in a terminal with `lead-mcp approve {id}`."
)


@dataclass(frozen=True)
class WriteCall:
    """Who wants what: the tool, its arguments (canonical JSON), the key, and who is asking."""

    tool: str
    arguments: Mapping[str, Any]
    key: str | None = None
    principal: str = "local"

    @property
    def digest(self) -> str:
        return digest_of(self.arguments)


@dataclass(frozen=True)
class Outcome:
    """What became of a write, in the contract's words."""

    outcome: str
    uri: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    request: Mapping[str, Any] | None = None
    journal_id: str | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        lead_id = parse_uri(self.uri, "lead").id if self.uri else None
        found = {
            "outcome": self.outcome,
            "uri": self.uri,
            "id": lead_id,
            "before": self.before,
            "after": self.after,
            "request": self.request,
            "journal_id": self.journal_id,
        }
        return {key: value for key, value in found.items() if value is not None} | {"warnings": list(self.warnings)}

    @staticmethod
    def from_dict(said: Mapping[str, Any], journal_id: str) -> Outcome:
        names = ("uri", "before", "after", "request")
        kept = {name: said.get(name) for name in names}
        return Outcome(str(said["outcome"]), **kept, journal_id=journal_id, warnings=tuple(said.get("warnings", ())))


ConfirmCallback = Callable[[str, str], Awaitable[bool]]
"""Puts a question to a person (message, digest of what is shown); raises what the era needs to get an answer."""


@dataclass
class WritePipeline:
    """Carries writes out. ``mode``: ``confirm`` or ``allow``. ``probe`` is told each point passed: tests kill there."""

    journal: Journal
    context: WriteContext
    mode: str
    confirm: ConfirmCallback | None = None
    confirmed: Mapping[str, str] = field(default_factory=dict)
    """Digest of arguments to digest of what a person has just said yes to."""
    clock: Callable[[], datetime] = datetime.now
    probe: Callable[[str], None] = lambda point: None

    async def carry(self, intent: Intent, call: WriteCall) -> Outcome:
        """The write's outcome. Raises LeadMcpError; nothing was sent unless it is UnknownOutcome or the vendor's refusal."""
        found = await self.known(intent, call)
        if isinstance(found, Outcome):
            return found
        shown = None
        if self.mode == "confirm":
            agreed = await self._agreed(intent, call)
            if isinstance(agreed, Outcome):
                return agreed
            shown = agreed
        return await self._claimed(intent, call, shown, found)

    async def preview(self, intent: Intent, call: WriteCall) -> Outcome:
        """What would be sent, and what stands in the way."""
        prepared = await self._prepared(intent, "0" * 40)
        request = prepared.shown() or None
        return Outcome(
            "preview", prepared.uri, prepared.before, prepared.after, request, warnings=tuple(prepared.warnings)
        )

    async def _prepared(self, intent: Intent, token: str) -> PreparedWrite:
        """The intent made ready within the deadline. Raises TimedOut: nothing was sent."""
        try:
            with anyio.fail_after(self.context.deadline):
                return await intent.prepare(self.context, token)
        except TimeoutError:
            name = intent.connection.name
            message = f"{name} did not answer within {self.context.deadline:g} s (LEAD_MCP_DEADLINE); nothing was sent."
            raise TimedOut(message, account=name, sent=False) from None

    # --- (1) a key that is known ---

    async def known(self, intent: Intent, call: WriteCall) -> Outcome | Write | None:
        """The outcome of a write with this key; or such a write that may be carried out now; or None."""
        account = intent.connection.name
        if call.key is None:
            return None
        write = await self._in_thread(self.journal.find, account, call.tool, call.principal, call.key)
        return await self._of(intent, call, write) if write else None

    async def _of(self, intent: Intent, call: WriteCall, write: Write) -> Outcome | Write | None:
        if write.arguments != call.digest:
            message = f"idempotency_key: {call.key!r} was used for another {call.tool} ({write.id}). Use a new key."
            raise Conflict(message, account=write.account)
        write = await self._waited(write)
        if write.state in ("done", "resolved"):
            return replayed(write)
        if write.state == "pending":
            raise self._waiting(write)
        if write.state in ("sending", "unknown"):
            return await self._settled(intent, call, write)
        return write if write.state == "intended" else None  # whoever meant it died before sending

    async def _waited(self, write: Write) -> Write:
        """The write once nobody works on it any more. Raises TimedOut where somebody does so for too long."""
        with anyio.move_on_after(WAITS * self.context.deadline):
            while await self._in_thread(self.journal.is_worked_on, write):
                await anyio.sleep(LOOK_AGAIN)
                write = await self._in_thread(self.journal.get, write.id) or write
            return await self._in_thread(self.journal.get, write.id) or write
        message = f"Another call still works on the write {write.id}. Repeat this call with the same key later."
        raise TimedOut(message, account=write.account)

    async def _settled(self, intent: Intent, call: WriteCall, write: Write) -> Outcome | Write | None:
        """Look at the vendor for what an unknown write did. Raises UnknownOutcome where looking settles nothing."""
        story = await self._in_thread(self.journal.story, write.id)
        sent = [as_time(event.at) for event in story if event.state == "sending"]
        since = sent[-1] if sent and sent[-1] else self.clock()
        uri = await intent.settle(self.context, since)
        if uri is not None and not await self._in_thread(self.journal.is_of_another, write, uri):
            outcome = Outcome(
                _word(write.tool), uri, journal_id=write.id, warnings=("settled by looking at the vendor",)
            )
            if await self._closed(write, "done", outcome.to_dict(), uri):
                return outcome
            return await self._of(intent, call, await self._in_thread(self.journal.get, write.id))
        if _vendor_dedupes(intent, write):
            return write  # the vendor makes one lead of both requests: it may be sent again
        if write.state == "sending":
            await self._closed(write, "unknown", {"why": "the process ended while sending"})
        raise self._unknown(write)

    async def _closed(self, write: Write, state: str, values: Mapping[str, Any], uri: str | None = None) -> bool:
        """Give an abandoned write its end; False where another caller has done so just now."""
        found: bool = await self._in_thread(
            lambda: self.journal.take_over(write, [write.state], state, values, uri=uri)
        )
        return found

    # --- (2) a person ---

    async def _agreed(self, intent: Intent, call: WriteCall) -> str | Outcome:
        """The digest of what a person agreed to; or an outcome that needs nobody's word."""
        if call.digest in self.confirmed:
            return self.confirmed[call.digest]
        prepared = await self._prepared(intent, "0" * 40)
        if prepared.early:
            return _early(prepared)
        if self.confirm is None:
            raise await self._stored(prepared, call)
        yes = await self.confirm(question(prepared), prepared.digest())
        return (
            prepared.digest()
            if yes
            else Outcome("declined", prepared.uri, warnings=("a person said no; nothing was sent",))
        )

    async def _stored(self, prepared: PreparedWrite, call: WriteCall) -> NotAllowed:
        """The write put by until somebody approves it."""
        values = {**self._intended(prepared, call), "shown": prepared.digest()}
        write = await self._in_thread(
            self.journal.pending, prepared.connection.name, call.tool, call.principal, call.digest
        )
        if write is None:
            write, _ = await self._begin(prepared.connection.name, call, "pending", values)
        return self._waiting(write)

    def _waiting(self, write: Write) -> NotAllowed:
        return Pending(NO_QUESTION.format(id=write.id), account=write.account, journal_id=write.id)

    # --- several at once ---

    async def batch_question(self, rows: Sequence[Intent]) -> str:
        """What a person is asked of several inserts: each row's values, and what stands in its way."""
        lines = [f"{rows[0].connection.name}: insert {len(rows)} leads?"]
        warnings: dict[str, None] = {}
        for nth, row in enumerate(rows, 1):
            try:
                one = await self._prepared(row, "0" * 40)
            except LeadMcpError as error:
                lines.append(f"  {nth}. (not sent: {error.message})")
                continue
            shown = ", ".join(f"{name}: {_shown(name, value)}" for name, value in (one.after or {}).items())
            lines.append(f"  {nth}. {shown}{f' (not sent: {one.early})' if one.early else ''}")
            warnings.update(dict.fromkeys(one.warnings))
        return "\n".join([*lines, *(f"Note: {warning}" for warning in warnings)])

    async def store_batch(self, rows: Sequence[Intent], call: WriteCall) -> NotAllowed:
        """Several inserts put by until somebody approves them."""
        account = rows[0].connection.name
        write = await self._in_thread(self.journal.pending, account, call.tool, call.principal, call.digest)
        if write is None:
            write, _ = await self._begin(account, call, "pending", {"tool": call.tool, "arguments": call.arguments})
        return self._waiting(write)

    async def stored_batch(self, account: str, call: WriteCall) -> Write | None:
        """The batch put by under this key and approved since. Raises Conflict for other arguments, Pending while it waits."""
        if call.key is None:
            return None
        write = await self._in_thread(self.journal.find, account, call.tool, call.principal, call.key)
        if write is None:
            return None
        if write.arguments != call.digest:
            message = f"idempotency_key: {call.key!r} was used for another {call.tool} ({write.id}). Use a new key."
            raise Conflict(message, account=account)
        write = await self._waited(write)
        if write.state in ("pending", "intended"):
            raise self._waiting(write)
        return write if write.state in ("done", "resolved") else None

    async def stored_rows(self, account: str, call: WriteCall, keys: Sequence[str]) -> list[Write | None]:
        """The write of each key."""
        find = self.journal.find
        found: list[Write | None] = await self._in_thread(
            lambda: [find(account, call.tool, call.principal, key) for key in keys]
        )
        return found

    # --- (3) the claim ---

    async def _claimed(self, intent: Intent, call: WriteCall, shown: str | None, write: Write | None) -> Outcome:
        self.probe("before claim")
        if write is None:
            values = {"tool": call.tool, "arguments": kept(call, intent.connection)}
            write, new = await self._begin(intent.connection.name, call, "intended", values)
            if new:
                return await self.finish(intent, call, write, shown)
            found = await self._of(intent, call, write)
            if isinstance(found, Outcome):
                return found
            write = found
        if write is None or not await self._taken_over(write):
            found = await self.known(intent, call)
            return found if isinstance(found, Outcome) else await self._claimed(intent, call, shown, found)
        return await self.finish(intent, call, replace(write, owner=self.journal.owner.id), shown)

    async def _taken_over(self, write: Write) -> bool:
        """Whether a write that nobody works on is ours now."""
        found: bool = await self._in_thread(
            self.journal.take_over, write, [write.state], "intended", {"taken_over_from": write.state}
        )
        return found

    async def finish(self, intent: Intent, call: WriteCall, write: Write, shown: str | None) -> Outcome:
        """A claimed write to its end. A refusal before sending gives the key back."""
        try:
            return await self._finished(intent, call, write, shown)
        finally:
            self.journal.let_go(write)

    async def _finished(self, intent: Intent, call: WriteCall, write: Write, shown: str | None) -> Outcome:
        self.probe("intended")
        try:
            prepared = await self._fresh(intent, write, shown)
        except BaseException as error:
            why = {"why": getattr(error, "message", type(error).__name__)}
            with anyio.CancelScope(shield=True):
                await self._refused(write, why)
            raise
        if prepared.early:
            outcome = replace(_early(prepared), journal_id=write.id)
            await self._refused(write, outcome.to_dict())
            return outcome
        return await self._sent(intent, call, write, prepared)

    async def _fresh(self, intent: Intent, write: Write, shown: str | None) -> PreparedWrite:
        """The write as it looks now. Raises Conflict where that is not what a person agreed to."""
        prepared = await self._prepared(intent, token_of(write))
        if shown is not None and prepared.digest() != shown:
            message = "The lead changed since the question was asked; nothing was sent. Look again and repeat the call."
            raise Conflict(message, account=write.account)
        return prepared

    async def _refused(self, write: Write, values: Mapping[str, Any]) -> None:
        await self._in_thread(lambda: self.journal.mark(write, "refused", values, keep_key=False))

    # --- (5) and (6): sending ---

    async def _sent(self, intent: Intent, call: WriteCall, write: Write, prepared: PreparedWrite) -> Outcome:
        await self._in_thread(self.journal.mark, write, "sending", self._intended(prepared, call))
        self.probe("sending")
        with anyio.CancelScope(shield=True):  # a client that hangs up does not make the outcome unknown
            try:
                written = await self._exchange(prepared)
            except LeadMcpError as error:
                raise await self._failed(write, error) from error
            except Exception as error:  # whatever it was, the request may have left
                raise await self._failed(write, Unavailable(f"sending failed ({type(error).__name__}).")) from error
            self.probe("answered")
            outcome = self._outcome(write, prepared, written)
            if prepared.action.startswith("change"):
                outcome = await self._read_back(prepared, outcome)
            await self._recorded(write, outcome)
            self.probe("done")
        return outcome

    async def _recorded(self, write: Write, outcome: Outcome) -> None:
        """The outcome on disk. Raises UnknownOutcome where it cannot be put there: then nobody may rely on it."""
        try:
            await self._in_thread(self._mark, write, "done", outcome)
        except NotAllowed:
            where = f" ({outcome.uri})" if outcome.uri else ""
            why = f"the vendor said yes{where}, but the journal cannot be written any more."
            raise self._unknown(write, why) from None

    async def _exchange(self, prepared: PreparedWrite) -> WriteResult:
        if prepared.request is None or prepared.read is None:
            raise AssertionError("a prepared write without an early outcome has a request")
        try:
            with anyio.fail_after(self.context.deadline):
                return await prepared.connection.outbound.fetch(prepared.request, prepared.read, lambda: None)
        except TimeoutError:
            raise TimedOut(f"no answer within {self.context.deadline:g} s") from None

    async def _failed(self, write: Write, error: LeadMcpError) -> LeadMcpError:
        """The journal knows how it failed, if it can be written still; what to tell the caller."""
        if isinstance(error, LOST) and error.sent:
            with suppress(NotAllowed):
                await self._in_thread(lambda: self.journal.mark(write, "unknown", {"why": error.message}))
            return self._unknown(write, error.message)
        said = {"why": error.message, "code": error.code, "vendor_code": error.vendor_code}
        with suppress(NotAllowed):
            await self._refused(write, said)
        return error

    def _unknown(self, write: Write, why: str = "") -> UnknownOutcome:
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

    def _outcome(self, write: Write, prepared: PreparedWrite, written: WriteResult) -> Outcome:
        uri = prepared.uri or (lead_uri(prepared.connection.name, written.id) if written.id else None)
        word = "updated" if written.updated and prepared.uri is None else _word_of(prepared)
        warnings = (*prepared.warnings, *written.warnings)
        before = prepared.before
        return Outcome(word, uri, before, prepared.after, prepared.shown(), write.id, warnings)

    async def _read_back(self, prepared: PreparedWrite, outcome: Outcome) -> Outcome:
        """``after`` as the vendor has it now; what is not as sent is a warning, unless the vendor settles it later."""
        if prepared.uri is None or prepared.after is None:
            return outcome
        try:
            record = await get_record(prepared.connection, parse_uri(prepared.uri, "lead").id, self.context.deadline)
        except LeadMcpError as error:
            return replace(outcome, warnings=(*outcome.warnings, f"could not be read back: {error.message}"))
        names = [name for name in prepared.after if record.reads(name) is not None]
        after = {name: plain_value(record.get(name), full=True) for name in names}
        warnings = list(outcome.warnings)
        for name in names:
            wanted = prepared.after[name]
            if folded(str(after[name])) == folded(str(wanted)) or wanted is None or _as_number(after[name], wanted):
                continue
            queued = prepared.queued.get("status" if name == "stage" else name)
            if queued is not None and (name == "stage" or folded(str(after[name])) == folded(queued)):
                warnings.append(f"{name} reads {queued!r} until the vendor has worked on it")
            elif name != "phone":
                reads, meant = shown(name, after[name]), shown(name, wanted)
                warnings.append(f"{name} reads {reads!r} after the change, not {meant!r}")
        return replace(outcome, after={**prepared.after, **after}, warnings=tuple(warnings))

    # --- the journal ---

    def _intended(self, prepared: PreparedWrite, call: WriteCall) -> dict[str, Any]:
        return {
            "tool": call.tool,
            "arguments": kept(call, prepared.connection),
            "action": prepared.action,
            "request": prepared.shown(),
            "before": prepared.before,
            "after": prepared.after,
        }

    async def _begin(self, account: str, call: WriteCall, state: str, values: Mapping[str, Any]) -> tuple[Write, bool]:
        found: tuple[Write, bool] = await self._in_thread(
            self.journal.begin, account, call.tool, call.principal, call.key, call.digest, state, values
        )
        return found

    def _mark(self, write: Write, state: str, outcome: Outcome) -> Write:
        return self.journal.mark(write, state, outcome.to_dict(), uri=outcome.uri)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await anyio.to_thread.run_sync(work, *arguments)


class Pending(NotAllowed):
    """The write waits for approval; ``journal_id`` names it."""

    def __init__(self, message: str, *, account: str | None = None, journal_id: str = "") -> None:
        super().__init__(message, account=account)
        self.journal_id = journal_id


def question(prepared: PreparedWrite) -> str:
    """What a person is asked: account, action, lead, before and after, warnings. The same words for the same thing."""
    before, after = prepared.before or {}, prepared.after or {}
    lines = [f"{prepared.connection.name} ({prepared.connection.vendor.title}): {prepared.action}?"]
    if prepared.action.startswith("delete"):
        lines += [f"  {name}: {_shown(name, value)}" for name, value in before.items()]
    else:
        lines += [f"  {name}: {_change(name, before, after)}" for name in after if before.get(name) != after[name]]
    return "\n".join([*lines, *(f"Note: {warning}" for warning in prepared.warnings)])


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return (
        f"{_shown(name, before[name])} -> {_shown(name, after[name])}" if name in before else _shown(name, after[name])
    )


def _shown(name: str, value: Any) -> str:
    return "(empty)" if value in (None, "") else cell(str(shown(name, value)))


def kept(call: WriteCall, connection: Connection) -> dict[str, Any]:
    """The call's arguments as the journal keeps them: a vendor's own secret values are struck."""
    vendor = connection.vendor
    names = secret_names([one.form for one in (vendor.insert, vendor.update) if one is not None])
    own = call.arguments.get("vendor_fields")
    if not isinstance(own, Mapping) or not names & {*own}:
        return dict(call.arguments)
    return {**call.arguments, "vendor_fields": {key: REDACTED if key in names else value for key, value in own.items()}}


def token_of(write: Write) -> str:
    """Forty hex digits that are the same for every try of one write."""
    return digest_of(["token", write.id])[:40]


def replayed(write: Write) -> Outcome:
    """What an ended write became, as the journal has it."""
    if write.outcome is not None:
        return Outcome.from_dict(write.outcome, write.id)
    return Outcome(_word(write.tool), write.uri, journal_id=write.id, warnings=("its values have been purged",))


def _early(prepared: PreparedWrite) -> Outcome:
    word = prepared.early or "unchanged"
    return Outcome(word, prepared.uri, prepared.before, None, warnings=tuple(prepared.warnings))


def _word(tool: str) -> str:
    return {"update_lead": "updated", "delete_lead": "deleted"}.get(tool, "created")


def _word_of(prepared: PreparedWrite) -> str:
    verb = prepared.action.partition(" ")[0]
    return {"insert": "created", "change": "updated", "delete": "deleted"}[verb]


def _vendor_dedupes(intent: Intent, write: Write) -> bool:
    insert = intent.connection.vendor.insert
    return write.tool.startswith("insert") and insert is not None and insert.dedupes


def _as_number(value: Any, wanted: Any) -> bool:
    try:
        return float(value) == float(wanted)
    except (TypeError, ValueError):
        return False
