"""What one group of records adds up to: one tally for each kind of measure."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol

from lead_mcp.engine.summaries.measures import Measure, TallyKey
from lead_mcp.filters import Value

DECIMALS: Final = 4
"""Of an average or a share: more than money needs."""
MICRO: Final = 1_000_000
MINUTE: Final = 60 * MICRO


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


TALLIES: Final[Mapping[str, Callable[[], Tally]]] = {
    "figures": FieldTotals,
    "median": Sample,
    "minutes_between": Sample,
    "distinct": Distinct,
}


@dataclass(slots=True)
class GroupTotals:
    """What one group adds up to."""

    count: int = 0
    tallies: dict[TallyKey, Tally] = field(default_factory=dict)

    def merge(self, other: GroupTotals) -> None:
        self.count += other.count
        for tally_key, tally in other.tallies.items():
            self.tallies.setdefault(tally_key, TALLIES[tally_key.kind]()).merge(tally)

    def figures(self, name: str) -> FieldTotals:
        """What a field's numbers or times add up to."""
        found = self.tallies.get(TallyKey("figures", name))
        return found if isinstance(found, FieldTotals) else FieldTotals()

    def value(self, measure: Measure, records: int) -> Value:
        """The measure, in a summary of so many ``records``; None where no record has a value."""
        if measure.how == "count":
            return Decimal(self.count)
        if measure.how == "share":
            return round(Decimal(self.count) / records, DECIMALS) if records else None
        tally = self.tallies.get(measure.tally_key) if measure.tally_key else None
        return None if tally is None else tally.value(measure.how)
