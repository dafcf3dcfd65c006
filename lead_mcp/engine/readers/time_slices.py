"""Slices of time, nearest first, each read whole: for a vendor that cannot sort but filters by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lead_mcp.dates import SECOND, TICK
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.notes import CountsNotBelieved, FewerThanCounted, SecondCut
from lead_mcp.engine.readers.base import UNBOUNDED, Reader
from lead_mcp.engine.readers.paging import following
from lead_mcp.engine.records import Record
from lead_mcp.errors import MalformedReply
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, follows

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
PASSES: Final = 4
"""How often a second that is too dense for one page is read, where pages of it repeat and leave out records."""


@dataclass
class TimeSliceReader(Reader):
    """Slices of time, nearest first, each read whole; their width follows what the last one held."""

    _asked: Bounds = UNBOUNDED
    """Within which this reading lies."""
    _largest: int = 1
    """Rows of the largest page that came."""
    _believed: bool = True
    """Whether the vendor's counts are."""

    async def _read(self) -> None:
        self._asked = bounds = self._resumed()
        most = self._most()
        limit = self._probe(most)
        first = await self._slice(bounds, limit)
        self._known_total(first.total)
        if first.total is not None and len(first.rows) < first.total <= most:
            first, limit = await self._slice(bounds, most), most  # one larger page holds everything
        if _held(first, limit) > len(first.rows):
            return await self._slices(bounds, first.total, limit, self._learnt(limit, most, first))
        self._finish(first.total, await self._take(first.rows, bounds))
        return None

    async def _slices(self, bounds: Bounds, left: int | None, limit: int, most: int) -> None:
        """Slice after slice. ``left``: what the vendor counts within the bounds; ``limit``: rows of the next request."""
        counted, width, limit, hollow, straying = left, FIRST_SLICE, min(limit, most), 0, 0
        while not self._enough():
            part, rest = self._cut(bounds, width)
            page = await self._slice(part, limit)
            straying = straying + 1 if self._strays(page.rows, part) else 0
            if straying == STRAYING:
                raise MalformedReply("The vendor answers with records of other times than those asked for.")
            held = _held(page, limit)
            if held > len(page.rows):
                most = self._learnt(limit, most, page)
                fits = page.total is not None and held <= most
                if limit < most and (fits or width <= SECOND):  # one larger page holds this slice, or more of it
                    limit = most
                    continue
                if width > SECOND:
                    limit = self._probe(most)
                    width = max(SECOND, width * min(0.5, 0.7 * most / held))
                    continue
            rows = page.rows if held <= len(page.rows) else await self._dense(page, part, limit)
            fresh, limit = await self._take(rows, part), most
            left = None if left is None else left - fresh
            if rest is None or left == 0:
                return self._finish(counted, (counted or 0) - (left or 0))
            hollow = hollow + 1 if held and not fresh else 0
            if hollow == HOLLOW:
                left, limit, most = None, self._largest, self._largest
                self._disbelieve()
            if rows and await self._spent():  # a slice that holds nothing costs nothing, and gets nowhere
                return None
            bounds, width = rest, width * _growth(len(rows), most)

    def _finish(self, counted: int | None, given: int) -> None:
        """Everything was asked for. ``counted``: what the vendor counts; ``given``: different records that came."""
        if counted is not None and given < counted:
            self._lacks(counted, given)
        self.done = True

    def _most(self) -> int:
        """Rows a request may ask for: a page's worth where we must search, little more than needed where we need not."""
        most = min(self.plan.route.page, self.pager.page_cap, max(1, self.pager.usage.share))
        return most if self._searching or self.need is None else min(most, max(SMALL, 2 * self.need))

    def _probe(self, most: int) -> int:
        """Rows of a request that finds out how much there is: a small part of the share."""
        wanted = most if not self._searching and self.need is not None else self.pager.usage.share // PROBES
        return max(1, min(most, wanted))

    def _learnt(self, limit: int, most: int, page: Page) -> int:
        """The rows a request may ask for from now on: no more than the vendor gives where it holds more."""
        given = len(page.rows) if 0 < len(page.rows) < limit else most
        return min(most, given, self.pager.page_cap)

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

    async def _slice(self, bounds: Bounds, limit: int) -> Page:
        page = await self.pager.page(self.plan.route, self._request(bounds, limit))
        self._largest = max(self._largest, len(page.rows))
        return page if self._believed else replace(page, total=None, more=None)

    def _disbelieve(self) -> None:
        """Go on by the rows alone: a page that is shorter than the largest one is the last of its slice."""
        self._note(CountsNotBelieved())
        self._believed, self.total = False, None

    async def _dense(self, first: Page, bounds: Bounds, limit: int) -> list[Raw]:
        """Every row of a slice too narrow to cut: page by page, and again where pages repeat and leave out records."""
        found = {self.record(row).uri: row for row in first.rows}
        page: Page | None = first
        for _ in range(PASSES):
            before = len(found)
            page = await self._pass(page, bounds, limit, found)
            if page is None or page.total is None or len(found) >= page.total or len(found) == before:
                break
            page = None
        if page is not None and page.total is not None and len(found) < page.total:
            self._note(FewerThanCounted(page.total, len(found), in_a_second=True))
            self.total = None
        return list(found.values())

    async def _pass(self, page: Page | None, bounds: Bounds, limit: int, found: dict[str, Raw]) -> Page | None:
        """Every page of a slice once, from the one that has come, into ``found``: the last page; None where that was cut."""
        request = self._request(bounds, limit)
        page = page or await self.pager.page(self.plan.route, request)
        while page.next is not None or (request.token is None and _lacks(request.offset, page, limit)):
            if request.offset >= self.plan.route.deep or not await self.pager.usage.may_go_on():
                self._note(SecondCut(len(found), page.total))
                return None
            request = following(request, page)
            page = await self.pager.page(self.plan.route, request)
            found |= {self.record(row).uri: row for row in page.rows}
            if not page.rows and page.next is None:
                break
        return page

    async def _take(self, rows: Sequence[Raw], part: Bounds) -> int:
        """Settle a whole slice: its own records only, since a bound may have been rounded outwards. How many were new."""
        inside: dict[str, Record] = {}
        beyond = 0
        for row in rows:
            one = self.record(row)
            if one.uri not in self._seen and self._belongs(one, part):
                inside[one.uri] = one
            elif one.uri not in self._seen and self._is_beyond(one):
                self._seen.add(one.uri)
                beyond += 1
            await self._pace.step()
        self._seen.update(inside)
        self._dropped += beyond
        await self._settle(await self._in_order(inside.values()))
        edge = part.lower if self.plan.descending else part.upper
        if edge is not None and self.sorter.orders[0].field == self.plan.along:
            self.watermark, self.settled_any = (edge if self.plan.descending else edge - TICK), True
        return len(inside) + beyond

    def _strays(self, rows: Sequence[Raw], part: Bounds) -> bool:
        """Whether the vendor answers with records that all lie far from the time asked for."""
        near = Bounds(part.lower and part.lower - NEAR, part.upper and part.upper + NEAR)
        return bool(rows) and not any(self._belongs(self.record(row), near) for row in rows)

    def _is_beyond(self, one: Record) -> bool:
        """Whether the vendor counted a record that lies past a bound, where that was rounded outwards."""
        moment = one.get(self.plan.along)
        return isinstance(moment, datetime) and not self._asked.holds(moment)

    def _belongs(self, one: Record, part: Bounds) -> bool:
        moment = one.get(self.plan.along)
        return part.holds(moment) if isinstance(moment, datetime) else True


def _growth(held: int, most: int) -> float:
    return 8.0 if held == 0 else min(8.0, max(0.1, 0.7 * most / held))


def _lacks(offset: int, page: Page, limit: int) -> bool:
    """Whether rows of a slice are still to be asked for, of which the last page read began at ``offset``."""
    more = follows(page.total, offset, len(page.rows))
    return _held(page, limit) > len(page.rows) if more is None else more


def _held(page: Page, limit: int) -> int:
    """How many records a slice holds; a full page, or one that says so, of a vendor that tells no total holds one more."""
    if page.total is not None:
        return page.total
    follows = page.next is not None or (bool(page.rows) and page.more)
    return len(page.rows) + bool(follows or (page.more is None and len(page.rows) >= limit))
