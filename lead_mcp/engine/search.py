"""One question, several accounts, one honest answer: read side by side, merged in one order, with a ledger and a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import anyio

from lead_mcp.engine.answer import Answer, count_returned
from lead_mcp.engine.batches import batch_end, batch_page
from lead_mcp.engine.by_ids import search_ids
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import PageEnd, PageState, Seal
from lead_mcp.engine.ledger import LedgerEntry, combined, finished_before, left_out, note_moves, total_of
from lead_mcp.engine.limits import Limits, late
from lead_mcp.engine.merge import MergedPage, merged_page
from lead_mcp.engine.notes import ReadBackTo, SortedInBatch
from lead_mcp.engine.pace import aside
from lead_mcp.engine.places import Places
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.budget import Budget
from lead_mcp.engine.readers.intake import Sink
from lead_mcp.engine.readers.making import ProgressCallback
from lead_mcp.engine.reading import Delivery, Reading, read
from lead_mcp.engine.records import Sorter
from lead_mcp.engine.resolve import resolve_queries


async def search(connections: Sequence[Connection], query: Query, limits: Limits, seal: Seal) -> Answer:
    """One page of the answer. Raises LeadMcpError where the call is wrong or no account could answer."""
    if query.ids is not None:
        return await search_ids(connections, query, limits, seal)
    places = Places(sorted(connection.name for connection in connections), query.kind)
    opened = seal.open(query.cursor, query.arguments) if query.cursor is not None else None
    state = PageState.unpacked(opened, places) if opened else PageState(query.now, tuple(places.names))
    started = anyio.current_time()
    with anyio.move_on_after(limits.deadline):
        account_queries = await resolve_queries([one for one in connections if one.name in state.accounts], query)
        left = limits.deadline - (anyio.current_time() - started)
        reading = await read(account_queries, query, state, limits, left)
        page = SearchPage(query, reading, seal, places)
        return await aside(page.answer, sum(len(reader.taken.rows) for reader in reading.readers))
    raise late(limits)


async def read_through(
    account_queries: Sequence[AccountQuery],
    query: Query,
    limits: Limits,
    sink: Sink,
    on_progress: ProgressCallback | None = None,
    budget: Budget | None = None,
) -> list[LedgerEntry]:
    """Hand every match to ``sink``, in no promised order, keeping none; the ledger. For summaries.

    ``limits.scan`` bounds the records read (``budget``: together with other readings), ``limits.deadline`` the time; an
    entry that was cut says so.
    """
    state = PageState(query.now, tuple(one.account for one in account_queries))
    delivery = Delivery(sink, on_progress, budget)
    reading = await read(account_queries, query, state, limits, limits.deadline, delivery)
    return list(reading.entries.values())


@dataclass(frozen=True)
class SearchPage:
    """A page made of what was read."""

    query: Query
    reading: Reading
    seal: Seal
    places: Places

    @property
    def state(self) -> PageState:
        return self.reading.state

    @property
    def batched(self) -> bool:
        """Whether the page was read in another order than the one asked for, and sorted here."""
        return self.reading.base != self.query.orders

    def answer(self) -> Answer:
        """The page with its ledger. Raises the accounts' error where none of them could answer."""
        page = self._page()
        entries = list(self.reading.entries.values())
        self._raise_if_empty(entries)
        self._note(page)
        count_returned(entries, page.records)
        ledger = [*entries, *finished_before(self.state), *left_out(self.state.failed)]
        return Answer(
            page.records,
            None if self.state.failed else total_of(ledger),
            None if page.end is None else self._sealed(page.end, page.finished),
            ledger,
            cut=self._cut(page),
            certain=page.certain,
        )

    def _page(self) -> MergedPage:
        readers, limit, began = self.reading.readers, self.query.limit, self.state.page_end
        sorter, base = Sorter(self.query.orders), Sorter(self.reading.base)
        if not self.batched:
            somebody = self.query.text is not None or any(reader.plan.person for reader in readers)
            return merged_page(readers, sorter, limit, began, at_once=somebody)
        if batch_end(readers, base, began) is not None:
            for reader in readers:
                entry = self.reading.entries[reader.pager.account.name]
                entry.complete = False
                entry.note(SortedInBatch())
        return batch_page(readers, base, sorter, limit, began)

    def _note(self, page: MergedPage) -> None:
        """Say where the order, or that everything comes once, holds less than it seems."""
        asked = [entry for entry in self.reading.entries.values() if entry.error is None]
        if page.certain < len(page.records) and page.end is not None and page.end.after is not None:
            back = ReadBackTo(page.end.after.values[0], self.query.zone)
            for entry in asked:
                if entry.account not in page.finished:
                    entry.note(back)
        if self.state.page_end != PageEnd():
            note_moves(asked, self.query, self.state.frozen)

    def _raise_if_empty(self, entries: Sequence[LedgerEntry]) -> None:
        """A question that no account could answer is an error, not an empty shelf."""
        errors = [entry.error for entry in entries if entry.error is not None]
        if entries and len(errors) == len(entries) and not any(reader.taken.rows for reader in self.reading.readers):
            raise combined(errors)

    def _cut(self, page: MergedPage) -> Callable[[int], str]:
        """Cursors behind earlier rows of this page: in its order, and within its batch where it is one."""
        sorter, began = Sorter(self.query.orders), self.state.page_end
        end = batch_end(self.reading.readers, Sorter(self.reading.base), began) if self.batched else None
        start = began.start if self.batched else None

        def position(rows: int) -> PageEnd:
            after = sorter.position(page.records[rows - 1]) if rows else began.after
            return replace(began, after=after, start=start, end=end)

        return lambda rows: self._sealed(position(rows))

    def _sealed(self, page_end: PageEnd, finished: frozenset[str] = frozenset()) -> str:
        entries = self.reading.entries.values()
        failed = {entry.account: entry.error.code for entry in entries if entry.error}
        gone = {*failed, *finished}
        state = PageState(
            self.state.frozen,
            tuple(entry.account for entry in entries if entry.account not in gone),
            page_end,
            {**self.state.totals, **{entry.account: entry.total for entry in entries if entry.error is None}},
            {**self.state.failed, **failed},
            (*self.state.finished, *sorted(finished)),
        )
        return self.seal.close(state.packed(self.places), self.query.arguments)
