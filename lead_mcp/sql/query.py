"""A statement as it is asked, and its answer: plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.notes import Note
from lead_mcp.sql.reading import Progress
from lead_mcp.sql.rows import Mask, unmasked
from lead_mcp.vendors.spec.events import TimelineEvent


def bare_words(event: TimelineEvent) -> str:
    """An event in the words of its kind alone."""
    return str(event.kind)


@dataclass(frozen=True, kw_only=True)
class SqlQuery:
    """A statement and everything its answer depends on.

    ``connections``: the accounts it may see. ``window``: on the leads' ``created_at`` and the pings' own time. ``deadline``:
    seconds of work in all; ``scan``: records read at most, of all accounts (``LEAD_MCP_SUMMARY_LIMIT``). ``region``: where
    telephone numbers are dialled. ``mask``: each value as the engine may see it. ``words``: an event as one line (``what``).
    """

    sql: str
    connections: Sequence[Connection]
    zone: ZoneInfo
    now: datetime
    deadline: float
    scan: int
    window: Window | None = None
    region: str = "US"
    mask: Mask = unmasked
    words: Callable[[TimelineEvent], str] = bare_words
    source: Literal["auto", "live", "mirror"] = "auto"
    max_rows: int = 200
    max_bytes: int = 4_000_000
    max_cell: int = 20_000
    """Characters of one text."""
    max_loaded: int = 200_000_000
    """Bytes that the rows read for it may take, encoded."""
    max_recorded: int = 300
    """Leads whose recordings are listed: each is a request of its own."""
    on_progress: Progress | None = None
    """Told how many records each page held."""


@dataclass(frozen=True, kw_only=True)
class SqlAnswer:
    """What the statement gave, and how it was come by.

    A value is None, text, bool, int, float, ``Decimal``, an instant in the asked zone, a list or a dictionary of these; a
    date, and a time without a zone, is ISO text, an interval the engine's words (``3 days``). ``row_count``: all rows of the
    result, or None where there are more than 100,000. ``as_of``: how fresh each account's part is. ``window``: of the leads
    that were read, or of the pings where no leads were. ``zone``: that of the instants. ``cut_cells``: texts cut short.
    """

    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[Any]]
    row_count: int | None
    complete: bool
    source: Literal["live", "mirror"]
    window: Window | None
    entries: Sequence[LedgerEntry]
    as_of: Mapping[str, datetime]
    zone: str
    cut_cells: int = 0
    notes: Sequence[Note] = ()

    @property
    def omitted(self) -> str:
        """What of the result is not in ``rows``; empty where they are whole."""
        parts, there = [], len(self.rows)
        if self.row_count is None:
            parts.append(f"the first {there:,} of more rows than were counted")
        elif self.row_count > there:
            parts.append(f"the first {there:,} of {self.row_count:,} rows (max_rows, max_tokens)")
        if self.cut_cells:
            parts.append(f"{self.cut_cells:,} long texts are cut")
        return "; ".join(parts)
