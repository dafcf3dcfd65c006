"""``summarize_leads``: counts and sums over any filter, the cheapest honest way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from lead_mcp.engine.limits import Limits
from lead_mcp.engine.summary import SummaryQuery, summarize
from lead_mcp.engine.totals import parse_measures
from lead_mcp.outgoing.summaries import summary_answer
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import AccountName, Moment, MoreFilters, plainly, result, runtime_of
from lead_mcp.tools.leads import SearchArguments

KEYS: Final = ("groups", "total", "window", "how", "accounts")


async def summarize_leads(
    ctx: Context[Any, Any],
    account: AccountName = None,
    text: Moment = None,
    filters: MoreFilters = None,
    since: Moment = None,
    until: Moment = None,
    group_by: Annotated[list[str] | None, Field(max_length=2), plainly(type="array", items={"type": "string"})] = None,
    measures: Annotated[list[str] | None, Field(max_length=8), plainly(type="array", items={"type": "string"})] = None,
) -> CallToolResult:
    """Count and add up leads; filters and dates as in search_leads. group_by: up to 2 of a field, account, day, week, month.
    measures: count, sum:F, avg:F, min:F, max:F."""
    runtime = runtime_of(ctx)
    asked = _asked(runtime, account, text, filters, since, until, group_by or (), measures or ("count",))
    limits = Limits(runtime.server.deadline, runtime.server.summary_limit)
    summary = await summarize(runtime.chosen(account), asked, limits, progress(ctx))
    return result(*summary_answer(summary, asked))


def _asked(
    runtime: Runtime,
    account: str | None,
    text: str | None,
    filters: Any,
    since: str | None,
    until: str | None,
    group_by: Sequence[str],
    measures: Sequence[str],
) -> SummaryQuery:
    asking = SearchArguments(runtime, account, text, filters, since, until)
    query = replace(asking.query(), limit=1)
    groups = tuple(dict.fromkeys(group_by))
    return SummaryQuery(query, groups, parse_measures(measures), runtime.server.zone)


def progress(ctx: Context[Any, Any]) -> Callable[[int], Awaitable[None]]:
    """Tells a client that wants to know how many records have been read."""
    read = 0

    async def on_progress(records: int) -> None:
        nonlocal read
        if records:
            read += records
            await ctx.report_progress(read, message=f"{read:,} records read")

    return on_progress
