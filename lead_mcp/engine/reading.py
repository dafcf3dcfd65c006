"""Several accounts read side by side for one page, within the deadline, with the ledger of what that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import anyio

from lead_mcp.engine.cursor import PageEnd, PageState
from lead_mcp.engine.fanout import finished_within
from lead_mcp.engine.ledger import LedgerEntry, fill, opened
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.notes import DefaultWindow
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.budget import Budget
from lead_mcp.engine.readers.intake import Sink
from lead_mcp.engine.readers.making import ProgressCallback, ReaderMaker, reads_along
from lead_mcp.engine.readers.partition import PartitionReading, partition_readings, partitions_of
from lead_mcp.filters import Order, newest_first

MARGIN: Final = 0.05
"""Seconds that reading leaves of the deadline, for putting the answer together."""


@dataclass(frozen=True)
class Reading:
    """What was read. ``state``: where it began; ``base``: the order it was read in; ``entries``: the ledger, by account."""

    state: PageState
    base: tuple[Order, ...]
    readers: Sequence[Reader]
    entries: Mapping[str, LedgerEntry]


@dataclass(frozen=True)
class Delivery:
    """Where matches go: every one to the ``sink``; without one, as many as the page needs stay with their readers.

    ``on_progress``: told how many records each page held; ``budget``: shared with other readings for the same answer.
    """

    sink: Sink | None = None
    on_progress: ProgressCallback | None = None
    budget: Budget | None = None


KEPT: Final = Delivery()


@dataclass(frozen=True)
class Attempt:
    """Every partition read in one order. ``finished``: which of the ``readings`` ended by themselves in time."""

    maker: ReaderMaker
    readings: Sequence[PartitionReading]
    finished: Sequence[bool]

    @property
    def in_batches(self) -> bool:
        """Whether it has to be read in another order, and sorted here."""
        return any(one.in_batches for one in self.readings)

    def readers(self, account_query: AccountQuery) -> list[Reader]:
        """Those of one account."""
        return [one.reader for one in self.readings if one.account_query is account_query]


async def read(
    account_queries: Sequence[AccountQuery],
    query: Query,
    state: PageState,
    limits: Limits,
    left: float,
    delivery: Delivery = KEPT,
) -> Reading:
    """Read what one page needs, or everything where a sink takes it. ``left``: seconds of the deadline from now."""
    alive = [one for one in account_queries if one.error is None and one.nothing is None]
    attempt = partial(_attempt, alive, query, limits, anyio.current_time() + left - MARGIN, delivery)
    given_up, last = None, await attempt(state)
    if last.in_batches:
        if delivery.budget is not None:
            delivery.budget.begin_again(len(last.readings))
        page_end = PageEnd(floor=state.page_end.after, in_batches=True)
        given_up, last = last, await attempt(replace(state, page_end=page_end))
    for one, finished in zip(last.readings, last.finished, strict=True):
        if not finished:
            one.reader.cut_by_deadline(limits.deadline)
    entries = {one.account: opened(one) for one in account_queries}
    for account_query in alive:
        _fill(entries[account_query.account], account_query, last, given_up)
    return Reading(last.maker.state, last.maker.base, [one.reader for one in last.readings], entries)


async def _attempt(
    alive: Sequence[AccountQuery], query: Query, limits: Limits, until: float, delivery: Delivery, state: PageState
) -> Attempt:
    """Read in the order that serves from there on, until that moment of the event loop's clock."""
    budget = delivery.budget or Budget.among(len(partitions_of(alive)), limits)
    base = _order_of_reading(alive, query, state)
    maker = ReaderMaker(query, state, base, budget, delivery.sink, delivery.on_progress)
    readings = partition_readings(maker, alive)
    finished = await finished_within(until - anyio.current_time(), [one.run for one in readings])
    return Attempt(maker, readings, finished)


def _order_of_reading(alive: Sequence[AccountQuery], query: Query, state: PageState) -> tuple[Order, ...]:
    """The order asked for where every account can be read along it, else newest first; within a batch, as it was."""
    in_batch = state.page_end.in_batches or state.page_end.start is not None or state.page_end.end is not None
    begun = state.page_end.after is not None
    if not in_batch and all(reads_along(one, query, query.orders, state.frozen, begun=begun) for one in alive):
        return query.orders
    return newest_first(alive[0].search.when)


def _fill(entry: LedgerEntry, account_query: AccountQuery, last: Attempt, given_up: Attempt | None) -> None:
    """Write down what one account's reading came to; an attempt that was given up has cost something, too."""
    state, back = last.maker.state, account_query.search.window
    entry.window = last.maker.window(account_query)
    if entry.window is not None and back is not None:
        entry.note(DefaultWindow(back, from_end=entry.window.until != state.frozen))
    for reader in given_up.readers(account_query) if given_up else ():
        entry.requests += reader.pager.usage.requests
        entry.scanned += reader.pager.usage.scanned
    fill(entry, last.readers(account_query))
    if state.page_end.end is not None:  # a batch that is read again up to its end holds no more than itself
        entry.total = None
    entry.total = state.totals.get(entry.account, entry.total)
