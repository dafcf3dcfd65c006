"""``summarize_leads``: counts and sums over any filter, the cheapest honest way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.limits import Limits
from lead_mcp.engine.pace import aside
from lead_mcp.engine.summary import SummaryQuery, summarize
from lead_mcp.engine.totals import parse_measures
from lead_mcp.outgoing.summaries import summary_answer
from lead_mcp.tools.arguments import models
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.leads import SearchArguments


async def summarize_leads(ctx: Context[Any, Any], asked: models.SummarizeLeads) -> CallToolResult:
    """Count leads and add them up, in groups, over any filter."""
    runtime = runtime_of(ctx)
    query = SearchArguments(runtime, asked.account, asked.text, asked.filters, asked).query()
    groups, measures = tuple(dict.fromkeys(asked.group_by or ())), parse_measures(asked.measures or ("count",))
    summary_query = SummaryQuery(replace(query, limit=1), groups, measures, runtime.server.zone)
    limits = Limits(runtime.server.deadline, runtime.server.summary_limit)
    summary = await summarize(runtime.chosen(asked.account), summary_query, limits, progress(ctx))
    rendered = await aside(partial(summary_answer, summary, summary_query), len(summary.groups))
    return result(*rendered)


def progress(ctx: Context[Any, Any]) -> Callable[[int], Awaitable[None]]:
    """Tells a client that wants to know how many records have been read."""
    read = 0

    async def on_progress(records: int) -> None:
        nonlocal read
        if records:
            read += records
            await ctx.report_progress(read, message=f"{read:,} records read")

    return on_progress
