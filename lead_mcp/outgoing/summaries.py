"""A summary of leads: the largest groups that there is room for, the rest of them as one row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from lead_mcp.engine.groups import MOST_GROUPS, RankedGroups
from lead_mcp.engine.summary import Summary, SummaryQuery
from lead_mcp.outgoing.cleaning import plain_value
from lead_mcp.outgoing.groups import Displayed, displayed_by
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.render import Table, table, text_of, text_table
from lead_mcp.outgoing.times import counted, heading, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered, allowed, first_that_fits

STEP: Final = 7
"""How many groups fewer are tried at a time, where an answer would not fit."""


@dataclass(frozen=True)
class Groups:
    """The groups in order, and what makes cells of their values."""

    ranked: RankedGroups
    displayed: Displayed

    @classmethod
    def of(cls, summary: Summary) -> Groups:
        displayed = displayed_by(summary.columns, summary.entries)
        ranked = RankedGroups(summary.columns, summary.groups, apart=summary.apart, displayed=displayed)
        return cls(ranked, displayed)


def summary_answer(summary: Summary, asked: SummaryQuery) -> Rendered:
    """As many groups as there is room for; the rest of them are one row."""
    groups, sizes = Groups.of(summary), (*range(MOST_GROUPS, 0, -STEP), 1)
    return first_that_fits([partial(_rendered, summary, asked, groups, most) for most in sizes], allowed(None))


def groups_table(summary: Summary, asked: SummaryQuery, groups: Groups, most: int = MOST_GROUPS) -> Table:
    """The largest groups and the rest of them as a table; columns are named as asked."""
    rows = [
        [*groups.displayed(key), *(plain_value(cell.value(measure)) for measure in asked.measures)]
        for key, cell in groups.ranked.top(most)
    ]
    return table([*summary.columns, *map(str, asked.measures)], rows)


def _rendered(summary: Summary, asked: SummaryQuery, groups: Groups, most: int) -> Rendered:
    found = groups_table(summary, asked, groups, most)
    how, left_over = summary.how, groups.ranked.left_over(most)
    if left_over:
        how += f"; {left_over} smaller groups are one row, other"
    structured = {
        "groups": found,
        "total": summary.total,
        "window": window_to_dict(summary.window),
        "how": how,
        "accounts": [entry_to_dict(entry) for entry in summary.entries],
    }
    total = "an unknown number of leads" if summary.total is None else counted(summary.total, "lead")
    text = text_of(heading(total, summary.window), text_table(found), how, *ledger_lines(summary.entries))
    return structured, text
