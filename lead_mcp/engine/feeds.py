"""Feeds: one partition of one account, read in order until enough matching records are known, or all, or a limit.

Three ways of reading, one for each kind of call. ``Ordered``: the vendor sorts; pages follow each other (side by side where
a total is known) and the order is verified as they come. ``Sliced``: the vendor cannot sort but filters by time; slices of
time are read whole, nearest first. ``Whole``: everything is read, then sorted here.

A feed hands out only *settled* records: those before which no unread record can stand. Records that tie on the leading key
are settled together, for their order among each other is ours (the next keys, then the URI). ``frontier`` is the last
settled value of the leading key; everything up to and including it has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import anyio

from lead_mcp.engine.planner import TEXT_FIELDS, TICK, Bounds, Plan, bound_clauses, matches, text_matches
from lead_mcp.engine.reader import SIDE_BY_SIDE, Reader
from lead_mcp.engine.records import Position, Record, Sorter, rank
from lead_mcp.errors import LeadMcpError, Rejected, TimedOut
from lead_mcp.query import Value
from lead_mcp.vendors.base import Ask, Page, Raw

FIRST_SLICE: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)
DAWN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing these vendors hold is older; where no lower bound is given, slices end here and one last slice has none."""


class OutOfOrder(Exception):
    """The vendor's rows did not come in the order it was asked for."""


class TooDeep(Exception):
    """The vendor gives no page that far down this call."""


class Refused(Exception):
    """The vendor refused a question before it gave anything: perhaps for a filter that could be checked here."""


@dataclass
class Feed:
    """What every way of reading shares: what was found, how far it got, and why it stopped.

    ``need``: settled matches wanted (None: all). ``total``: matches at the vendor, where it says so and its word is the
    answer's. ``done``: nothing unread is left. ``why``: why reading stopped early.
    """

    reader: Reader
    plan: Plan
    sorter: Sorter
    record: Any  # Callable[[Raw], Record | None]: identifies a row
    after: Position | None = None
    need: int | None = None
    rows: list[Record] = field(default_factory=list)
    sink: Callable[[Record], None] | None = None
    """Where matches go instead of ``rows``: a summary keeps no records."""
    kept: int = 0
    total: int | None = None
    done: bool = False
    frontier: Value = None
    settled_any: bool = False
    why: str = ""
    error: LeadMcpError | None = None
    _seen: set[str] = field(default_factory=set)
    _dropped: int = 0

    # --- what a row must pass ---

    def _records(self, rows: Sequence[Raw]) -> list[Record]:
        """The rows as records, each once; a row without an id is a record that nobody could ask for again."""
        found = [self.record(row) for row in rows]
        fresh = [one for one in found if one.uri not in self._seen]
        self._seen.update(one.uri for one in fresh)
        return list({one.uri: one for one in fresh}.values())

    def _matches(self, one: Record) -> bool:
        return self._in_bounds(one) and self._passes(one)

    def _in_bounds(self, one: Record) -> bool:
        bounds = self.plan.bounds
        if bounds == Bounds():
            return True
        moment = one.get(self.plan.along)
        if moment is None:  # a range clause leaves empties out; our own frozen moment alone does not
            return bounds.lower is None and bounds.upper == self.plan.query.frozen
        return isinstance(moment, datetime) and bounds.holds(moment)

    def _passes(self, one: Record) -> bool:
        frozen = self.plan.query.frozen
        created = one.get("created_at") if frozen and self.plan.along != "created_at" else None
        if isinstance(created, datetime) and frozen is not None and created >= frozen:
            return False
        if self.plan.text_here is not None:
            values = [one.get(name) for name in TEXT_FIELDS]
            if not text_matches(self.plan.text_here, values):
                return False
        return all(matches(where, one.get(where.field)) for where in self.plan.checked)

    # --- settling ---

    def _settle(self, group: Sequence[Record]) -> None:
        """Take in records whose place is final."""
        for one in group:
            fresh = self.sorter.is_after(one, self.after)
            self.frontier, self.settled_any = one.get(self.sorter.orders[0].field), self.settled_any or fresh
            if not self._matches(one):
                self._dropped += 1
            elif fresh:
                self._keep(one)

    def _keep(self, one: Record) -> None:
        self.kept += 1
        if self.sink is None:
            self.rows.append(one)
        else:
            self.sink(one)

    def _enough(self) -> bool:
        return self.need is not None and len(self.rows) >= self.need

    def _spent(self) -> bool:
        """Whether the share is used up. A feed that has settled nothing new yet goes on: an answer must get somewhere."""
        if self.reader.tally.left > 0 or not self.settled_any:
            return False
        self.why = f"stopped at the scan limit of {self.reader.tally.share:,} records"
        return True

    def _known_total(self, total: int | None) -> None:
        """The vendor's total is the answer's where nothing was left to us but bounds whose own moment we saw and dropped."""
        if self.after is None and self.total is None and total is not None and self.plan.whole_here:
            self.total = total

    def counted(self) -> int | None:
        """How many match in all: what was read where everything was, else the vendor's word less what we had to drop."""
        if self.done and self.after is None and not self.error:
            return self.kept
        return None if self.total is None else max(0, self.total - self._dropped)

    # --- reading ---

    async def run(self) -> None:
        """Read until enough, done, or stopped. A failure is kept, not raised: it is this feed's own."""
        if self.plan.bounds.empty:
            self.done, self.total = True, 0
            return
        try:
            await self._read()
        except LeadMcpError as error:
            if isinstance(error, Rejected) and self.plan.sent and not self.settled_any:
                raise Refused from error
            self.fail(error)
        self.rows.sort(key=self.sorter.key)

    def fail(self, error: LeadMcpError) -> None:
        """Keep why the reading failed; what was settled before stays."""
        self.error, self.why = error, error.message

    async def _read(self) -> None:
        raise NotImplementedError

    def cut_by_deadline(self, seconds: float) -> None:
        """Called where the answer's deadline ended the reading before it ended by itself."""
        self.why = f"stopped at the deadline of {seconds:g} s"
        if not self.settled_any:
            name = self.reader.account.name
            self.error = TimedOut(f"{name} did not answer within {seconds:g} s (LEAD_MCP_DEADLINE).", account=name)
        self.rows.sort(key=self.sorter.key)

    def _resumed(self) -> Bounds:
        """The bounds from where the last page ended: what lies before it is not read again.

        A time shown in whole seconds may be kept finer (and compared as kept): the whole of that second is read again.
        """
        bounds, after = self.plan.bounds, self.after
        if after is None or not isinstance(after.values[0], datetime) or self.sorter.orders[0].field != self.plan.along:
            return bounds
        moment, whole = after.values[0], after.uri is None
        if self.plan.descending:
            upper = moment if whole else moment + (TICK if moment.microsecond else SECOND)
            return replace(bounds, upper=upper if bounds.upper is None else min(bounds.upper, upper))
        lower = moment + TICK if whole else moment
        return replace(bounds, lower=lower if bounds.lower is None else max(bounds.lower, lower))


@dataclass
class Ordered(Feed):
    """Pages in the vendor's own order."""

    _open: list[Record] = field(default_factory=list)
    """Records that tie with the last one read: more of them may follow."""
    _absent: list[Record] = field(default_factory=list)
    _last: tuple[Any, ...] | None = None
    _in_order: bool = True

    async def _read(self) -> None:
        bounds = self._resumed()
        size, offset = self._page_size(), 0
        while True:
            pages = await self._pages(bounds, offset, size)
            for page in pages:
                self._take(page.rows)
                self._known_total(page.total)
            offset += sum(len(page.rows) for page in pages)
            if self._ended(pages[-1], offset, size):
                return self._finish()
            if self._enough() or self._spent():
                return None
            if offset >= self.plan.route.deep:
                raise TooDeep
            size = self._fitting(size, pages)
            offset -= offset % size  # a few rows come again; they are known
            self._estimate(pages[-1], offset)

    _left: int | None = None

    def _page_size(self) -> int:
        most = min(self.plan.route.page, self.reader.page_cap, max(1, self.reader.tally.share))
        narrow = self.need is not None and not self.plan.checked and self.plan.text_here is None
        return min(most, self.need + 1) if narrow and self.need is not None else most

    def _estimate(self, page: Page, offset: int) -> None:
        self._left = None if page.total is None else max(0, page.total - offset)

    def _fitting(self, size: int, pages: Sequence[Page]) -> int:
        """The next page size: smaller where the vendor gives fewer rows than asked, for page numbers count whole pages."""
        shortest = min(len(page.rows) for page in pages)
        return min(size, self.reader.page_cap, max(1, shortest))

    async def _pages(self, bounds: Bounds, offset: int, size: int) -> list[Page]:
        """The next page, or several side by side where the vendor said how many records are left."""
        count = 1
        if self._left is not None:
            ahead = -(-min(self._left, max(size, self.reader.tally.left)) // size)
            count = max(1, min(SIDE_BY_SIDE, ahead, self._wanted(size)))
        asks = [self._ask(bounds, offset + nth * size, size) for nth in range(count)]
        pages: list[Page | None] = [None] * count

        async def one(nth: int) -> None:
            pages[nth] = await self.reader.page(self.plan.route, asks[nth])

        if count == 1:
            await one(0)
        else:
            await together([lambda nth=nth: one(nth) for nth in range(count)])
        return whole_prefix([page for page in pages if page is not None], size)

    def _wanted(self, size: int) -> int:
        """How many pages are worth asking at once: as many as the matches so far suggest."""
        if self.need is None:
            return SIDE_BY_SIDE
        short = self.need - len(self.rows)
        rate = max(len(self.rows), 1) / max(self.reader.tally.scanned, 1)
        return max(1, -(-int(short / rate) // size))

    def _ask(self, bounds: Bounds, offset: int, size: int) -> Ask:
        order = replace(self.sorter.orders[0], field=self.plan.along)
        where = (*self.plan.sent, *bound_clauses(self.plan, bounds))
        text = self.plan.query.text if self.plan.text_here is None else None
        return Ask(where=where, text=text, order=order, offset=offset, limit=size)

    def _take(self, rows: Sequence[Raw]) -> None:
        """Verify the order and settle every record that stands before the last one's ties. Raises OutOfOrder."""
        if self.sink is not None:
            return self._take_at_once(rows)
        for one in self._records(rows):
            value = one.get(self.plan.along)
            if value is None:
                self._absent.append(one)
                continue
            place = rank(value, self.plan.descending)
            if self._last is not None and place < self._last:
                raise OutOfOrder
            if place != self._last:
                self._settle(self._open)
                self._open = []
            self._last = place
            self._open.append(one)

    def _take_at_once(self, rows: Sequence[Raw]) -> None:
        """For a summary order means nothing but this: once it fails, no bound can end the reading early."""
        for one in self._records(rows):
            value = one.get(self.plan.along)
            place = rank(value, self.plan.descending)
            self._in_order = self._in_order and (self._last is None or place >= self._last)
            self._last = place
            self._open = [one] if value is not None and self._in_order else []
            self._settle([one])

    def _ended(self, page: Page, offset: int, size: int) -> bool:
        if self._past_bounds():
            return True
        if not page.rows:
            if page.total is not None and page.total > offset:
                self.why = f"the vendor counts {page.total:,} but gave {offset:,}"
            return True
        if page.more is not None:
            return not page.more
        return offset >= page.total if page.total is not None else len(page.rows) < size

    def _past_bounds(self) -> bool:
        """Whether the reading has passed the far bound: nothing that follows can match."""
        value = self._open[-1].get(self.plan.along) if self._open else None
        bounds = self.plan.bounds
        if not isinstance(value, datetime):
            return False
        if self.plan.descending:
            return bounds.lower is not None and value < bounds.lower
        return bounds.upper is not None and value >= bounds.upper

    def _finish(self) -> None:
        self._settle([] if self.sink else self._open)
        self._settle(self._absent)
        self._open, self._absent = [], []
        self.done = True


@dataclass
class Sliced(Feed):
    """Slices of time, nearest first, each read whole; their width follows what the last one held."""

    async def _read(self) -> None:
        bounds = self._resumed()
        cap = self._cap()
        first = await self._slice(bounds, cap)
        self._known_total(first.total)
        if await self._complete(first, bounds, cap):
            return
        left, width = first.total, FIRST_SLICE
        cap = self._learnt(cap, first, _held(first, cap))
        while not self._enough():
            part, rest = self._cut(bounds, width)
            page = await self._slice(part, cap)
            held = _held(page, cap)
            cap = self._learnt(cap, page, held)
            if held > len(page.rows) and width > SECOND:
                width = max(SECOND, width * min(0.5, 0.7 * cap / held))
                continue
            rows = page.rows if held <= len(page.rows) else await self._rest(page, part, cap)
            fresh = self._take(rows, part)
            left = None if left is None else left - fresh
            if rest is None or left == 0:
                self.done = True
                return
            if rows and self._spent():  # a slice that holds nothing costs nothing, and gets nowhere
                return
            bounds, width = rest, width * self._growth(len(rows), cap)

    async def _complete(self, page: Page, bounds: Bounds, cap: int) -> bool:
        """Whether one request held everything there is."""
        if _held(page, cap) > len(page.rows):
            return False
        self._take(page.rows, bounds)
        self.done = True
        return True

    def _cap(self) -> int:
        """Rows a request asks for: a page's worth where we must search, little more than needed where we need not."""
        most = min(self.plan.route.page, self.reader.page_cap, max(1, self.reader.tally.share))
        searching = self.need is None or bool(self.plan.checked) or self.plan.text_here is not None
        return most if searching else min(most, max(100, 2 * (self.need or 0)))

    def _learnt(self, cap: int, page: Page, held: int) -> int:
        """The rows a request is to ask for from now on: no more than the vendor gives where it holds more."""
        given = len(page.rows) if page.rows and held > len(page.rows) else cap
        return min(cap, given, self.reader.page_cap)

    def _growth(self, held: int, cap: int) -> float:
        return 8.0 if held == 0 else min(8.0, max(0.1, 0.7 * cap / held))

    def _cut(self, bounds: Bounds, width: timedelta) -> tuple[Bounds, Bounds | None]:
        """The nearest slice of that width and what remains behind it."""
        if not self.plan.descending:
            edge = (bounds.lower or DAWN) + width
            if bounds.upper is not None and edge >= bounds.upper:
                return bounds, None
            return replace(bounds, upper=edge), replace(bounds, lower=edge)
        upper = bounds.upper or self.reader.now + timedelta(days=1)
        floor = bounds.lower or DAWN
        edge = upper - min(width, upper - DAWN)
        if edge <= floor:
            return (bounds, None)
        return replace(bounds, lower=edge), replace(bounds, upper=edge)

    async def _slice(self, bounds: Bounds, limit: int, offset: int = 0) -> Page:
        where = (*self.plan.sent, *bound_clauses(self.plan, bounds))
        text = self.plan.query.text if self.plan.text_here is None else None
        return await self.reader.page(self.plan.route, Ask(where=where, text=text, offset=offset, limit=limit))

    async def _rest(self, first: Page, bounds: Bounds, cap: int) -> list[Raw]:
        """Every row of a slice too narrow to cut: its further pages by offset."""
        rows, page = list(first.rows), first
        while len(rows) < (first.total or 0) or (first.total is None and _held(page, cap) > len(page.rows)):
            page = await self._slice(bounds, cap, len(rows))
            if not page.rows and first.total is not None:
                self.why = f"the vendor counts {first.total:,} in a second but gave {len(rows):,}"
                break
            rows.extend(page.rows)
        return rows

    def _take(self, rows: Sequence[Raw], part: Bounds) -> int:
        """Settle a whole slice: its own records only, since a bound may have been rounded outwards. How many were new."""
        fresh = [one for one in (self.record(row) for row in rows) if one.uri not in self._seen]
        inside = [one for one in fresh if self._belongs(one, part)]
        self._seen.update(one.uri for one in inside)
        unique = {one.uri: one for one in inside}
        beyond = [one for one in fresh if one not in inside and self._is_beyond(one)]
        self._seen.update(one.uri for one in beyond)
        self._dropped += len(beyond)
        self._settle(sorted(unique.values(), key=self.sorter.key))
        edge = part.lower if self.plan.descending else part.upper
        if edge is not None and self.sorter.orders[0].field == self.plan.along:
            self.frontier, self.settled_any = (edge if self.plan.descending else edge - TICK), True
        return len(unique) + len(beyond)

    def _is_beyond(self, one: Record) -> bool:
        """Whether the vendor counted a record that lies past the upper bound, where that was rounded outwards."""
        moment, upper = one.get(self.plan.along), self.plan.bounds.upper
        return isinstance(moment, datetime) and upper is not None and moment >= upper

    def _belongs(self, one: Record, part: Bounds) -> bool:
        moment = one.get(self.plan.along)
        return part.holds(moment) if isinstance(moment, datetime) else True


@dataclass
class Whole(Feed):
    """Everything the call gives, then sorted here: for calls that neither sort nor page, and for orders nobody offers."""

    async def _read(self) -> None:
        route = self.plan.route
        size = min(route.page or self.reader.tally.share, self.reader.page_cap, max(1, self.reader.tally.share))
        offset, found = 0, list[Record]()
        while True:
            page = await self.reader.page(route, self._ask(offset, size))
            found += self._records(page.rows)
            offset += len(page.rows)
            if not route.page or self._ended(page, offset, size):
                self.done = True
                break
            if self.reader.tally.left <= 0:
                self.why = f"stopped at the scan limit of {self.reader.tally.share:,} records, in no known order"
                self.done = True  # there is no place to go on from
                break
        self._settle(sorted(found, key=self.sorter.key))

    def _ask(self, offset: int, size: int) -> Ask:
        where = (*self.plan.sent, *bound_clauses(self.plan, self.plan.bounds))
        text = self.plan.query.text if self.plan.text_here is None else None
        return Ask(where=where, text=text, offset=offset, limit=size)

    def _ended(self, page: Page, offset: int, size: int) -> bool:
        if not page.rows or page.more is False:
            return True
        return offset >= page.total if page.total is not None else len(page.rows) < size


def _held(page: Page, cap: int) -> int:
    """How many records a slice holds; a full page, or one that says so, of a vendor that tells no total holds one more."""
    if page.total is not None:
        return page.total
    return len(page.rows) + (len(page.rows) >= cap or bool(page.rows and page.more))


async def together(jobs: Sequence[Any]) -> None:
    """Run coroutine functions side by side; the first error is raised as itself, not in a group."""
    errors: list[BaseException] = []

    async def guarded(job: Any, scope: anyio.CancelScope) -> None:
        try:
            await job()
        except Exception as error:  # noqa: BLE001 - raised again below, alone
            errors.append(error)
            scope.cancel()

    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(guarded, job, group.cancel_scope)
    if errors:
        raise errors[0]


def whole_prefix(pages: Sequence[Page], size: int) -> list[Page]:
    """The pages up to and including the first short one: behind it, offsets no longer say where a page begins."""
    for nth, page in enumerate(pages):
        if len(page.rows) < size:
            return list(pages[: nth + 1])
    return list(pages)
