"""Who may call a server with these settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lead_mcp.identity.callers import Callers, Issuer
from lead_mcp.identity.metadata import Metadata
from lead_mcp.identity.tokens import Tokens
from lead_mcp.settings import Settings, SignIn

if TYPE_CHECKING:
    import httpx2

    from lead_mcp.identity.code_flow import CodeFlow


def asks_who(settings: Settings) -> bool:
    """Whether callers are known by name: they sign in at an issuer, or a token was made for somebody. Raises NotAllowed."""
    return settings.sign_in is not None or Tokens(settings.server.state_dir).any()


def callers_of(settings: Settings, client: httpx2.AsyncClient) -> Callers:
    """Everybody who may call. ``client``: the way to the issuer."""
    server, sign_in = settings.server, settings.sign_in
    return Callers(
        Tokens(server.state_dir),
        frozenset(settings.accounts),
        settings.grants,
        shared=server.http_token.get_secret_value() if server.http_token else None,
        issuer=_issuer(sign_in, client) if sign_in else None,
    )


def _issuer(sign_in: SignIn, client: httpx2.AsyncClient) -> Issuer:
    if sign_in.introspection is not None:
        from lead_mcp.identity.introspection import IntrospectedTokens

        return IntrospectedTokens(client, sign_in.issuers[0], sign_in.audience, sign_in.introspection)
    from lead_mcp.identity.keys import Keys
    from lead_mcp.identity.signed import SignedTokens

    keys = {issuer: Keys(client, issuer, sign_in.jwks_url) for issuer in sign_in.issuers}
    return SignedTokens(keys, sign_in.audience, sign_in.algorithms)


def code_flow_of(settings: Settings, client: httpx2.AsyncClient, redirect_uri: str) -> CodeFlow | None:
    """How people sign in at the issuer from a browser, where the page has a name there."""
    if settings.sign_in is None or settings.sign_in.client_id is None:
        return None
    from lead_mcp.identity.code_flow import CodeFlow

    return CodeFlow(client, settings.sign_in, redirect_uri)


def metadata_of(settings: Settings) -> Metadata | None:
    """Where clients are told to sign in, if anywhere."""
    return Metadata(settings.sign_in.audience, settings.sign_in.issuers) if settings.sign_in else None
