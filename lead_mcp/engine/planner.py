"""Splitting a query: which call is asked, which clauses it is sent, which are checked here. Knows no vendor.

Clauses on the field that orders the reading (``created_at`` as a rule) become its bounds: the reading itself moves them
from page to page. Every other clause is the vendor's, ours, or both: sent to narrow and checked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.notes import Note, VendorCompares, VendorSearches
from lead_mcp.engine.persons.person_question import PersonQuestion, question_of, route_of
from lead_mcp.engine.plan import Criteria, Plan
from lead_mcp.filters import LOWER, RANGE, Clause, Kind, Op, TextSearch, Where, means_numbers
from lead_mcp.vendors.spec.fields import FieldMap, Paths
from lead_mcp.vendors.spec.reading import Push, Route, Search

SOME_MOMENT: Final = datetime(2020, 1, 1, tzinfo=UTC)


def plan(search: Search, fields: FieldMap, criteria: Criteria, without: frozenset[str] = frozenset()) -> Plan:
    """The plan for the first route that serves the query; the last one serves any. ``without``: routes passed over."""
    along = criteria.orders[0].field if criteria.orders else search.when
    question = question_of(search, fields, criteria.clauses, criteria.text)
    for route in search.routes:
        found = None if route.name in without else _fit(route, search, fields, criteria, along)
        if found is not None:
            by_id = any(where.field == "id" for where in found.sent)
            return found if question is None or by_id else _looked_up(question, search, fields, criteria)
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
    sent = _sendable(route, fields, others, criteria.refused)
    if route.needs and not route.needs & {w.field for w in sent} and not (criteria.text and route.text):
        return None
    return _Split(route, fields, criteria, moving, search.when, ranges, others, sent).plan()


def _looked_up(question: PersonQuestion, search: Search, fields: FieldMap, criteria: Criteria) -> Plan:
    """The plan that asks for one person: every clause is checked here, the one that names the person is asked as well."""
    ranges = [w for w in criteria.clauses if w.op in RANGE and place(w.field, fields) == place(search.when, fields)]
    others = [w for w in criteria.clauses if w not in ranges]
    split = _Split(route_of(question), fields, criteria, search.when, search.when, ranges, others, ()).plan()
    return replace(split, person=question, pushed=(question.clause,), notes=question.notes)


def place(name: str, fields: FieldMap) -> Paths:
    """Where a field stands at the vendor: two names of one place are one field, and one parameter of a request."""
    known = fields.get(name)
    return known.paths if known is not None and known.paths else (name,)


def _sendable(
    route: Route, fields: FieldMap, clauses: Sequence[Where], refused: frozenset[tuple[str, Op]]
) -> tuple[Where, ...]:
    """The clauses to send: those the route takes, one of each place and operator, most selective first, as many as fit.

    A telephone number is not among them: vendors compare its spelling. Of a clause that is not, only that its field has a
    value is sent, where the route takes that.
    """
    taken: dict[tuple[Paths, Op], Where] = {}

    def take(where: Where) -> bool:
        takes = (where.field, where.op) not in refused and not means_numbers(where)
        if not takes or route.takes(where, fields) is None:
            return False
        taken.setdefault((place(where.field, fields), where.op), where)
        return True

    for where in [where for where in clauses if not take(where) and where.op is not Op.EXISTS]:
        at, known = place(where.field, fields), fields.get(where.field)
        if known is not None and known.kind is Kind.TEXT and all(at != other for other, _ in taken):
            take(Where(where.field, Op.EXISTS, value=True))
    return tuple(sorted(taken.values(), key=route.rank)[: route.most])


@dataclass(frozen=True)
class _Split:
    """A route's clauses on their way to a plan. ``ranges`` bound the reading along ``moving``; of ``others``, ``sent`` fit.

    ``when``: the field that the answer's frozen moment bounds.
    """

    route: Route
    fields: FieldMap
    criteria: Criteria
    moving: str
    when: str
    ranges: Sequence[Where]
    others: Sequence[Where]
    sent: tuple[Where, ...]

    def plan(self) -> Plan:
        route, criteria, sent = self.route, self.criteria, self._with_frozen()
        checked = tuple(w for w in self.others if w not in sent or route.takes(w, self.fields) is not Push.EXACT)
        pushed = [w for w in self.others if w in sent]
        implied = [w for w in self.sent if w not in self.others]
        bounds, room = self._bounds(), route.most - len(sent)
        lower_push, upper_push = self._bound_pushes(bounds, room)
        pushed_ranges, checked_ranges = _split_ranges(self.ranges, lower_push, upper_push)
        there, here = (criteria.text, None) if route.text else (None, criteria.text)
        return Plan(
            route=route,
            criteria=criteria,
            along=self.moving,
            bounds=bounds,
            sent=sent,
            checked=checked,
            room=room,
            lower_push=lower_push,
            upper_push=upper_push,
            text_here=here or None,
            pushed=_clauses([*pushed, *implied, *pushed_ranges], there),
            checked_here=_clauses([*checked, *checked_ranges], here),
            notes=_notes(route, self.fields, criteria, pushed),
            exact=[(w, known) for w in pushed if (known := self.fields.get(w.field)) and not known.filter_only],
            **self._presence(sent),
        )

    def _presence(self, sent: Sequence[Where]) -> dict[str, Any]:
        """How records without a value of the leading order are left out, where that may be absent."""
        leading = self.criteria.orders[0].field if self.criteria.orders else ""
        same = [w for w in self.criteria.clauses if place(w.field, self.fields) == place(leading, self.fields)]
        absent_alone = any(w.op is Op.EXISTS and w.value is False for w in same)
        asked = any(w in sent for w in same)
        present = None if absent_alone or asked else self.route.present.get(leading)
        filtered = not absent_alone and (asked or present is not None)
        return {"present": present, "filtered": filtered, "wants_absent": not same or absent_alone}

    def _bounds(self) -> Bounds:
        bounds = Bounds()
        for where in self.ranges:
            bounds = bounds.narrowed(where)
        frozen = self.criteria.frozen
        if frozen is None or self.moving != self.when:
            return bounds
        return bounds.narrowed(Where(self.when, Op.LT, frozen))

    def _with_frozen(self) -> tuple[Where, ...]:
        """The clauses sent, and the answer's frozen moment where the reading does not move along it and there is room.

        It is checked here all the same, so a clause somebody asked of the same place goes first.
        """
        frozen, sent = self.criteria.frozen, self.sent
        if frozen is None or self.moving == self.when:
            return sent
        where = Where(self.when, Op.LT, frozen)
        same = any(w.op is where.op and place(w.field, self.fields) == place(where.field, self.fields) for w in sent)
        fits = len(sent) + 1 < self.route.most and self.route.takes(where, self.fields) is not None
        return (*sent, where) if fits and not same else sent

    def _bound_pushes(self, bounds: Bounds, room: int) -> tuple[Push | None, Push | None]:
        """How well the route answers each bound; with room for one, the leading one alone is sent."""
        lower = _bound_push(self.route, self.fields, Where(self.moving, Op.GTE, bounds.lower), room)
        upper = _bound_push(self.route, self.fields, Where(self.moving, Op.LT, bounds.upper), room)
        if room != 1 or bounds.lower is None or bounds.upper is None:
            return lower, upper
        return (None, upper) if self.criteria.descending else (lower, None)


def _bound_push(route: Route, fields: FieldMap, bound: Where, room: int) -> Push | None:
    """How well the route answers a bound of the reading; on an open side, one that a later page may set."""
    some = bound if bound.value is not None else replace(bound, value=SOME_MOMENT)
    return route.takes(some, fields) if room else None


def _split_ranges(ranges: Sequence[Where], lower: Push | None, upper: Push | None) -> tuple[list[Where], list[Where]]:
    """The range clauses that are sent, and those checked here."""
    side = {w: lower if w.op in LOWER else upper for w in ranges}
    return [w for w in ranges if side[w]], [w for w in ranges if side[w] is not Push.EXACT]


def _clauses(clauses: Sequence[Where], text: str | None) -> tuple[Clause, ...]:
    """Each clause once, as it was asked, and the text search behind them."""
    once = {str(where): where for where in clauses}
    return (*once.values(), TextSearch(text)) if text else tuple(once.values())


def _notes(route: Route, fields: FieldMap, criteria: Criteria, sent: Sequence[Where]) -> tuple[Note, ...]:
    named = []
    for where in sent:
        known = fields.get(where.field)
        if known is not None and where.op is not Op.EXISTS and (known.vendor_text or known.filter_only):
            named.append(where.field)
    compared = (VendorCompares(tuple(dict.fromkeys(named))),) if named else ()
    searched = (VendorSearches(route.note),) if criteria.text and route.text else ()
    return (*compared, *searched)
