"""Taking in records in their vendor's order, which is verified as they come; ties are settled together, when whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lead_mcp.engine.notes import CameTwice, GivenTwice
from lead_mcp.engine.plan import Plan
from lead_mcp.engine.readers.base import OutOfOrder
from lead_mcp.engine.readers.extent import Extent
from lead_mcp.engine.readers.intake import Intake
from lead_mcp.engine.readers.requests import is_past
from lead_mcp.engine.readers.runs import run_of
from lead_mcp.engine.readers.ties import Tie, TieReading
from lead_mcp.engine.records import Record, rank
from lead_mcp.filters import Value
from lead_mcp.vendors.spec.http import Raw


@dataclass
class OrderedIntake:
    """Settles records as they come, all but those that tie with the last one: more of these may follow.

    Positions are counted as well as records: where fewer different records came than there are positions, some came twice,
    and as many were left out.
    """

    taken: Intake
    plan: Plan
    record: Callable[[Raw], Record]
    extent: Extent
    reread: Callable[[Tie, datetime], TieReading | None]
    """What reads a tie again; None where no request can be so narrow."""
    in_order: bool = True
    tie: Tie = field(default_factory=Tie)
    _absent: list[Record] = field(default_factory=list)
    _last: tuple[Any, ...] | None = None
    _covered: int = 0
    """Positions that were read, from the first on."""
    _here: set[str] = field(default_factory=set)
    """Different records that came since the reading began, or began anew behind a page that came again and again."""
    _moved: int = 0
    """Records that came twice though their ties were whole: the vendor's list changed meanwhile."""

    # --- what comes ---------------------------------------------------------------------------------------------------

    async def take(self, rows: Sequence[Raw], offset: int) -> int:
        """Take in a page that begins at ``offset``; how many of its records were new."""
        before, run = len(self.taken.seen), self._run(rows)
        await (self._take_run(run, offset) if run else self._take_rows(rows, offset))
        return len(self.taken.seen) - before

    def _run(self, rows: Sequence[Raw]) -> list[Record]:
        """The page's records where each is new and stands behind the one before it, as nearly always; else none."""
        if not (rows and self.in_order and self.taken.sorter.orders[0].field == self.plan.along):
            return []
        run = run_of(rows, self.record, self.plan.along, descending=self.plan.descending)
        behind = bool(run) and (self._last is None or self._place(run[0]) > self._last)
        return run if behind and self.taken.seen.isdisjoint([one.uri for one in run]) else []

    def _place(self, one: Record) -> tuple[Any, ...]:
        return rank(one.get(self.plan.along), self.plan.descending)

    async def _take_run(self, run: Sequence[Record], offset: int) -> None:
        """Take in a run: no two tie, and the last one's ties may follow."""
        uris = [one.uri for one in run]
        self.taken.seen.update(uris)
        self._here.update(uris)
        self._covered = max(self._covered, offset + len(run))
        await self.close()
        await self.taken.settle_run(run[:-1])
        self._last = self._place(run[-1])
        self.tie.records.append(run[-1])

    async def _take_rows(self, rows: Sequence[Raw], offset: int) -> None:
        for row in rows:
            again = offset < self._covered  # asked for once more, as page numbers count whole pages
            offset += 1
            self._covered = max(self._covered, offset)
            one = self.record(row)
            self._here.add(one.uri)
            if one.uri not in self.taken.seen:
                self.taken.seen.add(one.uri)
                await self._take(one)
            elif not again:
                self.tie.doubles += 1
            await self.taken.pace.step()

    async def _take(self, one: Record) -> None:
        """Verify the order and settle every record that stands before the last one's ties. Raises OutOfOrder.

        For a summary order means nothing but this: once it fails, no bound can end the reading early, and no tie is told.
        """
        value, summary = one.get(self.plan.along), self.taken.sink is not None
        place = self._place(one)
        if self._last is not None and value is not None and place < self._last:
            if not summary:
                raise OutOfOrder
            self.in_order = False
        if not self.in_order or (value is None and summary):
            return await self.taken.settle([one])
        if value is None:
            return self._absent.append(one)
        if place != self._last:
            await self.close()
        self._last = place
        self.tie.records.append(one)
        return None

    # --- what is held back --------------------------------------------------------------------------------------------

    @property
    def held(self) -> Sequence[Record]:
        """Records that came and are not settled yet."""
        return [*self.tie.records, *self._absent]

    @property
    def moment(self) -> Value:
        """Where the records stand that came last."""
        return self.tie.records[0].get(self.plan.along) if self.tie.records else None

    async def close(self) -> None:
        """Settle the records that tie: read again by themselves where some came twice."""
        tie = self.tie
        if tie.doubles:
            before, whole = len(tie.records), await self.read_again()
            self._moved += max(0, tie.doubles - (len(tie.records) - before)) if whole else 0
            if not whole:
                self.extent.note(GivenTwice(tie.doubles))
        self.tie = Tie()
        alone = len(tie.records) < 2  # as nearly always: every record that is read comes by here
        await self.taken.settle(tie.records if alone else sorted(tie.records, key=self.taken.sorter.key))

    async def read_again(self) -> bool:
        """Read the tie again; whether it is certainly whole now."""
        moment = self.moment
        reading = self.reread(self.tie, moment) if self.in_order and isinstance(moment, datetime) else None
        if reading is None:
            return False
        whole = await reading.read()
        self.tie.records = list(reading.found.values())
        self.taken.seen.update(reading.found)
        self._here.update(reading.found)
        return whole

    async def pass_repetition(self) -> bool:
        """Leave behind a page that held nothing new: whether its tie is certainly whole."""
        whole = await self.read_again()
        self.tie.doubles = 0
        await self.close()
        self._covered, self._here = 0, set()
        return whole

    # --- ending -------------------------------------------------------------------------------------------------------

    @property
    def past_bounds(self) -> bool:
        """Whether the reading has passed the far bound: nothing that follows can match."""
        return self.in_order and is_past(self.plan, self.moment)

    async def finish(self, total: int | None) -> None:
        """Settle everything: nothing follows. ``total``: how many positions the vendor counts."""
        past = self.past_bounds
        await self.close()
        await self.taken.settle(sorted(self._absent, key=self.taken.sorter.key))
        self._absent = []
        if total is not None and not past and len(self._here) < total:
            self.extent.fewer(total, len(self._here))
        elif total is None and self._moved:
            self.extent.note(CameTwice(self._moved))
        self.extent.done = True
