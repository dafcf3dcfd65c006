"""A slice of time that holds more records than one page and is too narrow to cut: read page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.notes import SecondCut
from lead_mcp.engine.plan import Plan
from lead_mcp.engine.readers.extent import Extent
from lead_mcp.engine.readers.paging import Pager, following
from lead_mcp.engine.readers.requests import first_page
from lead_mcp.engine.records import Record
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, follows

PASSES: Final = 4
"""How often the slice is read, where pages of it repeat and leave out records."""


@dataclass
class DenseSlice:
    """One such slice. ``limit``: rows of a request. What could not be read is kept in ``extent``."""

    pager: Pager
    plan: Plan
    record: Callable[[Raw], Record]
    extent: Extent
    bounds: Bounds
    limit: int
    _found: dict[str, Raw] = field(default_factory=dict)

    async def rows(self, first: Page) -> list[Raw]:
        """Every row, of which ``first`` is the first page; read again where pages repeat and leave out records."""
        self._take(first)
        page: Page | None = first
        for _ in range(PASSES):
            before = len(self._found)
            page = await self._pass(page)
            if page is None or page.total is None or len(self._found) >= page.total or len(self._found) == before:
                break
            page = None
        if page is not None and page.total is not None and len(self._found) < page.total:
            self.extent.fewer(page.total, len(self._found), in_a_second=True)
        return list(self._found.values())

    async def _pass(self, page: Page | None) -> Page | None:
        """Every page once, from the one that has come: the last page; None where that was cut."""
        request = first_page(self.plan, self.bounds, self.limit)
        page = page or await self.pager.page(self.plan.route, request)
        self._take(page)
        while page.next is not None or (request.token is None and self._lacks(request.offset, page)):
            if request.offset >= self.plan.route.deep or not await self.pager.usage.may_go_on():
                self.extent.note(SecondCut(len(self._found), page.total))
                return None
            request = following(request, page)
            page = await self.pager.page(self.plan.route, request)
            self._take(page)
            if not page.rows and page.next is None:
                break
        return page

    def _take(self, page: Page) -> None:
        self._found |= {self.record(row).uri: row for row in page.rows}

    def _lacks(self, offset: int, page: Page) -> bool:
        """Whether rows are still to be asked for, of which the last page read began at ``offset``."""
        more = follows(page.total, offset, len(page.rows))
        return held_by(page, self.limit) > len(page.rows) if more is None else more


def held_by(page: Page, limit: int) -> int:
    """How many records a slice holds; a full page, or one that says so, of a vendor that tells no total holds one more."""
    if page.total is not None:
        return page.total
    more = page.next is not None or (bool(page.rows) and page.more)
    return len(page.rows) + bool(more or (page.more is None and len(page.rows) >= limit))
