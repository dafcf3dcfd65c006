"""An issuer's public keys (RFC 7517): fetched when needed, kept for a while, used on while the issuer is down.

One fetch at a time: who comes meanwhile waits for it. A key that is not known yet is looked for at once, for issuers rotate
theirs, but seldom: tokens with invented key ids must not turn us against the issuer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx2

from lead_mcp.identity.discovery import description
from lead_mcp.identity.fetching import fetch_json
from lead_mcp.identity.refusals import SignInDown

FRESH: Final = 600.0
"""Seconds for which keys count without another look."""
STALE: Final = 24 * 3600.0
"""Seconds for which they count on while the issuer cannot be asked."""
COOL_DOWN: Final = 10.0
"""Seconds between two looks for a key that is not known, and after a look that failed."""

Jwk = Mapping[str, Any]


@dataclass
class Keys:
    """The keys of one issuer. ``url``: where they are, if not where the issuer's own metadata says. Times are monotonic."""

    client: httpx2.AsyncClient = field(repr=False)
    issuer: str
    url: str | None = None
    clock: Callable[[], float] = time.monotonic
    _known: Sequence[Jwk] = ()
    _fetched: float | None = None
    _looked: float | None = None
    """When the last look began, whatever came of it."""
    _turn: anyio.Lock = field(default_factory=anyio.Lock, repr=False)

    async def key(self, kid: str | None) -> Jwk | None:
        """The key of that id; the only one there is, where the token names none; None where there is no such key.

        Raises SignInDown where no key is known and none can be fetched.
        """
        if self._age() > FRESH:
            await self._fetch(lambda: self._age() > FRESH)
        found = self._find(kid)
        if found is None and kid is not None:
            await self._fetch(lambda: self._find(kid) is None)
            found = self._find(kid)
        return found

    def _find(self, kid: str | None) -> Jwk | None:
        if kid is None:
            return self._known[0] if len(self._known) == 1 else None
        return next((one for one in self._known if one.get("kid") == kid), None)

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self.clock() - self._fetched

    async def _fetch(self, is_needed: Callable[[], bool]) -> None:
        """Fetch the keys, unless somebody just did. Raises SignInDown where that fails and the old ones count no more."""
        async with self._turn:
            if not is_needed():
                return
            resting = self._looked is not None and self.clock() - self._looked < COOL_DOWN
            if not resting:
                self._looked = self.clock()
                try:
                    self._known, self._fetched = await self._published(), self.clock()
                except SignInDown:
                    if self._age() > STALE:
                        raise
            elif self._age() > STALE:
                raise SignInDown("Whoever issues the tokens could not be asked a moment ago. Try again soon.")

    async def _published(self) -> Sequence[Jwk]:
        url = self.url
        if url is None:
            url = str((await description(self.client, self.issuer, "where its keys are", "jwks_uri"))["jwks_uri"])
        document = await fetch_json(self.client, "GET", url)
        listed = document.get("keys")
        if not isinstance(listed, list):
            raise SignInDown("Whoever issues the tokens publishes no keys.")
        return [one for one in listed if isinstance(one, dict) and one.get("use", "sig") == "sig"]
