"""A summary of leads: as many groups of a page as there is room for, those behind them as one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from lead_mcp.engine.summaries.groups import MOST_GROUPS, RankedGroups
from lead_mcp.engine.summaries.measures import Measure
from lead_mcp.engine.summaries.summary import Summary
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
from lead_mcp.outgoing.notes import sentences_of
from lead_mcp.outgoing.render import Table, table, text_of
from lead_mcp.outgoing.times import counted, heading, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered, allowed, first_that_fits

NOT_WHOLE: Final = "NOT COMPLETE: only what was read is counted"
OVERLAP: Final = "a lead is in each group that one of its parts is in"
STEP: Final = 7
"""How many groups fewer are tried at a time, where an answer would not fit."""


@dataclass(frozen=True)
class SummaryPage:
    """A page of a summary's groups in order, and what makes cells of their values."""

    summary: Summary
    measures: Sequence[Measure]
    page: GroupPage
    ranked: RankedGroups
    displayed: Displayed

    def groups(self, most: int) -> Table:
        """The page's first groups and the rest of them as a table; columns are named as asked."""
        records = self.summary.groups.records
        rows = [
            [*self.displayed(key), *measured(totals, self.measures, records)] for key, totals in self.ranked.top(most)
        ]
        return table([*self.summary.columns, *measure_columns(self.measures)], rows)

    def rendered(self, most: int) -> Rendered:
        summary, found = self.summary, self.groups(most)
        how = self._how(most)
        cursor = self.page.after(self.ranked.shown(most), summary.groups)
        structured = {
            "groups": found,
            "group_count": len(summary.groups),
            "total": summary.total,
            "next_cursor": cursor,
            "window": window_to_dict(summary.window),
            "how": how,
            "accounts": [entry_to_dict(entry) for entry in summary.entries],
        }
        text = text_of(
            self._heading(),
            groups_text(found, len(summary.columns)),
            how,
            *ledger_lines(summary.entries),
            f"next_cursor: {cursor}" if cursor else "",
        )
        return structured, text

    def _how(self, most: int) -> str:
        """How it was counted, and what of it is not in the table as it stands."""
        summary, again = self.summary, self.page.cursor.note(self.summary.groups)
        parts = (
            *sentences_of(summary.how),
            "" if summary.whole else NOT_WHOLE,
            OVERLAP if summary.groups.overlap else "",
            left_over_line(self.ranked, most),
            *sentences_of([again] if again else ()),
        )
        return "; ".join(filter(None, parts))

    def _heading(self) -> str:
        total = self.summary.total
        leads = "an unknown number of leads" if total is None else counted(total, "lead")
        groups = f"in {counted(len(self.summary.groups), 'group')}" if self.summary.columns else ""
        return heading(" ".join(filter(None, (leads, groups))), self.summary.window)


def summary_answer(summary: Summary, measures: Sequence[Measure], page: GroupPage) -> Rendered:
    """As many groups as there is room for; the rest of them are one row."""
    displayed = displayed_by(summary.columns, summary.entries)
    start = page.cursor.start
    ranked = RankedGroups(summary.columns, summary.groups, apart=summary.apart, displayed=displayed, start=start)
    made = SummaryPage(summary, measures, page, ranked, displayed)
    sizes = (*range(MOST_GROUPS, 0, -STEP), 1)
    return first_that_fits([partial(made.rendered, most) for most in sizes], allowed(None))
