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
from functools import partial
from operator import attrgetter
from typing import Any, Final

from pydantic_core import to_json

from lead_mcp.characters import cleaned
from lead_mcp.engine.records import Record
from lead_mcp.filters import Value, as_number, folded, plain
from lead_mcp.phones import e164
from lead_mcp.sql.frames import LINES
from lead_mcp.sql.people import People, is_test
from lead_mcp.sql.tables import FLAG, JSON, MONEY, TABLES, TIME, WHOLE
from lead_mcp.uris import lead_uri, uri
from lead_mcp.vendors.spec.events import EventKind, TimelineEvent
from lead_mcp.vendors.spec.reading import Recording

Mask = Callable[[str, Value, Record | None], Value]
"""A column's value as the engine may see it: the column's name, the value, whose it is. ``raw`` gets the whole record."""
Spelling = Callable[[Value, Record | None], Any]
"""A value that is there, of a record, as it stands in a row; without a mask nobody looks at the record."""
Fact = Callable[[TimelineEvent], Value]
Row = list[Any]
PLACES: Final = Decimal("0.0001")
MOST_MONEY: Final = Decimal(10) ** 14
OPEN: Final = frozenset("uri account vendor lead_uri direction kind person_id zone".split())
"""Columns of our own making, which every tool shows as they are."""
IN_LINES: Final = frozenset({"note"})
"""Columns whose texts keep their lines: nobody asks for one as a whole."""
IMPERSONAL: Final = frozenset({FLAG, TIME, MONEY, WHOLE})
"""Types of columns that say nothing of a person."""


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
    _known: dict[str, Mapping[str, Spelling]] = field(default_factory=dict)
    """By table."""

    def lead(self, record: Record, columns: Sequence[str]) -> Row:
        phone, email = self.phone(record), folded_email(record)
        if self.people is not None:
            self.people.add(record.uri, _text(record.get("name")), phone, email)
        own = {**self._own(record), "phone_e164": phone, "email_folded": email, "person_id": None}
        if "is_test" in columns:
            own["is_test"] = is_test(_text(record.get("name")), email, phone)
        return self._filled("leads", own, record, columns)

    def ping(self, record: Record, direction: str, columns: Sequence[str]) -> Row:
        found = record.get("lead_id")
        own = {
            **self._own(record),
            "direction": direction,
            "occurred_at": record.get("at"),
            "lead_uri": lead_uri(record.account, str(found)) if found is not None else None,
        }
        return self._filled("pings", own, record, columns)

    def _filled(self, table: str, own: Mapping[str, Value], record: Record, columns: Sequence[str]) -> Row:
        """A row of a record's ``own`` values and its fields."""
        spellings = self.spellings(table)
        row: Row = []
        for name in columns:
            value = own[name] if name in own else record.get(name)
            row.append(None if value is None else spellings[name](value, record))
        return row

    def events(self, record: Record, events: Iterable[TimelineEvent], columns: Sequence[str]) -> list[Row]:
        return self._happened("events", record, events, columns)

    def sends(self, record: Record, events: Iterable[TimelineEvent], columns: Sequence[str]) -> list[Row]:
        return self._happened("sends", record, events, columns)

    def _happened(
        self, table: str, record: Record, events: Iterable[TimelineEvent], columns: Sequence[str]
    ) -> list[Row]:
        facts = self.facts(table).items()
        own: dict[str, Value] = {"lead_uri": record.uri, "account": record.account}
        return [self._row(table, own | {name: fact(one) for name, fact in facts}, record, columns) for one in events]

    def facts(self, table: str) -> Mapping[str, Fact]:
        """What of an event stands in each column of ``events`` or of ``sends``, beside whose it is."""
        return SENDS if table == "sends" else {**EVENTS, "what": self.words}

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
        spellings = self.spellings(table)
        return [None if (value := values[name]) is None else spellings[name](value, record) for name in columns]

    def phone(self, record: Record) -> str | None:
        """The lead's number in E.164; None where it is no possible number."""
        text = _text(record.get("phone"))
        return e164(text, self.region) if text else None

    def _own(self, record: Record) -> dict[str, Value]:
        return {
            "uri": record.uri,
            "account": record.account,
            "vendor": self.vendor,
            "id": record.id,
            "raw": dict(record.raw),
        }

    def spellings(self, table: str) -> Mapping[str, Spelling]:
        """How each column's values stand in a row; found out once, as there are millions of them."""
        if table not in self._known:
            types = TABLES[table].types.items()
            self._known[table] = {name: self._spelling_of(kind, name) for name, kind in types}
        return self._known[table]

    def shows(self, kind: str, name: str) -> bool:
        """Whether a column's values are shown as they are: without a mask, or where they say nothing of a person."""
        return self.mask is unmasked or name in OPEN or kind in IMPERSONAL

    def _spelling_of(self, kind: str, name: str) -> Spelling:
        spell = partial(self._amount, name) if kind == MONEY else CELLS.get(kind, _text if name in IN_LINES else _line)
        if self.shows(kind, name):
            return lambda value, record: spell(value)
        return lambda value, record: spell(self.mask(name, value, record))

    def _amount(self, name: str, value: Value) -> str | None:
        number = as_number(value)
        if number is None:
            return None
        if abs(number) >= MOST_MONEY:
            self.unfit.append(name)
            return None
        return str(number.quantize(PLACES, ROUND_HALF_EVEN))


def folded_email(record: Record) -> str | None:
    return folded_address(record.get("email"))


def folded_address(email: Value) -> str | None:
    """An e-mail as it compares."""
    text = _text(email)
    return folded(text).strip() or None if text else None


def _line(value: Value) -> str | None:
    """Any value as text on one line, so that a value as shown finds it; lists and objects as JSON."""
    text = value if type(value) is str else _text(value)
    return None if text is None else cleaned(text)


def _text(value: Value) -> str | None:
    """Any value as text without deceiving characters; lists and objects as JSON."""
    if type(value) is str:
        return cleaned(value, lines=True)
    match value:
        case None:
            return None
        case datetime():
            return value.astimezone(UTC).isoformat()
        case list() | dict():
            return cleaned(plain(value), lines=True)
        case _:
            return cleaned(str(value), lines=True)


STRICT: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False, default=str, separators=(",", ":"))
NO_NUMBERS: Final = (b"NaN", b"Infinity")


def json_cell(value: Value) -> str:
    """JSON that holds nothing but JSON: no NaN, no half of a character."""
    try:
        found = to_json(value)
    except ValueError:
        return _strict_json(value)
    return _strict_json(value) if any(word in found for word in NO_NUMBERS) else found.decode()


def _strict_json(value: Value) -> str:
    try:
        text = STRICT.encode(value)
    except ValueError:
        text = STRICT.encode(_finite(value))
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
    JSON: json_cell,
}


def encoded(rows: Sequence[Row], width: int) -> list[bytes]:
    """The rows column by column: a line for each where all are texts of one line, else a JSON list; or the one JSON value
    that all rows have; absent in all: nothing.

    At least one column stays a list, which says how many rows there are.
    """
    return encoded_columns([[row[nth] for row in rows] for nth in range(width)])


def encoded_columns(columns: Sequence[Sequence[Any]]) -> list[bytes]:
    """The same of rows that stand column by column already."""
    blobs = [_column(values) for values in columns]
    if not any(blob.startswith((b"[", LINES)) for blob in blobs):
        blobs[0] = _json_bytes(columns[0])
    return blobs


def decoded(blobs: Sequence[bytes], many: int) -> list[Row]:
    """The rows again that ``encoded`` was given."""
    return [list(row) for row in zip(*(_values(blob, many) for blob in blobs), strict=True)]


def _values(blob: bytes, many: int) -> list[Any]:
    if blob.startswith(LINES):
        return blob[1:].decode().split("\n")
    return json.loads(blob) if blob.startswith(b"[") else [json.loads(blob or b"null")] * many


def _column(values: Sequence[Any]) -> bytes:
    first = values[0]
    if values.count(first) == len(values):
        return b"" if first is None else _json_bytes(first)
    return _lines(values) or _json_bytes(values)


def _lines(values: Sequence[Any]) -> bytes:
    """The texts as lines; nothing where one of them is absent, no text, or has several lines."""
    try:
        text = "\n".join(values)
    except TypeError:
        return b""
    return LINES + text.encode(errors="replace") if text.count("\n") == len(values) - 1 else b""


def _json_bytes(value: Any) -> bytes:
    try:
        return to_json(value)
    except ValueError:  # half of a character
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _revenue(event: TimelineEvent) -> Value:
    return Decimal(0) if event.accepted is False else event.amount


EVENTS: Final[Mapping[str, Fact]] = {
    "occurred_at": attrgetter("at"),
    "kind": lambda event: event.kind.value,
    "amount": attrgetter("amount"),
    "buyer": attrgetter("buyer"),
}
SENDS: Final[Mapping[str, Fact]] = {
    "occurred_at": attrgetter("at"),
    "buyer": attrgetter("buyer"),
    "accepted": attrgetter("accepted"),
    "price": attrgetter("amount"),
    "revenue": _revenue,
    "response": attrgetter("response"),
}


def sends_of(events: Sequence[TimelineEvent]) -> Iterator[TimelineEvent]:
    """The events that are sendings to a buyer."""
    return (event for event in events if event.kind is EventKind.SENT)
