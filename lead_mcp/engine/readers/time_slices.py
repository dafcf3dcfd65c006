"""Slices of time, nearest first, each read whole: for a vendor that cannot sort but filters by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lead_mcp.dates import SECOND, TICK
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.notes import CountsNotBelieved
from lead_mcp.engine.plan import Plan
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.dense import DenseSlice, held_by
from lead_mcp.engine.readers.matching import UNBOUNDED
from lead_mcp.engine.readers.requests import first_page, resumed
from lead_mcp.engine.records import Record
from lead_mcp.errors import MalformedReply
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page

FIRST_SLICE: Final = timedelta(days=1)
DAWN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing these vendors hold is older; where no lower bound is given, slices end here and one last slice has none."""
PROBES: Final = 20
"""How many requests that find out how dense the records lie a share would hold: it is not spent on them."""
SMALL: Final = 100
"""Rows that are asked for at least, where each of them is wanted."""
HOLLOW: Final = 20
"""Slices in a row of which a vendor counts records and gives none that is new, before its counts are believed no more."""
STRAYING: Final = 5
"""Slices in a row of which every row lies far from the time asked for, before the vendor is believed to ignore it."""
NEAR: Final = timedelta(hours=2)
"""How far a row may lie from the time asked for: bounds are rounded, and a local hour may happen twice."""


@dataclass
class Cutting:
    """How slices are cut: ``limit`` rows of the next request, ``most`` of any."""

    width: timedelta
    limit: int
    most: int


@dataclass
class TimeSliceReader(Reader):
    """Slices of time, nearest first, each read whole; their width follows what the last one held."""

    _asked: Bounds = UNBOUNDED
    """Within which this reading lies."""
    _largest: int = 1
    """Rows of the largest page that came."""
    _believed: bool = True
    """Whether the vendor's counts are."""
    _straying: int = 0
    """Slices in a row of which every row lay far from the time asked for."""

    async def _read(self) -> None:
        self._asked = bounds = resumed(self.plan, self.taken.sorter, self.taken.after)
        most = self._most()
        limit = self._probe(most)
        first = await self._slice(bounds, limit)
        self._known_total(first.total)
        if first.total is not None and len(first.rows) < first.total <= most:
            first, limit = await self._slice(bounds, most), most  # one larger page holds everything
        if held_by(first, limit) > len(first.rows):
            return await self._slices(bounds, first.total, limit, self._learnt(limit, most, first))
        self._finish(first.total, await self._take(first.rows, bounds))
        return None

    async def _slices(self, bounds: Bounds, left: int | None, limit: int, most: int) -> None:
        """Slice after slice. ``left``: what the vendor counts within the bounds; ``limit``: rows of the next request."""
        counted, cut, hollow = left, Cutting(FIRST_SLICE, min(limit, most), most), 0
        while not self._enough():
            part, rest = nearest_slice(self.plan, bounds, cut.width, self.pager.now)
            page = await self._slice(part, cut.limit)
            self._check_near(page.rows, part)
            held = held_by(page, cut.limit)
            if held > len(page.rows) and self._cut_otherwise(cut, page, part, held):
                continue
            rows = page.rows if held <= len(page.rows) else await self._dense(part, cut.limit).rows(page)
            fresh, cut.limit = await self._take(rows, part), cut.most
            left = None if left is None else left - fresh
            if rest is None or left == 0:
                return self._finish(counted, (counted or 0) - (left or 0))
            hollow = hollow + 1 if held and not fresh else 0
            if hollow == HOLLOW:
                left, cut.limit, cut.most = None, self._largest, self._largest
                self._disbelieve()
            if rows and await self._spent():  # a slice that holds nothing costs nothing, and gets nowhere
                return None
            bounds, cut.width = rest, max(SECOND, cut.width * _growth(fresh, cut.most))

    def _cut_otherwise(self, cut: Cutting, page: Page, part: Bounds, held: int) -> bool:
        """Where a slice holds more than came: whether it is asked for again, with a larger page or narrower."""
        cut.most = self._learnt(cut.limit, cut.most, page)
        fits = page.total is not None and held <= cut.most
        narrow = cut.width <= SECOND or self._is_blurred(page.rows, part)
        if cut.limit < cut.most and (fits or narrow):  # one larger page holds this slice, or more of it
            cut.limit = cut.most
            return True
        if not narrow:
            cut.limit = self._probe(cut.most)
            cut.width = max(SECOND, cut.width * min(0.5, 0.7 * cut.most / held))
        return not narrow

    def _finish(self, counted: int | None, given: int) -> None:
        """Everything was asked for. ``counted``: what the vendor counts; ``given``: different records that came."""
        if counted is not None and given < counted:
            self.extent.fewer(counted, given)
        self.extent.done = True

    def _most(self) -> int:
        """Rows a request may ask for: a page's worth where we must search, little more than needed where we need not."""
        most = min(self.plan.route.page, self.pager.page_cap, max(1, self.pager.usage.share))
        return most if self._wanted is None else min(most, max(SMALL, 2 * self._wanted))

    def _probe(self, most: int) -> int:
        """Rows of a request that finds out how much there is: a small part of the share."""
        wanted = self.pager.usage.share // PROBES if self._wanted is None else most
        return max(1, min(most, wanted))

    def _learnt(self, limit: int, most: int, page: Page) -> int:
        """The rows a request may ask for from now on: no more than the vendor gives where it holds more."""
        given = len(page.rows) if 0 < len(page.rows) < limit else most
        return min(most, given, self.pager.page_cap)

    async def _slice(self, bounds: Bounds, limit: int) -> Page:
        request = first_page(self.plan, bounds, limit)
        page = await self.pager.page(self.plan.route, request)
        if self.pager.doubts(self.plan.route, page):
            # one request more now: else every slice of a round number is cut, down to a second
            further = replace(request, offset=len(page.rows), limit=len(page.rows))
            behind = await self.pager.page(self.plan.route, further)
            page = page if behind.rows else replace(page, more=None)
        self._largest = max(self._largest, len(page.rows))
        return page if self._believed else replace(page, total=None, more=None)

    def _dense(self, part: Bounds, limit: int) -> DenseSlice:
        return DenseSlice(self.pager, self.plan, self.record, self.extent, part, limit)

    def _disbelieve(self) -> None:
        """Go on by the rows alone: a page that is shorter than the largest one is the last of its slice."""
        self.extent.note(CountsNotBelieved())
        self._believed, self.extent.total = False, None

    async def _take(self, rows: Sequence[Raw], part: Bounds) -> int:
        """Settle a whole slice: its own records only, since a bound may have been rounded outwards. How many were new."""
        inside: dict[str, Record] = {}
        beyond = 0
        for row in rows:
            one = self.record(row)
            if one.uri not in self.taken.seen and self._belongs(one, part):
                inside[one.uri] = one
            elif one.uri not in self.taken.seen and self._is_beyond(one):
                self.taken.seen.add(one.uri)
                beyond += 1
            await self.taken.pace.step()
        self.taken.seen.update(inside)
        self.taken.dropped += beyond
        await self.taken.settle_sorted(inside.values())
        edge = part.lower if self.plan.descending else part.upper
        if edge is not None and self.taken.sorter.orders[0].field == self.plan.along:
            self.taken.settled_until(edge if self.plan.descending else edge - TICK)
        return len(inside) + beyond

    def _check_near(self, rows: Sequence[Raw], part: Bounds) -> None:
        """Raises MalformedReply where the vendor goes on answering with records that all lie far from the time asked for."""
        near = Bounds(part.lower and part.lower - NEAR, part.upper and part.upper + NEAR)
        strays = bool(rows) and not any(self._belongs(self.record(row), near) for row in rows)
        self._straying = self._straying + 1 if strays else 0
        if self._straying == STRAYING:
            raise MalformedReply("The vendor answers with records of other times than those asked for.")

    def _is_blurred(self, rows: Sequence[Raw], part: Bounds) -> bool:
        """Whether the vendor answers far more widely than asked, as round a change of clocks: narrower slices give no less."""
        return 2 * sum(self._belongs(self.record(row), part) for row in rows) < len(rows)

    def _is_beyond(self, one: Record) -> bool:
        """Whether the vendor counted a record that lies past a bound, where that was rounded outwards."""
        moment = one.get(self.plan.along)
        return isinstance(moment, datetime) and not self._asked.holds(moment)

    def _belongs(self, one: Record, part: Bounds) -> bool:
        moment = one.get(self.plan.along)
        return part.holds(moment) if isinstance(moment, datetime) else True


def nearest_slice(plan: Plan, bounds: Bounds, width: timedelta, now: datetime) -> tuple[Bounds, Bounds | None]:
    """The slice of that width that comes first in the direction of reading, and what remains behind it."""
    if not plan.descending:
        edge = (bounds.lower or DAWN) + width
        if bounds.upper is not None and edge >= bounds.upper:
            return bounds, None
        return replace(bounds, upper=edge), replace(bounds, lower=edge)
    upper = bounds.upper or now + timedelta(days=1)
    edge = upper - min(width, upper - DAWN)
    if edge <= (bounds.lower or DAWN):
        return bounds, None
    return replace(bounds, lower=edge), replace(bounds, upper=edge)


def _growth(held: int, most: int) -> float:
    return 8.0 if held == 0 else min(8.0, max(0.1, 0.7 * most / held))
