"""Bringing the whole mirror up to date: every account side by side, then the files that readers open."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

import anyio
from anyio import to_thread

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.errors import LeadMcpError
from lead_mcp.mirror import saving
from lead_mcp.mirror.mirror import AnyStream, Mirror
from lead_mcp.mirror.records import micros
from lead_mcp.mirror.sync import Terms

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


async def sync_all(mirror: Mirror, connections: Sequence[Connection], terms: Terms) -> SyncReport:
    """Bring the accounts up to date, side by side; where one fails, the others go on.

    Raises Conflict where another process writes.
    """
    syncing = Syncing(mirror, terms)
    async with mirror.writing():
        await syncing.read(connections)
        await syncing.publish()
    return syncing.report


@dataclass(frozen=True)
class Syncing:
    """A sync under way."""

    mirror: Mirror
    terms: Terms
    report: SyncReport = field(default_factory=SyncReport)

    async def read(self, connections: Sequence[Connection]) -> None:
        """The accounts, side by side; what has come goes into a lake now and then, for a machine may be gone for good."""
        read = anyio.Event()

        async def reading() -> None:
            try:
                await together([partial(self._read, one) for one in connections])
            finally:
                read.set()

        await together([reading, *([partial(self._push_until, read)] if self.mirror.lake is not None else [])])

    async def _read(self, connection: Connection) -> None:
        for stream in self.mirror.streams(connection, self.terms):
            self.report.streams.append(stream)
            try:
                await stream.run()
            except LeadMcpError as error:
                self.report.errors[connection.name, stream.kind] = error

    async def _push_until(self, read: anyio.Event) -> None:
        while True:
            with anyio.move_on_after(PUSH_EVERY):
                await read.wait()
            if read.is_set():
                return
            with suppress(LeadMcpError):  # it is said at the end
                await self.mirror.publish()

    async def publish(self) -> None:
        """What is kept of it, in files that readers open."""
        try:
            await to_thread.run_sync(self._retain)
            await self.mirror.publish()
        except LeadMcpError as error:
            self.report.unpublished = error

    def _retain(self) -> None:
        """Drop what is older than shall be kept."""
        store, days = self.mirror.store, self.terms.days
        if days is None or not store.exists:
            return
        before = micros(self.terms.clock() - timedelta(days=days)) or 0
        with store.writing() as database:
            saving.remove(database, saving.older(database, before))
