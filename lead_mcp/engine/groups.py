"""The largest groups of a summary, and the rest of them as one; ranked once, shown as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from lead_mcp.engine.periods import PERIODS

MOST_GROUPS: Final = 50
OTHER: Final = "other"
Key = tuple[Any, ...]


class Counted(Protocol):
    """What a group adds up to."""

    @property
    def count(self) -> int: ...
    def merge(self, other: Any) -> None: ...


T = TypeVar("T", bound=Counted)
Groups = Sequence[tuple[Key, T]]


class RankedGroups(Generic[T]):
    """The groups in order: the largest first, those that tie in the order of what is ``displayed``.

    (The order of masked values would tell their first letters.) With ``apart`` the rest is one group an account, for
    money of several accounts must not be added up. ``empty``: makes a group of nobody.
    """

    def __init__(
        self,
        columns: Sequence[str],
        cells: Mapping[Key, T],
        empty: Callable[[], T],
        *,
        apart: bool = False,
        displayed: Callable[[Key], Key] = lambda key: key,
    ) -> None:
        self.columns, self.empty, self.apart = columns, empty, apart
        keyed = ((_rank(cell, displayed(key)), key, cell) for key, cell in cells.items())
        ranked = sorted(keyed, key=lambda item: item[0])
        self._display = {key: rank[1] for rank, key, _ in ranked[:MOST_GROUPS]}
        self._kept = [(key, cell) for _, key, cell in ranked[:MOST_GROUPS]]
        self._rest = [(key, cell) for _, key, cell in ranked[MOST_GROUPS:]]
        self._rest_merged = self._merged({}, self._rest)

    def top(self, most: int = MOST_GROUPS) -> Groups[T]:
        """The largest ``most`` groups (periods in time, others by count), and the rest as one group ``other``."""
        most = min(most, MOST_GROUPS)
        kept, rest = self._kept[:most], self._kept[most:]
        if any(name in PERIODS for name in self.columns):
            kept = sorted(kept, key=lambda item: self._display[item[0]])
        return [*kept, *self._others(rest)]

    def left_over(self, most: int = MOST_GROUPS) -> int:
        """How many groups are not among the largest ``most``."""
        return len(self._kept[most:]) + len(self._rest)

    def _others(self, rest: Groups[T]) -> Groups[T]:
        """The rest as one group; one for each account where accounts must not be added up."""
        if self.apart and set(self.columns) == {"account"}:
            return [*rest, *self._rest]
        at = self._account
        first = next((nth for nth in range(len(self.columns)) if nth != at), None)
        words = {first: OTHER}
        merged = self._merged(self._rest_merged, rest)
        return [
            (tuple(account if nth == at else words.get(nth) for nth in range(len(self.columns))), cell)
            for account, cell in merged.items()
        ]

    def _merged(self, before: Mapping[Any, T], groups: Iterable[tuple[Key, T]]) -> dict[Any, T]:
        """``before`` and the groups, added up: in all, or by account."""
        merged: dict[Any, T] = {}
        at = self._account
        for account, cell in (*before.items(), *((None if at is None else key[at], cell) for key, cell in groups)):
            if account not in merged:
                merged[account] = self.empty()
            merged[account].merge(cell)
        return merged

    @property
    def _account(self) -> int | None:
        return list(self.columns).index("account") if self.apart else None


def _rank(cell: Counted, displayed: Key) -> tuple[int, tuple[tuple[bool, str], ...]]:
    return -cell.count, tuple((value is None, str(value)) for value in displayed)
