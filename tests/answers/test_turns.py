"""Another client's turn: whatever one call has to chew on, the server's event loop goes round.

Measured inside the server's process: the longest time between two turns of the loop, by the processor time of its thread
(a busy machine does not count) and, generously, by the clock.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import anyio
import httpx2
import pytest
from mcp import Client

from lead_mcp import settings
from lead_mcp.server import build_server

BUSY: Final = 0.2
"""Seconds of work between two turns, at most: the promise is a tenth, a slow machine may take twice as long."""
PATIENCE: Final = 2.0
"""Seconds by the clock, where others have the processors."""
START: Final = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def page_of(leads: int, note: str, name: str, limit: int, page: int) -> bytes:
    """One reply, made before anybody measures."""
    first = leads - 1 - (page - 1) * limit
    rows = [lead(number, note, name) for number in range(first, max(-1, first - limit), -1)]
    found = {"limit": limit, "page": page, "total": leads, "hasMore": first - limit >= 0}
    return json.dumps({"success": True, "data": rows, "meta": {"pagination": found}}).encode()


def lead(number: int, note: str, name: str) -> dict[str, Any]:
    made = (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    named = {"id": f"lead_{number:08x}", "name": f"{name} {number * 7919 % 100_003}", "email": f"b{number}@example.com"}
    phone = f"+151255501{number % 100:02d}"
    return {**named, "phone": phone, "note": note, "value": number % 900, "createdAt": made, "updatedAt": made}


@dataclass
class Heavy(httpx2.AsyncBaseTransport):
    """Octanist with many leads, or with large ones."""

    leads: int
    note: str = ""
    name: str = "Some Body"
    one: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.one = json.dumps({"success": True, "data": lead(5, self.note, self.name)}).encode()
        for page in range(1, -(-self.leads // 100) + 1):
            page_of(self.leads, self.note, self.name, 100, page)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        query = request.url.params
        if "limit" not in query:
            return httpx2.Response(200, content=self.one)
        body = page_of(self.leads, self.note, self.name, int(query["limit"]), int(query["page"]))
        return httpx2.Response(200, content=body)


@dataclass
class Turns:
    """The longest waits for a turn of the event loop."""

    busy: float = 0.0
    waited: float = 0.0

    async def take(self) -> None:
        while True:
            began, used = time.perf_counter(), time.thread_time()
            await anyio.sleep(0.001)
            self.busy = max(self.busy, time.thread_time() - used)
            self.waited = max(self.waited, time.perf_counter() - began)


MANY = Heavy(20_000)
LARGE = Heavy(120, note="é x " * 35_000)
HOSTILE = Heavy(120, note="é\n\x1b[31m\u200b " * 12_000)
HUGE = Heavy(2, note="é y\n" * 1_200_000)
LONG = Heavy(3_000, name="é long name " * 10)
EVER = {"since": "2026-01-01"}
CALLS: list[tuple[Heavy, str, dict[str, Any]]] = [
    (MANY, "summarize_leads", {"group_by": ["email"], "measures": ["count", "sum:value", "max:created_at"], **EVER}),
    (MANY, "search_leads", {"sort": "name:asc,value:desc,email:asc", "detail": "detailed", "limit": 200}),
    (MANY, "search_leads", {"filters": [{"field": "name", "op": "contains", "value": "nobody"}], "limit": 200}),
    (MANY, "trace_lead", {"email": "b1@example.com"}),
    (LARGE, "summarize_leads", {"group_by": ["note"], **EVER}),
    (LARGE, "search_leads", {"filters": [{"field": "note", "op": "contains", "value": "zzz"}]}),
    (HOSTILE, "search_leads", {"fields": ["note"], "limit": 200}),
    (HOSTILE, "search_leads", {"fields": ["note"], "limit": 200, "max_tokens": 3_000}),
    (LONG, "search_leads", {"limit": 200, "detail": "detailed", "max_tokens": 3_000}),
    (LONG, "summarize_leads", {"group_by": ["name", "email"], "measures": ["count", "avg:value"], **EVER}),
    (HUGE, "get_lead", {"account": "octanist", "id": "lead_00000005"}),
]


@pytest.fixture(autouse=True)
def own_heap() -> Iterator[None]:
    """What earlier tests of this process left is not looked through again meanwhile."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTANIST_API_KEY", "key-of-nobody")
    monkeypatch.setenv("OCTANIST_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LEAD_MCP_DEADLINE", "100")
    monkeypatch.setenv("LEAD_MCP_TIMEZONE", "UTC")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("vendor", "tool", "asked"), CALLS, ids=[f"{nth} {tool}" for nth, (_, tool, _) in enumerate(CALLS)]
)
async def test_others_have_their_turn_while_a_heavy_call_is_under_way(
    vendor: Heavy, tool: str, asked: dict[str, Any]
) -> None:
    turns = Turns()
    async with Client(build_server(settings.load(), lambda: vendor)) as client:
        await client.call_tool("list_accounts", {})  # what only questions need is loaded
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(turns.take)
            said = await client.call_tool(tool, asked)
            tasks.cancel_scope.cancel()
    assert not said.is_error, said.content
    assert turns.busy < BUSY
    assert turns.waited < PATIENCE


@pytest.mark.anyio
async def test_others_have_their_turn_while_a_huge_record_is_read_whole() -> None:
    turns = Turns()
    async with Client(build_server(settings.load(), lambda: HUGE)) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(turns.take)
        said = await client.read_resource("lead://octanist/lead_00000005")
        tasks.cancel_scope.cancel()
    assert len(str(said.contents[0])) > 1_000_000
    assert turns.busy < 3 * BUSY, "the SDK writes the message in one go"
    assert turns.waited < PATIENCE
