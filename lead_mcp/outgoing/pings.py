"""A page of pings, with what all of them add up to on the first one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.groups import MOST_GROUPS, OTHER, RankedGroups
from lead_mcp.engine.pings import PingCount, PingTotals
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.totals import GroupTable
from lead_mcp.outgoing.cleaning import cell, plain_value, text_cell
from lead_mcp.outgoing.groups import Displayed, displayed_by
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.records import record_rows
from lead_mcp.outgoing.render import Table, table, text_of, text_table
from lead_mcp.outgoing.times import counted, heading, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered, allowed, check_some_fit, costs, rows_that_fit
from lead_mcp.uris import lead_uri

COLUMNS: Final = ("at", "accepted", "result", "source", "campaign", "client", "price", "revenue")
DEFAULTS: Final = (*COLUMNS, "lead_id")
SUMMARY: Final = ("total", "accepted", "rejected", "acceptance_rate", "revenue", "by_result")
STEP: Final = 7
PARTIAL: Final = "the summary wants every ping, and not every one was read"


def pings_answer(answer: Answer, query: Query, totals: PingTotals | None, max_tokens: int | None) -> Rendered:
    """As many rows as there is room for beside the summary. Raises BadArgument where there is none for one row."""
    page = PingPage(answer, query, totals)
    if totals is not None:
        page.note_costs()
        page.make_room(max_tokens)
    rows = ping_rows(answer.records)
    fit = rows_that_fit(rows, page.rendered, allowed(max_tokens, query.limit))
    if fit < len(rows):
        check_some_fit(fit, max_tokens)
        page.answer = answer.first(fit)
        page.omitted = f"{len(rows) - fit} more rows did not fit; next_cursor goes on behind these"
    return page.rendered(rows[:fit])


def ping_rows(records: Sequence[Record]) -> list[list[Any]]:
    """The URI, the columns, the URI of the lead it became."""
    return [[*row, _lead_of(record)] for record, row in zip(records, record_rows(records, COLUMNS), strict=True)]


def _lead_of(record: Record) -> str | None:
    lead = record.get("lead_id")
    return lead_uri(record.account, str(lead)) if lead else None


@dataclass
class PingPage:
    """A page in the making."""

    answer: Answer
    query: Query
    totals: PingTotals | None = None
    omitted: str = ""
    most: int = MOST_GROUPS
    """Groups, and results, that are displayed; the rest of them are one."""

    def make_room(self, max_tokens: int | None) -> None:
        """Show fewer groups, where they would leave rows less than half of the answer."""
        room = allowed(max_tokens, self.query.limit) // 2
        while self.most > STEP and costs(*self.rendered([])) > room:
            self.most -= STEP

    def note_costs(self) -> None:
        """What the summary's own reading cost, in the ledger; and why there is none, where not every ping could be read."""
        cost = {entry.account: entry for entry in (self.totals.entries if self.totals else ())}
        for entry in self.answer.entries:
            if entry.account in cost:
                entry.scanned += cost[entry.account].scanned
                entry.requests += cost[entry.account].requests
        for entry in self.answer.entries if self.totals and not self.totals.complete else ():
            entry.notes.append(PARTIAL)

    def rendered(self, rows: Sequence[list[Any]]) -> Rendered:
        """Structure and text."""
        answer, window = self.answer, self.query.window
        found, summary, groups = table(("uri", *COLUMNS, "lead_uri"), rows), self._summary(), self._groups()
        structured: dict[str, Any] = {"pings": found, "summary": summary}
        structured |= {"groups": groups} if groups else {}
        structured |= {"next_cursor": answer.cursor, "window": window_to_dict(window)}
        structured |= {"omitted": self.omitted} if self.omitted else {}
        structured["accounts"] = [entry_to_dict(entry) for entry in answer.entries]
        text = text_of(
            heading(counted(len(rows), f"{self.query.kind} ping"), window),
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
        found = self.totals
        if found is None:
            return None
        if not found.complete:
            return {"total": self.answer.total, **dict.fromkeys(SUMMARY[1:])}
        whole, margin = found.whole, found.whole.margin
        counts = [whole.cell.count, whole.accepted, whole.rejected, whole.rate, plain_value(whole.sum("revenue"))]
        summary = dict(zip(SUMMARY, [*counts, self._results(found.by_result) or None], strict=True))
        return summary if margin is None else {**summary, "margin": plain_value(margin)}

    def _groups(self) -> Table | None:
        if self.totals is None or not self.totals.group_by or not self.totals.complete:
            return None
        displayed, ranked = self._ranked
        rows = [[*displayed(key), *_counted(PingCount(cell))] for key, cell in ranked.top(self.most)]
        return table((*self.totals.group_by, "count", "accepted", "acceptance_rate", "revenue"), rows)

    @cached_property
    def _ranked(self) -> tuple[Displayed, RankedGroups]:
        """What makes cells of groups, and the groups in order: there may be very many, so they are ranked once."""
        names, groups = (self.totals.group_by, self.totals.groups) if self.totals else ((), GroupTable())
        displayed = displayed_by(names, self.answer.entries)
        return displayed, RankedGroups(names, groups, displayed=displayed)

    def _results(self, found: Mapping[str, int]) -> dict[str, int]:
        """How often each result came; the rarest together where there are too many."""
        ranked = sorted(((cell(word), count) for word, count in found.items()), key=lambda item: (-item[1], item[0]))
        results: dict[str, int] = {}
        for nth, (word, count) in enumerate(ranked):
            name = word if nth < self.most else OTHER
            results[name] = results.get(name, 0) + count
        return results


def _counted(count: PingCount) -> list[Any]:
    return [count.cell.count, count.accepted, count.rate, plain_value(count.sum("revenue"))]


def _summary_line(summary: dict[str, Any] | None) -> str:
    """``total 96, accepted 31, ...; by result: Accepted 31, Duplicate Lead 12``."""
    if summary is None:
        return ""
    plain = {key: value for key, value in summary.items() if value is not None and key != "by_result"}
    reasons = ", ".join(f"{text_cell(word)} {count}" for word, count in (summary.get("by_result") or {}).items())
    return ", ".join(f"{key} {value}" for key, value in plain.items()) + (f"; by result: {reasons}" if reasons else "")
