"""Whose sign-in counts: an OAuth issuer, as ``LEAD_MCP_OAUTH_*`` describe it. Half of it is refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.identity.grants import Grants, grants_of
from lead_mcp.settings.checks import check_url
from lead_mcp.settings.server import Server, called

ALGORITHMS: Final = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split()
"""All of them with a public key: what the issuer publishes must not be enough to sign."""
NEEDED: Final = (
    ("oauth_audience", "oauth_issuer"),
    ("oauth_jwks_url", "oauth_issuer"),
    ("oauth_introspection_url", "oauth_issuer"),
    ("oauth_issuer", "oauth_audience"),
    ("oauth_introspection_url", "oauth_introspection_client_id"),
    ("oauth_introspection_client_id", "oauth_introspection_client_secret"),
    ("oauth_introspection_client_id", "oauth_introspection_url"),
    ("oauth_introspection_client_secret", "oauth_introspection_client_id"),
    ("oauth_client_id", "oauth_issuer"),
    ("oauth_client_secret", "oauth_client_id"),
)
"""What each setting is nothing without."""
MEANS: Final = {
    "oauth_issuer": "the issuer's address, exactly as its tokens name it",
    "oauth_audience": "this server's own address, such as https://leads.example.com/mcp",
    "oauth_introspection_url": "where the issuer says what a token is worth",
    "oauth_introspection_client_id": "the name that this server has at the issuer",
    "oauth_introspection_client_secret": "the secret that goes with its client id",
    "oauth_client_id": "the name under which the approvals page is registered at the issuer",
}


@dataclass(frozen=True, slots=True)
class Introspection:
    """Where the issuer is asked about each token, and as whom."""

    url: str
    client_id: str
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class SignIn:
    """Whose tokens count, for which resource, signed how; ``introspection``: the issuer is asked instead.

    ``client_id``: the approvals page's at the issuer, where people sign in on it.
    """

    issuers: Sequence[str]
    audience: str
    algorithms: Sequence[str]
    jwks_url: str | None = None
    introspection: Introspection | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None


def sign_in_of(server: Server) -> SignIn | None:
    """The sign-in that is configured, if one is. Raises SettingsError."""
    for key, needed in NEEDED:
        if getattr(server, key) and not getattr(server, needed):
            raise SettingsError(f"{called(key)} needs {called(needed)} beside it: {MEANS[needed]}.")
    if not server.oauth_issuer or not server.oauth_audience:
        return None
    _check_addresses(server)
    if len(server.oauth_issuer) > 1 and (server.oauth_introspection_url or server.oauth_jwks_url):
        raise SettingsError(
            f"{called('oauth_issuer')} names several; their keys are found by their own metadata alone."
        )
    if len(server.oauth_issuer) > 1 and server.oauth_client_id:
        raise SettingsError(
            f"{called('oauth_client_id')} is a name at one issuer; {called('oauth_issuer')} names several."
        )
    return SignIn(
        server.oauth_issuer,
        server.oauth_audience,
        _algorithms(server),
        server.oauth_jwks_url,
        _introspection(server),
        server.oauth_client_id,
        server.oauth_client_secret,
    )


def _check_addresses(server: Server) -> None:
    """Raises SettingsError for what is no address: https, or http on this machine."""
    for name in ("oauth_audience", "oauth_jwks_url", "oauth_introspection_url"):
        if getattr(server, name):
            check_url(called(name), getattr(server, name))
    for issuer in server.oauth_issuer:
        check_url(called("oauth_issuer"), issuer)


def _introspection(server: Server) -> Introspection | None:
    secret = server.oauth_introspection_client_secret
    if not server.oauth_introspection_url or not server.oauth_introspection_client_id or secret is None:
        return None
    return Introspection(server.oauth_introspection_url, server.oauth_introspection_client_id, secret)


def _algorithms(server: Server) -> Sequence[str]:
    words = [word.strip() for word in server.oauth_algorithms.split(",") if word.strip()]
    for word in words:
        if word not in ALGORITHMS:
            hint = did_you_mean(word, ALGORITHMS)
            raise SettingsError(
                f"{called('oauth_algorithms')}: {word[:20]!r} is none of {', '.join(ALGORITHMS)}.{hint}"
            )
    if not words:
        raise SettingsError(f"{called('oauth_algorithms')} names none of {', '.join(ALGORITHMS)}.")
    return words


def grants_for(file: Mapping[str, Any], accounts: Sequence[str], sign_in: SignIn | None) -> Grants:
    """The file's ``[grants]``. Raises SettingsError."""
    if "grants" in file and sign_in is None:
        raise SettingsError(f"[grants] needs {called('oauth_issuer')}: they are for whoever signs in there.")
    return grants_of(file.get("grants"), accounts, sign_in.issuers if sign_in else ())
