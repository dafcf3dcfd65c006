"""``LEAD_MCP_PII=masked``: what a write answers, in structure and in text, shows nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lead_mcp.sandbox.app import Sandbox
from tests.writing.desk import desk, somebody

MASKED = {"LEAD_MCP_PII": "masked", "LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}


def test_no_answer_of_a_write_shows_who_it_is_about(box: Sandbox, tmp_path: Path) -> None:
    lead = somebody("convoso")
    with desk(tmp_path, box, environment=MASKED, only=["convoso"]) as hands:

        def heard(tool: str, **arguments: Any) -> dict[str, Any]:
            found = hands.result(tool, **arguments)
            whole = found.model_dump_json()
            for name in ("first_name", "last_name", "email", "phone"):
                assert lead[name] not in whole, (tool, name)
            return dict(found.structured_content or {})

        heard("insert_lead", account="convoso", lead=lead, dry_run=True)
        made = heard("insert_lead", account="convoso", lead=lead, idempotency_key="masked")
        assert (made["outcome"], made["after"]["list_id"]) == ("created", lead["list_id"])
        assert heard("insert_lead", account="convoso", lead=lead, idempotency_key="masked") == made
        heard("insert_leads", account="convoso", leads=[lead])
        heard("update_lead", uri=made["uri"], changes={"first_name": "Somebody"}, dry_run=True)
        stale = heard("update_lead", uri=made["uri"], changes={"status": "SALE"}, expect={"first_name": "Else"})
        assert stale["error"]["code"] == "conflict"
        heard("delete_lead", uri=made["uri"], dry_run=True)
        assert heard("delete_lead", uri=made["uri"])["outcome"] == "deleted"
