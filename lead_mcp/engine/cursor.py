"""Where a page ended, sealed: opaque, bound to the same arguments, readable by any process with the same accounts.

A cursor holds record values (the sort's keys at its place), so it is encrypted, not only encoded. The key comes from the
accounts' own secrets: no state, the same in every replica, worthless elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_bytes
from typing import Any, Final

from lead_mcp.engine.records import Position
from lead_mcp.errors import BadArgument

NONCE: Final = 12
VERSION: Final = b"lead-mcp cursor 1"


@dataclass(frozen=True)
class Seal:
    """Seals and opens cursors with one key of 32 bytes."""

    key: bytes

    @classmethod
    def of(cls, secrets: Mapping[str, str]) -> Seal:
        """The seal of a set of accounts, from everything secret about them."""
        ordered = json.dumps(sorted(secrets.items())).encode()
        return cls(hashlib.sha256(VERSION + ordered).digest())

    def derived(self, purpose: str) -> bytes:
        """Another key for another purpose, of 32 bytes."""
        return hashlib.sha256(self.key + purpose.encode()).digest()

    def close(self, state: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
        """``state`` as an opaque text that opens only beside the same ``arguments``."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = token_bytes(NONCE)
        packed = zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 9)
        sealed = AESGCM(self.key).encrypt(nonce, packed, digest(arguments))
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, cursor: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a cursor. Raises BadArgument where it is not one of ours, or goes with other arguments."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            packed = AESGCM(self.key).decrypt(raw[:NONCE], raw[NONCE:], digest(arguments))
            state: dict[str, Any] = json.loads(zlib.decompress(packed))
        except (ValueError, InvalidTag, zlib.error):
            message = (
                "cursor: not one of this server's, or used with other arguments. Repeat the call that gave it with every "
                "argument unchanged, or start again without a cursor."
            )
            raise BadArgument(message) from None
        return state

    def frozen(self, cursor: str, arguments: Mapping[str, Any]) -> datetime:
        """The moment the cursor's first page was asked: later pages read relative dates from there."""
        return datetime.fromisoformat(self.open(cursor, arguments)["f"])


def digest(arguments: Mapping[str, Any]) -> bytes:
    """A digest of a call's arguments."""
    return hashlib.sha256(json.dumps(arguments, sort_keys=True, default=str).encode()).digest()


@dataclass(frozen=True)
class PageEnd:
    """Where a page ended. ``after``: behind this place in the asked order. ``start`` and ``end`` bound a batch in the
    order of reading, where there are batches."""

    after: Position | None = None
    start: Position | None = None
    end: Position | None = None


@dataclass(frozen=True)
class PageState:
    """What a cursor holds. ``frozen``: the moment of the first page; ``accounts``: those still asked."""

    frozen: datetime
    accounts: tuple[str, ...]
    page_end: PageEnd = PageEnd()
    totals: Mapping[str, int | None] = field(default_factory=dict)
    failed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Accounts that failed on an earlier page: code and message."""
    finished: tuple[str, ...] = ()
    """Accounts whose every match stands on an earlier page."""

    def packed(self) -> dict[str, Any]:
        """As JSON can hold it, short."""
        places = {"p": self.page_end.after, "s": self.page_end.start, "e": self.page_end.end}
        kept = {key: place.packed() for key, place in places.items() if place}
        known = {name: total for name, total in self.totals.items() if total is not None}
        gone = {key: names for key, names in (("x", self.failed), ("d", self.finished)) if names}
        return {"f": self.frozen.isoformat(), "a": self.accounts, "t": known, **kept, **gone}

    @staticmethod
    def unpacked(packed: Mapping[str, Any]) -> PageState:
        places = [Position.unpacked(packed[key]) if key in packed else None for key in "pse"]
        frozen = datetime.fromisoformat(packed["f"])
        accounts, failed, finished = tuple(packed["a"]), packed.get("x", {}), tuple(packed.get("d", ()))
        return PageState(frozen, accounts, PageEnd(*places), packed["t"], failed, finished)
