"""The chain round every HTTP request of an account, outermost first: retried, signed, limited, bounded.

Nothing outside this package retries, waits, signs or opens a connection. The secret joins a request innermost and is redacted
from the reply before anybody reads it. What a request does is what it declares (``Request.effect``): the gate stands at the
last step before the network and believes nothing else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from lead_mcp.errors import (
    LeadMcpError,
    MalformedReply,
    NotAllowed,
    Unauthorized,
)
from lead_mcp.metrics import Metrics, outcome_of
from lead_mcp.transport.breaker import Breaker
from lead_mcp.transport.decoding import reply_of
from lead_mcp.transport.exchange import exchanged
from lead_mcp.transport.network import BROKEN, Network, network_error
from lead_mcp.transport.rate import RateLimit
from lead_mcp.transport.redaction import redactor
from lead_mcp.transport.retrying import retried
from lead_mcp.transport.spans import Spans, no_span
from lead_mcp.vendors.replies import ok
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Effect, Reply, Request, Signature
from lead_mcp.vendors.spec.vendor import Vendor

T = TypeVar("T")
log = logging.getLogger("lead_mcp.outbound")


@dataclass
class Token:
    """A login's token, kept until shortly before it expires (monotonic seconds)."""

    text: str = field(default="", repr=False)
    good_until: float = 0.0


@dataclass
class Outbound:
    """One account's way to its vendor. ``requests`` counts what went out, token requests included.

    ``urls``: the account's base URLs by settings key. ``secrets``: in clear, by settings key; never shown. ``credential``:
    gives them, where they are one person's own.
    """

    account: Account
    vendor: Vendor = field(repr=False)
    network: Network = field(repr=False)
    urls: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    rate: RateLimit
    allowed: frozenset[Effect] = frozenset({Effect.READ})
    reply_limit: int = 16 * 1024 * 1024
    breaker: Breaker = field(default_factory=Breaker, repr=False)
    metrics: Metrics = field(default_factory=Metrics, repr=False)
    spans: Spans = field(default=no_span, repr=False)
    token: Token = field(default_factory=Token, repr=False)
    token_lock: anyio.Lock = field(default_factory=anyio.Lock, repr=False)
    credential: Callable[[], Awaitable[Mapping[str, str]]] | None = field(default=None, repr=False)

    async def fetch(self, request: Request, read: Callable[[Reply], T], count: Callable[[], None]) -> T:
        """What ``read`` makes of the reply. A read is tried again after a passing failure, within the deadline.

        ``count`` is called once for every request that leaves. Raises LeadMcpError, with the account named.
        """
        try:
            self._gate(request)  # before a login too, which would be for nothing
            await self._own_secrets()
            return await retried(lambda: self._tried(request, read, count), request.effect, self._count_retry)
        except LeadMcpError as error:
            error.account = error.account or self.account.name
            raise

    async def _tried(self, request: Request, read: Callable[[Reply], T], count: Callable[[], None]) -> T:
        """What ``read`` makes of the reply to this one attempt."""
        return self._understood(read, await self._with_token(request, count), request)

    def _count_retry(self) -> None:
        self.metrics.count("lead_mcp_vendor_retries_total", account=self.account.name)

    async def _own_secrets(self) -> None:
        """Take those of the person, where each has their own; a token that others got is forgotten. Raises CallError."""
        if self.credential is None:
            return
        secrets = await self.credential()
        if secrets != self.secrets:
            self.secrets, self.token.text = secrets, ""

    def _understood(self, read: Callable[[Reply], T], reply: Reply, request: Request) -> T:
        """What ``read`` makes of the reply. Whatever else it raises than our own errors is this account's garbled reply.

        No document foresees every reply, and one vendor's oddity must not take the other accounts' answers with it.
        """
        try:
            return read(reply)
        except LeadMcpError:
            raise
        except Exception as error:  # noqa: BLE001 - the words of a reader's fault may hold what somebody typed: only its kind is told
            kind = type(error).__name__
            log.warning("unforeseen reply", extra={"account": self.account.name, "path": _path(request), "error": kind})
            message = f"The vendor's reply could not be understood ({kind}). Try again later."
            raise MalformedReply(message, status=reply.status) from None

    async def _with_token(self, request: Request, count: Callable[[], None]) -> Reply:
        """Signed with a fresh token where the vendor trades keys for one; a 401 renews it once."""
        if self.vendor.login is None:
            return await self._signed(request, self.secrets, count)
        token = await self._token(count)
        reply = await self._signed(request, {**self.secrets, "token": token}, count)
        if reply.status != 401 or self._ready_token():
            return reply
        token = await self._token(count, stale=token)
        return await self._signed(request, {**self.secrets, "token": token}, count)

    def _ready_token(self) -> str:
        """A ready-made token from the settings, where there are no keys to ask for a new one."""
        login = self.vendor.login
        if login is None or all(self.secrets.get(key) for key in login.keys):
            return ""
        return self.secrets.get(login.given, "")

    async def _token(self, count: Callable[[], None], stale: str = "") -> str:
        if ready := self._ready_token():
            return ready
        async with self.token_lock:
            if self.token.text in ("", stale) or time.monotonic() >= self.token.good_until:
                await self._log_in(count)
            return self.token.text

    async def _log_in(self, count: Callable[[], None]) -> None:
        login = self.vendor.login
        if login is None:
            raise AssertionError("only a vendor with a login logs in")
        request = login.build(self.account)
        try:
            reply = await self._send(request, login.sign(request, self.secrets), count)
            old = [] if ok(reply) else [self.token.text]  # a vendor may hand out the same one again
            reply = await _redacted(reply, [*self.secrets.values(), *old])
            text, seconds = self._understood(login.read, reply, request)
            if not (text.isascii() and text.isprintable()):  # it could not be sent back
                raise MalformedReply(
                    "The vendor's token is no token: it holds what no header can.", status=reply.status
                )
            if not text:
                raise Unauthorized("The vendor gave no token. Check the account's credentials.")
        except LeadMcpError as error:
            error.sent = False  # whatever the login met, what it was for has not left
            raise
        self.token.text, self.token.good_until = text, time.monotonic() + max(0.0, seconds - 30)

    async def _signed(self, request: Request, secrets: Mapping[str, str], count: Callable[[], None]) -> Reply:
        reply = await self._send(request, self.vendor.sign(request, secrets), count)
        return await _redacted(reply, secrets.values())

    def _gate(self, request: Request) -> None:
        if request.effect not in self.allowed:
            setting = "LEAD_MCP_DELETES" if request.effect is Effect.DELETE else "LEAD_MCP_WRITES"
            message = f"This server may not {request.effect} at {self.account.name}: {setting} is off."
            raise NotAllowed(message, sent=False)

    async def _send(self, request: Request, signature: Signature, count: Callable[[], None]) -> Reply:
        """The last step: the gate, a vendor that is there, a slot of the rate, the network. The reply is as it came."""
        self._gate(request)
        async with self.breaker.watched() as exchange:
            waiting = time.monotonic()
            async with self.rate.slot():
                exchange.leaves()
                started = time.monotonic()
                self.metrics.count("lead_mcp_limiter_wait_seconds_total", started - waiting, account=self.account.name)
                count()
                try:
                    with self.spans(self.account.name, self.vendor.name, request.method) as answered:
                        reply = await exchanged(
                            self.network, self.urls[request.base], request, signature, self.reply_limit
                        )
                        answered(reply.status)
                    if (hint := self.vendor.rate_hint(reply)) is not None:
                        self.rate.heed(hint)
                except BROKEN as error:
                    self._note(request, type(error).__name__, "no reply", started)
                    raise network_error(error) from None
            exchange.replied(reply.status)
        self._note(request, reply.status, outcome_of(reply.status), started)
        if 300 <= reply.status < 400:
            message = "The vendor answered with a redirect, which is not followed. Check the account's base URL."
            raise MalformedReply(message, status=reply.status)
        return reply

    def _note(self, request: Request, outcome: object, kind: str, started: float) -> None:
        """One structured line a request; no query, no body: they may hold somebody's e-mail or phone."""
        account, seconds = self.account.name, time.monotonic() - started
        self.metrics.count("lead_mcp_vendor_requests_total", account=account, outcome=kind)
        self.metrics.took("lead_mcp_vendor_seconds", seconds, account=account)
        if not log.isEnabledFor(logging.DEBUG):
            return
        log.debug(
            "request",
            extra={
                "account": account,
                "method": request.method,
                "path": _path(request),
                "effect": str(request.effect),
                "outcome": str(outcome),
                "ms": round(seconds * 1000),
            },
        )


async def _redacted(reply: Reply, secrets: Iterable[str]) -> Reply:
    """The reply without our secrets, should the vendor echo one."""
    return await reply_of(reply.status, reply.body, reply.headers, redactor(secrets))


def _path(request: Request) -> str:
    return request.path.partition("?")[0]
