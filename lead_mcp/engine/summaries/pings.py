"""What pings add up to: how many were accepted, what they earned, why the others were refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Final

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.making import ProgressCallback
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import read_through
from lead_mcp.engine.summaries.grouping import Chosen, Grouping, check_measures
from lead_mcp.engine.summaries.measures import TallyKey
from lead_mcp.engine.summaries.tallies import GroupTotals
from lead_mcp.engine.summaries.time_groups import group_value
from lead_mcp.engine.summaries.totals import GroupTable, Values

ACCEPTED: Final = "accepted"
MONEY: Final = ("price", "revenue")


@dataclass(frozen=True)
class PingCount:
    """Pings of one group: their number, prices and revenues, and among the figures whether they were accepted (1 or 0)."""

    totals: GroupTotals

    @property
    def count(self) -> int:
        return self.totals.count

    @property
    def accepted(self) -> int:
        return int(self.sum(ACCEPTED) or 0)

    @property
    def rejected(self) -> int:
        return self.totals.figures(ACCEPTED).seen - self.accepted

    @property
    def rate(self) -> float | None:
        """Accepted among those that were answered, 0 to 1."""
        answered = self.totals.figures(ACCEPTED).seen
        return round(self.accepted / answered, 4) if answered else None

    def sum(self, name: str) -> Decimal | None:
        return self.totals.figures(name).total

    @property
    def margin(self) -> Decimal | None:
        """Revenue less price, where every ping that has the one has the other."""
        revenue, price = self.totals.figures("revenue"), self.totals.figures("price")
        if revenue.total is None or price.total is None or price.seen != revenue.seen:
            return None
        return revenue.total - price.total


class PingGrouping(Grouping):
    """Groups of pings: each with what every summary of pings says, beside the measures asked for."""

    @cached_property
    def tally_keys(self) -> Sequence[TallyKey]:
        return tuple(dict.fromkeys([*(TallyKey("figures", name) for name in MONEY), *super().tally_keys]))

    def _values(self, record: Record, some: Sequence[Chosen]) -> Values:
        accepted = record.get(ACCEPTED)
        answer = [Decimal(accepted)] if isinstance(accepted, bool) else []
        return {**super()._values(record, some), TallyKey("figures", ACCEPTED): answer}


@dataclass
class PingTotals:
    """Every ping of a window, counted: in all, by result, by the groups asked for."""

    grouping: PingGrouping
    by_result: dict[str, int] = field(default_factory=dict)
    groups: GroupTable = field(default_factory=GroupTable)
    complete: bool = True
    entries: Sequence[LedgerEntry] = ()
    _all: GroupTable = field(default_factory=GroupTable)

    @cached_property
    def whole(self) -> PingCount:
        """All of them."""
        return PingCount(self._all.whole())

    @cached_property
    def _ungrouped(self) -> PingGrouping:
        return replace(self.grouping, group_by=())

    def take(self, record: Record) -> None:
        self._ungrouped.take(record, self._all)
        result = record.get("result")
        if result is not None:
            word = str(group_value(result))
            self.by_result[word] = self.by_result.get(word, 0) + 1
        if self.grouping.group_by:
            self.grouping.take(record, self.groups)


async def ping_totals(
    account_queries: Sequence[AccountQuery],
    query: Query,
    grouping: PingGrouping,
    page: Answer | None,
    limits: Limits,
    on_progress: ProgressCallback | None = None,
) -> PingTotals:
    """The summary of every ping asked for: from the page where that holds them all, else read through once more."""
    check_measures(grouping.measures, query, account_queries)
    totals = PingTotals(grouping)
    if page is not None and page.cursor is None and all(entry.whole for entry in page.entries):
        for record in page.records:
            totals.take(record)
        return totals
    totals.entries = await read_through(account_queries, query, limits, totals.take, on_progress)
    totals.complete = all(entry.whole for entry in totals.entries)
    return totals
