"""A server while it runs, as one caller may use it. Assembly, no policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.guard import Guard, Unguarded
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.owned_cursor import OwnedSeal
from lead_mcp.engine.persons.people import LookupScope
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed, NotConfigured, did_you_mean
from lead_mcp.identity.permitted import permitted
from lead_mcp.identity.principal import LOCAL, Principal
from lead_mcp.identity.scopes import Scope
from lead_mcp.metrics import Metrics
from lead_mcp.outgoing.guard import MaskGuard
from lead_mcp.outgoing.masking import Masker
from lead_mcp.outgoing.notes import sentence_of
from lead_mcp.recent import Recent
from lead_mcp.runtime.common import Common
from lead_mcp.runtime.masks import configured_masker
from lead_mcp.runtime.networks import vendor_network
from lead_mcp.settings import Server, Settings
from lead_mcp.vendors.spec.http import Effect
from lead_mcp.writing.confirm import ConfirmCallback
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.pipeline import WritePipeline
from lead_mcp.writing.vendor_time import VendorTime

if TYPE_CHECKING:
    import httpx2

    from lead_mcp.exports.links import Links
    from lead_mcp.journal.store import Journal
    from lead_mcp.mirror.mirror import Mirror
    from lead_mcp.sql.cage import Cage
    from lead_mcp.writing.looking import AccountCopy, Source

T = TypeVar("T")

VIEWS: Final = 256
"""Principals whose runtime is kept ready."""


@dataclass(frozen=True, eq=False)
class Runtime:
    """Everything a tool call needs: what all callers have in common, as ``caller`` may use it.

    ``settings``: the caller's accounts alone, with masks where personal values are not theirs to see.
    """

    common: Common
    settings: Settings
    caller: Principal = LOCAL
    others: Recent[Principal, Runtime] = field(default_factory=lambda: Recent(VIEWS), repr=False)

    def seen_by(self, principal: Principal) -> Runtime:
        """The same server as that principal may use it: their accounts, their masks, cursors and keys of their own."""
        if principal == self.caller:
            return self
        return self.others.used(principal, lambda: self._as(principal))

    def _as(self, principal: Principal) -> Runtime:
        return replace(self, settings=permitted(self.common.settings, principal), caller=principal)

    @property
    def server(self) -> Server:
        return self.settings.server

    @property
    def principal(self) -> str:
        """Whose idempotency keys these are."""
        return self.caller.name

    def now(self) -> datetime:
        return self.common.now()

    # --- what may be seen ---

    @cached_property
    def masker(self) -> Masker | None:
        """What masks personal values, where they are masked. Raises NotAllowed where its key is damaged."""
        return configured_masker(self.settings)

    @property
    def guard(self) -> Guard:
        """What may be asked of fields: masked ones are not spelled out."""
        return Unguarded() if self.masker is None else MaskGuard(self.masker)

    @cached_property
    def limits(self) -> Limits:
        return Limits(self.server.deadline, self.server.scan_limit)

    @cached_property
    def seal(self) -> Seal:
        """Of the caller's cursors; here on this machine, where all is the caller's, of everybody's."""
        if self.caller.is_local:
            return self.common.seal
        return OwnedSeal(self.common.seal.key, self.common.seal, (self.caller.name, *sorted(self.settings.accounts)))

    # --- what the server holds ---

    @property
    def links(self) -> Links | None:
        return self.common.links

    @property
    def journal(self) -> Journal:
        return self.common.journal

    async def in_journal(self, work: Callable[[Journal], T]) -> T:
        return await self.common.in_journal(work)

    @property
    def cage(self) -> Cage:
        return self.common.cage

    @property
    def mirror(self) -> Mirror | None:
        """The mirror, where it is on: one for every caller."""
        return self.common.mirror

    @cached_property
    def look(self) -> str | None:
        """What tells apart how values are shown to this caller; None: as the mirror shows them, if there is one."""
        if self.mirror is None or self.caller.is_local:  # whose masks are those of the settings, as the mirror's are
            return None
        from lead_mcp.outgoing.sql_masking import look_mark

        return look_mark(self.masker)

    # --- writes ---

    def vendor_time(self) -> VendorTime:
        """What vendors may take over a call that begins."""
        return VendorTime(self.server.deadline)

    def context(self, time: VendorTime | None = None) -> WriteContext:
        """What a write needs to look at vendors. ``time``: the call's, where it has begun."""
        scope = LookupScope(self.limits, self.seal, self.server.phone_region, self.now())
        return WriteContext(scope, self.server.zone, time or self.vendor_time(), sentence_of, self._copy_of)

    async def _copy_of(self, connection: Connection, source: Source) -> AccountCopy | None:
        """The account as the mirror answers for it, where that is wanted; then the mirror loads. Raises NotConfigured."""
        if source == "live":
            return None
        from lead_mcp.mirror.sourcing import copied

        return await copied(self.mirror, connection, source)

    def pipeline(
        self,
        mode: str,
        confirm: ConfirmCallback | None,
        confirmed: Mapping[str, Sequence[str | None]],
        approved_by: str = "",
        time: VendorTime | None = None,
    ) -> WritePipeline:
        """What carries writes out. ``approved_by``: who has said yes to what it sends; ``time``: as in ``context``."""
        context = self.context(time)
        return WritePipeline(self.journal, context, mode, confirm, confirmed, self.common.on_point, approved_by)

    # --- accounts ---

    @cached_property
    def connections(self) -> dict[str, Connection]:
        """The caller's accounts, for requests that do no more than the caller may."""
        effects, known = effects_of(self.caller), self.common.connections
        return {name: known.of(name, self.caller).narrowed(effects) for name in self.settings.accounts}

    def connection(self, name: str) -> Connection:
        """The account of that name. Raises NotConfigured with the nearest one, or NotAllowed."""
        if name in self.connections:
            return self.connections[name]
        raise self._no_account(name)

    def chosen(self, account: str | None) -> list[Connection]:
        """The accounts that ``account`` names: itself, a vendor's, a comma list of either; all where it names none."""
        if account is None:
            if not self.connections:
                raise self._no_account("")
            return list(self.connections.values())
        found: dict[str, Connection] = {}
        for word in (part.strip() for part in account.split(",")):
            if not word:
                raise BadArgument("account: an account's name, a vendor's name, or a comma list of these.")
            matching = [c for c in self.connections.values() if word in (c.name, c.vendor.name)]
            if not matching:
                raise self._no_account(word)
            found |= {connection.name: connection for connection in matching}
        return list(found.values())

    def _no_account(self, name: str) -> LeadMcpError:
        """Where not all accounts are the caller's, one that is not theirs and one that is not there look the same."""
        known = {*self.connections, *(c.vendor.name for c in self.connections.values())}
        listed = f"there are {', '.join(self.connections)}.{did_you_mean(name, known)}"
        if self.caller.accounts is not None:
            what = f"No account {name[:60]!r} is yours to use" if name else "No account is yours to use"
            return NotAllowed(f"{what}; {listed}" if known else f"{what}. Ask whoever runs this server.")
        return NotConfigured(f"No account {name[:60]!r}; {listed}" if known else self.settings.advice)


def effects_of(principal: Principal) -> frozenset[Effect]:
    """What requests for that principal may do, whatever this server allows others."""
    needed = {Effect.WRITE: Scope.LEADS_WRITE, Effect.DELETE: Scope.LEADS_DELETE}
    return frozenset({Effect.READ, *(effect for effect, scope in needed.items() if scope in principal.scopes)})


def make_runtime(
    settings: Settings,
    transport: httpx2.AsyncBaseTransport | None = None,
    metrics: Metrics | None = None,
    approvals: str = "",
    links: Links | None = None,
) -> Runtime:
    """A runtime of whoever runs this server. ``transport`` swaps the network (the sandbox does). Raises NotConfigured."""
    network = vendor_network(settings, transport)
    return Runtime(Common(settings, network, transport, metrics or Metrics(), approvals, links), settings)


@asynccontextmanager
async def running(settings: Settings, transport: httpx2.AsyncBaseTransport | None = None) -> AsyncIterator[Runtime]:
    """A runtime, closed with the block."""
    runtime = make_runtime(settings, transport)
    try:
        yield runtime
    finally:
        await runtime.common.aclose()
