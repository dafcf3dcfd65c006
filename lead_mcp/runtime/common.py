"""What the calls of all callers have in common. What is heavy loads and opens when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread
import httpx2

from lead_mcp.dates import utc_now
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.sealing import seal_of
from lead_mcp.errors import NotAllowed
from lead_mcp.metrics import Metrics
from lead_mcp.runtime.connections import Connections
from lead_mcp.settings import Settings
from lead_mcp.transport.network import Network

if TYPE_CHECKING:
    from lead_mcp.exports.links import Links
    from lead_mcp.journal.store import Journal
    from lead_mcp.mirror.mirror import Mirror
    from lead_mcp.sql.cage import Cage
    from lead_mcp.transport.shared_redis import SharedRedis

T = TypeVar("T")


def nobody_watches(point: str) -> None:
    """Where no test wants to know how far a write is."""


@dataclass
class Common:
    """One a process, or one a server where a process holds several (tests do)."""

    settings: Settings
    network: Network = field(repr=False)
    transport: httpx2.AsyncBaseTransport | None = field(default=None, repr=False)
    """What stands in for the network, where something does."""

    metrics: Metrics = field(default_factory=Metrics, repr=False)
    approvals: str = ""
    """Where a person answers writes that wait: the address, or the path, of a page of this server; "" where it has none."""

    links: Links | None = field(default=None, repr=False)
    """What makes links to exports, where this server is reached over HTTP."""

    clock: Callable[[], datetime] = utc_now
    on_point: Callable[[str], None] = nobody_watches
    """Told each point a write passes; tests kill the process there."""

    purged: bool = False
    """Whether the journal's old values are forgotten."""

    def now(self) -> datetime:
        return self.clock()

    @cached_property
    def connections(self) -> Connections:
        return Connections(self.settings, self.network, self.metrics, self.redis)

    @cached_property
    def redis(self) -> SharedRedis | None:
        """What replicas share rates and breakers in, where there is one."""
        url = self.settings.server.redis_url
        if url is None:
            return None
        from lead_mcp.transport.shared_redis import SharedRedis

        return SharedRedis.at(url.get_secret_value())

    @cached_property
    def seal(self) -> Seal:
        """What opens everybody's cursors."""
        return seal_of(self.settings)

    @cached_property
    def cage(self) -> Cage:
        """Where SQL runs: a process of its own, which starts with the first statement."""
        from lead_mcp.sql.cage import Cage

        return Cage()

    @cached_property
    def mirror(self) -> Mirror | None:
        """The mirror, where ``LEAD_MCP_MIRROR`` is on."""
        return None if self.settings.server.mirror == "off" else self.make_mirror()

    def make_mirror(self) -> Mirror:
        """What there is of a mirror, whether it is on or not; of no account that each reads with their own credential.

        Raises NotConfigured, and NotAllowed where the masks' key is damaged.
        """
        from lead_mcp.runtime.mirrored import mirror_of

        return mirror_of(self.settings, self.connections.by_account, self.now)

    @cached_property
    def journal(self) -> Journal:
        """The journal; SQLAlchemy loads with it, at the first write."""
        from lead_mcp.journal.store import Journal

        server = self.settings.server
        place = server.journal_url.get_secret_value() if server.journal_url else None
        has_commands = not self.settings.is_sandbox
        return Journal(place, server.state_dir, self.clock, has_commands=has_commands, page=self.approvals)

    async def in_journal(self, work: Callable[[Journal], T]) -> T:
        """Blocking work on the journal, in a worker thread."""
        return await anyio.to_thread.run_sync(work, self.journal)

    async def keep_journal(self) -> None:
        """Forget old values, once in this process's life; a journal that cannot be written says so at the next write."""
        if not self.purged:
            self.purged = True
            with suppress(NotAllowed):
                await self.in_journal(lambda journal: journal.purge(self.settings.server.journal_days))

    async def aclose(self) -> None:
        """Close the connections, and what else was opened."""
        await self.network.aclose()
        for name in ("cage", "mirror", "redis"):
            if (part := self.__dict__.get(name)) is not None:
                await part.aclose()
        if "journal" in self.__dict__:
            self.journal.close()
