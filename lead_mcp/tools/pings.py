"""``query_pings``: PING attempts in and out, with how many were accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.periods import PERIODS
from lead_mcp.engine.pings import ping_totals
from lead_mcp.engine.search import search
from lead_mcp.errors import NotOffered
from lead_mcp.outgoing.pings import DEFAULTS, pings_answer
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import AccountName, Cursor, Limit, MaxTokens, Moment, MoreFilters, plainly, result, runtime_of
from lead_mcp.tools.leads import SearchArguments
from lead_mcp.tools.summaries import progress

KEYS: Final = ("pings", "summary", "groups", "next_cursor", "window", "omitted", "accounts")
Direction = Literal["inbound", "outbound"]


async def query_pings(
    ctx: Context[Any, Any],
    direction: Direction,
    account: AccountName = None,
    since: Moment = None,
    until: Moment = None,
    filters: MoreFilters = None,
    group_by: Annotated[list[str] | None, Field(max_length=2), plainly(type="array", items={"type": "string"})] = None,
    sort: Moment = None,
    limit: Limit = 20,
    max_tokens: MaxTokens = None,
    cursor: Cursor = None,
) -> CallToolResult:
    """PING attempts (LeadExec) of 24 hours unless said, with a summary. Fields: at accepted result source campaign client
    price revenue lead_id ...; group_by those, or hour, day. Filters as in search_leads."""
    runtime = runtime_of(ctx)
    chosen = with_pings(runtime, account, direction)
    groups, order = tuple(dict.fromkeys(group_by or ())), sort or "at:desc"
    columns = [name for name in groups if name not in (*PERIODS, "account")]
    asked = SearchArguments(
        runtime, account, None, filters, since, until, order, columns, limit, cursor, kind=direction, defaults=DEFAULTS
    )
    query = asked.query(max_tokens=max_tokens, group_by=list(groups))
    answer = await search(chosen, query, runtime.limits, runtime.seal)
    totals = None
    if cursor is None:
        limits = Limits(runtime.server.deadline, runtime.server.summary_limit)
        totals = await ping_totals(chosen, query, groups, answer, limits, progress(ctx))
    return result(*pings_answer(answer, query, totals, max_tokens))


def with_pings(runtime: Runtime, account: str | None, direction: str) -> list[Connection]:
    """The chosen accounts that have pings. Raises NotOffered where none has."""
    chosen = runtime.chosen(account)
    found: Sequence[Connection] = [one for one in chosen if direction in one.vendor.pings]
    if not found:
        names = ", ".join(one.name for one in chosen)
        raise NotOffered(f"{names}: no {direction} pings there. LeadExec has PING attempts.")
    return list(found)
