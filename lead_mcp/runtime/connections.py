"""The accounts' connections: one an account, with one rate and one breaker for all callers; or, where each person has a
credential of their own, one a person, with which nobody else has anything in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal
from lead_mcp.errors import NotConfigured
from lead_mcp.identity.credentials import Credentials
from lead_mcp.identity.principal import Principal
from lead_mcp.metrics import Metrics
from lead_mcp.recent import Recent
from lead_mcp.settings import ConfiguredAccount, Server, Settings, urls_of
from lead_mcp.transport.breaker import PATIENCE, Breaker
from lead_mcp.transport.network import Network
from lead_mcp.transport.outbound import Outbound
from lead_mcp.transport.rate import RateLimit
from lead_mcp.transport.spans import no_span, vendor_span
from lead_mcp.vendors.spec.http import Effect

if TYPE_CHECKING:
    from lead_mcp.transport.shared_rate import SharedSlots
    from lead_mcp.transport.shared_redis import SharedRedis

PERSONS: Final = 2_000
"""Connections with a person's own credential that are kept."""


@dataclass
class Connections:
    """Every account's. ``redis``: what replicas share rates and breakers in, where there is one."""

    settings: Settings
    network: Network = field(repr=False)
    metrics: Metrics = field(repr=False)
    redis: SharedRedis | None = field(default=None, repr=False)
    own: Recent[tuple[str, str], Connection] = field(default_factory=lambda: Recent(PERSONS), repr=False)
    """Those with a person's own credential, by account and principal."""

    @cached_property
    def by_account(self) -> Mapping[str, Connection]:
        """Those that are the same for all callers, by account."""
        accounts = self.settings.accounts.items()
        return {name: self._made(found) for name, found in accounts if not found.per_user}

    def of(self, name: str, principal: Principal) -> Connection:
        """An account as that principal reaches it: with the account's credential, or with their own."""
        if name in self.by_account:
            return self.by_account[name]
        found = self.settings.accounts[name]
        return self.own.used((name, principal.name), lambda: self._made(found, principal.name))

    def every(self) -> Sequence[Connection]:
        """Every account's, and every person's own."""
        return [*self.by_account.values(), *self.own.values()]

    @cached_property
    def credentials(self) -> Credentials:
        """Each person's own. Raises NotConfigured where the settings name no source."""
        if self.settings.credentials is None:
            raise NotConfigured("No source of each person's own credentials is configured.")
        return Credentials(self.settings.credentials)

    def _made(self, found: ConfiguredAccount, person: str = "") -> Connection:
        """An account with its own credential, or with that person's."""
        server = self.settings.server
        outbound = Outbound(
            account=found.account,
            vendor=found.vendor,
            network=self.network,
            urls=urls_of(found),
            secrets={key: secret.get_secret_value() for key, secret in found.secrets.items()},
            rate=self._rate(found, person),
            breaker=self._breaker(found, person),
            allowed=allowed_effects(server),
            reply_limit=server.reply_limit,
            metrics=self.metrics,
            spans=vendor_span if server.traces_url else no_span,
            credential=partial(self.credentials.of, found, person) if found.per_user else None,
        )
        return Connection(outbound)

    def _rate(self, found: ConfiguredAccount, person: str) -> RateLimit:
        """How often the account may be asked: by this process, or by all replicas that share its credential."""
        if self._slots is None:
            return RateLimit(found.rate.calls, found.rate.seconds)
        from lead_mcp.transport.shared_rate import SharedRate

        return SharedRate(found.rate.calls, found.rate.seconds, key=shared_key(found, person), slots=self._slots)

    @cached_property
    def _slots(self) -> SharedSlots | None:
        """The slots of the rates that replicas share."""
        if self.redis is None:
            return None
        from lead_mcp.transport.shared_rate import SharedSlots

        return SharedSlots(self.redis)

    def _breaker(self, found: ConfiguredAccount, person: str) -> Breaker:
        """Whether its vendor is down, as this process or all replicas found."""
        patience = min(PATIENCE, self.settings.server.deadline / 2)
        if self.redis is None:
            return Breaker(patience=patience)
        from lead_mcp.transport.shared_breaker import SharedBreaker

        return SharedBreaker(patience=patience, key=shared_key(found, person), shared=self.redis)


def shared_key(found: ConfiguredAccount, person: str) -> str:
    """What an account's state is kept under in Redis: the same for whoever uses the same credential."""
    secrets = {key: secret.get_secret_value() for key, secret in found.secrets.items()}
    if found.per_user:
        secrets = {"account": found.account.name, "person": person}
    return f"{found.vendor.name}:{Seal.of(secrets).derived('rate').hex()[:16]}"


def allowed_effects(server: Server) -> frozenset[Effect]:
    """What requests may do at all: ``off`` closes the gate for good, whoever asks."""
    open_to: Mapping[Effect, str] = {Effect.READ: "allow", Effect.WRITE: server.writes, Effect.DELETE: server.deletes}
    return frozenset(effect for effect, word in open_to.items() if word != "off")
