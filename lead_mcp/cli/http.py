"""The server over HTTP: Streamable HTTP at ``/mcp``, or the older SSE at ``/sse``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lead_mcp.cli.guards import MOST_SESSIONS, guarded, security
from lead_mcp.cli.listening import bound, serve_until_signalled
from lead_mcp.cli.signals import leave
from lead_mcp.errors import SettingsError
from lead_mcp.hosts import is_loopback
from lead_mcp.identity.door import Door
from lead_mcp.identity.principal import NOBODY
from lead_mcp.server import LeadServer
from lead_mcp.settings import SHORTEST_TOKEN, Server

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from lead_mcp.identity.callers import Callers

SESSION_SECONDS: Final = 1800
"""After which a session ends that nobody uses."""
OPENING: Final = 50
"""Sessions that may be opening at one time, beyond those that are open."""


def check_exposure(settings: Server, host: str, callers: Callers | None) -> None:
    """Raises SettingsError where strangers could come in."""
    token = settings.http_token
    if is_loopback(host) or (callers is not None and token is None):
        return
    if token is None:
        message = (
            f"--host {host} is not loopback: set LEAD_MCP_HTTP_TOKEN, the bearer token that clients must send, or make"
        )
        raise SettingsError(f"{message} a token for each of them (`lead-mcp token new`).")
    if len(token.get_secret_value()) < SHORTEST_TOKEN:
        message = f"LEAD_MCP_HTTP_TOKEN is too short for --host {host}, which is not loopback"
        raise SettingsError(f"{message}: take {SHORTEST_TOKEN} characters or more, from a generator of passwords.")


async def serve_http(
    server: LeadServer, transport: str, host: str, port: int, stateless: bool, callers: Callers | None = None
) -> int:
    """Serve until a signal; the exit code."""
    sockets = bound(host, port)
    app = app_of(server, callers, transport, host, stateless=stateless)
    async with server.hold():
        ended = await serve_until_signalled(app, sockets, host, f"/{'sse' if transport == 'sse' else 'mcp'}")
    return leave(ended)


def app_of(server: LeadServer, callers: Callers | None, transport: str, host: str, *, stateless: bool) -> ASGIApp:
    """The HTTP app with all that stands before it. Where ``callers`` are known by name, nobody else is let in."""
    settings = server.configured.server
    if callers is not None:
        server.stranger = NOBODY
    return guarded(
        _inner(server, transport, host, stateless=stateless),
        host=host,
        token=settings.http_token.get_secret_value() if settings.http_token else None,
        origins=settings.http_origins,
        door=None if callers is None else lambda inner: Door(inner, callers, None),
    )


def _inner(server: LeadServer, transport: str, host: str, *, stateless: bool) -> ASGIApp:
    names = security(host, server.configured.server.http_origins)
    if transport == "sse":
        return server.sse_app(host=host, transport_security=names)
    return server.streamable_http_app(
        stateless_http=stateless,
        host=host,
        transport_security=names,
        max_sessions=MOST_SESSIONS + OPENING,
        session_idle_timeout=None if stateless else SESSION_SECONDS,
    )
