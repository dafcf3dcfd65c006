"""``search_leads`` with ``in_account``: of a search only those leads stay whose person is at another account too, or is not.

The search is read in chunks until a page is full, everybody is judged, or nobody else can be asked for; the cursor goes on
behind the last lead that was judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio

from lead_mcp.engine.answer import Answer, count_returned
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons.notes import LookingStopped, PeopleLookedFor, PeopleNameless, PeopleUnknown
from lead_mcp.engine.persons.presence import PRESENCE, PresenceCheck
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.vendors.spec.fields import Field

CHUNK: Final = 50
"""Leads that are judged at once."""
IDENTIFYING: Final = ("email", "phone")
"""Fields by which a person is known: read with every lead, whatever columns the answer shows."""
MARGIN: Final = 0.1
"""Seconds left of the deadline in which nothing more is begun."""

IN_ACCOUNT: Final = Field(PRESENCE)
Place = Callable[[], str | None]
"""Makes the cursor that goes on behind a lead."""


@dataclass
class _Page:
    """What has come together for one page."""

    kept: list[Record] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    """Behind each of ``kept``."""
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    missing: list[str] | None = None
    cursor: str | None = None
    certain: int = 0
    """How many of ``kept`` stand where a page can be cut."""

    def add(self, answer: Answer) -> None:
        """Take in what a chunk cost."""
        for entry in answer.entries:
            known = self.entries.setdefault(entry.account, entry)
            if known is not entry:
                known.add(entry)
        if answer.missing is not None:
            self.missing = [*(self.missing or []), *answer.missing]


async def search_present(
    connections: Sequence[Connection], query: Query, check: PresenceCheck, limits: Limits, seal: Seal
) -> Answer:
    """One page. Raises LeadMcpError where the call is wrong, or no account could answer, or nobody could be judged."""
    until, page = anyio.current_time() + limits.deadline, _Page(cursor=query.cursor)
    while True:
        left = until - anyio.current_time()
        asked = replace(query, limit=CHUNK, cursor=page.cursor, defaults=(*query.defaults, *IDENTIFYING))
        answer = await search(connections, asked, replace(limits, deadline=max(0.1, left)), seal)
        page.add(answer)
        judged = await _judge(page, answer, check, query.limit, until - MARGIN)
        whole = judged == len(answer.records)
        page.cursor = answer.cursor if whole else answer.cut(judged)
        full = len(page.kept) >= query.limit
        if page.cursor is None or full or not whole or check.failed or until - anyio.current_time() < MARGIN:
            return _answer(page, query, check, cut=not whole and not full)


async def _judge(page: _Page, answer: Answer, check: PresenceCheck, limit: int, until: float) -> int:
    """Keep those of the chunk that are wanted; how many of its first leads were judged."""
    verdicts = await check.judge(answer.records, limit - len(page.kept), until)
    later = anyio.current_time() >= until or any(one.used_up for one in check.others)
    for nth, (record, wanted) in enumerate(zip(answer.records, verdicts, strict=True)):
        if nth <= answer.certain and (len(page.kept) >= limit or (wanted is None and later and not check.failed)):
            return nth
        check.looked_up += 1
        check.unknown += wanted is None
        if wanted:
            page.kept.append(record)
            last = nth + 1 == len(answer.records)
            page.places.append((lambda: answer.cursor) if last else partial(answer.cut, nth + 1))
            page.certain += nth < answer.certain
    return len(answer.records)


def _answer(page: _Page, query: Query, check: PresenceCheck, *, cut: bool) -> Answer:
    errors = [one.entry.error for one in check.others if one.entry.error is not None]
    if errors and len(errors) == len(check.others) and not page.kept:
        raise errors[0]
    entries = [*page.entries.values(), *_others(check)]
    for entry in page.entries.values():
        entry.checked_here = (*entry.checked_here, check.clause)
        entry.field_of = partial(_field_of, entry.field_of)
        entry.total = None
        entry.complete = entry.complete and not (cut or check.unknown)
        entry.lost = bool(check.unknown)
        entry.note(*_notes(check, cut=cut))
    count_returned(entries, page.kept)
    total = len(page.kept) if page.cursor is None and query.cursor is None and not check.unknown else None

    def place(rows: int) -> str:
        return (page.places[rows - 1]() or "") if rows else (query.cursor or "")

    return Answer(page.kept, total, page.cursor, entries, page.missing, place, certain=page.certain)


def _field_of(known: Callable[[str], Field | None], name: str) -> Field | None:
    """The fields of an entry, and that of our own clause: an account's name says nothing of a person."""
    return IN_ACCOUNT if name == PRESENCE else known(name)


def _others(check: PresenceCheck) -> list[LedgerEntry]:
    """The entries of the accounts that people were looked for at."""
    for one in check.others:
        one.entry.complete = one.entry.error is None and not check.unknown
        read = one.entry.scanned if one.index is not None else None
        one.entry.notes.insert(0, PeopleLookedFor(check.looked_up, one.found, read))
    return [one.entry for one in check.others]


def _notes(check: PresenceCheck, *, cut: bool) -> list[Note]:
    notes: list[Note] = []
    if cut:
        notes.append(LookingStopped(check.looked_up))
    if check.unknown:
        notes.append(PeopleUnknown(check.unknown))
    if check.nameless:
        notes.append(PeopleNameless(check.nameless))
    return notes
