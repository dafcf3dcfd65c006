"""Finding the same person at an account: same e-mail (case-folded) or same telephone number (in E.164)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.notes import Note
from lead_mcp.engine.pace import Pace
from lead_mcp.engine.persons.person import Person
from lead_mcp.engine.persons.person_search import PersonSearch
from lead_mcp.engine.query import Query
from lead_mcp.engine.readers.time_slices import DAWN
from lead_mcp.engine.records import Record
from lead_mcp.engine.resolve import resolve_queries
from lead_mcp.engine.search import read_through
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import newest_first
from lead_mcp.vendors.spec.reading import PersonLookup

CLOCK_SLIP = timedelta(days=1)
"""How far a vendor's clock, or the zone it is thought to mean, may be ahead of ours."""
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class PersonMatches:
    """Who was found at one account, oldest first; what it took; whether everything was looked through."""

    records: list[Record] = field(default_factory=list)
    requests: int = 0
    scanned: int = 0
    complete: bool = True
    notes: list[Note] = field(default_factory=list)
    window: Window | None = None
    error: LeadMcpError | None = None
    copied: bool = False
    """Whether a copy of the account was looked in, which may know less than its vendor."""

    def count(self) -> None:
        self.requests += 1


@dataclass(frozen=True)
class LookupScope:
    """What a look-up needs beside the person: bounds, the clock, the region of telephone numbers."""

    limits: Limits
    seal: Seal
    region: str
    now: datetime
    window: Window | None = None
    everything: bool = False
    """A vendor that must be read through is read from its beginning, not within its default window."""


async def find_person(connection: Connection, person: Person, scope: LookupScope) -> PersonMatches:
    """The person's leads at one account. Raises LeadMcpError where it could not be asked."""
    lookup = connection.vendor.person_lookup
    if not person:
        return PersonMatches()
    if lookup is None:
        return await _scan(connection, person, scope)
    return await _look_up(connection, lookup, person, scope)


async def _look_up(connection: Connection, lookup: PersonLookup, person: Person, scope: LookupScope) -> PersonMatches:
    """Whom the vendor's own searches find, checked here."""
    matches = PersonMatches()
    search = PersonSearch(connection.outbound, connection.learned, lookup, person, scope.region, count=matches.count)
    await search.read()
    matches.scanned, matches.complete = len(search.rows), not search.why
    matches.notes += [*search.notes, *search.why]
    pace, found = Pace(), dict[str, Record]()
    for record in map(search.record, search.rows):
        await pace.step()
        if person.is_in(record, scope.region):
            found[record.uri] = record
    matches.records = sorted(found.values(), key=created)
    return matches


async def _scan(connection: Connection, person: Person, scope: LookupScope) -> PersonMatches:
    """A vendor that cannot be asked for a person: its leads are read through, newest first, up to the scan limit."""
    soon = scope.now + CLOCK_SLIP
    window = Window(DAWN, scope.now, "UTC") if scope.everything else None
    if window is None and connection.vendor.leads.window is not None:
        window = Window(scope.now - connection.vendor.leads.window, soon, "UTC")
    # whole: stories and inserts read more of a record than the person it names
    query = Query(orders=newest_first("created_at"), whole=True, now=soon, window=window)
    matches = PersonMatches()

    def take(record: Record) -> None:
        if person.is_in(record, scope.region):
            matches.records.append(record)

    account_queries = await resolve_queries([connection], query)
    for entry in await read_through(account_queries, query, scope.limits, take):
        _tally(matches, entry)
    matches.window = matches.window or (None if scope.everything else window)  # what is older was not looked at
    matches.records.sort(key=created)
    return matches


def _tally(matches: PersonMatches, entry: LedgerEntry) -> None:
    matches.requests += entry.requests
    matches.scanned += entry.scanned
    matches.window, matches.error = entry.window, entry.error
    matches.complete = entry.complete
    matches.notes = [*entry.notes]


def created(record: Record) -> tuple[bool, datetime, str]:
    """Oldest first; records without a time last."""
    moment = record.get("created_at")
    known = moment if isinstance(moment, datetime) else None
    return (known is None, known or NEVER, record.uri)
