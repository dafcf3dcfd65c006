"""What groups of records add up to, kept in columns, and the groups that are displayed made from them.

There may be a group for every record: objects for each of them would fill the memory, and hold everybody up whenever the
interpreter looks through them for garbage. A column keeps a few bytes a group, or a value.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any, Final, Protocol
from zlib import crc32

from lead_mcp.engine.summaries.measures import TallyKey
from lead_mcp.engine.summaries.tallies import MICRO, TALLIES, Distinct, FieldTotals, GroupTotals, Sample

Figure = Decimal | datetime
Key = tuple[Any, ...]
"""A group: a value for every name it is made by."""
Values = Mapping[TallyKey, Sequence[Any]]
"""What one record adds to a group."""
WIDE: Final = 2**63


class TallyColumn(Protocol):
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


COLUMNS: Final[Mapping[str, Callable[[], TallyColumn]]] = {
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
        self._columns: dict[TallyKey, TallyColumn] = {}

    def add(self, key: Key, values: Values, count: int = 1) -> None:
        """Some records of a group, and what they add to it."""
        place = self._places.setdefault(key, len(self._counts))
        if place == len(self._counts):
            self._counts.append(0)
        self._counts[place] += count
        for tally_key, found in values.items():
            column = self._columns.get(tally_key)
            if column is None:
                column = self._columns[tally_key] = COLUMNS[tally_key.kind]()
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
        for tally_key, column in self._columns.items():
            column.fold(slots, [one.tallies[tally_key] for one in made])
        return made

    def whole(self) -> GroupTotals:
        """All groups as one."""
        return self.totals([0] * len(self), 1)[0]
