"""Bringing one kind of record of one account up to date: what is new, what changed, what was never read, what is gone.

Everything is read in stretches of time. What a stretch gave goes into the store page by page; that it was read whole is
written with its last page. Nothing but a whole reading says that a record is gone. Reading twice changes nothing.

New records: from an hour before the last reading on, since clocks and late rows lie. Changed ones: by the time of the change
where the vendor can be asked by it, else by reading the trailing days again. The first reading goes back in time, newest
first, in stretches that hold about ``WANTED`` records. A sweep reads everything again, one stretch a sync, and starts anew
when it has come to the end: it finds changes and deletions that nothing else tells of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import anyio
from anyio import to_thread

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.notes import Note
from lead_mcp.engine.records import Record
from lead_mcp.errors import LeadMcpError, own_words
from lead_mcp.mirror import saving
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.reading import PATIENCE, SLIP, Stretch, read
from lead_mcp.mirror.records import LEAD, Kept, bare, completed, micros
from lead_mcp.mirror.saving import Saved
from lead_mcp.mirror.store import Database, Store, counted_up, put_place
from lead_mcp.vendors.spec.reading import Search

OVERLAP: Final = timedelta(hours=1)
FIRST: Final = timedelta(days=30)
SHORTEST: Final = timedelta(hours=1)
DAWN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before it a last stretch is read, without a beginning."""
WANTED: Final = 20_000
"""Records that a stretch shall hold: what a killed sync has to read again at most, about."""
BATCH: Final = 1_000
"""Records of one transaction."""
SWEEP_EVERY: Final = timedelta(days=7)
"""How long after the end of a sweep the next one begins."""
Progress = Callable[[str, str, int], Awaitable[None]]
"""Told the account, the kind and how many records a page held."""


async def silent(account: str, kind: str, many: int) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How to sync. ``days``: older records are not kept (None: all are); ``since``: how far back the first reading goes.

    ``words``: a note on a reading as a sentence.
    """

    clock: Callable[[], datetime]
    words: Callable[[Note], str]
    region: str = "US"
    trailing: timedelta = timedelta(days=30)
    days: int | None = None
    since: datetime | None = None
    full: bool = False
    progress: Progress = silent

    def beginning(self, place: Place) -> datetime | None:
        """From when on records were asked for, now or before; None: from the first."""
        if place.as_of is None or place.since is None or self.since is None:
            return self.since if place.as_of is None else place.since
        return min(self.since, place.since)

    def floor(self, since: datetime | None) -> datetime | None:
        """From when on records are kept; None: from the first."""
        kept_since = None if self.days is None else self.clock() - timedelta(days=self.days)
        return max(filter(None, (since, kept_since)), default=None)


@dataclass
class Stream:
    """One kind of record of one account on its way into the store."""

    store: Store
    connection: Connection
    kind: str
    terms: Terms
    saved: Saved = field(default_factory=Saved)
    requests: int = 0
    place: Place = field(init=False)
    _waiting: list[Record] = field(default_factory=list)
    _number: int = 0
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    def __post_init__(self) -> None:
        self.place = self.store.place(self.connection.name, self.kind)

    @property
    def search(self) -> Search:
        found = self.connection.search(self.kind)
        if found is None:
            raise AssertionError("a stream is of a kind that its vendor has")
        return found

    async def top_up(self, seconds: float) -> None:
        """What is new and, where its vendor tells, what has changed. Raises LeadMcpError."""
        until, now = anyio.current_time() + seconds, self.terms.clock()
        if self.place.as_of is None:
            return
        since = self.place.as_of - OVERLAP
        await self._stretch(Stretch(since, now + SLIP), replace(self.place, as_of=now, error=""), until=until)
        if (by := self.search.changed_by) is not None:
            since = (self.place.changed or now) - OVERLAP
            done = replace(self.place, changed=now)
            await self._stretch(Stretch(since, now + SLIP, by), done, until=until)

    async def run(self) -> None:
        """Everything that is due. Raises LeadMcpError; what was read before is kept, and said."""
        try:
            now, since = self.terms.clock(), self.terms.beginning(self.place)
            floor, fresh = self.terms.floor(since), self.place.as_of is None
            if fresh:
                self.place = Place(as_of=now, reached=now + SLIP, since=since, changed=now, swept_at=now)
            else:
                self._reconsider(since, floor)
                await self.top_up(PATIENCE)
                await self._trail(now, floor)
            await self._load(floor)
            if not fresh:
                await self._sweep(now, floor)
        except LeadMcpError as error:
            self.place = replace(self.place, error=own_words(error))
            await self._write(self.place)
            raise

    def _reconsider(self, since: datetime | None, floor: datetime | None) -> None:
        """An earlier beginning may be wanted than what is here."""
        reached = self.place.reached
        earlier = reached is not None and (floor is None or floor < reached)
        self.place = replace(self.place, since=since, loaded=self.place.loaded and not earlier)

    async def _trail(self, now: datetime, floor: datetime | None) -> None:
        """The trailing days again, where changes cannot be asked for."""
        if self.search.changed_by is not None:
            return
        reached = None if self.place.loaded else self.place.reached
        since = max(filter(None, (now - self._trailing, floor, reached)))
        if since < now:
            await self._stretch(Stretch(since, now + SLIP), replace(self.place, changed=now), whole=True)

    @property
    def _trailing(self) -> timedelta:
        """How far back records may still change. Pings are over in hours: twice what their vendor looks back."""
        usual = self.search.window if self.kind != LEAD else None
        return self.terms.trailing if usual is None else min(self.terms.trailing, 2 * usual)

    async def _load(self, floor: datetime | None) -> None:
        """The first reading, from where it has come to, back to the beginning."""
        width = FIRST
        while not self.place.loaded:
            until = self.place.reached or self.terms.clock() + SLIP
            since = _start(until, width, floor)
            before = self.saved.read
            done = replace(self.place, reached=since, loaded=since == floor, error="")
            await self._stretch(Stretch(since, until), done, whole=True)
            width = _next(width, self.saved.read - before)

    async def _sweep(self, now: datetime, floor: datetime | None) -> None:
        """Everything again, a stretch of it: all of it where that was asked for."""
        due = self.place.swept_at is None or now - self.place.swept_at > SWEEP_EVERY
        if self.terms.full or (due and self.place.swept is None):
            self.place = replace(self.place, swept=now + SLIP)
        width = FIRST
        while (until := self.place.swept) is not None:
            since, before = _start(until, width, floor), self.saved.read
            swept, swept_at = (None, now) if since == floor else (since, self.place.swept_at)
            await self._stretch(Stretch(since, until), replace(self.place, swept=swept, swept_at=swept_at), whole=True)
            width = _next(width, self.saved.read - before)
            if not self.terms.full:
                return

    # --- one stretch --------------------------------------------------------------------------------------------

    async def _stretch(self, stretch: Stretch, done: Place, *, whole: bool = False, until: float | None = None) -> None:
        """Read it into the store; ``done``: the place then. ``whole``: what it does not meet is gone. Raises LeadMcpError."""
        seconds = PATIENCE if until is None else max(0.1, until - anyio.current_time())
        self._waiting, self._number = [], await to_thread.run_sync(self._begin)
        self.requests += await read(
            self.connection, self.kind, stretch, self._take, self._page, self.terms.words, seconds
        )
        await to_thread.run_sync(self._end, self._waiting, stretch if whole else None, done)
        self.place = done

    def _take(self, record: Record) -> None:
        self._waiting.append(record)

    async def _page(self, many: int) -> None:
        """Save what has come, if it is enough; one batch at a time, though partitions are read side by side."""
        async with self._turn:
            if len(self._waiting) >= BATCH:
                taken, self._waiting = self._waiting, []
                await to_thread.run_sync(self._save, taken)
        await self.terms.progress(self.connection.name, self.kind, many)

    def _begin(self) -> int:
        """The number of a new pass."""
        with self.store.writing() as database:
            return counted_up(database, "pass")

    def _save(self, taken: Sequence[Record]) -> None:
        records = self._bare(taken)
        with self.store.writing() as database:
            self._put(database, taken, records)

    def _end(self, taken: Sequence[Record], swept: Stretch | None, done: Place) -> None:
        """The last records, what is gone, and the place, in one transaction."""
        records, name = self._bare(taken), self.connection.name
        with self.store.writing() as database:
            self._put(database, taken, records)
            if swept is not None:
                since, until = micros(swept.since), micros(swept.until)
                gone = saving.unseen(database, name, self.kind, since, until or 0, self._number)
                self.saved += Saved(removed=saving.remove(database, gone))
            put_place(database, name, self.kind, done)

    def _bare(self, taken: Sequence[Record]) -> list[Kept]:
        return bare(taken, self.kind, self.search.when)

    def _put(self, database: Database, taken: Sequence[Record], records: Sequence[Kept]) -> None:
        sent = {one.id: record for one, record in zip(records, taken, strict=True)}
        complete = partial(completed, sent, self.terms.region)
        self.saved += saving.save(database, records, self._number, complete)

    async def _write(self, place: Place) -> None:
        def work() -> None:
            with self.store.writing() as database:
                put_place(database, self.connection.name, self.kind, place)

        await to_thread.run_sync(work)


def _start(until: datetime, width: timedelta, floor: datetime | None) -> datetime | None:
    """Where the next stretch back begins: at the floor where it would pass it, without a beginning behind ``DAWN``."""
    since = until - min(width, until - DAWN) if until > DAWN else None
    if floor is not None:
        return max(since or floor, floor)
    return since if since is not None and since > DAWN else None


def _next(width: timedelta, read: int) -> timedelta:
    """The width that would have held ``WANTED`` records, a few times as wide at most."""
    return max(SHORTEST, min(8 * width, width * WANTED / max(1, read), timedelta(days=3650)))
