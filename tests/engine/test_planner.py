"""How a query is split: what is sent, what is checked here, what the reading itself moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lead_mcp.dates import TICK
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.notes import VendorCompares
from lead_mcp.engine.plan import Criteria, Plan, bound_clauses
from lead_mcp.engine.planner import plan
from lead_mcp.engine.refusals import unfiltered
from lead_mcp.filters import RANGE, Clause, Op, Order, Where
from lead_mcp.vendors.spec.fields import EQ, TEXT, Field, FieldMap, moment
from lead_mcp.vendors.spec.http import Request
from lead_mcp.vendors.spec.reading import Page, Route, Search

DAY = datetime(2026, 11, 1, tzinfo=UTC)
FIELDS = FieldMap(
    ours={
        "exact": Field("exact", exact=EQ),
        "coarse": Field("coarse", coarse=EQ),
        "told": Field("told", exact=EQ, vendor_text=True),
        "blind": Field("blind", exact=EQ, filter_only=True),
        "here": Field("here"),
        "created_at": Field("createdAt", codec=moment(), exact=RANGE),
        "updated_at": Field("updatedAt", codec=moment(), edge=RANGE),
    },
    own={"createdAt": Field("createdAt", codec=moment(), exact=RANGE), "Exact": Field("exact", codec=TEXT, exact=EQ)},
)


def route(name: str = "list", **options: Any) -> Route:
    def build(*_: Any) -> Request:
        return Request("GET", f"/{name}")

    def read(*_: Any) -> Page:
        return Page(())

    return Route(name=name, build=build, read=read, **{"orders": frozenset({"created_at", "updated_at"}), **options})


def planned(*clauses: Where, routes: tuple[Route, ...] = (), **query: Any) -> Plan:
    search = Search(fields=lambda _: FIELDS, routes=routes or (route(),), identify=lambda *_: "1")
    orders = query.pop("orders", (Order("created_at", descending=True),))
    return plan(search, FIELDS, Criteria(clauses, orders=orders, **query))


def spelled_out(clauses: tuple[Clause, ...]) -> tuple[str, ...]:
    return tuple(map(str, clauses))


def eq(field: str, value: str = "x") -> Where:
    return Where(field, Op.EQ, value)


def created(op: Op, when: datetime, field: str = "created_at") -> Where:
    return Where(field, op, when)


def test_an_exact_clause_is_sent_and_not_checked() -> None:
    found = planned(eq("exact"))
    assert (found.sent, found.checked) == ((eq("exact"),), ())
    assert (spelled_out(found.pushed), spelled_out(found.checked_here)) == (("exact eq x",), ())


def test_a_coarse_clause_is_sent_and_checked_again() -> None:
    found = planned(eq("coarse"))
    assert (found.sent, found.checked) == ((eq("coarse"),), (eq("coarse"),))
    assert spelled_out(found.pushed) == spelled_out(found.checked_here) == ("coarse eq x",)


def test_a_clause_the_call_does_not_take_is_checked_here_alone() -> None:
    found = planned(eq("here"), Where("exact", Op.NE, "x"))
    assert found.sent == ()
    assert spelled_out(found.checked_here) == ("here eq x", "exact ne x")


@pytest.mark.parametrize("second", [eq("exact", "y"), eq("Exact", "y")])
def test_of_two_clauses_for_one_parameter_one_is_sent_and_the_other_checked(second: Where) -> None:
    found = planned(eq("exact"), second)
    assert found.sent == (eq("exact"),)
    assert found.checked == (second,)


def test_a_vendors_own_comparison_is_named() -> None:
    assert planned(eq("told")).notes == (VendorCompares(("told",)),)


def test_a_call_of_one_condition_is_sent_the_best_ranked_and_checks_the_rest() -> None:
    one = route(most=1, rank=lambda where: 0 if where.field == "coarse" else 1)
    found = planned(eq("exact"), eq("coarse"), created(Op.GTE, DAY), routes=(one,))
    assert found.sent == (eq("coarse"),)
    assert set(found.checked) == {eq("exact"), eq("coarse")}
    assert bound_clauses(found, found.bounds) == ()
    assert "created_at gte 2026-11-01T00:00:00Z" not in spelled_out(found.pushed)


@pytest.mark.parametrize("descending", [True, False])
def test_with_room_for_one_bound_the_leading_one_is_sent_and_the_ledger_says_no_more(descending: bool) -> None:
    lower, upper = created(Op.GTE, DAY), created(Op.LT, DAY + timedelta(days=1))
    found = planned(lower, upper, routes=(route(most=1),), orders=(Order("created_at", descending=descending),))
    leading, other = (upper, lower) if descending else (lower, upper)
    assert spelled_out(found.pushed) == (str(leading),)
    assert str(other) in spelled_out(found.checked_here)
    assert [w.op for w in bound_clauses(found, found.bounds)] == [leading.op]


def test_a_call_that_needs_a_field_is_passed_over_without_it() -> None:
    narrow = route("by id", needs=frozenset({"exact"}))
    assert planned(eq("exact"), routes=(narrow, route())).route.name == "by id"
    assert planned(eq("coarse"), routes=(narrow, route())).route.name == "list"


def test_text_goes_to_the_call_that_searches_and_else_stays_here() -> None:
    assert planned(text="ann", routes=(route(), route("search", text=True))).route.name == "search"
    assert planned(text="ann").text_here == "ann"
    assert spelled_out(planned(text="ann").checked_here) == ("text ann",)


def test_range_clauses_on_the_reading_become_its_bounds() -> None:
    found = planned(created(Op.GT, DAY), created(Op.LTE, DAY + timedelta(days=1)), created(Op.GTE, DAY))
    assert found.bounds == Bounds(DAY + TICK, DAY + timedelta(days=1) + TICK)
    assert found.sent == found.checked == ()


def test_the_vendors_name_of_the_reading_is_the_reading_too() -> None:
    found = planned(created(Op.GTE, DAY), created(Op.GTE, DAY + timedelta(hours=1), "createdAt"))
    assert found.bounds.lower == DAY + timedelta(hours=1)
    assert found.sent == ()


def test_bounds_are_half_open_and_may_be_empty() -> None:
    bounds = Bounds(DAY, DAY + TICK)
    assert bounds.holds(DAY)
    assert not bounds.holds(DAY + TICK)
    assert not bounds.holds(DAY - TICK)
    assert Bounds(DAY, DAY).empty
    assert not bounds.empty


def test_the_frozen_moment_bounds_the_reading_without_a_word_in_the_ledger() -> None:
    found = planned(frozen=DAY)
    assert found.bounds.upper == DAY
    assert spelled_out(found.pushed) == spelled_out(found.checked_here) == ()


def test_read_along_another_time_the_frozen_moment_never_replaces_a_bound_somebody_asked_for() -> None:
    asked = created(Op.LT, DAY - timedelta(days=1))
    found = planned(asked, orders=(Order("updated_at"),), frozen=DAY)
    assert [w for w in found.sent if w.op is Op.LT] == [asked]
    alone = planned(orders=(Order("updated_at"),), frozen=DAY)
    assert alone.sent == (created(Op.LT, DAY),)


@pytest.mark.parametrize(
    ("clauses", "along", "whole"),
    [
        ((), "created_at", True),
        ((eq("exact"),), "created_at", True),
        ((eq("coarse"),), "created_at", False),
        ((eq("here"),), "created_at", False),
        ((created(Op.GTE, DAY + TICK),), "created_at", True),
        ((created(Op.GTE, DAY, "updated_at"),), "updated_at", True),
        ((created(Op.GTE, DAY + TICK, "updated_at"),), "updated_at", False),
        ((created(Op.LT, DAY + TICK, "updated_at"),), "updated_at", True),
    ],
)
def test_the_vendors_total_counts_only_where_nothing_unseen_is_dropped(
    clauses: tuple[Where, ...], along: str, whole: bool
) -> None:
    assert planned(*clauses, orders=(Order(along, descending=True),)).counts_what_is_read is whole


def test_a_refused_filter_can_be_checked_here_unless_it_cannot_be_read_back() -> None:
    plain = unfiltered(planned(eq("exact"), eq("coarse"), created(Op.GTE, DAY)), FIELDS)
    assert plain is not None
    assert plain.sent == ()
    assert set(plain.checked) == {eq("exact"), eq("coarse")}
    assert spelled_out(plain.pushed) == ("created_at gte 2026-11-01T00:00:00Z",)
    assert unfiltered(planned(eq("blind")), FIELDS) is None
    assert unfiltered(planned(eq("here")), FIELDS) is None
