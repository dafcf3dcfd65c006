"""What pings add up to: how many were accepted, what they earned, why the others were refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
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
from lead_mcp.engine.totals import Figure, GroupTable, GroupTotals
from lead_mcp.filters import as_number

ACCEPTED: Final = "accepted"


@dataclass(frozen=True)
class PingCount:
    """Pings of one group: their number, prices and revenues, and among the figures whether they were accepted (1 or 0)."""

    cell: GroupTotals

    @property
    def accepted(self) -> int:
        return int(self.cell.sum(ACCEPTED) or 0)

    @property
    def rejected(self) -> int:
        return self.cell.seen(ACCEPTED) - self.accepted

    @property
    def rate(self) -> float | None:
        """Accepted among those that were answered, 0 to 1."""
        answered = self.cell.seen(ACCEPTED)
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


def figures_of(record: Record) -> dict[str, Figure]:
    """What a ping adds to its group."""
    accepted = record.get(ACCEPTED)
    numbers = {name: as_number(record.get(name)) for name in ("price", "revenue")}
    numbers[ACCEPTED] = Decimal(accepted) if isinstance(accepted, bool) else None
    return {name: number for name, number in numbers.items() if number is not None}


@dataclass
class PingTotals:
    """Every ping of a window, counted: in all, by result, by the groups asked for."""

    group_by: tuple[str, ...]
    zone: ZoneInfo
    by_result: dict[str, int] = field(default_factory=dict)
    groups: GroupTable = field(default_factory=GroupTable)
    _whole: GroupTable = field(default_factory=GroupTable)
    complete: bool = True
    entries: Sequence[LedgerEntry] = ()

    @property
    def whole(self) -> PingCount:
        """All of them."""
        return PingCount(next((cell for _, cell in self._whole.items()), GroupTotals()))

    def take(self, record: Record) -> None:
        figures = figures_of(record)
        self._whole.add((), figures)
        result = record.get("result")
        if result is not None:
            word = str(group_value(result))
            self.by_result[word] = self.by_result.get(word, 0) + 1
        if self.group_by:
            key = tuple(self._group(record, name) for name in self.group_by)
            self.groups.add(key, figures)

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
