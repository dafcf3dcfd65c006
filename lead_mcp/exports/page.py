"""What a file is made of, page by page, and one ledger of all of them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.outgoing.ledger import entry_to_dict

NUMBERS: Final = re.compile(r"[\d,.:]+")
MOST_NOTES: Final = 20
SUMS: Final = ("returned", "scanned", "requests")
LISTS: Final = ("pushed", "checked_here")
PASSING: Final = frozenset({"rate_limited", "unavailable", "timeout", "garbled"})
"""Codes of what may be over when one asks again."""
Entry = dict[str, Any]


@dataclass(frozen=True)
class ExportPage:
    """Some rows of an answer. ``cursor``: where the next ones are, None where there are none.

    ``left_out``: why rows that were asked for are on no page at all; empty where all are.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    cursor: str | None
    entries: Sequence[LedgerEntry]
    total: int | None = None
    window: Mapping[str, Any] | None = None
    missing: Sequence[str] = ()
    left_out: str = ""
    notes: Sequence[str] = field(default=())

    @property
    def passing(self) -> set[str]:
        """Accounts that failed in a way that may be over by now."""
        return {one.account for one in self.entries if one.error is not None and one.error.code in PASSING}


Pages = Callable[[str | None, int], Awaitable[ExportPage]]
"""The page behind a cursor, of so many rows at most. Raises LeadMcpError where nobody could answer."""


def joined(accounts: Mapping[str, Entry], entries: Sequence[LedgerEntry]) -> dict[str, Entry]:
    """The ledger of all pages so far: costs added up; what a later page has caught up with is complete."""
    found = dict(accounts)
    for entry in entries:
        new = entry_to_dict(entry)
        old = found.get(entry.account)
        found[entry.account] = {**new, "lost": entry.lost} if old is None else _added(old, new, lost=entry.lost)
    return found


def _added(old: Entry, new: Entry, *, lost: bool) -> Entry:
    lost = lost or old["lost"]
    total = new["total"] if old["total"] is None else old["total"]
    whole = {
        **old,
        **{name: old[name] + new[name] for name in SUMS},
        **{name: list(dict.fromkeys((*old[name], *new[name]))) for name in LISTS},
        "total": total,
        "complete": new["complete"] and not lost and "error" not in old,
        "lost": lost,
    }
    if "error" in new:
        whole.setdefault("error", new["error"])
    notes = _notes(old.get("note", ""), new.get("note", ""))
    return {**whole, "note": notes} if notes else whole


def _notes(*notes: str) -> str:
    """Each note once: those that differ in their numbers alone are one."""
    parts = [part for note in notes for part in note.split("; ") if part]
    return "; ".join(list({NUMBERS.sub("#", part): part for part in parts}.values())[:MOST_NOTES])


def entry_to_read(entry: Entry) -> Entry:
    """One account's entry as a reader gets it."""
    return {name: value for name, value in entry.items() if name != "lost"}


def reasons(accounts: Mapping[str, Entry]) -> list[str]:
    """Why the file is not whole, account by account."""
    found = []
    for name, entry in accounts.items():
        if "error" in entry:
            found.append(f"{name}: {entry['error']['code']}: {entry['error']['message']}")
        elif not entry["complete"]:
            found.append(f"{name}: {entry.get('note') or 'not everything was read'}")
    return found
