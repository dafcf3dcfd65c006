"""One question, several accounts, one honest answer: feeds side by side, merged in one order, with a ledger and a cursor.

The page is cut where its order is certain: behind the nearest *frontier* of a feed that was stopped before it was done.
A sort that some feed cannot be read along is done here over a *batch*: the newest records up to the scan limit; the cursor
walks the batch in the asked order, then goes on to the next one. So every match comes exactly once, whatever the sort.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import anyio

from lead_mcp.dates import Window, stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.ledger import LedgerEntry, combined
from lead_mcp.engine.plan import TEXT_FIELDS, Bounds, Criteria, Plan, plan, unfiltered
from lead_mcp.engine.query import AccountQuery, Query, check_together, resolve_query
from lead_mcp.engine.readers.base import OutOfOrder, Reader, Refused, TooDeep
from lead_mcp.engine.readers.full import FullReader
from lead_mcp.engine.readers.paging import Pager, Usage
from lead_mcp.engine.readers.sorted import SortedReader
from lead_mcp.engine.readers.time_slices import TimeSliceReader
from lead_mcp.engine.records import Position, Record, Sorter
from lead_mcp.errors import LeadMcpError, MalformedReply, TimedOut, error_of_code
from lead_mcp.filters import RANGE, Op, Order
from lead_mcp.uris import lead_uri, uri
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Raw


@dataclass(frozen=True)
class Limits:
    """What one answer may cost."""

    deadline: float = 30.0
    scan: int = 10_000


class AccountDirectory(Protocol):
    """Whoever knows the accounts: names to connections, what an answer may cost, the seal of cursors."""

    @property
    def limits(self) -> Limits: ...
    @property
    def seal(self) -> Seal: ...
    def chosen(self, account: str | None) -> list[Connection]: ...
    def connection(self, name: str) -> Connection: ...


@dataclass(frozen=True)
class Answer:
    """The records of one page in order, what they cost, and where to go on."""

    records: Sequence[Record]
    total: int | None
    cursor: str | None
    entries: Sequence[LedgerEntry]
    missing: Sequence[str] | None = None
    """Ids that were asked for and not found; None where none were asked for."""
    cut: Callable[[int], str] = lambda rows: ""
    """The cursor that goes on behind the first so many rows, where fewer fit than were found."""
    omitted: str = ""

    def first(self, rows: int) -> Answer:
        """The answer's first rows alone, with the cursor that goes on behind them."""
        kept = self.records[:rows]
        for entry in self.entries:
            entry.returned = sum(record.account == entry.account for record in kept)
        return replace(self, records=kept, cursor=self.cut(rows))


@dataclass(frozen=True)
class PageState:
    """What a cursor holds. ``start`` and ``end`` bound a batch in base order; ``after`` is the place within the page's."""

    frozen: datetime
    accounts: tuple[str, ...]
    after: Position | None = None
    start: Position | None = None
    end: Position | None = None
    totals: Mapping[str, int | None] = field(default_factory=dict)
    failed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Accounts that failed on an earlier page: code and message."""

    def packed(self) -> dict[str, Any]:
        places = {"p": self.after, "s": self.start, "e": self.end}
        kept = {key: place.packed() for key, place in places.items() if place}
        known = {name: total for name, total in self.totals.items() if total is not None}
        return {
            "f": self.frozen.isoformat(),
            "a": self.accounts,
            "t": known,
            **kept,
            **({"x": self.failed} if self.failed else {}),
        }

    @staticmethod
    def unpacked(packed: Mapping[str, Any]) -> PageState:
        after, start, end = (Position.unpacked(packed[key]) if key in packed else None for key in "pse")
        frozen = datetime.fromisoformat(packed["f"])
        return PageState(frozen, tuple(packed["a"]), after, start, end, packed["t"], packed.get("x", {}))


async def search(connections: Sequence[Connection], query: Query, limits: Limits, seal: Seal) -> Answer:
    """One page of the answer. Raises LeadMcpError where the call is wrong or no account could answer."""
    opened = seal.open(query.cursor, query.arguments) if query.cursor is not None else None
    state = PageState.unpacked(opened) if opened else PageState(query.now, tuple(c.name for c in connections))
    started = anyio.current_time()
    with anyio.move_on_after(limits.deadline):
        asked = [c for c in connections if c.name in state.accounts]
        parts = await resolve_queries(asked, query)
        return await Run(parts, query, state, limits, seal, started).answer()
    raise late(limits)


async def read_through(
    parts: Sequence[AccountQuery],
    query: Query,
    limits: Limits,
    seal: Seal,
    sink: Callable[[Record], None],
    on_progress: Callable[[int], Awaitable[None]] | None = None,
) -> list[LedgerEntry]:
    """Hand every match to ``sink``, in no promised order, keeping none; the ledger. For summaries.

    ``limits.scan`` bounds the records read, ``limits.deadline`` the time; an entry that was cut says so.
    """
    state = PageState(query.now, tuple(part.account for part in parts))
    run = Run(parts, query, state, limits, seal, anyio.current_time(), sink=sink, on_progress=on_progress)
    await run.read()
    return list(run.entries.values())


def late(limits: Limits) -> LeadMcpError:
    return TimedOut(f"No account told its fields within {limits.deadline:g} s (LEAD_MCP_DEADLINE). Try again later.")


async def resolve_queries(connections: Sequence[Connection], query: Query) -> list[AccountQuery]:
    found: list[AccountQuery | None] = [None] * len(connections)
    errors: list[LeadMcpError] = []

    async def one(nth: int) -> None:
        try:
            found[nth] = await resolve_query(connections[nth], query)
        except LeadMcpError as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        for nth in range(len(connections)):
            group.start_soon(one, nth)
    if errors:
        raise errors[0]
    parts = [part for part in found if part is not None]
    check_together(parts, query)
    return parts


@dataclass
class Run:
    """One page in the making."""

    parts: Sequence[AccountQuery]
    query: Query
    state: PageState
    limits: Limits
    seal: Seal
    started: float
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    readers: list[Reader] = field(default_factory=list)
    partitions: list[tuple[AccountQuery, str | None]] = field(default_factory=list)
    sink: Callable[[Record], None] | None = None
    on_progress: Callable[[int], Awaitable[None]] | None = None

    async def read(self) -> tuple[Order, ...]:
        """Set out, read, and fill in the ledger; the order it was read in."""
        alive = [part for part in self.parts if part.error is None and not part.nothing]
        self.entries = {part.account: self._entry(part) for part in self.parts}
        base = self._base_order(alive)
        self.readers = self._made_readers(alive, base)
        await self._read()
        self._note_readers()
        return base

    async def answer(self) -> Answer:
        base = await self.read()
        records, cursor = self._in_batches(base) if base != self.query.orders else self._in_order()
        self._raise_if_empty()
        for record in records:
            self.entries[record.account].returned += 1
        return Answer(records, self._total(), cursor, self._ledger(), cut=self._cut(records, base))

    def _cut(self, records: Sequence[Record], base: tuple[Order, ...]) -> Callable[[int], str]:
        """Cursors behind earlier rows of this page: in its order, and within its batch where it is one."""
        sorter = Sorter(self.query.orders)
        batched = base != self.query.orders
        end = (self.state.end or _line(self.readers, Sorter(base))) if batched else None
        start = self.state.start if batched else None
        return lambda rows: self._sealed(after=sorter.position(records[rows - 1]), start=start, end=end)

    # --- setting out ---

    def _entry(self, part: AccountQuery) -> LedgerEntry:
        notes = list(part.notes)
        if part.nothing:
            notes.append(f"not asked: {part.nothing} can match")
        return LedgerEntry(
            part.account,
            total=0 if part.nothing else None,
            requests=part.metadata_requests,
            complete=part.error is None,
            notes=notes,
            error=part.error,
            field_of=part.names.field,
        )

    def _base_order(self, parts: Sequence[AccountQuery]) -> tuple[Order, ...]:
        """The order to read in: the one asked for where every feed can be read along it, else newest first."""
        asked = self.query.orders
        if all(self._streams(part, asked) for part in parts):
            return asked
        return (Order(parts[0].search.when, descending=True),)

    def _streams(self, part: AccountQuery, orders: tuple[Order, ...]) -> bool:
        route = plan(part.search, part.names.fields, self._criteria(part, orders)).route
        leading = orders[0].field
        return leading in route.orders or leading == route.slices or not (route.orders or route.slices)

    def _criteria(self, part: AccountQuery, orders: tuple[Order, ...]) -> Criteria:
        return Criteria(part.clauses, self.query.text, orders, self.state.frozen)

    def _made_readers(self, parts: Sequence[AccountQuery], base: tuple[Order, ...]) -> list[Reader]:
        partitions = [
            (part, partition)
            for part in parts
            for partition in part.search.partitions(part.connection.account) or (None,)
        ]
        share = max(1, self.limits.scan // max(1, len(partitions)))
        self.partitions = partitions
        first = {part.account: plan(part.search, part.names.fields, self._criteria(part, base)) for part in parts}
        return [self._reader(part, partition, base, share, first[part.account]) for part, partition in partitions]

    def _reader(
        self, part: AccountQuery, partition: str | None, base: tuple[Order, ...], share: int, found: Plan
    ) -> Reader:
        found = self._windowed(part, found)
        batched = base != self.query.orders
        if batched and self.state.end is not None:
            found = _ending_at(found, self.state.end)
        entry = self.entries[part.account]
        entry.notes.extend(found.notes)
        columns = self._columns(part)
        pager = Pager(
            part.connection.outbound, Usage(share), self.state.frozen, partition, columns, on_progress=self.on_progress
        )
        kind = SortedReader if _sorts(found) else TimeSliceReader if found.route.slices == found.along else FullReader
        return kind(
            pager=pager,
            plan=found,
            sorter=Sorter(base),
            record=self._recorder(part, partition),
            after=self.state.start if batched else self.state.after,
            need=None if batched or self.sink else self.query.limit + 1,
            sink=self.sink,
        )

    def _columns(self, part: AccountQuery) -> Paths:
        """The vendor's own names of everything this answer will read."""
        asked = (
            *self.query.columns,
            *self.query.defaults,
            *(order.field for order in self.query.orders),
            part.search.when,
        )
        searched = TEXT_FIELDS if self.query.text else ()
        names = dict.fromkeys((*asked, *(where.field for where in part.clauses), *searched, "id"))
        known = (part.names.field(name) for name in names)
        return tuple(dict.fromkeys(path for found in known if found for path in found.paths))

    def _windowed(self, part: AccountQuery, found: Plan) -> Plan:
        """The plan with the default window where the vendor insists on one and none was asked for."""
        back, when = part.search.window, part.search.when
        asked = [w for w in part.clauses if w.field == when and w.op in RANGE and w.op in (Op.GTE, Op.GT)]
        if back is None or asked:
            return found
        until = min([w.value for w in part.clauses if w.field == when and w.op in RANGE] or [self.state.frozen])
        since = (until - back).replace(microsecond=0)
        entry = self.entries[part.account]
        entry.window = Window(since, until, self.query.zone.key)
        entry.notes.append(f"{part.account} insists on a window; the last {_days(back)} were asked")
        bounds = found.bounds if found.along == when else Bounds()
        return replace(found, along=when, bounds=replace(bounds, lower=since))

    def _recorder(self, part: AccountQuery, partition: str | None) -> Any:
        account, kind, reads = part.connection.account, self.query.kind, part.names.field

        def record(raw: Raw) -> Record:
            found = part.search.identify(account, raw, partition)
            if found is None:
                raise MalformedReply(f"{account.name} sent a record without an id.", account=account.name)
            if kind == "lead":
                return Record(account.name, found, lead_uri(account.name, found), raw, reads, partition)
            at = reads("at")
            moment = at.read(raw) if at else None
            when = stamp_of(moment) if isinstance(moment, datetime) else ""
            return Record(
                account.name, found, uri("ping", account.name, kind, found, type=partition or "", at=when), raw, reads
            )

        return record

    # --- reading ---

    async def _read(self) -> None:
        left = self.limits.deadline - (anyio.current_time() - self.started)
        finished: set[int] = set()

        async def run(nth: int) -> None:
            while not await self._ran(nth):
                pass
            finished.add(nth)

        with anyio.move_on_after(max(0.0, left - 0.05)):
            async with anyio.create_task_group() as group:
                for nth in range(len(self.readers)):
                    group.start_soon(run, nth)
        for nth, reader in enumerate(self.readers):
            if nth not in finished:
                reader.cut_by_deadline(self.limits.deadline)

    async def _ran(self, nth: int) -> bool:
        """Whether the feed came to its end; where not, another way of reading has taken its place."""
        try:
            await self.readers[nth].run()
        except OutOfOrder:
            self.readers[nth] = _unsorted(self.readers[nth])
        except TooDeep:
            self.readers[nth] = self._otherwise(nth)
        except Refused as refused:
            return self._failed(nth, refused)
        else:
            return True
        return False

    def _failed(self, nth: int, refused: Refused) -> bool:
        """Whether the refusal stands: no filter was sent that could be checked here."""
        reader, (part, _) = self.readers[nth], self.partitions[nth]
        plain = unfiltered(reader.plan, part.names.fields)
        if plain is None:
            if isinstance(refused.__cause__, LeadMcpError):
                reader.fail(refused.__cause__)
            return True
        self.readers[nth] = _again(reader, type(reader), plain)
        self.entries[part.account].notes.extend(plain.notes)
        return False

    def _otherwise(self, nth: int) -> Reader:
        """The feed again by another route, where the first one's call does not reach far enough."""
        tired, (part, partition) = self.readers[nth], self.partitions[nth]
        query = tired.plan.criteria
        other = plan(part.search, part.names.fields, query, without=frozenset({tired.plan.route.name}))
        fresh = self._reader(part, partition, query.orders, tired.pager.usage.share, other)
        fresh.pager.usage = tired.pager.usage
        return fresh

    def _note_readers(self) -> None:
        totals: dict[str, list[int | None]] = {}
        for reader in self.readers:
            entry = self.entries[reader.pager.account.name]
            entry.pushed = tuple(dict.fromkeys((*entry.pushed, *reader.plan.pushed)))
            entry.checked_here = tuple(dict.fromkeys((*entry.checked_here, *reader.plan.checked_here)))
            entry.scanned += reader.pager.usage.scanned
            entry.requests += reader.pager.usage.requests
            if reader.why and not reader.error:
                entry.notes.append(reader.why)
            entry.complete = entry.complete and not reader.why and not reader.error
            entry.error = entry.error or reader.error
            # a batch that is read again up to its end holds no more than itself
            totals.setdefault(entry.account, []).append(reader.counted() if self.state.end is None else None)
        for name, known in totals.items():
            counted = [total for total in known if total is not None]
            self.entries[name].total = sum(counted) if len(counted) == len(known) else None
        for name, total in self.state.totals.items():
            if name in self.entries:
                self.entries[name].total = total

    # --- the page ---

    def _in_order(self) -> tuple[list[Record], str | None]:
        """The first records of the merged feeds, as far as their order is certain."""
        sorter = Sorter(self.query.orders)
        rows = sorted((row for reader in self.readers for row in reader.rows), key=sorter.key)
        line = _line(self.readers, sorter)
        certain = [row for row in rows if line is None or not sorter.is_after(row, line)]
        page = certain[: self.query.limit]
        unread = any(not reader.done and not reader.error for reader in self.readers)
        if len(page) == len(rows) and not unread:
            return page, None
        full = len(page) == self.query.limit
        after = sorter.position(page[-1]) if full else line or self.state.after
        return page, self._sealed(after=after)

    def _in_batches(self, base: tuple[Order, ...]) -> tuple[list[Record], str | None]:
        """A page of the batch, sorted here; the cursor stays in the batch until it is used up."""
        base_sorter, sorter = Sorter(base), Sorter(self.query.orders)
        line = _line(self.readers, base_sorter)
        end = self.state.end or line
        batch = [
            row for reader in self.readers for row in reader.rows if end is None or not base_sorter.is_after(row, end)
        ]
        left = sorted((row for row in batch if sorter.is_after(row, self.state.after)), key=sorter.key)
        page = left[: self.query.limit]
        if end is not None:
            self._note_batches()
        if line is not None and self.state.end is not None and base_sorter.place(line) < base_sorter.place(end or line):
            return [], self._sealed(after=self.state.after, start=self.state.start, end=end)  # read less than before
        if len(left) > len(page):
            return page, self._sealed(after=sorter.position(page[-1]), start=self.state.start, end=end)
        return page, self._sealed(start=end) if end is not None else None

    def _note_batches(self) -> None:
        for reader in self.readers:
            entry = self.entries[reader.pager.account.name]
            entry.complete = False
            entry.notes.append("sorted here, within the newest records up to the scan limit")

    def _sealed(
        self, *, after: Position | None = None, start: Position | None = None, end: Position | None = None
    ) -> str:
        alive = tuple(part.account for part in self.parts if self.entries[part.account].error is None)
        failed = {name: [entry.error.code, entry.error.message] for name, entry in self.entries.items() if entry.error}
        totals = {name: entry.total for name, entry in self.entries.items() if entry.error is None}
        state = PageState(self.state.frozen, alive, after, start, end, totals, {**self.state.failed, **failed})
        return self.seal.close(state.packed(), self.query.arguments)

    # --- the end ---

    def _raise_if_empty(self) -> None:
        """A question that no account could answer is an error, not an empty shelf."""
        entries = list(self.entries.values())
        errors = [entry.error for entry in entries if entry.error is not None]
        if entries and len(errors) == len(entries) and not any(reader.rows for reader in self.readers):
            raise combined(errors)

    def _total(self) -> int | None:
        totals = [entry.total for entry in self.entries.values()]
        return None if None in totals or self.state.failed else sum(total for total in totals if total is not None)

    def _ledger(self) -> list[LedgerEntry]:
        gone = [
            LedgerEntry(
                name,
                complete=False,
                error=error_of_code(code, message, account=name),
                notes=["left out since an earlier page"],
            )
            for name, (code, message) in self.state.failed.items()
        ]
        return [*self.entries.values(), *gone]


def _line(readers: Sequence[Reader], sorter: Sorter) -> Position | None:
    """How far the merged order is certain: the nearest frontier of a feed with unread records; None: to the end."""
    stopped = [reader for reader in readers if not reader.done and not reader.error]
    places = [Position((reader.watermark,)) for reader in stopped if reader.settled_any]
    return min(places, key=sorter.place) if places else None


def _sorts(found: Plan) -> bool:
    return found.along in found.route.orders and found.route.page > 0


def _unsorted(reader: Reader) -> Reader:
    """The same feed read in a way that needs no order from the vendor."""
    return _again(reader, TimeSliceReader if reader.plan.route.slices == reader.plan.along else FullReader, reader.plan)


def _again(reader: Reader, kind: type[Reader], found: Plan) -> Reader:
    """The feed from its beginning, read in another way; what it has cost so far still counts."""
    return kind(reader.pager, found, reader.sorter, reader.record, reader.after, reader.need, sink=reader.sink)


def _ending_at(found: Plan, end: Position) -> Plan:
    """The plan read no further than a batch's end (which has been read whole)."""
    moment = end.values[0]
    if not isinstance(moment, datetime):
        return found
    lower = moment if found.bounds.lower is None else max(moment, found.bounds.lower)
    return replace(found, bounds=replace(found.bounds, lower=lower))


def stamp_of(moment: datetime) -> str:
    """A moment as a URI carries it: whole seconds where it has no fraction."""
    return stamp(moment) or "" if not moment.microsecond else moment.isoformat().replace("+00:00", "Z")


def _days(back: timedelta) -> str:
    return f"{back.days} days" if back.days > 1 else f"{back.total_seconds() / 3600:g} hours"
