"""What an outside check found: reading goes on where a page says little, and a part is never called the whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import anyio
import pytest

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.errors import RateLimited
from lead_mcp.transport.outbound import Outbound
from lead_mcp.transport.retrying import retriable
from lead_mcp.vendors.leadsquared import VENDOR
from lead_mcp.vendors.spec.http import Effect, Reply, Request
from lead_mcp.vendors.spec.vendor import account_of
from tests.driving import DAWN, Bench, bench, uris

LEAD = "00000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def narrow() -> Iterator[Bench]:
    with bench(90, environment={"LEAD_MCP_SCAN_LIMIT": "30"}, only=["octanist", "leadsquared"]) as found:
        yield found


@pytest.mark.parametrize("account", ["octanist", "leadsquared"])
def test_the_rest_of_a_batch_is_not_the_total(narrow: Bench, account: str) -> None:
    pages = narrow.pages(account=account, sort="name:asc", limit=8, since=DAWN.isoformat())
    assert {page["total"] for page in pages} <= {None, len(uris(pages))}


def test_one_lead_in_two_spellings_comes_once(narrow: Bench) -> None:
    ids = [one.id for one in narrow.everything("leadsquared")][:3]
    page = narrow.page(account="leadsquared", ids=[*ids, *(one.upper() for one in ids)])
    assert uris([page]) == [f"lead://leadsquared/{one}" for one in ids]
    assert page["missing"] == []


class Calls:
    """A lead's calls, pages counted from 0 or 1."""

    def __init__(self, calls: list[Mapping[str, Any]], first: int) -> None:
        self.calls, self.first, self.account = calls, first, account_of(VENDOR, "leadsquared")
        self.vendor = VENDOR

    async def fetch(self, request: Request, read: Any, count: Any) -> Any:
        count()
        page = max(0, int(request.json["Paging"]["Offset"]) - self.first)
        found = [one for one in self.calls if one["EventCode"] == request.json["Parameter"]["ActivityEvent"]]
        body = {"RecordCount": len(found), "ProspectActivities": found[page * 100 : page * 100 + 100]}
        return read(Reply(200, json.dumps(body).encode()))


@pytest.mark.parametrize("first", [0, 1])
def test_every_recording_is_found_behind_a_doubled_page_and_behind_calls_without_one(first: int) -> None:
    calls: list[Mapping[str, Any]] = [
        {
            "Id": f"a{nth}",
            "EventCode": 21,
            "Data": [{"Key": "mx_Custom_4", "Value": "https://x/1" if nth > 220 else ""}],
        }
        for nth in range(330)
    ]
    connection = Connection(cast("Outbound", Calls(calls, first)))
    found = anyio.run(recordings_of, connection, LEAD, None, None, 10.0)
    assert len(found.found) == 109


def test_a_rate_limit_is_waited_for_whatever_its_status() -> None:
    again = retriable(Effect.READ)

    async def asked() -> Any:
        return again(RateLimited("too often", status=500))

    assert anyio.run(asked) is True
