"""A page of a summary's groups, and those behind it as one; ranked once, shown as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from heapq import nsmallest
from typing import Any, Final

from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.summaries.notes import CountedAgain
from lead_mcp.engine.summaries.tallies import GroupTotals
from lead_mcp.engine.summaries.time_groups import TIME_GROUPS, order_in_time
from lead_mcp.engine.summaries.totals import GroupTable, Key

MOST_GROUPS: Final = 50
BEHIND: Final = -1
"""The slot of groups that earlier pages showed."""
Groups = Sequence[tuple[Key, GroupTotals]]


class Rest(Enum):
    """In place of a value: that of all the groups behind a page together."""

    GROUPS = "rest"


@dataclass(frozen=True)
class GroupCursor:
    """Where a page of groups begins. ``frozen``: the moment of the first page; ``mark``: of what was counted for that."""

    frozen: datetime
    start: int = 0
    mark: int | None = None

    @staticmethod
    def opened(seal: Seal, cursor: str | None, arguments: Mapping[str, Any], now: datetime) -> GroupCursor:
        """The first page where there is no cursor. Raises BadArgument where it is not one of ours."""
        if cursor is None:
            return GroupCursor(now)
        state = seal.open(cursor, arguments)
        return GroupCursor(now, int(state["o"]), state["m"])

    def after(self, shown: int, table: GroupTable, seal: Seal, arguments: Mapping[str, Any]) -> str | None:
        """The cursor behind the groups of this page; None where it shows the last one."""
        start = self.start + shown
        if start >= len(table):
            return None
        mark = table.mark if self.mark is None else self.mark
        return seal.close({"f": self.frozen, "o": start, "m": mark}, arguments)

    def note(self, table: GroupTable) -> CountedAgain | None:
        """What is to be known of a later page: everything was counted once more."""
        return None if self.mark is None else CountedAgain(self.frozen, changed=self.mark != table.mark)


class RankedGroups:
    """The groups from ``start`` on, in order: stretches of time in time, others the largest first, those that tie in the
    order of what is ``displayed``.

    (The order of masked values would tell their first letters.) What lies behind the page is one group, with ``apart`` one
    an account, for money of several accounts must not be added up.
    """

    def __init__(
        self,
        columns: Sequence[str],
        table: GroupTable,
        *,
        apart: bool = False,
        displayed: Callable[[Key], Key] = lambda key: key,
        start: int = 0,
    ) -> None:
        self.columns, self.apart, self.start = list(columns), apart, start
        self.records, self._count = table.records, len(table)
        # where every group is an account, no two of them are ever added up
        self._most = max(self._count, MOST_GROUPS) if apart and set(columns) == {"account"} else MOST_GROUPS
        in_time = any(name in TIME_GROUPS for name in self.columns)
        ranked = (
            (0 if in_time else -count, self._sortable(displayed(key)), place, key)
            for place, (key, count) in enumerate(table.counts())
        )
        first = nsmallest(start + self._most, ranked)
        slots = {place: nth - start if nth >= start else BEHIND for nth, (_, _, place, _) in enumerate(first)}
        keys = [key for _, _, _, key in first[start:]]
        self._kept, self._rest = self._made(table, keys, slots)

    def _made(self, table: GroupTable, keys: Sequence[Key], kept: Mapping[int, int]) -> tuple[Groups, Groups]:
        """The groups of this page, and what is behind it, by account where accounts are apart."""
        rest: dict[Any, int] = {}
        slots = [
            kept[place] if place in kept else len(keys) + rest.setdefault(self._account_of(key), len(rest))
            for place, (key, _) in enumerate(table.counts())
        ]
        made = table.totals(slots, len(keys) + len(rest))
        behind = [((account,), totals) for account, totals in zip(rest, made[len(keys) :], strict=True)]
        return list(zip(keys, made[: len(keys)], strict=True)), behind

    def top(self, most: int = MOST_GROUPS) -> Groups:
        """The first ``most`` groups of the page, and those behind them as one group."""
        kept, rest = self._kept[:most], self._kept[most:]
        return [*kept, *(rest if self._most > MOST_GROUPS else self._others(rest))]

    def shown(self, most: int = MOST_GROUPS) -> int:
        """How many groups such a page shows."""
        return len(self._kept) if self._most > MOST_GROUPS else min(most, len(self._kept))

    def left_over(self, most: int = MOST_GROUPS) -> int:
        """How many groups stand behind such a page."""
        return self._count - self.start - self.shown(most)

    def _others(self, rest: Iterable[tuple[Key, GroupTotals]]) -> Groups:
        """The rest as one group; one for each account where accounts must not be added up."""
        merged, more = {account: totals for (account,), totals in self._rest}, dict[Any, list[GroupTotals]]()
        for key, totals in rest:
            more.setdefault(self._account_of(key), []).append(totals)
        for account, several in more.items():
            both = GroupTotals()  # what was made once is not changed: another size of the page may be tried
            for totals in (merged[account], *several) if account in merged else several:
                both.merge(totals)
            merged[account] = both
        at = self._account
        first = next((nth for nth in range(len(self.columns)) if nth != at), None)
        values: Mapping[int | None, Rest] = {first: Rest.GROUPS}
        return [
            (tuple(account if nth == at else values.get(nth) for nth in range(len(self.columns))), totals)
            for account, totals in merged.items()
        ]

    def _account_of(self, key: Key) -> Any:
        return None if self._account is None else key[self._account]

    @property
    def _account(self) -> int | None:
        return self.columns.index("account") if self.apart else None

    def _sortable(self, displayed: Key) -> tuple[Any, ...]:
        return tuple(map(_place, self.columns, displayed))


def _place(name: str, value: Any) -> tuple[Any, ...]:
    """Where a value stands among others of its column: those that lack it last."""
    if value is None:
        return (True,)
    found = order_in_time(value) if name in TIME_GROUPS else value
    return (False, 0, found) if isinstance(found, int | float) else (False, 1, str(found))
