"""Finding out one person's story: at every account side by side, in two rounds, within one deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import anyio
from anyio.abc import TaskGroup

from lead_mcp.dates import Window
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import combined
from lead_mcp.engine.persons.people import LookupScope, created
from lead_mcp.engine.persons.person import Person, numbers_of
from lead_mcp.engine.records import Record
from lead_mcp.engine.story.account_story import at_account
from lead_mcp.engine.story.timeline import LeadEvent, Timeline, findings_of
from lead_mcp.filters import folded

MOST_FURTHER: Final = 10
"""E-mails and numbers, found on the way, that are looked for in a second round."""


async def trace(
    connections: Sequence[Connection], person: Person, scope: LookupScope, asked: Record | None = None
) -> Timeline:
    """The person's story, with the lead ``asked`` for. Raises LeadMcpError where no account could be asked.

    First the vendors that can be asked for a person. What else that person goes by is looked for there in one more round,
    and, with all the rest, in the leads of the vendors that must be read through. All within one deadline.
    """
    story, until = Timeline(person=person, asked=asked), anyio.current_time() + scope.limits.deadline
    async with anyio.create_task_group() as group:
        further = await _first_round(story, connections, person, scope, until, group)
        for one in connections:
            whom = person.joined(further) if one.vendor.person_lookup is None else further
            if whom:
                group.start_soon(at_account, story, one, whom, scope, until)
    errors = [entry.error for entry in story.entries if entry.error]
    if errors and len(errors) == len(connections) and asked is None:
        raise combined(errors)
    _arrange(story, [one.name for one in connections], scope.window)
    return story


def _arrange(story: Timeline, order: Sequence[str], window: Window | None) -> None:
    """Everything in its order: the ledger in that of the accounts, the rest oldest first, the events within the window."""
    for entry in story.entries:
        entry.total = entry.returned if entry.whole else None
    story.entries.sort(key=lambda entry: order.index(entry.account))
    story.leads.sort(key=created)
    bounds = Bounds(window.since, window.until) if window else Bounds()
    inside = {one for one in story.events if bounds.holds(one.event.at)}
    story.events = sorted(inside, key=_place)
    story.findings = list(findings_of(story.leads, story.events))


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
        await at_account(story, one, person, scope, until)
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
