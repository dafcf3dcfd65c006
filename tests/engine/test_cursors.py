"""Cursors are short, whatever is sorted and wherever a page ends, and still bound, sealed and the same everywhere."""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.cursor import PageEnd, PageState, Seal
from lead_mcp.engine.packing import packed, unpacked
from lead_mcp.engine.places import Places
from lead_mcp.engine.records import Position
from lead_mcp.errors import BadArgument
from lead_mcp.uris import lead_uri, uri
from tests.asking import SORTS
from tests.driving import Bench, CallFailed, bench, uris

ONE, FIVE = 90, 140
EVER = {"since": "2026-01-01"}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(UTC)),
    st.text(max_size=60),
    st.text("0123456789abcdef-", max_size=40),
    st.text(string.ascii_lowercase + " .@'", max_size=60),
    st.uuids().map(str),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=3), inner, max_size=20)
)


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(40) as found:
        yield found


@given(VALUES)
def test_what_was_packed_comes_back(value: Any) -> None:
    assert unpacked(packed(value)) == value


@given(st.binary(max_size=40))
def test_bytes_of_anybody_never_open(data: bytes) -> None:
    seal = Seal.of({"a/key": "secret"})
    cursor = seal.close({"f": datetime(2026, 1, 1, tzinfo=UTC)}, {})
    for forged in (cursor[:-2], cursor[:20] + "A" + cursor[21:], data.hex(), "", "="):
        if forged != cursor:
            with pytest.raises(BadArgument, match=r"^cursor: "):
                seal.open(forged, {})
    with pytest.raises(BadArgument, match=r"^cursor: "):
        seal.open(cursor, {"limit": 5})
    with pytest.raises(BadArgument, match=r"^cursor: "):
        Seal.of({"a/key": "another"}).open(cursor, {})


@pytest.mark.parametrize("sort", SORTS)
def test_every_vendors_cursor_is_short_for_every_sort(driven: Bench, sort: str) -> None:
    lengths: dict[str, int] = {}
    for account in driven.accounts:
        for limit in (3, 17):
            with suppress(CallFailed):  # not every vendor has every field
                cursor = driven.page(account=account, sort=sort, limit=limit, **EVER)["next_cursor"]
                lengths[f"{account} {limit}"] = len(cursor)
    together = driven.page(sort=sort, limit=7, **EVER)["next_cursor"]
    assert max(lengths.values()) <= ONE, lengths
    assert len(together) <= FIVE


def test_cursors_of_ids_pings_and_recordings_are_short_too(driven: Bench) -> None:
    ids = uris([driven.page(limit=40, **EVER)])
    found = [
        driven.page(ids=ids, limit=5)["next_cursor"],
        driven.page(ids=ids, limit=5, sort="name:asc")["next_cursor"],
        *(
            driven.call("query_pings", direction=direction, sort=sort, limit=2, **EVER)["next_cursor"]
            for direction in ("inbound", "outbound")
            for sort in ("at:desc", "revenue:desc", "campaign:asc")
        ),
    ]
    assert max(map(len, found)) <= ONE, [len(one) for one in found]


NOW = datetime(2026, 11, 25, 22, 42, 10, 123456, tzinfo=UTC)
NAMES = ["convoso", "leadexec", "leadsquared", "leadtrackr", "octanist"]
UUID = "14ed95de-bda1-4417-a539-b3e4070b1fcb"
PLACES: list[tuple[list[str], str, PageEnd, int]] = [
    (["leadsquared"], "lead", PageEnd(Position((NOW,), lead_uri("leadsquared", UUID))), ONE),
    (["leadsquared"], "lead", PageEnd(Position(("Konstantin Feather",), lead_uri("leadsquared", UUID))), ONE),
    (["octanist"], "lead", PageEnd(Position((None, Decimal("12.5")), lead_uri("octanist", "lead_005f003b"))), ONE),
    (
        ["leadexec"],
        "inbound",
        PageEnd(Position((NOW,), uri("ping", "leadexec", "inbound", UUID, type="3471", at="x"))),
        150,
    ),
    (
        NAMES,
        "lead",
        PageEnd(Position(("Konstantin Featherstone",), lead_uri("leadsquared", UUID)), None, Position((NOW,))),
        FIVE,
    ),
]


@pytest.mark.parametrize(("names", "kind", "end", "most"), PLACES)
def test_a_cursor_of_a_busy_account_is_short_and_opens_as_it_was(
    names: list[str], kind: str, end: PageEnd, most: int
) -> None:
    places, seal = Places(names, kind), Seal.of({"a/key": "secret"})
    state = PageState(NOW, tuple(names), end, dict.fromkeys(names, 104_321))
    cursor = seal.close(state.packed(places), {"sort": "x"})
    assert len(cursor) <= most
    found = PageState.unpacked(seal.open(cursor, {"sort": "x"}), places)
    assert found.totals == state.totals
    assert found.page_end.after is not None
    assert end.after is not None
    assert found.page_end.after.uri == end.after.uri
    assert found.page_end.end == end.end


def test_accounts_that_failed_or_are_finished_stay_so_in_a_short_cursor() -> None:
    places, seal = Places(NAMES, "lead"), Seal.of({"a/key": "secret"})
    state = PageState(
        NOW,
        ("leadexec", "octanist"),
        PageEnd(Position((NOW,), lead_uri("octanist", "lead_005f003b"))),
        {"leadexec": 99_000},
        {"convoso": "timeout", "leadtrackr": "not_offered"},
        ("leadsquared",),
    )
    cursor = seal.close(state.packed(places), {})
    assert len(cursor) <= FIVE
    assert PageState.unpacked(seal.open(cursor, {}), places) == state
