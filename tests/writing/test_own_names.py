"""A vendor's own names in ``lead``, ``changes`` and ``vendor_fields``, in a call and in the rows of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.sandbox.app import Sandbox
from lead_mcp.transport.redaction import REDACTED
from tests.facts import facts_of
from tests.writing.desk import INSERTERS, Desk, desk, insertion, somebody

ALLOW = {"LEAD_MCP_WRITES": "allow"}


@pytest.fixture(scope="module")
def hands(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("own"), box, environment=ALLOW) as found:
        yield found


def body(hands: Desk, **arguments: Any) -> Any:
    request = hands.call("insert_lead", **arguments, dry_run=True)["request"]
    return request.get("json") or request["form"]


@pytest.mark.parametrize("name", ["lid", "LeadTypeUID"])
@pytest.mark.parametrize("where", ["lead", "vendor_fields"])
def test_the_lead_type_is_taken_under_the_name_that_it_reads_by(hands: Desk, name: str, where: str) -> None:
    given = {"lead": somebody("leadexec"), "vendor_fields": {}}
    given[where] = {**given[where], name: "3471"}
    assert body(hands, account="leadexec", **given)["source"]["lid"] == 3471


def test_an_accounts_own_field_is_taken_where_its_vendor_knows_it(hands: Desk) -> None:
    fields = hands.call("list_accounts", account="leadsquared", find="mx_")["fields"]["rows"]
    documented = {"mx_Street1", "mx_Street2", "mx_City", "mx_State", "mx_Zip", "mx_Country"}
    name = next(row[0] for row in fields if row[0].startswith("mx_") and row[0] not in documented and row[1] == "text")
    sent = body(hands, account="leadsquared", lead={**somebody("leadsquared"), name: "Fondue"})
    assert {"Attribute": name, "Value": "Fondue"} in sent
    failed = hands.fails("insert_lead", account="leadsquared", lead={**somebody("leadsquared"), "mx_Nothing_So": "x"})
    assert failed.code == "unknown_field"


def test_a_change_takes_the_vendors_own_field(hands: Desk) -> None:
    uri = hands.call("insert_lead", **insertion("octanist"))["uri"]
    done = hands.call("update_lead", uri=uri, changes={"status": "lost", "lossReason": "too dear"})
    assert done["after"] == {"status": "lost", "lossReason": "too dear"}
    assert hands.call("get_lead", uri=uri)["raw"]["lossReason"] == "too dear"


@pytest.mark.parametrize("vendor", INSERTERS)
def test_rows_have_the_vendors_fields_of_all_and_their_own(hands: Desk, vendor: str) -> None:
    own = dict(facts_of(vendor).own)
    leads = [somebody(vendor), {**somebody(vendor), "vendor_fields": own}]
    given = {"account": vendor, "leads": leads, **({"vendor_fields": own} if own else {})}
    found = hands.call("insert_leads", **given)["results"]["rows"]
    assert [row[1] for row in found] in (["created", "created"], ["pending", "pending"])


def test_a_rows_own_field_wins(hands: Desk) -> None:
    leads = [somebody("octanist"), {**somebody("octanist"), "vendor_fields": {"path": "/mine"}}]
    found = hands.call("insert_leads", account="octanist", leads=leads, vendor_fields={"path": "/all"})["results"][
        "rows"
    ]
    assert [hands.call("get_lead", uri=row[2])["raw"]["path"] for row in found] == ["/all", "/mine"]


@pytest.mark.parametrize("way", ["lead", "vendor_fields", "rows", "row"])
def test_a_vendors_secret_is_in_no_journal_wherever_it_stands(box: Sandbox, tmp_path: Path, way: str) -> None:
    secret, lead = {"blueinkdigital_token": "s3cr3t-t0ken"}, somebody("convoso")
    call: dict[str, tuple[str, dict[str, Any]]] = {
        "lead": ("insert_lead", {"lead": {**lead, **secret}}),
        "vendor_fields": ("insert_lead", {"lead": lead, "vendor_fields": secret}),
        "rows": ("insert_leads", {"leads": [lead], "vendor_fields": secret}),
        "row": ("insert_leads", {"leads": [{**lead, "vendor_fields": secret}]}),
    }
    tool, arguments = call[way]
    with desk(tmp_path, box, asks=False, only=["convoso"]) as mute:
        failed = mute.fails(tool, account="convoso", **arguments)
        write = mute.journal.get(failed.said["journal_id"])
        assert write is not None
        assert "s3cr3t" not in str(write.intent)
        assert REDACTED in str(write.intent)
