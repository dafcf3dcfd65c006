"""Whose a bearer token is: the one shared token, a static token of ours, or an issuer's."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from lead_mcp.errors import NotAllowed
from lead_mcp.identity.claims_cache import MOST
from lead_mcp.identity.grants import Grants
from lead_mcp.identity.principal import LOCAL, Principal
from lead_mcp.identity.refusals import BadToken, NoGrant, SignInDown
from lead_mcp.identity.tokens import PREFIX, Tokens
from lead_mcp.recent import Recent


class Issuer(Protocol):
    """Whoever understands an issuer's tokens."""

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What the token says. Raises BadToken, SignInDown."""


@dataclass
class Callers:
    """Everybody who may call. ``shared``: the one token of ``LEAD_MCP_HTTP_TOKEN``; ``accounts``: those there are."""

    tokens: Tokens
    accounts: frozenset[str]
    grants: Grants = field(default_factory=Grants)
    shared: str | None = field(default=None, repr=False)
    issuer: Issuer | None = None
    _known: Recent[int, tuple[Mapping[str, Any], Principal]] = field(default_factory=lambda: Recent(MOST), repr=False)
    """What an issuer's claims were worth, by the claims themselves: they are the same ones as long as a token is kept."""

    async def principal(self, token: str) -> Principal:
        """Whose token that is. Raises AccessDenied."""
        if self.shared is not None and hmac.compare_digest(token.encode(), self.shared.encode()):
            return LOCAL
        if token.startswith(PREFIX):
            return self._with_accounts(self._of_static(token))
        if self.issuer is None:
            raise BadToken("The token is not known here.")
        return self._of_claims(await self.issuer.claims(token))

    def _of_claims(self, claims: Mapping[str, Any]) -> Principal:
        return self._known.used(id(claims), lambda: (claims, self._with_accounts(self.grants.principal(claims))))[1]

    def _of_static(self, token: str) -> Principal:
        try:
            found = self.tokens.principal(token)
        except NotAllowed as error:
            raise SignInDown(error.message) from None
        if found is None:
            raise BadToken("The token is not known here, has expired or was revoked.")
        return found

    def _with_accounts(self, found: Principal) -> Principal:
        """The principal with the accounts that are still there. Raises NoGrant where nothing is left to them."""
        if found.accounts is not None:
            found = replace(found, accounts=found.accounts & self.accounts)
        if not found.scopes or found.accounts == frozenset():
            raise NoGrant(
                "You are known, but nothing here was granted to you. Ask whoever runs this server for a grant."
            )
        return found
