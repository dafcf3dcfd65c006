"""Pages and cursors: every match exactly once, whatever the sort, the scan limit, and whoever arrives in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from lead_mcp import settings
from lead_mcp.server import build_server
from tests.asking import SORTS
from tests.driving import DAWN, NOW, Bench, CallFailed, bench, entry, in_order, uris
from tests.facts import TRIED
from tests.profiles import examples

SCAN = 40
SINCE = DAWN.isoformat()


@pytest.fixture(scope="module")
def narrow() -> Iterator[Bench]:
    """A scan limit smaller than the data."""
    with bench(110, environment={"LEAD_MCP_SCAN_LIMIT": str(SCAN)}, only=TRIED) as found:
        yield found


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(80, only=TRIED) as found:
        yield found


@pytest.mark.parametrize("account", TRIED)
@examples(14)
@given(sort=st.sampled_from(SORTS), limit=st.sampled_from([5, 17, 60]), odd=st.booleans())
def test_sorted_over_batches_every_match_comes_exactly_once(
    narrow: Bench, account: str, sort: str, limit: int, odd: bool
) -> None:
    if any(
        part.split(":")[0] not in narrow.runtime.connection(account).account.fields.ours for part in sort.split(",")
    ):
        return
    filters = [{"field": "email", "op": "contains", "value": "a"}] if odd else []
    pages = narrow.pages(account=account, sort=sort, limit=limit, since=SINCE, filters=filters)
    wanted = [one for one in narrow.everything(account) if not odd or "a" in str(one.get("email") or "").casefold()]
    assert sorted(uris(pages)) == sorted(one.uri for one in wanted)
    if sort.startswith("created_at:") and "," not in sort:
        assert uris(pages) == [one.uri for one in in_order(wanted, sort)]
    elif pages[0]["next_cursor"] and len(pages[0]["leads"]["rows"]) < limit:
        assert entry(pages[0], account)["complete"] is False


@pytest.mark.parametrize("sort", ["created_at:desc", "value:desc", "name:asc"])
def test_all_accounts_in_batches_give_every_match_exactly_once(narrow: Bench, sort: str) -> None:
    pages = narrow.pages(sort=sort, limit=50, since=SINCE)
    wanted = [one for account in narrow.accounts for one in narrow.everything(account)]
    assert sorted(uris(pages)) == sorted(one.uri for one in wanted)
    if sort == "created_at:desc":
        assert uris(pages) == [one.uri for one in in_order(wanted, sort)]


@pytest.mark.parametrize("account", TRIED)
def test_few_matches_behind_many_records_come_exactly_once_and_each_page_admits_its_limit(
    narrow: Bench, account: str
) -> None:
    rare = narrow.everything(account)[-1]
    filters = [{"field": "id", "op": "contains", "value": rare.id[1:]}]
    pages = narrow.pages(account=account, since=SINCE, filters=filters, limit=5)
    assert rare.uri in uris(pages)
    assert len(uris(pages)) == len(set(uris(pages)))
    cut = [entry(page, account) for page in pages if not entry(page, account)["complete"]]
    assert cut == [entry(page, account) for page in pages[: len(cut)]]
    assert all(f"scan limit of {SCAN}" in one["note"] or "scan limit of 20" in one["note"] for one in cut)
    assert (len(pages) > 1) is bool(cut)


def test_the_newest_of_a_big_account_cost_few_requests_and_later_pages_do_not_begin_again() -> None:
    """An account that cannot sort is read in slices of time: page N never reads pages 1 to N-1 again."""
    with bench(3000, only=["convoso"]) as driven:
        account = "convoso"
        newest = in_order(driven.everything(account), "created_at:desc")
        cursor: dict[str, Any] = {}
        for nth in range(6):
            before = len(driven.heard(account))
            page = driven.page(account=account, limit=20, **cursor)
            assert uris([page]) == [one.uri for one in newest[nth * 20 : nth * 20 + 20]]
            assert len(driven.heard(account)) - before <= 6
            assert entry(page, account)["requests"] == len(driven.heard(account)) - before
            assert entry(page, account)["scanned"] <= 600
            cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("account", TRIED)
def test_a_later_page_costs_no_more_than_the_first(driven: Bench, account: str) -> None:
    pages = driven.pages(account=account, limit=10, since=SINCE)
    costs = [entry(page, account)["requests"] for page in pages]
    assert max(costs[1:]) <= costs[0] + 2


@pytest.mark.parametrize("sort", ["created_at:desc", "created_at:asc", "updated_at:desc"])
def test_leads_that_arrive_between_pages_shift_nothing(sort: str) -> None:
    """New octanist leads are stored at the emulator's clock, which is the question's own moment or later."""
    account = "octanist"
    with bench(60, only=[account]) as driven:
        before = [one.uri for one in in_order(driven.everything(account), sort)]
        page = driven.page(account=account, limit=9, sort=sort)
        found = [page]
        while page["next_cursor"]:
            for _ in range(3):
                driven.portal.call(_arrive, driven)
            page = driven.page(account=account, limit=9, sort=sort, cursor=page["next_cursor"])
            found.append(page)
        assert uris(found) == before
        assert all(page["total"] in (None, len(before)) for page in found)


async def _arrive(driven: Bench) -> None:
    key = driven.runtime.settings.accounts["octanist"].secrets["api_key"].get_secret_value()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=driven.box), base_url="http://box") as client:
        body = {"name": "New Comer", "email": "new.comer@example.com"}
        reply = await client.post("/octanist/api/leads", json=body, headers={"X-API-KEY": key})
        assert reply.status_code == 201


@pytest.mark.parametrize(
    "changed",
    [
        {"limit": 6},
        {"sort": "created_at:asc"},
        {"text": "ann"},
        {"since": "2026-01-02"},
        {"account": "octanist"},
        {"detail": "detailed"},
        {"fields": ["city"]},
        {"filters": [{"field": "email", "op": "ne", "value": "secret-zebra"}]},
    ],
)
def test_a_cursor_goes_with_its_own_arguments_alone(driven: Bench, changed: dict[str, Any]) -> None:
    asked = {"limit": 5, "since": "2026-01-01"}
    cursor = driven.page(**asked)["next_cursor"]
    with pytest.raises(CallFailed, match=r"bad_argument: cursor"):
        driven.page(**{**asked, **changed}, cursor=cursor)


@pytest.mark.parametrize("how", ["x", "ä", "AAAA", "cut", "flipped", "doubled"])
def test_a_cursor_that_is_not_ours_is_refused(driven: Bench, how: str) -> None:
    cursor = driven.page(limit=5)["next_cursor"]
    middle = len(cursor) // 2
    other = "A" if cursor[middle] != "A" else "B"
    tampered = {
        "cut": cursor[:-4],
        "flipped": cursor[:middle] + other + cursor[middle + 1 :],
        "doubled": cursor * 2,
    }.get(how, how)
    with pytest.raises(CallFailed, match=r"bad_argument"):
        driven.page(limit=5, cursor=tampered)


def test_a_cursor_holds_no_value_in_clear(driven: Bench) -> None:
    from base64 import urlsafe_b64decode

    filters = [{"field": "email", "op": "ne", "value": "secret-zebra@example.com"}]
    cursor = driven.page(limit=5, filters=filters)["next_cursor"]
    inside = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for word in (b"zebra", b"example", b"octanist", b"2026", b"lead:"):
        assert word not in inside
        assert word.decode() not in cursor
    assert cursor != driven.page(limit=5, filters=filters)["next_cursor"]


def test_another_process_with_the_same_accounts_reads_on(driven: Bench) -> None:
    first = driven.page(limit=15)
    expected = driven.page(limit=15, cursor=first["next_cursor"])

    async def elsewhere() -> dict[str, Any]:
        server = build_server(settings.load(), lambda: httpx2.ASGITransport(app=driven.box))
        async with Client(server) as client:
            said = await client.call_tool("search_leads", {"limit": 15, "cursor": first["next_cursor"]})
            return dict(said.structured_content or {})

    said = driven.portal.call(elsewhere)
    assert uris([said]) == uris([expected])


def test_relative_dates_of_a_later_page_are_read_as_on_the_first(driven: Bench) -> None:
    first = driven.page(limit=5, since="-30d")
    driven.runtime.common.clock = lambda: datetime(2027, 5, 1, tzinfo=UTC)
    try:
        second = driven.page(limit=5, since="-30d", cursor=first["next_cursor"])
    finally:
        driven.runtime.common.clock = lambda: NOW
    assert second["window"] == first["window"]
    assert len(uris([second])) == 5, second["accounts"]
