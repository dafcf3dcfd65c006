"""The dearest, the newest or the first of very many are asked of the vendor, wherever it puts leads without a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log2
from typing import Any

import pytest

from lead_mcp.dates import Window
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.sandbox.world import Person, World
from tests.driving import DAWN, NEWEST, NOW, Bench, bench, entry, in_order, uris

LEADS = 1_500
PAGE = 100
ENOUGH = 5
"""Requests for the first 20, at any size."""
SORTS = {
    "octanist": ("value", "qualified_at", "updated_at", "created_at", "name", "email"),
    "leadtrackr": ("value", "created_at", "first_name", "last_name", "email"),
}
TEXTS = ("name", "email", "first_name", "last_name")
"""Nobody says how a vendor orders letters: it is not asked to."""
AS_A_VALUE = {"least": "asc", "greatest": "desc"}
"""Where absent ones sort like a value, the direction that begins with them."""
CASES = [
    pytest.param((account, nulls), id=f"{account}-{nulls}", marks=() if nulls in quick else pytest.mark.slow)
    for account, quick in (("octanist", ("first", "least")), ("leadtrackr", ("last", "greatest")))
    for nulls in ("first", "last", *AS_A_VALUE)
]
SORTED_HERE = "sorted here, within the newest records"
Case = tuple[Bench, str, str, list[Record]]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    account, nulls = request.param
    with bench(LEADS, only=[account], options={account: {"nulls": nulls}}) as driven:
        yield driven, account, nulls, driven.portal.call(everything, driven, account)


async def everything(driven: Bench, account: str) -> list[Record]:
    connection, columns = driven.runtime.connection(account), SORTS[account]
    query = Query(window=Window(DAWN, None, "UTC"), limit=1_000_000, columns=columns, orders=NEWEST, now=NOW)
    return list((await search([connection], query, Limits(60, 1_000_000), driven.runtime.seal)).records)


def test_the_first_twenty_by_whatever_it_sorts_by_take_few_requests(case: Case) -> None:
    driven, account, nulls, records = case
    for field in SORTS[account]:
        for direction in ("asc", "desc"):
            sort = f"{field}:{direction}"
            wanted = [one.uri for one in in_order(records, sort)][:20]
            for again in (False, True):
                page = driven.page(account=account, sort=sort, since=DAWN.isoformat())
                said = entry(page, account)
                assert uris([page]) == wanted, (sort, said)
                assert said["complete"] is True
                if field in TEXTS:
                    continue
                found_out = AS_A_VALUE.get(nulls) == direction and not again and said["requests"] > ENOUGH
                most = 3 + 2 * log2(LEADS / PAGE) if found_out else ENOUGH
                assert said["requests"] <= most, (sort, said)


@pytest.mark.parametrize("place", CASES)
def test_every_page_of_it_holds_what_comes_next_and_everything_comes_once(place: tuple[str, str]) -> None:
    account, nulls = place
    with bench(260, only=[account], options={account: {"nulls": nulls}}) as driven:
        records = driven.portal.call(everything, driven, account)
        fields = ("value", "email", "qualified_at") if account == "octanist" else ("value", "email")
        for sort in (f"{field}:{direction}" for field in fields for direction in ("asc", "desc")):
            field = sort.partition(":")[0]
            filters: dict[str, list[dict[str, Any]]] = {"all": []}
            if field == "value":
                filters["dear"] = [{"field": "value", "op": "gte", "value": 300}]
                filters["some"] = [{"field": "value", "op": "ne", "value": 300}]
            if field == "qualified_at":
                filters["there"] = [{"field": field, "op": "exists", "value": True}]
                filters["absent"] = [{"field": field, "op": "exists", "value": False}]
            for name, asked in filters.items():
                pages = driven.pages(account=account, sort=sort, filters=asked, limit=90, since=DAWN.isoformat())
                wanted = [one.uri for one in in_order([one for one in records if fits(one, name, field)], sort)]
                assert uris(pages) == wanted, (sort, name)


def fits(one: Record, name: str, field: str) -> bool:
    value: Any = one.get(field)
    tests = {"all": True, "dear": value is not None and name == "dear" and value >= 300, "absent": value is None}
    return bool(tests.get(name, value is not None))


@pytest.mark.parametrize("nulls", ["first", "last", "least"])
@pytest.mark.parametrize("accounts", ["octanist", "leadtrackr", "octanist,leadtrackr"])
def test_a_tie_and_absent_values_beyond_the_scan_limit_come_once_too(
    accounts: str, nulls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the vendor's order leads no further, what lies behind the place that was reached comes in batches."""
    drawn = World.person

    def alike(world: World, index: int) -> Person:
        found = drawn(world, index)
        return replace(found, value=7.0) if found.value is not None and index % 4 else found

    monkeypatch.setattr(World, "person", alike)
    names = accounts.split(",")
    options = {name: {"nulls": nulls} for name in names}
    with bench(260, only=names, options=options, environment={"LEAD_MCP_SCAN_LIMIT": "60"}) as driven:
        records = [one for name in names for one in driven.portal.call(everything, driven, name)]
        for sort in ("value:desc", "value:asc"):
            pages = driven.pages(sort=sort, limit=45, since=DAWN.isoformat())
            assert sorted(uris(pages)) == sorted(one.uri for one in records), sort
            batches = [any(SORTED_HERE in one.get("note", "") for one in page["accounts"]) for page in pages]
            ordered = uris(pages[: batches.index(True)] if True in batches else pages)
            assert ordered == [one.uri for one in in_order(records, sort)][: len(ordered)]
            assert ordered or sort == "value:asc", "the first are asked of the vendor, in its order"
