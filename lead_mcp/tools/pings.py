"""``query_pings``: PING attempts in and out, with how many were accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.groups import OTHER
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.periods import PERIODS
from lead_mcp.engine.pings import PingCount, PingTotals, ping_totals
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import NotOffered
from lead_mcp.outgoing.cleaning import cell, plain_value, text_cell
from lead_mcp.outgoing.masking import shown
from lead_mcp.outgoing.render import Table, entry_to_dict, ledger_lines, table, text_of, text_table, window_line
from lead_mcp.outgoing.token_budget import check_some_fit, costs, rows_that_fit
from lead_mcp.outgoing.tokens import allowed
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import AccountName, Cursor, Limit, MaxTokens, Moment, MoreFilters, plainly, result, runtime_of
from lead_mcp.tools.leads import SearchArguments
from lead_mcp.tools.summaries import progress
from lead_mcp.uris import lead_uri

COLUMNS: Final = ("at", "accepted", "result", "source", "campaign", "client", "price", "revenue")
SHOWN: Final = (*COLUMNS, "lead_id")
SUMMARY: Final = ("total", "accepted", "rejected", "acceptance_rate", "revenue", "by_result")
MOST_GROUPS: Final = 50
STEP: Final = 7
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
        runtime, account, None, filters, since, until, order, columns, limit, cursor, kind=direction, defaults=SHOWN
    )
    query = asked.query(max_tokens=max_tokens, group_by=list(groups))
    answer = await search(chosen, query, runtime.limits, runtime.seal)
    page = PingAnswer(answer, query)
    if cursor is None:
        limits = Limits(runtime.server.deadline, runtime.server.summary_limit)
        page.ping_totals = await ping_totals(chosen, query, groups, answer, limits, progress(ctx))
        page.tell_summary()
        page.make_room(max_tokens, limit)
    rows = [ping_row(record) for record in answer.records]
    fit = rows_that_fit(rows, page.rendered, allowed(max_tokens, limit))
    if fit < len(rows):
        check_some_fit(fit, max_tokens)
        page.answer = answer.first(fit)
        page.omitted = f"{len(rows) - fit} more rows did not fit; next_cursor goes on behind these"
    return result(*page.rendered(rows[:fit]))


@dataclass
class PingAnswer:
    """A page of pings, with the summary on the first one."""

    answer: Answer
    query: Query
    ping_totals: PingTotals | None = None
    omitted: str = ""
    most: int = MOST_GROUPS
    """Groups, and results, that are shown; the rest of them are one."""

    def make_room(self, max_tokens: int | None, limit: int) -> None:
        """Show fewer groups, where they would leave rows less than half of the answer."""
        room = allowed(max_tokens, limit) // 2
        while self.most > STEP and costs(*self.rendered([])) > room:
            self.most -= STEP

    def tell_summary(self) -> None:
        """What the summary's own reading cost, in the ledger; and why there is none, where not every ping could be read."""
        cost = {entry.account: entry for entry in (self.ping_totals.entries if self.ping_totals else ())}
        for entry in self.answer.entries:
            if entry.account in cost:
                entry.scanned += cost[entry.account].scanned
                entry.requests += cost[entry.account].requests
        for entry in self.answer.entries if self.ping_totals and not self.ping_totals.complete else ():
            entry.notes.append("the summary wants every ping, and not every one was read")

    def rendered(self, rows: Sequence[list[Any]]) -> tuple[dict[str, Any], str]:
        """Structure and text."""
        answer, window = self.answer, self.query.window
        found, summary, groups = table(("uri", *COLUMNS, "lead_uri"), rows), self._summary(), self._groups()
        structured: dict[str, Any] = {"pings": found, "summary": summary}
        structured |= {"groups": groups} if groups else {}
        structured |= {"next_cursor": answer.cursor, "window": window.to_dict() if window else None}
        structured |= {"omitted": self.omitted} if self.omitted else {}
        structured["accounts"] = [entry_to_dict(entry) for entry in answer.entries]
        text = text_of(
            f"{len(rows)} {self.query.kind} pings {window_line(window)}".strip(),
            _summary_line(summary),
            text_table(groups) if groups else "",
            text_table(found),
            self.omitted,
            *ledger_lines(answer.entries),
            f"next_cursor: {answer.cursor}" if answer.cursor else "",
        )
        return structured, text

    def _summary(self) -> dict[str, Any] | None:
        """Of every ping of window and filters; where not every one was read, only the total that the vendor gave."""
        found = self.ping_totals
        if found is None:
            return None
        if not found.complete:
            return {"total": self.answer.total, **dict.fromkeys(SUMMARY[1:])}
        whole, margin = found.whole, found.whole.margin
        counts = [whole.cell.count, whole.accepted, whole.rejected, whole.rate, plain_value(whole.sum("revenue"))]
        summary = dict(zip(SUMMARY, [*counts, self._results(found.by_result) or None], strict=True))
        return summary if margin is None else {**summary, "margin": plain_value(margin)}

    def _groups(self) -> Table | None:
        if self.ping_totals is None or not self.ping_totals.group_by or not self.ping_totals.complete:
            return None
        names = self.ping_totals.group_by
        ranked = sorted(self.ping_totals.groups.items(), key=lambda item: (-item[1].cell.count, str(item[0])))
        kept, rest = ranked[: self.most], PingCount()
        if any(name in PERIODS for name in names):
            kept.sort(key=lambda item: str(item[0]))
        rows = [[*_named(names, key), *_counted(count)] for key, count in kept]
        for _, count in ranked[self.most :]:
            rest.merge(count)
        if rest.cell.count:
            rows.append([OTHER, *[None] * (len(names) - 1), *_counted(rest)])
        return table((*names, "count", "accepted", "acceptance_rate", "revenue"), rows)

    def _results(self, found: Mapping[str, int]) -> dict[str, int]:
        """How often each result came; the rarest together where there are too many."""
        ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        results: dict[str, int] = {}
        for nth, (word, count) in enumerate(ranked):
            name = cell(word) if nth < self.most else OTHER
            results[name] = results.get(name, 0) + count
        return results


def _named(names: Sequence[str], key: Sequence[Any]) -> list[Any]:
    return [shown(name, plain_value(part)) for name, part in zip(names, key, strict=True)]


def _counted(count: PingCount) -> list[Any]:
    return [count.cell.count, count.accepted, count.rate, plain_value(count.sum("revenue"))]


def _summary_line(summary: dict[str, Any] | None) -> str:
    """``total 96, accepted 31, ...; by result: Accepted 31, Duplicate Lead 12``."""
    if summary is None:
        return ""
    plain = {key: value for key, value in summary.items() if value is not None and key != "by_result"}
    reasons = ", ".join(f"{text_cell(word)} {count}" for word, count in (summary.get("by_result") or {}).items())
    return ", ".join(f"{key} {value}" for key, value in plain.items()) + (f"; by result: {reasons}" if reasons else "")


def with_pings(runtime: Runtime, account: str | None, direction: str) -> list[Connection]:
    """The chosen accounts that have pings. Raises NotOffered where none has."""
    chosen = runtime.chosen(account)
    found: Sequence[Connection] = [one for one in chosen if direction in one.vendor.pings]
    if not found:
        names = ", ".join(one.name for one in chosen)
        raise NotOffered(f"{names}: no {direction} pings there. LeadExec has PING attempts.")
    return list(found)


def ping_row(record: Record) -> list[Any]:
    """The URI, the columns, the URI of the lead it became."""
    lead = record.get("lead_id")
    values = [shown(name, plain_value(record.get(name))) for name in COLUMNS]
    return [record.uri, *values, lead_uri(record.account, str(lead)) if lead else None]
