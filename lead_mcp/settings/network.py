"""What the environment says of the way out: proxies and certificates, checked before the first request needs them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lead_mcp.errors import SettingsError

PROXIES: Final = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")
SCHEMES: Final = ("http", "https", "socks5", "socks5h")
CERTIFICATE: Final = b"-----BEGIN "


def check_network(environment: Mapping[str, str]) -> None:
    """Raises SettingsError for a proxy (not shown: it may hold a password) or certificates that no request could use."""
    for name in PROXIES:
        for variable in (name, name.lower()):
            if variable in environment:
                _check_proxy(variable, environment[variable])
    if "SSL_CERT_FILE" in environment:
        _check_certificates(Path(environment["SSL_CERT_FILE"]))
    if "SSL_CERT_DIR" in environment and not Path(environment["SSL_CERT_DIR"]).is_dir():
        raise SettingsError(f"SSL_CERT_DIR: {environment['SSL_CERT_DIR']} is no folder. Correct it or unset it.")


def _check_proxy(variable: str, text: str) -> None:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable:
        raise SettingsError(
            f"{variable} is no proxy that can be used: it takes {', '.join(SCHEMES)}. Correct it or unset it."
        )
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        message = (
            f"{variable} names a SOCKS proxy, which needs a package more: install lead-mcp[socks], or unset {variable}."
        )
        raise SettingsError(message)


def _check_certificates(path: Path) -> None:
    try:
        holds = CERTIFICATE in path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"SSL_CERT_FILE: {path} cannot be read ({error.strerror}). Correct it or unset it."
        ) from None
    if not holds:
        raise SettingsError(f"SSL_CERT_FILE: {path} holds no certificate in PEM form. Correct it or unset it.")
