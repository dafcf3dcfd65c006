"""Everything the call gives, then sorted here: for calls that neither sort nor page, and for orders nobody offers."""

from __future__ import annotations

from dataclasses import dataclass

from lead_mcp.engine.plan import bound_clauses
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.records import Record
from lead_mcp.vendors.spec.reading import Page, PageRequest


@dataclass
class FullReader(Reader):
    """Everything the call gives, then sorted here: for calls that neither sort nor page, and for orders nobody offers."""

    async def _read(self) -> None:
        route = self.plan.route
        size = min(route.page or self.pager.usage.share, self.pager.page_cap, max(1, self.pager.usage.share))
        offset, found = 0, list[Record]()
        while True:
            page = await self.pager.page(route, self._ask(offset, size))
            found += self._records(page.rows)
            offset += len(page.rows)
            if not route.page or self._ended(page, offset, size):
                self.done = True
                break
            if self.pager.usage.left <= 0:
                self.why = f"stopped at the scan limit of {self.pager.usage.share:,} records, in no known order"
                self.done = True  # there is no place to go on from
                break
        self._settle(sorted(found, key=self.sorter.key))

    def _ask(self, offset: int, size: int) -> PageRequest:
        where = (*self.plan.sent, *bound_clauses(self.plan, self.plan.bounds))
        text = self.plan.criteria.text if self.plan.text_here is None else None
        return PageRequest(where=where, text=text, offset=offset, limit=size)

    def _ended(self, page: Page, offset: int, size: int) -> bool:
        if not page.rows or page.more is False:
            return True
        return offset >= page.total if page.total is not None else len(page.rows) < size
