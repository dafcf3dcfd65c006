"""A vendor's pages in its own order: one after the other, or several side by side where it says how many records are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.fanout import together
from lead_mcp.engine.plan import Plan
from lead_mcp.engine.readers.paging import SIDE_BY_SIDE, Pager, check_moved, whole_prefix
from lead_mcp.engine.readers.requests import first_page
from lead_mcp.filters import Order
from lead_mcp.vendors.spec.reading import Page, PageRequest, follows


@dataclass
class PageSequence:
    """The pages of what lies within ``bounds``, from ``offset`` on, of ``size`` records each."""

    pager: Pager
    plan: Plan
    order: Order
    bounds: Bounds
    size: int
    offset: int = 0
    _left: int | None = None
    """Positions that are left, where the vendor says so."""
    _token: str | None = None
    """The vendor's name for the next page, where it pages by tokens: then pages come one after the other."""

    async def following(self, worth: int) -> list[Page]:
        """The next pages: one, or as many side by side as are there and ``worth`` asking for."""
        count = 1
        if self._left is not None and self._token is None:
            ahead = -(-min(self._left, max(self.size, self.pager.usage.left)) // self.size)
            count = max(1, min(SIDE_BY_SIDE, ahead, worth))
        requests = [self._request(self.offset + nth * self.size) for nth in range(count)]
        pages: list[Page | None] = [None] * count

        async def one(nth: int) -> None:
            pages[nth] = await self.pager.page(self.plan.route, requests[nth])

        if count == 1:
            await one(0)
        else:
            await together([partial(one, nth) for nth in range(count)])
        return whole_prefix([page for page in pages if page is not None], self.size)

    def _request(self, offset: int) -> PageRequest:
        first = first_page(self.plan, self.bounds, self.size, self.order)
        return replace(first, offset=offset, token=self._token) if offset or self._token else first

    def is_last(self, page: Page) -> bool:
        """Whether nothing follows the page that ``offset`` stands behind now."""
        if page.next is not None:
            check_moved(page, self._token)
            return False
        if not page.rows:
            return True
        before = self.offset - len(page.rows)
        more = follows(page.total, before, len(page.rows)) if page.more is None else page.more
        return len(page.rows) < self.size if more is None else not more

    def go_on(self, pages: Sequence[Page]) -> None:
        """Set out for what follows these pages, which ``offset`` stands behind now.

        A few rows may come again, as page numbers count whole pages; they are known.
        """
        last = pages[-1]
        self._token = last.next
        self.size = self._fitting(pages)
        self.offset -= self.offset % self.size if self._token is None else 0
        self._left = None if last.total is None else max(0, last.total - self.offset)

    def _fitting(self, pages: Sequence[Page]) -> int:
        """The next page size: smaller where the vendor gives fewer rows than asked, for page numbers count whole pages."""
        if self._token is not None:
            return min(self.size, self.pager.page_cap)
        shortest = min(len(page.rows) for page in pages)
        return min(self.size, self.pager.page_cap, max(1, shortest))

    def begin_at(self, bounds: Bounds) -> None:
        """Begin again, within other bounds."""
        self.bounds, self.offset, self._left = bounds, 0, None
