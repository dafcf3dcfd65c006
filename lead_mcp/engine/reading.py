"""Several accounts read side by side for one page, within the deadline, with the ledger of what that took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from lead_mcp.engine.cursor import PageEnd, PageState
from lead_mcp.engine.fanout import finished_within
from lead_mcp.engine.ledger import LedgerEntry, fill, opened
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.budget import Budget
from lead_mcp.engine.readers.making import ProgressCallback, ReaderMaker, Sink, reads_along
from lead_mcp.engine.readers.partition import partition_readings, partitions_of
from lead_mcp.engine.windows import length
from lead_mcp.filters import Order

MARGIN = 0.05
"""Seconds that reading leaves of the deadline, for putting the answer together."""


@dataclass(frozen=True)
class Reading:
    """What was read. ``state``: where it began; ``base``: the order it was read in; ``entries``: the ledger, by account."""

    state: PageState
    base: tuple[Order, ...]
    readers: Sequence[Reader]
    entries: Mapping[str, LedgerEntry]


async def read(
    account_queries: Sequence[AccountQuery],
    query: Query,
    state: PageState,
    limits: Limits,
    left: float,
    sink: Sink | None = None,
    on_progress: ProgressCallback | None = None,
    budget: Budget | None = None,
) -> Reading:
    """Read what one page needs, or everything where a ``sink`` takes it.

    ``left``: seconds of the deadline from now; ``budget``: shared with other readings that belong to the same answer.
    """
    alive = [one for one in account_queries if one.error is None and not one.nothing]
    until, asked, scanned = anyio.current_time() + left, Counter[str](), Counter[str]()
    while True:
        base = _order_of_reading(alive, query, state)
        count = len(partitions_of(alive))
        spent = budget or Budget.among(count, limits.scan, limits.called)
        maker = ReaderMaker(query, state, base, spent.share, spent, sink, on_progress)
        readings = partition_readings(maker, alive)
        ended = await finished_within(until - anyio.current_time() - MARGIN, [one.run for one in readings])
        if not any(one.in_batches for one in readings):
            break
        state = replace(state, page_end=PageEnd(floor=state.page_end.after, in_batches=True))
        for tried in readings:
            asked[tried.account_query.account] += tried.reader.pager.usage.requests
            scanned[tried.account_query.account] += tried.reader.pager.usage.scanned
        spent.begin_again(count)
    for part in (part for part, finished in zip(readings, ended, strict=True) if not finished):
        part.reader.cut_by_deadline(limits.deadline)
    entries = {one.account: opened(one) for one in account_queries}
    for one in alive:
        entries[one.account].window = maker.window(one)
        entries[one.account].requests += asked[one.account]
        entries[one.account].scanned += scanned[one.account]
        _fill(entries[one.account], one, [part.reader for part in readings if part.account_query is one], state)
    return Reading(state, base, [part.reader for part in readings], entries)


def _order_of_reading(alive: Sequence[AccountQuery], query: Query, state: PageState) -> tuple[Order, ...]:
    """The order asked for where every account can be read along it, else newest first; within a batch, as it was."""
    in_batch = state.page_end.in_batches or state.page_end.start is not None or state.page_end.end is not None
    begun = state.page_end.after is not None
    if not in_batch and all(reads_along(one, query, query.orders, state.frozen, begun=begun) for one in alive):
        return query.orders
    return (Order(alive[0].search.when, descending=True),)


def _fill(entry: LedgerEntry, account_query: AccountQuery, readers: Sequence[Reader], state: PageState) -> None:
    back = account_query.search.window
    if entry.window is not None and back is not None:
        which = f"the last {length(back)}" if entry.window.until == state.frozen else f"{length(back)} up to its end"
        entry.notes.append(f"insists on a window; {which} were asked")
    fill(entry, readers)
    if state.page_end.end is not None:  # a batch that is read again up to its end holds no more than itself
        entry.total = None
    entry.total = state.totals.get(entry.account, entry.total)
