"""What a resource's template or link says of its kind is what reading it gives."""

from __future__ import annotations

from mcp.types import ResourceLink

from tests.driving import Bench, bench


def _recorded(driven: Bench) -> ResourceLink:
    for row in driven.page(account="convoso", limit=40)["leads"]["rows"]:
        for one in driven.raw_call("get_recordings", uri=row[0]).content:
            if isinstance(one, ResourceLink):
                return one
    raise AssertionError("nobody was called")


def test_mime_types_are_what_reading_gives() -> None:
    with bench(40) as driven:
        link = _recorded(driven)
        lead = driven.page(account="leadexec", limit=1)["leads"]["rows"][0][0]
        ping = driven.call("query_pings", direction="inbound", limit=1, since="2026-01-01")["pings"]["rows"][0][0]
        told = {
            one.name: one.mime_type
            for one in driven.portal.call(driven.client.list_resource_templates).resource_templates
        }
        read = {"lead": lead, "ping": ping, "recording": str(link.uri), "account": "account://octanist"}
        given = {
            name: driven.portal.call(driven.client.read_resource, uri).contents[0].mime_type
            for name, uri in read.items()
        }
    assert given == {
        "lead": "application/json",
        "ping": "application/json",
        "recording": "audio/wav",
        "account": "application/json",
    }
    assert {name: told[name] for name in read} == {**given, "recording": None}
    assert link.mime_type in (None, given["recording"])
