"""The wanted fields alone, from a vendor that takes a list of fields of which no document says what it leaves of a record.

Once enough records came whole, a few of them are asked for again by such a list. Where every value, every id and the count
agree, the list is used for these fields from then on; where one does not, or the vendor refuses, never again. What was found
out is kept by call, partition and list (``Learned``). A page that lacks what whole records had is read again whole.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import anyio

from lead_mcp.engine.learned import FieldList, Learned
from lead_mcp.errors import LeadMcpError, MalformedReply, NotFound, Rejected
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, PageRequest

FEW: Final = 25
"""Records that are asked for again to compare them."""
PAYS: Final = 100
"""Records with the same wanted fields that were read whole, from which on the comparing request is worth its cost."""
WORTH: Final = 0.75
"""The part of the bytes that a list of fields may leave at most, to be of use."""
TRIAL_SECONDS: Final = 5.0

Fetch = Callable[[PageRequest], Awaitable[Page]]


@dataclass(frozen=True)
class Projection:
    """One call's pages of one partition. ``names``: what the vendor is to be asked for, as dotted places in a record."""

    route: str
    partition: str | None
    columns: Paths
    names: Paths
    identify: Callable[[Raw], str | None]
    learned: Learned

    @property
    def _list(self) -> FieldList:
        return self.route, self.partition, self.names

    @property
    def _any_list(self) -> FieldList:
        return self.route, self.partition, ()

    @property
    def _given_up(self) -> bool:
        return bool({self._list, self._any_list} & self.learned.unprojected)

    async def page(self, ask: PageRequest, fetch: Fetch) -> Page:
        """The page, whole or with the wanted fields alone."""
        if self._list in self.learned.projected and not self._given_up:
            page = await self._alone(ask, fetch)
            if page is not None:
                return page
        whole = await fetch(replace(ask, columns=None))
        self.learned.read_whole[self._list] += len(whole.rows)
        await self._try(ask, whole, fetch)
        return whole

    async def _alone(self, ask: PageRequest, fetch: Fetch) -> Page | None:
        """The page with the wanted fields alone, or read again whole where it lacks some; None where it is refused."""
        watched = self.learned.projected[self._list]
        try:
            page = await fetch(replace(ask, columns=self.columns))
            missed = missed_names(page.rows, watched)
        except (Rejected, NotFound, MalformedReply, RecursionError):
            self.learned.unprojected.add(self._any_list)
            return None
        if not missed:
            return page
        whole = await fetch(replace(ask, columns=None))
        if self._pairs(whole.rows, page.rows) is None:
            self.learned.unprojected.add(self._any_list)
        for name in missed:  # these records have none: that alone is no sign any more
            watched.pop(name, None)
        return whole

    # --- comparing ----------------------------------------------------------------------------------------------------

    async def _try(self, ask: PageRequest, whole: Page, fetch: Fetch) -> None:
        """Ask for a few of the page's records again, by the list, and keep what that shows; a failure too shows something."""
        learned, known = self.learned, self._list in self.learned.projected or self._given_up
        if known or learned.read_whole[self._list] < PAYS or self._any_list in learned.comparing or not _has_time():
            return
        useless: FieldList | None = self._any_list
        learned.comparing.add(self._any_list)
        try:
            with anyio.move_on_after(TRIAL_SECONDS):
                useless = await self._useless(ask, whole, fetch)
        except (LeadMcpError, RecursionError):
            pass
        finally:
            learned.comparing.discard(self._any_list)
            learned.unprojected |= {useless} if useless else set()

    async def _useless(self, ask: PageRequest, whole: Page, fetch: Fetch) -> FieldList | None:
        """Which lists turn out to be of no use; None where this one is, or where the page has no records to tell by."""
        size = min(FEW, ask.limit)
        start = self._telling(ask, whole.rows, size)
        if start is None:
            return None
        page = await fetch(replace(ask, columns=self.columns, offset=ask.offset + start, limit=size))
        if (page.total is None) is not (whole.total is None):
            return self._any_list
        return self._judged(whole.rows, whole.rows[start : start + size], page.rows)

    def _telling(self, ask: PageRequest, rows: Sequence[Raw], size: int) -> int | None:
        """Where so many records begin among which each wanted name has a value; None where there are none to tell by."""
        starts = range(-ask.offset % size, len(rows), size) if ask.token is None else (0,)
        return next((start for start in starts if self._tells(rows[start : start + size])), None)

    def _tells(self, rows: Sequence[Raw]) -> bool:
        return all(any(has(row, name) for row in rows) for name in self.names)

    def _judged(self, every: Sequence[Raw], whole: Sequence[Raw], alone: Sequence[Raw]) -> FieldList | None:
        """The same, by a few records whole and alone. A vendor that sends whole records all the same heeds no list."""
        pairs = self._pairs(whole, alone)
        if pairs is None or all(one == other for one, other in pairs):
            return self._any_list
        small = _size(other for _, other in pairs) <= WORTH * _size(one for one, _ in pairs)
        if not small or not self._tells([one for one, _ in pairs]):
            return self._list
        self.learned.projected[self._list] = {name: all(has(row, name) for row in every) for name in self.names}
        return None

    def _pairs(self, whole: Sequence[Raw], alone: Sequence[Raw]) -> list[tuple[Raw, Raw]] | None:
        """The same records whole and by the list; None where a wanted value or an id does not agree.

        Records may have come or moved between the two requests; where more than half did, nothing is shown.
        """
        by_id = {self.identify(row): row for row in whole}
        ids = [self.identify(row) for row in alone]
        pairs = [(by_id[one], row) for one, row in zip(ids, alone, strict=True) if one in by_id]
        agree = all(_agree(one, other, name) for one, other in pairs for name in self.names)
        return pairs if agree and None not in ids and 2 * len(pairs) > len(whole) else None


def missed_names(rows: Sequence[Raw], watched: Mapping[str, bool]) -> list[str]:
    """The watched names that a page lacks: in a record, where each one had it, or in all of a page that is not small."""

    def lacks(name: str, *, always: bool) -> bool:
        if always:
            return not all(has(row, name) for row in rows)
        return len(rows) >= FEW and not any(has(row, name) for row in rows)

    return [name for name, always in watched.items() if lacks(name, always=always)]


def has(row: Raw, name: str) -> bool:
    """Whether anything stands there."""
    return not _is_empty(value_at(row, name))


def value_at(found: Any, path: str) -> Any:
    """What stands at a dotted path, through lists too, without what says nothing: a key may be left out for that."""
    if isinstance(found, list | tuple):
        return [value_at(part, path) for part in found]
    if not path:
        if isinstance(found, Mapping):
            parts = {key: value_at(value, "") for key, value in found.items()}
            return {key: value for key, value in parts.items() if not _is_empty(value)}
        return None if found == "" else found
    if not isinstance(found, Mapping):
        return None
    if path in found:
        return value_at(found[path], "")
    head, _, rest = path.partition(".")
    return value_at(found[head], rest) if rest and head in found else None


def _is_empty(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_empty, value))
    return value is None or value in ({}, "")


def _agree(one: Raw, other: Raw, name: str) -> bool:
    """Whether the same stands there, spelled out: true is not 1. What is too deep to compare does not agree."""
    try:
        return json.dumps(value_at(one, name), sort_keys=True) == json.dumps(value_at(other, name), sort_keys=True)
    except RecursionError:
        return False


def _size(rows: Iterable[Raw]) -> int:
    return sum(len(json.dumps(row)) for row in rows)


def _has_time() -> bool:
    """Whether the comparing request may take all its time and leave as much of the deadline."""
    return anyio.current_effective_deadline() - anyio.current_time() > 2 * TRIAL_SECONDS
