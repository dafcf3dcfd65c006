"""Groups as they may leave: their values by what the fields they are grouped by say of a person, page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.query import Query
from lead_mcp.engine.summaries.groups import GroupCursor, RankedGroups, Rest
from lead_mcp.engine.summaries.measures import Measure
from lead_mcp.engine.summaries.tallies import GroupTotals
from lead_mcp.engine.summaries.time_groups import NOT_FIELDS
from lead_mcp.engine.summaries.totals import GroupTable
from lead_mcp.outgoing.cleaning import plain_value, readable
from lead_mcp.outgoing.kinds import stronger
from lead_mcp.outgoing.masking import Masker, masker_in_use
from lead_mcp.outgoing.render import Table, text_table

Displayed = Callable[[Sequence[Any]], tuple[Any, ...]]
NONE: Final = "(none)"
OTHER: Final = "other"
"""Groups behind a page, in one row."""


@dataclass(frozen=True)
class GroupPage:
    """Which page of groups is asked for, and what makes the cursor of the next one."""

    cursor: GroupCursor
    query: Query
    seal: Seal

    def after(self, shown: int, table: GroupTable) -> str | None:
        """The cursor behind so many groups of this page."""
        return self.cursor.after(shown, table, self.seal, self.query.arguments)


def left_over_line(ranked: RankedGroups, most: int) -> str:
    """What the row ``other`` holds."""
    left = ranked.left_over(most)
    if not left:
        return ""
    return f"{left:,} more group{'' if left == 1 else 's'} in one row, {OTHER}; next_cursor goes on with them"


def measured(totals: GroupTotals, measures: Sequence[Measure], records: int) -> list[Any]:
    """What a group adds up to, as values of a row; behind them, over how many values each average is."""
    values = [plain_value(totals.value(measure, records)) for measure in measures]
    return [*values, *(totals.figures(name).seen for name in averaged(measures))]


def measure_columns(measures: Sequence[Measure]) -> list[str]:
    """The names of these columns: the measures, and ``values:FIELD`` for every field that is averaged."""
    return [*map(str, measures), *(f"values:{name}" for name in averaged(measures))]


def averaged(measures: Sequence[Measure]) -> list[str]:
    return list(dict.fromkeys(measure.field for measure in measures if measure.how == "avg"))


def groups_text(found: Table, names: int) -> str:
    """The table as text: of the first ``names`` columns, a value that is absent is a group of its own."""
    rows = [[*(NONE if part is None else part for part in row[:names]), *row[names:]] for row in found["rows"]]
    return text_table({**found, "rows": rows})


def displayed_by(names: Sequence[str], entries: Sequence[LedgerEntry]) -> Displayed:
    """What makes cells of a group's values. A name that several accounts have is as personal as at the strictest."""
    masker = masker_in_use()
    if masker is None:
        return lambda key: tuple(map(_plain, key))
    columns = [_column(masker, name, entries) for name in names]
    return lambda key: tuple(show(part) for show, part in zip(columns, key, strict=True))


def _plain(part: Any) -> Any:
    return OTHER if part is Rest.GROUPS else plain_value(part)


def _column(masker: Masker, name: str, entries: Sequence[LedgerEntry]) -> Callable[[Any], Any]:
    if name in NOT_FIELDS:
        return _plain
    fields = [(entry.account, known) for entry in entries if (known := entry.field_of(name)) is not None]
    kinds = [masker.kind(name, known, account) for account, known in fields] or [masker.kind(name, None)]
    kind = stronger(*kinds)
    path = next((known.paths[0] for _, known in fields if known.paths), name)

    def cell(part: Any) -> Any:
        return OTHER if part is Rest.GROUPS else plain_value(masker.of_kind(kind, readable(part), path))

    return cell
