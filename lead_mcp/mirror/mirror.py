"""The mirror as the rest of the server holds it: where it lies, who writes it, and the files that readers open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import LeadMcpError
from lead_mcp.mirror.coverage import Coverage
from lead_mcp.mirror.generation import Generation, current
from lead_mcp.mirror.lake.lake import Lake, Settled
from lead_mcp.mirror.lake.pushing import Push
from lead_mcp.mirror.lake.turn import Turn, writing_lake
from lead_mcp.mirror.lock import writing
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.publishing import Look, Publisher
from lead_mcp.mirror.recordings import RecordingStream
from lead_mcp.mirror.records import RECORDING
from lead_mcp.mirror.sealing import Sealing
from lead_mcp.mirror.store import Store
from lead_mcp.mirror.sync import Stream, Terms
from lead_mcp.mirror.vault import Vault
from lead_mcp.sql.cage import Cage

AnyStream = Stream | RecordingStream


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
        return Store(self.folder, Vault(self.sealing))

    @property
    def coverage(self) -> Coverage:
        """What it can answer for."""
        return Coverage(self.terms, self.failures, recordings=self.recordings)

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
            for kind in self.coverage.kinds(connection)
        ]

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
