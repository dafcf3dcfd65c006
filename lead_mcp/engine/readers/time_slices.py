"""Slices of time, nearest first, each read whole: for a vendor that cannot sort but filters by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lead_mcp.dates import SECOND, TICK
from lead_mcp.engine.plan import Bounds, bound_clauses
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.paging import following
from lead_mcp.engine.records import Record
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, PageRequest

FIRST_SLICE: Final = timedelta(days=1)
DAWN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing these vendors hold is older; where no lower bound is given, slices end here and one last slice has none."""


@dataclass
class TimeSliceReader(Reader):
    """Slices of time, nearest first, each read whole; their width follows what the last one held."""

    async def _read(self) -> None:
        bounds = self._resumed()
        cap = self._cap()
        first = await self._slice(bounds, cap)
        self._known_total(first.total)
        if await self._complete(first, bounds, cap):
            return
        left, width = first.total, FIRST_SLICE
        cap = self._learnt(cap, first, _held(first, cap))
        while not self._enough():
            part, rest = self._cut(bounds, width)
            page = await self._slice(part, cap)
            held = _held(page, cap)
            cap = self._learnt(cap, page, held)
            if held > len(page.rows) and width > SECOND:
                width = max(SECOND, width * min(0.5, 0.7 * cap / held))
                continue
            rows = page.rows if held <= len(page.rows) else await self._rest(page, part, cap)
            fresh = self._take(rows, part)
            left = None if left is None else left - fresh
            if rest is None or left == 0:
                self.done = True
                return
            if rows and self._spent():  # a slice that holds nothing costs nothing, and gets nowhere
                return
            bounds, width = rest, width * self._growth(len(rows), cap)

    async def _complete(self, page: Page, bounds: Bounds, cap: int) -> bool:
        """Whether one request held everything there is."""
        if _held(page, cap) > len(page.rows):
            return False
        self._take(page.rows, bounds)
        self.done = True
        return True

    def _cap(self) -> int:
        """Rows a request asks for: a page's worth where we must search, little more than needed where we need not."""
        most = min(self.plan.route.page, self.pager.page_cap, max(1, self.pager.usage.share))
        searching = self.need is None or bool(self.plan.checked) or self.plan.text_here is not None
        return most if searching else min(most, max(100, 2 * (self.need or 0)))

    def _learnt(self, cap: int, page: Page, held: int) -> int:
        """The rows a request is to ask for from now on: no more than the vendor gives where it holds more."""
        given = len(page.rows) if page.rows and held > len(page.rows) else cap
        return min(cap, given, self.pager.page_cap)

    def _growth(self, held: int, cap: int) -> float:
        return 8.0 if held == 0 else min(8.0, max(0.1, 0.7 * cap / held))

    def _cut(self, bounds: Bounds, width: timedelta) -> tuple[Bounds, Bounds | None]:
        """The nearest slice of that width and what remains behind it."""
        if not self.plan.descending:
            edge = (bounds.lower or DAWN) + width
            if bounds.upper is not None and edge >= bounds.upper:
                return bounds, None
            return replace(bounds, upper=edge), replace(bounds, lower=edge)
        upper = bounds.upper or self.pager.now + timedelta(days=1)
        floor = bounds.lower or DAWN
        edge = upper - min(width, upper - DAWN)
        if edge <= floor:
            return (bounds, None)
        return replace(bounds, lower=edge), replace(bounds, upper=edge)

    def _ask(self, bounds: Bounds, limit: int) -> PageRequest:
        where = (*self.plan.sent, *bound_clauses(self.plan, bounds))
        text = self.plan.criteria.text if self.plan.text_here is None else None
        return PageRequest(where=where, text=text, limit=limit)

    async def _slice(self, bounds: Bounds, limit: int) -> Page:
        return await self.pager.page(self.plan.route, self._ask(bounds, limit))

    async def _rest(self, first: Page, bounds: Bounds, cap: int) -> list[Raw]:
        """Every row of a slice too narrow to cut: its further pages, by token or by offset."""
        rows, page, ask = list(first.rows), first, self._ask(bounds, cap)
        while page.next is not None or (ask.token is None and _lacks(rows, first, page, cap)):
            ask = following(ask, page)
            page = await self.pager.page(self.plan.route, ask)
            rows.extend(page.rows)
            if not page.rows and page.next is None:
                break
        if first.total is not None and len(rows) < first.total:
            self.why = f"the vendor counts {first.total:,} in a second but gave {len(rows):,}"
        return rows

    def _take(self, rows: Sequence[Raw], part: Bounds) -> int:
        """Settle a whole slice: its own records only, since a bound may have been rounded outwards. How many were new."""
        fresh = [one for one in (self.record(row) for row in rows) if one.uri not in self._seen]
        inside = [one for one in fresh if self._belongs(one, part)]
        self._seen.update(one.uri for one in inside)
        unique = {one.uri: one for one in inside}
        beyond = [one for one in fresh if one not in inside and self._is_beyond(one)]
        self._seen.update(one.uri for one in beyond)
        self._dropped += len(beyond)
        self._settle(sorted(unique.values(), key=self.sorter.key))
        edge = part.lower if self.plan.descending else part.upper
        if edge is not None and self.sorter.orders[0].field == self.plan.along:
            self.watermark, self.settled_any = (edge if self.plan.descending else edge - TICK), True
        return len(unique) + len(beyond)

    def _is_beyond(self, one: Record) -> bool:
        """Whether the vendor counted a record that lies past the upper bound, where that was rounded outwards."""
        moment, upper = one.get(self.plan.along), self.plan.bounds.upper
        return isinstance(moment, datetime) and upper is not None and moment >= upper

    def _belongs(self, one: Record, part: Bounds) -> bool:
        moment = one.get(self.plan.along)
        return part.holds(moment) if isinstance(moment, datetime) else True


def _lacks(rows: Sequence[Raw], first: Page, page: Page, cap: int) -> bool:
    """Whether rows of a slice are still to be asked for, of which the last page read is ``page``."""
    return len(rows) < first.total if first.total is not None else _held(page, cap) > len(page.rows)


def _held(page: Page, cap: int) -> int:
    """How many records a slice holds; a full page, or one that says so, of a vendor that tells no total holds one more."""
    if page.total is not None:
        return page.total
    said = page.next is not None or (bool(page.rows) and page.more)
    return len(page.rows) + bool(said or (page.more is None and len(page.rows) >= cap))
