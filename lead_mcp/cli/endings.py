"""``lead-mcp journal resolve``: a person has looked at the vendor and says what became of a write. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lead_mcp.cli.approve import found
from lead_mcp.cli.setup import opened_journal
from lead_mcp.errors import BadArgument, Conflict
from lead_mcp.journal.entries import Write
from lead_mcp.journal.store import Journal
from lead_mcp.uris import lead_uri, parse_uri
from lead_mcp.writing.pipeline import Outcome
from lead_mcp.writing.rehydrate import arguments_of

OPEN: Final = ("unknown", "sending", "intended")
WORDS: Final = {"update_lead": "updated", "delete_lead": "deleted"}
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
    _check_ours(write, journal.take_over(write, OPEN, "refused", values, keep_key=False))
    return f"{write.id}: not done; it may be asked for again"


def _done(journal: Journal, write: Write, created: str | None) -> str:
    word, uri = WORDS.get(write.tool, "created"), _uri(write, created)
    said = Outcome(word, uri, journal_id=write.id, warnings=(BY_HAND,)).to_dict()
    _check_ours(write, journal.take_over(write, OPEN, "resolved", said, uri=uri))
    return f"{write.id}: {word} {uri or ''}".strip()


def _check_ours(write: Write, ended: bool) -> None:
    if not ended:
        raise Conflict(f"{write.id} was settled by somebody else meanwhile.")


def _check_open(journal: Journal, write: Write) -> None:
    if journal.is_worked_on(write):
        raise Conflict(f"{write.id} is being worked on by another process just now.")
    if write.state == "pending":
        raise Conflict(f"{write.id} was never sent: it waits for `lead-mcp approve {write.id}` (--decline drops it).")
    if write.state not in OPEN:
        raise Conflict(f"{write.id} is {write.state}: there is nothing to resolve.")


def _uri(write: Write, created: str | None) -> str | None:
    """The lead it was about. Raises BadArgument for a URI that cannot be it."""
    if created is not None:
        if not write.tool.startswith("insert"):
            raise BadArgument(f"--created is for inserts; {write.id} is {write.tool}. Say --done.")
        parsed = parse_uri(created, "lead")
        if parsed.account != write.account:
            raise BadArgument(f"--created: {created} is no lead of {write.account}, where {write.id} went.")
        return lead_uri(parsed.account, parsed.id)
    if write.tool.startswith("insert") or write.intent is None:
        return write.uri
    return lead_uri(*arguments_of(write)["lead"])
