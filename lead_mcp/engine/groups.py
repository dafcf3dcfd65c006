"""The largest groups of a summary, and the rest of them as one; ranked once, shown as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Any, Final

from lead_mcp.engine.periods import PERIODS, period_place
from lead_mcp.engine.totals import GroupTable, GroupTotals, Key

MOST_GROUPS: Final = 50
OTHER: Final = "other"
Groups = Sequence[tuple[Key, GroupTotals]]
Displayed = tuple[tuple[Any, ...], ...]


class RankedGroups:
    """The groups in order: the largest first, those that tie in the order of what is ``displayed``.

    (The order of masked values would tell their first letters.) With ``apart`` the rest is one group an account, for
    money of several accounts must not be added up. Beyond the largest, a group is looked at and let go: there may be many.
    """

    def __init__(
        self,
        columns: Sequence[str],
        table: GroupTable,
        *,
        apart: bool = False,
        displayed: Callable[[Key], Key] = lambda key: key,
    ) -> None:
        self.columns, self.apart = list(columns), apart
        self._count = len(table)
        # where every group is an account, no two of them are ever added up
        self._most = max(len(table), MOST_GROUPS) if apart and set(columns) == {"account"} else MOST_GROUPS
        ranked = (
            (-cell.count, self._sortable(displayed(key)), nth, key) for nth, (key, cell) in enumerate(table.items())
        )
        kept = nsmallest(self._most, ranked)
        self._display: dict[Key, Displayed] = {key: shown for _, shown, _, key in kept}
        cells: dict[Key, GroupTotals] = {}
        self._rest: dict[Any, GroupTotals] = {}
        for key, cell in table.items():
            if key in self._display:
                cells[key] = cell
            else:
                self._merge(self._rest, key, cell)
        self._kept: Groups = [(key, cells[key]) for _, _, _, key in kept]

    def top(self, most: int = MOST_GROUPS) -> Groups:
        """The largest ``most`` groups (periods in time, others by count), and the rest as one group ``other``."""
        kept, rest = self._kept[:most], self._kept[most:]
        if any(name in PERIODS for name in self.columns):
            kept = sorted(kept, key=lambda item: self._display[item[0]])
        return [*kept, *(rest if self._most > MOST_GROUPS else self._others(rest))]

    def left_over(self, most: int = MOST_GROUPS) -> int:
        """How many groups are not among the largest ``most``."""
        return max(0, self._count - most)

    def _others(self, rest: Iterable[tuple[Key, GroupTotals]]) -> Groups:
        """The rest as one group; one for each account where accounts must not be added up."""
        merged: dict[Any, GroupTotals] = {}
        for account, cell in self._rest.items():
            merged.setdefault(account, GroupTotals()).merge(cell)
        for key, cell in rest:
            self._merge(merged, key, cell)
        at = self._account
        first = next((nth for nth in range(len(self.columns)) if nth != at), None)
        words: Mapping[int | None, str] = {first: OTHER}
        return [
            (tuple(account if nth == at else words.get(nth) for nth in range(len(self.columns))), cell)
            for account, cell in merged.items()
        ]

    def _merge(self, into: dict[Any, GroupTotals], key: Key, cell: GroupTotals) -> None:
        at = self._account
        into.setdefault(None if at is None else key[at], GroupTotals()).merge(cell)

    @property
    def _account(self) -> int | None:
        return self.columns.index("account") if self.apart else None

    def _sortable(self, displayed: Key) -> Displayed:
        return tuple(map(_place, self.columns, displayed))


def _place(name: str, value: Any) -> tuple[Any, ...]:
    """Where a value stands among others of its column: those that lack it last."""
    return (value is None, period_place(value) if name in PERIODS else str(value))
