"""Opaque tokens: the issuer is asked what each is worth (RFC 7662), and its answer kept for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from lead_mcp.identity.claims_cache import ClaimsCache
from lead_mcp.identity.fetching import fetch_json
from lead_mcp.identity.refusals import BadToken
from lead_mcp.identity.signed import LONGEST, SKEW, check_audience
from lead_mcp.settings.sign_in import Introspection


@dataclass
class IntrospectedTokens:
    """Tokens that their issuer is asked about. ``now``: the time of day in seconds."""

    client: httpx2.AsyncClient = field(repr=False)
    issuer: str
    audience: str
    at: Introspection
    now: Callable[[], float] = time.time
    cache: ClaimsCache = field(default_factory=ClaimsCache, repr=False)

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What the issuer says of a token. Raises BadToken, SignInDown."""
        if len(token) > LONGEST:
            raise BadToken("The token is not known here.")
        claims = self.cache.get(token)
        if claims is None:
            claims = await self._asked(token)
            self.cache.put(token, claims)
        return self._checked(claims)

    async def _asked(self, token: str) -> Mapping[str, Any]:
        claims = await fetch_json(
            self.client,
            "POST",
            self.at.url,
            data={"token": token, "token_type_hint": "access_token"},
            auth=httpx2.BasicAuth(self.at.client_id, self.at.secret.get_secret_value()),
        )
        return {"iss": self.issuer, **claims}

    def _checked(self, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        if claims.get("active") is not True:
            raise BadToken("The token is not known to its issuer, has expired or was revoked.")
        expires, begins, now = claims.get("exp"), claims.get("nbf"), self.now()
        if isinstance(expires, int | float) and expires + SKEW < now:
            raise BadToken("The token has expired.")
        if isinstance(begins, int | float) and begins - SKEW > now:
            raise BadToken("The token does not count yet.")
        if claims["iss"] != self.issuer:
            raise BadToken("The token is from an issuer that does not count here.")
        check_audience(claims.get("aud"), self.audience)
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise BadToken("The token names no subject.")
        return claims
