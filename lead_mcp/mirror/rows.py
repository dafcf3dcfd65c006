"""Rows of records that are kept, column by column: those that ``sql/rows.py`` makes of the same records live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lead_mcp.dates import EPOCH, full_stamp
from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.records import Record, lead_record, ping_record
from lead_mcp.filters import folded
from lead_mcp.mirror.cells import Cells, Remembered, itself, raw_cells
from lead_mcp.mirror.recordings import recording
from lead_mcp.mirror.records import LEAD, MICROSECOND, RECORDING, unpacked
from lead_mcp.mirror.segments import STORED
from lead_mcp.phones import e164
from lead_mcp.sql.people import is_test, person_id
from lead_mcp.sql.rows import Row, RowMaker, Spelling, sends_of, unmasked
from lead_mcp.sql.tables import TABLES, TEXT, TIME
from lead_mcp.uris import lead_uri, ping_uri
from lead_mcp.vendors.spec.events import TimelineEvent

Stored = tuple[int, str, str, str, str | None, str, str | None]
"""A record's number, account, kind, id, partition, what was sent, the person."""
Columns = dict[str, list[list[Any]]]
"""By table, a list of cells for each of its columns and, behind them, the record's number and when its lead was created."""


class StoredRows:
    """Rows of one kind of one account's records. What it has learned of their texts it keeps."""

    def __init__(self, connection: Connection, kind: str, maker: RowMaker) -> None:
        self.connection, self.kind, self.maker = connection, kind, maker
        search = connection.search(kind) or connection.vendor.leads
        fields = connection.account.fields if search is connection.vendor.leads else search.fields(connection.account)
        self.names, self.when = Names(fields), search.when
        self.columns = {name: list(TABLES[name].types) for name in STORED}
        self.table = {LEAD: "leads", RECORDING: "recordings"}.get(kind, "pings")
        self.cells = {name: self._cells(name, kind) for name, kind in TABLES[self.table].types.items()}
        self.read = {name: Cells(self.names.field(name), itself) for name in (self.when, "lead_id")}
        self.numbers = Remembered(lambda text: e164(text, maker.region))
        self.spelled = {name: self._spelled(name) for name in ("events", "sends")}

    def _cells(self, name: str, kind: str) -> Cells:
        as_is = kind == TEXT and self.maker.shows(kind, name)
        return Cells(self.names.field(name), self.maker.spellings(self.table)[name], as_is=as_is)

    def _spelled(self, table: str) -> dict[str, Callable[[Any], Any]]:
        """How an event's facts stand in each column; those that come again are spelled once."""
        spellings, kinds = self.maker.spellings(table), TABLES[table].types
        alone = {name: _alone(spell) for name, spell in spellings.items()}
        return {name: one if kinds[name] == TIME else Remembered(one).__getitem__ for name, one in alone.items()}

    def into(self, made: Columns, stored: Sequence[Stored]) -> None:
        numbers, raws = [one[0] for one in stored], [unpacked(one[5]) for one in stored]
        if self.kind == RECORDING:
            _add(made, "recordings", zip(*map(self._recording, numbers, raws), strict=True))
        elif self.kind == LEAD:
            leads = list(self._leads(stored, raws))
            _add(made, "leads", [*leads, numbers])
            self._happened(made, stored, raws, dict(zip(self.columns["leads"], leads, strict=True)))
        else:
            _add(made, "pings", [*self._pings(stored, raws), numbers])

    # --- leads --------------------------------------------------------------------------------------------------

    def _leads(self, stored: Sequence[Stored], raws: Sequence[Any]) -> Iterable[Sequence[Any]]:
        persons = [person_id(one[6] or f"u:{lead_uri(one[1], one[3])}", self._seen) for one in stored]
        if self.maker.mask is unmasked:
            return self._filled(self._of_leads(stored, raws) | {"person_id": persons}, raws)
        columns = self.columns["leads"]
        rows = [self.maker.lead(self._lead(one, raw), columns) for one, raw in zip(stored, raws, strict=True)]
        nth = columns.index("person_id")
        return [persons if at == nth else cells for at, cells in enumerate(zip(*rows, strict=True))]

    def _of_leads(self, stored: Sequence[Stored], raws: Sequence[Any]) -> dict[str, Sequence[Any]]:
        name, email, phone = (self.cells[column].of(raws) for column in ("name", "email", "phone"))
        numbers = [None if one is None else self.numbers[one] for one in phone]
        emails = [None if one is None else folded(one).strip() or None for one in email]
        spell = self.cells["email_folded"].spell
        return {
            "uri": [lead_uri(one[1], one[3]) for one in stored],
            **self._own(stored, raws),
            "name": name,
            "email": email,
            "phone": phone,
            "phone_e164": numbers,
            "email_folded": [None if one is None else spell(one, None) for one in emails],
            "is_test": [is_test(*one) for one in zip(name, emails, numbers, strict=True)],
        }

    def _lead(self, stored: Stored, raw: Mapping[str, Any]) -> Record:
        return lead_record(stored[1], stored[3], raw, self.names.field, stored[4])

    def _happened(
        self, made: Columns, stored: Sequence[Stored], raws: Sequence[Any], leads: Mapping[str, Sequence[Any]]
    ) -> None:
        """What happened to each lead, with its number and when it was created."""
        account, events = self.connection.account, self.connection.vendor.events
        happened = [events(account, raw) for raw in raws]
        for table, found in (("events", happened), ("sends", [list(sends_of(some)) for some in happened])):
            holders = [nth for nth, some in enumerate(found) for _ in some]
            if not holders:
                continue
            columns = (
                self._of_events(table, found, [leads["uri"][nth] for nth in holders])
                if self.maker.mask is unmasked
                else self._of_each(table, found, stored, raws)
            )
            beside = ([stored[nth][0] for nth in holders], [leads["created_at"][nth] for nth in holders])
            _add(made, table, [*columns, *beside])

    def _of_events(
        self, table: str, found: Sequence[Sequence[TimelineEvent]], uris: Sequence[str]
    ) -> Iterable[Sequence[Any]]:
        flat, facts = [one for some in found for one in some], self.maker.facts(table)
        own = {"lead_uri": uris, "account": [self.connection.name] * len(uris)}
        for name, spell in self.spelled[table].items():
            yield own[name] if name in own else [None if one is None else spell(one) for one in map(facts[name], flat)]

    def _of_each(
        self, table: str, found: Sequence[Sequence[TimelineEvent]], stored: Sequence[Stored], raws: Sequence[Any]
    ) -> Iterable[Sequence[Any]]:
        make = self.maker.sends if table == "sends" else self.maker.events
        leads = map(self._lead, stored, raws)
        rows = [row for lead, some in zip(leads, found, strict=True) for row in make(lead, some, self.columns[table])]
        return zip(*rows, strict=True)

    # --- pings, recordings --------------------------------------------------------------------------------------

    def _pings(self, stored: Sequence[Stored], raws: Sequence[Any]) -> Iterable[Sequence[Any]]:
        if self.maker.mask is unmasked:
            return self._filled(self._of_pings(stored, raws), raws)
        columns = self.columns["pings"]
        rows = [
            self.maker.ping(self._ping(one, raw), self.kind, columns) for one, raw in zip(stored, raws, strict=True)
        ]
        return zip(*rows, strict=True)

    def _of_pings(self, stored: Sequence[Stored], raws: Sequence[Any]) -> dict[str, Sequence[Any]]:
        moments, leads = self.read[self.when].of(raws), self.read["lead_id"].of(raws)
        spell = self.cells["occurred_at"].spell
        return {
            "uri": [
                ping_uri(one[1], self.kind, one[3], at if isinstance(at, datetime) else None)
                for one, at in zip(stored, moments, strict=True)
            ],
            **self._own(stored, raws),
            "direction": [self.kind] * len(stored),
            "occurred_at": [None if at is None else spell(at, None) for at in moments],
            "lead_uri": [None if one is None else lead_uri(self.connection.name, str(one)) for one in leads],
        }

    def _ping(self, stored: Stored, raw: Mapping[str, Any]) -> Record:
        return ping_record(stored[1], self.kind, stored[3], raw, self.names.field, self.when, stored[4])

    def _recording(self, no: int, raw: Mapping[str, Any]) -> Row:
        """A recording's row, with the time its lead was created."""
        lead = lead_record(self.connection.name, raw["lead_id"], {}, self.names.field, None)
        row, created = self.maker.recording(lead, recording(raw), self.columns["recordings"]), raw["created"]
        return [*row, no, None if created is None else full_stamp(EPOCH + created * MICROSECOND)]

    # --- both ---------------------------------------------------------------------------------------------------

    def _own(self, stored: Sequence[Stored], raws: Sequence[Any]) -> dict[str, Sequence[Any]]:
        many, spell = len(stored), self.cells["id"].spell
        return {
            "account": [self.connection.name] * many,
            "vendor": [self.connection.vendor.name] * many,
            "id": [spell(one[3], None) for one in stored],
            "raw": raw_cells([one[5] for one in stored], raws),
        }

    def _filled(self, own: Mapping[str, Sequence[Any]], raws: Sequence[Any]) -> list[Sequence[Any]]:
        """The table's columns: those of our own making, else the records' fields."""
        return [own[name] if name in own else self.cells[name].of(raws) for name in self.columns[self.table]]

    def _seen(self, column: str, value: str) -> str:
        return str(self.maker.mask(column, value, None))


def _alone(spell: Spelling) -> Callable[[Any], Any]:
    return lambda value: spell(value, None)


def _add(made: Columns, table: str, columns: Iterable[Sequence[Any]]) -> None:
    """More rows of a table."""
    found = list(columns)
    if not found:
        return
    known = made.setdefault(table, [[] for _ in found])
    for cells, more in zip(known, found, strict=True):
        cells.extend(more)
