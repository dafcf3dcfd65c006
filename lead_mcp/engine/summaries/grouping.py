"""Which groups a record is in, and what it adds to each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from itertools import product
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.dates import TICK
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.summaries.measures import COMPARED, KINDS, Measure, TallyKey, fields_of
from lead_mcp.engine.summaries.time_groups import NOT_FIELDS, TIME_GROUPS, group_value, time_group
from lead_mcp.engine.summaries.totals import GroupTable, Key, Values
from lead_mcp.errors import BadArgument
from lead_mcp.filters import Value, as_number, as_time, folded
from lead_mcp.phones import e164
from lead_mcp.vendors.spec.fields import Field, PartField

Chosen = Mapping[str, int]
"""Which part of each list, by the list's place in a record."""


@dataclass(frozen=True)
class Grouping:
    """How records are grouped and measured. ``zone``: in which days begin; ``region``: in which phones are dialled.

    Grouped by the parts of a list, a record is in each group that one of its parts is in; of the other parts of that list
    a group measures those that belong to it.
    """

    group_by: tuple[str, ...]
    measures: tuple[Measure, ...]
    zone: ZoneInfo
    region: str = "US"
    when: str = "created_at"
    """The field that stretches of time are of."""

    @property
    def fields(self) -> list[str]:
        """Names that are fields of records."""
        groups = [name for name in self.group_by if name not in NOT_FIELDS]
        return list(dict.fromkeys([*groups, *fields_of(self.measures)]))

    @cached_property
    def tally_keys(self) -> Sequence[TallyKey]:
        return tuple(dict.fromkeys(one.tally_key for one in self.measures if one.tally_key))

    def take(self, record: Record, table: GroupTable) -> None:
        """Count a record in each of its groups."""
        table.records += 1
        lists = self._lists(record)
        if not lists:
            table.add(self._key(record, {}), self._values(record, [{}]))
            return
        members: dict[Key, list[Chosen]] = {}
        for nth in product(*(range(max(1, len(one.parts(record.raw)))) for one in lists)):
            chosen = {one.list_path: at for one, at in zip(lists, nth, strict=True)}
            members.setdefault(self._key(record, chosen), []).append(chosen)
        for key, some in members.items():
            table.add(key, self._values(record, some))

    def _lists(self, record: Record) -> list[PartField]:
        """A field of each list that the groups are parts of."""
        fields = (record.reads(name) for name in self.group_by if name not in NOT_FIELDS)
        return list({one.list_path: one for one in fields if isinstance(one, PartField)}.values())

    def _key(self, record: Record, chosen: Chosen) -> Key:
        return tuple(self._group(record, name, chosen) for name in self.group_by)

    def _group(self, record: Record, name: str, chosen: Chosen) -> Any:
        if name == "account":
            return record.account
        if name in TIME_GROUPS:
            return time_group(record.get(self.when), name, self.zone)
        values = values_of(record, name, [chosen])
        return group_value(self._plain(record.reads(name), values[0])) if values else None

    def _plain(self, known: Field | None, value: Value) -> Value:
        """The value as it is grouped and told apart by: a phone by its number, an e-mail folded."""
        personal = known.personal if known else ""
        if value is None or personal not in ("phone", "email") or isinstance(value, list | dict):
            return value
        return folded(str(value)) if personal == "email" else e164(str(value), self.region) or value

    def _values(self, record: Record, some: Sequence[Chosen]) -> Values:
        return {key: [*self._made(record, key, some)] for key in self.tally_keys}

    def _made(self, record: Record, key: TallyKey, some: Sequence[Chosen]) -> Iterator[Any]:
        """What the record adds for one key."""
        columns = [values_of(record, name, some) for name in key.fields]
        for values in zip(*_alike(columns), strict=False):
            plain = [self._plain(record.reads(key.field), values[0])] if key.kind == "distinct" else values
            made = None if None in plain else MAKERS[key.kind](*plain)
            if made is not None:
                yield made


def check_measures(measures: Sequence[Measure], query: Query, account_queries: Sequence[AccountQuery]) -> None:
    """Raises BadArgument for a measure of a field that holds nothing of the kind, or that nobody may compare."""
    for measure, name in ((one, name) for one in measures for name in one.fields):
        for known in filter(None, (one.names.field(name) for one in account_queries)):
            if measure.how in COMPARED:  # a sum over a group of one is that one's value
                query.guard.check_order(name, known, "measures")
            if known.filter_only:
                raise BadArgument(f"measures: {measure}: {name} can be filtered but not read.")
            if known.kind not in KINDS[measure.how]:
                wanted = "time" if measure.how == "minutes_between" else "number"
                raise BadArgument(f"measures: {measure}: {name} is a {known.kind} field, not a {wanted}.")


def values_of(record: Record, name: str, some: Sequence[Chosen]) -> list[Value]:
    """A field's value; of a field of a list's parts one for each part, or for the chosen ones."""
    known = record.reads(name)
    if not isinstance(known, PartField):
        return [record.get(name)]
    values = list(known.parts(record.raw))
    if not all(known.list_path in chosen for chosen in some):
        return values
    return [values[at] for at in dict.fromkeys(chosen[known.list_path] for chosen in some) if at < len(values)]


def _alike(columns: Sequence[list[Value]]) -> list[list[Value]]:
    """The columns as long as the longest one: a single value stands beside each part."""
    most = max(map(len, columns))
    return [one * most if len(one) == 1 else one for one in columns]


def _figure(value: Value) -> Decimal | datetime | None:
    return value if isinstance(value, datetime) else as_number(value)


def _microseconds(start: Value, end: Value) -> int | None:
    first, last = as_time(start), as_time(end)
    return None if first is None or last is None else (last - first) // TICK


def _digest(value: Value) -> int:
    """The value in 64 bits: two values in a hundred thousand share one with a chance of 1 in 3,000,000,000."""
    number = None if isinstance(value, str) else as_number(value)
    plain = group_value(value) if number is None else number.normalize()
    kind = "n" if number is not None else type(plain).__name__
    written = f"{kind} {plain}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(written, digest_size=8).digest(), "big")


MAKERS: Final[Mapping[str, Callable[..., Any]]] = {
    "figures": _figure,
    "median": as_number,
    "minutes_between": _microseconds,
    "distinct": _digest,
}
