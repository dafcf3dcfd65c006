"""The server over HTTP: Streamable HTTP at ``/mcp``, or the older SSE at ``/sse``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from lead_mcp.approvals.at_issuer import AtIssuer
from lead_mcp.approvals.pages import PATH, SIGNED_IN
from lead_mcp.approvals.sessions import Sessions
from lead_mcp.approvals.site import Approvals
from lead_mcp.engine.sealing import state_keys
from lead_mcp.errors import SettingsError
from lead_mcp.hosts import in_url, is_loopback
from lead_mcp.identity.assembly import asks_who, callers_of, code_flow_of, metadata_of
from lead_mcp.identity.authentication import Authentication
from lead_mcp.identity.principal import NOBODY
from lead_mcp.runtime.networks import issuer_client
from lead_mcp.server import LeadServer
from lead_mcp.serving.downloads import links_of, with_downloads
from lead_mcp.serving.guards import MOST_SESSIONS, OwnNames, guarded, security
from lead_mcp.serving.listening import bound, serve_until_signalled
from lead_mcp.serving.operations import MetricsPage, Probes
from lead_mcp.serving.posts import Posts
from lead_mcp.serving.signals import leave
from lead_mcp.serving.tracing import traced
from lead_mcp.settings import SHORTEST_TOKEN, Server, Settings

if TYPE_CHECKING:
    import httpx2
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp

SESSION_SECONDS: Final = 1800
"""After which a session ends that nobody uses."""
OPENING: Final = 50
"""Sessions that may be opening at one time, beyond those that are open."""


def check_exposure(settings: Server, host: str, *, asks_who: bool) -> None:
    """Raises SettingsError where strangers could come in: on loopback too the token may be all that is in the way."""
    token = settings.http_token
    if token is not None and len(token.get_secret_value()) < SHORTEST_TOKEN:
        message = f"LEAD_MCP_HTTP_TOKEN is too short: take {SHORTEST_TOKEN} characters or more"
        raise SettingsError(f"{message}, from a generator of passwords.")
    if is_loopback(host) or (asks_who and token is None):
        return
    if token is None:
        message = (
            f"--host {host} is not loopback: set LEAD_MCP_HTTP_TOKEN, the bearer token that clients must send, or make"
        )
        raise SettingsError(f"{message} a token for each of them (`lead-mcp token new`).")


async def serve_http(server: LeadServer, transport: str, host: str, port: int, stateless: bool) -> int:
    """Serve until a signal; the exit code."""
    sockets = bound(host, port)
    with traced(server.configured.server.traces_url):  # the last spans leave before a signal ends the process
        async with issuer_client(server.configured) as client, server.hold():
            app = app_of(server, client, transport, host, stateless=stateless, port=sockets[0].getsockname()[1])
            ended = await serve_until_signalled(app, sockets, host, f"/{'sse' if transport == 'sse' else 'mcp'}")
    return leave(ended)


def app_of(
    server: LeadServer,
    client: httpx2.AsyncClient,
    transport: str,
    host: str,
    *,
    stateless: bool,
    port: int | None = None,
) -> ASGIApp:
    """The HTTP app with all that stands before it. Where callers are known by name, nobody else is let in."""
    settings, token = server.configured, server.configured.server.http_token
    names, keys, callers = _names(settings, host), state_keys(settings), callers_of(settings, client)
    server.approvals, server.links = page_of(settings, host, port), links_of(settings, keys)
    authentication = None
    if asks_who(settings):
        server.stranger = NOBODY
        authentication = partial(Authentication, callers=callers, metadata=metadata_of(settings))
    guarded_app = guarded(
        MetricsPage(Posts(_inner(server, transport, host, names, stateless=stateless)), server),
        host=host,
        token=token.get_secret_value() if token else None,
        origins=settings.server.http_origins,
        authentication=authentication,
    )
    sessions, signs_in = Sessions(keys), authentication is not None or token is not None
    flow = code_flow_of(settings, client, f"{server.approvals}/{SIGNED_IN}")
    at_issuer = AtIssuer(flow, sessions, callers) if flow else None
    page = Approvals(guarded_app, server, sessions, callers if signs_in else None, at_issuer)
    return Probes(OwnNames(with_downloads(page, server, callers.tokens), names), server)


def page_of(settings: Settings, host: str, port: int | None) -> str:
    """The address of the approvals page, as far as it is known: beyond loopback a proxy's, by the audience of tokens."""
    if settings.sign_in is not None:
        return urljoin(settings.sign_in.audience, PATH)
    return f"http://{in_url(host)}:{port}{PATH}" if port and is_loopback(host) else PATH


def _names(settings: Settings, host: str) -> TransportSecuritySettings | None:
    return security(host, settings.server.http_origins, settings.sign_in.audience if settings.sign_in else "")


def _inner(
    server: LeadServer, transport: str, host: str, names: TransportSecuritySettings | None, *, stateless: bool
) -> ASGIApp:
    if transport == "sse":
        return server.sse_app(host=host, transport_security=names)
    return server.streamable_http_app(
        stateless_http=stateless,
        host=host,
        transport_security=names,
        max_sessions=MOST_SESSIONS + OPENING,
        session_idle_timeout=None if stateless else SESSION_SECONDS,
    )
