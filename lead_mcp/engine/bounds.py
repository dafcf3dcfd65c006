"""From when until when a reading goes: half-open, either side may be open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lead_mcp.dates import TICK
from lead_mcp.filters import LOWER, Op, Where


@dataclass(frozen=True, slots=True)
class Bounds:
    """``lower`` <= t < ``upper``; either side may be open. Both carry the clauses they came from, as asked."""

    lower: datetime | None = None
    upper: datetime | None = None

    def narrowed(self, where: Where) -> Bounds:
        """These bounds and one more range clause."""
        if where.op in LOWER:
            lower = where.value + (TICK if where.op is Op.GT else timedelta(0))
            return replace(self, lower=lower if self.lower is None else max(self.lower, lower))
        upper = where.value + (TICK if where.op is Op.LTE else timedelta(0))
        return replace(self, upper=upper if self.upper is None else min(self.upper, upper))

    @property
    def empty(self) -> bool:
        return self.lower is not None and self.upper is not None and self.lower >= self.upper

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies within them."""
        return (self.lower is None or moment >= self.lower) and (self.upper is None or moment < self.upper)
