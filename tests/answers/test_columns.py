"""A column that is decoded, cleaned or written at once is what its cells are one by one."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.records import Record, columns_of
from lead_mcp.outgoing.cleaning import plain_cell, plain_cells, plain_value, plain_values
from lead_mcp.outgoing.times import times_in
from lead_mcp.vendors import every
from lead_mcp.vendors.spec.vendor import Vendor, account_of

ODD = st.sampled_from([*"|:/[aé \t\n", "\u200d", "\u200c", "\ufe0f", "\u3164", "ß", "😀", "\x1b"])
TEXTS = st.one_of(st.text(ODD, max_size=12), st.text(max_size=130))
VALUES = st.one_of(
    st.none(),
    TEXTS,
    st.datetimes(timezones=st.just(UTC)),
    st.booleans(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.lists(TEXTS, max_size=2),
)
COLUMNS = st.one_of(
    st.lists(TEXTS, max_size=5),
    st.lists(st.datetimes(timezones=st.just(UTC)), max_size=5),
    st.lists(VALUES, max_size=5),
)
ZONES = st.sampled_from(
    ["UTC", "Etc/UTC", "America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Monrovia"]
)


@given(st.lists(TEXTS, max_size=5))
def test_the_cells_of_a_text_table(texts: list[str]) -> None:
    assert plain_cells(texts) == list(map(plain_cell, texts))


@given(COLUMNS, ZONES)
def test_the_values_of_a_table(values: list[Any], zone: str) -> None:
    with times_in(ZoneInfo(zone)):
        found, alone = plain_values(values), list(map(plain_value, values))
    assert [(type(one), one, getattr(one, "text", "")) for one in found] == [
        (type(one), one, getattr(one, "text", "")) for one in alone
    ]


RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(),
    TEXTS,
    st.sampled_from(["", " x ", "12.5", "2026-11-25T22:42:10Z", "2026-11-25 22:42:10.5", "9999-99-99", "null", "N/A"]),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)


@pytest.mark.parametrize("vendor", every().values(), ids=list(every()))
@given(data=st.data())
def test_the_fields_of_records(vendor: Vendor, data: st.DataObject) -> None:
    fields = account_of(vendor, vendor.name).fields
    names = data.draw(st.lists(st.sampled_from([*fields.ours, *fields.own]), min_size=1, max_size=4, unique=True))
    paths = sorted({path for name in names for path in (fields.ours.get(name) or fields.own[name]).paths})
    rows = data.draw(st.lists(st.dictionaries(st.sampled_from(paths), RAW, max_size=len(paths)), max_size=4))
    records = [Record("a", str(nth), f"lead://a/{nth}", row, fields.get) for nth, row in enumerate(rows)]
    assert repr(columns_of(records, names)) == repr([[record.get(name) for record in records] for name in names])
