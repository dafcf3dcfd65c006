"""Which waiting writes a principal may answer: those of accounts that are all theirs, with the scope that the call needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lead_mcp.approvals.answering import APPROVABLE
from lead_mcp.identity.scopes import tool_needs
from lead_mcp.journal.entries import State, Write
from lead_mcp.journal.store import Journal
from lead_mcp.outgoing.write_text import VERBS, changed_lines
from lead_mcp.runtime import Runtime
from lead_mcp.writing.outcome import BATCHES, Action, Tool
from lead_mcp.writing.rehydrate import tool_of

MOST: Final = 200
"""Writes that are looked at for one list; the newest."""


def waiting(runtime: Runtime, journal: Journal) -> Sequence[Write]:
    """The writes that wait for this principal, newest first."""
    found = journal.recent(states=APPROVABLE, limit=MOST)
    return [one for one in found if may_answer(runtime, one) and _waits(journal, one)]


def named(runtime: Runtime, journal: Journal, name: str) -> Write | None:
    """The write of that id, if it waits or has waited and is this principal's to answer; else None, whatever there is."""
    write = journal.get(name)
    return write if write is not None and may_answer(runtime, write) and _has_waited(journal, write) else None


def may_answer(runtime: Runtime, write: Write) -> bool:
    names = write.account.split(",")
    own = all(name in runtime.connections for name in names)
    if own and write.principal != runtime.principal and any(runtime.connections[name].is_per_user for name in names):
        return False  # it would be sent with another's credential than that of whoever wants it
    return own and write.tool in set(Tool) and runtime.caller.may(tool_needs(write.tool))


def _waits(journal: Journal, write: Write) -> bool:
    return not journal.is_worked_on(write) and _has_waited(journal, write)


def _has_waited(journal: Journal, write: Write) -> bool:
    """Whether it was ever stored for a person: what was sent without one is nobody's to see here."""
    return any(event.state is State.PENDING for event in journal.events(write.id))


def headline(write: Write) -> str:
    """What it would do, in a line."""
    tool, intent = tool_of(write), write.intent or {}
    if tool in BATCHES:
        rows = (intent.get("arguments") or {}).get(BATCHES[tool]) or ()
        return f"{write.account}: {VERBS[tool.action]} {len(rows)} leads"
    verb = {Action.INSERT: "insert a lead", Action.UPDATE: "change a lead", Action.DELETE: "delete a lead"}
    return f"{write.account}: {verb[tool.action]}"


def as_asked(write: Write) -> list[str]:
    """Before and after as they were when it was asked for; of several at once nothing: their page looks at each."""
    intent = write.intent or {}
    return list(changed_lines(tool_of(write).action, intent.get("before") or {}, intent.get("after") or {}))
