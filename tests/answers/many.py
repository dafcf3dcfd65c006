"""Summarises 100,000 leads of a vendor that makes its pages up; prints what came of it and how much memory that took."""

from __future__ import annotations

import json
import os
import resource
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx2
from mcp import Client

from lead_mcp import settings
from lead_mcp.server import build_server

LEADS = 100_000
START = datetime(2026, 1, 1, tzinfo=UTC)


def lead(number: int) -> dict[str, Any]:
    made = (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    named = {"id": f"lead_{number:08x}", "name": f"Some Body {number}", "email": f"Body.{number}@example.com"}
    return {**named, "status": "open", "value": number % 900, "createdAt": made, "updatedAt": made}


class Endless(httpx2.AsyncBaseTransport):
    """Octanist's list of leads, newest first; ``leads`` of them."""

    leads = 1_000

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        query = request.url.params
        limit, page = int(query["limit"]), int(query["page"])
        first = self.leads - 1 - (page - 1) * limit
        rows = [lead(number) for number in range(first, max(-1, first - limit), -1)]
        found = {"limit": limit, "page": page, "total": self.leads, "hasMore": first - limit >= 0}
        body = {"success": True, "data": rows, "meta": {"pagination": found}}
        return httpx2.Response(200, content=json.dumps(body), headers={"Content-Type": "application/json"})


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main() -> None:
    os.environ |= {
        "OCTANIST_API_KEY": "key-of-nobody",
        "OCTANIST_BASE_URL": "http://127.0.0.1:1",
        "LEAD_MCP_DEADLINE": "900",
    }
    vendor = Endless()
    server = build_server(settings.load(), lambda: vendor)
    measures = ["count", "avg:value", "min:created_at", "median:value", "distinct:name", "distinct:email", "share"]
    between = "minutes_between:created_at:updated_at"
    asked = {"group_by": ["email"], "measures": [*measures, between], "since": "2026-01-01"}
    async with Client(server) as client:
        await client.call_tool("summarize_leads", asked)
        before, vendor.leads = megabytes(), LEADS
        found = (await client.call_tool("summarize_leads", asked)).structured_content or {}
    more = megabytes() - before
    print(f"counted={found['total']} groups={len(found['groups']['rows'])} more_mb={more:.1f}")  # noqa: T201


if __name__ == "__main__":
    anyio.run(main)
