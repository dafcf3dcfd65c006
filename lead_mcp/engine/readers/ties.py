"""Records that tie, where a vendor may order ties anew for every request: pages of them repeat some and leave out others.

A tie that stands on one page is whole. One that goes over a page's end is doubted as soon as a record comes twice, and read
again by itself: in a window no wider than its moment, from either end, until as many different records have come as the
vendor counts there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from lead_mcp.engine.readers.paging import Pager, following, is_last
from lead_mcp.engine.records import Record
from lead_mcp.filters import Order
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, PageRequest, Route

PASSES: Final = 8
"""How often one tie is read again, at most."""
STALE: Final = 2
"""Passes one after the other that bring nothing new: more will not either."""


@dataclass
class Tie:
    """Records with one value of the leading key, as they are read. ``doubles``: how many came again on a later page."""

    records: list[Record] = field(default_factory=list)
    doubles: int = 0


@dataclass
class TieReading:
    """Reads again the records whose ``order.field`` is ``moment``.

    ``request`` asks for the first page of what lies around it: in a window of its own (``windowed``), or from it on in the
    direction of reading. ``may_go_on``: whether more may be read.
    """

    pager: Pager
    route: Route
    request: PageRequest
    order: Order
    moment: datetime
    windowed: bool
    record: Callable[[Raw], Record]
    may_go_on: Callable[[], Awaitable[bool]]
    found: dict[str, Record] = field(default_factory=dict)
    _around: set[str] = field(default_factory=set)
    """Everything that came, other records of the window too."""

    async def read(self) -> bool:
        """Read until ``found`` is certainly whole; False where that cannot be told."""
        stale = 0
        for nth in range(PASSES):
            before = len(self.found)
            other_end = self.windowed and nth % 2 == 1
            if await self._pass(replace(self.order, descending=self.order.descending ^ other_end)):
                return True
            stale = 0 if len(self.found) > before else stale + 1
            if stale == STALE or not await self.may_go_on():
                return False
        return False

    async def _pass(self, order: Order) -> bool:
        """Every page once; whether the tie is now certainly whole. It ends at a page that comes twice running."""
        request, holding, before = replace(self.request, order=order), 0, Page(())
        while True:
            page = await self.pager.page(self.route, request)
            if page.rows and page.rows == before.rows:
                return False
            before = page
            held, past = self._take(page, descending=order.descending)
            holding += held
            if past or is_last(page, request):
                return holding == 1 or self._all_counted(page)
            if not await self.may_go_on():
                return False
            request = following(request, page)

    def _take(self, page: Page, *, descending: bool) -> tuple[bool, bool]:
        """Keep the tie's records; whether the page holds any, and whether it goes on behind them."""
        held = past = False
        for one in map(self.record, page.rows):
            self._around.add(one.uri)
            value = one.get(self.order.field)
            if value == self.moment:
                self.found[one.uri], held = one, True
            elif isinstance(value, datetime):
                past = value < self.moment if descending else value > self.moment
        return held, past

    def _all_counted(self, page: Page) -> bool:
        return self.windowed and page.total is not None and len(self._around) >= page.total
