"""Asking one account for pages: counted, bounded, and in smaller pieces where a reply was too large."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from lead_mcp.characters import is_text
from lead_mcp.engine.learned import Learned
from lead_mcp.engine.plan import Trusted
from lead_mcp.engine.readers.budget import Usage
from lead_mcp.engine.readers.heeding import check_heeded
from lead_mcp.engine.readers.projection import Projection
from lead_mcp.errors import MalformedReply, TooLarge
from lead_mcp.transport.outbound import Outbound
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Page, PageRequest, Route, follows

SIDE_BY_SIDE: Final = 4
UNCAPPED: Final = 1_000_000
"""Rows of a page: more than any vendor gives."""
ROUND: Final = 5
"""What the number of rows that a vendor gives at most can be divided by: 10, 25, 100 ..."""
LONGEST_TOKEN: Final = 8_000
"""Characters of a vendor's name for a page: what is longer fits no URL."""


@dataclass
class Pager:
    """One account's way of reading pages for one answer."""

    outbound: Outbound
    usage: Usage
    now: datetime
    partition: str | None = None
    columns: Paths | None = None
    identify: Callable[[Raw], str | None] | None = None
    """A row's id; without it, whole records are asked of a vendor whose list of fields has to be compared with them."""
    page_cap: int = UNCAPPED
    """Falls where the vendor's replies pass the cap: later pages start small."""
    learned: Learned = field(default_factory=Learned)
    trusted: Trusted = ()
    """Clauses of the questions that are not checked here. Where rows contradict one, ``Unheeded`` is raised."""
    _tells: bool = False
    """Whether the vendor has told of any page what follows it."""
    _short: int = 0
    """Rows of the last page that may be all that the vendor gives at once."""
    on_progress: Callable[[int], Awaitable[None]] | None = None
    """Told how many records each page held: progress of long readings."""

    @property
    def account(self) -> Account:
        return self.outbound.account

    def anew(self) -> Pager:
        """The same for another route, of whose pages nothing is known yet; what was asked so far still counts."""
        return replace(self, page_cap=UNCAPPED, _tells=False, _short=0)

    async def page(self, route: Route, ask: PageRequest) -> Page:
        """One page; asked again in halves (in fair pieces, where the size is odd) if its reply passes the reply cap."""
        ask = replace(ask, partition=self.partition, columns=self.columns)
        try:
            page = await self._whole_or_projected(route, ask)
        except TooLarge:
            if not route.page or ask.limit == 1:
                raise
            return await self._in_pieces(route, ask)
        if page.total is not None and page.total < ask.offset * bool(page.rows) + len(page.rows) + (page.more is True):
            page = replace(page, total=None)  # it counts something else: this page, for one
        check_heeded(self.trusted, page.rows)
        page = self._judged(route, ask, page)
        self.usage.scanned += len(page.rows)
        if self.on_progress is not None:
            await self.on_progress(len(page.rows))
        return page

    def _judged(self, route: Route, ask: PageRequest, page: Page) -> Page:
        """The page; more may follow one that is short by a round number, where the vendor tells nothing else.

        It may be all that it gives at once. An empty page behind it shows that it is not; then so many are whole from then on.
        """
        given, whole = len(page.rows), self.learned.whole
        known = whole.get(route.name, 0)
        self._tells = self._tells or (page.total, page.more, page.next) != (None, None, None)
        if not route.page or self._tells:
            return page
        if self._short and ask.offset == self._short and known >= 0:  # behind a short first page
            known = whole[route.name] = -self._short if given else max(known, self._short)
        if not given or given >= ask.limit or given % ROUND or given <= known or given < -known:
            return page
        self._short = given
        return replace(page, more=True)

    def doubts(self, route: Route, page: Page) -> bool:
        """Whether more is taken to follow a first page for no reason but its round number of rows, which was never tried."""
        return bool(page.more) and not self._tells and self.learned.whole.get(route.name, 0) >= 0

    async def _whole_or_projected(self, route: Route, ask: PageRequest) -> Page:
        fetch = partial(self._fetch, route)
        if route.projects is None:
            return await fetch(ask)
        if self.columns is None or self.identify is None:
            return await fetch(replace(ask, columns=None))
        names = route.projects(self.columns)
        projection = Projection(route.name, self.partition, self.columns, names, self.identify, self.learned)
        return await projection.page(ask, fetch)

    async def _fetch(self, route: Route, ask: PageRequest) -> Page:
        request = route.build(self.account, ask)
        return await self.outbound.fetch(request, lambda reply: route.read(self.account, ask, reply), self.usage.asked)

    async def _in_pieces(self, route: Route, ask: PageRequest) -> Page:
        """Pieces of one size: page numbers count in whole pages. A vendor's tokens lead from one to the next."""
        pieces = smallest_factor(ask.limit)
        size = ask.limit // pieces
        self.page_cap = min(self.page_cap, size)
        rows: list[Raw] = []
        page, piece = Page(()), replace(ask, limit=size)
        for _ in range(pieces):
            page = await self.page(route, piece)
            rows.extend(page.rows)
            if page.next is None and (len(page.rows) < size or page.more is False):
                break
            piece = following(piece, page, size)
        return replace(page, rows=rows)


class AnyPage(Protocol):
    """A page of leads, of pings or of recordings."""

    @property
    def rows(self) -> Sequence[object]: ...
    @property
    def total(self) -> int | None: ...
    @property
    def more(self) -> bool | None: ...
    @property
    def next(self) -> str | None: ...


def following(ask: PageRequest, page: AnyPage, step: int | None = None) -> PageRequest:
    """The request for the page that follows: by the vendor's token where it gave one, else ``step`` (or its rows) further on.

    Raises MalformedReply where a page names itself as the next one.
    """
    check_moved(page, ask.token)
    offset = ask.offset + (len(page.rows) if step is None else step)
    return replace(ask, offset=offset, token=page.next)


def check_moved(page: AnyPage, token: str | None) -> None:
    """Raises MalformedReply where the page asked by ``token`` names itself as the next, or one nobody can ask for."""
    if page.next is not None and page.next == token:
        raise MalformedReply("The vendor gave a page that names itself as the next one. Try again later.")
    if page.next is not None and not (is_text(page.next) and len(page.next) <= LONGEST_TOKEN):
        raise MalformedReply("The vendor's name for the next page cannot be sent back. Try again later.")


def is_last(page: AnyPage, ask: PageRequest) -> bool:
    """Whether nothing follows the page that was asked so: by the vendor's word, else by its total, else by a short page."""
    if page.next is not None:
        return False
    if not page.rows:
        return True
    if page.more is not None:
        return not page.more
    more = follows(page.total, ask.offset, len(page.rows))
    return len(page.rows) < ask.limit if more is None else not more


def smallest_factor(number: int) -> int:
    """The smallest divisor above one."""
    return next((n for n in range(2, int(number**0.5) + 1) if number % n == 0), number)


def whole_prefix(pages: Sequence[Page], size: int) -> list[Page]:
    """The pages up to and including the first short one: behind it, offsets no longer say where a page begins."""
    for nth, page in enumerate(pages):
        if len(page.rows) < size:
            return list(pages[: nth + 1])
    return list(pages)
