"""A sort that some account cannot be read along: sorted here, over the newest records up to the scan limit.

The cursor walks such a *batch* in the asked order, then goes on to the next one. So every match comes exactly once,
whatever the sort; the order is true within a batch, and the ledger says so where there is more than one. Pages may have been
read along the vendor's own order before: then batches hold what lies behind the place that those had reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lead_mcp.engine.cursor import PageEnd
from lead_mcp.engine.merge import MergedPage, certain_until
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.records import Position, Sorter


def batch_end(readers: Sequence[Reader], base: Sorter, began: PageEnd) -> Position | None:
    """Where the batch ends in the order of reading; None where it holds everything."""
    return began.end or certain_until(readers, base)


def batch_page(readers: Sequence[Reader], base: Sorter, sorter: Sorter, limit: int, began: PageEnd) -> MergedPage:
    """A page of the batch in the asked order; its end stays in the batch until that is used up."""
    line, end = certain_until(readers, base), batch_end(readers, base, began)
    if began.end is not None and line is not None and base.place(line) < base.place(began.end):
        return MergedPage([], began, 0)  # less was read than on the page before: once more from there
    records = [row for reader in readers for row in reader.taken.rows if end is None or not base.is_after(row, end)]
    places = (began.after, began.floor)
    left = sorted((row for row in records if all(sorter.is_after(row, one) for one in places)), key=sorter.key)
    page = left[:limit]
    if len(left) > len(page):
        return MergedPage(page, replace(began, after=sorter.position(page[-1]), end=end), len(page))
    return MergedPage(page, replace(began, after=None, start=end, end=None) if end is not None else None, len(page))
