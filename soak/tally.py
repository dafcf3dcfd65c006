"""What came of every call of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

KEPT: Final = 20
"""Examples that are kept of each kind of fault."""


@dataclass
class Tally:
    """Counts of what went well, and faults with examples. A run is good where there are no faults."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def fault(self, kind: str, example: str) -> None:
        """Something that must not happen."""
        self.faults[kind] += 1
        if self.faults[kind] <= KEPT:
            self.examples.append(f"{kind}: {example[:600]}")
