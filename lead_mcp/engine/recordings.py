"""A lead's call recordings: every page the vendor has, newest first, each once, those in the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

import anyio

from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.limits import account_late
from lead_mcp.engine.notes import StoppedAt
from lead_mcp.engine.readers.paging import following
from lead_mcp.errors import LeadMcpError, NotOffered
from lead_mcp.vendors import titles
from lead_mcp.vendors.spec.http import Request
from lead_mcp.vendors.spec.reading import PageRequest, Recording, Recordings

MOST: Final = 10_000
"""Recordings read of one lead at most."""


@dataclass
class RecordingList:
    """What was read: recordings newest first, requests, the vendor's total if it gave one, and why it ended early."""

    found: dict[str, Recording] = field(default_factory=dict)
    requests: int = 0
    cut: StoppedAt | None = None
    error: LeadMcpError | None = None

    def count(self) -> None:
        self.requests += 1

    def ordered(self) -> list[Recording]:
        """Newest first; those without a time last; ties by id."""
        known = [one for one in self.found.values() if one.started_at is not None]
        known.sort(key=lambda one: one.id)
        known.sort(key=lambda one: one.started_at or datetime.min.replace(tzinfo=UTC), reverse=True)
        return known + sorted((one for one in self.found.values() if one.started_at is None), key=lambda one: one.id)


async def recordings_of(
    connection: Connection, lead_id: str, since: datetime | None, until: datetime | None, deadline: float
) -> RecordingList:
    """The recordings of one lead within ``since`` <= start < ``until``. Raises NotOffered, or why nothing could be read."""
    recordings = offered(connection)
    calls = RecordingList()
    with anyio.move_on_after(deadline) as scope:
        try:
            for build in recordings.builds:
                await _pages(connection, partial(build, connection.account, lead_id, since, until), lead_id, calls)
        except LeadMcpError as error:
            calls.error = error
    if scope.cancelled_caught:
        calls.error = account_late(connection.name, deadline)
    if calls.error and not calls.found:
        raise calls.error
    calls.found = {key: one for key, one in calls.found.items() if _inside(one, since, until)}
    return calls


def offered(connection: Connection) -> Recordings:
    """How this account lists recordings. Raises NotOffered."""
    found = connection.vendor.recordings
    if found is None:
        able = " and ".join(titles(lambda vendor: vendor.recordings))
        message = f"{connection.vendor.title} has no call recordings; {able} have."
        raise NotOffered(message, account=connection.name)
    return found


def _inside(one: Recording, since: datetime | None, until: datetime | None) -> bool:
    if one.started_at is None:
        return since is None and until is None
    return Bounds(since, until).holds(one.started_at)


async def _pages(
    connection: Connection, build: Callable[[PageRequest], Request], lead_id: str, calls: RecordingList
) -> None:
    recordings = offered(connection)
    ask, stale, more = PageRequest(limit=recordings.page), 0, True
    while more:
        if max(ask.offset, len(calls.found)) >= MOST:
            calls.cut = StoppedAt(MOST, "recordings")
            return
        read = partial(recordings.read, connection.account, lead_id)
        page = await connection.outbound.fetch(build(ask), read, calls.count)
        fresh = {one.id: one for one in page.rows if one.id not in calls.found}
        calls.found |= fresh
        ask = following(ask, page, recordings.page)
        # a page may come twice (an offset counted from 1) or hold calls without a recording: neither is the end
        stale = 0 if fresh else stale + bool(page.rows)
        behind = page.total is not None and ask.offset >= page.total
        more = page.next is not None or (page.more is not False and stale < 2 and not behind)
