"""``lead-mcp approve``: a write that waits for confirmation, settled at a terminal.

The question is put between two event loops, not inside one: Ctrl-C works while it waits. What was agreed to is bound to
what was shown; if a lead changes in between, nothing is sent of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import anyio

from lead_mcp.cli.setup import opened_journal
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.errors import BadArgument, Conflict, NotAllowed
from lead_mcp.journal.entries import State, Write
from lead_mcp.journal.store import Journal
from lead_mcp.outgoing.write_text import outcome_text, question_text, rows_text
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import Server, Settings
from lead_mcp.writing.batch import Batch
from lead_mcp.writing.call import PREVIEWED
from lead_mcp.writing.confirm import Agreed
from lead_mcp.writing.leases import in_thread, shielded, while_held
from lead_mcp.writing.outcome import BATCHES, Action, OutcomeKind
from lead_mcp.writing.prepared import prepare
from lead_mcp.writing.rehydrate import call_of, intent_of, is_batch, rows_of, tool_of
from lead_mcp.writing.rows import RowResult, results_of, results_record
from lead_mcp.writing.send import PURGED, replayed

APPROVABLE: Final = (State.PENDING, State.INTENDED)
ENDED: Final = {
    State.DECLINED: "was declined; make the call again if it is wanted after all.",
    State.REFUSED: "was refused, by a check here or by the vendor; `lead-mcp journal show {id}` says why. "
    "Make the call again.",
    State.EXPIRED: "waited longer than LEAD_MCP_JOURNAL_DAYS and was dropped; make the call again.",
    State.SENDING: "was being sent when its process ended: nobody knows whether it happened. "
    "Look at the vendor, then say `lead-mcp journal resolve {id}`.",
    State.ACCEPTED: "was taken by the vendor, which has not shown it yet. Repeat the call with its key to look for it, or "
    "look yourself and say `lead-mcp journal resolve {id}`.",
    State.UNKNOWN: "may or may not have happened. Repeat the call with its key, or look at the vendor and say "
    "`lead-mcp journal resolve {id}`.",
}


@dataclass(frozen=True)
class Looked:
    """What a person is shown, and what a yes is bound to, row by row; ``needs_nobody``: there is nothing to send."""

    message: str
    agreements: Sequence[str | None]
    needs_nobody: bool


def run(name: str, *, yes: bool, decline: bool, config: Path | None) -> int:
    """Show, ask, send, print; the exit code."""
    with opened_journal(config) as (settings, journal):
        write = found(journal, name)
        if write.replayed:
            return _print_again(write)
        _check_open(journal, write)
        if decline:
            return _declined(journal, write)
        _check_allowed(settings.server, write)
    looked = anyio.run(_look, settings, write)
    if not (looked.needs_nobody or agreed(looked.message, yes=yes)):
        with opened_journal(config) as (_, journal):
            return _declined(journal, write)
    return anyio.run(interruptible, partial(_send, settings, write, looked))


def found(journal: Journal, name: str) -> Write:
    """The write of that id. Raises BadArgument."""
    write = journal.get(name)
    if write is None:
        raise BadArgument(f"No write {name[:60]!r} in this journal; `lead-mcp journal` lists them.")
    return write


def _print_again(write: Write) -> int:
    rows = results_of(write)
    if rows is not None:
        print(rows_text(rows))
    elif write.outcome is None and tool_of(write) in BATCHES and write.uri is None:
        print(f"done; {PURGED}")
    else:
        print(outcome_text(replayed(write)))
    return 0


def _check_open(journal: Journal, write: Write) -> None:
    """Raises Conflict where it is not for anybody to approve."""
    if journal.is_worked_on(write):
        raise Conflict(f"{write.id} is being worked on by another process just now; nothing was done here.")
    if write.state not in APPROVABLE:
        why = ENDED.get(write.state, f"is {write.state}, and so not for approval.")
        raise Conflict(f"{write.id} {why.format(id=write.id)}")


def _check_allowed(server: Server, write: Write) -> None:
    deletes = tool_of(write).action is Action.DELETE
    if (server.deletes if deletes else server.writes) == "off":
        name = "LEAD_MCP_DELETES" if deletes else "LEAD_MCP_WRITES"
        raise NotAllowed(f"{name} is off, so {write.id} was not sent; it still waits.")


def _declined(journal: Journal, write: Write) -> int:
    """The no is on record, and the key is free."""
    if journal.take_over(write, State.DECLINED, {"by": "a person at a terminal"}, keep_key=False) is None:
        raise Conflict(f"{write.id} was settled by somebody else meanwhile.")
    print(f"declined {write.id}; nothing was sent")
    return 0


async def _look(settings: Settings, write: Write) -> Looked:
    async with running(settings) as runtime:
        if is_batch(write):
            plan = await _batch(runtime, write).plan()
            return Looked(question_text(plan), plan.agreements, not plan.sends)
        intent = intent_of(write, runtime.connection(write.account))
        prepared = await prepare(intent, runtime.context(), PREVIEWED)
        prepared.check()
        return Looked(question_text(prepared), [prepared.digest()], prepared.verdict is not None)


async def _send(settings: Settings, write: Write, looked: Looked) -> int:
    async with running(settings) as runtime:
        ours = await _taken_over(runtime, write)
        if is_batch(write):
            rows = await _batch_sent(runtime, ours, looked.agreements)
            print(rows_text(rows))
            return 1 if any(row.failed for row in rows) else 0
        intent = intent_of(ours, runtime.connection(ours.account))
        agreed = Agreed(looked.agreements[0])
        outcome = await runtime.pipeline("allow", None, {}, "terminal").finish(intent, call_of(ours), ours, agreed)
        print(outcome_text(outcome))
        return 0


async def _taken_over(runtime: Runtime, write: Write) -> Write:
    """The write, ours. Raises Conflict where somebody else was faster."""
    why = {"approved": "by a person at a terminal"}
    ours = await in_thread(runtime.journal.take_over, write, State.INTENDED, why)
    if ours is None:
        raise Conflict(f"{write.id} was settled by somebody else meanwhile; nothing was sent from here.")
    return ours


def _batch(runtime: Runtime, write: Write) -> Batch:
    return Batch(
        rows_of(write, runtime.connection), call_of(write), lambda: runtime.pipeline("allow", None, {}, "terminal")
    )


async def _batch_sent(runtime: Runtime, write: Write, agreements: Sequence[str | None]) -> list[RowResult]:
    """A batch's results, kept for whoever repeats the call. Interrupted, it waits again: rows that were sent stay sent."""
    journal, batch = runtime.journal, _batch(runtime, write)
    try:
        rows = await while_held(journal, write, lambda: batch.run(agreements, write.id))
    except BaseException:
        await shielded(lambda: in_thread(journal.step, write, State.PENDING, {"why": "interrupted"}))
        raise
    none = all(row.kind is OutcomeKind.FAILED for row in rows)
    state = State.REFUSED if none else State.DONE
    await in_thread(journal.step, write, state, results_record(rows), keep_key=not none)
    return rows
