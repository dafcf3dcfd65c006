"""A plan as values: what one account is asked, which call answers it, which clauses it is sent, which are checked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lead_mcp.dates import SECOND, rounded_down
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons.person_question import PersonQuestion
from lead_mcp.filters import Clause, Op, Order, Where
from lead_mcp.vendors.spec.fields import Field
from lead_mcp.vendors.spec.reading import Push, Route

Trusted = Sequence[tuple[Where, Field]]
"""Clauses that are sent and not checked here, each with its field."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What one account (or one partition of it) is asked: typed clauses, its text search, and the order of reading."""

    clauses: tuple[Where, ...] = ()
    text: str | None = None
    orders: tuple[Order, ...] = ()
    frozen: datetime | None = None
    """Records created at or after this moment are not part of the answer; asked of the vendor, not named in the ledger."""
    refused: frozenset[tuple[str, Op]] = frozenset()
    """Fields and operators that the account's vendor has been seen to refuse."""

    @property
    def descending(self) -> bool:
        return bool(self.orders and self.orders[0].descending)


@dataclass(frozen=True)
class Plan:
    """One route and the split. ``checked`` clauses are tested here; ``bounds`` hold for ``along``, the reading's field."""

    route: Route
    criteria: Criteria
    along: str
    bounds: Bounds
    sent: tuple[Where, ...]
    checked: tuple[Where, ...]
    room: int
    """How many bound clauses the route still has room for beside ``sent``."""
    lower_push: Push | None
    upper_push: Push | None
    text_here: str | None = None
    pushed: tuple[Clause, ...] = ()
    checked_here: tuple[Clause, ...] = ()
    """The clauses as the ledger lists them: one sent to narrow and checked again stands in both."""
    notes: tuple[Note, ...] = ()
    exact: Trusted = ()
    """Clauses that the route is documented to answer just as they are meant."""
    person: PersonQuestion | None = None
    """Whom the vendor's own searches are asked for, in place of the route's listing."""
    present: Where | None = None
    """What leaves out records without a value of the leading order, beside ``sent``."""
    filtered: bool = False
    """Whether those are left out by what is asked, ``present`` or another clause."""
    wants_absent: bool = True
    """Whether they can match at all."""

    @property
    def descending(self) -> bool:
        return self.criteria.descending

    @property
    def searches_here(self) -> bool:
        """Whether many records may have to be read for a match: something is checked here."""
        return bool(self.checked) or self.text_here is not None

    @property
    def trusted(self) -> Trusted:
        """Those of ``exact`` for which the vendor's word is taken."""
        return [(where, known) for where, known in self.exact if where in self.sent and where not in self.checked]

    @property
    def counts_exactly(self) -> bool:
        """Whether the vendor counts just what was asked: its total needs no reading.

        Nothing is checked here, and neither bound lets too much in. The answer's own frozen moment lets in what arrived
        since, which is no wrong count of the question.
        """
        upper, frozen = self.bounds.upper, self.criteria.frozen
        exact = upper is None or self.upper_push is Push.EXACT or (upper == frozen and self.upper_push is not None)
        return self._all_sent and exact and self.route.page > 0

    @property
    def counts_what_is_read(self) -> bool:
        """Whether the vendor's total is the answer's, less what the reading sees and drops.

        Newest first, whatever the upper bound lets in too much comes first, and is seen.
        """
        upper = self.bounds.upper is None or self.upper_push is Push.EXACT
        return self._all_sent and (self.descending or upper)

    @property
    def _all_sent(self) -> bool:
        """Whether nothing is checked here and the lower bound is exact, but perhaps for its own moment.

        Then that is a whole second: vendors that are asked at the edge are asked in seconds, rounded outwards.
        """
        low = self.bounds.lower
        at_edge = self.lower_push is Push.EDGE and low is not None and low == rounded_down(low, SECOND)
        lower = low is None or self.lower_push is Push.EXACT or at_edge
        return not self.searches_here and lower


def bound_clauses(plan: Plan, bounds: Bounds) -> tuple[Where, ...]:
    """The bounds as clauses to send: those the route takes, the leading side first, as many as it has room for."""
    upper = Where(plan.along, Op.LT, bounds.upper) if bounds.upper else None
    lower = Where(plan.along, Op.GTE, bounds.lower) if bounds.lower else None
    ordered = (upper, lower) if plan.descending else (lower, upper)
    pushes = {Op.LT: plan.upper_push, Op.GTE: plan.lower_push}
    return tuple(where for where in ordered if where is not None and pushes[where.op])[: plan.room]
