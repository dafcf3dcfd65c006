"""Vendors that do what no document forbids: they order letters in their own way, count wrongly, refuse a short search.

Every match comes once all the same, and what cannot be known is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import parse_qs

import pytest
from starlette.responses import JSONResponse

from lead_mcp import vendors
from lead_mcp.filters import Kind
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import Person, World
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Raw, Reply
from lead_mcp.vendors.spec.reading import Page, PageRequest, Route
from tests import facts
from tests.driving import DAWN, UNTIL, Bench, CallFailed, bench, entry, in_order, now, uris

EVER: dict[str, Any] = {"since": DAWN.isoformat()}
TEXTS = ("email", "first_name", "last_name", "name", "status")
COUNTING = ("convoso", "leadexec", "leadtrackr", "octanist")
Change = Callable[[Page, PageRequest], Page]


@dataclass(frozen=True)
class Cased(World):
    """People written in capitals or small letters, some of whom begin with a letter behind Z."""

    def person(self, index: int) -> Person:
        usual = super().person(index)
        spell: Callable[[str], str] = str.upper if index % 2 else str.lower
        first = f"{'' if index % 3 else 'Å'}{usual.first_name}"
        email = usual.email and spell(usual.email)
        return replace(usual, first_name=spell(first), last_name=spell(usual.last_name), email=email)


@pytest.fixture(scope="module")
def cased() -> Iterator[Bench]:
    box = sandbox(facts.emulators(vendors.NAMES), Cased(130, until=UNTIL), clock=now, rated=False)
    with bench(box=box) as found:
        yield found


@contextmanager
def read_as(driven: Bench, account: str, change: Change) -> Iterator[None]:
    """Every page of the account's listings as it is changed."""
    outbound = driven.runtime.connection(account).outbound
    vendor = outbound.vendor

    def changed(route: Route, found: Account, ask: PageRequest, reply: Reply) -> Page:
        return change(route.read(found, ask, reply), ask)

    routes = [replace(one, read=partial(changed, one)) for one in vendor.leads.routes]
    outbound.vendor = replace(vendor, leads=replace(vendor.leads, routes=routes))
    try:
        yield
    finally:
        outbound.vendor = vendor


@pytest.mark.parametrize("account", vendors.NAMES)
def test_no_vendor_is_asked_to_order_text(cased: Bench, account: str) -> None:
    """Nobody says how a vendor orders letters: a page that looks in order may lack what stands elsewhere in its order."""
    connection = cased.runtime.connection(account)
    ordered = {name for route in connection.vendor.leads.routes for name in route.orders | route.nullable}
    assert {connection.account.fields.ours[name].kind for name in ordered} <= {Kind.TIME, Kind.NUMBER}


@pytest.mark.parametrize("account", vendors.NAMES)
def test_pages_by_text_hold_every_lead_once_in_our_order(cased: Bench, account: str) -> None:
    known = cased.runtime.connection(account).account.fields.ours
    for field in TEXTS:
        if field in known:
            sort = f"{field}:desc"
            pages = cased.pages(account=account, sort=sort, limit=60, **EVER)
            assert uris(pages) == [one.uri for one in in_order(cased.everything(account), sort)], field


def miscounted(lie: int, page: Page, ask: PageRequest) -> Page:
    """A total that is so much off; whether more follow, the vendor says rightly."""
    total, end = page.total or 0, ask.offset + len(page.rows)
    return replace(page, total=max(0, total + lie), more=end < total if page.more is not None else None)


def sorts_at(cased: Bench, account: str, *sorts: str) -> list[str]:
    """Those by fields that the vendor has."""
    known = cased.runtime.connection(account).account.fields.ours
    return [sort for sort in sorts if sort.partition(":")[0] in known]


@pytest.mark.parametrize("account", COUNTING)
def test_a_total_that_the_records_belie_is_not_told(cased: Bench, account: str) -> None:
    """Too many are counted: which of the two is right nobody knows. Too few: all are read, and counted here."""
    every = {one.uri for one in cased.everything(account)}
    for sort, lie in product(sorts_at(cased, account, "created_at:desc", "value:desc", "name:asc"), (9, -40)):
        with read_as(cased, account, partial(miscounted, lie)):
            page = cased.page(account=account, sort=sort, limit=200, **EVER)
        found, told = set(uris([page])), entry(page, account)
        assert found == every
        assert told["total"] in ((None,) if lie > 0 else (None, len(every)))
        assert (lie < 0) or not told["complete"], told


def page_counted(most: int, page: Page, ask: PageRequest) -> Page:
    """Few rows at once, and a total that counts this page alone; whether more follow, the vendor says rightly."""
    rows = page.rows[:most]
    return Page(rows, len(rows), ask.offset + len(rows) < (page.total or 0))


@pytest.mark.parametrize("account", COUNTING)
def test_a_total_of_the_page_alone_ends_no_reading_and_is_not_told(cased: Bench, account: str) -> None:
    """A vendor that says that more follow does not count them all."""
    for sort in sorts_at(cased, account, "created_at:desc", "value:asc", "name:asc"):
        every = [one.uri for one in in_order(cased.everything(account), sort)]
        with read_as(cased, account, partial(page_counted, 100)):
            pages = cased.pages(account=account, sort=sort, limit=60, **EVER)
        assert uris(pages) == every, sort
        assert {entry(page, account)["total"] for page in pages} <= {None, len(every)}, sort


def silent(most: int, page: Page, ask: PageRequest) -> Page:
    """No more rows than that at once, and no word on how many there are."""
    return Page(page.rows[:most])


@pytest.mark.parametrize("sort", ["created_at:asc", "name:desc"])
@pytest.mark.parametrize("account", vendors.NAMES)
def test_a_vendor_that_gives_few_rows_at_once_and_says_nothing_is_read_to_the_end(
    cased: Bench, account: str, sort: str
) -> None:
    every = [one.uri for one in in_order(cased.everything(account), sort)]
    cased.runtime.connection(account).learned.whole.clear()
    with read_as(cased, account, partial(silent, 25)):
        page = cased.page(account=account, sort=sort, limit=200, **EVER)
    assert uris([page]) == every
    assert entry(page, account)["total"] in (None, len(every))


@pytest.mark.parametrize("most", [25, 1_000])
@pytest.mark.parametrize("account", ["convoso", "leadexec"])
def test_slices_that_hold_round_numbers_of_records_are_not_cut_down_to_seconds(account: str, most: int) -> None:
    """A round number of rows looks like all that a vendor gives at once: that is tried once, and not for every slice."""
    asked = []
    with bench(150, only=[account], environment={"LEAD_MCP_MIRROR": "off"}) as driven:
        for silenced in (False, True):
            before = len(driven.heard(account))
            with read_as(driven, account, partial(silent, most) if silenced else lambda page, ask: page):
                page = driven.call("summarize_leads", account=account, group_by=["status"], **EVER)
            asked.append(len(driven.heard(account)) - before)
            assert page["total"] == 150
    assert asked[1] <= asked[0] + (6 if most > 150 else 60), asked


@pytest.mark.parametrize("account", ["leadsquared", "leadexec"])
def test_a_short_page_behind_which_nothing_came_is_not_asked_beyond_again(account: str) -> None:
    asked = []
    with bench(10, only=[account], environment={"LEAD_MCP_MIRROR": "off"}) as driven:
        for _ in range(2):
            before = len(driven.heard(account))
            with read_as(driven, account, partial(silent, 1_000)):
                driven.page(account=account, limit=200, **EVER)
            asked.append(len(driven.heard(account)) - before)
    assert asked[1] < asked[0]


def too_short(driven: Bench, account: str, least: int) -> Callable[..., Any]:
    """The emulator, refusing every search for fewer characters than that."""
    usual = driven.box.stages[account].app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked = parse_qs(scope["query_string"].decode())
        words = [word for key in ("search", "key") for word in asked.get(key, [])]
        if any(len(word) < least for word in words):
            return await JSONResponse({"message": "The search is too short."}, status_code=400)(scope, receive, send)
        await usual(scope, receive, send)

    return app


@pytest.mark.parametrize("least", [3, 5])
@pytest.mark.parametrize("account", ["octanist", "leadtrackr", "leadsquared"])
def test_a_search_refused_for_being_short_is_asked_for_more(cased: Bench, account: str, least: int) -> None:
    person = cased.box.world.person(int(130 * 0.9))  # of those whom every vendor knows
    whole = cased.call("trace_lead", phone=person.phone)
    stage, learned = cased.box.stages[account], cased.runtime.connection(account).learned
    usual, learned.finds_parts = stage.app, False
    stage.app = too_short(cased, account, least)
    try:
        story = cased.call("trace_lead", phone=person.phone)
    finally:
        stage.app = usual
    assert "error" not in entry(story, account)
    assert story["leads"]["rows"] == whole["leads"]["rows"]


def reads_as(row: Raw, account: Account, ids: Sequence[str], reply: Reply) -> Sequence[Raw]:
    return [row]


@pytest.mark.parametrize("account", vendors.NAMES)
def test_other_leads_than_the_one_asked_for_do_not_say_that_there_is_none(cased: Bench, account: str) -> None:
    """As where a vendor ignores a filter by id."""
    one, other = cased.everything(account)[:2]
    outbound = cased.runtime.connection(account).outbound
    vendor = outbound.vendor
    for row in (other.raw, {}):
        lookup = replace(vendor.lookup, read=partial(reads_as, row))
        outbound.vendor = replace(vendor, lookup=lookup)
        try:
            with pytest.raises(CallFailed) as failed:
                cased.call("get_lead", uri=one.uri)
        finally:
            outbound.vendor = vendor
        assert failed.value.code == "garbled"
        assert "gave other records" in failed.value.message


@pytest.mark.parametrize("tool", ["search_leads", "get_lead"])
@pytest.mark.parametrize("account", vendors.NAMES)
def test_a_path_that_is_not_there_does_not_say_that_there_is_no_such_lead(
    cased: Bench, account: str, tool: str
) -> None:
    uri = cased.everything(account)[0].uri
    asked = {"uri": uri} if tool == "get_lead" else {"account": account, **EVER}
    cased.box.fault(account, "reject", status=404, body="<html>404</html>", times=-1)
    try:
        with pytest.raises(CallFailed) as failed:
            cased.call(tool, **asked)
    finally:
        cased.box.stages[account].faults.clear()
    assert failed.value.code != "not_found"
    assert "base" in failed.value.message
