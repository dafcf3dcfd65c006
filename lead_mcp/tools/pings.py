"""``query_pings``: PING attempts in and out, with how many were accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import total_of
from lead_mcp.engine.pace import aside
from lead_mcp.engine.query import Query
from lead_mcp.engine.resolve import resolve_within
from lead_mcp.engine.search import search
from lead_mcp.engine.summaries.groups import GroupCursor
from lead_mcp.engine.summaries.measures import parse_measures
from lead_mcp.engine.summaries.pings import PingGrouping, PingTotals, ping_totals
from lead_mcp.errors import NotOffered
from lead_mcp.outgoing.groups import GroupPage
from lead_mcp.outgoing.pings import COLUMNS, DEFAULTS, SHOWN, pings_answer
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.leads import SearchArguments
from lead_mcp.tools.summaries import progress, summary_limits
from lead_mcp.vendors import titles

NEWEST: Final = "at:desc"
ROWS: Final = 20


async def query_pings(ctx: Context[Any, Any], asked: models.QueryPings) -> CallToolResult:
    """The tool ``query_pings``."""
    runtime = runtime_of(ctx)
    grouping = grouping_of(runtime, asked)
    query = query_of(runtime, asked, grouping)
    chosen = with_pings(runtime, asked.account, asked.direction)
    page = await search(chosen, query, runtime.limits, runtime.seal) if query.limit else None
    totals = None
    if page is None or asked.cursor is None:
        bare = replace(query, cursor=None)
        account_queries = await resolve_within(chosen, bare, runtime.limits)
        limits = summary_limits(runtime)
        totals = await ping_totals(account_queries, bare, grouping, page, limits, progress(ctx))
    answer = page or without_rows(totals)
    group_page = None
    if page is None:
        cursor = GroupCursor.opened(runtime.seal, asked.cursor, query.arguments, query.now)
        group_page = GroupPage(cursor, query, runtime.seal)
    size = len(totals.groups) + len(totals.by_result) if totals else 0
    columns = added_columns(asked, grouping)
    return result(*await aside(partial(pings_answer, answer, query, columns, totals, group_page), size))


def grouping_of(runtime: Runtime, asked: models.QueryPings) -> PingGrouping:
    """The groups and measures asked for."""
    groups, measures = tuple(dict.fromkeys(asked.group_by or ())), parse_measures(asked.measures or ())
    return PingGrouping(groups, measures, runtime.server.zone, runtime.server.phone_region, when="at")


def query_of(runtime: Runtime, asked: models.QueryPings, grouping: PingGrouping) -> Query:
    """The question; without rows where there are groups, unless a limit asks for some."""
    limit = asked.limit if asked.limit is not None else 0 if grouping.group_by else ROWS
    arguments = SearchArguments(
        runtime,
        asked.account,
        None,
        asked.filters,
        asked,
        asked.sort or NEWEST,
        [*grouping.fields, *(asked.fields or ())],
        limit,
        asked.cursor,
        kind=asked.direction,
        defaults=DEFAULTS,
    )
    measures = [str(measure) for measure in grouping.measures]
    return arguments.query(max_tokens=asked.max_tokens, group_by=list(grouping.group_by), measures=measures)


def used(asked: models.QueryPings, grouping: PingGrouping) -> list[str]:
    """Every field that somebody named: what was filtered, grouped or measured is shown."""
    filtered = [one.field for one in asked.filters or ()]
    return list(dict.fromkeys([*(asked.fields or ()), *filtered, *grouping.fields]))


def added_columns(asked: models.QueryPings, grouping: PingGrouping) -> list[str]:
    """The columns behind the usual ones: ids, which stand in the URIs too, only where they are asked for as columns."""
    asked_for = [name for name in asked.fields or () if name not in COLUMNS]
    return list(dict.fromkeys([*asked_for, *(name for name in used(asked, grouping) if name not in SHOWN)]))


def without_rows(totals: PingTotals | None) -> Answer:
    """An answer that is a summary alone."""
    entries = totals.entries if totals else ()
    return Answer([], total_of(entries), None, entries)


def with_pings(runtime: Runtime, account: str | None, direction: str) -> list[Connection]:
    """The chosen accounts that have pings. Raises NotOffered where none has."""
    chosen = runtime.chosen(account)
    found: Sequence[Connection] = [one for one in chosen if direction in one.vendor.pings]
    if not found:
        names = ", ".join(one.name for one in chosen)
        able = titles(lambda vendor: direction in vendor.pings)
        verb = "has" if len(able) == 1 else "have"
        raise NotOffered(f"{names}: no {direction} pings there. {' and '.join(able)} {verb} PING attempts.")
    return list(found)
