"""What groups of records add up to: counts, and the sum, average, least and most of a field's present values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.filters import Value

MEASURES: Final = ("count", "sum", "avg", "min", "max")
Figure = Decimal | datetime


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

    @classmethod
    def of(cls, value: Figure) -> FieldTotals:
        """Of one value."""
        return cls(1, value if isinstance(value, Decimal) else None, value, value)

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
    """What one group adds up to. Small: there may be a group for every record."""

    count: int = 0
    figures: dict[str, FieldTotals] = field(default_factory=dict)

    def add(self, values: Mapping[str, Figure]) -> None:
        """One record: its number or time for each measured field, where it has one."""
        self.count += 1
        for name, value in values.items():
            self._add(name, FieldTotals.of(value))

    def merge(self, other: GroupTotals) -> None:
        self.count += other.count
        for name, figure in other.figures.items():
            self._add(name, replace(figure))

    def _add(self, name: str, figure: FieldTotals) -> None:
        if name in self.figures:
            self.figures[name].add(figure)
        else:
            self.figures[name] = figure

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
