"""``lead-mcp approve``: a write that waits for a person's word, settled at a terminal.

The question is put between two event loops, not inside one: Ctrl-C works while it waits. What was agreed to is bound to
what was shown; if the lead changes in between, nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import anyio

from lead_mcp.cli.setup import opened_journal
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.errors import BadArgument, Conflict, NotAllowed
from lead_mcp.journal.entries import Write
from lead_mcp.journal.store import Journal
from lead_mcp.outgoing.render import table, text_of, text_table
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import Server, Settings
from lead_mcp.tools.writes import outcome_text
from lead_mcp.writing.batch import COLUMNS, FAILED, LOST, PURGED, Batch, Row, results_of, summed
from lead_mcp.writing.pipeline import question, replayed
from lead_mcp.writing.rehydrate import call_of, intent_of, is_batch, rows_of

OPEN: Final = ("pending", "intended")
ENDED: Final = {
    "declined": "was declined; make the call again if it is wanted after all.",
    "refused": "was refused, by a check here or by the vendor; `lead-mcp journal show {id}` says why. Make the call again.",
    "expired": "waited longer than LEAD_MCP_JOURNAL_DAYS and was dropped; make the call again.",
    "sending": "was being sent when its process ended: nobody knows whether it happened. "
    "Look at the vendor, then say `lead-mcp journal resolve {id}`.",
    "unknown": "may or may not have happened. Repeat the call with its key, or look at the vendor and say "
    "`lead-mcp journal resolve {id}`.",
}


@dataclass(frozen=True)
class Looked:
    """What a person is shown; ``shown``: the digest that a yes is bound to; ``early``: there is nothing to send."""

    message: str
    shown: str | None = None
    early: bool = False


def run(name: str, *, yes: bool, decline: bool, config: Path | None) -> int:
    """Show, ask, send, print; the exit code."""
    with opened_journal(config) as (settings, journal):
        write = found(journal, name)
        if write.state in ("done", "resolved"):
            return _say_again(write)
        _check_open(journal, write)
        if decline:
            return _declined(journal, write)
        _check_allowed(settings.server, write)
    looked = anyio.run(_look, settings, write)
    if not (looked.early or agreed(looked.message, yes=yes)):
        with opened_journal(config) as (_, journal):
            return _declined(journal, write)
    return anyio.run(interruptible, partial(_send, settings, write, looked))


def found(journal: Journal, name: str) -> Write:
    """The write of that id. Raises BadArgument."""
    write = journal.get(name)
    if write is None:
        raise BadArgument(f"No write {name[:60]!r} in this journal; `lead-mcp journal` lists them.")
    return write


def _say_again(write: Write) -> int:
    rows = results_of(write)
    if rows or (write.outcome and "results" in write.outcome):
        print(_rows_text(rows))
    elif write.outcome is None and write.tool == "insert_leads" and write.uri is None:
        print(f"done; {PURGED}")
    else:
        print(outcome_text(replayed(write)))
    return 0


def _check_open(journal: Journal, write: Write) -> None:
    """Raises Conflict where it is not for anybody to approve."""
    if journal.is_worked_on(write):
        raise Conflict(f"{write.id} is being worked on by another process just now; nothing was done here.")
    if write.state not in OPEN:
        said = ENDED.get(write.state, f"is {write.state}, and so not for approval.")
        raise Conflict(f"{write.id} {said.format(id=write.id)}")


def _check_allowed(server: Server, write: Write) -> None:
    name = "DELETES" if write.tool == "delete_lead" else "WRITES"
    if (server.deletes if name == "DELETES" else server.writes) == "off":
        raise NotAllowed(f"LEAD_MCP_{name} is off, so {write.id} was not sent; it still waits.")


def _declined(journal: Journal, write: Write) -> int:
    """The no is on record, and the key is free."""
    if not journal.take_over(write, [write.state], "declined", {"by": "a person at a terminal"}, keep_key=False):
        raise Conflict(f"{write.id} was settled by somebody else meanwhile.")
    print(f"declined {write.id}; nothing was sent")
    return 0


async def _look(settings: Settings, write: Write) -> Looked:
    async with running(settings) as runtime:
        connection = runtime.connection(write.account)
        if is_batch(write):
            pipeline = runtime.pipeline("allow", None, {})
            return Looked(await pipeline.batch_question(rows_of(write, connection)))
        prepared = await intent_of(write, connection).prepare(runtime.context(), "0" * 40)
        return Looked(question(prepared), prepared.digest(), prepared.early is not None)


async def _send(settings: Settings, write: Write, looked: Looked) -> int:
    async with running(settings) as runtime:
        ours = await _taken_over(runtime, write)
        if is_batch(write):
            rows = await _carried(runtime, ours)
            print(_rows_text(rows))
            return 1 if any(row[1] in (FAILED, LOST) for row in rows) else 0
        intent = intent_of(ours, runtime.connection(ours.account))
        outcome = await runtime.pipeline("allow", None, {}).finish(intent, call_of(ours), ours, looked.shown)
        print(outcome_text(outcome))
        return 0


async def _taken_over(runtime: Runtime, write: Write) -> Write:
    """The write, ours. Raises Conflict where somebody else was faster."""
    why = {"approved": "by a person at a terminal"}
    if not await runtime.in_journal(lambda journal: journal.take_over(write, OPEN, "intended", why)):
        raise Conflict(f"{write.id} was settled by somebody else meanwhile; nothing was sent from here.")
    return replace(write, state="intended", owner=runtime.journal.owner.id)


async def _carried(runtime: Runtime, write: Write) -> list[Row]:
    """A batch's results, kept for whoever repeats the call. Interrupted, it waits again: rows that were sent stay sent."""
    rows = rows_of(write, runtime.connection(write.account))
    batch = Batch(rows, call_of(write), lambda: runtime.pipeline("allow", None, {}))
    try:
        found = await batch.carry(write.id)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await runtime.in_journal(lambda journal: journal.mark(write, "pending", {"why": "interrupted"}))
        raise
    failed = all(row[1] == FAILED for row in found)
    values = {"results": table(COLUMNS, found), "warnings": []}
    state = "refused" if failed else "done"
    await runtime.in_journal(lambda journal: journal.mark(write, state, values, keep_key=not failed))
    return found


def _rows_text(rows: Sequence[Row]) -> str:
    return text_of(summed(rows), text_table(table(COLUMNS, rows)))
