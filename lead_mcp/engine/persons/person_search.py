"""Asking a vendor's own searches for one person: in rounds, from the cheapest that may find everything to every spelling.

A later round is asked only where those before it cannot be known to have found all. For an e-mail that is where nobody has
it. For a telephone number it is where the vendor's search has never been seen to find a part of one: once it has, the last
digits of a number, which nobody sets apart, find it in every spelling.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from lead_mcp.engine.connection import Names
from lead_mcp.engine.fanout import together
from lead_mcp.engine.learned import Learned
from lead_mcp.engine.notes import FewerThanCounted, Note, SpellingCut, StoppedAt, VendorSays
from lead_mcp.engine.persons.person import Person, numbers_of
from lead_mcp.engine.persons.person_question import notes_of
from lead_mcp.engine.readers.paging import following, is_last
from lead_mcp.engine.records import Reads, Record, lead_record, without_id
from lead_mcp.errors import Rejected
from lead_mcp.filters import folded
from lead_mcp.phones import TOGETHER, Phone, parse_phone
from lead_mcp.transport.outbound import Outbound
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, PageRequest, PersonLookup, Rounds

MOST: Final = 10_000
"""Records read at most of those that a vendor's own search gives for one person."""
PROBED: Final = 20
FEW_DIGITS: Final = 2
"""So few that somebody's number holds them, wherever there is more than a handful of leads."""

Enough = Callable[[Sequence[Raw]], Awaitable[bool]]
"""Whether what one round gave leaves nothing to look for."""


@dataclass
class PersonSearch:
    """One person at one account. ``words``: a full name to look for as well. ``partition``: the one to look in, else all.

    ``rows``: what came; ``why``: what did not.
    """

    outbound: Outbound
    learned: Learned
    lookup: PersonLookup
    person: Person
    region: str
    words: tuple[str, ...] = ()
    count: Callable[[], None] = lambda: None
    partition: str | None = None
    rows: list[Raw] = field(default_factory=list)
    why: list[Note] = field(default_factory=list)

    async def read(self) -> None:
        """Ask for every e-mail, number and name side by side. Raises VendorError."""
        lookup, account = self.lookup, self.outbound.account
        phones = [parse_phone(number, self.region)[0] for number in sorted(self.person.phones)]
        jobs = [
            *(partial(self._ask, partial(lookup.email, account, one), self._has_email(one)) for one in self._emails()),
            *(
                partial(self._ask, partial(lookup.phone, account, one), self._has_number(one), lookup.part is not None)
                for one in phones
            ),
        ]
        if self.words and lookup.name is not None:
            jobs.append(partial(self._ask, partial(lookup.name, account, self.words), _never))
        await together(jobs)

    @property
    def notes(self) -> list[Note]:
        """Whom these searches may have missed: known once they were asked."""
        spellings = self.lookup.spellings_note if self.person.phones and not self.learned.finds_parts else ""
        return [*notes_of(self.lookup, self.person), *([VendorSays(spellings)] if spellings else [])]

    def _emails(self) -> Sequence[str]:
        return tuple(dict.fromkeys(self.person.spelled))

    async def _ask(self, build: Callable[[PageRequest], Rounds], enough: Enough, by_part: bool = False) -> None:
        """Round after round, each to its last page, until one was enough. ``by_part``: whether the first round searches for
        a part of what those after it ask for whole, so that they stand in for it where the vendor refuses a text so short.
        """
        rounds = build(PageRequest(limit=self.lookup.page, partition=self.partition))
        for nth, requests in enumerate(rounds):
            last = nth + 1 == len(rounds)
            stood_in_for = by_part and nth == 0 and not last
            pages = [SearchPages(self, build, (nth, at)) for at in range(len(requests))]
            try:
                await together([one.read for one in pages])
            except Rejected:
                if not stood_in_for:
                    raise
                continue
            rows = [row for one in pages for row in one.rows]
            self.rows += rows
            if last or await enough(rows):
                return

    def _has_email(self, email: str) -> Enough:
        async def has(rows: Sequence[Raw]) -> bool:
            emails = (self.record(row).get("email") for row in rows)
            return any(one is not None and folded(str(one)) == folded(email) for one in emails)

        return has

    def _has_number(self, phone: Phone) -> Enough:
        """Where the vendor's search finds parts of a number, the round for its last digits was enough, whoever it found."""

        async def has(rows: Sequence[Raw]) -> bool:
            if self.lookup.part is None:
                return any(phone.e164 in numbers_of(self.record(row), self.region) for row in rows)
            if len(rows) >= self.lookup.cap:
                return False
            return self._shows_parts(rows, phone.national[-TOGETHER:]) or await self._probed(
                phone.national[-FEW_DIGITS:]
            )

        return has

    async def _probed(self, digits: str) -> bool:
        """Ask once for very few digits, which somebody's number will hold, to see whether parts are found at all."""
        lookup, account = self.lookup, self.outbound.account
        if lookup.part is None:
            return False
        request = lookup.part(account, digits, PageRequest(limit=PROBED, partition=self.partition))
        try:
            page = await self.outbound.fetch(request, partial(lookup.read, account), self.count)
        except Rejected:  # so few are too few to search for
            return False
        return self._shows_parts(page.rows, digits)

    def _shows_parts(self, rows: Sequence[Raw], digits: str) -> bool:
        """Whether the search is known to find parts of numbers: now, or ever before.

        A number that holds the digits behind another one shows it, unless the record's other texts hold them as well.
        """
        for row in rows if not self.learned.finds_parts else ():
            record = self.record(row)
            elsewhere = f"{record.get('name')} {record.get('email')} {record.get('company')}"
            inside = re.search(rf"\d{digits}", str(record.get("phone")))
            self.learned.finds_parts |= inside is not None and digits not in elsewhere
        return self.learned.finds_parts

    @property
    def _reads(self) -> Reads:
        return Names(self.outbound.account.fields).field

    def record(self, row: Raw) -> Record:
        """A row as a lead. Raises MalformedReply where it has no id."""
        account = self.outbound.account
        lead_id = self.outbound.vendor.leads.identify(account, row, None)
        if lead_id is None:
            raise without_id(account.name)
        return lead_record(account.name, lead_id, row, self._reads)


async def _never(rows: Sequence[Raw]) -> bool:
    return False


@dataclass
class SearchPages:
    """One request of one round, page by page. ``place``: which round, which of its requests."""

    search: PersonSearch
    build: Callable[[PageRequest], Rounds]
    place: tuple[int, int]
    rows: list[Raw] = field(default_factory=list)

    async def read(self) -> None:
        """Read every page; what could not be read is noted."""
        lookup, outbound = self.search.lookup, self.search.outbound
        ask = PageRequest(limit=lookup.page, partition=self.search.partition)
        before, (nth, at) = Page(()), self.place
        while True:
            request = self.build(ask)[nth][at]
            page = await outbound.fetch(request, partial(lookup.read, outbound.account), self.search.count)
            if page.rows and page.rows == before.rows:  # the same again: this call has no pages, and there may be more
                return self._cut(SpellingCut(len(page.rows)))
            self.rows.extend(page.rows)
            if is_last(page, ask):
                return self._check_count(page)
            if len(self.rows) >= MOST:
                return self._cut(StoppedAt(MOST, "records"))
            ask, before = following(ask, page, ask.limit), page

    def _check_count(self, page: Page) -> None:
        """Pages whose order is the vendor's own may repeat some records and leave out others."""
        outbound = self.search.outbound
        different = len({outbound.vendor.leads.identify(outbound.account, row, None) for row in self.rows})
        if page.total is not None and different < page.total:
            self._cut(FewerThanCounted(page.total, different, in_a_second=False))

    def _cut(self, why: Note) -> None:
        self.search.why.append(why)
