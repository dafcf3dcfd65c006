"""Driving everything in memory: emulators, the server over them, a client of it, and the records as an oracle.

A ``Bench`` runs its event loop in a thread of its own, so that plain test functions (and hypothesis) can call it. The clock
stands still: the emulators' and the server's is ``NOW``, a minute after the world's last moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
from anyio.from_thread import BlockingPortal
from mcp import Client
from mcp.types import CallToolResult

from lead_mcp import settings, vendors
from lead_mcp.dates import Window
from lead_mcp.engine.connection import Names
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.lookup import get_record
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.filters import Order, folded, plain
from lead_mcp.runtime import Runtime
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.server import LeadServer, build_server
from tests import facts
from tests.skipping import skipping_portal

UNTIL = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = UNTIL + timedelta(minutes=1)
DAWN = datetime(2000, 1, 1, tzinfo=UTC)
NEWEST = (Order("created_at", descending=True),)
ORIGIN = "http://127.0.0.1:1"
PREFIXES = ("LEAD_MCP_", *(f"{name.upper()}_" for name in facts.TRIED))


def now() -> datetime:
    return NOW


class CallFailed(AssertionError):
    """A tool answered with an error; ``said`` is its structure."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        super().__init__(f"{said.get('code')}: {said.get('message')}")
        self.said = said
        self.code = said.get("code")
        self.message = str(said.get("message"))


class Bench:
    """The emulators and a client of the server over them. No dataclass: hypothesis would print every record in it."""

    def __init__(self, box: Sandbox, server: LeadServer, client: Client, portal: BlockingPortal) -> None:
        self.box, self.server, self.client, self.portal = box, server, client, portal
        self._known: dict[str, list[Record]] = {}

    @property
    def runtime(self) -> Runtime:
        assert self.server.runtime is not None
        return self.server.runtime

    @property
    def accounts(self) -> list[str]:
        return list(self.runtime.connections)

    def raw_call(self, tool: str, **arguments: Any) -> CallToolResult:
        said: CallToolResult = self.portal.call(partial(self.client.call_tool, tool, arguments))
        return said

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer. Raises CallFailed where it is an error."""
        found = self.raw_call(tool, **arguments)
        structured = dict(found.structured_content or {})
        if found.is_error:
            raise CallFailed(structured["error"])
        return structured

    def page(self, **arguments: Any) -> dict[str, Any]:
        return self.call("search_leads", **arguments)

    def pages(self, most: int = 400, **arguments: Any) -> list[dict[str, Any]]:
        """Every page of a search."""
        found = [self.page(**arguments)]
        while (cursor := found[-1]["next_cursor"]) is not None:
            assert len(found) < most, "the cursors never end"
            found.append(self.page(**arguments, cursor=cursor))
        return found

    def heard(self, vendor: str) -> list[Any]:
        return list(self.box.stages[vendor].heard)

    def everything(self, account: str) -> list[Record]:
        """Every record of an account, whole: listed by an unfiltered search, read one by one by id. Kept."""
        if account not in self._known:
            self._known[account] = self.portal.call(self._everything, account)
        return self._known[account]

    async def _everything(self, account: str) -> list[Record]:
        connection = self.runtime.connection(account)
        question = Query(window=Window(DAWN, None, "UTC"), limit=1_000_000, now=NOW, orders=NEWEST)
        answer = await search([connection], question, Limits(60, 1_000_000), self.runtime.seal)
        ids = [record.id for record in answer.records]
        names = Names(connection.account.fields, await connection.discovered())
        return [replace(await get_record(connection, one, 60), reads=names.field) for one in ids]


@contextmanager
def bench(
    leads: int = 120,
    *,
    seed: str = "lead-mcp",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    environment: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    box: Sandbox | None = None,
) -> Iterator[Bench]:
    """A bench over a world of that many leads a vendor, in which nothing waits for a rate.

    ``only``: the vendors with an account; those that come with lead-mcp where none are named.
    """
    names = list(only if only is not None else box.emulators if box else vendors.NAMES)
    if box is None:
        world = World(leads, seed=seed, until=UNTIL)
        box = sandbox(facts.emulators(names), world, clock=now, options=options, rated=False)
    own = {**_environment(box, names), **facts.unhurried(names), "LEAD_MCP_TIMEZONE": "UTC", **(environment or {})}
    with facts.registered(names), pytest.MonkeyPatch.context() as patch, skipping_portal() as portal:
        for key in [key for key in os.environ if key.startswith(PREFIXES)]:
            patch.delenv(key)
        for key, value in own.items():
            patch.setenv(key, value)
        server = build_server(settings.load(), lambda: httpx2.ASGITransport(app=box))
        with portal.wrap_async_context_manager(Client(server)) as client:
            found = Bench(box, server, client, portal)
            found.runtime.common.clock = now
            yield found


def _environment(box: Sandbox, names: Sequence[str]) -> dict[str, str]:
    return {key: value for key, value in box.environment(ORIGIN).items() if key.split("_", 1)[0].lower() in names}


# --- reading answers ----------------------------------------------------------------------------------------------


def uris(pages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The URIs of every row, page after page."""
    return [row[0] for page in pages for row in page["leads"]["rows"]]


def entry(page: Mapping[str, Any], account: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in page["accounts"] if one["account"] == account)
    return found


# --- the oracle ---------------------------------------------------------------------------------------------------


def in_order(records: Sequence[Record], sort: str) -> list[Record]:
    """The records in the order of ``sort``, by stable sorts, weakest key first: absent last both ways, ties by URI."""
    found = sorted(records, key=lambda one: one.uri)
    for part in reversed(sort.split(",")):
        name, _, direction = part.partition(":")
        present = [one for one in found if one.get(name) is not None]
        absent = [one for one in found if one.get(name) is None]
        found = [*sorted(present, key=partial(_sortable, name), reverse=direction == "desc"), *absent]
    return found


def _sortable(name: str, record: Record) -> Any:
    value = record.get(name)
    return folded(value) if isinstance(value, str) else plain(value) if isinstance(value, list | dict) else value
