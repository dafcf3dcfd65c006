"""The server over HTTP: Streamable HTTP at ``/mcp``, or the older SSE at ``/sse``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lead_mcp.cli.guards import MOST_SESSIONS, guarded, security
from lead_mcp.cli.listening import bound, serve_until_signalled
from lead_mcp.cli.signals import leave
from lead_mcp.errors import SettingsError
from lead_mcp.hosts import is_loopback
from lead_mcp.server import LeadServer
from lead_mcp.settings import SHORTEST_TOKEN, Server

if TYPE_CHECKING:
    from starlette.types import ASGIApp

SESSION_SECONDS: Final = 1800
"""After which a session ends that nobody uses."""
OPENING: Final = 50
"""Sessions that may be opening at one time, beyond those that are open."""


def check_exposure(settings: Server, host: str) -> None:
    """Raises SettingsError where strangers could come in."""
    if is_loopback(host):
        return
    token = settings.http_token
    if token is None:
        message = f"--host {host} is not loopback: set LEAD_MCP_HTTP_TOKEN, the bearer token that clients must send."
        raise SettingsError(message)
    if len(token.get_secret_value()) < SHORTEST_TOKEN:
        message = f"LEAD_MCP_HTTP_TOKEN is too short for --host {host}, which is not loopback"
        raise SettingsError(f"{message}: take {SHORTEST_TOKEN} characters or more, from a generator of passwords.")


async def serve_http(server: LeadServer, transport: str, host: str, port: int, stateless: bool) -> int:
    """Serve until a signal; the exit code."""
    settings = server.configured.server
    sockets = bound(host, port)
    token = settings.http_token
    app = guarded(
        _app(server, transport, host, stateless=stateless),
        host=host,
        token=token.get_secret_value() if token else None,
        origins=settings.http_origins,
    )
    async with server.hold():
        ended = await serve_until_signalled(app, sockets, host, f"/{'sse' if transport == 'sse' else 'mcp'}")
    return leave(ended)


def _app(server: LeadServer, transport: str, host: str, *, stateless: bool) -> ASGIApp:
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
