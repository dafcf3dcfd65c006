"""Pages in the vendor's own order, side by side where a total is known; the order is verified as they come."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.fanout import together
from lead_mcp.engine.notes import CameTwice, GivenTwice, SamePageAgain, TieCut
from lead_mcp.engine.readers.base import OutOfOrder, Reader, TooDeep, unit_of
from lead_mcp.engine.readers.paging import SIDE_BY_SIDE, check_moved, whole_prefix
from lead_mcp.engine.readers.ties import Tie, TieReading
from lead_mcp.engine.records import Record, columns_of, rank
from lead_mcp.errors import MalformedReply
from lead_mcp.filters import Order, Value
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, PageRequest, follows


@dataclass
class SortedReader(Reader):
    """Pages in the vendor's own order.

    Positions are counted as well as records: where fewer different records came than there are positions, some came twice,
    and as many were left out.
    """

    _tie: Tie = field(default_factory=Tie)
    """Records that tie with the last one read: more of them may follow."""
    _absent: list[Record] = field(default_factory=list)
    _last: tuple[Any, ...] | None = None
    _sorted: bool = True
    _covered: int = 0
    """Positions that were read, from the first on."""
    _here: set[str] = field(default_factory=set)
    """Different records that came since the reading began, or began anew behind a page that came again and again."""
    _moved: int = 0
    """Records that came twice though their ties were whole: the vendor's list changed meanwhile."""
    _left: int | None = None
    """Positions that are left, where the vendor says so."""
    _token: str | None = None
    """The vendor's name for the next page, where it pages by tokens: then pages come one after the other."""

    async def _read(self) -> None:
        bounds, size, offset = self._resumed(), self._page_size(), 0
        while True:
            pages = await self._pages(bounds, offset, size)
            repeated = not await self._take_pages(pages, offset) and self._may_repeat(pages[-1])
            offset += sum(len(page.rows) for page in pages)
            if repeated:
                bounds, offset = await self._past_repetition(bounds), 0
            elif self._ended(pages[-1], offset, size):
                return await self._finish(pages[-1].total)
            if self.done or self._enough() or await self._stopped():
                return None
            if repeated:
                continue
            if offset >= self.plan.route.deep:
                raise TooDeep
            self._token = pages[-1].next
            size = self._fitting(size, pages)
            offset -= offset % size if self._token is None else 0  # a few rows come again; they are known
            self._estimate(pages[-1], offset)

    # --- asking -------------------------------------------------------------------------------------------------------

    def _page_size(self) -> int:
        most = min(self.plan.route.page, self.pager.page_cap, max(1, self.pager.usage.share))
        return most if self._searching or self.need is None else min(most, self.need + 1)

    def _estimate(self, page: Page, offset: int) -> None:
        self._left = None if page.total is None else max(0, page.total - offset)

    def _fitting(self, size: int, pages: Sequence[Page]) -> int:
        """The next page size: smaller where the vendor gives fewer rows than asked, for page numbers count whole pages."""
        if self._token is not None:
            return min(size, self.pager.page_cap)
        shortest = min(len(page.rows) for page in pages)
        return min(size, self.pager.page_cap, max(1, shortest))

    async def _pages(self, bounds: Bounds, offset: int, size: int) -> list[Page]:
        """The next page, or several side by side where the vendor said how many records are left."""
        count = 1
        if self._left is not None and self._token is None:
            ahead = -(-min(self._left, max(size, self.pager.usage.left)) // size)
            count = max(1, min(SIDE_BY_SIDE, ahead, self._wanted(size)))
        requests = [self._page_request(bounds, offset + nth * size, size) for nth in range(count)]
        pages: list[Page | None] = [None] * count

        async def one(nth: int) -> None:
            pages[nth] = await self.pager.page(self.plan.route, requests[nth])

        if count == 1:
            await one(0)
        else:
            await together([partial(one, nth) for nth in range(count)])
        return whole_prefix([page for page in pages if page is not None], size)

    def _wanted(self, size: int) -> int:
        """How many pages are worth asking at once: as many as the matches so far suggest."""
        if self.need is None:
            return SIDE_BY_SIDE
        short = self.need - len(self.rows)
        rate = max(len(self.rows), 1) / max(self.pager.usage.scanned, 1)
        return max(1, -(-int(short / rate) // size))

    @property
    def _order(self) -> Order:
        first = self.sorter.orders[0]
        return first if first.field == self.plan.along else replace(first, field=self.plan.along)

    def _page_request(self, bounds: Bounds, offset: int, size: int) -> PageRequest:
        first = self._request(bounds, size, self._order)
        return replace(first, offset=offset, token=self._token) if offset or self._token else first

    # --- taking in ----------------------------------------------------------------------------------------------------

    async def _take_pages(self, pages: Sequence[Page], offset: int) -> int:
        """Take in the pages, the first of which begins at ``offset``; how many records of the last one were new."""
        before = len(self._seen)
        for page in pages:
            self._known_total(page.total)
            before = len(self._seen)
            run = self._run(page.rows)
            await (self._take_run(run, offset) if run else self._take_rows(page.rows, offset))
            offset += len(page.rows)
        return len(self._seen) - before

    def _run(self, rows: Sequence[Raw]) -> list[Record]:
        """The page's records where each is new and stands behind the one before it, as nearly always; else none."""
        if not (rows and self._sorted and self.sorter.orders[0].field == self.plan.along):
            return []
        try:
            records = list(map(self.record, rows))
        except MalformedReply:
            return []
        uris = {one.uri for one in records}
        if len(uris) < len(records) or not self._seen.isdisjoint(uris):
            return []
        [values] = columns_of(records, [self.plan.along])
        for one, value in zip(records, values, strict=True):
            one.know(self.plan.along, value)
        behind = self._last is None or rank(values[0], self.plan.descending) > self._last
        return records if behind and _strictly_ordered(values, descending=self.plan.descending) else []

    async def _take_run(self, run: Sequence[Record], offset: int) -> None:
        """Take in a run: no two tie, and the last one's ties may follow."""
        uris = [one.uri for one in run]
        self._seen.update(uris)
        self._here.update(uris)
        self._covered = max(self._covered, offset + len(run))
        await self._close()
        await self._settle_run(run[:-1])
        self._last = rank(run[-1].get(self.plan.along), self.plan.descending)
        self._tie.records.append(run[-1])

    async def _take_rows(self, rows: Sequence[Raw], offset: int) -> None:
        for row in rows:
            again = offset < self._covered  # asked for once more, as page numbers count whole pages
            offset += 1
            self._covered = max(self._covered, offset)
            one = self.record(row)
            self._here.add(one.uri)
            if one.uri not in self._seen:
                self._seen.add(one.uri)
                await self._take(one)
            elif not again:
                self._tie.doubles += 1
            await self._pace.step()

    async def _take(self, one: Record) -> None:
        """Verify the order and settle every record that stands before the last one's ties. Raises OutOfOrder.

        For a summary order means nothing but this: once it fails, no bound can end the reading early, and no tie is told.
        """
        value = one.get(self.plan.along)
        place = rank(value, self.plan.descending)
        if self._last is not None and value is not None and place < self._last:
            if self.sink is None:
                raise OutOfOrder
            self._sorted = False
        if not self._sorted:
            return await self._settle([one])
        if value is None:
            return await self._settle([one]) if self.sink else self._absent.append(one)
        if place != self._last:
            await self._close()
        self._last = place
        self._tie.records.append(one)
        return None

    def _held(self) -> Iterable[Record]:
        return [*self._tie.records, *self._absent]

    async def _close(self) -> None:
        """Settle the records that tie: read again by themselves where some came twice."""
        tie, self._tie = self._tie, Tie()
        if tie.doubles:
            before, whole = len(tie.records), self._sorted and await self._reread(tie)
            self._moved += max(0, tie.doubles - (len(tie.records) - before)) if whole else 0
            if not whole:
                self._note(GivenTwice(tie.doubles))
        alone = len(tie.records) < 2  # as nearly always: every record that is read comes by here
        await self._settle(tie.records if alone else sorted(tie.records, key=self.sorter.key))

    async def _reread(self, tie: Tie) -> bool:
        """Read a tie again; whether it is certainly whole now."""
        moment = self._value_of(tie)
        if not isinstance(moment, datetime):
            return False
        bounds = _one_moment(moment)
        request = self._request(bounds, min(self.plan.route.page, self.pager.page_cap))
        sent = len(request.where) - len(self.plan.sent)
        if not sent:
            return False
        reading = TieReading(
            pager=self.pager,
            route=self.plan.route,
            request=request,
            order=self._order,
            moment=moment,
            windowed=sent > 1,
            record=self.record,
            may_go_on=self.pager.usage.may_go_on,
            found={one.uri: one for one in tie.records},
        )
        whole = await reading.read()
        tie.records = list(reading.found.values())
        self._seen.update(reading.found)
        self._here.update(reading.found)
        return whole

    def _value_of(self, tie: Tie) -> Value:
        return tie.records[0].get(self.plan.along) if tie.records else None

    def _may_repeat(self, page: Page) -> bool:
        """Whether a page without anything new says that the vendor does not heed which page is asked for."""
        return bool(page.rows) and page.next is None and not self._past_bounds()

    async def _past_repetition(self, bounds: Bounds) -> Bounds:
        """Where to read on after a page that held nothing new: behind its ties, by the bounds; else the reading is done."""
        moment, tie = self._value_of(self._tie), self._tie
        if not (self._sorted and await self._reread(tie)):
            self._note(SamePageAgain())
        tie.doubles = 0
        await self._close()
        self._covered, self._left, self._here = 0, None, set()
        behind = self._behind(moment, with_ties=False)
        leads = len(self._request(behind, 1).where) > len(self.plan.sent)
        if behind == bounds or not isinstance(moment, datetime) or not leads:
            self._note(SamePageAgain())
            self.done = True
        return behind

    # --- ending -------------------------------------------------------------------------------------------------------

    def _ended(self, page: Page, offset: int, size: int) -> bool:
        if self._past_bounds():
            return True
        if page.next is not None:
            check_moved(page, self._token)
            return False
        if not page.rows:
            return True
        more = follows(page.total, offset - len(page.rows), len(page.rows)) if page.more is None else page.more
        return len(page.rows) < size if more is None else not more

    def _past_bounds(self) -> bool:
        """Whether the reading has passed the far bound: nothing that follows can match."""
        value, bounds = self._value_of(self._tie), self.plan.bounds
        if not isinstance(value, datetime) or not self._sorted:
            return False
        if self.plan.descending:
            return bounds.lower is not None and value < bounds.lower
        return bounds.upper is not None and value >= bounds.upper

    async def _stopped(self) -> bool:
        """Whether the scan limit ended the reading. Where all that was read is one tie, a part of it is settled: an answer
        must get somewhere, and says so."""
        if not await self._spent():
            return False
        if not self.settled_any and self._tie.records:
            moment, read = self._value_of(self._tie), len(self._tie.records)
            self._note(TieCut(read, self.plan.along))
            await self._settle(sorted(self._tie.records, key=self.sorter.key))
            self.watermark, self.settled_any = moment, True
        return True

    async def _finish(self, total: int | None) -> None:
        past = self._past_bounds()
        await self._close()
        await self._settle(sorted(self._absent, key=self.sorter.key))
        self._absent = []
        if total is not None and not past and len(self._here) < total:
            self._lacks(total, len(self._here))
        elif total is None and self._moved:
            self._note(CameTwice(self._moved))
        self.done = True


def _strictly_ordered(values: Sequence[Value], *, descending: bool) -> bool:
    """Whether the values are times, each behind the one before it."""
    times = [value for value in values if isinstance(value, datetime)]
    behind = operator.gt if descending else operator.lt
    return len(times) == len(values) and all(map(behind, times, times[1:]))


def _one_moment(moment: datetime) -> Bounds:
    return Bounds(moment, moment + unit_of(moment))
