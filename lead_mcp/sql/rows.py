"""Records as rows of the tables: the engine's values in, one list a row out, in the order of the columns asked for. Pure.

Everything personal passes ``mask`` before it is in a row, so that the engine only ever sees what may be seen; ``person_id``
and ``is_test`` are worked out from the real values. Money is rounded to the table's four places; what does not fit is absent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from lead_mcp.characters import cleaned
from lead_mcp.engine.records import Record
from lead_mcp.filters import Value, as_number, folded, plain
from lead_mcp.phones import e164
from lead_mcp.sql.people import People, is_test
from lead_mcp.sql.tables import FLAG, JSON, MONEY, TABLES, TIME, WHOLE
from lead_mcp.uris import lead_uri, uri
from lead_mcp.vendors.spec.events import EventKind, TimelineEvent
from lead_mcp.vendors.spec.reading import Recording

Mask = Callable[[str, Value, Record | None], Value]
"""A column's value as the engine may see it: the column's name, the value, whose it is. ``raw`` gets the whole record."""
Row = list[Any]
PLACES: Final = Decimal("0.0001")
MOST_MONEY: Final = Decimal(10) ** 14
OPEN: Final = frozenset("uri account vendor lead_uri direction kind person_id zone".split())
"""Columns of our own making, which every tool shows as they are."""


def unmasked(column: str, value: Value, record: Record | None) -> Value:
    return value


@dataclass(frozen=True)
class RowMaker:
    """Rows of one account. ``region``: where its telephone numbers are dialled; ``people``: told of every lead, if any."""

    vendor: str
    region: str
    mask: Mask = unmasked
    words: Callable[[TimelineEvent], str] = lambda event: str(event.kind)
    people: People | None = None
    unfit: list[str] = field(default_factory=list)
    """The column of each amount that did not fit."""

    def lead(self, record: Record, columns: Sequence[str]) -> Row:
        phone, email = self.phone(record), folded_email(record)
        if self.people is not None:
            self.people.add(record.uri, _text(record.get("name")), phone, email)
        computed: dict[str, Callable[[], Value]] = {
            **self._own(record),
            "phone_e164": lambda: phone,
            "email_folded": lambda: email,
            "person_id": lambda: None,
            "is_test": lambda: is_test(_text(record.get("name")), email, phone),
        }
        return [
            self._cell("leads", name, computed[name]() if name in computed else record.get(name), record)
            for name in columns
        ]

    def ping(self, record: Record, direction: str, columns: Sequence[str]) -> Row:
        found = record.get("lead_id")
        computed: dict[str, Callable[[], Value]] = {
            **self._own(record),
            "direction": lambda: direction,
            "occurred_at": lambda: record.get("at"),
            "lead_uri": lambda: lead_uri(record.account, str(found)) if found is not None else None,
        }
        return [
            self._cell("pings", name, computed[name]() if name in computed else record.get(name), record)
            for name in columns
        ]

    def events(self, record: Record, events: Iterable[TimelineEvent], columns: Sequence[str]) -> list[Row]:
        return [self._row("events", self._event(record, one), record, columns) for one in events]

    def sends(self, record: Record, events: Iterable[TimelineEvent], columns: Sequence[str]) -> list[Row]:
        return [self._row("sends", self._send(record, one), record, columns) for one in events]

    def _event(self, record: Record, event: TimelineEvent) -> dict[str, Value]:
        return {
            "lead_uri": record.uri,
            "account": record.account,
            "occurred_at": event.at,
            "kind": str(event.kind),
            "what": self.words(event),
            "amount": event.amount,
            "buyer": event.buyer,
        }

    def _send(self, record: Record, event: TimelineEvent) -> dict[str, Value]:
        return {
            "lead_uri": record.uri,
            "account": record.account,
            "occurred_at": event.at,
            "buyer": event.buyer,
            "accepted": event.accepted,
            "price": event.amount,
            "revenue": Decimal(0) if event.accepted is False else event.amount,
            "response": event.response,
        }

    def recording(self, record: Record, one: Recording, columns: Sequence[str]) -> Row:
        values: dict[str, Value] = {
            "uri": uri("recording", record.account, record.id, one.id),
            "account": record.account,
            "lead_uri": record.uri,
            "started_at": one.started_at,
            "ended_at": one.ended_at,
            "duration_s": None if one.seconds is None else Decimal(one.seconds),
        }
        return self._row("recordings", values, record, columns)

    def _row(self, table: str, values: Mapping[str, Value], record: Record, columns: Sequence[str]) -> Row:
        return [self._cell(table, name, values[name], record) for name in columns]

    def phone(self, record: Record) -> str | None:
        """The lead's number in E.164; None where it is no possible number."""
        text = _text(record.get("phone"))
        return e164(text, self.region) if text else None

    def _own(self, record: Record) -> dict[str, Callable[[], Value]]:
        return {
            "uri": lambda: record.uri,
            "account": lambda: record.account,
            "vendor": lambda: self.vendor,
            "id": lambda: record.id,
            "raw": lambda: dict(record.raw),
        }

    def _cell(self, table: str, name: str, value: Value, record: Record) -> Any:
        if value is None:
            return None
        kind = TABLES[table].types[name]
        seen = value if name in OPEN or kind in (FLAG, TIME, MONEY, WHOLE) else self.mask(name, value, record)
        return self._amount(name, seen) if kind == MONEY else CELLS.get(kind, _text)(seen)

    def _amount(self, name: str, value: Value) -> str | None:
        number = as_number(value)
        if number is None:
            return None
        if abs(number) >= MOST_MONEY:
            self.unfit.append(name)
            return None
        return str(number.quantize(PLACES, ROUND_HALF_EVEN))


def folded_email(record: Record) -> str | None:
    text = _text(record.get("email"))
    return folded(text).strip() or None if text else None


def _text(value: Value) -> str | None:
    """Any value as text without deceiving characters, so that a value as shown finds it; lists and objects as JSON."""
    match value:
        case None:
            return None
        case datetime():
            return value.astimezone(UTC).isoformat()
        case list() | dict():
            return cleaned(plain(value), lines=True)
        case _:
            return cleaned(str(value), lines=True)


def _json(value: Value) -> str:
    """JSON that holds nothing but JSON: no NaN, no half of a character."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, default=str)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=str)
    return text if text.isascii() else text.encode(errors="replace").decode()


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) else value


CELLS: Final[Mapping[str, Callable[[Any], Any]]] = {
    TIME: lambda value: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else None,
    FLAG: lambda value: value if isinstance(value, bool) else None,
    WHOLE: int,
    JSON: _json,
}


def encoded(rows: Sequence[Row], width: int) -> list[bytes]:
    """The rows column by column: a JSON list each, or the one JSON value that all rows have; absent in all: nothing.

    At least one column stays a list, which says how many rows there are.
    """
    columns = [[row[nth] for row in rows] for nth in range(width)]
    blobs = [_column(values) for values in columns]
    if not any(blob.startswith(b"[") for blob in blobs):
        blobs[0] = _json_bytes(columns[0])
    return blobs


def decoded(blobs: Sequence[bytes], many: int) -> list[Row]:
    """The rows again that ``encoded`` was given."""
    columns = [json.loads(blob) if blob[:1] == b"[" else [json.loads(blob or b"null")] * many for blob in blobs]
    return [list(row) for row in zip(*columns, strict=True)]


def _column(values: Sequence[Any]) -> bytes:
    first = values[0]
    if values.count(first) == len(values):
        return b"" if first is None else _json_bytes(first)
    return _json_bytes(values)


def _json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def sends_of(events: Sequence[TimelineEvent]) -> Iterator[TimelineEvent]:
    """The events that are sendings to a buyer."""
    return (event for event in events if event.kind is EventKind.SENT)
