"""A vendor that ignores a filter it is documented to take: its rows show it, and the filter is checked here from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from lead_mcp.engine.readers.heeding import Unheeded, check_heeded
from lead_mcp.filters import Op, Where
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field
from lead_mcp.vendors.spec.http import Request
from lead_mcp.vendors.spec.reading import PageRequest, Route
from tests.driving import DAWN, Bench, bench, entry, uris

EVER: dict[str, Any] = {"since": DAWN.isoformat()}
FILTERS = [
    ("octanist", {"field": "status", "op": "eq", "value": "won"}),
    ("octanist", {"field": "value", "op": "gt", "value": 900}),
    ("octanist", {"field": "utm_source", "op": "eq", "value": "google"}),
    ("octanist", {"field": "gclid", "op": "exists", "value": True}),
    ("leadtrackr", {"field": "gclid", "op": "exists", "value": False}),
]


@contextmanager
def deaf(driven: Bench, account: str, field: str) -> Iterator[list[Request]]:
    """The account's vendor without that filter, and what it was asked by it."""
    outbound, asked = driven.runtime.connection(account).outbound, list[Request]()
    vendor = outbound.vendor

    def build(route: Route, found: Account, ask: PageRequest) -> Request:
        heard = [where for where in ask.where if where.field != field]
        if len(heard) < len(ask.where):
            asked.append(route.build(found, ask))
        return route.build(found, replace(ask, where=heard))

    routes = [replace(one, build=partial(build, one)) for one in vendor.leads.routes]
    outbound.vendor = replace(vendor, leads=replace(vendor.leads, routes=routes))
    try:
        yield asked
    finally:
        outbound.vendor = vendor


@pytest.mark.parametrize(("account", "clause"), FILTERS)
def test_a_filter_that_the_vendor_ignores_is_checked_here(account: str, clause: dict[str, Any]) -> None:
    """Every match and no other record; it is said once, and the filter is not sent again."""
    asked = {"account": account, "filters": [clause], **EVER}
    with bench(120, only=[account]) as driven:
        wanted = driven.page(**asked, limit=200)
        driven.runtime.connection(account).learned.refused.clear()
        with deaf(driven, account, clause["field"]) as heard:
            total = driven.call("summarize_leads", **asked, measures=["count"])["total"]
            tried = len(heard)
            pages = driven.pages(**asked, limit=50)
        assert uris(pages) == uris([wanted])
        assert total == len(uris([wanted]))
        assert entry(pages[0], account)["complete"] is True
        assert 0 < tried == len(heard), "not asked by it again"


def test_the_ledger_says_that_a_filter_is_not_heeded() -> None:
    with bench(60, only=["octanist"]) as driven, deaf(driven, "octanist", "status"):
        page = driven.page(account="octanist", filters=[FILTERS[0][1]], limit=200, **EVER)
        told = entry(page, "octanist")
    assert "does not heed the filter by status" in told["note"]
    assert told["checked_here"] == ["status eq won", *[one for one in told["checked_here"] if "status" not in one]]


@pytest.mark.parametrize(
    ("where", "field", "row", "heeded"),
    [
        (Where("f", Op.EQ, "Google"), Field("f", vendor_text=True), {"f": "google ads"}, True),
        (Where("f", Op.EQ, "Muller"), Field("f", vendor_text=True), {"f": "Müller"}, True),
        (Where("f", Op.EQ, "google"), Field("f", vendor_text=True), {"f": "facebook"}, False),
        (Where("f", Op.IN, ("won", "lost")), Field("f"), {"f": "Lost"}, True),
        (Where("f", Op.IN, ("won", "lost")), Field("f"), {"f": "open"}, False),
        (Where("f", Op.EQ, "won"), Field("f"), {}, True),
        (Where("f", Op.EXISTS, value=True), Field("f"), {"f": ""}, False),
        (Where("f", Op.EXISTS, value=False), Field("f"), {"f": None}, True),
    ],
    ids=lambda one: None if isinstance(one, Field) else str(one),
)
def test_only_what_contradicts_a_filter_in_every_reading_shows_it(
    where: Where, field: Field, row: dict[str, Any], *, heeded: bool
) -> None:
    if heeded:
        check_heeded([(where, field)], [row])
        return
    with pytest.raises(Unheeded):
        check_heeded([(where, field)], [row])
