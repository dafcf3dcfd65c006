"""What this package asks of the engine: every record of a kind at one account, in a window, handed on one by one.

The only module here that knows how the engine reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import anyio

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import finished_within
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limit, Limits, account_late
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.engine.records import Record
from lead_mcp.engine.resolve import resolve_queries
from lead_mcp.engine.search import read_through
from lead_mcp.errors import LeadMcpError, TooLarge
from lead_mcp.filters import Filter, newest_first
from lead_mcp.vendors.spec.reading import Recording

LEAD: Final = "lead"
Progress = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTerms:
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
        return Limits(max(0.1, self.until - anyio.current_time()), self.scan, Limit.SUMMARY)

    def cut(self, entry: LedgerEntry) -> bool:
        """Whether the entry is short of records because the time was up or the most had been read."""
        return entry.cut and entry.error is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReading:
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


async def read(
    readings: Sequence[AccountReading], terms: ReadingTerms, sink: Callable[[Record], None], drain: Progress
) -> list[LedgerEntry]:
    """Every record of one kind, of several accounts side by side, to ``sink``; ``drain`` is awaited for each page.

    An entry an account; what failed stands there. The most records is that of all of them together.
    """
    found: dict[str, AccountQuery] = {}
    entries: dict[str, LedgerEntry] = {}

    async def resolve(one: AccountReading) -> None:
        name = one.connection.name
        try:
            (found[name],) = await resolve_queries([one.connection], _query(one, terms))
        except LeadMcpError as error:
            entries[name] = LedgerEntry(name, complete=False, error=error)

    seconds = terms.limits.deadline
    for one, ended in zip(
        readings, await finished_within(seconds, [partial(resolve, o) for o in readings]), strict=True
    ):
        if not ended:
            late = account_late(one.connection.name, seconds)
            entries[one.connection.name] = LedgerEntry(one.connection.name, complete=False, error=late)
    alive = [found[one.connection.name] for one in readings if one.connection.name in found]
    if alive:
        read_ones = await read_through(alive, _query(readings[0], terms), terms.limits, sink, drain)
        entries |= {entry.account: entry for entry in read_ones}
    return list(entries.values())


def _query(reading: AccountReading, terms: ReadingTerms) -> Query:
    search = reading.connection.search(reading.kind)
    return Query(
        kind=reading.kind,
        window=reading.window,
        filters=reading.filters,
        orders=newest_first(search.when) if search is not None else (),
        defaults=reading.fields,
        whole=reading.whole,
        now=terms.now,
        zone=terms.zone,
        region=terms.region,
    )


async def recordings(connection: Connection, lead: Record, terms: ReadingTerms) -> tuple[list[Recording], int]:
    """A lead's recordings, all of them, and the requests they took. Raises LeadMcpError."""
    found = await recordings_of(connection, lead.id, None, None, terms.limits.deadline)
    if found.error is not None:
        raise found.error
    if found.cut is not None:
        message = f"{connection.name}: a lead has too many recordings: stopped at {found.cut.most:,} recordings."
        raise TooLarge(message, account=connection.name)
    return found.ordered(), found.requests


def merged(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """One entry an account, in the order they first came."""
    found: dict[str, LedgerEntry] = {}
    for entry in entries:
        known = found.get(entry.account)
        found[entry.account] = entry if known is None else _both(known, entry)
    return list(found.values())


def _both(one: LedgerEntry, other: LedgerEntry) -> LedgerEntry:
    """The two as one, by the field names of the one for which anything was read."""
    first, second = (other, one) if not one.scanned and one.error is None else (one, other)
    whole = replace(first, total=None, notes=[*first.notes])
    whole.add(second)
    return whole
