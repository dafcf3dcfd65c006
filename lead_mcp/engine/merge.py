"""Several readings as one page in one order, cut where the order is certain.

Each reader has settled its records up to its *watermark*; behind the nearest watermark of a reader that has more to read,
some unread record might still come first. So that is where the page ends, and where the next one goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lead_mcp.engine.cursor import PageEnd
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.records import Position, Record, Sorter


@dataclass(frozen=True)
class MergedPage:
    """The records of a page, and where it ended; no end where nothing is left."""

    records: Sequence[Record]
    end: PageEnd | None


def certain_until(readers: Sequence[Reader], sorter: Sorter) -> Position | None:
    """How far the merged order is certain: the nearest watermark of a reader with unread records; None: to the end."""
    stopped = [reader for reader in readers if not reader.done and not reader.error]
    watermarks = [Position((reader.watermark,)) for reader in stopped if reader.settled_any]
    return min(watermarks, key=sorter.place) if watermarks else None


def merged_page(readers: Sequence[Reader], sorter: Sorter, limit: int, began: PageEnd) -> MergedPage:
    """The first records of all readers together, as far as their order is certain."""
    records = sorted((row for reader in readers for row in reader.rows), key=sorter.key)
    line = certain_until(readers, sorter)
    page = [record for record in records if line is None or not sorter.is_after(record, line)][:limit]
    unread = any(not reader.done and not reader.error for reader in readers)
    if len(page) == len(records) and not unread:
        return MergedPage(page, None)
    last = sorter.position(page[-1]) if len(page) == limit else None
    return MergedPage(page, PageEnd(after=last or line or began.after))
