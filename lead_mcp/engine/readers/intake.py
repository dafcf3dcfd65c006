"""What a reading takes in: records whose place in the order is final (*settled*), each once; those that match are kept.

A record is settled when no unread one can stand before it. Records that tie on the leading key are settled together, for
their order among each other is ours (the next keys, then the URI).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lead_mcp.engine.pace import Pace, aside
from lead_mcp.engine.plan import Plan
from lead_mcp.engine.readers.budget import Usage
from lead_mcp.engine.readers.matching import Matching
from lead_mcp.engine.records import Position, Record, Sorter
from lead_mcp.filters import Value
from lead_mcp.vendors.spec.http import Raw

STRETCH: Final = 100
"""Records that are looked at between two turns of the event loop."""
Sink = Callable[[Record], None]
"""Takes every match, where no page is wanted."""


@dataclass
class Intake:
    """Records as they are settled.

    ``after``: where the page before ended; what does not stand behind it is ``usage.skipped``.
    ``sink``: where matches go instead of ``rows``, for a summary keeps no records. ``kept``: how many matched; ``dropped``:
    how many did not. ``watermark``: the last settled value of the leading key; all up to and including it has been read.
    """

    matching: Matching
    sorter: Sorter
    usage: Usage
    after: Position | None = None
    sink: Sink | None = None
    rows: list[Record] = field(default_factory=list)
    kept: int = 0
    dropped: int = 0
    unreadable: int = 0
    """Records left out because their time could not be read."""
    seen: set[str] = field(default_factory=set)
    watermark: Value = None
    settled_any: bool = False
    """Whether anything behind ``after`` is settled."""
    pace: Pace = field(default_factory=Pace)
    _handed_out: set[str] = field(default_factory=set)
    """What earlier readers of the same partition gave the sink."""

    async def fresh(self, rows: Iterable[Raw], record: Callable[[Raw], Record]) -> list[Record]:
        """The rows as records, each once."""
        fresh: list[Record] = []
        for row in rows:
            one = record(row)
            if one.uri not in self.seen:
                self.seen.add(one.uri)
                fresh.append(one)
            await self.pace.step()
        return fresh

    async def settle(self, group: Iterable[Record]) -> None:
        """Take in records whose place is final."""
        for one in group:
            fresh = self.sorter.is_after(one, self.after)
            self.watermark, self.settled_any = one.get(self.sorter.orders[0].field), self.settled_any or fresh
            self.usage.skipped += not fresh
            if not self.matching.matches(one):
                self.dropped += 1
                self.unreadable += self.matching.is_unreadable(one)
            elif fresh:
                self._keep([one])
            await self.pace.step()

    async def settle_sorted(self, some: Iterable[Record]) -> None:
        """The same for records in no order."""
        found = list(some)
        await self.settle(await aside(lambda: sorted(found, key=self.sorter.key), len(found)))

    async def settle_run(self, run: Sequence[Record]) -> None:
        """The same for records that stand in the order of reading and have a time each: looked at together."""
        known = 0 if self.after is None else self.sorter.count_until(run, self.after)
        self.usage.skipped += known
        self.dropped += known - len(await self.matching.of_run(run[:known], self.pace))
        for at in range(known, len(run), STRETCH):
            stretch = run[at : at + STRETCH]
            matching = await self.matching.of_run(stretch, self.pace)
            self.dropped += len(stretch) - len(matching)
            self._keep(matching)
            await self.pace.step()
        if run:
            self.settled_until(run[-1].get(self.matching.plan.along), new=known < len(run))

    def settled_until(self, watermark: Value, *, new: bool = True) -> None:
        """Everything up to that value of the leading key has been read."""
        self.watermark, self.settled_any = watermark, self.settled_any or new

    def _keep(self, matching: Sequence[Record]) -> None:
        self.kept += len(matching)
        if self.sink is None:
            self.rows.extend(matching)
            return
        for one in matching:
            if one.uri not in self._handed_out:
                self.sink(one)

    def anew(self, plan: Plan, usage: Usage, held: Iterable[Record]) -> Intake:
        """For a reader that begins again by another plan. The sink is not handed again what it has: all but ``held``."""
        given = self._handed_out
        if self.sink is not None and self.settled_any:  # nothing before the first record is, however many came
            given = given | (self.seen - {one.uri for one in held})
        return Intake(Matching(plan), self.sorter, usage, self.after, self.sink, _handed_out=given)
