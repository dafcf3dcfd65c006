"""Counting and adding up, the cheapest honest way, in bounded memory.

Three ways, cheapest first. *Total*: the vendor's own total, one request. *Counts*: one total for each word of a closed list,
honest only if they add up to the vendor's total. *Reading*: every match read, with only the fields needed, and thrown away
again. What was read only in part is said to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import anyio

from lead_mcp.dates import Window, stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.counting import VendorCounter
from lead_mcp.engine.fanout import together
from lead_mcp.engine.ledger import LedgerEntry, combined, opened
from lead_mcp.engine.limits import Limits, late
from lead_mcp.engine.periods import NOT_FIELDS, PERIODS, group_value, period
from lead_mcp.engine.query import AccountQuery, Query, resolve_queries
from lead_mcp.engine.readers.making import ProgressCallback
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import read_through
from lead_mcp.engine.totals import Figure, GroupTable, Measure
from lead_mcp.engine.windows import is_bounded
from lead_mcp.errors import BadArgument
from lead_mcp.filters import Kind, Op, Order, Where, as_number


@dataclass(frozen=True)
class SummaryQuery:
    """What is to be counted: of which records, in which groups, which measures. ``zone``: in which days begin."""

    query: Query
    group_by: tuple[str, ...]
    measures: tuple[Measure, ...]
    zone: ZoneInfo

    @property
    def fields(self) -> list[str]:
        """Names that are fields of records."""
        groups = [name for name in self.group_by if name not in NOT_FIELDS]
        return list(dict.fromkeys([*groups, *(m.field for m in self.measures if m.field)]))

    @property
    def counts_only(self) -> bool:
        """Whether nothing but counts is asked for."""
        return all(measure.how == "count" for measure in self.measures)


@dataclass
class Summary:
    """The groups, the total if it is known, how it was come by, and the ledger."""

    columns: list[str]
    groups: GroupTable
    total: int | None
    how: str
    entries: Sequence[LedgerEntry]
    window: Window | None
    apart: bool = False
    """Whether groups of several accounts must not be added up: they hold money."""


async def summarize(
    connections: Sequence[Connection],
    summary_query: SummaryQuery,
    limits: Limits,
    on_progress: ProgressCallback | None = None,
) -> Summary:
    """The summary. Raises LeadMcpError where the call is wrong or no account could answer."""
    query = replace(summary_query.query, columns=tuple(summary_query.fields))
    deadline = anyio.current_time() + limits.deadline
    try:
        with anyio.fail_after(limits.deadline):
            account_queries = await resolve_queries(connections, query)
    except TimeoutError:
        raise late(limits) from None
    _check_measures(summary_query, account_queries)
    query = _one_window(query, account_queries)
    apart = len(account_queries) > 1 and not summary_query.counts_only
    columns = _columns(summary_query.group_by, apart=apart)
    summary_query = replace(summary_query, query=query, group_by=tuple(columns))
    groups = GroupTable()
    counts = [AccountCount(summary_query, one, limits, deadline, on_progress, groups) for one in account_queries]
    await together([count.run for count in counts])
    return _summary(summary_query, counts, groups, apart=apart)


def _summary(
    summary_query: SummaryQuery, counts: Sequence[AccountCount], groups: GroupTable, *, apart: bool
) -> Summary:
    """The accounts' counts as one. Raises their error where none of them could be asked."""
    entries = [count.entry for count in counts]
    errors = [entry.error for entry in entries if entry.error]
    if errors and len(errors) == len(entries) and not len(groups):
        raise combined(errors)
    if not summary_query.group_by:
        groups.add((), {}, 0)
    whole = all(entry.whole for entry in entries)
    how = "; ".join(dict.fromkeys(count.how for count in counts if count.how))
    return Summary(
        columns=list(summary_query.group_by),
        groups=groups,
        total=groups.total if whole else None,
        how=how if whole else f"{how}; NOT COMPLETE: only what was read is counted",
        entries=entries,
        window=summary_query.query.window,
        apart=apart,
    )


def _check_measures(summary_query: SummaryQuery, account_queries: Sequence[AccountQuery]) -> None:
    """Raises BadArgument for a measure of a field that holds no numbers, or that the guard does not let anybody compare."""
    for measure in summary_query.measures:
        if not measure.field:
            continue
        known = [field for one in account_queries if (field := one.names.field(measure.field)) is not None]
        for field in known:  # a sum over a group of one is that one's value
            summary_query.query.guard.check_order(measure.field, field, "measures")
        allowed = {Kind.NUMBER, Kind.ANY} | ({Kind.TIME} if measure.how in ("min", "max") else set())
        wrong = {field.kind for field in known} - allowed
        if wrong:
            raise BadArgument(f"measures: {measure}: {measure.field} is a {min(wrong)} field, not a number.")


def _one_window(query: Query, account_queries: Sequence[AccountQuery]) -> Query:
    """Where a vendor insists on a window and none was asked, the same one for every account."""
    open_ended = [one for one in account_queries if not is_bounded(one)]
    stretches = [one.search.window for one in open_ended if one.search.window is not None]
    if not stretches:
        return query
    back = max(stretches)
    until = (query.window.until if query.window else None) or query.now
    since = (until - back).replace(microsecond=0)
    for one in open_ended:
        when = one.search.when
        one.clauses = (*one.clauses, Where(when, Op.GTE, since, f"{when} gte {stamp(since, query.zone)}"))
        one.notes.append(f"the last {back // timedelta(days=1) or 1} days were asked")
    return replace(query, window=Window(since, until, query.zone.key))


def _columns(group_by: Sequence[str], *, apart: bool) -> list[str]:
    """The grouping: money of several accounts is never added up, for nobody says that their currency is one."""
    return ["account", *group_by] if apart and "account" not in group_by else list(group_by)


@dataclass
class AccountCount:
    """One account's part of a summary: what it adds to the groups, its ledger entry, and how it was come by."""

    summary_query: SummaryQuery
    account_query: AccountQuery
    limits: Limits
    deadline: float
    """When the summary's time is up, by the event loop's clock."""
    on_progress: ProgressCallback | None
    groups: GroupTable
    """The groups of every account together."""
    how: str = ""
    entry: LedgerEntry = field(init=False)

    def __post_init__(self) -> None:
        self.entry = opened(self.account_query)

    @property
    def account(self) -> str:
        return self.account_query.account

    async def run(self) -> None:
        """Count the cheapest way that serves."""
        if self.account_query.error is not None or self.account_query.nothing:
            return
        counter = VendorCounter(self.account_query, self.summary_query.query, self.deadline)
        if not await self._by_the_vendor(counter):
            await self._by_reading()
        self.entry.requests += counter.requests

    async def _by_the_vendor(self, counter: VendorCounter) -> bool:
        """Whether the vendor's own numbers serve: only counts are asked, in all or by the words of one closed list."""
        names = [name for name in self.summary_query.group_by if name != "account"]
        if not self.summary_query.counts_only or len(names) > 1:
            return False
        if names:
            counts = await counter.by_word(names[0])
            how = f"{self.account}: the vendor's total for each {names[0]}"
        else:
            total = await counter.total()
            counts, how = None if total is None else {"": total}, f"{self.account}: the vendor's total"
        if counts is None:
            return False
        for word, count in counts.items():
            self._put(dict.fromkeys(names, word), count)
        self.how, self.entry.pushed, self.entry.total = how, counter.pushed or (), sum(counts.values())
        return True

    def _put(self, values: Mapping[str, Any], count: int) -> None:
        if count:  # a group of nobody is none, whichever way it was counted
            group_by = self.summary_query.group_by
            key = tuple(self.account if name == "account" else values.get(name) for name in group_by)
            self.groups.add(key, {}, count)

    async def _by_reading(self) -> None:
        """Read every match, in what is left of the time."""
        limits = Limits(max(0.1, self.deadline - anyio.current_time()), self.limits.scan)
        newest = (Order(self.account_query.search.when, descending=True),)
        query = replace(self.summary_query.query, orders=newest)
        entries = await read_through([self.account_query], query, limits, self._take, self.on_progress)
        self.entry = entries[0]
        self.how = f"{self.account}: {self.entry.scanned:,} records read"

    def _take(self, record: Record) -> None:
        key = tuple(self._group(record, name) for name in self.summary_query.group_by)
        figures = {
            measure.field: figure
            for measure in self.summary_query.measures
            if measure.field and (figure := _figure(record, measure.field)) is not None
        }
        self.groups.add(key, figures)

    def _group(self, record: Record, name: str) -> Any:
        if name == "account":
            return self.account
        if name in PERIODS:
            return period(record.get(self.account_query.search.when), name, self.summary_query.zone)
        return group_value(record.get(name))


def _figure(record: Record, name: str) -> Figure | None:
    """A field's value as what can be added up or compared."""
    value = record.get(name)
    return value if isinstance(value, datetime) else as_number(value)
