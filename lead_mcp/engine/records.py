"""Records with their field map, and the order they stand in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import total_ordering
from typing import Any

from lead_mcp.errors import MalformedReply
from lead_mcp.filters import Order, Value, folded, plain
from lead_mcp.uris import lead_uri, ping_uri
from lead_mcp.vendors.spec.fields import Field
from lead_mcp.vendors.spec.http import Raw

Reads = Callable[[str], Field | None]


@dataclass(slots=True)
class Record:
    """One record as its vendor sent it, and how to read it. ``partition``: where it came from, where there are any.

    Nobody changes one. It is not frozen, as that would make it three times as dear, and every row that is read becomes one.
    """

    account: str
    id: str
    uri: str
    raw: Raw
    reads: Reads
    partition: str | None = None
    _read: dict[str, Value] = field(default_factory=dict, compare=False, repr=False)

    def get(self, name: str) -> Value:
        """A field's value, decoded once; None where the record lacks it or its vendor has no such field."""
        try:
            return self._read[name]
        except KeyError:
            found = self.reads(name)
            value = self._read[name] = None if found is None else found.read(self.raw)
            return value

    def know(self, name: str, value: Value) -> None:
        """Keep a field's value, decoded as a column."""
        self._read[name] = value


def columns_of(records: Sequence[Record], names: Sequence[str]) -> list[list[Value]]:
    """The fields as columns, each decoded at once for all records that are read alike."""
    alike: dict[Reads, list[int]] = {}
    for nth, record in enumerate(records):
        alike.setdefault(record.reads, []).append(nth)
    if len(alike) == 1:
        return [_column(records, name) for name in names]
    found: list[list[Value]] = [[None] * len(records) for _ in names]
    for places in alike.values():
        some = [records[nth] for nth in places]
        for column, name in zip(found, names, strict=True):
            for nth, value in zip(places, _column(some, name), strict=True):
                column[nth] = value
    return found


def _column(records: Sequence[Record], name: str) -> list[Value]:
    """One field of records that are read alike."""
    known = records[0].reads(name)
    return [None] * len(records) if known is None else known.column([record.raw for record in records])


def lead_record(account: str, lead_id: str, raw: Raw, reads: Reads, partition: str | None = None) -> Record:
    """A lead, with its URI."""
    return Record(account, lead_id, lead_uri(account, lead_id), raw, reads, partition)


def ping_record(
    account: str, kind: str, ping_id: str, raw: Raw, reads: Reads, when: str, partition: str | None = None
) -> Record:
    """A ping (``kind``: ``inbound``, ``outbound``), with its URI: that names what it takes to read it again.

    ``when``: its field of time.
    """
    at = reads(when)
    moment = at.read(raw) if at else None
    where = ping_uri(account, kind, ping_id, moment if isinstance(moment, datetime) else None)
    return Record(account, ping_id, where, raw, reads, partition, {when: moment})


def without_id(account: str) -> MalformedReply:
    """Why a row is no record: nobody could ask for it again."""
    return MalformedReply(f"{account} sent a record without an id.", account=account)


@total_ordering
class Descending:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descending) and self.value == other.value

    def __lt__(self, other: Descending) -> bool:
        return bool(other.value < self.value)

    __hash__ = None  # type: ignore[assignment]  # an order, not an identity


def rank(value: Value, descending: bool) -> tuple[Any, ...]:
    """Where a value stands among others of its field: absent ones last both ways, kinds apart, text case-folded."""
    if value is None:
        return (1,)
    kind, bare = _bare(value)
    return (0, Descending((kind, bare)) if descending else (kind, bare))


def _bare(value: Value) -> tuple[int, Any]:
    match value:
        case bool():
            return 1, int(value)
        case Decimal() | int() | float():
            return 1, value
        case datetime():
            return 2, value
        case _:
            return 3, folded(plain(value))


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an order: the values of the sort's keys there and the URI; without a URI, after all that tie with it."""

    values: tuple[Value, ...]
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Sorter:
    """The order of a sort: its keys in turn, then the URI."""

    orders: tuple[Order, ...]

    def key(self, record: Record) -> tuple[Any, ...]:
        return (*(rank(record.get(order.field), order.descending) for order in self.orders), record.uri)

    def position(self, record: Record) -> Position:
        return Position(tuple(record.get(order.field) for order in self.orders), record.uri)

    def place(self, position: Position) -> tuple[Any, ...]:
        """A position's key; one without a URI stands behind every record that ties with it."""
        pairs = zip(position.values, self.orders, strict=False)
        ranks = tuple(rank(value, order.descending) for value, order in pairs)
        return (*ranks, position.uri) if position.uri is not None else ranks

    def count_until(self, records: Sequence[Record], position: Position) -> int:
        """How many of the records, which stand in this order, do not stand behind ``position``."""
        place = self.place(position)
        return bisect_right(records, place, key=lambda record: self.key(record)[: len(place)])

    def is_after(self, record: Record, position: Position | None) -> bool:
        """Whether ``record`` stands strictly behind ``position``."""
        if position is None:
            return True
        place = self.place(position)
        return self.key(record)[: len(place)] > place
