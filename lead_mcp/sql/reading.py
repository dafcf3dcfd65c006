"""What this package asks of the engine: every record of a kind at one account, in a window, handed on one by one.

The only module here that knows how the engine reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import anyio

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.query import Query, resolve_queries
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import read_through
from lead_mcp.errors import LeadMcpError, TooLarge
from lead_mcp.filters import Filter, Order
from lead_mcp.vendors.spec.reading import Recording

LEAD: Final = "lead"
Progress = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What reading for one statement may take. ``until``: by the event loop's clock, when it has to be over.

    ``region``: where telephone numbers are dialled.
    """

    zone: ZoneInfo
    now: datetime
    scan: int
    until: float
    region: str

    @property
    def limits(self) -> Limits:
        return Limits(max(0.1, self.until - anyio.current_time()), self.scan)

    def cut(self, entry: LedgerEntry) -> bool:
        """Whether the entry is short of records because the time was up or the most had been read."""
        short = not entry.complete and entry.error is None
        return short and (entry.scanned >= self.scan or anyio.current_time() >= self.until - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One kind of record at one account: ``lead``, ``inbound`` or ``outbound``. ``fields``: ours; ``whole``: every field.

    ``filters``: what narrows it; the engine decides again which rows count.
    """

    connection: Connection
    kind: str
    window: Window | None
    fields: Sequence[str] = ()
    whole: bool = False
    filters: Sequence[Filter] = ()


def default_stretch(connections: Sequence[Connection], kind: str) -> timedelta | None:
    """How far back is read where nobody said: None where every vendor can be read from the first record on."""
    found = (connection.search(kind) for connection in connections)
    return max((search.window for search in found if search and search.window), default=None)


async def read(reading: Reading, terms: Terms, sink: Callable[[Record], None], drain: Progress) -> LedgerEntry:
    """Every record to ``sink``; ``drain`` is awaited for each page. What failed stands in the entry."""
    connection, search = reading.connection, reading.connection.search(reading.kind)
    if search is None:
        return LedgerEntry(connection.name)
    query = Query(
        kind=reading.kind,
        window=reading.window,
        filters=reading.filters,
        orders=(Order(search.when, descending=True),),
        defaults=reading.fields,
        whole=reading.whole,
        now=terms.now,
        zone=terms.zone,
        region=terms.region,
    )
    try:
        account_queries = await resolve_queries([connection], query)
        (entry,) = await read_through(account_queries, query, terms.limits, sink, drain)
    except LeadMcpError as error:
        return LedgerEntry(connection.name, complete=False, error=error)
    return entry


async def recordings(connection: Connection, lead: Record, terms: Terms) -> tuple[list[Recording], int]:
    """A lead's recordings, all of them, and the requests they took. Raises LeadMcpError."""
    found = await recordings_of(connection, lead.id, None, None, terms.limits.deadline)
    if found.error is not None:
        raise found.error
    if found.why:
        raise TooLarge(f"{connection.name}: a lead has too many recordings: {found.why}.", account=connection.name)
    return found.ordered(), found.requests


def merged(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """One entry an account, in the order they first came."""
    found: dict[str, LedgerEntry] = {}
    for entry in entries:
        known = found.get(entry.account)
        found[entry.account] = entry if known is None else _both(known, entry)
    return list(found.values())


def _both(one: LedgerEntry, other: LedgerEntry) -> LedgerEntry:
    return replace(
        other if not one.scanned and one.error is None else one,
        total=None,
        returned=one.returned + other.returned,
        scanned=one.scanned + other.scanned,
        requests=one.requests + other.requests,
        complete=one.complete and other.complete,
        pushed=tuple(dict.fromkeys((*one.pushed, *other.pushed))),
        checked_here=tuple(dict.fromkeys((*one.checked_here, *other.checked_here))),
        notes=[*one.notes, *(note for note in other.notes if note not in one.notes)],
        error=one.error or other.error,
        window=one.window or other.window,
    )
