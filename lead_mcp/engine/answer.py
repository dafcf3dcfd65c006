"""The answer to a search: the records of one page, what they cost, and where to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.records import Record


@dataclass(frozen=True)
class Answer:
    """The records of one page in order. ``total``: how many match in all, where that is known."""

    records: Sequence[Record]
    total: int | None
    cursor: str | None
    entries: Sequence[LedgerEntry]
    missing: Sequence[str] | None = None
    """Ids that were asked for and not found; None where none were asked for."""
    cut: Callable[[int], str] = lambda rows: ""
    """The cursor that goes on behind the first so many rows, where fewer fit than were found."""
    omitted: str = ""
    certain: int = 1_000_000
    """How many of the first records stand in the order of everything: a page can be cut behind one of these."""

    def first(self, rows: int) -> Answer:
        """The answer's first rows alone (fewer, where it cannot be cut there), with the cursor that goes on behind them."""
        kept = self.records[: min(rows, self.certain)]
        count_returned(self.entries, kept)
        return replace(self, records=kept, cursor=self.cut(len(kept)))


def count_returned(entries: Sequence[LedgerEntry], records: Sequence[Record]) -> None:
    """Tell each account's entry how many of the records are its own."""
    for entry in entries:
        entry.returned = sum(record.account == entry.account for record in records)
