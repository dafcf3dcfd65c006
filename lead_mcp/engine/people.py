"""Finding the same person at an account: same e-mail (case-folded) or same telephone number (in E.164)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.fanout import together
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.pace import Pace
from lead_mcp.engine.query import Query, resolve_queries
from lead_mcp.engine.readers.base import lacking
from lead_mcp.engine.readers.paging import following, is_last
from lead_mcp.engine.readers.time_slices import DAWN
from lead_mcp.engine.records import Record, lead_record
from lead_mcp.engine.search import read_through
from lead_mcp.engine.text import TEXT_FIELDS
from lead_mcp.errors import LeadMcpError, MalformedReply
from lead_mcp.filters import Order, folded
from lead_mcp.phones import e164, extension_of, parse_phone
from lead_mcp.vendors.spec.http import Raw, Request
from lead_mcp.vendors.spec.reading import Page, PageRequest, PersonLookup

PHONE_WORDS = ("phone", "mobile")
CLOCK_SLIP = timedelta(days=1)
"""How far a vendor's clock, or the zone it is thought to mean, may be ahead of ours."""
NEVER = datetime.max.replace(tzinfo=UTC)
MOST = 10_000
"""Records read at most of those that a vendor's own search gives for one person."""


@dataclass(frozen=True)
class Person:
    """Whom to look for: case-folded e-mails and E.164 numbers."""

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    spelled: tuple[str, ...] = ()
    """The e-mails as given: a vendor may tell upper case from lower."""
    extension: str = ""
    """Behind the number; a record with another extension is somebody else's."""

    @classmethod
    def of(cls, values: Mapping[str, object], region: str) -> Person:
        """The person a lead's values name."""
        email, phone = values.get("email"), values.get("phone")
        number = e164(str(phone), region) if phone else None
        emails = (str(email),) if email else ()
        extension = extension_of(str(phone), region) if number else ""
        return cls(frozenset(map(folded, emails)), frozenset({number} if number else ()), emails, extension)

    def is_in(self, record: Record, region: str) -> bool:
        """Whether a record is of this person: its e-mail, or any of its telephone numbers."""
        email = record.get("email")
        if email is not None and folded(str(email)) in self.emails:
            return True
        return any(
            number in self.phones and (extension == self.extension or "" in (extension, self.extension))
            for number, extension in _lines_of(record, region)
        )

    def meets(self, other: Person) -> bool:
        """Whether both may be one: an e-mail in common, or a number behind which they have no two extensions."""
        apart = self.extension and other.extension and self.extension != other.extension
        return bool(self.emails & other.emails or (self.phones & other.phones and not apart))

    def joined(self, other: Person) -> Person:
        """Whoever is one of both."""
        emails, phones = self.emails | other.emails, self.phones | other.phones
        return Person(emails, phones, (*self.spelled, *other.spelled), self.extension)

    def __bool__(self) -> bool:
        return bool(self.emails or self.phones)


def numbers_of(record: Record, region: str) -> Iterable[str]:
    """Every telephone number of a record in E.164: ours, and the vendor's own phone fields."""
    return (number for number, _ in _lines_of(record, region))


def _lines_of(record: Record, region: str) -> Iterator[tuple[str, str]]:
    """The same, each with its extension."""
    values = [record.get("phone")]
    values += [value for key, value in record.raw.items() if any(word in key.casefold() for word in PHONE_WORDS)]
    for value in values:
        number = e164(str(value), region) if value and not isinstance(value, Mapping | list) else None
        if number:
            yield number, extension_of(str(value), region)


@dataclass
class PersonMatches:
    """Who was found at one account, oldest first; what it took; whether everything was looked through."""

    records: list[Record] = field(default_factory=list)
    requests: int = 0
    scanned: int = 0
    complete: bool = True
    notes: list[str] = field(default_factory=list)
    window: Window | None = None
    error: LeadMcpError | None = None

    def count(self) -> None:
        self.requests += 1


@dataclass(frozen=True)
class LookupScope:
    """What scope needs beside the person: bounds, the clock, the region of telephone numbers."""

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
    return await (_scan(connection, person, scope) if lookup is None else _ask(connection, person, scope))


async def _ask(connection: Connection, person: Person, scope: LookupScope) -> PersonMatches:
    """Every spelling of every e-mail and number, asked side by side, each to its last page."""
    lookup, account, matches = connection.vendor.person_lookup, connection.account, PersonMatches()
    if lookup is None:
        return matches
    phones = [parse_phone(number, scope.region)[0] for number in sorted(person.phones)]

    def page_of_each(ask: PageRequest) -> list[Request]:
        """That page of every spelling."""
        return [
            *(request for email in person.spelled for request in lookup.email(account, email, ask)),
            *(request for phone in phones for request in lookup.phone(account, phone, ask)),
        ]

    spellings = [_Spelling(connection, lookup, matches) for _ in page_of_each(PageRequest(limit=lookup.page))]
    await together([partial(one.read, page_of_each, nth) for nth, one in enumerate(spellings)])
    rows = [row for one in spellings for row in one.rows]
    matches.scanned = len(rows)
    matches.notes += [lookup.note] if lookup.note else []
    matches.records = await _matching(connection, rows, person, scope)
    return matches


@dataclass
class _Spelling:
    """One spelling of a person's e-mail or number at one account, page by page."""

    connection: Connection
    lookup: PersonLookup
    matches: PersonMatches
    rows: list[Raw] = field(default_factory=list)

    async def read(self, page_of_each: Callable[[PageRequest], list[Request]], nth: int) -> None:
        """Read every page; what could not be read is noted."""
        ask, before = PageRequest(limit=self.lookup.page), Page(())
        while True:
            read = partial(self.lookup.read, self.connection.account)
            page = await self.connection.outbound.fetch(page_of_each(ask)[nth], read, self.matches.count)
            if page.rows and page.rows == before.rows:  # the same again: this call has no pages, and there may be more
                return self._cut(f"the vendor gives the first {len(page.rows):,} records of a spelling and no more")
            self.rows.extend(page.rows)
            if is_last(page, ask):
                return self._count(page)
            if len(self.rows) >= MOST:
                return self._cut(f"stopped at {MOST:,} records")
            ask, before = following(ask, page, ask.limit), page

    def _count(self, page: Page) -> None:
        """Pages whose order is the vendor's own may repeat some records and leave out others."""
        leads, account = self.connection.vendor.leads, self.connection.account
        different = len({leads.identify(account, row, None) for row in self.rows})
        if page.total is not None and different < page.total:
            self._cut(lacking(page.total, different))

    def _cut(self, why: str) -> None:
        self.matches.complete = False
        self.matches.notes.append(why)


async def _matching(connection: Connection, rows: Sequence[Raw], person: Person, scope: LookupScope) -> list[Record]:
    account, pace = connection.account, Pace()
    names = Names(account.fields)
    found: dict[str, Record] = {}
    for row in rows:
        await pace.step()
        lead_id = connection.vendor.leads.identify(account, row, None)
        if lead_id is None:
            raise MalformedReply(f"{account.name} sent a record without an id.", account=account.name)
        record = lead_record(account.name, lead_id, row, names.field)
        if person.is_in(record, scope.region):
            found[record.uri] = record
    return sorted(found.values(), key=created)


async def _scan(connection: Connection, person: Person, scope: LookupScope) -> PersonMatches:
    """A vendor that cannot be asked for a person: its leads are read through, newest first, up to the scan limit."""
    soon = scope.now + CLOCK_SLIP
    window = Window(DAWN, scope.now, "UTC") if scope.everything else None
    if window is None and connection.vendor.leads.window is not None:
        window = Window(scope.now - connection.vendor.leads.window, soon, "UTC")
    query = Query(orders=(Order("created_at", descending=True),), defaults=TEXT_FIELDS, now=soon, window=window)
    matches = PersonMatches()

    def take(record: Record) -> None:
        if person.is_in(record, scope.region):
            matches.records.append(record)

    account_queries = await resolve_queries([connection], query)
    for entry in await read_through(account_queries, query, scope.limits, take):
        _tally(matches, entry)
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
