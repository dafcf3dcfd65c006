"""Pages by a field that may be absent, in the vendor's own order: records with a value first, those without one last.

Nobody says where a vendor puts absent values, so it is found out. Where it can be asked for records that have a value, it is.
Else the first page in the wanted direction shows where the absent ones are not: at its beginning, or, where they are there,
perhaps at the end of the opposite direction, which is then read backwards. Where they are at both, they sort like a value that
lies at this end: then the page in which they end is searched for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from lead_mcp.engine.plan import Plan
from lead_mcp.engine.readers.base import OutOfOrder
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.engine.readers.requests import first_page
from lead_mcp.engine.records import Record
from lead_mcp.filters import Order, Where
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page


@dataclass
class PresentFirst:
    """Asks for every record. ``counted``: how many the vendor counts, with and without a value, once a page has come."""

    pager: Pager
    plan: Plan
    order: Order
    record: Callable[[Raw], Record]
    counted: int | None = None
    _known: dict[int, Page] = field(default_factory=dict)
    """Pages in the wanted direction that were looked at already, by number."""

    async def pages(self) -> AsyncIterator[Sequence[Raw]]:
        """Every record: those with a value in order, then those without. Raises OutOfOrder where pages cannot be counted."""
        if self.plan.filtered:
            async for rows in self._by_filter():
                yield rows
            return
        first = await self._own(0)
        self.counted = first.total
        last = -(-(first.total or 0) // self._size) - 1
        if last <= 0 or self._has_value(first.rows):
            numbers: Sequence[int] = range(10**9 if first.total is None else last + 1)
            async for rows in self._forward(numbers):
                yield rows
            return
        async for rows in self._behind_absent(last):
            yield rows

    @property
    def _size(self) -> int:
        """Rows of every page, so that a page's number says where it begins."""
        return self.plan.route.page

    async def _page(self, number: int, order: Order, where: Sequence[Where] = ()) -> Page:
        """A page by its number, counted from 0."""
        request = first_page(self.plan, self.plan.bounds, self._size)
        asked = replace(request, where=(*request.where, *where), order=order, offset=number * self._size)
        page = await self.pager.page(self.plan.route, asked)
        if len(page.rows) < self._size and number * self._size + len(page.rows) < (page.total or 0):
            raise OutOfOrder  # shorter pages than asked for: their numbers do not say where they begin
        if page.more and page.total is not None and asked.offset + len(page.rows) >= page.total:
            raise OutOfOrder  # more follow than it counts: its count does not say where the list ends
        return page

    async def _own(self, number: int) -> Page:
        """A page of everything in the wanted direction, each asked once."""
        if number not in self._known:
            self._known[number] = await self._page(number, self.order)
        return self._known[number]

    async def _forward(self, numbers: Sequence[int]) -> AsyncIterator[Sequence[Raw]]:
        """Those pages, to the first that is empty."""
        for number in numbers:
            page = await self._own(number)
            if not page.rows:
                return
            yield page.rows
            if page.more is False:
                return

    async def _behind_absent(self, last: int) -> AsyncIterator[Sequence[Raw]]:
        """Where the wanted direction begins with absent values, and ``last`` is its last page."""
        opposite = replace(self.order, descending=not self.order.descending)
        end = await self._page(last, opposite)
        if self._has_value(end.rows[-1:]):
            yield list(reversed(end.rows))
            for number in range(last - 1, -1, -1):
                yield list(reversed((await self._page(number, opposite)).rows))
            return
        start = await self._first_with_value(last)
        for number in (*range(start, last + 1), *range(start)):
            yield (await self._own(number)).rows

    async def _first_with_value(self, last: int) -> int:
        """The first page that holds a value; ``last + 1`` where none does. The first and the last row of a page tell."""
        learned, key = self.pager.learned.absent, f"{self.plan.route.name} {self.order}"
        low, high = 0, last + 1  # page ``low`` holds no value, ``high`` begins with one or lies behind the end
        guess, step = 1 + int(learned.get(key, 0.0) * (last + 1)), 1
        while low + 1 < high:
            at = guess if low < guess < high else (low + high) // 2
            rows = (await self._own(at)).rows
            if self._has_value(rows[:1]):
                high, guess = at, at - step
            elif self._has_value(rows[-1:]):
                high = at
                break
            else:
                low, guess = at, at + step
            step *= 2
        learned[key] = max(0, high - 1) / (last + 1)
        return high

    async def _by_filter(self) -> AsyncIterator[Sequence[Raw]]:
        """Those with a value by a filter that leaves the others out, then the others, unless nobody asked for them."""
        clause = () if self.plan.present is None else (self.plan.present,)
        number, seen = 0, 0
        while True:
            page = await self._page(number, self.order, clause)
            yield page.rows
            number, seen = number + 1, seen + len(page.rows)
            if not page.rows or page.more is False or (page.total is not None and seen >= page.total):
                break
        if self.plan.wants_absent:
            async for rows in self._without_value(page.total if page.total is not None else seen):
                yield rows

    async def _without_value(self, held: int) -> AsyncIterator[Sequence[Raw]]:
        """Those without a value, which lie at one of the ends; anywhere, where no total says where the end is.

        ``held``: how many have a value.
        """
        first = await self._own(0)
        self.counted = first.total
        everywhere, ahead = first.total is None, not self._has_value(first.rows[:1])
        last = -(-(first.total or 0) // self._size) - 1
        numbers = range(10**9) if everywhere else range(last + 1) if ahead else range(held // self._size, last + 1)
        for number in numbers:
            rows = (await self._own(number)).rows
            yield [row for row in rows if not self._has_value([row])]
            if not rows or (ahead and not everywhere and self._has_value(rows[-1:])):
                return

    def _has_value(self, rows: Sequence[Raw]) -> bool:
        return any(self.record(row).get(self.order.field) is not None for row in rows)
