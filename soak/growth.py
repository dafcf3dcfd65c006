"""Whether something grows: the medians of the first and the last third of its values, the warm-up left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

WARM_UP: Final = 0.25
"""The share of a run that is left out: everything loads, pools fill, allocators take what they will need."""


@dataclass(frozen=True)
class Allowance:
    """How far the last third may lie above the first one: by a share of it and by so much more."""

    share: float
    more: float


ALLOWED: Final[Mapping[str, Allowance]] = {
    "memory MiB": Allowance(0.10, 12),
    "descriptors": Allowance(0.10, 8),
    "threads": Allowance(0.10, 4),
    "children": Allowance(0, 1),
    "children MiB": Allowance(0.10, 60),
    "tasks": Allowance(0.10, 8),
    "files": Allowance(0, 4),
}
"""What is not here may grow: the journal keeps every write, so ``disk MiB`` is shown and held to nothing."""
LOADING: Final[Mapping[str, Allowance]] = {
    **ALLOWED,
    "memory MiB": Allowance(0.25, 60),
    "children MiB": Allowance(0.25, 100),
    "tasks": Allowance(0.10, 30),
    "descriptors": Allowance(0.10, 30),
    "threads": Allowance(0.10, 20),
}
"""For a run that is too short to load everything within its warm-up, and whose thirds hold a few samples each."""


@dataclass(frozen=True)
class Growth:
    """Medians of the thirds of a series."""

    first: float
    middle: float
    last: float
    allowed: Allowance | None

    @property
    def most(self) -> float | None:
        """What the last one may be; None where it may be anything."""
        return None if self.allowed is None else self.first * (1 + self.allowed.share) + self.allowed.more

    @property
    def is_too_much(self) -> bool:
        return self.most is not None and self.last > self.most


def growth(values: Sequence[float], allowed: Allowance | None) -> Growth | None:
    """None where there are too few values to tell."""
    kept = values[int(len(values) * WARM_UP) :]
    third = len(kept) // 3
    if third < 2:
        return None
    return Growth(median(kept[:third]), median(kept[third : 2 * third]), median(kept[2 * third :]), allowed)
