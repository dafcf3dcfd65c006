"""The first records by a field that may be absent, in the vendor's own order, which is verified as they come.

Those without a value are read last, whichever end the vendor puts them at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lead_mcp.engine.notes import CameTwice
from lead_mcp.engine.readers.base import OutOfOrder, Reader
from lead_mcp.engine.readers.present_first import PresentFirst
from lead_mcp.engine.records import Record, rank
from lead_mcp.errors import Rejected
from lead_mcp.filters import Order
from lead_mcp.vendors.spec.http import Raw


@dataclass
class EndsReader(Reader):
    """Settles what ``PresentFirst`` gives, tie by tie."""

    along_absent = True
    _tie: list[Record] = field(default_factory=list)
    """Records that tie with the last one read: more of them may follow."""
    _absent: list[Record] = field(default_factory=list)
    _last: tuple[Any, ...] | None = None
    _doubles: int = 0

    async def _read(self) -> None:
        found = PresentFirst(self.pager, self.plan, self._order, self.record)
        try:
            async for rows in found.pages():
                if self.plan.counts_exactly and not self.plan.filtered:
                    self._known_total(found.counted)
                for row in rows:
                    await self._take(row)
                if self._enough():
                    return
                if await self._spent():  # within one tie, or among records without a value: these are in no order
                    self.extent.stuck = not self.taken.settled_any
                    return
        except Rejected as error:
            if self.taken.settled_any or self.plan.sent:
                raise
            raise OutOfOrder from error
        await self._finish(found.counted)

    @property
    def _order(self) -> Order:
        return self.taken.sorter.orders[0]

    async def _take(self, row: Raw) -> None:
        """Verify the order and settle every record that stands before the last one's ties. Raises OutOfOrder."""
        one = self.record(row)
        if one.uri in self.taken.seen:
            self._doubles += 1
            return
        self.taken.seen.add(one.uri)
        value = one.get(self._order.field)
        if value is None:
            self._absent.append(one)
            return
        place = rank(value, self._order.descending)
        if self._last is not None and place < self._last:
            raise OutOfOrder
        if place != self._last:
            await self._close()
        self._last = place
        self._tie.append(one)
        await self.taken.pace.step()

    async def _close(self) -> None:
        tie, self._tie = self._tie, []
        await self.taken.settle(sorted(tie, key=self.taken.sorter.key))

    async def _finish(self, counted: int | None) -> None:
        """``counted``: how many records the vendor counts, with and without a value."""
        await self._close()
        await self.taken.settle_sorted(self._absent)
        given = len(self.taken.seen)
        if counted is not None and given < counted:
            self.extent.fewer(counted, given)
        elif counted is None and self._doubles:
            self.extent.note(CameTwice(self._doubles))
        self.extent.done = True
