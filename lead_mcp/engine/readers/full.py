"""Everything the call gives, then sorted here: for calls that neither sort nor page, and for orders nobody offers."""

from __future__ import annotations

from dataclasses import dataclass

from lead_mcp.engine.plan import bound_clauses
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.paging import following, is_last
from lead_mcp.engine.records import Record
from lead_mcp.vendors.spec.reading import PageRequest


@dataclass
class FullReader(Reader):
    """Everything the call gives, then sorted here: for calls that neither sort nor page, and for orders nobody offers."""

    async def _read(self) -> None:
        route = self.plan.route
        size = min(route.page or self.pager.usage.share, self.pager.page_cap, max(1, self.pager.usage.share))
        ask, found = self._ask(size), list[Record]()
        while True:
            page = await self.pager.page(route, ask)
            found += self._records(page.rows)
            if not route.page or is_last(page, ask):
                self.done = True
                break
            ask = following(ask, page)
            if self.pager.usage.left <= 0:
                self.why = f"stopped at the scan limit of {self.pager.usage.share:,} records, in no known order"
                self.done = True  # there is no place to go on from
                break
        self._settle(sorted(found, key=self.sorter.key))

    def _ask(self, size: int) -> PageRequest:
        where = (*self.plan.sent, *bound_clauses(self.plan, self.plan.bounds))
        text = self.plan.criteria.text if self.plan.text_here is None else None
        return PageRequest(where=where, text=text, limit=size)
