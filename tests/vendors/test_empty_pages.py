"""An empty page as vendors write one: no array at all is no rows where the reply itself counts none, and garbled elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.errors import MalformedReply
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
