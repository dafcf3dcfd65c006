"""Everything the call gives, then sorted here: for calls that neither sort nor page, and for orders nobody offers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lead_mcp.engine.notes import InNoOrder
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.paging import following, is_last
from lead_mcp.engine.readers.requests import first_page
from lead_mcp.engine.records import Record
from lead_mcp.vendors.spec.reading import Page

PASSES: Final = 3
"""How often everything is read where fewer different records came than the vendor counts: it may order pages anew."""


@dataclass
class FullReader(Reader):
    """Everything the call gives, then sorted here: for calls that neither sort nor page, and for orders nobody offers."""

    async def _read(self) -> None:
        found, page = list[Record](), Page(())
        for _ in range(PASSES):
            before = len(found)
            page = await self._pass(found)
            lacks = page.total is not None and len(self.taken.seen) < page.total
            if self.extent.lacks or not lacks or (before and len(found) == before):
                break
        if not self.extent.lacks and page.total is not None and len(self.taken.seen) < page.total:
            self.extent.fewer(page.total, len(self.taken.seen))
        await self.taken.settle_sorted(found)
        self.extent.done = True  # there is no place to go on from

    async def _pass(self, found: list[Record]) -> Page:
        """Every page once, what is new of it into ``found``; the last page."""
        route, share = self.plan.route, max(1, self.pager.usage.share)
        request = first_page(self.plan, self.plan.bounds, min(route.page or share, self.pager.page_cap, share))
        stale = 0
        while True:
            page = await self.pager.page(route, request)
            fresh = await self.taken.fresh(page.rows, self.record)
            found += fresh
            stale = 0 if fresh or not page.rows else stale + 1
            if not route.page or is_last(page, request) or stale > 1:
                return page
            if page.next is None:  # where fewer come than asked for, what comes says which page is the next
                request = replace(request, limit=min(request.limit, len(page.rows)))
            request = following(request, page)
            if await self._spent():
                self.extent.note(InNoOrder())
                return page
