"""``query_pings``: PING attempts in and out, with how many were accepted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.pace import aside
from lead_mcp.engine.periods import NOT_FIELDS
from lead_mcp.engine.pings import ping_totals
from lead_mcp.engine.search import search
from lead_mcp.errors import NotOffered
from lead_mcp.outgoing.pings import DEFAULTS, pings_answer
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.leads import SearchArguments
from lead_mcp.tools.summaries import progress

NEWEST: Final = "at:desc"


async def query_pings(ctx: Context[Any, Any], asked: models.QueryPings) -> CallToolResult:
    """PING attempts (LeadExec), newest first, of 24 hours unless said, with a summary of all that match."""
    runtime = runtime_of(ctx)
    chosen = with_pings(runtime, asked.account, asked.direction)
    groups = tuple(dict.fromkeys(asked.group_by or ()))
    columns = [name for name in groups if name not in NOT_FIELDS]
    arguments = SearchArguments(
        runtime,
        asked.account,
        None,
        asked.filters,
        asked,
        asked.sort or NEWEST,
        columns,
        asked.limit,
        asked.cursor,
        kind=asked.direction,
        defaults=DEFAULTS,
    )
    query = arguments.query(max_tokens=asked.max_tokens, group_by=list(groups))
    answer = await search(chosen, query, runtime.limits, runtime.seal)
    totals = None
    if asked.cursor is None:
        limits = Limits(runtime.server.deadline, runtime.server.summary_limit)
        totals = await ping_totals(chosen, query, groups, answer, limits, progress(ctx))
    size = len(totals.groups) + len(totals.by_result) if totals else 0
    return result(*await aside(partial(pings_answer, answer, query, totals, asked.max_tokens), size))


def with_pings(runtime: Runtime, account: str | None, direction: str) -> list[Connection]:
    """The chosen accounts that have pings. Raises NotOffered where none has."""
    chosen = runtime.chosen(account)
    found: Sequence[Connection] = [one for one in chosen if direction in one.vendor.pings]
    if not found:
        names = ", ".join(one.name for one in chosen)
        raise NotOffered(f"{names}: no {direction} pings there. LeadExec has PING attempts.")
    return list(found)
