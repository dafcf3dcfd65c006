"""``summarize_leads``: counts and sums over any filter, the cheapest honest way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from lead_mcp.engine.groups import MOST_GROUPS, RankedGroups
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.summary import Summary, SummaryQuery, summarize
from lead_mcp.engine.totals import GroupTotals, parse_measures
from lead_mcp.outgoing.cleaning import plain_value
from lead_mcp.outgoing.masking import shown
from lead_mcp.outgoing.render import Table, entry_to_dict, ledger_lines, table, text_of, text_table, window_line
from lead_mcp.outgoing.token_budget import costs
from lead_mcp.outgoing.tokens import allowed
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import AccountName, Moment, MoreFilters, plainly, result, runtime_of
from lead_mcp.tools.leads import SearchArguments

STEP: Final = 7
"""How many groups fewer are tried at a time, where an answer would not fit."""
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
    return _answered(summary, asked)


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


def ranked_groups(summary: Summary) -> RankedGroups[GroupTotals]:
    """The groups in order, as they are displayed."""

    def displayed(key: tuple[Any, ...]) -> tuple[Any, ...]:
        return _displayed(summary.columns, key)

    return RankedGroups(summary.columns, summary.cells, GroupTotals, apart=summary.apart, displayed=displayed)


def _displayed(columns: Sequence[str], key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(shown(name, plain_value(part)) for name, part in zip(columns, key, strict=True))


def groups_table(
    summary: Summary, asked: SummaryQuery, ranked: RankedGroups[GroupTotals], most: int = MOST_GROUPS
) -> Table:
    """The largest groups and the rest of them as a table; columns are named as asked."""
    rows = [
        [*_displayed(summary.columns, key), *(plain_value(cell.value(measure)) for measure in asked.measures)]
        for key, cell in ranked.top(most)
    ]
    return table([*summary.columns, *map(str, asked.measures)], rows)


def _answered(summary: Summary, asked: SummaryQuery) -> CallToolResult:
    """As many groups as there is room for; the rest of them are one row."""
    ranked = ranked_groups(summary)
    for most in range(MOST_GROUPS, 0, -STEP):
        found = _rendered(summary, asked, ranked, most)
        if costs(*found) <= allowed(None):
            return result(*found)
    return result(*_rendered(summary, asked, ranked, 1))


def _rendered(
    summary: Summary, asked: SummaryQuery, ranked: RankedGroups[GroupTotals], most: int
) -> tuple[dict[str, Any], str]:
    """Structure and text with the largest groups."""
    found = groups_table(summary, asked, ranked, most)
    how, left_over = summary.how, ranked.left_over(most)
    if left_over:
        how += f"; {left_over} smaller groups are one row, other"
    structured = {
        "groups": found,
        "total": summary.total,
        "window": summary.window.to_dict() if summary.window else None,
        "how": how,
        "accounts": [entry_to_dict(entry) for entry in summary.entries],
    }
    total = "an unknown number of" if summary.total is None else f"{summary.total:,}"
    text = text_of(
        f"{total} leads {window_line(summary.window)}".strip(), text_table(found), how, *ledger_lines(summary.entries)
    )
    return structured, text
