"""A text search over several accounts: what was found is handed out at once; a listing stays in its order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import Person, World
from tests import facts
from tests.driving import DAWN, UNTIL, Bench, CallFailed, bench, entry, in_order, now, uris

NAME = "Kofi Costa"
MAIL = "kofi.costa"
"""What every vendor's own search finds him by."""
EVER: dict[str, Any] = {"since": DAWN.isoformat()}


@dataclass(frozen=True)
class Known(World):
    """The usual world; one of those whom every vendor knows has a name of his own."""

    @property
    def who(self) -> int:
        return int(0.93 * self.leads)

    def person(self, index: int) -> Person:
        usual = super().person(index)
        his: dict[str, Any] = {"first_name": "Kofi", "last_name": "Costa", "email": f"{MAIL}@example.com"}
        return replace(usual, **his) if index == self.who else usual


def known(leads: int, **environment: str) -> Any:
    world = Known(leads, until=UNTIL)
    box = sandbox(facts.emulators(vendors.NAMES), world, clock=now, rated=False)
    return bench(box=box, environment=environment)


@pytest.fixture(scope="module")
def large() -> Iterator[Bench]:
    with known(2_000) as found:
        yield found


@pytest.fixture(scope="module")
def narrow() -> Iterator[Bench]:
    """Accounts that must be read through hold more than a page may read."""
    with known(200, LEAD_MCP_SCAN_LIMIT="120") as found:
        yield found


def test_somebody_known_to_all_is_found_on_the_first_page_in_a_few_requests(large: Bench) -> None:
    before = sum(len(large.heard(account)) for account in large.accounts)
    page = large.page(text=MAIL, limit=20, **EVER)
    requests = sum(len(large.heard(account)) for account in large.accounts) - before
    assert {uri.split("/")[2] for uri in uris([page])} == set(large.accounts)
    assert page["next_cursor"] is None
    assert requests <= 20
    assert sum(one["scanned"] for one in page["accounts"]) <= 10_000


def matching(driven: Bench) -> list[str]:
    """Whoever is called so, newest first."""
    everything = [one for account in driven.accounts for one in driven.everything(account)]
    return [one.uri for one in in_order(everything, "created_at:desc") if NAME in str(one.get("name"))]


def test_what_was_found_is_not_kept_back_for_pages_and_everything_comes_once(narrow: Bench) -> None:
    wanted = matching(narrow)
    pages = narrow.pages(text=MAIL, limit=20, **EVER)
    assert sorted(uris(pages)) == sorted(wanted)
    first = pages[0]
    searched = {name for name in narrow.accounts if any(route.text for route in vendors.vendor(name).leads.routes)}
    theirs = {uri for uri in wanted if uri.split("/")[2] in searched}
    assert theirs <= set(uris([first])), "accounts that search by themselves have told everything"
    assert uris([first]) == [uri for uri in wanted if uri in uris([first])]
    unread = [name for name in narrow.accounts if not entry(first, name)["complete"]]
    assert unread
    assert all("read back to" in entry(first, name)["note"] for name in unread)
    for page in pages[1:]:
        for name in searched:
            told = entry(page, name)
            assert told["requests"] == 0, "it is not asked again"
            assert "earlier page" in told["note"]
            assert told["total"] == entry(first, name)["total"]
    assert len(pages) <= 12


def test_a_listing_keeps_its_order_however_little_was_read(narrow: Bench) -> None:
    """Without a text somebody wants the newest: no older lead goes before them."""
    filters = [{"field": "name", "op": "contains", "value": NAME}]
    pages = narrow.pages(filters=filters, limit=20, **EVER)
    assert uris(pages) == matching(narrow)
    assert not any("read back to" in one.get("note", "") for page in pages for one in page["accounts"])


def test_a_page_of_finds_that_its_budget_cuts_goes_on_with_each_of_them_once(narrow: Bench) -> None:
    wanted = matching(narrow)
    for room in range(1_400, 2_400, 50):
        with suppress(CallFailed):
            pages = narrow.pages(text=MAIL, limit=20, max_tokens=room, **EVER)
            assert sorted(uris(pages)) == sorted(wanted), room


@pytest.mark.parametrize("sort", ["status:asc", "updated_at:desc", "value:desc,name:asc"])
def test_sorted_by_what_may_change_a_later_page_says_what_that_means(narrow: Bench, sort: str) -> None:
    for ids in (None, [one.uri for one in narrow.everything("leadsquared")]):
        asked: dict[str, Any] = {"account": "leadsquared", "sort": sort, "limit": 7}
        asked |= EVER if ids is None else {"ids": ids}
        first = narrow.page(**asked)
        assert "may be missing or come twice" not in entry(first, "leadsquared").get("note", "")
        later = narrow.page(**asked, cursor=first["next_cursor"])
        assert "a lead that changed since 2026-11-21T12:01:00Z may be missing" in entry(later, "leadsquared")["note"]


@pytest.mark.parametrize("sort", ["created_at:desc", "created_at:asc,id:asc"])
def test_sorted_by_what_does_not_change_nothing_moves_and_nothing_is_said(narrow: Bench, sort: str) -> None:
    first = narrow.page(account="leadsquared", sort=sort, limit=7, **EVER)
    later = narrow.page(account="leadsquared", sort=sort, limit=7, cursor=first["next_cursor"], **EVER)
    assert "may be missing or come twice" not in entry(later, "leadsquared").get("note", "")
