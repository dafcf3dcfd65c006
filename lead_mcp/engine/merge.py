"""Several readings as one page in one order, cut where the order is certain.

Each reader has settled its records up to its *watermark*; behind the nearest watermark of a reader that has more to read,
some unread record might still come first. So that is where the page ends, and where the next one goes on.

A text search looks for somebody: what one account has found whole is not kept back for pages while another is still being
read. Such an account's last records stand behind the certain ones, and it is not asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lead_mcp.engine.cursor import PageEnd
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.records import Position, Record, Sorter


@dataclass(frozen=True)
class MergedPage:
    """The records of a page, and where it ended; no end where nothing is left.

    ``certain``: how many of the first ones stand where they stand in the order of everything; ``finished``: accounts whose
    every match has been handed out.
    """

    records: Sequence[Record]
    end: PageEnd | None
    certain: int
    finished: frozenset[str] = field(default=frozenset())


def certain_until(readers: Sequence[Reader], sorter: Sorter) -> Position | None:
    """How far the merged order is certain: the nearest watermark of a reader with unread records; None: to the end."""
    stopped = [reader for reader in readers if not reader.extent.ended]
    watermarks = [Position((reader.taken.watermark,)) for reader in stopped if reader.taken.settled_any]
    return min(watermarks, key=sorter.place) if watermarks else None


def merged_page(
    readers: Sequence[Reader], sorter: Sorter, limit: int, began: PageEnd, *, at_once: bool = False
) -> MergedPage:
    """The first records of all readers together, as far as their order is certain.

    With ``at_once``, behind them the last records of accounts that were read whole, where there is room for all of these.
    """
    one = readers[0].taken.rows if len(readers) == 1 else None  # which stand in order
    records = one or sorted((row for reader in readers for row in reader.taken.rows), key=sorter.key)
    line = certain_until(readers, sorter)
    certain = records if line is None else records[: sorter.count_until(records, line)]
    page = certain[:limit]
    unread = any(not reader.extent.ended for reader in readers)
    if len(page) == len(records) and not unread:
        return MergedPage(page, None, len(page))
    if len(page) < len(certain) or not at_once:
        last = sorter.position(page[-1]) if len(page) == limit else None
        return MergedPage(page, PageEnd(after=last or line or began.after), len(page))
    later = records[len(certain) :]
    finished = _finished(readers, later, limit - len(page))
    shown = [record for record in later if record.account in finished]
    return MergedPage([*page, *shown], PageEnd(after=line or began.after), len(page), finished)


def _finished(readers: Sequence[Reader], later: Sequence[Record], room: int) -> frozenset[str]:
    """Accounts that were read whole, and whose later records there is room for; those with the fewest first."""
    unread = {reader.pager.account.name for reader in readers if not reader.extent.whole}
    counts = {name: 0 for reader in readers if (name := reader.pager.account.name) not in unread}
    for record in later:
        if record.account in counts:
            counts[record.account] += 1
    finished: set[str] = set()
    for name, count in sorted(counts.items(), key=lambda item: item[1]):
        room -= count
        if room >= 0:
            finished.add(name)
    return frozenset(finished)
