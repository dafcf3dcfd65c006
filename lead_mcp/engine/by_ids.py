"""``search_leads`` with ids: leads of one account by id, or of several by URI, in the order asked for.

Without a sort only as many ids are looked up as the page needs; with one, all of them. The cursor holds the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio

from lead_mcp.engine.ledger import LedgerEntry, combined
from lead_mcp.engine.lookup import Found, check_ids, look_up
from lead_mcp.engine.plan import TEXT_FIELDS, text_matches
from lead_mcp.engine.query import AccountQuery, Query, check_together, resolve_query
from lead_mcp.engine.records import Record, Sorter
from lead_mcp.engine.search import AccountDirectory, Answer
from lead_mcp.errors import BadArgument
from lead_mcp.filters import Clause, TextSearch, matches
from lead_mcp.uris import parse_uri

Id = tuple[str, str]
"""Account name and id."""


async def search_ids(desk: AccountDirectory, account: str | None, ids: Sequence[str], query: Query) -> Answer:
    """One page of the leads with these ids. Raises LeadMcpError where the call is wrong or nothing could be read."""
    check_ids(ids)
    wanted: dict[Id, str] = {}
    spelled: dict[Id, Id] = {}
    for one in ids:
        named = _named(desk, account, one)
        wanted.setdefault(spelled.setdefault(_folded(desk, named), named), one)
    start = desk.seal.open(query.cursor, query.arguments)["at"] if query.cursor is not None else 0
    connections = list({name: desk.connection(name) for name, _ in wanted}.values())
    parts = {part.account: part for part in [await resolve_query(one, query) for one in connections]}
    check_together(list(parts.values()), query)
    return await IdSearch(desk, query, wanted, parts, start).answer()


def _folded(desk: AccountDirectory, named: Id) -> Id:
    """One key for every spelling of an id: look-ups of many tell ids apart case-folded."""
    name, one = named
    return (name, one.casefold()) if desk.connection(name).vendor.lookup.many > 1 else named


def _named(desk: AccountDirectory, account: str | None, one: str) -> Id:
    if one.startswith("lead://"):
        found = parse_uri(one, "lead")
        if account is not None and found.account not in {c.name for c in desk.chosen(account)}:
            raise BadArgument(f"ids: {one[:120]!r} is not of account {account!r}.")
        return desk.connection(found.account).name, found.id
    chosen = desk.chosen(account)
    if len(chosen) != 1:
        names = ", ".join(connection.name for connection in chosen)
        raise BadArgument(f"ids: bare ids belong to one account; name it, or give lead URIs. Chosen now: {names}.")
    return chosen[0].name, one


class IdSearch:
    """One page of leads by id in the making."""

    def __init__(
        self,
        desk: AccountDirectory,
        query: Query,
        wanted: Mapping[Id, str],
        parts: Mapping[str, AccountQuery],
        start: int,
    ) -> None:
        self.desk, self.query, self.parts, self.at = desk, query, parts, start
        self.wanted, self.spelled = list(wanted), wanted
        self.entries = {name: self._entry(part) for name, part in parts.items()}
        self.rows: list[Record] = []
        self.missing: list[str] = []
        self.places: list[int] = []
        """For each row, where the next page would begin behind it."""
        self.until = anyio.current_time() + desk.limits.deadline

    def _entry(self, part: AccountQuery) -> LedgerEntry:
        checked: list[Clause] = [*part.clauses, *([TextSearch(self.query.text)] if self.query.text else [])]
        return LedgerEntry(
            part.account,
            requests=part.metadata_requests,
            checked_here=checked,
            notes=part.notes,
            error=part.error,
            field_of=part.names.field,
        )

    async def answer(self) -> Answer:
        sorted_here = bool(self.query.orders)
        while self.at < len(self.wanted) and len(self.rows) < self.query.limit:
            size = len(self.wanted) if sorted_here else self.query.limit - len(self.rows)
            chunk = self.wanted[0:] if sorted_here else self.wanted[self.at : self.at + size]
            if not await self._read(chunk):
                break
            if sorted_here:
                return self._sorted_page()
            self.at += len(chunk)
        return self._answer(self.rows, self.at, self.at < len(self.wanted))

    async def _read(self, chunk: Sequence[Id]) -> bool:
        """Look the chunk up, account by account side by side; whether the vendors answered about all of it."""
        by_account: dict[str, list[str]] = {}
        for name, one in chunk:
            if self.entries[name].error is None:
                by_account.setdefault(name, []).append(one)
        found: dict[str, Found] = {}

        async def one_account(name: str, ids: list[str]) -> None:
            part, left = self.parts[name], max(0.1, self.until - anyio.current_time())
            found[name] = await look_up(part.connection, ids, part.names, left)

        async with anyio.create_task_group() as group:
            for name, ids in by_account.items():
                group.start_soon(one_account, name, ids)
        for name, looked in found.items():
            self._note(self.entries[name], looked)
        self._take(chunk, found)
        if all(entry.error for entry in self.entries.values()) and not self.rows:
            raise combined([entry.error for entry in self.entries.values() if entry.error])
        return bool(found) and not any(one.error for one in found.values())

    def _note(self, entry: LedgerEntry, found: Found) -> None:
        entry.requests += found.requests
        entry.scanned += found.scanned
        entry.error = entry.error or found.error
        entry.complete = entry.complete and found.error is None

    def _take(self, chunk: Sequence[Id], found: Mapping[str, Found]) -> None:
        for place, (name, one) in enumerate(chunk, self.at + 1):
            if name not in found:
                continue
            record = found[name].records.get(one)
            if record is None and one in found[name].asked:
                self.missing.append(self.spelled[name, one])
            elif record is not None and self._matches(self.parts[name], record):
                self.rows.append(record)
                self.places.append(place)

    def _matches(self, part: AccountQuery, record: Record) -> bool:
        text = self.query.text
        if text and not text_matches(text, [record.get(name) for name in TEXT_FIELDS]):
            return False
        return not part.nothing and all(matches(where, record.get(where.field)) for where in part.clauses)

    def _sorted_page(self) -> Answer:
        rows = sorted(self.rows, key=Sorter(self.query.orders).key)
        page = rows[self.at : self.at + self.query.limit]
        self.places = list(range(self.at + 1, self.at + len(page) + 1))
        return self._answer(page, self.at + len(page), self.at + len(page) < len(rows), len(rows))

    def _answer(self, page: Sequence[Record], at: int, more: bool, total: int | None = None) -> Answer:
        for record in page:
            self.entries[record.account].returned += 1
        cursor = self._cursor(at) if more else None
        whole = not any(entry.error for entry in self.entries.values())
        known = total if total is not None else len(page) if not more and self.query.cursor is None else None
        entries, total = list(self.entries.values()), known if whole else None
        return Answer(page, total, cursor, entries, self.missing, lambda rows: self._cursor(self.places[rows - 1]))

    def _cursor(self, at: int) -> str:
        state = {"at": at, "f": self.query.now.isoformat()}
        return self.desk.seal.close(state, self.query.arguments)
