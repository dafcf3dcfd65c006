"""``search_leads`` with ids: leads of one account by id, or of several by URI, in the order asked for.

Without a sort only as many ids are looked up as the page needs; with one, all of them. The cursor holds the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio

from lead_mcp.engine.answer import Answer, count_returned
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal, failures, failures_of
from lead_mcp.engine.fanout import together
from lead_mcp.engine.ledger import LedgerEntry, combined, left_out, note_moves, opened
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.lookup import LookupResult, look_up
from lead_mcp.engine.notes import DeadlinePassed, SortedAmong
from lead_mcp.engine.places import Places
from lead_mcp.engine.query import AccountQuery, AskedId, Query
from lead_mcp.engine.records import Position, Record, Sorter
from lead_mcp.engine.resolve import resolve_queries
from lead_mcp.engine.text_search import TEXT_FIELDS, text_matches
from lead_mcp.filters import Clause, TextSearch, matches


async def search_ids(connections: Sequence[Connection], query: Query, limits: Limits, seal: Seal) -> Answer:
    """One page of the leads with ``query.ids``. Raises LeadMcpError where the call is wrong or nothing could be read."""
    until = anyio.current_time() + limits.deadline
    places = places_of(query)
    opened = seal.open(query.cursor, query.arguments) if query.cursor is not None else None
    state = IdState.unpacked(opened, places) if opened else IdState()
    named = {one.account for one in query.ids or ()} - {*state.failed}
    account_queries = await resolve_queries([one for one in connections if one.name in named], query)
    search = IdSearch(query, limits, until, state, {one.account: one for one in account_queries})
    page = await (search.sorted_page() if query.orders else search.page())
    return _answer(search, page, seal)


@dataclass(frozen=True)
class IdState:
    """What a cursor of ids holds. ``start``: the first id that is not behind the page (with a sort: not before the batch).

    ``end`` and ``after``: where the batch of a sorted answer ends, and the place within it.
    """

    start: int = 0
    end: int | None = None
    after: Position | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    """Accounts that failed on an earlier page, with the error's code."""

    def packed(self, places: Places) -> dict[str, Any]:
        """As a cursor holds it, short."""
        ends = {"e": self.end, "p": places.packed(self.after) if self.after else None}
        kept = {key: end for key, end in ends.items() if end is not None}
        return {"s": self.start, **kept, **failures(self.failed, places)}

    @staticmethod
    def unpacked(found: Mapping[str, Any], places: Places) -> IdState:
        after = places.unpacked(found["p"]) if "p" in found else None
        return IdState(found["s"], found.get("e"), after, failures_of(found, places))


def places_of(query: Query) -> Places:
    """The accounts of the ids, by which a cursor numbers them."""
    return Places(sorted({one.account for one in query.ids or ()}), query.kind)


@dataclass(frozen=True)
class IdPage:
    """The records of a page; the state behind each of them; the state behind the page, where anything is left."""

    records: Sequence[Record]
    behind: Callable[[int], IdState]
    left: IdState | None
    total: int | None


class IdSearch:
    """Leads by id in the making: looked up, held against the filters, told apart from those that are missing."""

    def __init__(
        self, query: Query, limits: Limits, until: float, state: IdState, account_queries: Mapping[str, AccountQuery]
    ) -> None:
        self.query, self.limits, self.until, self.state = query, limits, until, state
        self.account_queries = account_queries
        self.ids = tuple(query.ids or ())
        self.entries = {name: _opened(one, query) for name, one in account_queries.items()}
        self.missing: list[str] = []
        self.some = False
        """Whether any lead was read, matching or not."""

    async def page(self) -> IdPage:
        """The next leads in the order of their ids: only as many ids are looked up as the page needs."""
        rows: list[tuple[int, Record]] = []
        at, cut = self.state.start, False
        while at < len(self.ids) and len(rows) < self.query.limit and not cut:
            chunk = self.ids[at : at + self.query.limit - len(rows)]
            answered, found = await self._read(chunk)
            rows += [(at + nth + 1, record) for nth, record in found]
            at, cut = at + answered, answered < len(chunk)
        left = replace(self.state, start=at) if at < len(self.ids) else None
        records = [record for _, record in rows]
        total = len(records) if left is None and self.query.cursor is None else None
        return IdPage(records, lambda nth: replace(self.state, start=rows[nth - 1][0]), left, total)

    async def sorted_page(self) -> IdPage:
        """The next leads in the order of the sort, among all ids; among those read by the deadline, where not all were."""
        start, sorter, began = self.state.start, Sorter(self.query.orders), self.state
        batch = self.ids[start : began.end]
        answered, found = await self._read(batch)
        if began.end is not None and answered < len(batch):  # less was read than on the page before
            return IdPage([], lambda nth: began, began, None)
        end = start + answered if start + answered < len(self.ids) else None
        if start or end is not None:
            self._note_batch(answered)
        if start or began.after is not None:
            note_moves(list(self.entries.values()), self.query, self.query.now)
        rows = sorted((record for _, record in found), key=sorter.key)
        left = [record for record in rows if sorter.is_after(record, began.after)]
        page = left[: self.query.limit]

        def behind(nth: int) -> IdState:
            return replace(began, end=end, after=sorter.position(page[nth - 1]))

        next_batch = None if end is None else replace(began, start=end, end=None, after=None)
        total = None if start or end is not None else len(rows)
        return IdPage(page, behind, behind(len(page)) if len(left) > len(page) else next_batch, total)

    def _note_batch(self, ids: int) -> None:
        for entry in self.entries.values():
            entry.complete = False
            entry.note(SortedAmong(ids, len(self.ids)))

    async def _read(self, chunk: Sequence[AskedId]) -> tuple[int, list[tuple[int, Record]]]:
        """Look the chunk up, account by account side by side. How many of its first ids are settled, and their leads.

        An id is settled when its vendor has answered, or will not answer: an account that failed stays out.
        """
        found: dict[str, LookupResult] = {}

        async def one_account(name: str, ids: list[str]) -> None:
            account_query, left = self.account_queries[name], max(0.1, self.until - anyio.current_time())
            found[name] = await look_up(account_query.connection, ids, account_query.names, left)

        by_account = {name: [one.id for one in chunk if one.account == name] for name in self._asked()}
        await together([partial(one_account, name, ids) for name, ids in by_account.items() if ids])
        for name, looked in found.items():
            self._note(self.entries[name], looked)
        self._raise_if_empty(found)
        settled = [one.account not in found or one.id in found[one.account].asked or self._failed(one) for one in chunk]
        answered = settled.index(False) if False in settled else len(chunk)
        return answered, list(self._taken(chunk[:answered], found))

    def _asked(self) -> list[str]:
        return [name for name, entry in self.entries.items() if entry.error is None]

    def _failed(self, one: AskedId) -> bool:
        return self.entries[one.account].error is not None

    def _note(self, entry: LedgerEntry, looked: LookupResult) -> None:
        entry.requests += looked.requests
        entry.scanned += looked.scanned
        entry.complete = entry.complete and looked.error is None
        if looked.late and looked.asked:
            entry.note(DeadlinePassed(self.limits.deadline))
        else:
            entry.error = looked.error

    def _raise_if_empty(self, found: Mapping[str, LookupResult]) -> None:
        """Ids that no account could answer are an error, not an empty shelf."""
        errors = [entry.error for entry in self.entries.values() if entry.error is not None]
        self.some = self.some or any(looked.records for looked in found.values())
        if errors and len(errors) == len(self.entries) and not self.some:
            raise combined(errors)

    def _taken(self, chunk: Sequence[AskedId], found: Mapping[str, LookupResult]) -> Iterator[tuple[int, Record]]:
        """The leads of these ids that match, each with its place; the others are missing, where their vendor answered."""
        for nth, one in enumerate(chunk):
            looked = found.get(one.account)
            record = looked.records.get(one.id) if looked else None
            if record is not None and self._matches(self.account_queries[one.account], record):
                yield nth, record
            elif record is None and looked is not None and one.id in looked.asked:
                self.missing.append(one.spelled)

    def _matches(self, account_query: AccountQuery, record: Record) -> bool:
        text = self.query.text
        if text and not text_matches(text, [record.get(name) for name in TEXT_FIELDS]):
            return False
        return account_query.nothing is None and all(
            matches(where, record.get(where.field)) for where in account_query.clauses
        )


def _opened(account_query: AccountQuery, query: Query) -> LedgerEntry:
    """The entry of an account whose leads are looked up by id: every clause is checked here."""
    searched = (TextSearch(query.text),) if query.text else ()
    checked: tuple[Clause, ...] = (*account_query.clauses, *searched)
    return replace(opened(account_query), total=None, checked_here=checked, notes=list(account_query.notes))


def _answer(search: IdSearch, page: IdPage, seal: Seal) -> Answer:
    entries, failed = list(search.entries.values()), dict(search.state.failed)
    count_returned(entries, page.records)
    failed |= {entry.account: entry.error.code for entry in entries if entry.error}
    places = places_of(search.query)

    def sealed(state: IdState) -> str:
        packed = replace(state, failed=failed).packed(places)
        return seal.close({**packed, "f": search.query.now}, search.query.arguments)

    cursor = None if page.left is None else sealed(page.left)
    total = None if failed or not all(entry.whole for entry in entries) else page.total
    ledger = [*entries, *left_out(search.state.failed)]
    return Answer(page.records, total, cursor, ledger, search.missing, lambda rows: sealed(page.behind(rows)))
