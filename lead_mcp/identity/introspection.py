"""Opaque tokens: the issuer is asked what each is worth (RFC 7662), and its answer kept for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import httpx2

from lead_mcp.identity.fetching import fetch_json
from lead_mcp.identity.refusals import BadToken
from lead_mcp.identity.signed import LONGEST, SKEW, check_audience
from lead_mcp.settings.sign_in import Introspection

KEPT: Final = 20.0
"""Seconds for which an answer counts: so long may a revoked token still come in."""
MOST: Final = 2_000
"""Answers that are kept."""


@dataclass
class Introspected:
    """Tokens that their issuer is asked about. ``clock`` is monotonic, ``now`` the time of day, both in seconds."""

    client: httpx2.AsyncClient = field(repr=False)
    issuer: str
    audience: str
    at: Introspection
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    _known: dict[bytes, tuple[float, Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    """By digest of the token: until when, and what was answered."""

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What the issuer says of a token. Raises BadToken, SignInDown."""
        if len(token) > LONGEST:
            raise BadToken("The token is not known here.")
        name = sha256(token.encode()).digest()
        until, said = self._known.get(name, (0.0, {}))
        if self.clock() >= until:
            said = await self._asked(token)
            self._known[name] = self.clock() + KEPT, said
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return self._checked(said)

    async def _asked(self, token: str) -> Mapping[str, Any]:
        return await fetch_json(
            self.client,
            "POST",
            self.at.url,
            data={"token": token, "token_type_hint": "access_token"},
            auth=httpx2.BasicAuth(self.at.client_id, self.at.secret.get_secret_value()),
        )

    def _checked(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        if said.get("active") is not True:
            raise BadToken("The token is not known to its issuer, has expired or was revoked.")
        expires, begins, now = said.get("exp"), said.get("nbf"), self.now()
        if isinstance(expires, int | float) and expires + SKEW < now:
            raise BadToken("The token has expired.")
        if isinstance(begins, int | float) and begins - SKEW > now:
            raise BadToken("The token does not count yet.")
        if said.get("iss", self.issuer) != self.issuer:
            raise BadToken("The token is from an issuer that does not count here.")
        check_audience(said.get("aud"), self.audience)
        if not isinstance(said.get("sub"), str) or not said["sub"]:
            raise BadToken("The token names no subject.")
        return {**said, "iss": self.issuer}
