"""What pings add up to: how many were accepted, what they earned, why the others were refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.periods import PERIODS, group_value, period
from lead_mcp.engine.query import Query, resolve_queries
from lead_mcp.engine.readers.making import ProgressCallback
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import read_through
from lead_mcp.engine.totals import GroupTotals
from lead_mcp.filters import as_number


@dataclass
class PingCount:
    """Pings of one group."""

    cell: GroupTotals = field(default_factory=GroupTotals)
    accepted: int = 0
    rejected: int = 0

    @property
    def count(self) -> int:
        """How many pings."""
        return self.cell.count

    def add(self, record: Record) -> None:
        accepted = record.get("accepted")
        self.accepted += accepted is True
        self.rejected += accepted is False
        numbers = {name: as_number(record.get(name)) for name in ("price", "revenue")}
        self.cell.add({name: number for name, number in numbers.items() if number is not None})

    def merge(self, other: PingCount) -> None:
        self.cell.merge(other.cell)
        self.accepted += other.accepted
        self.rejected += other.rejected

    @property
    def rate(self) -> float | None:
        """Accepted among those that were answered, 0 to 1."""
        answered = self.accepted + self.rejected
        return round(self.accepted / answered, 4) if answered else None

    def sum(self, name: str) -> Decimal | None:
        return self.cell.sum(name)

    @property
    def margin(self) -> Decimal | None:
        """Revenue less price, where every ping that has the one has the other."""
        revenue, price = self.sum("revenue"), self.sum("price")
        if revenue is None or price is None or self.cell.seen("price") != self.cell.seen("revenue"):
            return None
        return revenue - price


@dataclass
class PingTotals:
    """Every ping of a window, counted: in all, by result, by the groups asked for."""

    group_by: tuple[str, ...]
    zone: ZoneInfo
    whole: PingCount = field(default_factory=PingCount)
    by_result: dict[str, int] = field(default_factory=dict)
    groups: dict[tuple[Any, ...], PingCount] = field(default_factory=dict)
    complete: bool = True
    entries: Sequence[LedgerEntry] = ()

    def take(self, record: Record) -> None:
        self.whole.add(record)
        result = record.get("result")
        if result is not None:
            word = str(group_value(result))
            self.by_result[word] = self.by_result.get(word, 0) + 1
        if self.group_by:
            key = tuple(self._group(record, name) for name in self.group_by)
            self.groups.setdefault(key, PingCount()).add(record)

    def _group(self, record: Record, name: str) -> Any:
        if name == "account":
            return record.account
        return period(record.get("at"), name, self.zone) if name in PERIODS else group_value(record.get(name))


async def ping_totals(
    connections: Sequence[Connection],
    query: Query,
    group_by: tuple[str, ...],
    page: Answer,
    limits: Limits,
    on_progress: ProgressCallback | None = None,
) -> PingTotals:
    """The summary of every ping asked for: from the page where that holds them all, else read through once more."""
    totals = PingTotals(group_by, query.zone)
    if page.cursor is None and all(entry.whole for entry in page.entries):
        for record in page.records:
            totals.take(record)
        return totals
    account_queries = await resolve_queries(connections, query)
    totals.entries = await read_through(account_queries, query, limits, totals.take, on_progress)
    totals.complete = all(entry.whole for entry in totals.entries)
    return totals
