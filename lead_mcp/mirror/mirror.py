"""The mirror as the rest of the server holds it: where it lies, how it is kept fresh, what it can answer for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.errors import Conflict, LeadMcpError, NotConfigured, Unavailable
from lead_mcp.mirror import saving
from lead_mcp.mirror.generation import Generation, current
from lead_mcp.mirror.lake.lake import Lake, Settled
from lead_mcp.mirror.lake.pushing import Push
from lead_mcp.mirror.lake.turn import Turn, writing_lake
from lead_mcp.mirror.lock import writing
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.publishing import MUCH, Look, Publisher
from lead_mcp.mirror.recordings import RecordingStream
from lead_mcp.mirror.records import LEAD, RECORDING, micros, offers
from lead_mcp.mirror.sealing import Sealing
from lead_mcp.mirror.store import Store
from lead_mcp.mirror.sync import Stream, Terms
from lead_mcp.sql.cage import Cage

TOP_UP: Final = 5.0
"""Seconds that a question waits at most for the accounts' newest changes."""

PUSH: Final = 30.0
"""Seconds that it waits until those are in the lake, where the mirror is in one."""


AnyStream = Stream | RecordingStream

PUSH_EVERY: Final = 300.0
"""Seconds after which a long sync puts into the lake what it has."""


@dataclass
class SyncReport:
    """What a sync came to: its streams, what failed by account and kind, and why the tables are not those of now, if so."""

    streams: list[AnyStream] = field(default_factory=list)
    errors: dict[tuple[str, str], LeadMcpError] = field(default_factory=dict)
    unpublished: LeadMcpError | None = None

    @property
    def whole(self) -> bool:
        return not self.errors and self.unpublished is None


@dataclass
class Mirror:
    """One folder. ``connections``: what is mirrored, by account; ``max_age``: what is older is topped up before it shows."""

    folder: Path
    connections: Mapping[str, Connection]
    terms: Terms
    look: Look
    max_age: timedelta = timedelta(seconds=60)
    recordings: bool = False
    """Whether recordings are kept, too: a request or two for each lead."""
    cage: Cage = field(default_factory=Cage)
    failures: dict[str, LeadMcpError] = field(default_factory=dict)
    """Why an account could not be topped up, the last time it was tried."""
    lake: Lake | None = None
    """Of which the folder is a copy, where the mirror is in one."""
    sealing: Sealing = field(default_factory=Sealing)

    def __post_init__(self) -> None:
        self.cage.key = self.sealing.key

    @cached_property
    def store(self) -> Store:
        """One for all accounts, so that their transactions take turns: SQLite does not wait where two open a new file."""
        return Store(self.folder)

    @property
    def generation(self) -> Generation | None:
        """What readers open now, if its rows are shown as they have to be."""
        found = current(self.folder)
        own = (self.look.mark, self.sealing.mark)
        return found if found is not None and (found.look, found.sealed) == own else None

    def streams(self, connection: Connection, terms: Terms) -> list[AnyStream]:
        """Everything there is to mirror of an account."""
        return [
            RecordingStream(self.store, connection, terms)
            if kind == RECORDING
            else Stream(self.store, connection, kind, terms)
            for kind in self.kinds(connection)
        ]

    def kinds(self, connection: Connection) -> tuple[str, ...]:
        """What is mirrored of an account: ``lead``, ``inbound``, ``outbound``, ``recording``."""
        recordings = [RECORDING] if self.recordings and connection.vendor.recordings is not None else []
        return (LEAD, *connection.vendor.pings, *recordings)

    async def aclose(self) -> None:
        """End its processes, if there are any."""
        await self.cage.aclose()
        if self.lake is not None:
            await self.lake.aclose()

    # --- a copy of a lake ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def writing(self, seconds: float = 0.0) -> AsyncIterator[Turn | None]:
        """Be the one who writes, waiting for so long at most; in a lake, with its records here.

        Raises Conflict where another one is, Unavailable where there is no way to the lake.
        """
        async with self.taking_turns(seconds) as turn:
            if self.lake is not None:
                await self.lake.catch_up(self._settled, self.store)
            with self.store.held():
                yield turn

    @asynccontextmanager
    async def taking_turns(self, seconds: float = 0.0) -> AsyncIterator[Turn | None]:
        """Be the only one, whatever the files hold."""
        with writing(self.folder, seconds):
            if self.lake is None:
                yield None
            else:
                async with writing_lake(self.lake, seconds) as turn:
                    yield turn

    async def refresh(self, *, records: bool = False) -> None:
        """Bring the copy of a lake up to it. Raises Unavailable, and NotConfigured where it was made with other settings."""
        if self.lake is not None:
            await self.lake.refresh(self._settled, self.store, records=records)

    @property
    def _settled(self) -> Settled:
        return Settled(self.look.mark, self._publisher.meaning)

    async def observe(self) -> None:
        """See what a lake holds now, without a copy of it. Raises Unavailable."""
        if self.lake is not None:
            await self.lake.observe(again=True)

    # --- syncing ------------------------------------------------------------------------------------------------

    async def sync(self, connections: Sequence[Connection], terms: Terms) -> SyncReport:
        """Bring the accounts up to date, side by side; where one fails, the others go on.

        Raises Conflict where another process writes.
        """
        report = SyncReport()
        async with self.writing():
            await self._read(connections, terms, report)
            try:
                await to_thread.run_sync(self._retain, terms)
                await self.publish()
            except LeadMcpError as error:
                report.unpublished = error
        return report

    async def _read(self, connections: Sequence[Connection], terms: Terms, report: SyncReport) -> None:
        """The accounts, side by side; what has come goes into a lake now and then, for a machine may be gone for good."""
        read = anyio.Event()

        async def reading() -> None:
            try:
                await together([partial(self._sync, one, terms, report) for one in connections])
            finally:
                read.set()

        await together([reading, *([partial(self._push_until, read)] if self.lake is not None else [])])

    async def _push_until(self, read: anyio.Event) -> None:
        while True:
            with anyio.move_on_after(PUSH_EVERY):
                await read.wait()
            if read.is_set():
                return
            with suppress(LeadMcpError):  # it is said at the end
                await self.publish()

    async def _sync(self, connection: Connection, terms: Terms, report: SyncReport) -> None:
        for stream in self.streams(connection, terms):
            report.streams.append(stream)
            try:
                await stream.run()
            except LeadMcpError as error:
                report.errors[connection.name, stream.kind] = error

    async def publish(self, *, whole: bool = False) -> Generation | None:
        """The generation of what is stored now, in force; None where nothing is. ``whole``: in files of its own alone."""
        if not self.store.exists:
            return None
        await self.look.prepare()
        return await self._publisher.publish(whole=whole)

    @property
    def _publisher(self) -> Publisher:
        push = Push(self.lake, self.store) if self.lake is not None else None
        return Publisher(self.store, self.connections, self.terms.region, self.look, push, self.sealing)

    def _retain(self, terms: Terms) -> None:
        """Drop what is older than shall be kept."""
        if terms.days is None or not self.store.exists:
            return
        before = micros(terms.clock() - timedelta(days=terms.days)) or 0
        with self.store.writing() as database:
            saving.remove(database, saving.older(database, before))

    # --- fresh by itself ------------------------------------------------------------------------------------------

    async def freshen(self, connections: Sequence[Connection], kinds: Sequence[str], *, records: bool = True) -> None:
        """Top up what is older than it may be, within ``TOP_UP`` seconds; what could not be is as old as it was.

        ``records``: whether they are read afterwards, and not the tables alone.
        """
        await self.refresh(records=records)
        places = self.places()
        old = [one for one in connections if one.name in self.connections and self._is_old(places, one, kinds)]
        if not old or not await self._has_records(old):
            return
        for one in old:
            self.failures.pop(one.name, None)
        with suppress(Conflict):  # another process may be at it: what there is can be read meanwhile
            async with self.writing():
                await together([partial(self._top_up, one, kinds) for one in old])
                if self.lake is not None:
                    await self._push(old)

    async def _has_records(self, connections: Sequence[Connection]) -> bool:
        """Whether they are here, as they have to be where they are topped up; in a lake they are brought up."""
        try:
            await self.refresh(records=True)
        except (Unavailable, Conflict) as error:
            self.failures.update({one.name: error for one in connections})
            return False
        return True

    async def _push(self, connections: Sequence[Connection]) -> None:
        """What has been topped up, into the lake; what could not be pushed is pushed with the next change."""
        try:
            with anyio.move_on_after(PUSH):
                await self.publish()
        except LeadMcpError as error:
            self.failures.update({one.name: error for one in connections})

    async def tables(self) -> Generation | None:
        """The files for SQL, made anew where records have come since; None where there are none.

        Where another process writes, or it would take too long, they are those that were made last. Raises Unavailable and
        NotConfigured where the mirror is in a lake.
        """
        if self.lake is not None:
            await self.refresh()
            return self.generation if self.lake.state is not None else None
        if await to_thread.run_sync(self._is_behind):
            with suppress(Conflict, OSError), writing(self.folder), anyio.move_on_after(2 * TOP_UP):
                await self.publish()
        return self.generation

    def _is_behind(self) -> bool:
        """Whether the files for SQL are not those of what is stored."""
        if not self.store.exists:
            return False
        found = self.generation
        if found is None:
            return sum(self.store.counts().values()) <= MUCH
        return found.places != self.places()

    def places(self) -> dict[str, dict[str, Place]]:
        """How far each account has been read, by kind."""
        if self.lake is not None and self.lake.turn is None:
            state = self.lake.state
            return {name: dict(state.generation.places.get(name, {})) if state else {} for name in self.connections}
        found: dict[str, dict[str, Place]] = {name: {} for name in self.connections}
        for (name, kind), place in self.store.places().items():
            if name in found:
                found[name][kind] = place
        return found

    async def _top_up(self, connection: Connection, kinds: Sequence[str]) -> None:
        with anyio.move_on_after(TOP_UP):
            for stream in self.streams(connection, self.terms):
                if stream.kind in kinds:
                    try:
                        await stream.top_up(TOP_UP)
                    except LeadMcpError as error:
                        self.failures[connection.name] = error

    def _is_old(self, places: Mapping[str, Mapping[str, Place]], connection: Connection, kinds: Sequence[str]) -> bool:
        """Whether some of it was mirrored, too long ago. What was never read is no matter of seconds."""
        found = places.get(connection.name, {})
        asked = [found[kind] for kind in self.kinds(connection) if kind in kinds and kind in found]
        known = [place.as_of for place in asked if place.as_of is not None]
        return any(self.terms.clock() - as_of > self.max_age for as_of in known)

    # --- what it can answer for -----------------------------------------------------------------------------------

    def covers(
        self, places: Mapping[str, Mapping[str, Place]], connection: Connection, kind: str, window: Window | None
    ) -> bool:
        """Whether every record of the kind in the window is here."""
        if not offers(connection, kind):
            return True
        if kind not in self.kinds(connection):
            return False
        place = places.get(connection.name, {}).get(kind, Place())
        if place.as_of is None:
            return False
        begin = self.covered_since(place)
        since = window.since if window else None
        return begin is None or (since is not None and begin <= since)

    def covered_since(self, place: Place) -> datetime | None:
        """From when on an account's records are here; None: from the first."""
        return self.terms.floor(place.reached)

    def notes(self, connection: Connection, as_of: datetime | None, now: datetime) -> list[str]:
        """What is said of an account's part of an answer: that it is mirrored, how old, and why it is no younger."""
        found = [] if as_of is None else [f"from the mirror, {_age(now - as_of)} old"]
        if (error := self.failures.get(connection.name)) is not None:
            found.append(f"it could not be topped up: {error.message}")
        return found


def no_mirror() -> NotConfigured:
    return NotConfigured(
        "source: there is no mirror. LEAD_MCP_MIRROR=on and `lead-mcp mirror sync` keep one; "
        "source=live reads the vendors now."
    )


def _age(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
