"""What operations ask of a server over HTTP: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.errors import LeadMcpError
from lead_mcp.metrics import CONTENT_TYPE, Labels
from lead_mcp.server import LeadServer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

RESTING: Final = "lead_mcp_account_resting"
IN_FLIGHT: Final = "lead_mcp_requests_in_flight"
LOOKED: Final = 5.0
"""Seconds for which a look at what the server stands on counts: whoever asks for it needs no token."""


@dataclass
class Probes:
    """``/healthz``: the process answers. ``/readyz``: it can be of use; what it stands on, without a name or an address.

    Both are open to everybody. Reads go on without the journal, so that alone is no reason to be taken out of service.
    """

    app: ASGIApp
    server: LeadServer
    clock: Callable[[], float] = time.monotonic
    _looked: float = -LOOKED
    _found: dict[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in ("/healthz", "/readyz"):
            return await self.app(scope, receive, send)
        from starlette.responses import JSONResponse

        checks = {} if scope["path"] == "/healthz" else await self._checks()
        ready = checks.get("accounts", "ok") == "ok"
        body: dict[str, Any] = {"status": "ok" if ready else "not ready", **({"checks": checks} if checks else {})}
        await JSONResponse(body, 200 if ready else 503, {"Cache-Control": "no-store"})(scope, receive, send)

    async def _checks(self) -> dict[str, str]:
        if self.clock() - self._looked >= LOOKED:
            self._found, self._looked = await self._look(), self.clock()
        return self._found

    async def _look(self) -> dict[str, str]:
        configured = self.server.configured
        if configured.problem or not configured.accounts:
            return {"accounts": "none: the configuration is wrong or names none"}
        return {"accounts": "ok", "journal": await self._journal(), **self._redis()}

    async def _journal(self) -> str:
        """Whether writes can be recorded; without that none is sent."""
        runtime, settings = self._runtime(), self.server.configured.server
        if runtime is None or (settings.writes, settings.deletes) == ("off", "off"):
            return "not used"
        try:
            await runtime.in_journal(lambda journal: journal.open())
        except LeadMcpError:
            return "gone: reads go on, writes are refused"
        return "ok"

    def _redis(self) -> dict[str, str]:
        runtime = self._runtime()
        if runtime is None or runtime.common.redis is None:
            return {}
        gone = runtime.common.redis.gone_since is not None
        return {"redis": "gone: each replica keeps to its share of the rates" if gone else "ok"}

    def _runtime(self) -> Any:
        return None if self.server.opening is None else self.server.opening.whole


@dataclass
class MetricsPage:
    """``/metrics``, behind the authentication: for whoever may use all accounts, since it names them."""

    app: ASGIApp
    server: LeadServer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/metrics":
            return await self.app(scope, receive, send)
        from starlette.responses import PlainTextResponse

        if self.server.caller.accounts is None:
            answer = PlainTextResponse(self.server.metrics.text(self._gauges()), media_type=CONTENT_TYPE)
        else:
            answer = PlainTextResponse("Metrics name all accounts, which are not all yours.", 403)
        await answer(scope, receive, send)

    def _gauges(self) -> dict[tuple[str, Labels], float]:
        runtime = None if self.server.opening is None else self.server.opening.whole
        found: dict[tuple[str, Labels], float] = {("lead_mcp_tasks", ()): float(len(asyncio.all_tasks()))}
        if runtime is None:
            return found
        found |= {
            (name, (("account", account),)): 0.0
            for name in (RESTING, IN_FLIGHT)
            for account in runtime.settings.accounts
        }
        for one in runtime.common.connections.every():
            resting, busy = ((name, (("account", one.name),)) for name in (RESTING, IN_FLIGHT))
            found[resting] = max(found[resting], float(one.outbound.breaker.is_open))
            found[busy] += one.outbound.rate.in_flight
        return found
