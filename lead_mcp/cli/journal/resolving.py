"""``lead-mcp journal resolve``: a person has looked at the vendor and says what became of a write. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lead_mcp.cli.approve import found
from lead_mcp.cli.opened import opened_journal
from lead_mcp.errors import BadArgument, Conflict
from lead_mcp.journal.entries import OPEN, State, Write
from lead_mcp.journal.store import Journal
from lead_mcp.uris import lead_uri, parse_uri
from lead_mcp.writing.outcome import DONE, Action, Outcome
from lead_mcp.writing.rehydrate import arguments_of, tool_of

RESOLVABLE: Final = (State.UNKNOWN, State.ACCEPTED, *OPEN)
BY_HAND: Final = "settled by a person who looked"


def resolve(name: str, *, created: str | None, done: bool, not_done: bool, config: Path | None) -> int:
    """End an unknown write; the exit code. Raises BadArgument, Conflict."""
    if [created is not None, done, not_done].count(True) != 1:
        raise BadArgument("Say one of --created URI, --done, --not-done.")
    with opened_journal(config) as (_, journal):
        write = found(journal, name)
        _check_open(journal, write)
        print(_not_done(journal, write) if not_done else _done(journal, write, created))
    return 0


def _not_done(journal: Journal, write: Write) -> str:
    values = {"why": f"not done: {BY_HAND}"}
    _check_ours(write, journal.take_over(write, State.REFUSED, values, keep_key=False))
    return f"{write.id}: not done; it may be asked for again"


def _done(journal: Journal, write: Write, created: str | None) -> str:
    kind, uri = DONE[tool_of(write).action], _uri(write, created)
    outcome = Outcome(kind, uri, journal_id=write.id, warnings=(BY_HAND,))
    _check_ours(write, journal.take_over(write, State.RESOLVED, outcome.record(), uri=uri))
    return f"{write.id}: {kind} {uri or ''}".strip()


def _check_ours(write: Write, ended: Write | None) -> None:
    if ended is None:
        raise Conflict(f"{write.id} was settled by somebody else meanwhile.")


def _check_open(journal: Journal, write: Write) -> None:
    if journal.is_worked_on(write):
        raise Conflict(f"{write.id} is being worked on by another process just now.")
    if write.state is State.PENDING:
        raise Conflict(f"{write.id} was never sent: it waits for `lead-mcp approve {write.id}` (--decline drops it).")
    if write.state not in RESOLVABLE:
        raise Conflict(f"{write.id} is {write.state}: there is nothing to resolve.")


def _uri(write: Write, created: str | None) -> str | None:
    """The lead it was about. Raises BadArgument for a URI that cannot be it."""
    inserts = tool_of(write).action is Action.INSERT
    if created is not None:
        if not inserts:
            raise BadArgument(f"--created is for inserts; {write.id} is {write.tool}. Say --done.")
        parsed = parse_uri(created, "lead")
        if parsed.account != write.account:
            raise BadArgument(f"--created: {created} is no lead of {write.account}, where {write.id} went.")
        return lead_uri(parsed.account, parsed.id)
    if inserts or write.intent is None:
        return write.uri
    return lead_uri(*arguments_of(write)["lead"])
