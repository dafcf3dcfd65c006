"""``lead-mcp journal undo``: an update is reversed, an insert is deleted where the vendor can delete.

An undo is a write like any other: checked, shown, journalled, sent once. Its key is the write it undoes, so that it happens
once. The lead must still be as the write left it; else somebody's later change would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio

from lead_mcp.approvals.answering import sender
from lead_mcp.cli.approve import found
from lead_mcp.cli.opened import opened_journal
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.errors import CallError, Conflict, LeadMcpError, NotAllowed
from lead_mcp.filters import folded
from lead_mcp.journal.entries import JournalEvent, State, Write
from lead_mcp.outgoing.write_text import explained, outcome_text, question_text
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import Settings
from lead_mcp.transport.redaction import REDACTED
from lead_mcp.uris import parse_uri
from lead_mcp.vendors.spec.fields import CANONICAL
from lead_mcp.writing.call import PREVIEWED, WriteCall
from lead_mcp.writing.deletes import DeleteIntent
from lead_mcp.writing.outcome import Action, OutcomeKind, Tool
from lead_mcp.writing.prepared import Intent, prepare
from lead_mcp.writing.rehydrate import arguments_of, tool_of
from lead_mcp.writing.send import replayed
from lead_mcp.writing.updates import UpdateIntent

PRINCIPAL: Final = "terminal"
CUT: Final = re.compile(r"…\[[\d,]+ characters\]\Z")
"""The end of a value that a journal of version 1 holds shortened."""


@dataclass(frozen=True)
class Undoing:
    """What undoes a write: the call as the journal will have it. ``sent``: the vendor's own values as the write left them."""

    call: WriteCall
    sent: Mapping[str, Sequence[Any]]

    def intent(self, runtime: Runtime) -> Intent:
        account, lead_id = self.call.arguments["lead"]
        connection = runtime.connection(account)
        if self.call.tool.action is Action.DELETE:
            return DeleteIntent(connection, lead_id)
        given = self.call.arguments
        return UpdateIntent(connection, lead_id, given["changes"], given["vendor_fields"], given["expect"])


def undo(name: str, *, yes: bool, config: Path | None) -> int:
    """Show, ask, send, print; the exit code. Raises LeadMcpError, saying why where it cannot be undone."""
    with opened_journal(config) as (settings, journal):
        write = found(journal, name)
        undoing = _undoing(write, journal.events(name), settings)
        call = undoing.call
        before = journal.find(write.account, str(call.tool), PRINCIPAL, call.key or "")
    if before is not None and before.replayed:
        print(f"undone already, by {before.id}:\n{outcome_text(replayed(before))}")
        return 0
    message, digest = anyio.run(_look, settings, write, undoing)
    if digest is None:
        print(message)
        return 0
    if not agreed(message, yes=yes):
        print("declined; nothing was sent")
        return 0
    return anyio.run(interruptible, partial(_send, settings, write, undoing, digest))


# --- what would undo it -------------------------------------------------------------------------------------------


def _undoing(write: Write, events: Sequence[JournalEvent], settings: Settings) -> Undoing:
    """What undoes it. Raises NotAllowed, saying why there is none."""
    if not write.replayed:
        raise _cannot(write, f"it is {write.state}, so nothing of it is known to stand at the vendor")
    if tool_of(write).action is Action.DELETE:
        raise _cannot(write, "no vendor brings a deleted lead back")
    if write.outcome is None:
        raise _cannot(write, "its values have been purged (LEAD_MCP_JOURNAL_DAYS)")
    if "results" in write.outcome:
        raise _cannot(write, f"it stands for several writes; undo its rows (`lead-mcp journal --tool {write.tool}`)")
    if settings.server.writes == "off":
        raise NotAllowed("LEAD_MCP_WRITES is off, so nothing can be undone.")
    if write.uri is None:
        raise _cannot(write, "the journal does not know which lead it is")
    if write.outcome.get("outcome") != OutcomeKind.UPDATED:
        return _deletion(write, settings)
    return _back(write, events, _queued(settings, write.account))


def _queued(settings: Settings, account: str) -> frozenset[str]:
    """Fields of ours that the account's vendor settles later."""
    configured = settings.accounts.get(account)
    update = configured.vendor.update if configured else None
    names = frozenset(update.queued) if update else frozenset()
    return names | {"stage"} if "status" in names else names


def _cannot(write: Write, why: str) -> NotAllowed:
    return NotAllowed(f"{write.id} cannot be undone: {why}.", account=write.account)


def _lead(write: Write) -> list[str]:
    return list(parse_uri(write.uri or "", "lead").parts)


def _deletion(write: Write, settings: Settings) -> Undoing:
    """The deletion of what was inserted; a vendor that has none says so when it is prepared."""
    configured = settings.accounts.get(write.account)
    can = configured is not None and configured.vendor.delete is not None
    if can and settings.server.deletes == "off":
        raise _cannot(write, "an insert is undone by deleting the lead, and LEAD_MCP_DELETES is off")
    arguments = {"lead": _lead(write), "undoes": write.id}
    return Undoing(WriteCall(Tool.DELETE_LEAD, arguments, f"undo {write.id}", PRINCIPAL), {})


def _back(write: Write, events: Sequence[JournalEvent], queued: frozenset[str]) -> Undoing:
    """The update back to the before-image. Expected is what the vendor made of the values; of what it settles later
    (``queued``) nobody had read that yet, so there it is what was sent.
    """
    sending = next((one.values for one in reversed(events) if one.state is State.SENDING and one.values), {})
    outcome = write.outcome or {}
    before, sent = outcome.get("before") or sending.get("before"), sending.get("after") or {}
    read = {name: value for name, value in (outcome.get("after") or sent).items() if name not in queued}
    if not before:
        raise _cannot(write, "the vendor changed the lead by itself, and nobody saw what it was before")
    changed = {name: before[name] for name in before if name in sent and before[name] != sent[name]}
    for name, value in changed.items():
        if REDACTED in (value, sent[name]):
            raise _cannot(write, f"{name} is a secret, which the journal does not hold")
        if isinstance(value, str) and CUT.search(value):
            raise _cannot(write, f"the journal holds {name} cut short")
    theirs = {name for name in changed if name not in CANONICAL} | {*(arguments_of(write).get("vendor_fields") or {})}
    arguments = {
        "lead": _lead(write),
        "changes": {name: value for name, value in changed.items() if name not in theirs},
        "vendor_fields": {name: value for name, value in changed.items() if name in theirs},
        "expect": {name: read.get(name, sent[name]) for name in changed if name not in theirs},
        "undoes": write.id,
    }
    left = {name: (sent[name], read.get(name, sent[name])) for name in changed}
    return Undoing(WriteCall(Tool.UPDATE_LEAD, arguments, f"undo {write.id}", PRINCIPAL), left)


# --- at the vendor ------------------------------------------------------------------------------------------------


async def _look(settings: Settings, write: Write, undoing: Undoing) -> tuple[str, str | None]:
    """What a person is asked, and what a yes is bound to; None where there is nothing to send."""
    async with running(settings) as whole:
        runtime = sender(whole, write)
        try:
            prepared = await prepare(undoing.intent(runtime), runtime.context(), PREVIEWED)
        except CallError as error:
            raise _cannot(write, error.message.rstrip(".")) from None
        except LeadMcpError as error:
            raise explained(error) from None
    if prepared.verdict is not None:
        return f"{prepared.verdict} {prepared.uri}: the lead is as it was before {write.id}", None
    _check_own(write, undoing, prepared.before or {})
    return f"Undo {write.id} ({write.tool})?\n{question_text(prepared)}", prepared.digest()


def _check_own(write: Write, undoing: Undoing, now: Mapping[str, Any]) -> None:
    """The vendor's own fields must be as the write left them too; ``expect`` knows only ours. Raises Conflict."""
    for name in undoing.call.arguments.get("vendor_fields") or {}:
        if folded(str(now.get(name))) not in [folded(str(value)) for value in undoing.sent[name]]:
            raise Conflict(f"{name} has changed since {write.id}; nothing was sent.", account=write.account)


async def _send(settings: Settings, write: Write, undoing: Undoing, digest: str) -> int:
    async with running(settings) as whole:
        runtime = sender(whole, write)
        pipeline = runtime.pipeline("confirm", None, {undoing.call.digest: [digest]}, "terminal")
        try:
            print(outcome_text(await pipeline.run(undoing.intent(runtime), undoing.call)))
        except LeadMcpError as error:
            raise explained(error) from None
    return 0
