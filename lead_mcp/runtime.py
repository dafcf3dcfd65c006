"""What a running server holds: one HTTP client, a connection an account, the seal of its cursors. Assembly, no policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
import httpx2

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.guard import Guard, Unguarded
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.owned_cursor import OwnedSeal
from lead_mcp.engine.people import LookupScope
from lead_mcp.engine.sealing import seal_of
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed, NotConfigured, did_you_mean
from lead_mcp.hosts import in_url, is_loopback
from lead_mcp.identity.credentials import Credentials
from lead_mcp.identity.permitted import permitted
from lead_mcp.identity.principal import LOCAL, Principal
from lead_mcp.identity.scopes import Scope
from lead_mcp.metrics import Metrics
from lead_mcp.outgoing.guard import MaskGuard
from lead_mcp.outgoing.kinds import kinds_of
from lead_mcp.outgoing.mask_key import read_key
from lead_mcp.outgoing.masking import Masker, masker_of
from lead_mcp.settings import ConfiguredAccount, Server, Settings, host_of, is_local, urls_of
from lead_mcp.transport.breaker import PATIENCE, Breaker
from lead_mcp.transport.outbound import Outbound
from lead_mcp.transport.rate import RateLimit
from lead_mcp.transport.spans import no_span, vendor_span
from lead_mcp.vendors.spec.http import Effect
from lead_mcp.vendors.spec.vendor import Vendor
from lead_mcp.writing.confirm import ConfirmCallback
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.pipeline import WritePipeline

if TYPE_CHECKING:
    from lead_mcp.exports.links import Links
    from lead_mcp.journal.store import Journal
    from lead_mcp.mirror.mirror import Mirror
    from lead_mcp.sql.cage import Cage
    from lead_mcp.transport.shared_rate import SharedSlots
    from lead_mcp.transport.shared_redis import SharedRedis
    from lead_mcp.writing.looking import AccountCopy, Source

T = TypeVar("T")

TIMEOUT: Final = httpx2.Timeout(30.0, connect=10.0, pool=None)
ISSUER_TIMEOUT: Final = httpx2.Timeout(5.0)
POOL: Final = httpx2.Limits(max_connections=100, max_keepalive_connections=40)
VIEWS: Final = 256
"""Principals whose view of the runtime is kept ready."""
PERSONS: Final = 2_000
"""Connections with a person's own credential that are kept."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Runtime:
    """Everything a tool call needs. ``caller``: for whom; ``whole``: what this is one caller's view of, if it is one."""

    settings: Settings
    client: httpx2.AsyncClient = field(repr=False)
    clock: Callable[[], datetime] = utc_now
    transport: httpx2.AsyncBaseTransport | None = field(default=None, repr=False)
    """What stands in for the network, where something does."""

    kept: bool = False
    probe: Callable[[str], None] = lambda point: None
    """Told each point a write passes; tests kill the process there."""

    approvals: str = ""
    """Where a person answers writes that wait: the address, or the path, of a page of this server; "" where it has none."""

    links: Links | None = field(default=None, repr=False)
    """What makes links to exports, where this server is reached over HTTP."""

    metrics: Metrics = field(default_factory=Metrics, repr=False)
    caller: Principal = LOCAL
    whole: Runtime | None = field(default=None, repr=False)
    views: dict[Principal, Runtime] = field(default_factory=dict, repr=False)
    own: dict[tuple[str, str], Connection] = field(default_factory=dict, repr=False)
    """Connections with a person's own credential, by account and principal: with a rate, a breaker and fields of their own."""

    def seen_by(self, principal: Principal) -> Runtime:
        """This runtime as that principal may use it: their accounts, their masks, cursors and keys of their own.

        HTTP client, rates, vendors' tokens, known fields and journal are the same for all, but for accounts where each person
        has a credential of their own.
        """
        if principal == self.caller:
            return self
        view = self.views.pop(principal, None)
        if view is None:
            view = replace(self, settings=permitted(self.settings, principal), caller=principal, whole=self, views={})
        self.views[principal] = view
        if len(self.views) > VIEWS:
            del self.views[next(iter(self.views))]
        return view

    @property
    def server(self) -> Server:
        return self.settings.server

    @property
    def principal(self) -> str:
        """Whose idempotency keys these are."""
        return self.caller.name

    @cached_property
    def masker(self) -> Masker | None:
        """What masks personal values, where ``LEAD_MCP_PII`` says so. Raises NotAllowed where its key is damaged."""
        if self.server.pii == "full":
            return None
        kinds = {name: kinds_of(found.account, found.vendor) for name, found in self.settings.accounts.items()}
        return masker_of(read_key(self.server.state_dir), self.server.phone_region, kinds)

    @property
    def guard(self) -> Guard:
        """What may be asked of fields: masked ones are not spelled out."""
        return Unguarded() if self.masker is None else MaskGuard(self.masker)

    @cached_property
    def journal(self) -> Journal:
        """The journal; SQLAlchemy loads with it, at the first write."""
        if self.whole is not None:
            return self.whole.journal
        from lead_mcp.journal.store import Journal

        url = self.server.journal_url
        place = url.get_secret_value() if url else None
        has_commands = not self.settings.is_sandbox
        return Journal(place, self.server.state_dir, self.clock, has_commands=has_commands, page=self.approvals)

    @cached_property
    def cage(self) -> Cage:
        """Where SQL runs: a process of its own, which starts with the first statement."""
        if self.whole is not None:
            return self.whole.cage
        from lead_mcp.sql.cage import Cage

        return Cage()

    def now(self) -> datetime:
        return self.clock()

    @cached_property
    def mirror(self) -> Mirror | None:
        """The mirror, where ``LEAD_MCP_MIRROR`` is on: one for all callers, told how this one is shown values."""
        if self.server.mirror == "off":
            return None
        if self.whole is None or self.whole.mirror is None:
            return self.kept_mirror()
        from lead_mcp.outgoing.sql_masking import look_mark

        return replace(self.whole.mirror, shown=look_mark(self.masker))

    def kept_mirror(self) -> Mirror:
        """What there is of a mirror, whether it is on or not; of no account that each reads with their own credential.

        Raises NotConfigured.
        """
        from lead_mcp.mirror.mirror import Mirror
        from lead_mcp.mirror.sealing import sealing_of
        from lead_mcp.mirror.setting import folder_of, lake_of
        from lead_mcp.mirror.sync import Terms
        from lead_mcp.outgoing.sql_masking import look_of

        server = self.server
        terms = Terms(
            clock=self.now,
            region=server.phone_region,
            trailing=timedelta(days=server.mirror_trailing),
            days=server.mirror_days,
        )
        url = server.mirror_url.get_secret_value() if server.mirror_url else ""
        shared = {name: one for name, one in self.connections.items() if not one.is_per_user}
        look = look_of(self.masker, list(shared.values()), server.deadline)
        max_age = timedelta(seconds=server.mirror_max_age)
        lake = lake_of(url, server.state_dir, self.settings.storage)
        folder = lake.folder if lake else folder_of(url, server.state_dir)
        sealing = sealing_of(server.mirror_key, server.state_dir, lake=lake is not None)
        recordings = server.mirror_recordings == "on"
        return Mirror(folder, shared, terms, look, max_age, recordings, lake=lake, sealing=sealing)

    async def in_journal(self, work: Callable[[Journal], T]) -> T:
        """Blocking work on the journal, in a worker thread."""
        return await anyio.to_thread.run_sync(work, self.journal)

    async def keep_journal(self) -> None:
        """Forget old values, once in this process's life; a journal that cannot be written says so at the next write."""
        if self.whole is not None:
            await self.whole.keep_journal()
        elif not self.kept:
            self.kept = True
            with suppress(NotAllowed):
                await self.in_journal(lambda journal: journal.purge(self.server.journal_days))

    def context(self) -> WriteContext:
        """What a write needs to look at vendors."""
        looking = LookupScope(self.limits, self.seal, self.server.phone_region, self.clock())
        return WriteContext(looking, self.server.zone, self.server.deadline, self._copy_of)

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
    ) -> WritePipeline:
        """What carries writes out, for one call. ``approved_by``: who has said yes to what it sends."""
        return WritePipeline(self.journal, self.context(), mode, confirm, confirmed, self.probe, approved_by)

    @cached_property
    def connections(self) -> dict[str, Connection]:
        if self.whole is None:
            return {
                name: self.own_connection(found, self.caller.name) if found.per_user else self._connection(found)
                for name, found in self.settings.accounts.items()
            }
        effects = effects_of(self.caller)
        return {name: self.whole.connection_for(name, self.caller).narrowed(effects) for name in self.settings.accounts}

    def connection_for(self, name: str, principal: Principal) -> Connection:
        """An account as that principal reaches it: with the account's credential, or with their own."""
        found = self.settings.accounts[name]
        return self.own_connection(found, principal.name) if found.per_user else self.connections[name]

    def own_connection(self, found: ConfiguredAccount, person: str) -> Connection:
        """An account with that person's credential."""
        place = found.account.name, person
        one = self.own.pop(place, None) or self._connection(found, person)
        self.own[place] = one
        if len(self.own) > PERSONS:
            del self.own[next(iter(self.own))]
        return one

    def every_connection(self) -> Sequence[Connection]:
        """Every account's, and every person's own."""
        return [*(one for one in self.connections.values() if not one.is_per_user), *self.own.values()]

    @cached_property
    def credentials(self) -> Credentials:
        """Each person's own. Raises NotConfigured where the settings name no source."""
        if self.settings.credentials is None:
            raise NotConfigured("No source of each person's own credentials is configured.")
        return Credentials(self.settings.credentials)

    @cached_property
    def limits(self) -> Limits:
        return Limits(self.server.deadline, self.server.scan_limit)

    @cached_property
    def seal(self) -> Seal:
        if self.whole is not None:
            return OwnedSeal(self.whole.seal.key, self.whole.seal, (self.caller.name, *sorted(self.settings.accounts)))
        return seal_of(self.settings)

    def _connection(self, found: ConfiguredAccount, person: str = "") -> Connection:
        """An account with its own credential, or with that person's."""
        outbound = Outbound(
            account=found.account,
            vendor=found.vendor,
            client=self.client,
            urls=urls_of(found),
            secrets={key: secret.get_secret_value() for key, secret in found.secrets.items()},
            rate=self._rate(found, person),
            breaker=self._breaker(found, person),
            allowed=allowed_effects(self.server),
            reply_limit=self.server.reply_limit,
            metrics=self.metrics,
            spans=vendor_span if self.server.traces_url else no_span,
            credential=partial(self.credentials.of, found, person) if found.per_user else None,
        )
        return Connection(outbound)

    def _rate(self, found: ConfiguredAccount, person: str) -> RateLimit:
        """How often the account may be asked: by this process, or by all replicas that share its credential."""
        if self.slots is None:
            return RateLimit(found.rate.calls, found.rate.seconds)
        from lead_mcp.transport.shared_rate import SharedRate

        return SharedRate(found.rate.calls, found.rate.seconds, key=shared_key(found, person), slots=self.slots)

    def _breaker(self, found: ConfiguredAccount, person: str) -> Breaker:
        """Whether its vendor is down, as this process or all replicas found."""
        patience = min(PATIENCE, self.server.deadline / 2)
        if self.redis is None:
            return Breaker(patience=patience)
        from lead_mcp.transport.shared_breaker import SharedBreaker

        return SharedBreaker(patience=patience, key=shared_key(found, person), shared=self.redis)

    @cached_property
    def redis(self) -> SharedRedis | None:
        """What replicas share rates and breakers in, where there is one."""
        url = self.server.redis_url
        if self.whole is not None or url is None:
            return None if self.whole is None else self.whole.redis
        from lead_mcp.transport.shared_redis import SharedRedis

        return SharedRedis.at(url.get_secret_value())

    @cached_property
    def slots(self) -> SharedSlots | None:
        """The slots of the rates that replicas share."""
        if self.redis is None:
            return None
        from lead_mcp.transport.shared_rate import SharedSlots

        return SharedSlots(self.redis)

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

    def vendors(self) -> Sequence[Vendor]:
        """The vendors of the configured accounts, each once."""
        return list({c.vendor.name: c.vendor for c in self.connections.values()}.values())


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


def effects_of(principal: Principal) -> frozenset[Effect]:
    """What requests for that principal may do, whatever this server allows others."""
    needed = {Effect.WRITE: Scope.LEADS_WRITE, Effect.DELETE: Scope.LEADS_DELETE}
    return frozenset({Effect.READ, *(effect for effect, scope in needed.items() if scope in principal.scopes)})


def make_runtime(
    settings: Settings, transport: httpx2.AsyncBaseTransport | None = None, metrics: Metrics | None = None
) -> Runtime:
    """A runtime with its HTTP client. ``transport`` swaps the network (the sandbox does). Raises NotConfigured."""
    try:
        return Runtime(settings, _client(settings, transport), transport=transport, metrics=metrics or Metrics())
    except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
        kind = type(error).__name__  # its words may hold a proxy's password
        message = f"No request can leave: the proxy or the certificates in the environment cannot be used ({kind})."
        raise NotConfigured(f"{message} Look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.") from None


def _client(settings: Settings, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    """The client. Requests to this machine pass no proxy, whatever the environment says."""
    accounts = settings.accounts.values()
    own = {host_of(url) for one in accounts for url in urls_of(one).values() if is_loopback(host_of(url))}
    return httpx2.AsyncClient(
        timeout=TIMEOUT,
        limits=POOL,
        follow_redirects=False,
        trust_env=transport is None and not all(map(is_local, accounts)),
        transport=transport,
        mounts={f"all://{in_url(host)}": None for host in own},
        headers={"User-Agent": "lead-mcp", "Accept": "application/json"},
    )


def issuer_client(settings: Settings) -> httpx2.AsyncClient:
    """The way to whoever issues tokens; one on this machine is asked past every proxy."""
    issuers = settings.sign_in.issuers if settings.sign_in else ()
    local = all(is_loopback(host_of(one)) for one in issuers)
    headers = {"User-Agent": "lead-mcp", "Accept": "application/json"}
    return httpx2.AsyncClient(timeout=ISSUER_TIMEOUT, follow_redirects=False, trust_env=not local, headers=headers)


async def close(runtime: Runtime) -> None:
    """Close what a runtime holds: its connections, and its journal and its SQL engine if they were opened."""
    await runtime.client.aclose()
    if "cage" in runtime.__dict__:
        await runtime.cage.aclose()
    if (mirror := runtime.__dict__.get("mirror")) is not None:
        await mirror.aclose()
    if "redis" in runtime.__dict__ and runtime.redis is not None:
        await runtime.redis.aclose()
    if "journal" in runtime.__dict__:
        runtime.journal.close()


@asynccontextmanager
async def running(settings: Settings, transport: httpx2.AsyncBaseTransport | None = None) -> AsyncIterator[Runtime]:
    """A runtime, closed with the block."""
    runtime = make_runtime(settings, transport)
    try:
        yield runtime
    finally:
        await close(runtime)
