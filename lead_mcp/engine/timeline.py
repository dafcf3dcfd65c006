"""One person's story over every account: their leads, and what happened to each, dated and in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import anyio
from anyio.abc import TaskGroup

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import LedgerEntry, combined
from lead_mcp.engine.limits import account_late
from lead_mcp.engine.notes import CouldNotRead
from lead_mcp.engine.people import LookupScope, PersonMatches, created, find_person
from lead_mcp.engine.person import Person, numbers_of
from lead_mcp.engine.query import Query
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Filter, Op, Order, Where, folded
from lead_mcp.uris import uri
from lead_mcp.vendors.spec.events import EventKind, TimelineEvent

BEFORE: Final = timedelta(hours=1)
"""How long before its lead a ping may have come."""
AFTER: Final = timedelta(minutes=5)
MOST_FURTHER: Final = 10
"""E-mails and numbers, found on the way, that are looked for in a second round."""


@dataclass(frozen=True, slots=True)
class LeadEvent:
    """One event of a lead: at which account, and where to read more."""

    account: str
    uri: str
    event: TimelineEvent


@dataclass(frozen=True, slots=True)
class SeveralLeads:
    """One account has the person more than once."""

    account: str
    uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeveralBuyers:
    """One lead was taken by more than one buyer."""

    uri: str
    buyers: int


@dataclass(frozen=True, slots=True)
class SeveralSales:
    """The person was sold as more than one lead."""

    uris: tuple[str, ...]


Finding = SeveralLeads | SeveralBuyers | SeveralSales


@dataclass
class Timeline:
    """What was found. ``leads`` and ``events`` oldest first; ``findings``: what is odd about them."""

    leads: list[Record] = field(default_factory=list)
    events: list[LeadEvent] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    asked: Record | None = None
    """The lead that named the person: it belongs to the story however little else can be found."""
    entries: list[LedgerEntry] = field(default_factory=list)


async def trace(
    connections: Sequence[Connection], person: Person, scope: LookupScope, asked: Record | None = None
) -> Timeline:
    """The person's story, with the lead ``asked`` for. Raises LeadMcpError where no account could be asked.

    First the vendors that can be asked for a person. What else that person goes by is looked for there in one more round,
    and, with all the rest, in the leads of the vendors that must be read through. All within one deadline.
    """
    story, until = Timeline(asked=asked), anyio.current_time() + scope.limits.deadline
    async with anyio.create_task_group() as group:
        further = await _first_round(story, connections, person, scope, until, group)
        for one in connections:
            whom = person.joined(further) if one.vendor.person_lookup is None else further
            if whom:
                group.start_soon(_at_account, story, one, whom, scope, until)
    errors = [entry.error for entry in story.entries if entry.error]
    if errors and len(errors) == len(connections) and asked is None:
        raise combined(errors)
    for entry in story.entries:
        entry.total = entry.returned if entry.complete and entry.error is None else None
    order = [one.name for one in connections]
    story.entries.sort(key=lambda entry: order.index(entry.account))
    story.leads.sort(key=created)
    inside = {one for one in story.events if _within(one.event.at, scope.window)}
    story.events = sorted(inside, key=_place)
    story.findings = list(_findings(story))
    return story


async def _first_round(
    story: Timeline,
    connections: Sequence[Connection],
    person: Person,
    scope: LookupScope,
    until: float,
    group: TaskGroup,
) -> Person:
    """Ask the vendors that can be asked; what else the person goes by. One that hangs holds up half the deadline at most."""
    asked = [one for one in connections if one.vendor.person_lookup is not None]
    waiting, done = {one.name for one in asked}, anyio.Event()

    async def first(one: Connection) -> None:
        await _at_account(story, one, person, scope, until)
        waiting.discard(one.name)
        if not waiting:
            done.set()

    for one in asked:
        group.start_soon(first, one)
    with anyio.move_on_after((until - anyio.current_time()) / 2):
        if asked:
            await done.wait()
    return _found_on_the_way(story, person, scope.region)


def _found_on_the_way(story: Timeline, person: Person, region: str) -> Person:
    """What else the person goes by, the first few of each, and was not asked for."""
    emails = {str(mail) for record in story.leads if (mail := record.get("email"))}
    emails = {mail for mail in emails if folded(mail) not in person.emails}
    phones = {number for record in story.leads for number in numbers_of(record, region)} - person.phones
    kept = tuple(sorted(emails)[:MOST_FURTHER])
    return Person(frozenset(map(folded, kept)), frozenset(sorted(phones)[:MOST_FURTHER]), kept)


def _place(one: LeadEvent) -> tuple[datetime, str, str, str, str]:
    """By time; events of one moment stand in an order that is the same in every process."""
    return (one.event.at, one.account, one.event.kind, one.uri, repr(one.event))


def _within(moment: datetime, window: Window | None) -> bool:
    early = window is not None and window.since is not None and moment < window.since
    late = window is not None and window.until is not None and moment >= window.until
    return not early and not late


def _findings(story: Timeline) -> Iterator[Finding]:
    """Duplicates at one account, and leads sold more than once."""
    by_account: dict[str, list[str]] = {}
    for record in story.leads:
        by_account.setdefault(record.account, []).append(record.uri)
    for account, uris in by_account.items():
        if len(uris) > 1:
            yield SeveralLeads(account, tuple(uris))
    sales = Counter(one.uri for one in story.events if one.event.is_sale)
    for where, count in sales.items():
        if count > 1:
            yield SeveralBuyers(where, count)
    if len(sales) > 1:
        yield SeveralSales(tuple(sales))


# --- one account --------------------------------------------------------------------------------------------------


async def _at_account(
    story: Timeline, connection: Connection, person: Person, scope: LookupScope, until: float
) -> None:
    """One account's part, until the deadline: what was found by then stays."""
    entry = next((one for one in story.entries if one.account == connection.name), None)
    if entry is None:
        entry = LedgerEntry(connection.name)
        story.entries.append(entry)
    elif entry.error is not None:
        return
    with anyio.move_on_after(max(0.0, until - anyio.current_time())) as within:
        await _AccountStory(story, connection, entry, scope).tell(person)
    if within.cancelled_caught:
        entry.error, entry.complete = account_late(connection.name, scope.limits.deadline), False


@dataclass(frozen=True)
class _AccountStory:
    """What one account tells of a person."""

    story: Timeline
    connection: Connection
    entry: LedgerEntry
    scope: LookupScope

    async def tell(self, person: Person) -> None:
        asked = self.story.asked
        if asked is not None and asked.account == self.connection.name:
            await self._take(asked)
        try:
            matches = await find_person(self.connection, person, self.scope)
        except LeadMcpError as error:
            self.entry.error, self.entry.complete = error, False
            return
        _note(self.entry, matches, person)
        for record in matches.records:
            await self._take(record)

    async def _take(self, record: Record) -> None:
        """The lead and what happened to it, once."""
        if record.uri in {one.uri for one in self.story.leads}:
            return
        self.story.leads.append(record)
        self.entry.returned += 1
        for event in self.connection.vendor.events(self.connection.account, record.raw):
            self._add(record.uri, event)
        await self._recordings(record)
        await self._pings(record)

    def _add(self, where: str, event: TimelineEvent) -> None:
        self.story.events.append(LeadEvent(self.connection.name, where, event))

    def _unread(self, what: str, record: Record, error: LeadMcpError) -> None:
        self.entry.notes.append(CouldNotRead(what, record.id, error.message))
        self.entry.complete = False

    async def _recordings(self, record: Record) -> None:
        if self.connection.vendor.recordings is None:
            return None
        try:
            calls = await recordings_of(self.connection, record.id, None, None, self.scope.limits.deadline)
        except LeadMcpError as error:
            return self._unread("recordings", record, error)
        self.entry.requests += calls.requests
        for one in calls.found.values():
            if one.started_at is not None:
                where = uri("recording", record.account, record.id, one.id)
                self._add(where, TimelineEvent(at=one.started_at, kind=EventKind.RECORDING, seconds=one.seconds))

    async def _pings(self, record: Record) -> None:
        """The ping that became this lead: the vendor lists pings by time alone, so the moments before it are read."""
        made = record.get("created_at")
        if "inbound" not in self.connection.vendor.pings or not isinstance(made, datetime):
            return None
        query = _pings_of(record, made, self.scope.now)
        try:
            answer = await search([self.connection], query, self.scope.limits, self.scope.seal)
        except LeadMcpError as error:
            return self._unread("pings", record, error)
        self.entry.requests += sum(one.requests for one in answer.entries)
        for ping in answer.records:
            if isinstance(at := ping.get("at"), datetime):
                self._add(ping.uri, _ping_event(ping, at))


def _note(entry: LedgerEntry, matches: PersonMatches, person: Person) -> None:
    entry.scanned += matches.scanned
    entry.requests += matches.requests
    entry.complete = entry.complete and matches.complete
    entry.checked_here = [
        *entry.checked_here,
        *(Where("email", Op.EQ, one) for one in sorted(person.emails)),
        *(Where("phone", Op.EQ, one) for one in sorted(person.phones)),
    ]
    entry.window, entry.error = matches.window or entry.window, matches.error or entry.error
    entry.notes += [note for note in matches.notes if note not in entry.notes]


def _pings_of(record: Record, made: datetime, now: datetime) -> Query:
    return Query(
        kind="inbound",
        filters=[Filter("lead_id", Op.EQ, record.id)],
        window=Window(made - BEFORE, made + AFTER, "UTC"),
        orders=(Order("at", descending=True),),
        partition=record.partition,
        limit=5,
        now=now,
    )


def _ping_event(ping: Record, at: datetime) -> TimelineEvent:
    accepted, status = ping.get("accepted"), ping.get("result")
    return TimelineEvent(
        at=at,
        kind=EventKind.PING,
        accepted=accepted is True,
        status=None if status is None else str(status),
    )
