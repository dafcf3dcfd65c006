"""A real server over HTTP: one client's heavy summary leaves another client's pings answered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.answers.many import lead
from tests.process.processes import listening_server

LEADS: Final = 20_000
LONGEST: Final = 2.0
"""Seconds a ping may take on a machine that others use too; the summary takes longer than that."""
PINGS: Final = 20


@contextmanager
def crowded() -> Iterator[str]:
    """Octanist's list of many leads, each with an e-mail of its own; its address."""
    pages: dict[tuple[int, int], bytes] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            asked = int(query["limit"][0]), int(query["page"][0])
            body = pages[asked] if asked in pages else pages.setdefault(asked, page(*asked))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def page(limit: int, number: int) -> bytes:
    first = LEADS - 1 - (number - 1) * limit
    rows = [lead(nth) for nth in range(first, max(-1, first - limit), -1)]
    found = {"limit": limit, "page": number, "total": LEADS, "hasMore": first - limit >= 0}
    return json.dumps({"success": True, "data": rows, "meta": {"pagination": found}}).encode()


@pytest.mark.anyio
@pytest.mark.slow
async def test_anothers_ping_is_answered_while_a_summary_is_made(folder: Path) -> None:
    with crowded() as address:
        environment = {"OCTANIST_API_KEY": "key-of-nobody", "OCTANIST_BASE_URL": address, "LEAD_MCP_DEADLINE": "100"}
        with listening_server(environment=environment, folder=folder) as (_, url):
            waits = await pings_beside_a_summary(url)
    assert len(waits) > PINGS
    assert max(waits) < LONGEST


async def pings_beside_a_summary(url: str) -> list[float]:
    """How long each ping of one client took, in seconds, while another's summary was under way."""
    waits: list[float] = []
    async with (
        Client(streamable_http_client(url), mode="legacy") as busy,
        Client(streamable_http_client(url), mode="legacy") as other,
        anyio.create_task_group() as tasks,
    ):
        await other.call_tool("list_accounts", {})  # what only questions need is loaded

        async def ping() -> None:
            while True:
                began = time.perf_counter()
                await other.session.send_ping()
                waits.append(time.perf_counter() - began)
                await anyio.sleep(0.01)

        tasks.start_soon(ping)
        asked = {"group_by": ["email"], "measures": ["count", "sum:value"], "since": "2000-01-01"}
        found = await busy.call_tool("summarize_leads", asked)
        tasks.cancel_scope.cancel()
    assert not found.is_error, found.content
    assert (found.structured_content or {})["total"] == LEADS
    return waits
