"""A page of pings, or of groups of them; with what all of them add up to on the first one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.groups import MOST_GROUPS, OTHER, RankedGroups
from lead_mcp.engine.measures import Measure
from lead_mcp.engine.pings import PingCount, PingTotals
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.outgoing.cleaning import cell, plain_value, text_cell
from lead_mcp.outgoing.groups import (
    Displayed,
    GroupPage,
    displayed_by,
    groups_text,
    left_over_line,
    measure_columns,
    measured,
)
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.records import record_rows
from lead_mcp.outgoing.render import Table, table, text_of, text_table
from lead_mcp.outgoing.times import counted, heading, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered, allowed, check_some_fit, costs, rows_that_fit
from lead_mcp.outgoing.words import words_of
from lead_mcp.uris import lead_uri

RowsOf = Callable[[Sequence[Record], Sequence[str]], list[list[Any]]]
COLUMNS: Final = ("at", "accepted", "result", "source", "campaign", "client", "price", "revenue")
DEFAULTS: Final = (*COLUMNS, "lead_id")
SHOWN: Final = frozenset({*DEFAULTS, "id"})
"""Fields that the columns of every row show: the id stands in the URI, the lead's in that of the lead."""
SUMMARY: Final = ("total", "accepted", "rejected", "acceptance_rate", "revenue", "by_result")
COUNTED: Final = ("count", "accepted", "acceptance_rate", "revenue")
MEANINGS: Final = {"margin": "margin (revenue less price)"}
STEP: Final = 7
PARTIAL: Final = "the summary wants every ping, and not every one was read"


def pings_answer(
    answer: Answer, query: Query, columns: Sequence[str], totals: PingTotals | None, groups: GroupPage | None
) -> Rendered:
    """As many rows as there is room for beside the summary. Raises BadArgument where there is none for one row.

    ``columns``: fields shown beside the usual ones. ``groups``: the page of groups, where those are paged and not rows.
    """
    page = PingPage(answer, query, columns, totals, groups)
    max_tokens: int | None = query.arguments.get("max_tokens")
    if totals is not None:
        page.note_costs()
        page.make_room(max_tokens)
    rows = ping_rows(answer.records, columns)
    fit = rows_that_fit(rows, page.rendered, allowed(max_tokens, query.limit))
    if fit < len(rows):
        check_some_fit(fit, max_tokens)
        page.answer = answer.first(fit)
        page.omitted = f"{counted(len(rows) - fit, 'more row')} did not fit; next_cursor goes on behind these"
    return page.rendered(rows[:fit])


def ping_rows(records: Sequence[Record], columns: Sequence[str] = (), rows_of: RowsOf = record_rows) -> list[list[Any]]:
    """The URI, the usual columns, the URI of the lead it became, and further columns."""
    width = len(COLUMNS) + 1
    return [
        [*row[:width], _lead_of(record), *row[width:]]
        for record, row in zip(records, rows_of(records, (*COLUMNS, *columns)), strict=True)
    ]


def _lead_of(record: Record) -> str | None:
    lead = record.get("lead_id")
    return lead_uri(record.account, str(lead)) if lead else None


@dataclass
class PingPage:
    """A page in the making."""

    answer: Answer
    query: Query
    columns: Sequence[str] = ()
    totals: PingTotals | None = None
    group_page: GroupPage | None = None
    omitted: str = ""
    most: int = MOST_GROUPS
    """Groups, and results, that are displayed; the rest of them are one."""

    def make_room(self, max_tokens: int | None) -> None:
        """Show fewer groups, where they would leave rows less than half of the answer, or would not fit without rows."""
        room = allowed(max_tokens, self.query.limit) // (2 if self.query.limit else 1)
        while self.most > STEP and costs(*self.rendered([])) > room:
            self.most -= STEP

    def note_costs(self) -> None:
        """What the summary's own reading cost, in the ledger; and why there is none, where not every ping could be read."""
        cost = {entry.account: entry for entry in (self.totals.entries if self.totals else ())}
        for entry in self.answer.entries:
            if entry.account in cost and entry is not cost[entry.account]:
                entry.scanned += cost[entry.account].scanned
                entry.requests += cost[entry.account].requests
        for entry in self.answer.entries if self.totals and not self.totals.complete else ():
            entry.notes.append(PARTIAL)

    def rendered(self, rows: Sequence[list[Any]]) -> Rendered:
        """Structure and text."""
        answer, window, summary, groups = self.answer, self.query.window, self._summary(), self._groups()
        found = table(("uri", *COLUMNS, "lead_uri", *self.columns), rows)
        cursor = answer.cursor if groups is None or self.group_page is None else self._cursor(self.group_page)
        structured: dict[str, Any] = {"pings": found, "summary": summary}
        structured |= {} if groups is None else {"groups": groups, "group_count": len(self._all.groups)}
        structured |= {"next_cursor": cursor, "window": window_to_dict(window)}
        omitted = "; ".join(filter(None, (self.omitted, self._groups_omitted() if groups is not None else "")))
        structured |= {"omitted": omitted} if omitted else {}
        structured["accounts"] = [entry_to_dict(entry) for entry in answer.entries]
        text = text_of(
            self._heading(rows, groups),
            _summary_line(summary),
            groups_text(groups, len(self._all.grouping.group_by)) if groups else "",
            text_table(found) if rows or groups is None else "",
            omitted,
            *ledger_lines(answer.entries),
            f"next_cursor: {cursor}" if cursor else "",
        )
        return structured, text

    def _heading(self, rows: Sequence[Any], groups: Table | None) -> str:
        total = self.totals.whole.cell.count if self.totals and self.totals.complete else None
        pings = counted(len(rows) if total is None or rows else total, f"{self.query.kind} ping")
        found = "" if groups is None else f"in {counted(len(self._all.groups), 'group')}"
        return heading(" ".join(filter(None, (pings, "" if rows else found))), self.query.window)

    def _cursor(self, page: GroupPage) -> str | None:
        return page.after(self._ranked[1].shown(self.most), self._all.groups)

    def _groups_omitted(self) -> str:
        """What is not shown of the groups, and that a later page of them counts again."""
        left = left_over_line(self._ranked[1], self.most)
        if self.group_page is None:
            return left.replace("next_cursor goes on with them", "limit 0 pages through them")
        return "; ".join(filter(None, (left, self.group_page.cursor.note(self._all.groups))))

    @cached_property
    def _all(self) -> PingTotals:
        if self.totals is None:
            raise TypeError("a later page of rows has no groups")
        return self.totals

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
        measures = self._measures
        more = dict(zip(measure_columns(measures), measured(whole.cell, measures, whole.cell.count), strict=True))
        return {**summary, **({} if margin is None else {"margin": plain_value(margin)}), **more}

    @property
    def _measures(self) -> Sequence[Measure]:
        """Those asked for that no summary of pings has anyway."""
        asked = self.totals.grouping.measures if self.totals else ()
        return [measure for measure in asked if str(measure) not in COUNTED]

    def _groups(self) -> Table | None:
        if self.totals is None or not self.totals.grouping.group_by or not self.totals.complete:
            return None
        displayed, ranked = self._ranked
        measures, records, names = self._measures, ranked.records, self.totals.grouping.group_by
        counts = [name for name in COUNTED if name not in names]  # no two columns of one name
        rows = [
            [*displayed(key), *_counted(PingCount(cell), counts), *measured(cell, measures, records)]
            for key, cell in ranked.top(self.most)
        ]
        return table((*names, *counts, *measure_columns(measures)), rows)

    @cached_property
    def _ranked(self) -> tuple[Displayed, RankedGroups]:
        """What makes cells of groups, and the groups in order: there may be very many, so they are ranked once."""
        names, entries = self._all.grouping.group_by, self.answer.entries
        displayed, start = displayed_by(names, entries), self.group_page.cursor.start if self.group_page else 0
        return displayed, RankedGroups(names, self._all.groups, displayed=displayed, start=start)

    def _results(self, found: Mapping[str, int]) -> dict[str, int]:
        """How often each result came; the rarest together where there are too many."""
        ranked = sorted(((cell(word), count) for word, count in found.items()), key=lambda item: (-item[1], item[0]))
        results: dict[str, int] = {}
        for nth, (word, count) in enumerate(ranked):
            name = word if nth < self.most else OTHER
            results[name] = results.get(name, 0) + count
        return results


def _counted(count: PingCount, names: Sequence[str]) -> list[Any]:
    values = [count.cell.count, count.accepted, count.rate, plain_value(count.sum("revenue"))]
    return [value for name, value in zip(COUNTED, values, strict=True) if name in names]


def _summary_line(summary: dict[str, Any] | None) -> str:
    """``total 96, accepted 31, ...; by result: Accepted 31, Duplicate Lead 12``."""
    if summary is None:
        return ""
    plain = {key: value for key, value in summary.items() if value is not None and key != "by_result"}
    reasons = ", ".join(f"{text_cell(word)} {count}" for word, count in (summary.get("by_result") or {}).items())
    return ", ".join(f"{MEANINGS.get(key, key)} {words_of(value)}" for key, value in plain.items()) + (
        f"; by result: {reasons}" if reasons else ""
    )
