"""Pages in the vendor's own order, side by side where a total is known; the order is verified as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from lead_mcp.engine.fanout import together
from lead_mcp.engine.plan import Bounds, bound_clauses
from lead_mcp.engine.readers.base import OutOfOrder, Reader, TooDeep
from lead_mcp.engine.readers.paging import SIDE_BY_SIDE, check_moved, whole_prefix
from lead_mcp.engine.records import Record, rank
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, PageRequest


@dataclass
class SortedReader(Reader):
    """Pages in the vendor's own order."""

    _open: list[Record] = field(default_factory=list)
    """Records that tie with the last one read: more of them may follow."""
    _absent: list[Record] = field(default_factory=list)
    _last: tuple[Any, ...] | None = None
    _in_order: bool = True

    async def _read(self) -> None:
        bounds = self._resumed()
        size, offset = self._page_size(), 0
        while True:
            pages = await self._pages(bounds, offset, size)
            for page in pages:
                self._take(page.rows)
                self._known_total(page.total)
            offset += sum(len(page.rows) for page in pages)
            if self._ended(pages[-1], offset, size):
                return self._finish()
            if self._enough() or self._spent():
                return None
            if offset >= self.plan.route.deep:
                raise TooDeep
            self._token = pages[-1].next
            size = self._fitting(size, pages)
            offset -= offset % size if self._token is None else 0  # a few rows come again; they are known
            self._estimate(pages[-1], offset)

    _left: int | None = None
    _token: str | None = None
    """The vendor's name for the next page, where it pages by tokens: then pages come one after the other."""

    def _page_size(self) -> int:
        most = min(self.plan.route.page, self.pager.page_cap, max(1, self.pager.usage.share))
        narrow = self.need is not None and not self.plan.checked and self.plan.text_here is None
        return min(most, self.need + 1) if narrow and self.need is not None else most

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
        asks = [self._ask(bounds, offset + nth * size, size) for nth in range(count)]
        pages: list[Page | None] = [None] * count

        async def one(nth: int) -> None:
            pages[nth] = await self.pager.page(self.plan.route, asks[nth])

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

    def _ask(self, bounds: Bounds, offset: int, size: int) -> PageRequest:
        order = replace(self.sorter.orders[0], field=self.plan.along)
        where = (*self.plan.sent, *bound_clauses(self.plan, bounds))
        text = self.plan.criteria.text if self.plan.text_here is None else None
        return PageRequest(where=where, text=text, order=order, offset=offset, limit=size, token=self._token)

    def _take(self, rows: Sequence[Raw]) -> None:
        """Verify the order and settle every record that stands before the last one's ties. Raises OutOfOrder."""
        if self.sink is not None:
            return self._take_at_once(rows)
        for one in self._records(rows):
            value = one.get(self.plan.along)
            if value is None:
                self._absent.append(one)
                continue
            place = rank(value, self.plan.descending)
            if self._last is not None and place < self._last:
                raise OutOfOrder
            if place != self._last:
                self._settle(self._open)
                self._open = []
            self._last = place
            self._open.append(one)

    def _take_at_once(self, rows: Sequence[Raw]) -> None:
        """For a summary order means nothing but this: once it fails, no bound can end the reading early."""
        for one in self._records(rows):
            value = one.get(self.plan.along)
            place = rank(value, self.plan.descending)
            self._in_order = self._in_order and (self._last is None or place >= self._last)
            self._last = place
            self._open = [one] if value is not None and self._in_order else []
            self._settle([one])

    def _ended(self, page: Page, offset: int, size: int) -> bool:
        if self._past_bounds():
            return True
        if page.next is not None:
            check_moved(page, self._token)
            return False
        if not page.rows:
            if page.total is not None and page.total > offset:
                self.why = f"the vendor counts {page.total:,} but gave {offset:,}"
            return True
        if page.more is not None:
            return not page.more
        return offset >= page.total if page.total is not None else len(page.rows) < size

    def _past_bounds(self) -> bool:
        """Whether the reading has passed the far bound: nothing that follows can match."""
        value = self._open[-1].get(self.plan.along) if self._open else None
        bounds = self.plan.bounds
        if not isinstance(value, datetime):
            return False
        if self.plan.descending:
            return bounds.lower is not None and value < bounds.lower
        return bounds.upper is not None and value >= bounds.upper

    def _finish(self) -> None:
        self._settle([] if self.sink else self._open)
        self._settle(self._absent)
        self._open, self._absent = [], []
        self.done = True
