"""Whatever JSON stands where a field is read, its decoder gives a value or None: no field of any vendor raises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lead_mcp.engine.records import rank
from lead_mcp.filters import Kind, Op, Where, matches, plain
from lead_mcp.vendors.spec.fields import Codec, Field, FieldMap
from lead_mcp.vendors.spec.vendor import Vendor, account_of
from tests.facts import TRIED, vendor_of

KINDS = (str, Decimal, datetime, bool, int, float, list, dict, type(None))

texts = st.one_of(
    st.text(),
    st.text(st.characters()),  # halves of characters too
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    st.from_regex(r"\A-?[0-9]{1,30}([.,][0-9]{1,9})?([eE][+-]?[0-9]{1,25})?\Z"),
    st.sampled_from(
        [
            "null",
            "N/A",
            "true",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-14:00",
            "1e9999999999999999999",
            "sNaN",
            "--1",
        ]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.just(10**400), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)


def deep(levels: int) -> Any:
    found: Any = []
    for _ in range(levels):
        found = [found]
    return found


def field_maps(vendor: Vendor) -> Iterator[FieldMap]:
    account = account_of(vendor, "north", stages={"open": "open"})
    yield account.fields
    for search in vendor.pings.values():
        yield search.fields(account)


def fields_of(vendor: Vendor) -> dict[str, Field]:
    """Every field of a vendor's leads and pings."""
    found = [*field_maps(vendor)]
    ours = {f"{nth} {name}": field for nth, one in enumerate(found) for name, field in one.ours.items()}
    own = {f"{nth} own {name}": field for nth, one in enumerate(found) for name, field in one.own.items()}
    return {**ours, **own}


def nested(path: str, value: Any) -> dict[str, Any]:
    """A record that holds the value at a dotted path."""
    for step in reversed(path.split(".")):
        value = {step: value}
    return dict(value)


@pytest.mark.parametrize("name", TRIED)
@given(value=values)
@example(value=deep(400))
@example(value={"x": deep(400)})
@example(value="9" * 100_000)
@example(value=float("inf"))
def test_a_decoder_gives_a_value_or_none(name: str, value: Any) -> None:
    codecs: dict[int, Codec] = {id(field.codec): field.codec for field in fields_of(vendor_of(name)).values()}
    for codec in codecs.values():
        found = codec.decode(value)
        assert isinstance(found, KINDS)
        assert isinstance(rank(found, descending=True), tuple)


@pytest.mark.parametrize("name", TRIED)
@given(value=values)
def test_a_record_that_holds_anything_anywhere_can_be_read_sorted_and_compared(name: str, value: Any) -> None:
    for field in fields_of(vendor_of(name)).values():
        for path in field.paths:
            found = field.read(nested(path, value))
            assert isinstance(found, KINDS)
            assert isinstance(plain(found), str)
            assert matches(Where("x", Op.EXISTS, True), found) is (found is not None)
            assert matches(Where("x", Op.CONTAINS, "x"), found) in (True, False)
            assert matches(Where("x", Op.GT, Decimal(1)), found) in (True, False)


@pytest.mark.parametrize("name", TRIED)
@given(value=values)
def test_what_happened_to_an_odd_record_is_told_or_left_out(name: str, value: Any) -> None:
    vendor = vendor_of(name)
    account = account_of(vendor, "north")
    for field in fields_of(vendor).values():
        for path in field.paths:
            assert all(isinstance(event.at, datetime) for event in vendor.events(account, nested(path, value)))
    found = vendor.leads.identify(account, {"id": value, "lead_id": value, "ProspectID": value, "UID": value}, "3471")
    assert found is None or isinstance(found, str)


def test_a_decoder_that_raises_leaves_its_field_empty() -> None:
    field = Field("a", "b", codec=Codec(Kind.ANY, lambda raw: raw["x"]["y"]))
    assert field.read({"a": "text", "b": {"x": {"y": "found"}}}) == "found"
    assert field.read({"a": 1}) is None
