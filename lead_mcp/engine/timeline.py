"""One person's story over every account: their leads, and what happened to each, dated and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import anyio

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.engine.ledger import LedgerEntry, combined
from lead_mcp.engine.people import LookupScope, Person, PersonMatches, created, find_person
from lead_mcp.engine.query import Query
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import LeadMcpError, TimedOut
from lead_mcp.filters import Filter, Op, Order, Where
from lead_mcp.uris import uri
from lead_mcp.vendors.spec.reading import TimelineEvent

BEFORE: Final = timedelta(hours=1)
"""How long before its lead a ping may have come."""
REFUSED: Final = "refused"
"""How a vendor's words for a sending that no buyer took begin: no sale."""
NAMED: Final = 10
"""URIs that one warning names."""
AFTER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LeadEvent:
    """One event: when, at which account, of which kind, in words, and where to read more."""

    at: datetime
    account: str
    kind: str
    what: str
    uri: str


@dataclass
class Timeline:
    """What was found. ``leads`` and ``steps`` oldest first."""

    leads: list[Record] = field(default_factory=list)
    steps: list[LeadEvent] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)


async def trace(connections: Sequence[Connection], person: Person, looking: LookupScope) -> Timeline:
    """The person's story. Raises LeadMcpError where no account could be asked."""
    story = Timeline()
    await together([partial(_at_account, story, one, person, looking) for one in connections])
    errors = [entry.error for entry in story.entries if entry.error]
    if errors and len(errors) == len(connections):
        raise combined(errors)
    order = [one.name for one in connections]
    story.entries.sort(key=lambda entry: order.index(entry.account))
    story.leads.sort(key=created)
    story.steps = sorted(set(_within(story.steps, looking.window)), key=lambda step: (step.at, step.account, step.kind))
    story.warnings += list(_pointed_out(story))
    return story


async def _at_account(story: Timeline, connection: Connection, person: Person, looking: LookupScope) -> None:
    """One account's part, within the deadline: what was found by then stays."""
    entry, seconds = LedgerEntry(connection.name), looking.limits.deadline
    story.entries.append(entry)
    with anyio.move_on_after(seconds) as scope:
        await _told_by(story, connection, person, looking, entry)
    if scope.cancelled_caught:
        message = f"{connection.name} did not answer within {seconds:g} s (LEAD_MCP_DEADLINE)."
        entry.error, entry.complete = TimedOut(message, account=connection.name), False


async def _told_by(
    story: Timeline, connection: Connection, person: Person, looking: LookupScope, entry: LedgerEntry
) -> None:
    try:
        sought = await find_person(connection, person, looking)
    except LeadMcpError as error:
        entry.error, entry.complete = error, False
        return
    _note(entry, sought, person)
    for record in sought.records:
        story.leads.append(record)
        story.steps += [_step(record, one) for one in connection.vendor.events(connection.account, record.raw)]
        await _calls(story, connection, record, entry, looking)
        await _pings(story, connection, record, entry, looking)


def _note(entry: LedgerEntry, sought: PersonMatches, person: Person) -> None:
    clauses = [
        *(Where("email", Op.EQ, one) for one in sorted(person.emails)),
        *(Where("phone", Op.EQ, one) for one in sorted(person.phones)),
    ]
    entry.returned, entry.scanned, entry.requests = len(sought.records), sought.scanned, sought.requests
    entry.total = len(sought.records) if sought.complete else None
    entry.complete = sought.complete
    entry.checked_here, entry.window, entry.error = clauses, sought.window, sought.error
    entry.notes += sought.notes


def _step(record: Record, one: TimelineEvent) -> LeadEvent:
    return LeadEvent(one.at, record.account, one.kind, one.what, record.uri)


async def _calls(
    story: Timeline, connection: Connection, record: Record, entry: LedgerEntry, looking: LookupScope
) -> None:
    if connection.vendor.recordings is None:
        return
    try:
        calls = await recordings_of(connection, record.id, None, None, looking.limits.deadline)
    except LeadMcpError as error:
        entry.notes.append(f"recordings of {record.id} could not be read: {error.message}")
        entry.complete = False
        return
    entry.requests += calls.requests
    for one in calls.found.values():
        if one.started_at is not None:
            length = f"{one.seconds} s" if one.seconds is not None else "unknown length"
            where = uri("recording", record.account, record.id, one.id)
            story.steps.append(
                LeadEvent(one.started_at, record.account, "recording", f"call recording, {length}", where)
            )


async def _pings(
    story: Timeline, connection: Connection, record: Record, entry: LedgerEntry, looking: LookupScope
) -> None:
    """The ping that became this lead: the vendor lists pings by time alone, so the moments before it are read."""
    made = record.get("created_at")
    if "inbound" not in connection.vendor.pings or not isinstance(made, datetime):
        return
    query = Query(
        kind="inbound",
        filters=[Filter("lead_id", Op.EQ, record.id)],
        window=Window(made - BEFORE, made + AFTER, "UTC"),
        orders=(Order("at", descending=True),),
        limit=5,
        now=looking.now,
    )
    try:
        answer = await search([connection], query, looking.limits, looking.seal)
    except LeadMcpError as error:
        entry.notes.append(f"pings of {record.id} could not be read: {error.message}")
        entry.complete = False
        return
    entry.requests += sum(one.requests for one in answer.entries)
    for ping in answer.records:
        at = ping.get("at")
        if isinstance(at, datetime):
            result = ping.get("result") or ("accepted" if ping.get("accepted") else "refused")
            story.steps.append(LeadEvent(at, record.account, "ping", f"ping {result}", ping.uri))


def _within(steps: Sequence[LeadEvent], window: Window | None) -> Iterator[LeadEvent]:
    for step in steps:
        early = window is not None and window.since is not None and step.at < window.since
        late = window is not None and window.until is not None and step.at >= window.until
        if not early and not late:
            yield step


def _pointed_out(story: Timeline) -> Iterator[str]:
    """Duplicates at one account, and leads sold more than once."""
    by_account: dict[str, list[Record]] = {}
    for record in story.leads:
        by_account.setdefault(record.account, []).append(record)
    for account, records in by_account.items():
        if len(records) > 1:
            yield f"{account} has this person {len(records)} times: {_several([record.uri for record in records])}"
    sales: dict[str, int] = {}
    for step in story.steps:
        if step.kind == "sent" and step.what.startswith("sent to"):  # a buyer that refused bought nothing
            sales[step.uri] = sales.get(step.uri, 0) + 1
    for where, count in sales.items():
        if count > 1:
            yield f"{where} was sent to {count} buyers"
    if len(sales) > 1:
        yield f"this person was sold as {len(sales)} leads: {_several(list(sales))}"


def _several(uris: Sequence[str]) -> str:
    """The URIs, the first of very many."""
    more = f" and {len(uris) - NAMED} more" if len(uris) > NAMED else ""
    return ", ".join(uris[:NAMED]) + more
