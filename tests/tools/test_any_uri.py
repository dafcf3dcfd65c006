"""A URI printed by any tool goes into any tool that reads one lead: a recording's and a ping's lead to theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.driving import Bench, CallFailed, bench

EVER = {"since": "2000-01-01"}


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(60, environment={"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}) as found:
        yield found


def pings(driven: Bench, *, received: bool) -> list[list[Any]]:
    asked = [{"field": "lead_id", "op": "exists", "value": received}]
    found = driven.call("query_pings", direction="inbound", filters=asked, **EVER)["pings"]
    return [[row[0], row[found["columns"].index("lead_uri")]] for row in found["rows"]]


def recording(driven: Bench) -> tuple[str, str]:
    """A recording's URI, and that of its lead."""
    for row in driven.page(account="convoso", limit=60)["leads"]["rows"]:
        found = driven.call("get_recordings", uri=row[0])["recordings"]["rows"]
        if found:
            return found[0][0], row[0]
    raise AssertionError("no lead has a recording")


def test_get_lead_and_trace_lead_take_them(driven: Bench) -> None:
    for uri, lead in (recording(driven), *pings(driven, received=True)[:3]):
        assert driven.call("get_lead", uri=uri)["uri"] == lead
        assert lead in [row[0] for row in driven.call("trace_lead", uri=uri)["leads"]["rows"]]


def test_get_recordings_takes_them(driven: Bench) -> None:
    uri, lead = recording(driven)
    assert driven.call("get_recordings", uri=uri) == driven.call("get_recordings", uri=lead)


def test_a_ping_without_a_lead_says_so(driven: Bench) -> None:
    uri = pings(driven, received=False)[0][0]
    with pytest.raises(CallFailed) as failed:
        driven.call("get_lead", uri=uri)
    assert failed.value.code == "not_found"
    assert "No lead came of the ping" in failed.value.message


def test_what_writes_takes_a_leads_own_uri_alone(driven: Bench) -> None:
    uri, _ = recording(driven)
    for tool, more in (("delete_lead", {}), ("update_lead", {"changes": {"first_name": "Ann"}})):
        with pytest.raises(CallFailed) as failed:
            driven.call(tool, uri=uri, dry_run=True, **more)
        assert (failed.value.code, "lead://ACCOUNT/ID" in failed.value.message) == ("bad_argument", True)
