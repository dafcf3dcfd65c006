"""What groups of records add up to, kept in columns, and the groups that are displayed made from them.

There may be a group for every record: objects for each of them would fill the memory, and hold everybody up whenever the
interpreter looks through them for garbage. A column keeps a few bytes a group, or a value.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any, Final, Protocol
from zlib import crc32

from lead_mcp.engine.measures import Measure, Source
from lead_mcp.filters import Value

Figure = Decimal | datetime
Key = tuple[Any, ...]
"""A group: a value for every name it is made by."""
Values = Mapping[Source, Sequence[Any]]
"""What one record adds to a group."""
DECIMALS: Final = 4
"""Of an average or a share: more than money needs."""
MICRO: Final = 1_000_000
WIDE: Final = 2**63
MINUTE: Final = 60 * MICRO


# --- of one group -------------------------------------------------------------------------------------------------


class Tally(Protocol):
    """What one group keeps for some of its measures."""

    def merge(self, other: Any) -> None: ...

    def value(self, how: str) -> Value: ...


@dataclass(slots=True)
class FieldTotals:
    """What the values of one field add up to; ``total`` only where they are numbers."""

    seen: int = 0
    total: Decimal | None = None
    least: Any = None
    most: Any = None

    def merge(self, other: FieldTotals) -> None:
        if not other.seen:
            return
        first = not self.seen
        self.seen += other.seen
        self.total = self.total if other.total is None else (self.total or Decimal(0)) + other.total
        self.least = other.least if first else min(self.least, other.least)
        self.most = other.most if first else max(self.most, other.most)

    def value(self, how: str) -> Value:
        """The least, the most, the sum or the average; the last two None where the values are no numbers."""
        if how in ("min", "max"):
            found: Value = self.least if how == "min" else self.most
            return found
        if self.total is None:
            return None
        return self.total if how == "sum" else round(self.total / self.seen, DECIMALS)


@dataclass(slots=True)
class Sample:
    """Every value of one field, in millionths; of ``minutes_between`` the microseconds."""

    values: list[Any] = field(default_factory=list)

    def merge(self, other: Sample) -> None:
        self.values += other.values

    def value(self, how: str) -> Value:
        """The median: of an even number of values the mean of the two in the middle."""
        if not self.values:
            return None
        self.values.sort()
        middle = len(self.values) // 2
        pair = self.values[middle - 1 + len(self.values) % 2 : middle + 1]
        found = Decimal(sum(pair)) / len(pair)
        return round(found / MINUTE, 2) if how == "minutes_between" else found / MICRO


@dataclass(slots=True)
class Distinct:
    """Digests of the different values of one field."""

    digests: array[int] = field(default_factory=lambda: array("Q"))

    def merge(self, other: Distinct) -> None:
        self.digests = array("Q", {*self.digests, *other.digests})

    def value(self, how: str) -> Value:
        return Decimal(len(self.digests)) if self.digests else None


@dataclass(slots=True)
class GroupTotals:
    """What one group adds up to."""

    count: int = 0
    tallies: dict[Source, Tally] = field(default_factory=dict)

    def merge(self, other: GroupTotals) -> None:
        self.count += other.count
        for source, tally in other.tallies.items():
            self.tallies.setdefault(source, TALLIES[source.kind]()).merge(tally)

    def figures(self, name: str) -> FieldTotals:
        """What a field's numbers or times add up to."""
        found = self.tallies.get(Source("figures", name))
        return found if isinstance(found, FieldTotals) else FieldTotals()

    def value(self, measure: Measure, records: int) -> Value:
        """The measure, in a summary of so many ``records``; None where no record has a value."""
        if measure.how == "count":
            return Decimal(self.count)
        if measure.how == "share":
            return round(Decimal(self.count) / records, DECIMALS) if records else None
        tally = self.tallies.get(measure.source) if measure.source else None
        return None if tally is None else tally.value(measure.how)


# --- of every group -----------------------------------------------------------------------------------------------


class Column(Protocol):
    """What every group keeps for some of its measures. A ``place`` is the number of a group."""

    def add(self, place: int, value: Any) -> None: ...

    def fold(self, slots: Sequence[int], into: Sequence[Any]) -> None:
        """Add what the group at each place keeps to the tally of its slot; to none where that is below 0."""


class FieldColumn:
    """What the values of one field add up to, for every group."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.total: list[Decimal | None] = []
        self.least: list[Any] = []
        self.most: list[Any] = []

    def add(self, place: int, value: Figure) -> None:
        self._reach(place)
        first = not self.seen[place]
        self.seen[place] += 1
        if isinstance(value, Decimal):
            self.total[place] = value + (self.total[place] or 0)
        self.least[place] = value if first else min(self.least[place], value)
        self.most[place] = value if first else max(self.most[place], value)

    def _reach(self, place: int) -> None:
        missing = place + 1 - len(self.seen)
        if missing > 0:
            self.seen += [0] * missing
            for column in (self.total, self.least, self.most):
                column.extend([None] * missing)

    def fold(self, slots: Sequence[int], into: Sequence[FieldTotals]) -> None:
        for slot, seen, total, least, most in zip(slots, self.seen, self.total, self.least, self.most, strict=False):
            if slot >= 0 and seen:
                into[slot].merge(FieldTotals(seen, total, least, most))


class SampleColumn:
    """Every value of one field with its group: 12 bytes a value, and more for one that millionths do not hold."""

    def __init__(self) -> None:
        self.places, self.values = array("I"), array("q")
        self.odd_places, self.odd = array("I"), list[Decimal]()

    def add(self, place: int, value: Decimal | int) -> None:
        """A number, or whole microseconds."""
        whole: int | Decimal = value if isinstance(value, int) else value * MICRO
        if -WIDE < whole < WIDE and whole == int(whole):
            self.places.append(place)
            self.values.append(int(whole))
        else:
            self.odd_places.append(place)
            self.odd.append(Decimal(whole))

    def fold(self, slots: Sequence[int], into: Sequence[Sample]) -> None:
        pairs: Iterator[tuple[int, Any]] = chain(
            zip(self.places, self.values, strict=True), zip(self.odd_places, self.odd, strict=True)
        )
        for place, value in pairs:
            if (slot := slots[place]) >= 0:
                into[slot].values.append(value)


class DistinctColumn:
    """A digest of every value of one field with its group: 12 bytes a value."""

    def __init__(self) -> None:
        self.places, self.digests = array("I"), array("Q")

    def add(self, place: int, value: int) -> None:
        self.places.append(place)
        self.digests.append(value)

    def fold(self, slots: Sequence[int], into: Sequence[Distinct]) -> None:
        for place, digest in zip(self.places, self.digests, strict=True):
            if (slot := slots[place]) >= 0:
                into[slot].digests.append(digest)
        for one in into:
            one.merge(Distinct())  # each digest once


TALLIES: Final[Mapping[str, Callable[[], Tally]]] = {
    "figures": FieldTotals,
    "median": Sample,
    "minutes_between": Sample,
    "distinct": Distinct,
}
COLUMNS: Final[Mapping[str, Callable[[], Column]]] = {
    "figures": FieldColumn,
    "median": SampleColumn,
    "minutes_between": SampleColumn,
    "distinct": DistinctColumn,
}


class GroupTable:
    """What every group adds up to. ``records``: how many were counted, each once (one may be in several groups)."""

    def __init__(self) -> None:
        self.records = 0
        self._places: dict[Key, int] = {}
        self._counts: list[int] = []
        self._columns: dict[Source, Column] = {}

    def add(self, key: Key, values: Values, count: int = 1) -> None:
        """Some records of a group, and what they add to it."""
        place = self._places.setdefault(key, len(self._counts))
        if place == len(self._counts):
            self._counts.append(0)
        self._counts[place] += count
        for source, found in values.items():
            column = self._columns.get(source)
            if column is None:
                column = self._columns[source] = COLUMNS[source.kind]()
            for value in found:
                column.add(place, value)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def overlap(self) -> bool:
        """Whether some records are in several groups."""
        return sum(self._counts) > self.records

    def counts(self) -> Iterator[tuple[Key, int]]:
        """Every group with its count, by place."""
        return zip(self._places, self._counts, strict=True)

    @cached_property
    def mark(self) -> int:
        """A checksum of the groups and their counts, the same in every process: whether they are those of another time."""
        return sum(crc32(repr(one).encode("utf-8", "replace")) for one in self.counts()) % 2**32

    def totals(self, slots: Sequence[int], many: int) -> list[GroupTotals]:
        """So ``many`` groups made of all of them: ``slots`` says for each place which one it is added to (below 0: none)."""
        made = [GroupTotals(tallies={one: TALLIES[one.kind]() for one in self._columns}) for _ in range(many)]
        for slot, count in zip(slots, self._counts, strict=True):
            if slot >= 0:
                made[slot].count += count
        for source, column in self._columns.items():
            column.fold(slots, [one.tallies[source] for one in made])
        return made

    def whole(self) -> GroupTotals:
        """All groups as one."""
        return self.totals([0] * len(self), 1)[0]
