"""What every way of reading shares. A reader reads one partition of one account, in order, until enough is known, or all.

A reader hands out only *settled* records: those before which no unread record can stand. Records that tie on the leading
key are settled together, for their order among each other is ours (the next keys, then the URI). ``watermark`` is the last
settled value of the leading key; everything up to and including it has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from lead_mcp.dates import SECOND, TICK
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.limits import account_late
from lead_mcp.engine.notes import DeadlinePassed, FewerThanCounted, Note, UnreadableTimes
from lead_mcp.engine.pace import Pace, aside
from lead_mcp.engine.plan import Plan, bound_clauses
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.engine.records import Position, Record, Sorter
from lead_mcp.engine.text import TEXT_FIELDS, text_matches
from lead_mcp.errors import LeadMcpError, Rejected
from lead_mcp.filters import Order, Value, matches
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import PageRequest

UNBOUNDED: Final = Bounds()
STRETCH: Final = 100
"""Records that are looked at between two turns of the event loop."""


class OutOfOrder(Exception):
    """The vendor's rows did not come in the order it was asked for."""


class TooDeep(Exception):
    """The vendor gives no page that far down this call."""


class Refused(Exception):
    """The vendor refused a question before it gave anything: perhaps for a filter that could be checked here."""


@dataclass
class Reader:
    """What every way of reading shares: what was found, how far it got, and why it stopped.

    ``need``: settled matches wanted (None: all). ``total``: matches at the vendor, where it says so and its word is the
    answer's. ``done``: nothing unread is left, or nothing that could be gone on with. ``why``: what was not read, and why.
    """

    pager: Pager
    plan: Plan
    sorter: Sorter
    record: Callable[[Raw], Record]
    """Makes a record of a row. Raises MalformedReply where it has no id."""

    after: Position | None = None
    need: int | None = None
    rows: list[Record] = field(default_factory=list)
    sink: Callable[[Record], None] | None = None
    """Where matches go instead of ``rows``: a summary keeps no records."""
    kept: int = 0
    total: int | None = None
    done: bool = False
    watermark: Value = None
    settled_any: bool = False
    why: list[Note] = field(default_factory=list)
    error: LeadMcpError | None = None
    _seen: set[str] = field(default_factory=set)
    _dropped: int = 0
    _unread: int = 0
    """Records left out because their time could not be read."""
    _handed_out: set[str] = field(default_factory=set)
    """What earlier readers of the same partition gave the sink."""
    _pace: Pace = field(default_factory=Pace)

    # --- what a row must pass ---

    async def _fresh(self, rows: Iterable[Raw]) -> list[Record]:
        """The rows as records, each once; a row without an id is a record that nobody could ask for again."""
        fresh: list[Record] = []
        for row in rows:
            one = self.record(row)
            if one.uri not in self._seen:
                self._seen.add(one.uri)
                fresh.append(one)
            await self._pace.step()
        return fresh

    def _matches(self, one: Record) -> bool:
        return self._in_bounds(one) and self._passes(one)

    def _in_bounds(self, one: Record) -> bool:
        bounds = self.plan.bounds
        if bounds == UNBOUNDED:
            return True
        moment = one.get(self.plan.along)
        if moment is None:  # a range clause leaves empties out; our own frozen moment alone does not
            return bounds.lower is None and bounds.upper == self.plan.criteria.frozen
        return isinstance(moment, datetime) and bounds.holds(moment)

    def _is_unread(self, one: Record) -> bool:
        """Whether a record is left out for a time that is there and cannot be read: nobody can say that it lies outside."""
        known = one.reads(self.plan.along) if one.get(self.plan.along) is None else None
        return known is not None and self.plan.bounds != UNBOUNDED and known.is_unreadable(one.raw)

    def _passes(self, one: Record) -> bool:
        frozen = self.plan.criteria.frozen
        created = one.get("created_at") if frozen and self.plan.along != "created_at" else None
        if isinstance(created, datetime) and frozen is not None and created >= frozen:
            return False
        if self.plan.text_here is not None:
            values = [one.get(name) for name in TEXT_FIELDS]
            if not text_matches(self.plan.text_here, values):
                return False
        return all(matches(where, one.get(where.field)) for where in self.plan.checked)

    # --- settling ---

    async def _settle(self, group: Iterable[Record]) -> None:
        """Take in records whose place is final."""
        for one in group:
            fresh = self.sorter.is_after(one, self.after)
            self.watermark, self.settled_any = one.get(self.sorter.orders[0].field), self.settled_any or fresh
            self.pager.usage.skipped += not fresh
            if not self._matches(one):
                self._dropped += 1
                self._unread += self._is_unread(one)
            elif fresh:
                self._keep([one])
            await self._pace.step()

    async def _settle_run(self, run: Sequence[Record]) -> None:
        """The same for records that stand in the order of reading and have a time each: looked at together."""
        known = 0 if self.after is None else self.sorter.count_until(run, self.after)
        self.pager.usage.skipped += known
        self._dropped += known - len(await self._matching(run[:known]))
        for at in range(known, len(run), STRETCH):
            stretch = run[at : at + STRETCH]
            matching = await self._matching(stretch)
            self._dropped += len(stretch) - len(matching)
            self._keep(matching)
            await self._pace.step()
        if run:
            self.watermark, self.settled_any = run[-1].get(self.plan.along), self.settled_any or known < len(run)

    async def _matching(self, run: Sequence[Record]) -> Sequence[Record]:
        """Those of a run that match: where its ends lie within the bounds, all of it does."""
        if run and not (self._in_bounds(run[0]) and self._in_bounds(run[-1])):
            run = [one for one in run if self._in_bounds(one)]
        frozen = self.plan.criteria.frozen and self.plan.along != "created_at"
        if not (frozen or self._searching):
            return run
        matching = []
        for one in run:
            if self._passes(one):
                matching.append(one)
            await self._pace.step()  # a record may hold very much text
        return matching

    def _keep(self, matching: Sequence[Record]) -> None:
        self.kept += len(matching)
        if self.sink is None:
            self.rows.extend(matching)
            return
        for one in matching:
            if one.uri not in self._handed_out:
                self.sink(one)

    def _held(self) -> Iterable[Record]:
        """Records that came and are not settled yet."""
        return ()

    def replaced_by(self, way: type[Reader], plan: Plan) -> Reader:
        """A reader that begins anew where this one could not go on, by a way or a plan that may be another.

        What this one cost still counts, and the sink is not handed again what it has.
        """
        other = way(
            pager=self.pager if plan.route is self.plan.route else self.pager.anew(),
            plan=plan,
            sorter=self.sorter,
            record=self.record,
            after=self.after,
            need=self.need,
            sink=self.sink,
        )
        other._handed_out = self._handed_out if self.sink is None else self._handed_out | self._settled()
        return other

    def _settled(self) -> set[str]:
        """What came and is settled: nothing before the first record is, however many came."""
        return self._seen - {one.uri for one in self._held()} if self.settled_any else set()

    async def _in_order(self, records: Iterable[Record]) -> list[Record]:
        """The records sorted here."""
        found = list(records)
        return await aside(lambda: sorted(found, key=self.sorter.key), len(found))

    def _enough(self) -> bool:
        return self.need is not None and len(self.rows) >= self.need

    async def _spent(self) -> bool:
        """Whether no more may be read."""
        if await self.pager.usage.may_go_on():
            return False
        self._note(self.pager.usage.limit)
        return True

    def _note(self, why: Note) -> None:
        """Keep what is not read, beside what was known of it before."""
        if why not in self.why:
            self.why.append(why)

    def _lacks(self, counted: int, distinct: int) -> None:
        """Say that fewer records came than the vendor counts. Which of the two is right nobody knows, so no total is."""
        self._note(FewerThanCounted(counted, distinct, in_a_second=False))
        self.total = None

    def _known_total(self, total: int | None) -> None:
        """The vendor's total is the answer's where nothing was left to us but bounds whose own moment we saw and dropped."""
        if self.after is None and self.total is None and total is not None and self.plan.counts_what_is_read:
            self.total = total

    def counted(self) -> int | None:
        """How many match in all: what was read where everything was, else the vendor's word less what we had to drop."""
        if self.done and not self.why and self.after is None and not self.error:
            return self.kept
        return None if self.total is None or self._unread else max(0, self.total - self._dropped)

    # --- reading ---

    async def run(self) -> None:
        """Read until enough, done, or stopped. A failure is kept, not raised: it is this reader's own."""
        if self.plan.bounds.empty:
            self.done, self.total = True, 0
            return
        try:
            await self._read()
            if self._unread:
                self._note(UnreadableTimes(self._unread, self.plan.along))
        except LeadMcpError as error:
            asked = self.plan.sent or self.plan.person
            if isinstance(error, Rejected) and asked and not self.settled_any:
                raise Refused from error
            self.fail(error)

    def fail(self, error: LeadMcpError) -> None:
        """Keep why the reading failed; what was settled before stays."""
        self.error = error

    async def _read(self) -> None:
        raise NotImplementedError

    def cut_by_deadline(self, seconds: float) -> None:
        """Called where the answer's deadline ended the reading before it ended by itself."""
        self.why = [DeadlinePassed(seconds)]
        if not self.settled_any:
            name = self.pager.account.name
            self.error = account_late(name, seconds)

    def _request(self, bounds: Bounds, limit: int, order: Order | None = None) -> PageRequest:
        """The first page of what lies within the bounds."""
        where = (*self.plan.sent, *bound_clauses(self.plan, bounds))
        text = self.plan.criteria.text if self.plan.text_here is None else None
        return PageRequest(where=where, text=text, order=order, limit=limit)

    @property
    def _searching(self) -> bool:
        """Whether many records may have to be read for a match: something is checked here."""
        return bool(self.plan.checked) or self.plan.text_here is not None

    def _resumed(self) -> Bounds:
        """The bounds from where the last page ended: what lies before it is not read again."""
        after = self.after
        if after is None or self.sorter.orders[0].field != self.plan.along:
            return self.plan.bounds
        return self._behind(after.values[0], with_ties=after.uri is not None)

    def _behind(self, moment: Value, *, with_ties: bool) -> Bounds:
        """The bounds from a moment on, in the direction of reading; the plan's own where it is no moment.

        A time shown in whole seconds may be kept finer (and compared as kept): the whole of that second is read again.
        """
        bounds = self.plan.bounds
        if not isinstance(moment, datetime):
            return bounds
        if self.plan.descending:
            upper = moment + unit_of(moment) if with_ties else moment
            return replace(bounds, upper=upper if bounds.upper is None else min(bounds.upper, upper))
        lower = moment if with_ties else moment + TICK
        return replace(bounds, lower=lower if bounds.lower is None else max(bounds.lower, lower))


def unit_of(moment: datetime) -> timedelta:
    """How wide a moment is as shown: a tick, or a second where it has no fraction."""
    return TICK if moment.microsecond else SECOND
