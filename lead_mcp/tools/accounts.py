"""``list_accounts``: what is configured, what each account offers, and one account's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import BadArgument, LeadMcpError
from lead_mcp.filters import newest_first
from lead_mcp.identity.scopes import tool_needs
from lead_mcp.outgoing.account_fields import KindOfRecord
from lead_mcp.outgoing.accounts import account_answer, accounts_answer, described
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.vendors.spec.fields import Field

NEWEST: Final = 50
"""Records from which examples are taken."""
SCANNED: Final = 500
"""Records that are read for them at most."""


async def list_accounts(ctx: Context[Any, Any], asked: models.ListAccounts) -> CallToolResult:
    """The tool ``list_accounts``."""
    runtime = runtime_of(ctx)
    name = asked.account or _only_account(runtime, asked.find)
    if name is None:
        return result(
            *accounts_answer([*runtime.connections.values()], "" if runtime.connections else runtime.settings.advice)
        )
    return result(*account_answer(await describe(runtime, name), asked.find))


def _only_account(runtime: Runtime, find: str | None) -> str | None:
    """The account whose fields are looked through where none was named. Raises BadArgument where there are several."""
    if find is None or not runtime.connections:
        return None
    if len(runtime.connections) > 1:
        raise BadArgument(f"find: fields belong to an account; name one of {', '.join(runtime.connections)}.")
    return next(iter(runtime.connections))


async def describe(runtime: Runtime, name: str) -> dict[str, Any]:
    """One account in detail; its vendor is asked for the account's own fields where it can be, and for its newest records."""
    connections = runtime.chosen(name)
    if len(connections) > 1:
        names = ", ".join(one.name for one in connections)
        raise BadArgument(f"account: {name[:60]!r} names several accounts ({names}); one is described at a time.")
    (connection,) = connections
    found: dict[str, KindOfRecord] = {}
    notes: list[str] = []

    async def one(kind: str) -> None:
        found[kind] = await _kind(runtime, connection, kind, notes)

    kinds = ["lead", *connection.vendor.pings]
    async with anyio.create_task_group() as tasks:
        for kind in kinds:
            tasks.start_soon(one, kind)
    modes = (runtime.server.writes, runtime.server.deletes)
    return described(connection, [found[kind] for kind in kinds], modes, list(dict.fromkeys(notes)))


async def _kind(runtime: Runtime, connection: Connection, kind: str, notes: list[str]) -> KindOfRecord:
    """The fields of one kind of record. What could not be asked is noted."""
    searched = connection.search(kind)
    fields = connection.account.fields if kind == "lead" or searched is None else searched.fields(connection.account)
    discovered: Mapping[str, Field] = {}
    newest: Sequence[Record] = ()
    try:
        with anyio.fail_after(runtime.server.deadline):
            found = await connection.discovered(kind=kind)
            discovered = found.own if found else {}
            newest = await _newest(runtime, connection, kind)
    except LeadMcpError as error:
        notes.append(f"its own fields could not be asked for: {error.message}")
    except TimeoutError:
        notes.append(f"its own fields could not be asked for within {runtime.server.deadline:g} s")
    return KindOfRecord(kind, fields, discovered, newest)


async def _newest(runtime: Runtime, connection: Connection, kind: str) -> Sequence[Record]:
    """The newest records of that kind, to take examples from; none for a caller who may read none."""
    if not runtime.caller.may(tool_needs("search_leads")):
        return ()
    orders = newest_first("created_at" if kind == "lead" else "at")
    query = Query(kind=kind, orders=orders, whole=True, limit=NEWEST, now=runtime.now(), zone=runtime.server.zone)
    answer = await search([connection], query, Limits(runtime.server.deadline, SCANNED), runtime.seal)
    return answer.records
