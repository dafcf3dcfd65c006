"""One account's part of a person's story: their leads there, and what happened to each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import anyio

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import account_late
from lead_mcp.engine.notes import CouldNotRead
from lead_mcp.engine.persons.people import LookupScope, PersonMatches, find_person
from lead_mcp.engine.persons.person import Person
from lead_mcp.engine.persons.shared import apart
from lead_mcp.engine.query import Query
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.engine.story.timeline import LeadEvent, Timeline
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Filter, Op, Where, newest_first
from lead_mcp.uris import uri
from lead_mcp.vendors.spec.events import EventKind, TimelineEvent

BEFORE: Final = timedelta(hours=1)
"""How long before its lead a ping may have come."""
AFTER: Final = timedelta(minutes=5)


async def at_account(story: Timeline, connection: Connection, person: Person, scope: LookupScope, until: float) -> None:
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
        records, strangers = apart(matches.records, person, self.story.person, self.scope.region)
        self.entry.note(*filter(None, [strangers]))
        for record in records:
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
        self.entry.note(CouldNotRead(what, record.id, error.message))
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
    entry.note(*matches.notes)


def _pings_of(record: Record, made: datetime, now: datetime) -> Query:
    return Query(
        kind="inbound",
        filters=[Filter("lead_id", Op.EQ, record.id)],
        window=Window(made - BEFORE, made + AFTER, "UTC"),
        orders=newest_first("at"),
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
