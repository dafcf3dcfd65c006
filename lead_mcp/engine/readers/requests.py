"""What a reading asks its vendor for first, and from where it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from lead_mcp.dates import SECOND, TICK
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.plan import Plan, bound_clauses
from lead_mcp.engine.records import Position, Sorter
from lead_mcp.filters import Order, Value
from lead_mcp.vendors.spec.reading import PageRequest


def first_page(plan: Plan, bounds: Bounds, limit: int, order: Order | None = None) -> PageRequest:
    """The first page of what lies within the bounds."""
    where = (*plan.sent, *bound_clauses(plan, bounds))
    text = plan.criteria.text if plan.text_here is None else None
    return PageRequest(where=where, text=text, order=order, limit=limit)


def resumed(plan: Plan, sorter: Sorter, after: Position | None) -> Bounds:
    """The bounds from where the last page ended: what lies before it is not read again."""
    if after is None or sorter.orders[0].field != plan.along:
        return plan.bounds
    return behind(plan, after.values[0], with_ties=after.uri is not None)


def behind(plan: Plan, moment: Value, *, with_ties: bool) -> Bounds:
    """The bounds from a moment on, in the direction of reading; the plan's own where it is no moment.

    A time shown in whole seconds may be kept finer (and compared as kept): the whole of that second is read again.
    """
    bounds = plan.bounds
    if not isinstance(moment, datetime):
        return bounds
    if plan.descending:
        upper = moment + unit_of(moment) if with_ties else moment
        return replace(bounds, upper=upper if bounds.upper is None else min(bounds.upper, upper))
    lower = moment if with_ties else moment + TICK
    return replace(bounds, lower=lower if bounds.lower is None else max(bounds.lower, lower))


def around(moment: datetime) -> Bounds:
    """No wider than the moment."""
    return Bounds(moment, moment + unit_of(moment))


def unit_of(moment: datetime) -> timedelta:
    """How wide a moment is as shown: a tick, or a second where it has no fraction."""
    return TICK if moment.microsecond else SECOND


def is_past(plan: Plan, moment: Value) -> bool:
    """Whether a moment lies past the far bound: nothing behind it can match."""
    if not isinstance(moment, datetime):
        return False
    lower, upper = plan.bounds.lower, plan.bounds.upper
    return (lower is not None and moment < lower) if plan.descending else (upper is not None and moment >= upper)
