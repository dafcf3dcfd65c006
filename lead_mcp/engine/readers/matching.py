"""Which records match, by the plan of a reading: those within its bounds that pass every clause that is checked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.pace import Pace
from lead_mcp.engine.plan import Plan
from lead_mcp.engine.records import Record
from lead_mcp.engine.text_search import TEXT_FIELDS, text_matches
from lead_mcp.filters import matches

UNBOUNDED: Final = Bounds()


@dataclass(slots=True)
class Matching:
    """Tells the records that match ``plan``."""

    plan: Plan

    def matches(self, one: Record) -> bool:
        return self._in_bounds(one) and self._passes(one)

    async def of_run(self, run: Sequence[Record], pace: Pace) -> Sequence[Record]:
        """Those of records in the order of reading that match: where the ends lie within the bounds, all of them do."""
        if run and not (self._in_bounds(run[0]) and self._in_bounds(run[-1])):
            run = [one for one in run if self._in_bounds(one)]
        frozen = self.plan.criteria.frozen and self.plan.along != "created_at"
        if not (frozen or self.plan.searches_here):
            return run
        matching = []
        for one in run:
            if self._passes(one):
                matching.append(one)
            await pace.step()  # a record may hold very much text
        return matching

    def is_unreadable(self, one: Record) -> bool:
        """Whether a record is left out for a time that is there and cannot be read: nobody can say that it lies outside."""
        known = one.reads(self.plan.along) if one.get(self.plan.along) is None else None
        return known is not None and self.plan.bounds != UNBOUNDED and known.is_unreadable(one.raw)

    def _in_bounds(self, one: Record) -> bool:
        bounds = self.plan.bounds
        if bounds == UNBOUNDED:
            return True
        moment = one.get(self.plan.along)
        if moment is None:  # a range clause leaves empties out; our own frozen moment alone does not
            return bounds.lower is None and bounds.upper == self.plan.criteria.frozen
        return isinstance(moment, datetime) and bounds.holds(moment)

    def _passes(self, one: Record) -> bool:
        frozen = self.plan.criteria.frozen
        created = one.get("created_at") if frozen and self.plan.along != "created_at" else None
        if isinstance(created, datetime) and frozen is not None and created >= frozen:
            return False
        if self.plan.text_here is not None:
            values = [one.get(name) for name in TEXT_FIELDS]
            if not text_matches(self.plan.text_here, values):
                return False
        return all(matches(where, one.get(where.field)) for where in self.plan.checked)
