"""``summarize_leads``: counts and sums over any filter, the cheapest honest way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.limits import Limit, Limits
from lead_mcp.engine.pace import aside
from lead_mcp.engine.summaries.grouping import Grouping
from lead_mcp.engine.summaries.groups import GroupCursor
from lead_mcp.engine.summaries.measures import parse_measures
from lead_mcp.engine.summaries.summary import SummaryQuery, summarize
from lead_mcp.outgoing.groups import GroupPage
from lead_mcp.outgoing.summaries import summary_answer
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.leads import SearchArguments
from lead_mcp.tools.sources import sourced_leads

MOST_LOCAL: Final = 100_000_000
"""Records that may be read for a summary where no vendor has to send them; the deadline holds all the same."""


async def summarize_leads(ctx: Context[Any, Any], asked: models.SummarizeLeads) -> CallToolResult:
    """The tool ``summarize_leads``."""
    runtime = runtime_of(ctx)
    groups, measures = tuple(dict.fromkeys(asked.group_by or ())), parse_measures(asked.measures or ("count",))
    arguments = SearchArguments(runtime, asked.account, asked.text, asked.filters, asked, cursor=asked.cursor)
    query = arguments.query(group_by=list(groups), measures=list(map(str, measures)), source=asked.source)
    page = GroupPage(GroupCursor.opened(runtime.seal, asked.cursor, query.arguments, query.now), query, runtime.seal)
    grouping = Grouping(groups, measures, runtime.server.zone, runtime.server.phone_region)
    summary_query = SummaryQuery(replace(query, limit=1, cursor=None), grouping)
    found = await sourced_leads(runtime, asked.account, asked.source, query, together=True)
    limits = replace(summary_limits(runtime), scan=MOST_LOCAL) if found.is_local else summary_limits(runtime)
    summary = await summarize(found.connections, summary_query, limits, progress(ctx))
    found.tell(summary.entries)
    rendered = await aside(partial(summary_answer, summary, measures, page), len(summary.groups))
    return result(*rendered)


def summary_limits(runtime: Runtime) -> Limits:
    """What a summary may cost."""
    return Limits(runtime.server.deadline, runtime.server.summary_limit, Limit.SUMMARY)


def progress(ctx: Context[Any, Any]) -> Callable[[int], Awaitable[None]]:
    """Tells a client that wants to know how many records have been read."""
    read = 0

    async def on_progress(records: int) -> None:
        nonlocal read
        if records:
            read += records
            await ctx.report_progress(read, message=f"{read:,} records read")

    return on_progress
