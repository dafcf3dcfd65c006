"""A server's ways out: to its vendors, and to whoever issues tokens."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.request import getproxies

import httpx2

from lead_mcp.errors import NotConfigured
from lead_mcp.hosts import in_url, is_loopback
from lead_mcp.settings import Settings, host_of, is_local, urls_of
from lead_mcp.transport.network import CONNECT_SECONDS, CONNECTIONS, KEPT_CONNECTIONS, SILENT_SECONDS, Network
from lead_mcp.transport.pool import Pool
from lead_mcp.transport.through_client import ThroughClient

ISSUER_TIMEOUT: Final = httpx2.Timeout(5.0)
ISSUER_HEADERS: Final = {"User-Agent": "lead-mcp", "Accept": "application/json"}
PROXIED: Final = ("http", "https", "all")


def vendor_network(settings: Settings, transport: httpx2.AsyncBaseTransport | None) -> Network:
    """The way to the accounts' vendors. ``transport`` stands in for the network. Raises NotConfigured."""
    try:
        return _vendor_network(settings, transport)
    except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
        kind = type(error).__name__  # its words may hold a proxy's password
        message = f"No request can leave: the proxy or the certificates in the environment cannot be used ({kind})."
        raise NotConfigured(f"{message} Look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.") from None


def _vendor_network(settings: Settings, transport: httpx2.AsyncBaseTransport | None) -> Network:
    is_all_local = all(map(is_local, settings.accounts.values()))
    if transport is None and is_all_local:
        return Pool(None)
    if transport is None and not any(getproxies().get(one) for one in PROXIED):
        return Pool(httpx2.create_ssl_context())
    return ThroughClient(_vendor_client(settings, transport, has_environment=not is_all_local))


def _vendor_client(
    settings: Settings, transport: httpx2.AsyncBaseTransport | None, has_environment: bool
) -> httpx2.AsyncClient:
    """Requests to this machine pass no proxy, whatever the environment says."""
    accounts = settings.accounts.values()
    own = {host_of(url) for one in accounts for url in urls_of(one).values() if is_loopback(host_of(url))}
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS, pool=None),
        limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=KEPT_CONNECTIONS),
        follow_redirects=False,
        trust_env=transport is None and has_environment,
        transport=transport,
        mounts={f"all://{in_url(host)}": None for host in own},
        cookies=no_cookies(),
    )


def issuer_client(settings: Settings) -> httpx2.AsyncClient:
    """The way to whoever issues tokens; one on this machine is asked past every proxy."""
    issuers = settings.sign_in.issuers if settings.sign_in else ()
    local = all(is_loopback(host_of(one)) for one in issuers)
    return httpx2.AsyncClient(
        timeout=ISSUER_TIMEOUT,
        follow_redirects=False,
        trust_env=not local,
        headers=ISSUER_HEADERS,
        cookies=no_cookies(),
    )


def no_cookies() -> CookieJar:
    """A jar that takes none: what a host sets for one person or account would go with another's requests."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))
