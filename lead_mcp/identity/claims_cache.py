"""What was found out about a token, kept for some seconds: it is asked for with every request."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from lead_mcp.recent import Recent

SECONDS: Final = 20.0
"""For which an answer counts: so long may a token still come in that was revoked, or whose key was withdrawn."""
MOST: Final = 2_000
"""Answers that are kept."""


@dataclass
class ClaimsCache:
    """Claims by digest of their token. ``clock`` is monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    known: Recent[bytes, tuple[float, Mapping[str, Any]]] = field(default_factory=lambda: Recent(MOST), repr=False)

    def get(self, token: str) -> Mapping[str, Any] | None:
        until, claims = self.known.get(sha256(token.encode()).digest(), (0.0, {}))
        return claims if self.clock() < until else None

    def put(self, token: str, claims: Mapping[str, Any], seconds: float = SECONDS) -> None:
        """Keep them, for no longer than ``seconds``."""
        self.known.keep(sha256(token.encode()).digest(), (self.clock() + min(seconds, SECONDS), claims))
