"""What every way of reading shares. A reader reads one partition of one account, in order, until enough is known, or all.

It asks for pages (``pager``, by its ``plan``), takes in what comes (``taken``), and keeps how far it got (``extent``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from lead_mcp.engine.limits import account_late
from lead_mcp.engine.notes import DeadlinePassed, UnreadableTimes
from lead_mcp.engine.plan import Plan
from lead_mcp.engine.readers.extent import Extent
from lead_mcp.engine.readers.intake import Intake
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.engine.records import Record
from lead_mcp.errors import LeadMcpError, Rejected
from lead_mcp.vendors.spec.http import Raw


class OutOfOrder(Exception):
    """The vendor's rows did not come in the order it was asked for."""


class TooDeep(Exception):
    """The vendor gives no page that far down this call."""


class Refused(Exception):
    """The vendor refused a question before it gave anything: perhaps for a filter that could be checked here."""


@dataclass
class Reader:
    """One reading, by whichever way a subclass reads. ``need``: settled matches wanted (None: all)."""

    along_absent: ClassVar[bool] = False
    """Whether this way reads along a field that may be absent, which no other one does."""
    pager: Pager
    plan: Plan
    record: Callable[[Raw], Record]
    """Makes a record of a row. Raises MalformedReply where it has no id: nobody could ask for it again."""
    taken: Intake
    need: int | None = None
    extent: Extent = field(default_factory=Extent)

    async def run(self) -> None:
        """Read until enough, done, or stopped. A failure is kept, not raised: it is this reader's own."""
        if self.plan.bounds.empty:
            self.extent.done, self.extent.total = True, 0
            return
        try:
            self.pager.trusted = self.plan.trusted
            await self._read()
            if self.taken.unreadable:
                self.extent.note(UnreadableTimes(self.taken.unreadable, self.plan.along))
        except LeadMcpError as error:
            asked = self.plan.sent or self.plan.person
            if isinstance(error, Rejected) and asked and not self.taken.settled_any:
                raise Refused from error
            self.extent.error = error

    async def _read(self) -> None:
        raise NotImplementedError

    def cut_by_deadline(self, seconds: float) -> None:
        """Called where the answer's deadline ended the reading before it ended by itself."""
        self.extent.lacks = [DeadlinePassed(seconds)]
        if not self.taken.settled_any:
            self.extent.error = account_late(self.pager.account.name, seconds)

    def counted(self) -> int | None:
        """How many match in all: what was read where everything was, else the vendor's word less what we had to drop."""
        taken, extent = self.taken, self.extent
        if extent.whole and taken.after is None:
            return taken.kept
        return None if extent.total is None or taken.unreadable else max(0, extent.total - taken.dropped)

    def replaced_by(self, way: type[Reader], plan: Plan) -> Reader:
        """A reader that begins anew where this one could not go on, by a way or a plan that may be another.

        What this one cost still counts, and the sink is not handed again what it has.
        """
        pager = self.pager if plan.route is self.plan.route else self.pager.anew()
        return way(pager, plan, self.record, self.taken.anew(plan, pager.usage, self._held()), self.need)

    # --- for the ways of reading --------------------------------------------------------------------------------------

    def _held(self) -> Iterable[Record]:
        """Records that came and are not settled yet."""
        return ()

    def _enough(self) -> bool:
        return self.need is not None and len(self.taken.rows) >= self.need

    async def _spent(self) -> bool:
        """Whether no more may be read."""
        if await self.pager.usage.may_go_on():
            return False
        self.extent.note(self.pager.usage.limit)
        return True

    def _known_total(self, total: int | None) -> None:
        """The vendor's total is the answer's where nothing was left to us but bounds whose own moment we saw and dropped."""
        if total is None or self.taken.after is not None or self.extent.total is not None:
            return
        if self.plan.counts_what_is_read:
            self.extent.total = total

    @property
    def _wanted(self) -> int | None:
        """How many records are wanted at least; None: every one, perhaps, as something is checked here."""
        return None if self.plan.searches_here else self.need
