"""The meaning of every operator, for every kind of value; how what was asked becomes a clause."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.errors import BadArgument
from lead_mcp.filters import (
    LIST_OPS,
    OPS_BY_KIND,
    RANGE,
    Filter,
    Kind,
    Op,
    Order,
    Parts,
    Where,
    as_flag,
    as_number,
    as_time,
    compared,
    folded,
    matches,
    parse_sort,
    typed,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def holds(value: Any, op: str, wanted: Any) -> bool:
    return matches(Where("f", Op(op), wanted), value)


def asked(op: str, wanted: Any, kind: Kind = Kind.TEXT) -> list[Where]:
    return typed(Filter("f", Op(op), wanted), kind, BERLIN, NOW)


def passes(value: Any, op: str, wanted: Any, kind: Kind) -> bool:
    """As a search does it: typed first, then every clause."""
    return all(matches(where, value) for where in asked(op, wanted, kind))


# --- what the operators mean --------------------------------------------------------------------------------------

ORDERED = [
    pytest.param("alice", "Bob", id="text, case-folded"),
    pytest.param("10", "9", id="text is no number"),
    pytest.param(Decimal("9.5"), Decimal(10), id="numbers"),
    pytest.param(-1, Decimal("-0.5"), id="negative numbers"),
    pytest.param(NOON, NOON + SECOND, id="times"),
    pytest.param(NOON, NOON + timedelta(microseconds=1), id="times, by their fractions"),
    pytest.param(False, True, id="flags"),
    pytest.param("2026-03-15T13:00:00+02:00", "2026-03-15T12:00:00Z", id="texts that are zoned times"),
]


@pytest.mark.parametrize(("low", "high"), ORDERED)
@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [
        ("eq", False, True, False),
        ("ne", True, False, True),
        ("lt", True, False, False),
        ("lte", True, True, False),
        ("gt", False, False, True),
        ("gte", False, True, True),
    ],
)
def test_a_comparison_means_the_same_for_every_kind(
    low: Any, high: Any, op: str, below: bool, at: bool, above: bool
) -> None:
    assert (holds(low, op, high), holds(low, op, low), holds(high, op, high), holds(high, op, low)) == (
        below,
        at,
        at,
        above,
    )


@pytest.mark.parametrize("op", [op for op in Op if op is not Op.EXISTS])
@pytest.mark.parametrize("wanted", ["x", "", Decimal(0), NOON, False])
def test_a_missing_value_satisfies_no_comparison(op: Op, wanted: Any) -> None:
    assert not holds(None, op, [wanted] if op in LIST_OPS else wanted)


@pytest.mark.parametrize("value", ["", "x", 0, Decimal(0), False, [], NOON])
def test_exists_asks_only_whether_there_is_a_value(value: Any) -> None:
    assert (holds(value, "exists", True), holds(value, "exists", False)) == (True, False)
    assert (holds(None, "exists", True), holds(None, "exists", False)) == (False, True)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("STRASSE", "straße"),
        ("Jose\u0301", "JOSÉ"),
        ("Å", "a\u030a"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        (5, Decimal("5.00")),
        ("5", Decimal("5.0")),
        (5.25, Decimal("5.25")),
        (True, "yes"),
        ("0", False),
        (NOON, "2026-03-15T13:00:00+01:00"),
        ("2026-03-15T12:00:00Z", "2026-03-15T13:00:00+01:00"),
        (["a", "B"], "b"),
        ([1, 2], Decimal(2)),
    ],
)
def test_two_spellings_of_one_value_are_equal(value: Any, wanted: Any) -> None:
    assert holds(value, "eq", wanted)
    assert not holds(value, "ne", wanted)
    assert holds(value, "in", ("nothing", wanted))
    assert not holds(value, "not_in", ("nothing", wanted))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("abc", Decimal(5)),
        (5, "abc"),
        ("no date", NOON),
        (True, "perhaps"),
        ({"a": 1}, "a"),
        ("1" * 200, Decimal(1)),
        (float("nan"), Decimal(1)),
        ("0001-01-01T00:00:00+23:00", NOON),
    ],
)
def test_values_that_cannot_be_compared_are_unequal_and_in_no_order(value: Any, wanted: Any) -> None:
    assert [op for op in sorted(RANGE | {Op.EQ}) if holds(value, op, wanted)] == []
    assert holds(value, "ne", wanted)


@pytest.mark.parametrize(
    "stranger", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "1e999999999", "\ud800"]
)
def test_odd_words_that_strangers_type_break_no_comparison(stranger: str) -> None:
    assert not holds(stranger, "eq", "Ann")
    assert holds(stranger, "eq", stranger)


@pytest.mark.parametrize(
    ("value", "part", "found"),
    [
        ("Anna Müller", "MÜLL", True),
        ("Anna Mu\u0308ller", "müll", True),
        ("Anna", "annab", False),
        (12.5, "2.5", True),
        (["red", "green"], "EEN", True),
        ({"tag": "größe"}, "GRÖSSE", True),
        ("100%", "%", True),
        ("a.c", "a?c", False),
    ],
)
def test_contains_is_a_case_folded_substring_and_no_pattern(value: Any, part: str, found: bool) -> None:
    assert holds(value, "contains", part) is found


# --- what was asked, typed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "part", "found"),
    [
        ("Anna Lee", "an", True),
        ("Anna Lee", "ANNA L", True),
        ("Anna Lee", "lee", False),
        ("a.b", "a_", False),
        ("Ännchen", "A\u0308n", True),
        (["VIP", "web"], "we", True),
        (["VIP", "web"], "[", False),
        (90210, "902", True),
        ("x", "", True),
        (None, "", False),
    ],
)
def test_starts_with_is_a_case_folded_beginning_and_no_pattern(value: Any, part: str, found: bool) -> None:
    assert holds(value, "starts_with", part) is found
    assert not found or holds(value, "contains", part)


@pytest.mark.parametrize(
    ("op", "value", "found"),
    [
        ("eq", "b", True),
        ("ne", "b", True),
        ("ne", "a", True),
        ("in", ("x", "a"), True),
        ("not_in", ("a", "b"), False),
        ("contains", "z", False),
        ("starts_with", "A", True),
        ("gt", "a", True),
        ("exists", True, True),
        ("exists", False, False),
    ],
)
def test_a_clause_on_the_parts_of_a_list_holds_if_it_holds_for_one(op: str, value: Any, found: bool) -> None:
    assert holds(Parts(["a", "b"]), op, value) is found


@pytest.mark.parametrize(
    ("op", "clauses"),
    [
        ("gte", [("gte", "2026-03-14T23:00:00Z")]),
        ("lt", [("lt", "2026-03-14T23:00:00Z")]),
        ("gt", [("gte", "2026-03-15T23:00:00Z")]),
        ("lte", [("lt", "2026-03-15T23:00:00Z")]),
        ("eq", [("gte", "2026-03-14T23:00:00Z"), ("lt", "2026-03-15T23:00:00Z")]),
    ],
)
def test_a_whole_day_becomes_moments_in_the_zone(op: str, clauses: list[tuple[str, str]]) -> None:
    found = asked(op, "2026-03-15", Kind.TIME)
    assert [(where.op, where.value) for where in found] == [(Op(op), as_time(text)) for op, text in clauses]
    assert {str(where) for where in found} == {f"f {op} 2026-03-15"}


@pytest.mark.parametrize(
    ("op", "wanted", "first", "last", "before", "after"),
    [
        ("eq", "2026-03-15", True, True, False, False),
        ("ne", "2026-03-15", False, False, True, True),
        ("in", ["2026-03-15", "2025-01-01"], True, True, False, False),
        ("not_in", ["2026-03-15", "2025-01-01"], False, False, True, True),
        ("lte", "2026-03-15", True, True, True, False),
        ("gt", "2026-03-15", False, False, False, True),
        ("gte", "2026-03-15T00:00:00", True, True, False, True),
        ("lt", "2026-03-15T00:00", False, False, True, False),
    ],
)
def test_a_day_holds_from_its_first_moment_to_its_last(
    op: str, wanted: Any, first: bool, last: bool, before: bool, after: bool
) -> None:
    start, end = datetime(2026, 3, 15, tzinfo=BERLIN), datetime(2026, 3, 16, tzinfo=BERLIN)
    moments = (start, end - timedelta(microseconds=1), start - timedelta(microseconds=1), end)
    found = tuple(passes(moment.astimezone(UTC), op, wanted, Kind.TIME) for moment in moments)
    assert found == (first, last, before, after)


@pytest.mark.parametrize(
    ("kind", "op", "wanted", "value"),
    [
        (Kind.TEXT, "eq", 5, "5"),
        (Kind.TEXT, "eq", True, "true"),
        (Kind.NUMBER, "gte", "4.50", Decimal("4.50")),
        (Kind.NUMBER, "in", [1, "2"], (Decimal(1), Decimal(2))),
        (Kind.FLAG, "eq", "Yes", True),
        (Kind.FLAG, "in", [0, "true"], (False, True)),
        (Kind.TIME, "gt", "2026-03-15T13:00:00+01:00", NOON),
        (Kind.ANY, "eq", "007", "007"),
        (Kind.ANY, "gte", "7", Decimal(7)),
        (Kind.ANY, "eq", 7, Decimal(7)),
        (Kind.ANY, "gte", "2026-01-01", "2026-01-01"),
        (Kind.NUMBER, "exists", "no", False),
    ],
)
def test_a_value_is_read_as_the_fields_kind(kind: Kind, op: str, wanted: Any, value: Any) -> None:
    (where,) = asked(op, wanted, kind)
    assert (where.value, type(where.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "op", "wanted", "says"),
    [
        (Kind.NUMBER, "contains", "5", "'f' is a number field and takes eq, ne, lt"),
        (Kind.TIME, "contains", "2026", "not contains"),
        (Kind.FLAG, "lt", True, "takes eq, ne, in, not_in, exists, not lt"),
        (Kind.NUMBER, "eq", "many", "f is a number; 'many' is not"),
        (Kind.NUMBER, "eq", True, "is a number"),
        (Kind.NUMBER, "gt", float("inf"), "is a number"),
        (Kind.NUMBER, "gt", "1e999999999", "is a number"),
        (Kind.FLAG, "eq", "perhaps", "true or false"),
        (Kind.TIME, "gte", "soon", "today, yesterday, -7d"),
        (Kind.TEXT, "eq", None, "exists: false"),
        (Kind.TEXT, "eq", " ", "exists: false"),
        (Kind.TEXT, "eq", ["a"], "takes one value"),
        (Kind.TEXT, "eq", {"a": 1}, "takes one value"),
        (Kind.TEXT, "in", "a", "list of 1 to 1000"),
        (Kind.TEXT, "in", [], "list of 1 to 1000"),
        (Kind.TEXT, "not_in", ["a"] * 1001, "list of 1 to 1000"),
        (Kind.TEXT, "in", ["a", None], "takes one value"),
        (Kind.TEXT, "exists", "maybe", "true or false"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_what_can(kind: Kind, op: str, wanted: Any, says: str) -> None:
    with pytest.raises(BadArgument) as caught:
        asked(op, wanted, kind)
    assert says in caught.value.message
    assert caught.value.message.startswith("filters: ")


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_knows_whether_it_is_there_and_what_it_equals(kind: Kind) -> None:
    assert OPS_BY_KIND[kind] >= {Op.EXISTS, Op.EQ, Op.NE, Op.IN, Op.NOT_IN}


def test_a_sort_is_a_list_of_fields_with_directions() -> None:
    assert parse_sort("value:desc, name,id:asc") == [Order("value", descending=True), Order("name"), Order("id")]


@pytest.mark.parametrize("text", ["", "value:down", ":desc", "value,", "value:desc:asc"])
def test_a_sort_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(BadArgument, match="field:asc"):
        parse_sort(text)


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (as_number, " 1.50 ", Decimal("1.50")),
        (as_number, "1_000", None),
        (as_number, "1,234.50", Decimal("1234.50")),
        (as_number, "12,345,678", Decimal(12345678)),
        (as_number, "$12", Decimal(12)),
        (as_number, "-$1,200.50", Decimal("-1200.50")),
        (as_number, "1.234,50 €", Decimal("1234.50")),
        (as_number, "USD 350,000", Decimal(350000)),
        (as_number, "12,50", None),
        (as_number, "1,23", None),
        (as_number, "1,234,5", None),
        (as_number, "$", None),
        (as_number, "12 mph", None),
        (as_number, "512 555 0100", None),
        (as_number, "NaN", None),
        (as_number, Decimal("Infinity"), None),
        (as_number, True, None),
        pytest.param(as_number, 10**5000, None, id="a number of 5,000 digits"),
        (as_flag, "N", False),
        (as_flag, 1, True),
        (as_flag, None, None),
        (as_time, "2026-03-15T13:00:00+01:00", NOON),
        (as_time, "2026-03-15T13:00:00", None),
        (as_time, "20260315T130000Z", None),
        (as_time, 5, None),
    ],
)
def test_a_value_is_read_or_it_is_none(read: Any, value: Any, found: Any) -> None:
    assert read(value) == found


# --- laws ---------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(["a", "A", "ß", "ss", "1", "1.0"])
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=2)
ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
TIMES = st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 3), timezones=ZONES)  # noqa: DTZ001 - zones are drawn beside
SCALARS = TEXTS | NUMBERS | TIMES | st.booleans() | st.integers(-3, 3) | st.floats()
VALUES = st.none() | SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)


@given(VALUES, SCALARS)
def test_ne_is_present_and_not_eq(value: Any, wanted: Any) -> None:
    assert holds(value, "ne", wanted) == (value is not None and not holds(value, "eq", wanted))


@given(VALUES, st.lists(SCALARS, min_size=1, max_size=4).map(tuple))
def test_in_is_any_eq_and_not_in_is_every_ne(value: Any, wanted: tuple[Any, ...]) -> None:
    assert holds(value, "in", wanted) == any(holds(value, "eq", one) for one in wanted)
    assert holds(value, "not_in", wanted) == all(holds(value, "ne", one) for one in wanted)


@given(VALUES, SCALARS)
def test_bounds_complement_each_other_wherever_two_values_compare(value: Any, wanted: Any) -> None:
    comparable = value is not None and compared(value, wanted) is not None
    assert holds(value, "lt", wanted) + holds(value, "gte", wanted) == comparable
    assert holds(value, "gt", wanted) + holds(value, "lte", wanted) == comparable
    assert holds(value, "lte", wanted) + holds(value, "gte", wanted) == comparable + (
        comparable and compared(value, wanted) == 0
    )


@given(SCALARS, SCALARS)
def test_comparing_the_other_way_round_gives_the_opposite(left: Any, right: Any) -> None:
    there, back = compared(left, right), compared(right, left)
    assert back == (None if there is None else -there)


@given(TEXTS, TEXTS)
def test_folding_forgets_case_and_composition_and_nothing_is_folded_twice(text: str, more: str) -> None:
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text))
    assert folded(folded(text)) == folded(text)
    assert holds(text + more, "contains", text) or not unicodedata.is_normalized("NFC", text + more)


@given(st.sampled_from(sorted(RANGE | {Op.EQ, Op.NE})), TIMES, st.sampled_from(["2026-03-01", "2026-03-02"]))
def test_a_days_clauses_agree_with_the_day_in_its_zone(op: Op, moment: datetime, day: str) -> None:
    there = moment.astimezone(BERLIN).date().isoformat()
    assert passes(moment, op, day, Kind.TIME) == holds(there, op, day)
