"""An account one can ask: its way out, and what is known of its fields."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio

from lead_mcp.engine.fanout import together
from lead_mcp.engine.field_names import field_at, key_of
from lead_mcp.engine.learned import Learned
from lead_mcp.errors import LeadMcpError
from lead_mcp.transport.outbound import Outbound
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap
from lead_mcp.vendors.spec.http import Effect
from lead_mcp.vendors.spec.reading import Discovery, Search
from lead_mcp.vendors.spec.vendor import Vendor

METADATA_SECONDS: Final = 300
"""Field metadata is kept at most this long; leads, pings and recordings never."""


@dataclass
class Connection:
    """One account one can ask."""

    outbound: Outbound
    learned: Learned = field(default_factory=Learned)
    _known: dict[str, tuple[FieldMap, float]] = field(default_factory=dict)
    """By kind of record: the fields found out, and until when (monotonic seconds) they are kept."""
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def account(self) -> Account:
        return self.outbound.account

    @property
    def vendor(self) -> Vendor:
        return self.outbound.vendor

    @property
    def name(self) -> str:
        return self.outbound.account.name

    @property
    def is_per_user(self) -> bool:
        """Whether the vendor is asked with the caller's own credential, so that what it says is for nobody else."""
        return self.outbound.credential is not None

    def narrowed(self, effects: frozenset[Effect]) -> Connection:
        """The same account, with the same rate and what is known of it, for requests that do no more than ``effects``."""
        if self.outbound.allowed <= effects:
            return self
        return replace(self, outbound=replace(self.outbound, allowed=self.outbound.allowed & effects))

    def search(self, kind: str) -> Search | None:
        """How this account is searched for ``lead``, ``inbound`` or ``outbound``; None where its vendor has none."""
        return self.vendor.leads if kind == "lead" else self.vendor.pings.get(kind)

    async def discovered(self, count: list[int] | None = None, kind: str = "lead") -> FieldMap | None:
        """The account's own fields as its vendor tells them, or None where it cannot. Raises VendorError.

        ``count`` grows by one for every request.
        """
        search = self.search(kind)
        if search is None or search.discovery is None:
            return None
        async with self._lock:
            known, until = self._known.get(kind, (None, 0.0))
            if known is None or time.monotonic() >= until:
                known = FieldMap({}, await self._discover(search, search.discovery, [] if count is None else count))
                self._known[kind] = known, time.monotonic() + METADATA_SECONDS
            return known

    async def _discover(self, search: Search, discovery: Discovery, count: list[int]) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for partition in search.partitions(self.account) or (None,):
            read = partial(discovery.read, self.account, partition)
            request = discovery.build(self.account, partition)
            found |= await self.outbound.fetch(request, read, lambda: count.append(1))
        return found


@dataclass(frozen=True)
class Names:
    """Field names as one account understands them: what was asked to what it is called here."""

    fields: FieldMap
    discovered: FieldMap | None = None
    cache: dict[str, Field | None] = field(default_factory=dict)

    def key(self, name: str) -> str | None:
        return key_of(name, self.fields, self.discovered)

    def field(self, name: str) -> Field | None:
        """The field of that name or key, or None."""
        if name not in self.cache:
            key = self.key(name)
            self.cache[name] = None if key is None else field_at(key, self.fields, self.discovered)
        return self.cache[name]


async def names_for(connection: Connection, kind: str, fields: FieldMap, wanted: set[str], count: list[int]) -> Names:
    """The account's names for that kind of record, its own fields found out only where a wanted name is not known without.

    Raises VendorError where the vendor cannot be asked for them just now: a name that cannot be checked is not used. But
    where no document leaves room for further names, one that is not known is none.
    """
    plain = Names(fields)
    if all(plain.key(name) is not None for name in wanted):
        return plain
    try:
        return Names(fields, await connection.discovered(count, kind))
    except LeadMcpError:
        if not fields.free:
            return plain
        raise


async def discovered_fields(connections: Sequence[Connection], seconds: float) -> dict[str, FieldMap | None]:
    """What the accounts' vendors tell of their own lead fields, of those that tell within so many seconds."""
    found: dict[str, FieldMap | None] = {}

    async def one(connection: Connection) -> None:
        with suppress(LeadMcpError):
            found[connection.name] = await connection.discovered()

    with anyio.move_on_after(seconds):
        await together([partial(one, connection) for connection in connections])
    return found
