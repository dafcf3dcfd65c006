"""A page of pings, or of groups of them; with what all of them add up to on the first one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.summaries.groups import MOST_GROUPS, RankedGroups
from lead_mcp.engine.summaries.measures import Measure
from lead_mcp.engine.summaries.notes import PingsNotAllRead
from lead_mcp.engine.summaries.pings import PingCount, PingTotals
from lead_mcp.outgoing.cleaning import cell, plain_value, text_cell
from lead_mcp.outgoing.groups import (
    OTHER,
    Displayed,
    GroupPage,
    displayed_by,
    groups_text,
    left_over_line,
    measure_columns,
    measured,
)
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.notes import sentence_of
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


def pings_answer(
    answer: Answer, query: Query, columns: Sequence[str], totals: PingTotals | None, group_page: GroupPage | None
) -> Rendered:
    """As many rows as there is room for beside the summary. Raises BadArgument where there is none for one row.

    ``columns``: fields shown beside the usual ones. ``group_page``: the page of groups, where those are paged and not rows.
    """
    max_tokens: int | None = query.arguments.get("max_tokens")
    answer = answer if totals is None else with_costs(answer, totals)
    page = PingPage(answer, query, columns, totals, ping_groups(answer, totals, group_page))
    room = allowed(max_tokens, query.limit)
    most = page.most(room // (2 if query.limit else 1))
    rows = ping_rows(answer.records, columns)
    fit = rows_that_fit(rows, partial(page.rendered, most=most), room)
    if fit < len(rows):
        check_some_fit(fit, max_tokens)
        omitted = f"{counted(len(rows) - fit, 'more row')} did not fit; next_cursor goes on behind these"
        page = replace(page, answer=answer.first(fit), omitted=omitted)
    return page.rendered(rows[:fit], most)


def with_costs(answer: Answer, totals: PingTotals) -> Answer:
    """What the summary's own reading cost, in the ledger; and why there is none, where not every ping could be read."""
    own = {entry.account: entry for entry in totals.entries}
    notes = [] if totals.complete else [PingsNotAllRead()]

    def with_cost(entry: LedgerEntry) -> LedgerEntry:
        cost = own.get(entry.account, entry)
        scanned, requests = (0, 0) if cost is entry else (cost.scanned, cost.requests)
        noted, scanned, requests = [*entry.notes, *notes], entry.scanned + scanned, entry.requests + requests
        return replace(entry, scanned=scanned, requests=requests, notes=noted)

    return replace(answer, entries=[with_cost(entry) for entry in answer.entries])


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


@dataclass(frozen=True)
class PingGroups:
    """The groups of every ping, ranked once, for there may be very many. ``page``: which of them, where they are paged.

    ``most``, wherever it stands: how many groups are displayed; the rest of them are one.
    """

    totals: PingTotals
    names: Sequence[str]
    displayed: Displayed
    ranked: RankedGroups
    page: GroupPage | None

    def __len__(self) -> int:
        return len(self.totals.groups)

    def table(self, most: int) -> Table:
        measures, records = _measures(self.totals), self.ranked.records
        counts = [name for name in COUNTED if name not in self.names]  # no two columns of one name
        rows = [
            [*self.displayed(key), *_counted(PingCount(totals), counts), *measured(totals, measures, records)]
            for key, totals in self.ranked.top(most)
        ]
        return table((*self.names, *counts, *measure_columns(measures)), rows)

    def cursor(self, most: int) -> str | None:
        """The cursor of the next page of groups."""
        return None if self.page is None else self.page.after(self.ranked.shown(most), self.totals.groups)

    def omitted(self, most: int) -> str:
        """What is not shown of the groups, and that a later page of them counts again."""
        left = left_over_line(self.ranked, most)
        if self.page is None:
            return left.replace("next_cursor goes on with them", "limit 0 pages through them")
        again = self.page.cursor.note(self.totals.groups)
        return "; ".join(filter(None, (left, sentence_of(again) if again else "")))


def ping_groups(answer: Answer, totals: PingTotals | None, page: GroupPage | None) -> PingGroups | None:
    """None where none were asked for, or not every ping was read."""
    if totals is None or not totals.grouping.group_by or not totals.complete:
        return None
    names, start = totals.grouping.group_by, page.cursor.start if page else 0
    displayed = displayed_by(names, answer.entries)
    ranked = RankedGroups(names, totals.groups, displayed=displayed, start=start)
    return PingGroups(totals, names, displayed, ranked, page)


@dataclass(frozen=True)
class PingPage:
    """A page of pings, beside what all of them add up to (``totals``, on the first page)."""

    answer: Answer
    query: Query
    columns: Sequence[str]
    totals: PingTotals | None
    groups: PingGroups | None
    omitted: str = ""
    """What is said of rows that did not fit."""

    def most(self, room: int) -> int:
        """How many groups, and results, are displayed: as many as there is room for beside the rows."""
        sizes = range(MOST_GROUPS, 0, -STEP) if self.totals else (MOST_GROUPS,)
        return next((most for most in sizes[:-1] if costs(*self.rendered([], most)) <= room), sizes[-1])

    def rendered(self, rows: Sequence[list[Any]], most: int) -> Rendered:
        """Structure and text."""
        answer, groups, summary = self.answer, self.groups, self._summary(most)
        found = table(("uri", *COLUMNS, "lead_uri", *self.columns), rows)
        grouped = None if groups is None else groups.table(most)
        cursor = answer.cursor if groups is None or groups.page is None else groups.cursor(most)
        omitted = "; ".join(filter(None, (self.omitted, groups.omitted(most) if groups is not None else "")))
        structured: dict[str, Any] = {"pings": found, "summary": summary}
        structured |= {} if groups is None else {"groups": grouped, "group_count": len(groups)}
        structured |= {"next_cursor": cursor, "window": window_to_dict(self.query.window)}
        structured |= {"omitted": omitted} if omitted else {}
        structured["accounts"] = [entry_to_dict(entry) for entry in answer.entries]
        text = text_of(
            self._heading(rows),
            _summary_line(summary),
            groups_text(grouped, len(groups.names)) if groups is not None and grouped is not None else "",
            text_table(found) if rows or groups is None else "",
            omitted,
            *ledger_lines(answer.entries),
            f"next_cursor: {cursor}" if cursor else "",
        )
        return structured, text

    def _heading(self, rows: Sequence[Any]) -> str:
        total = self.totals.whole.count if self.totals and self.totals.complete else None
        pings = counted(len(rows) if total is None or rows else total, f"{self.query.kind} ping")
        groups = "" if self.groups is None or rows else f"in {counted(len(self.groups), 'group')}"
        return heading(" ".join(filter(None, (pings, groups))), self.query.window)

    def _summary(self, most: int) -> dict[str, Any] | None:
        """Of every ping of window and filters; where not every one was read, only the total that the vendor gave."""
        found = self.totals
        if found is None:
            return None
        if not found.complete:
            return {"total": self.answer.total, **dict.fromkeys(SUMMARY[1:])}
        whole, margin = found.whole, found.whole.margin
        counts = [whole.count, whole.accepted, whole.rejected, whole.rate, plain_value(whole.sum("revenue"))]
        summary = dict(zip(SUMMARY, [*counts, _results(found.by_result, most) or None], strict=True))
        measures = _measures(found)
        more = dict(zip(measure_columns(measures), measured(whole.totals, measures, whole.count), strict=True))
        return {**summary, **({} if margin is None else {"margin": plain_value(margin)}), **more}


def _measures(totals: PingTotals) -> Sequence[Measure]:
    """Those asked for that no summary of pings has anyway."""
    return [measure for measure in totals.grouping.measures if str(measure) not in COUNTED]


def _results(found: Mapping[str, int], most: int) -> dict[str, int]:
    """How often each result came; the rarest together where there are too many."""
    ranked = sorted(((cell(word), count) for word, count in found.items()), key=lambda item: (-item[1], item[0]))
    results: dict[str, int] = {}
    for nth, (word, count) in enumerate(ranked):
        name = word if nth < most else OTHER
        results[name] = results.get(name, 0) + count
    return results


def _counted(count: PingCount, names: Sequence[str]) -> list[Any]:
    values = [count.count, count.accepted, count.rate, plain_value(count.sum("revenue"))]
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
