"""Whose person is at another account too: the same e-mail, folded, or the same telephone number.

An account whose vendor gives large pages is read once, up to the scan limit, and told from that; what it does not hold, where
it could not be read whole, and every other account is asked for one person after the other. So is nobody asked for twice in
one answer. Who cannot be told, for want of time, of an e-mail and a number, or of an answer, is never taken for absent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import finished_within
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.persons.people import CLOCK_SLIP, LookupScope, find_person
from lead_mcp.engine.persons.person import Person, numbers_of
from lead_mcp.engine.query import Query
from lead_mcp.engine.readers.time_slices import DAWN
from lead_mcp.engine.records import Record
from lead_mcp.engine.resolve import resolve_queries
from lead_mcp.engine.search import read_through
from lead_mcp.engine.text_search import TEXT_FIELDS
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Op, Where, folded, newest_first
from lead_mcp.phones import extension_of

PRESENCE: Final = "in_account"
LARGE_PAGE: Final = 1_000
"""Records a page from which on reading an account costs less than asking it for a page of people."""
MOST_ASKED: Final = 60
"""People that one answer asks an account for, at most."""
ABREAST: Final = 4
"""People looked for side by side."""

Presence = bool | None
"""Whether somebody is there; None where that is not known."""


@dataclass
class ContactIndex:
    """The e-mails and numbers of an account that was read through. ``whole``: whether all of it was."""

    emails: set[str] = field(default_factory=set)
    numbers: dict[str, set[str]] = field(default_factory=dict)
    """With the extensions behind each; "" where there is none."""
    whole: bool = False

    def take(self, record: Record, region: str) -> None:
        """Add a lead's person."""
        if email := record.get("email"):
            self.emails.add(folded(str(email)))
        extension = extension_of(str(record.get("phone")), region)
        for number in numbers_of(record, region):
            self.numbers.setdefault(number, set()).add(extension)

    def holds(self, person: Person) -> bool:
        """Whether somebody in it may be this person."""
        found = [self.numbers[number] for number in person.phones if number in self.numbers]
        apart = {person.extension, ""}
        return bool(self.emails & person.emails) or any(not person.extension or one & apart for one in found)


@dataclass
class OtherAccount:
    """One account where people are looked for."""

    connection: Connection
    scope: LookupScope
    entry: LedgerEntry = field(init=False)
    asked: int = 0
    found: int = 0
    index: ContactIndex | None = None
    _known: dict[Person, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entry = LedgerEntry(self.connection.name)

    @property
    def _readable(self) -> bool:
        vendor = self.connection.vendor
        return vendor.person_lookup is None or max(route.page for route in vendor.leads.routes) >= LARGE_PAGE

    @property
    def used_up(self) -> bool:
        """Whether nobody else can be asked for in this answer."""
        return self.entry.error is not None or self.asked >= MOST_ASKED

    async def prepare(self, left: float) -> None:
        """Read the account, where that is the cheaper way. A failure is kept in the entry."""
        if self.index is not None or not self._readable:
            return
        index = self.index = ContactIndex()
        soon = self.scope.now + CLOCK_SLIP
        query = Query(
            orders=newest_first("created_at"),
            defaults=TEXT_FIELDS,
            now=soon,
            window=Window(DAWN, soon, "UTC"),
        )
        limits = replace(self.scope.limits, deadline=left)
        take: Callable[[Record], None] = partial(index.take, region=self.scope.region)
        try:
            (read,) = await read_through(await resolve_queries([self.connection], query), query, limits, take)
        except LeadMcpError as error:
            self.entry.error = error
            return
        self.entry.requests, self.entry.scanned, self.entry.error = read.requests, read.scanned, read.error
        index.whole = read.whole

    async def has(self, person: Person) -> Presence:
        """Whether the person is here."""
        if self.index is not None and (self.index.whole or self.index.holds(person)):
            return self.index.holds(person)
        if person not in self._known:
            if self.used_up or self.connection.vendor.person_lookup is None:
                return None
            found = await self._ask(person)
            if found is None:
                return None
            self._known[person] = found
        return self._known[person]

    async def _ask(self, person: Person) -> Presence:
        """By number, then, where nobody has that, by e-mail. A failure is kept in the entry."""
        self.asked += 1
        complete = True
        for part in (
            replace(person, emails=frozenset(), spelled=()),
            replace(person, phones=frozenset(), extension=""),
        ):
            try:
                matches = await find_person(self.connection, part, self.scope)
            except LeadMcpError as error:
                self.entry.error = error
                return None
            self.entry.requests += matches.requests
            self.entry.scanned += matches.scanned
            self.entry.note(*matches.notes)
            complete = complete and matches.complete
            if matches.records:
                return True
        return False if complete else None


@dataclass
class PresenceCheck:
    """Judges records by whether their person is at any of the other accounts (``wanted``), or at none of them."""

    others: Sequence[OtherAccount]
    region: str
    wanted: bool = True
    looked_up: int = 0
    nameless: int = 0
    """Leads with neither an e-mail nor a number."""
    unknown: int = 0

    @property
    def clause(self) -> Where:
        """As the ledger shows it."""
        names = ",".join(one.connection.name for one in self.others)
        word = names if self.wanted else f"not {names}"
        return Where(PRESENCE, Op.EQ, word, f"{PRESENCE} {word}")

    @property
    def failed(self) -> bool:
        """Whether nobody can be told any more: every other account failed."""
        return all(one.entry.error is not None for one in self.others)

    async def judge(self, records: Sequence[Record], need: int, until: float) -> list[Presence]:
        """For each record whether it is wanted; None where that could not be told by ``until`` (event loop's clock).

        None too behind those that ``need`` so many.
        """
        half = max(0.1, (until - anyio.current_time()) / 2)
        await finished_within(half, [partial(one.prepare, half) for one in self.others])
        verdicts: list[Presence] = [None] * len(records)

        async def one(nth: int) -> None:
            verdicts[nth] = await self._wanted(records[nth])

        for start in range(0, len(records), ABREAST):
            if verdicts.count(True) >= need:
                break
            jobs = [partial(one, nth) for nth in range(start, min(start + ABREAST, len(records)))]
            await finished_within(until - anyio.current_time(), jobs)
        return verdicts

    async def _wanted(self, record: Record) -> Presence:
        person = Person.of({"email": record.get("email"), "phone": record.get("phone")}, self.region)
        if not person:
            self.nameless += 1
            return False
        found = [await one.has(person) for one in self.others]
        for other, here in zip(self.others, found, strict=True):
            other.found += here is True
        if any(found):
            return self.wanted
        return None if None in found else not self.wanted
