"""``list_accounts``: what is configured, what each account offers, and one account's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.errors import BadArgument, LeadMcpError
from lead_mcp.outgoing.accounts import account_answer, accounts_answer, described
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.vendors.spec.fields import Field


async def list_accounts(ctx: Context[Any, Any], asked: models.ListAccounts) -> CallToolResult:
    """The configured accounts and what each offers; with an account, its fields, operators, limits and quirks."""
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
    """One account in detail; its vendor is asked for the account's own fields where it can be."""
    connections = runtime.chosen(name)
    if len(connections) > 1:
        names = ", ".join(one.name for one in connections)
        raise BadArgument(f"account: {name[:60]!r} names several accounts ({names}); one is described at a time.")
    discovered: Mapping[str, Field] = {}
    notes: list[str] = []
    try:
        with anyio.fail_after(runtime.server.deadline):
            found = await connections[0].discovered()
        discovered = found.own if found else {}
    except LeadMcpError as error:
        notes.append(f"its own fields could not be asked for: {error.message}")
    except TimeoutError:
        notes.append(f"its own fields could not be asked for within {runtime.server.deadline:g} s")
    return described(connections[0], discovered, notes)
