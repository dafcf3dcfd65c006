"""An empty page as vendors write one: no array at all is no rows where the reply itself counts none, and garbled elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.errors import LeadMcpError, MalformedReply
from lead_mcp.vendors.spec.reading import PageRequest
from lead_mcp.vendors.spec.vendor import account_of
from tests.replies import reply

ENVELOPES: dict[str, Callable[[Any, Any], Any]] = {
    "convoso": lambda rows, count: {
        "success": True,
        "data": {"offset": 0, "limit": 10, "total": count, "entries": rows},
    },
    "leadexec": lambda rows, count: {"QueryTotal": count, "SentCount": 0, "Skip": 0, "Take": 10, "Leads": rows},
    "leadsquared": lambda rows, count: {"RecordCount": count, "Leads": rows},
    "leadtrackr": lambda rows, count: {"message": "Leads retrieved", "leads": rows, "total": count, "hasMore": False},
    "octanist": lambda rows, count: {"success": True, "data": rows, "meta": {"pagination": {"total": count}}},
}


PAST_THE_END = {
    "leadtrackr": {"message": "No leads found"},
    "octanist": {"success": False, "error": {"code": "NOT_FOUND", "message": "Page out of range"}},
}


@pytest.mark.parametrize("account", PAST_THE_END)
def test_a_404_behind_the_first_page_is_a_page_past_the_end(account: str) -> None:
    vendor, answer = vendors.vendor(account), reply(PAST_THE_END[account], 404)
    read = partial(vendor.leads.routes[-1].read, account_of(vendor, account))
    page = read(PageRequest(offset=100, limit=100), answer)
    assert (page.rows, page.more) == ((), False)
    for first, found in (
        (PageRequest(limit=100), answer),
        (PageRequest(offset=100, limit=100), reply(b"<html>no</html>", 404)),
    ):
        with pytest.raises(LeadMcpError):
            read(first, found)


@pytest.mark.parametrize("none", [[], None, {}], ids=str)
@pytest.mark.parametrize("account", vendors.NAMES)
def test_no_rows_are_none_where_none_are_counted(account: str, none: Any) -> None:
    vendor, ask = vendors.vendor(account), PageRequest()
    route, envelope = vendor.leads.routes[-1], ENVELOPES[account]
    for count in (0, "0"):
        assert route.read(account_of(vendor, account), ask, reply(envelope(none, count))).rows == []
    if none != []:
        with pytest.raises(MalformedReply):
            route.read(account_of(vendor, account), ask, reply(envelope(none, 3)))
