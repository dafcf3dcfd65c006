"""The approvals page in a real browser: it signs in, shows its style, sends its forms, and sends nobody else's."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.approvals.chromium import CHROMIUM, tab
from tests.process.processes import listening_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]
TOKEN = "t0ken-of-a-test-" * 2


def test_a_person_answers_in_a_browser_and_another_page_cannot(tmp_path: Path) -> None:
    arguments = {"account": "octanist", "lead": {"name": "<b>Ann</b> Archer"}, "idempotency_key": "one"}
    settings = {"LEAD_MCP_STATE_DIR": str(tmp_path), "LEAD_MCP_HTTP_TOKEN": TOKEN}
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=60)
    with (
        listening_server("--sandbox", environment=settings, folder=tmp_path) as (_, url),
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(http),
    ):
        target: Any = streamable_http_client(url, http_client=http)
        with portal.wrap_async_context_manager(Client(target)) as client, tab() as browser:
            refused = portal.call(client.call_tool, "insert_lead", arguments).structured_content
            assert refused is not None
            address = f"{url.removesuffix('/mcp')}/approvals/{refused['journal_id']}"
            browser.open(address)
            assert "Sign in" in browser.text
            browser.run(f"document.getElementById('token').value = '{TOKEN}'")
            browser.press("Sign in")
            assert "insert a lead?" in browser.text
            assert "<b>Ann</b> Archer" in browser.text
            assert browser.run("getComputedStyle(document.body).maxWidth") == "800px", (
                "the style is let in by its digest"
            )
            assert browser.run("document.cookie") == "", "no script may read it"
            form = browser.run("document.querySelector('form').innerHTML")
            browser.open(f"data:text/html,<form method=post action={escape(address)}>{form}</form>".replace("#", "%23"))
            browser.press("Yes, send it")
            assert "does not come from this site" in browser.text
            browser.open(address)
            browser.press("Yes, send it")
            assert "created lead://octanist/" in browser.text
            assert "approved by: a person at /approvals" in browser.text
            assert not [one for one in browser.said if "Content Security Policy" in one]
            done = portal.call(client.call_tool, "insert_lead", arguments).structured_content
            assert done is not None
            assert done["outcome"] == "created"
