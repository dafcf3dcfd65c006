"""What the mirror asks of the engine: every record of a kind at one account, by its own time or by when it changed.

The only module here that knows how the engine reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lead_mcp.dates import Window, full_stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.notes import Note
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.resolve import resolve_queries
from lead_mcp.engine.search import read_through
from lead_mcp.errors import TooLarge
from lead_mcp.filters import Filter, Op, newest_first
from lead_mcp.vendors.spec.reading import Search

PATIENCE: Final = 6 * 3600.0
"""Seconds that one stretch of time may take to read: a vendor's rate may be slow."""
MOST: Final = 100_000_000
SLIP: Final = timedelta(days=1)
"""How far a vendor's clock may be ahead of ours: what it dates later than now is read, too."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records of a time, half-open; None: from the first one on. ``by``: the field meant, where it is not their own time."""

    since: datetime | None
    until: datetime
    by: str | None = None


async def read(
    connection: Connection,
    kind: str,
    stretch: Stretch,
    sink: Callable[[Record], None],
    on_page: Callable[[int], Awaitable[None]],
    words: Callable[[Note], str],
    seconds: float = PATIENCE,
) -> int:
    """Every record of the stretch to ``sink``; how many requests it took. Raises LeadMcpError unless all were read."""
    search = connection.search(kind)
    if search is None:
        return 0
    query = _query(kind, search, stretch)
    account_queries = await resolve_queries([connection], query)
    (entry,) = await read_through(account_queries, query, Limits(seconds, MOST), sink, on_page)
    if entry.error is not None:
        raise entry.error
    if not entry.complete:
        why = "; ".join(map(words, entry.notes))
        raise TooLarge(f"{connection.name} was not read whole: {why}.", account=connection.name)
    return entry.requests


def _query(kind: str, search: Search, stretch: Stretch) -> Query:
    """``now`` freezes what is read: it lies behind the stretch, whatever the vendor's clock says."""
    own = stretch.by is None
    return Query(
        kind=kind,
        filters=() if own else _changed(stretch),
        window=Window(stretch.since, stretch.until, "UTC") if own else None,
        orders=newest_first(stretch.by or search.when),
        whole=True,
        now=stretch.until + SLIP,
        zone=ZoneInfo("UTC"),
    )


def _changed(stretch: Stretch) -> tuple[Filter, ...]:
    """The lower end alone, so that a vendor is asked by the call that lists: another one may spell a record otherwise."""
    return (Filter(stretch.by or "", Op.GTE, full_stamp(stretch.since)),) if stretch.since else ()
