"""What groups of records add up to: counts, and the sum, average, least and most of a field's present values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.filters import Value

MEASURES: Final = ("count", "sum", "avg", "min", "max")
Figure = Decimal | datetime
Key = tuple[Any, ...]
"""A group: a value for every name it is made by."""


@dataclass(frozen=True, slots=True)
class Measure:
    """``count``, or one of ``sum avg min max`` over the present values of a field."""

    how: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.how}:{self.field}" if self.field else self.how


def parse_measures(words: Sequence[str]) -> tuple[Measure, ...]:
    """``count``, ``sum:value`` ... Raises BadArgument with the nearest one."""
    return tuple(_measure(word) for word in dict.fromkeys(words))


def _measure(word: str) -> Measure:
    how, _, name = word.partition(":")
    if how not in MEASURES or (how == "count") == bool(name):
        message = f"measures: {word[:60]!r} is none of count, sum:FIELD, avg:FIELD, min:FIELD, max:FIELD."
        raise BadArgument(message + did_you_mean(how, MEASURES))
    return Measure(how, name)


@dataclass(slots=True)
class FieldTotals:
    """What the values of one field add up to; ``total`` only where they are numbers."""

    seen: int
    total: Decimal | None
    least: Any
    most: Any

    def add(self, other: FieldTotals) -> None:
        self.seen += other.seen
        self.total = self.total if other.total is None else (self.total or Decimal(0)) + other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def value(self, how: str) -> Value:
        """The least, the most, the sum or the average; the last two None where the values are no numbers."""
        if how in ("min", "max"):
            found: Value = self.least if how == "min" else self.most
            return found
        if self.total is None:
            return None
        return self.total if how == "sum" else self.total / self.seen


@dataclass(slots=True)
class GroupTotals:
    """What one group adds up to."""

    count: int = 0
    figures: dict[str, FieldTotals] = field(default_factory=dict)

    def merge(self, other: GroupTotals) -> None:
        self.count += other.count
        for name, figure in other.figures.items():
            if name in self.figures:
                self.figures[name].add(figure)
            else:
                self.figures[name] = replace(figure)

    def sum(self, name: str) -> Decimal | None:
        return self.figures[name].total if name in self.figures else None

    def seen(self, name: str) -> int:
        """How many records have a value."""
        return self.figures[name].seen if name in self.figures else 0

    def value(self, measure: Measure) -> Value:
        """The measure; None where no record has a value."""
        if measure.how == "count":
            return Decimal(self.count)
        figure = self.figures.get(measure.field)
        return None if figure is None else figure.value(measure.how)


class FieldColumn:
    """What the values of one field add up to, for every group."""

    def __init__(self, groups: int) -> None:
        self.seen = [0] * groups
        self.total: list[Decimal | None] = [None] * groups
        self.least: list[Any] = [None] * groups
        self.most: list[Any] = [None] * groups

    def open(self) -> None:
        """One more group."""
        self.seen.append(0)
        for column in (self.total, self.least, self.most):
            column.append(None)

    def add(self, place: int, value: Figure) -> None:
        first = not self.seen[place]
        self.seen[place] += 1
        if isinstance(value, Decimal):
            self.total[place] = value + (self.total[place] or 0)
        self.least[place] = value if first else min(self.least[place], value)
        self.most[place] = value if first else max(self.most[place], value)

    def totals(self, place: int) -> FieldTotals:
        return FieldTotals(self.seen[place], self.total[place], self.least[place], self.most[place])


class GroupTable:
    """What every group adds up to, in columns.

    There may be a group for every record: objects for each of them would fill the memory, and hold everybody up whenever the
    interpreter looks through them for garbage.
    """

    def __init__(self) -> None:
        self._places: dict[Key, int] = {}
        self._counts: list[int] = []
        self._columns: dict[str, FieldColumn] = {}

    def add(self, key: Key, figures: Mapping[str, Figure], count: int = 1) -> None:
        """Some records of a group: its number or time for each measured field, where there is one."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self._counts)
            self._counts.append(0)
            for column in self._columns.values():
                column.open()
        self._counts[place] += count
        for name, value in figures.items():
            if name not in self._columns:
                self._columns[name] = FieldColumn(len(self._counts))
            self._columns[name].add(place, value)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def total(self) -> int:
        """How many records are in any group."""
        return sum(self._counts)

    def items(self) -> Iterator[tuple[Key, GroupTotals]]:
        """Every group, made as it is asked for."""
        for key, place in self._places.items():
            figures = {name: one.totals(place) for name, one in self._columns.items() if one.seen[place]}
            yield key, GroupTotals(self._counts[place], figures)
