"""Splitting a query: which call is asked, which clauses it is sent, which are checked here. Knows no vendor.

Clauses on the field that orders the reading (``created_at`` as a rule) become its bounds: the reading itself moves them
from page to page. Every other clause is the vendor's, ours, or both: sent to narrow and checked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from lead_mcp.filters import RANGE, Clause, Op, Order, TextSearch, Where, folded
from lead_mcp.vendors.spec.fields import FieldMap, Paths
from lead_mcp.vendors.spec.reading import Push, Route, Search

TICK: Final = timedelta(microseconds=1)
TEXT_FIELDS: Final = ("name", "email", "phone", "company")


@dataclass(frozen=True, slots=True)
class Bounds:
    """``lower`` <= t < ``upper``; either side may be open. Both carry the clauses they came from, as asked."""

    lower: datetime | None = None
    upper: datetime | None = None

    def narrowed(self, where: Where) -> Bounds:
        """These bounds and one more range clause."""
        if where.op in (Op.GTE, Op.GT):
            lower = where.value + (TICK if where.op is Op.GT else timedelta(0))
            return replace(self, lower=lower if self.lower is None else max(self.lower, lower))
        upper = where.value + (TICK if where.op is Op.LTE else timedelta(0))
        return replace(self, upper=upper if self.upper is None else min(self.upper, upper))

    @property
    def empty(self) -> bool:
        return self.lower is not None and self.upper is not None and self.lower >= self.upper

    def holds(self, moment: datetime) -> bool:
        return (self.lower is None or moment >= self.lower) and (self.upper is None or moment < self.upper)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What one account (or one partition of it) is asked: typed clauses, its text search, and the order of reading."""

    clauses: tuple[Where, ...] = ()
    text: str | None = None
    orders: tuple[Order, ...] = ()
    frozen: datetime | None = None
    """Records created at or after this moment are not part of the answer; asked of the vendor, not named in the ledger."""


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
    notes: tuple[str, ...] = field(default=())

    @property
    def descending(self) -> bool:
        return _descending(self.criteria)

    @property
    def whole_here(self) -> bool:
        """Whether the vendor's own total is the answer's, less what the reading sees and drops.

        Nothing else may be checked here. Newest first, whatever the upper bound lets in too much comes first, and is seen;
        what a lower bound lets in too much comes last, so that one must be exact (but perhaps for its own moment, and
        then a whole second: vendors that are asked at the edge are asked in seconds, rounded outwards).
        """
        low = self.bounds.lower
        lower = low is None or self.lower_push is Push.EXACT or (self.lower_push is Push.EDGE and not low.microsecond)
        upper = self.descending or self.upper_push is Push.EXACT
        return not self.checked and self.text_here is None and lower and upper


def plan(search: Search, fields: FieldMap, criteria: Criteria, without: frozenset[str] = frozenset()) -> Plan:
    """The plan for the first route that serves the query; the last one serves any. ``without``: routes passed over."""
    along = criteria.orders[0].field if criteria.orders else search.when
    for route in search.routes:
        found = None if route.name in without else _fit(route, search, fields, criteria, along)
        if found is not None:
            return found
    raise AssertionError("a vendor's last route serves any query")


def _fit(route: Route, search: Search, fields: FieldMap, criteria: Criteria, along: str) -> Plan | None:
    searchable = any(other.text for other in search.routes)
    if (criteria.text and searchable and not route.text) or (not criteria.text and route.most == 0):
        return None
    if not route.serves(criteria.clauses):
        return None
    moving = along if along in route.orders or along == route.slices else search.when
    ranges = [w for w in criteria.clauses if w.op in RANGE and place(w.field, fields) == place(moving, fields)]
    others = [w for w in criteria.clauses if w not in ranges]
    sent = _sendable(route, fields, others)
    if route.needs and not route.needs & {w.field for w in sent} and not (criteria.text and route.text):
        return None
    return _made(route, fields, criteria, moving, ranges, others, sent, when=search.when)


def place(name: str, fields: FieldMap) -> Paths:
    """Where a field stands at the vendor: two names of one place are one field, and one parameter of a request."""
    known = fields.ours.get(name) or fields.own.get(name)
    return known.paths if known is not None and known.paths else (name,)


def _sendable(route: Route, fields: FieldMap, clauses: Sequence[Where]) -> tuple[Where, ...]:
    """The clauses to send: those the route takes, one of each place and operator, most selective first, as many as fit."""
    taken: dict[tuple[Paths, Op], Where] = {}
    for where in clauses:
        if route.takes(where, fields) is not None:
            taken.setdefault((place(where.field, fields), where.op), where)
    return tuple(sorted(taken.values(), key=route.rank)[: route.most])


def _made(
    route: Route,
    fields: FieldMap,
    criteria: Criteria,
    moving: str,
    ranges: list[Where],
    others: list[Where],
    sent: tuple[Where, ...],
    *,
    when: str,
) -> Plan:
    bounds = Bounds()
    for where in ranges:
        bounds = bounds.narrowed(where)
    if criteria.frozen is not None and moving == when:
        bounds = bounds.narrowed(Where(when, Op.LT, criteria.frozen))
    elif criteria.frozen is not None:
        sent = _with_frozen(route, fields, sent, Where(when, Op.LT, criteria.frozen))
    checked = tuple(w for w in others if w not in sent or route.takes(w, fields) is not Push.EXACT)
    room = route.most - len(sent)
    lower_push = _bound_push(route, fields, Where(moving, Op.GTE, bounds.lower), room)
    upper_push = _bound_push(route, fields, Where(moving, Op.LT, bounds.upper), room)
    if room == 1 and bounds.lower is not None and bounds.upper is not None:  # the leading one alone is sent
        lower_push, upper_push = (None, upper_push) if _descending(criteria) else (lower_push, None)
    pushed_ranges, checked_ranges = _split_ranges(ranges, lower_push, upper_push)
    return Plan(
        route=route,
        criteria=criteria,
        along=moving,
        bounds=bounds,
        sent=sent,
        checked=checked,
        room=room,
        lower_push=lower_push,
        upper_push=upper_push,
        text_here=criteria.text if criteria.text and not route.text else None,
        pushed=_clauses([*[w for w in others if w in sent], *pushed_ranges], criteria.text if route.text else None),
        checked_here=_clauses([*checked, *checked_ranges], None if route.text else criteria.text),
        notes=_notes(route, fields, criteria, [w for w in others if w in sent]),
    )


def _with_frozen(route: Route, fields: FieldMap, sent: tuple[Where, ...], frozen: Where) -> tuple[Where, ...]:
    """The clauses and the answer's own moment, where the call has room for it beside a bound of the reading.

    It is checked here all the same, so a clause somebody asked of the same place goes first.
    """
    same = any(place(w.field, fields) == place(frozen.field, fields) and w.op is frozen.op for w in sent)
    fits = len(sent) + 1 < route.most and route.takes(frozen, fields) is not None
    return (*sent, frozen) if fits and not same else sent


def _descending(criteria: Criteria) -> bool:
    return bool(criteria.orders and criteria.orders[0].descending)


def _bound_push(route: Route, fields: FieldMap, bound: Where, room: int) -> Push | None:
    """How well the route answers a bound of the reading; an open side is no question."""
    if bound.value is None:
        return Push.EXACT
    return route.takes(bound, fields) if room else None


def _split_ranges(ranges: Sequence[Where], lower: Push | None, upper: Push | None) -> tuple[list[Where], list[Where]]:
    """The range clauses that are sent, and those checked here."""
    side = {w: lower if w.op in (Op.GTE, Op.GT) else upper for w in ranges}
    return [w for w in ranges if side[w]], [w for w in ranges if side[w] is not Push.EXACT]


def _clauses(clauses: Sequence[Where], text: str | None) -> tuple[Clause, ...]:
    """Each clause once, as it was asked, and the text search behind them."""
    once = {str(where): where for where in clauses}
    return (*once.values(), TextSearch(text)) if text else tuple(once.values())


def _notes(route: Route, fields: FieldMap, criteria: Criteria, sent: Sequence[Where]) -> tuple[str, ...]:
    named = []
    for where in sent:
        known = fields.ours.get(where.field) or fields.own.get(where.field)
        if known is not None and (known.vendor_text or known.filter_only):
            named.append(where.field)
    vendor = f"{', '.join(dict.fromkeys(named))}: compared by the vendor's own rules" if named else ""
    own = route.note or "the vendor's own search"
    search = f"text: {own}" if criteria.text and route.text else ""
    return tuple(note for note in (vendor, search) if note)


def unfiltered(found: Plan, fields: FieldMap) -> Plan | None:
    """The plan with nothing sent but the reading's bounds, every clause checked here; None where one cannot be.

    For a vendor that refuses a filter it was sent to narrow, such as one on a field that only another partition has.
    """
    sent = [w for w in found.criteria.clauses if w in found.sent]
    known = (fields.ours.get(w.field) or fields.own.get(w.field) for w in sent)
    if not sent or any(field is not None and field.filter_only for field in known):
        return None
    names = ", ".join(dict.fromkeys(where.field for where in sent))
    return replace(
        found,
        sent=(),
        checked=tuple(dict.fromkeys((*found.checked, *sent))),
        pushed=tuple(clause for clause in found.pushed if clause not in sent),
        checked_here=tuple(dict.fromkeys((*sent, *found.checked_here))),
        notes=(*found.notes, f"the vendor refused to filter by {names}: checked here"),
    )


def bound_clauses(plan: Plan, bounds: Bounds) -> tuple[Where, ...]:
    """The bounds as clauses to send: those the route takes, the leading side first, as many as it has room for."""
    upper = Where(plan.along, Op.LT, bounds.upper) if bounds.upper else None
    lower = Where(plan.along, Op.GTE, bounds.lower) if bounds.lower else None
    ordered = (upper, lower) if plan.descending else (lower, upper)
    pushes = {Op.LT: plan.upper_push, Op.GTE: plan.lower_push}
    return tuple(where for where in ordered if where is not None and pushes[where.op])[: plan.room]


def text_matches(text: str, values: Sequence[object]) -> bool:
    """Our own text search: a case-folded substring of any of the values."""
    wanted = folded(text)
    return any(value is not None and wanted in folded(str(value)) for value in values)
