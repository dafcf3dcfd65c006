"""What every way of reading shares. A reader reads one partition of one account, in order, until enough is known, or all.

A reader hands out only *settled* records: those before which no unread record can stand. Records that tie on the leading
key are settled together, for their order among each other is ours (the next keys, then the URI). ``watermark`` is the last
settled value of the leading key; everything up to and including it has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lead_mcp.dates import SECOND, TICK
from lead_mcp.engine.plan import TEXT_FIELDS, Bounds, Plan, text_matches
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.engine.records import Position, Record, Sorter
from lead_mcp.errors import LeadMcpError, Rejected, TimedOut
from lead_mcp.filters import Value, matches
from lead_mcp.vendors.spec.http import Raw


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
    answer's. ``done``: nothing unread is left. ``why``: why reading stopped early.
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
            return bounds.lower is None and bounds.upper == self.plan.criteria.frozen
        return isinstance(moment, datetime) and bounds.holds(moment)

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

    def _settle(self, group: Sequence[Record]) -> None:
        """Take in records whose place is final."""
        for one in group:
            fresh = self.sorter.is_after(one, self.after)
            self.watermark, self.settled_any = one.get(self.sorter.orders[0].field), self.settled_any or fresh
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
        if self.pager.usage.left > 0 or not self.settled_any:
            return False
        self.why = f"stopped at the scan limit of {self.pager.usage.share:,} records"
        return True

    def _known_total(self, total: int | None) -> None:
        """The vendor's total is the answer's where nothing was left to us but bounds whose own moment we saw and dropped."""
        if self.after is None and self.total is None and total is not None and self.plan.counts_what_is_read:
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
            name = self.pager.account.name
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
