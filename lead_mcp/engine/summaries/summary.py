"""Counting and adding up, the cheapest honest way, in bounded memory.

Three ways, cheapest first. *Total*: the vendor's own total, one request. *Counts*: one total for each word of a closed list,
honest only if they add up to the vendor's total. *Reading*: every match read, with only the fields needed, and thrown away
again. What was read only in part is said to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio

from lead_mcp.dates import Window, stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.engine.ledger import LedgerEntry, combined, opened
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.notes import Note
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.budget import Budget
from lead_mcp.engine.readers.making import ProgressCallback
from lead_mcp.engine.readers.partition import partitions_of
from lead_mcp.engine.resolve import resolve_within
from lead_mcp.engine.search import read_through
from lead_mcp.engine.summaries.counting import VendorCounter
from lead_mcp.engine.summaries.grouping import Grouping, check_measures
from lead_mcp.engine.summaries.measures import COMPARED
from lead_mcp.engine.summaries.notes import CountedByReading, CountedByVendor, SameWindow
from lead_mcp.engine.summaries.totals import GroupTable
from lead_mcp.engine.windows import is_bounded
from lead_mcp.filters import Op, Where, newest_first


@dataclass(frozen=True)
class SummaryQuery:
    """What is to be counted: of which records, in which groups, which measures."""

    query: Query
    grouping: Grouping

    @property
    def counts_only(self) -> bool:
        """Whether nothing but counts is asked for."""
        return all(measure.how in ("count", "share") for measure in self.grouping.measures)

    @property
    def adds_up(self) -> bool:
        """Whether values are added up or compared, which are perhaps money."""
        return any(measure.how in COMPARED for measure in self.grouping.measures)


@dataclass
class Summary:
    """The groups, the total if it is known, how it was come by, and the ledger."""

    columns: list[str]
    groups: GroupTable
    total: int | None
    how: Sequence[Note]
    entries: Sequence[LedgerEntry]
    window: Window | None
    whole: bool = True
    """Whether everything was counted."""
    apart: bool = False
    """Whether groups of several accounts must not be added up: they hold money."""


async def summarize(
    connections: Sequence[Connection],
    summary_query: SummaryQuery,
    limits: Limits,
    on_progress: ProgressCallback | None = None,
) -> Summary:
    """The summary. Raises LeadMcpError where the call is wrong or no account could answer."""
    grouping = summary_query.grouping
    query = replace(summary_query.query, columns=tuple(grouping.fields))
    deadline = anyio.current_time() + limits.deadline
    account_queries = await resolve_within(connections, query, limits)
    check_measures(grouping.measures, query, account_queries)
    query = _one_window(query, account_queries)
    apart = len(account_queries) > 1 and summary_query.adds_up
    columns = _columns(grouping.group_by, apart=apart)
    summary_query = SummaryQuery(query, replace(grouping, group_by=tuple(columns)))
    groups, shared = GroupTable(), _Shared(limits, deadline, _budget(account_queries, limits), on_progress)
    counts = [AccountCount(summary_query, one, groups, shared) for one in account_queries]
    await together([count.run for count in counts])
    return _summary(summary_query, counts, groups, apart=apart)


@dataclass(frozen=True)
class _Shared:
    """What the accounts of one summary share. ``deadline``: when its time is up, by the event loop's clock."""

    limits: Limits
    deadline: float
    budget: Budget
    on_progress: ProgressCallback | None


def _budget(account_queries: Sequence[AccountQuery], limits: Limits) -> Budget:
    """The records that all accounts together may read."""
    alive = [one for one in account_queries if one.error is None and one.nothing is None]
    return Budget.among(len(partitions_of(alive)), limits)


def _summary(
    summary_query: SummaryQuery, counts: Sequence[AccountCount], groups: GroupTable, *, apart: bool
) -> Summary:
    """The accounts' counts as one. Raises their error where none of them could be asked."""
    entries = [count.entry for count in counts]
    errors = [entry.error for entry in entries if entry.error]
    if errors and len(errors) == len(entries) and not len(groups):
        raise combined(errors)
    if not summary_query.grouping.group_by:
        groups.add((), {}, 0)
    whole = all(entry.whole for entry in entries)
    return Summary(
        columns=list(summary_query.grouping.group_by),
        groups=groups,
        total=groups.records if whole else None,
        how=[count.how for count in counts if count.how is not None],
        entries=entries,
        window=summary_query.query.window,
        whole=whole,
        apart=apart,
    )


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
        one.notes.append(SameWindow(back))
    return replace(query, window=Window(since, until, query.zone.key))


def _columns(group_by: Sequence[str], *, apart: bool) -> list[str]:
    """The grouping: money of several accounts is never added up, for nobody says that their currency is one."""
    return ["account", *group_by] if apart and "account" not in group_by else list(group_by)


@dataclass
class AccountCount:
    """One account's part of a summary: what it adds to the groups, its ledger entry, and how it was come by."""

    summary_query: SummaryQuery
    account_query: AccountQuery
    groups: GroupTable
    """The groups of every account together."""
    shared: _Shared
    how: Note | None = None
    entry: LedgerEntry = field(init=False)

    def __post_init__(self) -> None:
        self.entry = opened(self.account_query)

    @property
    def account(self) -> str:
        return self.account_query.account

    async def run(self) -> None:
        """Count the cheapest way that serves."""
        if self.account_query.error is not None or self.account_query.nothing is not None:
            return
        counter = VendorCounter(self.account_query, self.summary_query.query, self.shared.deadline)
        if await self._by_the_vendor(counter):
            self.shared.budget.left_by(len(partitions_of([self.account_query])))
        else:
            await self._by_reading()
        self.entry.requests += counter.requests

    async def _by_the_vendor(self, counter: VendorCounter) -> bool:
        """Whether the vendor's own numbers serve: only counts are asked, in all or by the words of one closed list."""
        grouping = self.summary_query.grouping
        names = [name for name in grouping.group_by if name != "account"]
        if not self.summary_query.counts_only or len(names) > 1:
            return False
        if names:
            counts = await counter.by_word(names[0])
        else:
            total = await counter.total()
            counts = None if total is None else {"": total}
        if counts is None:
            return False
        for word, count in counts.items():
            self._put(dict.fromkeys(names, word), count)
        self.how = CountedByVendor(self.account, "".join(names))
        self.entry.pushed, self.entry.total = counter.pushed or (), sum(counts.values())
        return True

    async def _by_reading(self) -> None:
        """Read every match, in what is left of the time."""
        shared, when = self.shared, self.account_query.search.when
        limits = replace(shared.limits, deadline=max(0.1, shared.deadline - anyio.current_time()))
        query = replace(self.summary_query.query, orders=newest_first(when))
        sink = partial(replace(self.summary_query.grouping, when=when).take, table=self.groups)
        entries = await read_through([self.account_query], query, limits, sink, shared.on_progress, shared.budget)
        self.entry = entries[0]
        self.how = CountedByReading(self.account, self.entry.scanned)

    def _put(self, values: Mapping[str, Any], count: int) -> None:
        if count:  # a group of nobody is none, whichever way it was counted
            group_by = self.summary_query.grouping.group_by
            key = tuple(self.account if name == "account" else values.get(name) for name in group_by)
            self.groups.add(key, {}, count)
            self.groups.records += count
