"""Rows of records that are kept, column by column: those that ``sql/rows.py`` makes of the same records live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lead_mcp.dates import EPOCH, full_stamp
from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.readers.making import record_of
from lead_mcp.engine.records import Record, lead_record
from lead_mcp.filters import Value, folded
from lead_mcp.mirror.cells import Cells, Remembered, raw_cells
from lead_mcp.mirror.recordings import recording
from lead_mcp.mirror.records import LEAD, MICROSECOND, RECORDING, unpacked
from lead_mcp.mirror.segments import STORED
from lead_mcp.phones import e164
from lead_mcp.sql.people import is_test, person_id
from lead_mcp.sql.rows import Row, RowMaker, sends_of, unmasked
from lead_mcp.sql.tables import TABLES
from lead_mcp.uris import lead_uri, ping_uri

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
        spellings = maker.spellings(self.table)
        self.cells = {name: Cells(self.names.field(name), spellings[name]) for name in self.columns[self.table]}
        self.numbers = Remembered(lambda text: e164(text, maker.region))

    def into(self, made: Columns, stored: Sequence[Stored]) -> None:
        numbers, raws = [one[0] for one in stored], [unpacked(one[5]) for one in stored]
        if self.kind == RECORDING:
            _add(made, "recordings", zip(*map(self._recording, numbers, raws), strict=True))
        elif self.kind == LEAD:
            _add(made, "leads", [*self._leads(stored, raws), numbers])
            self._happened(made, stored, raws)
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

    def _happened(self, made: Columns, stored: Sequence[Stored], raws: Sequence[Any]) -> None:
        """What happened to each lead, with its number and when it was created."""
        events: list[Row] = []
        sends: list[Row] = []
        account, created = self.connection.account, Cells(self.names.field("created_at"), _itself).of(raws)
        for one, raw, at in zip(stored, raws, created, strict=True):
            lead, happened = self._lead(one, raw), self.connection.vendor.events(account, raw)
            beside = [one[0], full_stamp(at) if isinstance(at, datetime) else None]
            events += [[*row, *beside] for row in self.maker.events(lead, happened, self.columns["events"])]
            sends += [[*row, *beside] for row in self.maker.sends(lead, sends_of(happened), self.columns["sends"])]
        _add(made, "events", zip(*events, strict=True))
        _add(made, "sends", zip(*sends, strict=True))

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
        moments = self._values(self.when, raws)
        leads = self._values("lead_id", raws)
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
        return record_of(stored[1], self.kind, stored[3], raw, self.names, self.when, stored[4])

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

    def _values(self, name: str, raws: Sequence[Any]) -> list[Any]:
        return Cells(self.names.field(name), _itself).of(raws)

    def _seen(self, column: str, value: str) -> str:
        return str(self.maker.mask(column, value, None))


def _itself(value: Value, record: Record | None) -> Value:
    return value


def _add(made: Columns, table: str, columns: Iterable[Sequence[Any]]) -> None:
    """More rows of a table."""
    found = list(columns)
    if not found:
        return
    known = made.setdefault(table, [[] for _ in found])
    for cells, more in zip(known, found, strict=True):
        cells.extend(more)
