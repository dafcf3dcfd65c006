"""Pages in the vendor's own order; the order is verified as they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from lead_mcp.engine.notes import SamePageAgain, TieCut
from lead_mcp.engine.readers.base import Reader, TooDeep
from lead_mcp.engine.readers.ordered import OrderedIntake
from lead_mcp.engine.readers.paging import SIDE_BY_SIDE
from lead_mcp.engine.readers.requests import around, behind, first_page, resumed
from lead_mcp.engine.readers.sequence import PageSequence
from lead_mcp.engine.readers.ties import Tie, TieReading
from lead_mcp.engine.records import Record
from lead_mcp.filters import Order
from lead_mcp.vendors.spec.reading import Page


@dataclass
class SortedReader(Reader):
    """Reads page after page and settles what comes, until a page is the last one, or lies past the bounds."""

    _ordered: OrderedIntake = field(init=False)

    def __post_init__(self) -> None:
        self._ordered = OrderedIntake(self.taken, self.plan, self.record, self.extent, self._tie_reading)

    async def _read(self) -> None:
        ordered, pages = self._ordered, self._pages()
        while True:
            some, new = await pages.following(self._worth(pages.size)), 0
            for page in some:
                self._known_total(page.total)
                new = await ordered.take(page.rows, pages.offset)
                pages.offset += len(page.rows)
            repeated = not new and self._may_repeat(some[-1])
            if repeated:
                await self._past_repetition(pages)
            elif ordered.past_bounds or pages.is_last(some[-1]):
                return await ordered.finish(some[-1].total)
            if self.extent.done or self._enough():
                return None
            if await self._spent():
                return await self._cut()
            if not repeated:
                if pages.offset >= self.plan.route.deep:
                    raise TooDeep
                pages.go_on(some)

    def _pages(self) -> PageSequence:
        bounds = resumed(self.plan, self.taken.sorter, self.taken.after)
        most = min(self.plan.route.page, self.pager.page_cap, max(1, self.pager.usage.share))
        size = most if self._wanted is None else min(most, self._wanted + 1)
        return PageSequence(self.pager, self.plan, self._order, bounds, size)

    @property
    def _order(self) -> Order:
        first = self.taken.sorter.orders[0]
        return first if first.field == self.plan.along else replace(first, field=self.plan.along)

    def _worth(self, size: int) -> int:
        """How many pages are worth asking at once: as many as the matches so far suggest."""
        if self.need is None:
            return SIDE_BY_SIDE
        matches = len(self.taken.rows)
        rate = max(matches, 1) / max(self.pager.usage.scanned, 1)
        return max(1, -(-int((self.need - matches) / rate) // size))

    def _held(self) -> Iterable[Record]:
        return self._ordered.held

    async def _cut(self) -> None:
        """Where all that was read is one tie, settle the part of it that came: an answer must get somewhere, and says so."""
        records, moment = self._ordered.tie.records, self._ordered.moment
        if not self.taken.settled_any and records:
            self.extent.note(TieCut(len(records), self.plan.along))
            await self.taken.settle(sorted(records, key=self.taken.sorter.key))
            self.taken.settled_until(moment)

    # --- what comes again ---------------------------------------------------------------------------------------------

    def _tie_reading(self, tie: Tie, moment: datetime) -> TieReading | None:
        """What reads the records of one moment again, where that can be asked for."""
        request = first_page(self.plan, around(moment), min(self.plan.route.page, self.pager.page_cap))
        sent = len(request.where) - len(self.plan.sent)
        if not sent:
            return None
        return TieReading(
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

    def _may_repeat(self, page: Page) -> bool:
        """Whether a page without anything new says that the vendor does not heed which page is asked for."""
        return bool(page.rows) and page.next is None and not self._ordered.past_bounds

    async def _past_repetition(self, pages: PageSequence) -> None:
        """Read on after a page that held nothing new: behind its ties, by the bounds; else the reading is done."""
        moment = self._ordered.moment
        if not await self._ordered.pass_repetition():
            self.extent.note(SamePageAgain())
        further = behind(self.plan, moment, with_ties=False)
        leads = len(first_page(self.plan, further, 1).where) > len(self.plan.sent)
        if further == pages.bounds or not isinstance(moment, datetime) or not leads:
            self.extent.note(SamePageAgain())
            self.extent.done = True
        pages.begin_at(further)
