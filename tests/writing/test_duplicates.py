"""The same person is looked for to the end; where the look is cut, nobody says that there is no duplicate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.facts import offering
from tests.writing.desk import Desk, desk, emulators, insertion, somebody

CROWD = 120
"""Newer leads whose e-mails contain the one looked for: more than a page of either vendor's search."""
READ_THROUGH = sorted(offering(lambda vendor: vendor.insert is not None and vendor.person_lookup is None))
"""Vendors that cannot be asked for a person."""


@pytest.fixture(scope="module")
def crowded() -> Sandbox:
    return emulators(20)


@pytest.fixture(scope="module")
def hands(crowded: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("state"), crowded, environment={"LEAD_MCP_WRITES": "allow"}) as found:
        yield found


def crowd(hands: Desk, vendor: str, email: str) -> None:
    """Many newer leads whose e-mails end in this one; nobody is looked for while they go in."""
    leads = []
    for nth in range(CROWD):
        lead = {**somebody(vendor), "email": f"x{nth}.{email}"}
        del lead["phone"]
        leads.append(insertion(vendor, lead, on_duplicate="allow"))

    async def all_of_them() -> None:
        for arguments in leads:
            result = await hands.client.call_tool("insert_lead", arguments)
            assert not result.is_error, result.content

    hands.portal.call(all_of_them)


@pytest.mark.parametrize("vendor", ["octanist", "leadtrackr"])
def test_a_crowd_of_newer_leads_hides_nobody(hands: Desk, vendor: str) -> None:
    """Their search finds parts of an e-mail: what is asked for stands far down."""
    lead = somebody(vendor)
    uri = hands.call("insert_lead", **insertion(vendor, lead))["uri"]
    crowd(hands, vendor, lead["email"])
    found = hands.call("insert_lead", **insertion(vendor, {**somebody(vendor), "email": lead["email"]}))
    assert (found["outcome"], found["uri"]) == ("duplicate", uri)
    traced = hands.call("trace_lead", email=lead["email"], since="2000-01-01")
    assert [row[0] for row in traced["leads"]["rows"] if row[0].startswith(f"lead://{vendor}/")] == [uri]


@pytest.mark.parametrize("vendor", READ_THROUGH)
def test_a_look_that_was_cut_is_no_reason_to_insert(crowded: Sandbox, tmp_path: Path, vendor: str) -> None:
    environment = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_SCAN_LIMIT": "5"}
    with desk(tmp_path, crowded, environment=environment, only=[vendor]) as hands:
        lead = somebody(vendor)
        failed = hands.fails("insert_lead", **insertion(vendor, lead, idempotency_key="cut"))
        assert failed.code == "conflict"
        assert all(word in failed.message for word in ("cut", "Nothing was sent", "allow"))
        preview = hands.call("insert_lead", **insertion(vendor, lead), dry_run=True)
        assert preview["outcome"] == "preview"
        assert any("was cut" in warning for warning in preview["warnings"])
        updated = hands.call("insert_lead", **insertion(vendor, lead, on_duplicate="update"))
        assert updated["outcome"] == "created"
        assert any("was cut" in warning for warning in updated["warnings"])
        assert (
            hands.call("insert_lead", **insertion(vendor, somebody(vendor), on_duplicate="allow"))["outcome"]
            == "created"
        )


FULL_PAGES: dict[str, dict[str, Any]] = {
    "octanist": {"data": [{"id": f"o{n}", "email": f"{n}@example.com"} for n in range(100)]},
    "leadtrackr": {"leads": [{"id": n, "email": f"{n}@example.com"} for n in range(1, 101)]},
}


@pytest.mark.parametrize("vendor", FULL_PAGES)
def test_a_vendor_that_gives_the_same_page_again_has_not_said_everything(
    crowded: Sandbox, tmp_path: Path, vendor: str
) -> None:
    """Whatever page is asked for: a full one of other people."""
    with desk(tmp_path, crowded, environment={"LEAD_MCP_WRITES": "allow"}, only=[vendor]) as hands:
        lead = somebody(vendor)
        hands.box.fault(vendor, "status", method="GET", status=200, body=FULL_PAGES[vendor], times=-1)
        failed = hands.fails("insert_lead", **insertion(vendor, lead))
        hands.box.mend(vendor)
        assert (failed.code, "cut" in failed.message) == ("conflict", True)
        assert hands.sees(vendor, lead) == []
