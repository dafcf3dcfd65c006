"""Questions drawn from the records themselves, give or take one unit, and what the answers ought to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from lead_mcp.dates import parse
from lead_mcp.engine.connection import Names
from lead_mcp.engine.records import Record
from lead_mcp.filters import OPS_BY_KIND, Filter, Kind, Op, Parts, Where, matches, numbered, typed
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field
from tests.driving import NOW

UTC_ZONE = ZoneInfo("UTC")
CENT = Decimal("0.01")
STEPS = (timedelta(0), timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(seconds=1))
SHIFTS = (*STEPS, *(-step for step in STEPS[1:]))
KINDS = ("neither", "since", "until", "both")
LIMITS = (11, 40, 200)
SORTS = (
    "created_at:desc",
    "created_at:asc",
    "updated_at:desc",
    "updated_at:asc",
    "value:desc",
    "value:asc",
    "name:asc",
    "status:desc",
    "status:asc,created_at:desc",
    "value:desc,name:asc",
    "created_at:asc,name:desc",
)


@dataclass(frozen=True)
class Clause:
    """One filter as a caller spells it."""

    field: str
    op: str
    value: Any

    def argument(self) -> dict[str, Any]:
        return {"field": self.field, "op": self.op, "value": self.value}

    def asked(self) -> Filter:
        return Filter(self.field, Op(self.op), self.value)


# --- drawing ------------------------------------------------------------------------------------------------------


def spelled_moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def near(value: Any) -> st.SearchStrategy[Any]:
    """The value, or one a unit away, as a caller would send it."""
    match value:
        case bool():
            return st.sampled_from([value, not value, str(value).lower()])
        case datetime():
            return st.sampled_from([spelled_moment(value + shift) for shift in SHIFTS])
        case Decimal():
            return st.sampled_from([float(value), str(value), float(value + CENT), float(value - CENT), int(value)])
        case str():
            return st.sampled_from([value, value, value.swapcase(), f"{value}x", value[:3], value[1:], f"{value} "])
        case int() | float():
            return st.sampled_from([value, value + 1, str(value)])
        case Parts():
            return st.sampled_from(value).flatmap(near)
        case _:
            return st.just(str(value))


@st.composite
def clauses(draw: st.DrawFn, fields: Mapping[str, Field], records: Sequence[Record], most: int = 3) -> list[Clause]:
    """One to three filters; now and then two on one field."""
    names = sorted(name for name, field in fields.items() if not field.filter_only)
    first = draw(st.sampled_from(names))
    chosen = [first, *draw(st.lists(st.sampled_from([first, *names]), max_size=most - 1))]
    return [draw(clause(name, fields[name], records)) for name in chosen]


@st.composite
def clause(draw: st.DrawFn, name: str, field: Field, records: Sequence[Record]) -> Clause:
    op = draw(st.sampled_from(sorted(OPS_BY_KIND[field.kind])))
    if op is Op.EXISTS:
        return Clause(name, op, draw(st.booleans()))
    values = draw(known_values(name, field, records))
    if op in (Op.IN, Op.NOT_IN):
        return Clause(name, op, draw(st.lists(values, min_size=1, max_size=3)))
    return Clause(name, op, draw(values))


@st.composite
def known_values(draw: st.DrawFn, name: str, field: Field, records: Sequence[Record]) -> st.SearchStrategy[Any]:
    record = draw(st.sampled_from(records))
    value = record.get(name)
    if value is None:
        present = [one.get(name) for one in records]
        value = next((one for one in present if one is not None), None)
    if value is None:
        return st.just(ABSENT[field.kind])
    return near(value)


ABSENT: dict[Kind, Any] = {
    Kind.TEXT: "nobody",
    Kind.NUMBER: 12.5,
    Kind.TIME: "2026-10-31",
    Kind.FLAG: True,
    Kind.ANY: "nobody",
}


@st.composite
def windows(draw: st.DrawFn, records: Sequence[Record], kinds: Sequence[str] = KINDS) -> dict[str, str]:
    """``since`` and ``until`` at times of records, give or take a unit."""
    moments = [one.get("created_at") for one in records]
    known = sorted(moment for moment in moments if isinstance(moment, datetime))
    ends = sorted(draw(st.lists(st.sampled_from(known), min_size=2, max_size=2)))
    steps = [draw(st.sampled_from(SHIFTS)) for _ in ends]
    since, until = ends[0] + steps[0], ends[1] + steps[1]
    if since >= until:
        until = since + timedelta(seconds=1)
    kind = draw(st.sampled_from(kinds))
    found = {}
    if kind in ("since", "both"):
        found["since"] = spelled_moment(since)
    if kind in ("until", "both"):
        found["until"] = spelled_moment(until)
    return found


# --- the oracle ---------------------------------------------------------------------------------------------------


def meant(account: Account, asked: Sequence[Clause], names: Names) -> list[Where]:
    """The clauses as our own language means them at that account."""
    found: list[Where] = []
    for one in asked:
        field = names.field(one.field)
        assert field is not None
        wheres = typed(one.asked(), field.kind, UTC_ZONE, NOW)
        found.extend(numbered(where, "US") if field.personal == "phone" else where for where in wheres)
    return found


def expected(records: Sequence[Record], wheres: Sequence[Where], window: dict[str, str]) -> list[Record]:
    """What ``matches`` says of every record, within the window."""
    return [
        one for one in records if inside(one, window) and all(matches(where, one.get(where.field)) for where in wheres)
    ]


def inside(record: Record, window: dict[str, str]) -> bool:
    if not window:
        return True
    moment = record.get("created_at")
    since = parse(window["since"], UTC_ZONE, NOW).start if "since" in window else None
    until = parse(window["until"], UTC_ZONE, NOW).end if "until" in window else None
    return isinstance(moment, datetime) and (since is None or since <= moment) and (until is None or moment < until)
