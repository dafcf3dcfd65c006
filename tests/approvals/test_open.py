"""A server on loopback that asks nobody for a token, as people try it: the page of its sandbox."""

from __future__ import annotations

from pathlib import Path

from anyio.from_thread import start_blocking_portal
from mcp import Client

from tests.approvals.browser import Browser
from tests.process.processes import listening_server


def test_a_sandbox_over_http_has_its_page_open(tmp_path: Path) -> None:
    arguments = {"account": "octanist", "lead": {"name": "Ann Archer"}, "idempotency_key": "one"}
    settings = {"LEAD_MCP_STATE_DIR": str(tmp_path)}
    with (
        listening_server("--sandbox", environment=settings, folder=tmp_path) as (_, url),
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(url)) as client,
    ):
        refused = portal.call(client.call_tool, "insert_lead", arguments).structured_content
        assert refused is not None
        write, browser = refused["journal_id"], Browser.at(url)
        address = f"{browser.origin}/approvals/{write}"
        assert refused["error"]["message"].endswith(f"The write is stored; settle it at {address}.")
        looked = browser.get(f"/approvals/{write}")
        assert browser.post("/approvals/" + write, {"answer": "yes"}).status == 403, "no mark"
        other = Browser(browser.origin)
        form = looked.form(f"/approvals/{write}").fields
        assert other.post(f"/approvals/{write}", {**form, "answer": "yes"}).status == 403, "another session"
        assert "approved by: a person at /approvals" in browser.answer(looked, write, "yes").text
        done = portal.call(client.call_tool, "insert_lead", arguments).structured_content
        assert done is not None
        assert done["outcome"] == "created"
