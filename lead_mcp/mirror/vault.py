"""What of a record is personal, as ``records.sqlite`` holds it: sealed with the mirror's key, or as it is where there is none.

AES-SIV (RFC 5297) gives equal bytes for equal texts: so SQLite compares and joins what it cannot read, and there is no nonce
that could be used twice. Whoever has the file without the key sees which values are the same and about how long they are.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lead_mcp.errors import Unavailable
from lead_mcp.mirror.records import Kept
from lead_mcp.mirror.sealing import Sealing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

ANEW: Final = "`lead-mcp mirror drop` removes the mirror, `lead-mcp mirror sync` reads it anew"
RAW: Final = [b"raw"]
WORD: Final = [b"word"]
"""What a sealed value is: one of the other kind does not open."""


@dataclass(frozen=True)
class Vault:
    """Seals and opens values of the records. Any thread may."""

    sealing: Sealing = field(default_factory=Sealing)

    @property
    def mark(self) -> str:
        """Of the key, or "" without one."""
        return self.sealing.mark

    @cached_property
    def _cipher(self) -> AESSIV | None:
        if not self.sealing.key:
            return None
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # loads with the first key

        return AESSIV(self._derived("records"))

    def _derived(self, use: str) -> bytes:
        """A key of 64 bytes for one use: DuckDB has the key itself."""
        return hmac.digest(self.sealing.key.encode(), use.encode(), "sha512")

    def salted(self, salt: str) -> bytes:
        """What marks of the forgotten are made with: with a key, no telephone number can be found by trying them all."""
        return salt.encode() + (self._derived("forgotten") if self.sealing.key else b"")

    def raw(self, text: str) -> str | bytes:
        """A vendor's record as it is stored."""
        return text if self._cipher is None else self._cipher.encrypt(text.encode(), RAW)

    def opened_raw(self, stored: str | bytes) -> str:
        """The vendor's record again. Raises Unavailable where it is damaged."""
        return stored if isinstance(stored, str) else self._opened(stored, RAW)

    def word(self, text: str) -> str:
        """A name, or what a record is found by (an e-mail, a number), as it is stored and looked for."""
        return text if self._cipher is None else b64encode(self._cipher.encrypt(text.encode(), WORD)).decode()

    def opened_word(self, stored: str) -> str:
        """It again. Raises Unavailable where it is damaged."""
        return stored if self._cipher is None else self._opened(stored, WORD)

    def _opened(self, sealed: str | bytes, kind: list[bytes]) -> str:
        from cryptography.exceptions import InvalidTag

        if self._cipher is None:
            raise AssertionError("a store that is sealed is refused without its key")
        try:
            return self._cipher.decrypt(b64decode(sealed) if isinstance(sealed, str) else sealed, kind).decode()
        except (InvalidTag, ValueError):
            raise Unavailable(f"A record of the mirror is damaged: it does not open. {ANEW}.") from None

    def sealed(self, records: Sequence[Kept]) -> Sequence[Kept]:
        """Records as they are stored."""
        return records if self._cipher is None else [self._sealed(one) for one in records]

    def _sealed(self, one: Kept) -> Kept:
        words = {key: self.word(key) for key in {*one.keys, *one.joins}}
        return one._replace(
            raw=self.raw(one.raw) if isinstance(one.raw, str) else one.raw,
            name=None if one.name is None else self.word(one.name),
            joins=tuple(words[key] for key in one.joins),
            keys=frozenset(words[key] for key in one.keys),
        )


def wrong_key(found: str, own: str) -> str:
    """What is wrong where the records are sealed by a key of another mark than ours ("": not at all), and what to do."""
    if not found:
        said = "was made without a key, and LEAD_MCP_MIRROR_KEY is set. To seal it:"
    elif not own:
        said = "is sealed with a key, and LEAD_MCP_MIRROR_KEY is off: set it as it was. Where the key is lost:"
    else:
        said = "is sealed with another key than LEAD_MCP_MIRROR_KEY gives now: bring that one back. Where it is lost:"
    return f"{said} {ANEW}; whom it forgot has to be forgotten again."
