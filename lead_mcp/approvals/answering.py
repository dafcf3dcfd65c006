"""A write that waits, answered by a person: looked at, agreed to, sent once, with who said so on record.

What was agreed to is bound to what was shown; if a lead changes in between, nothing is sent of it. ``who``: as in an outcome's
``approved_by``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lead_mcp.errors import Conflict, NotAllowed
from lead_mcp.identity.principal import LOCAL
from lead_mcp.journal.entries import State, Write
from lead_mcp.journal.store import Journal
from lead_mcp.outgoing.write_text import APPROVED, outcome_text, question_text, rows_text
from lead_mcp.runtime import Runtime
from lead_mcp.settings import Server
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
class WriteQuestion:
    """What a person is shown, and what a yes is bound to, row by row; ``needs_nobody``: there is nothing to send."""

    message: str
    agreements: Sequence[str | None]
    needs_nobody: bool


@dataclass(frozen=True)
class WriteResult:
    """What became of a write, in words; ``failed``: a row of it was not carried out."""

    text: str
    failed: bool = False


def check_open(journal: Journal, write: Write) -> None:
    """Raises Conflict where it is not for anybody to approve."""
    if journal.is_worked_on(write):
        raise Conflict(f"{write.id} is being worked on by another process just now; nothing was done here.")
    if write.state not in APPROVABLE:
        why = ENDED.get(write.state, f"is {write.state}, and so not for approval.")
        raise Conflict(f"{write.id} {why.format(id=write.id)}")


def check_allowed(server: Server, write: Write) -> None:
    """Raises NotAllowed where this server sends no such write, whoever agrees."""
    deletes = tool_of(write).action is Action.DELETE
    if (server.deletes if deletes else server.writes) == "off":
        name = "LEAD_MCP_DELETES" if deletes else "LEAD_MCP_WRITES"
        raise NotAllowed(f"{name} is off, so {write.id} was not sent; it still waits.")


def again(write: Write) -> str:
    """What an ended write became, in words."""
    rows = results_of(write)
    if rows is not None:
        return rows_text(rows)
    if write.outcome is None and tool_of(write) in BATCHES and write.uri is None:
        return f"done; {PURGED}"
    return outcome_text(replayed(write))


def decline(journal: Journal, write: Write, who: str) -> str:
    """The no is on record, and the key is free. Raises Conflict where somebody else was faster."""
    if journal.take_over(write, State.DECLINED, {"by": APPROVED.get(who, who)}, keep_key=False) is None:
        raise Conflict(f"{write.id} was settled by somebody else meanwhile.")
    return f"declined {write.id}; nothing was sent"


def sender(runtime: Runtime, write: Write) -> Runtime:
    """With whose credential a write is sent: with that of whoever asked for it, at accounts where each has their own."""
    own = any(
        name in runtime.connections and runtime.connections[name].is_per_user for name in write.account.split(",")
    )
    return runtime.seen_by(replace(LOCAL, name=write.principal)) if own and runtime.caller.is_local else runtime


async def question_of(runtime: Runtime, write: Write) -> WriteQuestion:
    """What it would do now. Raises LeadMcpError."""
    runtime = sender(runtime, write)
    if is_batch(write):
        plan = await _batch(runtime, write, "").plan()
        return WriteQuestion(question_text(plan), plan.agreements, not plan.sends)
    intent = intent_of(write, runtime.connection(write.account))
    prepared = await prepare(intent, runtime.context(), PREVIEWED)
    prepared.check()
    return WriteQuestion(question_text(prepared), [prepared.digest()], prepared.verdict is not None)


async def send(runtime: Runtime, write: Write, agreements: Sequence[str | None], who: str) -> WriteResult:
    """Send what was agreed to. Raises Conflict where somebody else was faster or a lead has changed, and LeadMcpError."""
    runtime = sender(runtime, write)
    ours = await _taken_over(runtime, write, who)
    if is_batch(write):
        rows = await _batch_sent(runtime, ours, agreements, who)
        return WriteResult(rows_text(rows), any(row.failed for row in rows))
    intent = intent_of(ours, runtime.connection(ours.account))
    pipeline = runtime.pipeline("allow", None, {}, who)
    return WriteResult(outcome_text(await pipeline.finish(intent, call_of(ours), ours, Agreed(agreements[0]))))


async def _taken_over(runtime: Runtime, write: Write, who: str) -> Write:
    why = {"approved": f"by {APPROVED.get(who, who)}"}
    ours = await in_thread(runtime.journal.take_over, write, State.INTENDED, why)
    if ours is None:
        raise Conflict(f"{write.id} was settled by somebody else meanwhile; nothing was sent from here.")
    return ours


def _batch(runtime: Runtime, write: Write, who: str) -> Batch:
    return Batch(rows_of(write, runtime.connection), call_of(write), lambda: runtime.pipeline("allow", None, {}, who))


async def _batch_sent(runtime: Runtime, write: Write, agreements: Sequence[str | None], who: str) -> list[RowResult]:
    """A batch's results, kept for whoever repeats the call. Interrupted, it waits again: rows that were sent stay sent."""
    journal, batch = runtime.journal, _batch(runtime, write, who)
    try:
        rows = await while_held(journal, write, lambda: batch.run(agreements, write.id))
    except BaseException:
        await shielded(lambda: in_thread(journal.step, write, State.PENDING, {"why": "interrupted"}))
        raise
    none = all(row.kind is OutcomeKind.FAILED for row in rows)
    state = State.REFUSED if none else State.DONE
    await in_thread(journal.step, write, state, results_record(rows), keep_key=not none)
    return rows
