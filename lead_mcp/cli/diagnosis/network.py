"""Why a host is not reached: names, connections, proxies, certificates, tried one after the other as a request would."""

from __future__ import annotations

import socket
import ssl
from typing import Final
from urllib.parse import SplitResult
from urllib.request import getproxies, proxy_bypass

from lead_mcp.cli.diagnosis.finding import Finding, error, note
from lead_mcp.hosts import is_loopback
from lead_mcp.settings import split_url

PATIENCE: Final = 5.0
"""Seconds that one step may take."""
PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


def reach(about: str, url: str) -> Finding:
    """What stands in the way to a URL's host, or that nothing does. Blocking."""
    parts = split_url(url)
    if parts is None or not parts.hostname:
        return error(about, "its base URL has no host", "correct the base URL")
    proxy = _proxy(parts)
    if proxy is not None:
        return _through(about, proxy, parts.hostname)
    return _direct(about, parts.hostname, _port(parts), secure=parts.scheme == "https")


def _port(parts: SplitResult) -> int:
    return parts.port or PORTS.get(parts.scheme, 443)


def _proxy(parts: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for it."""
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    named = getproxies()
    text = named.get(parts.scheme) or named.get("all")
    return split_url(text if "://" in text else f"http://{text}") if text else None


def _through(about: str, proxy: SplitResult, host: str) -> Finding:
    """Whether the proxy answers; its user and password stay out of the words."""
    name = f"the proxy {proxy.hostname}:{_port(proxy)}"
    try:
        _connected(proxy.hostname or "", _port(proxy)).close()
    except OSError as failure:
        return error(
            about, f"{name} is not reached ({_why(failure)})", "correct HTTPS_PROXY, or list the host in NO_PROXY"
        )
    return error(about, f"{name} answers, but the request through it fails", f"ask whether it lets {host} through")


def _direct(about: str, host: str, port: int, *, secure: bool) -> Finding:
    try:
        connection = _connected(host, port)
    except socket.gaierror:
        return error(about, f"DNS has no address for {host}", "check the base URL for a slip, and the network")
    except OSError as failure:
        return error(
            about, f"nothing answers at {host}:{port} ({_why(failure)})", "check the base URL and the firewall"
        )
    with connection:
        wrong = _tls(about, connection, host) if secure else None
    return wrong or note(about, f"{host} is reached, so the fault is the vendor's own", "try again later")


def _connected(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=PATIENCE)


def _tls(about: str, connection: socket.socket, host: str) -> Finding | None:
    try:
        with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
            return None
    except ssl.SSLCertVerificationError as failure:
        what = f"the certificate of {host} is not trusted ({failure.verify_message})"
        return error(about, what, "behind a company's proxy set SSL_CERT_FILE to its certificates; check the clock")
    except OSError as failure:
        return error(
            about, f"{host} does not speak TLS as it should ({_why(failure)})", "check the base URL and its port"
        )


def _why(failure: OSError) -> str:
    if isinstance(failure, TimeoutError):
        return f"no answer in {PATIENCE:g} s"
    return getattr(failure, "reason", None) or failure.strerror or type(failure).__name__
