"""The HTTP clients of a server: to its vendors, and to whoever issues tokens."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx2

from lead_mcp.errors import NotConfigured
from lead_mcp.hosts import in_url, is_loopback
from lead_mcp.settings import Settings, host_of, is_local, urls_of

TIMEOUT: Final = httpx2.Timeout(30.0, connect=10.0, pool=None)
ISSUER_TIMEOUT: Final = httpx2.Timeout(5.0)
POOL: Final = httpx2.Limits(max_connections=100, max_keepalive_connections=40)
HEADERS: Final = {"User-Agent": "lead-mcp", "Accept": "application/json"}


def vendor_client(settings: Settings, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    """The way to the accounts' vendors. ``transport`` swaps the network. Raises NotConfigured."""
    try:
        return _vendor_client(settings, transport)
    except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
        kind = type(error).__name__  # its words may hold a proxy's password
        message = f"No request can leave: the proxy or the certificates in the environment cannot be used ({kind})."
        raise NotConfigured(f"{message} Look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.") from None


def _vendor_client(settings: Settings, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    """Requests to this machine pass no proxy, whatever the environment says."""
    accounts = settings.accounts.values()
    own = {host_of(url) for one in accounts for url in urls_of(one).values() if is_loopback(host_of(url))}
    return httpx2.AsyncClient(
        timeout=TIMEOUT,
        limits=POOL,
        follow_redirects=False,
        trust_env=transport is None and not all(map(is_local, accounts)),
        transport=transport,
        mounts={f"all://{in_url(host)}": None for host in own},
        headers=HEADERS,
        cookies=no_cookies(),
    )


def issuer_client(settings: Settings) -> httpx2.AsyncClient:
    """The way to whoever issues tokens; one on this machine is asked past every proxy."""
    issuers = settings.sign_in.issuers if settings.sign_in else ()
    local = all(is_loopback(host_of(one)) for one in issuers)
    return httpx2.AsyncClient(
        timeout=ISSUER_TIMEOUT, follow_redirects=False, trust_env=not local, headers=HEADERS, cookies=no_cookies()
    )


def no_cookies() -> CookieJar:
    """A jar that takes none: what a host sets for one person or account would go with another's requests."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))
