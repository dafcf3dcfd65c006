"""Pseudonyms: a keyed hash in the place of a personal value, the same for the same value however it is spelled."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Final

from lead_mcp.filters import folded
from lead_mcp.phones import e164
from lead_mcp.vendors.spec.fields import Personal

WHOLE: Final[tuple[Personal, ...]] = ("email", "phone", "ip", "address", "birth", "name", "other")
"""Kinds whose values are personal as a whole; ``text`` and ``form`` only hold such values."""
PSEUDONYM: Final = re.compile(rf"({'|'.join(WHOLE)})_[0-9a-f]{{10}}")


@dataclass(frozen=True)
class Pseudonyms:
    """Makes pseudonyms with one key. ``region`` reads telephone numbers."""

    key: bytes = attribute(repr=False)
    region: str = "US"

    def of(self, kind: str, value: str) -> str:
        """``email_752a418a5c``; a pseudonym is its own."""
        if PSEUDONYM.fullmatch(value):
            return value
        same = self._number(value) if kind == "phone" else folded(value.strip())
        return f"{kind}_{hmac.new(self.key, f'{kind}:{same}'.encode(), hashlib.sha256).hexdigest()[:10]}"

    def _number(self, text: str) -> str:
        return e164(text, self.region) or "".join(filter(str.isdigit, text))
