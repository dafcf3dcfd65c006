"""A statement answered live: what it needs is read from the vendors now, its rows go into the cage, the result comes back.

Nothing is sent before the statement is known to be sound (``running.py``). A reading that a limit cut is no answer but an
error that says what would fit; an account that failed is told in its ledger entry, and the answer is then not complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Final

import anyio

from lead_mcp.dates import full_stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.engine.ledger import LedgerEntry, combined
from lead_mcp.engine.notes import Note
from lead_mcp.engine.records import Record
from lead_mcp.errors import BadArgument, LeadMcpError
from lead_mcp.sql.gathering import GatheredRows, Rows
from lead_mcp.sql.messages import too_many_bytes, too_many_recorded, too_wide
from lead_mcp.sql.needs import Needs
from lead_mcp.sql.notes import AccountsNotRead, AmountsBeyond
from lead_mcp.sql.people import People
from lead_mcp.sql.plan import ReadingPlan, reading_plan
from lead_mcp.sql.query import SqlQuery
from lead_mcp.sql.reading import LEAD, AccountReading, ReadingTerms, merged, read, recordings
from lead_mcp.sql.rows import Row, RowMaker, sends_of
from lead_mcp.sql.tables import TABLES

KEPT_BACK: Final = 0.25
"""The part of the deadline that is kept for the engine."""


@dataclass
class Live:
    """The reading for one statement. ``started``: by the event loop's clock."""

    query: SqlQuery
    needs: Needs
    started: float
    plan: ReadingPlan = field(init=False)
    gathered: GatheredRows = field(init=False)
    makers: dict[str, RowMaker] = field(init=False)
    entries: list[LedgerEntry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    reached: dict[str, datetime] = field(default_factory=dict)
    """The oldest lead that was read of each account."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many leads were read of each account."""
    recorded: list[tuple[Connection, Record]] = field(default_factory=list)
    """Leads whose recordings are wanted."""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    stopped: BadArgument | None = None
    """Why reading was given up."""

    def __post_init__(self) -> None:
        self.plan = reading_plan(self.query, self.needs)
        columns = {
            name: [column for column in TABLES[name].types if column in needed]
            for name, needed in self.needs.columns.items()
            if not TABLES[name].query
        }
        people = People() if "person_id" in columns.get("leads", ()) else None
        self.gathered = GatheredRows(columns, people)
        self.makers = {
            one.name: RowMaker(one.vendor.name, self.query.region, self.query.mask, self.query.words, people)
            for one in self.query.connections
        }

    @cached_property
    def connections(self) -> Mapping[str, Connection]:
        return {one.name: one for one in self.query.connections}

    @property
    def terms(self) -> ReadingTerms:
        query, until = self.query, self.started + self.query.deadline * (1 - KEPT_BACK)
        scan = query.scan // max(1, len(self._by_kind()))
        return ReadingTerms(zone=query.zone, now=query.now, scan=scan, until=until, region=query.region)

    async def read(self) -> None:
        """Everything the statement needs. Raises LeadMcpError where nothing could be read, or not enough."""
        with self.scope:
            await together([partial(self._read, readings) for readings in self._by_kind()])
            await together([partial(self._record, connection, lead) for connection, lead in self.recorded])
            await self.gathered.drain(1)
            self._check_size()
        if self.stopped is not None:
            raise self.stopped
        asked = {reading.connection.name for reading in self.plan.readings}
        known = [LedgerEntry(one.name) for one in self.query.connections if not asked or one.name in asked]
        self.entries = merged([*known, *self.entries])
        self._check()
        joined = await self.gathered.join_people(self.query.mask)
        failed = [entry.account for entry in self.entries if entry.error is not None]
        if failed:
            await self.gathered.leave_out(failed)
        left = AccountsNotRead(tuple(failed)) if failed else None
        self.notes = [note for note in (*self.plan.notes, joined, self._unfit(), left) if note is not None]
        if self.needs.has("accounts"):
            self.gathered.put("accounts", self._accounts())

    async def _read(self, readings: Sequence[AccountReading]) -> None:
        """Read the records of one kind, at every account that has them."""
        kind = readings[0].kind
        rows = {one.connection.name: self._rows(one) for one in readings}
        returned = Counter[str]()

        def sink(record: Record) -> None:
            returned[record.account] += 1
            self._note(kind, record)
            self.gathered.take(rows[record.account], record)

        async def drain(many: int) -> None:
            await self.gathered.drain()
            self._check_size()
            if self.query.on_progress is not None:
                await self.query.on_progress(many)

        found = await read(readings, self.terms, sink, drain)
        self.entries += [replace(entry, returned=returned[entry.account]) for entry in found]

    def _by_kind(self) -> list[list[AccountReading]]:
        kinds = dict.fromkeys(one.kind for one in self.plan.readings)
        return [[one for one in self.plan.readings if one.kind == kind] for kind in kinds]

    def _stop(self, error: BadArgument) -> None:
        """Give up reading, from within it."""
        self.stopped = error
        self.scope.cancel()

    def _check_size(self) -> None:
        if self.gathered.size > self.query.max_loaded:
            self._stop(too_many_bytes(self.query.max_loaded))

    def _note(self, kind: str, record: Record) -> None:
        """Remember what is told of the reading, and whose recordings are wanted."""
        if kind != LEAD:
            return
        name, made = record.account, record.get("created_at")
        self.counts[name] = self.counts.get(name, 0) + 1
        if isinstance(made, datetime):
            self.reached[name] = min(made, self.reached.get(name, made))
        connection = self.connections[name]
        if self.needs.has("recordings") and connection.vendor.recordings is not None:
            self.recorded.append((connection, record))
            if len(self.recorded) > self.query.max_recorded:
                self._stop(too_many_recorded(self.query.max_recorded))

    def _rows(self, reading: AccountReading) -> Rows:
        """What makes a record of this reading into rows."""
        maker, columns = self.makers[reading.connection.name], self.gathered.columns
        if reading.kind != LEAD:
            return lambda record: {"pings": [maker.ping(record, reading.kind, columns["pings"])]}
        made: dict[str, Callable[[Record], Sequence[Row]]] = {}
        if "leads" in columns:
            made["leads"] = lambda record: [maker.lead(record, columns["leads"])]
        happened = partial(reading.connection.vendor.events, reading.connection.account)
        if "events" in columns:
            made["events"] = lambda record: maker.events(record, happened(record.raw), columns["events"])
        if "sends" in columns:
            made["sends"] = lambda record: maker.sends(record, sends_of(happened(record.raw)), columns["sends"])
        return lambda record: {table: make(record) for table, make in made.items()}

    async def _record(self, connection: Connection, lead: Record) -> None:
        maker, columns = self.makers[connection.name], self.gathered.columns["recordings"]
        try:
            found, requests = await recordings(connection, lead, self.terms)
        except LeadMcpError as error:
            self.entries.append(LedgerEntry(connection.name, complete=False, error=error))
            return
        self.gathered.put("recordings", [maker.recording(lead, one, columns) for one in found])
        self.entries.append(LedgerEntry(connection.name, requests=requests))

    def _check(self) -> None:
        """Raises where every account failed, or where a limit cut one: what was left out could change any result."""
        asked = {reading.connection.name for reading in self.plan.readings}
        errors = [entry.error for entry in self.entries if entry.error is not None]
        if errors and len(errors) == len(asked):
            raise combined(errors)
        cut = [entry for entry in self.entries if self.terms.cut(entry)]
        if cut:
            raise too_wide(cut, self.reached, self.query)

    def _unfit(self) -> Note | None:
        unfit = sorted({name for maker in self.makers.values() for name in maker.unfit})
        return AmountsBeyond(tuple(unfit)) if unfit else None

    def _accounts(self) -> list[Row]:
        whole = {entry.account: entry.whole for entry in self.entries}
        window = self.plan.lead_window
        since = full_stamp(window.since) if window and window.since else None
        rows: list[dict[str, Any]] = [
            {
                "account": one.name,
                "vendor": one.vendor.name,
                "zone": one.account.options.get("timezone") or one.vendor.zone,
                "as_of": full_stamp(self.query.now),
                "covered_since": since,
                "complete": whole.get(one.name, True),
                "leads": self.counts.get(one.name, 0) if self.needs.leads is not None else None,
            }
            for one in self.query.connections
        ]
        return [[row[name] for name in self.gathered.columns["accounts"]] for row in rows]
