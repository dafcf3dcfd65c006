"""An account one can ask: its way out, and what is known of its fields."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio

from lead_mcp.engine.resolve import field_at, key_of
from lead_mcp.errors import LeadMcpError
from lead_mcp.transport.outbound import Outbound
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap
from lead_mcp.vendors.spec.vendor import Vendor

METADATA_SECONDS: Final = 300
"""Field metadata is kept at most this long; leads, pings and recordings never."""


@dataclass
class Connection:
    """One account. ``requests`` counts metadata requests that no answer's own tally holds."""

    outbound: Outbound
    _known: FieldMap | None = None
    _known_until: float = 0.0
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

    async def discovered(self, count: list[int] | None = None) -> FieldMap | None:
        """The account's own fields as its vendor tells them, or None where it cannot. Raises VendorError."""
        discovery = self.vendor.discovery
        if discovery is None:
            return None
        async with self._lock:
            if self._known is None or time.monotonic() >= self._known_until:
                self._known = FieldMap({}, await self._discover(count if count is not None else []))
                self._known_until = time.monotonic() + METADATA_SECONDS
            return self._known

    async def _discover(self, count: list[int]) -> dict[str, Field]:
        discovery, found = self.vendor.discovery, dict[str, Field]()
        if discovery is None:
            return found
        for partition in self.vendor.leads.partitions(self.account) or (None,):
            read = partial(discovery.read, self.account, partition)
            found |= await self.outbound.fetch(discovery.build(self.account, partition), read, lambda: count.append(1))
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


async def names_for(connection: Connection, fields: FieldMap, wanted: set[str], count: list[int]) -> Names:
    """The account's names, its own fields discovered only where a wanted name is not known without.

    A vendor that cannot be asked for its fields just now is asked for records all the same: the name is then unknown.
    """
    plain = Names(fields)
    if connection.vendor.discovery is None or all(plain.key(name) is not None for name in wanted):
        return plain
    try:
        return Names(fields, await connection.discovered(count))
    except LeadMcpError:
        if all(not fields.free or plain.key(name) is not None for name in wanted):
            return plain
        raise
