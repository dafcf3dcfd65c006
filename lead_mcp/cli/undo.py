"""``lead-mcp journal undo``: an update goes back to its before-image, an insert is deleted where that can be.

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

from lead_mcp.cli.approve import found
from lead_mcp.cli.setup import opened_journal
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.errors import CallError, Conflict, NotAllowed
from lead_mcp.filters import folded
from lead_mcp.journal.entries import Event, Write
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import Settings
from lead_mcp.tools.writes import outcome_text
from lead_mcp.uris import parse_uri
from lead_mcp.writing.intents import REDACTED, DeleteIntent, Intent, UpdateIntent
from lead_mcp.writing.pipeline import WriteCall, question, replayed
from lead_mcp.writing.rehydrate import arguments_of

PRINCIPAL: Final = "terminal"
CUT: Final = re.compile(r"…\[[\d,]+ characters\]\Z")
"""The end of a value that the journal holds shortened."""


@dataclass(frozen=True)
class Undoing:
    """What undoes a write: the call as the journal will have it. ``sent``: the vendor's own values as the write left them."""

    call: WriteCall
    sent: Mapping[str, Sequence[Any]]

    def intent(self, runtime: Runtime) -> Intent:
        account, lead_id = self.call.arguments["lead"]
        connection = runtime.connection(account)
        if self.call.tool == "delete_lead":
            return DeleteIntent(connection, lead_id)
        said = self.call.arguments
        return UpdateIntent(connection, lead_id, said["changes"], said["vendor_fields"], said["expect"])


def undo(name: str, *, yes: bool, config: Path | None) -> int:
    """Show, ask, send, print; the exit code. Raises LeadMcpError, saying why where it cannot be undone."""
    with opened_journal(config) as (settings, journal):
        write = found(journal, name)
        undoing = _undoing(write, journal.story(name), settings)
        call = undoing.call
        before = journal.find(write.account, call.tool, PRINCIPAL, call.key or "")
    if before is not None and before.state in ("done", "resolved"):
        print(f"undone already, by {before.id}:\n{outcome_text(replayed(before))}")
        return 0
    message, shown = anyio.run(_look, settings, write, undoing)
    if shown is None:
        print(message)
        return 0
    if not agreed(message, yes=yes):
        print("declined; nothing was sent")
        return 0
    return anyio.run(interruptible, partial(_send, settings, undoing, shown))


# --- what would undo it -------------------------------------------------------------------------------------------


def _undoing(write: Write, story: Sequence[Event], settings: Settings) -> Undoing:
    """What undoes it. Raises NotAllowed, saying why there is none."""
    if write.state not in ("done", "resolved"):
        raise _cannot(write, f"it is {write.state}, so nothing of it is known to stand at the vendor")
    if write.tool == "delete_lead":
        raise _cannot(write, "no vendor brings a deleted lead back")
    if write.outcome is None:
        raise _cannot(write, "its values have been purged (LEAD_MCP_JOURNAL_DAYS)")
    if "results" in write.outcome:
        raise _cannot(write, "it stands for several inserts; undo its rows (`lead-mcp journal --tool insert_leads`)")
    if settings.server.writes == "off":
        raise NotAllowed("LEAD_MCP_WRITES is off, so nothing can be undone.")
    if write.uri is None:
        raise _cannot(write, "the journal does not know which lead it is")
    if write.outcome.get("outcome") != "updated":
        return _deletion(write, settings)
    return _back(write, story, _queued(settings, write.account))


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
    return Undoing(WriteCall("delete_lead", arguments, f"undo {write.id}", PRINCIPAL), {})


def _back(write: Write, story: Sequence[Event], queued: frozenset[str]) -> Undoing:
    """The update back to the before-image. Expected is what the vendor made of the values; of what it settles later
    (``queued``) nobody had read that yet, so there it is what was sent.
    """
    sending = next((one.values for one in reversed(story) if one.state == "sending" and one.values), {})
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
    theirs = set(arguments_of(write).get("vendor_fields") or {})
    arguments = {
        "lead": _lead(write),
        "changes": {name: value for name, value in changed.items() if name not in theirs},
        "vendor_fields": {name: value for name, value in changed.items() if name in theirs},
        "expect": {name: read.get(name, sent[name]) for name in changed if name not in theirs},
        "undoes": write.id,
    }
    left = {name: (sent[name], read.get(name, sent[name])) for name in changed}
    return Undoing(WriteCall("update_lead", arguments, f"undo {write.id}", PRINCIPAL), left)


# --- at the vendor ------------------------------------------------------------------------------------------------


async def _look(settings: Settings, write: Write, undoing: Undoing) -> tuple[str, str | None]:
    """What a person is shown, and its digest; None where there is nothing to send."""
    async with running(settings) as runtime:
        intent = undoing.intent(runtime)
        try:
            prepared = await intent.prepare(runtime.context(), "0" * 40)
        except CallError as error:
            raise _cannot(write, error.message.rstrip(".")) from None
    if prepared.early:
        return f"{prepared.early} {prepared.uri}: the lead is as it was before {write.id}", None
    _check_own(write, undoing, prepared.before or {})
    return f"Undo {write.id} ({write.tool})?\n{question(prepared)}", prepared.digest()


def _check_own(write: Write, undoing: Undoing, now: Mapping[str, Any]) -> None:
    """The vendor's own fields must be as the write left them too; ``expect`` knows only ours. Raises Conflict."""
    for name in undoing.call.arguments.get("vendor_fields") or {}:
        if folded(str(now.get(name))) not in [folded(str(value)) for value in undoing.sent[name]]:
            raise Conflict(f"{name} has changed since {write.id}; nothing was sent.", account=write.account)


async def _send(settings: Settings, undoing: Undoing, shown: str) -> int:
    async with running(settings) as runtime:
        pipeline = runtime.pipeline("confirm", None, {undoing.call.digest: shown})
        print(outcome_text(await pipeline.carry(undoing.intent(runtime), undoing.call)))
    return 0
