"""Where a page ended, sealed: opaque, bound to the same arguments, readable by any process with the same accounts.

A cursor holds record values (the sort's keys at its place), so it is encrypted, not only encoded. The key comes from the
accounts' own secrets: no state, the same in every replica, worthless elsewhere. To be short it has no nonce beside its tag:
the first bytes are a keyed digest of salt, content and arguments, by which it is checked and from which its encryption begins
(the synthetic vector of RFC 5297).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.errors import BadArgument

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from lead_mcp.engine.places import Places
    from lead_mcp.engine.records import Position

TAG: Final = 12
"""Bytes of the digest: 96 bits, as many as a nonce of AES-GCM has."""
GCM_TAG: Final = 16
SALT: Final = 2
"""Bytes of chance: one place sealed twice seldom looks the same, and where it does, nothing but that is told."""
VERSION: Final = b"lead-mcp cursor 3"
WRITTEN: Final = json.JSONEncoder(sort_keys=True, default=str).encode
"""A call's arguments as one text, which holds no byte of zero."""
CODES: Final = (
    "unavailable",
    "timeout",
    "rate_limited",
    "unauthorized",
    "rejected",
    "not_found",
    "garbled",
    "too_large",
    "not_offered",
    "not_allowed",
    "bad_argument",
    "unknown_field",
    "not_configured",
)
"""Why an account stays out of the next pages, by number."""


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

    @cached_property
    def _digest_key(self) -> bytes:
        return self.derived("cursor digest")

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # loads with the first cursor

        return AESGCM(self.derived("cursor cipher"))

    def close(self, state: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
        """``state`` as an opaque text that opens only beside the same ``arguments``."""
        from lead_mcp.engine.packing import packed  # loads with the first cursor

        plain = token_bytes(SALT) + packed(state)
        tag = self._tag(plain, arguments)
        return urlsafe_b64encode(tag + self._ciphered(plain, tag)).decode().rstrip("=")

    def open(self, cursor: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a cursor. Raises BadArgument where it is not one of ours, or goes with other arguments."""
        from lead_mcp.engine.packing import unpacked

        try:
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raise not_ours() from None
        tag = raw[:TAG]
        plain = self._ciphered(raw[TAG:], tag) if len(raw) > TAG else b""
        if not plain or not hmac.compare_digest(tag, self._tag(plain, arguments)):
            raise not_ours()
        state: dict[str, Any] = unpacked(plain[SALT:])
        return state

    def frozen(self, cursor: str, arguments: Mapping[str, Any]) -> datetime:
        """The moment the cursor's first page was asked: later pages read relative dates from there."""
        found: datetime = self.open(cursor, arguments)["f"]
        return found

    def _tag(self, plain: bytes, arguments: Mapping[str, Any]) -> bytes:
        return blake2b(WRITTEN(arguments).encode() + b"\0" + plain, key=self._digest_key, digest_size=TAG).digest()

    def _ciphered(self, data: bytes, tag: bytes) -> bytes:
        """``data`` encrypted, or decrypted: the counter mode in AES-GCM. Its own tag is left out: the digest is one."""
        return self._cipher.encrypt(tag, data, None)[:-GCM_TAG]


def not_ours() -> BadArgument:
    return BadArgument(
        "cursor: not one of this server's, or used with other arguments. Repeat the call that gave it with every argument "
        "unchanged, or start again without a cursor."
    )


@dataclass(frozen=True)
class PageEnd:
    """Where a page ended. ``after``: behind this place in the asked order. ``start`` and ``end`` bound a batch in the
    order of reading, where there are batches.

    ``in_batches``: the vendor's own order led no further; what lies behind ``floor`` in the asked order (everything, where
    that is None) comes in batches.
    """

    after: Position | None = None
    start: Position | None = None
    end: Position | None = None
    floor: Position | None = None
    in_batches: bool = False


@dataclass(frozen=True)
class PageState:
    """What a cursor holds. ``frozen``: the moment of the first page; ``accounts``: those still asked."""

    frozen: datetime
    accounts: tuple[str, ...]
    page_end: PageEnd = PageEnd()
    totals: Mapping[str, int | None] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    """Accounts that failed on an earlier page, with the error's code."""
    finished: tuple[str, ...] = ()
    """Accounts whose every match stands on an earlier page."""

    def packed(self, places: Places) -> dict[str, Any]:
        """As a cursor holds it, short: accounts by number; those still asked are neither failed nor finished."""
        end = self.page_end
        ends = {"p": end.after, "s": end.start, "e": end.end, "b": end.floor}
        found: dict[str, Any] = {"f": self.frozen}
        found |= {key: places.packed(place) for key, place in ends.items() if place}
        totals = {places.number(name): total for name, total in self.totals.items() if total is not None}
        gone = [places.number(name) for name in self.finished]
        return {
            **found,
            **{key: one for key, one in (("t", totals), ("d", gone), ("m", end.in_batches)) if one},
            **failures(self.failed, places),
        }

    @staticmethod
    def unpacked(found: Mapping[str, Any], places: Places) -> PageState:
        after, start, end, floor = (places.unpacked(found[key]) if key in found else None for key in "pseb")
        totals = {places.names[number]: total for number, total in found.get("t", {}).items()}
        failed = failures_of(found, places)
        finished = tuple(places.names[number] for number in found.get("d", ()))
        accounts = tuple(name for name in places.names if name not in {*failed, *finished})
        return PageState(
            found["f"], accounts, PageEnd(after, start, end, floor, "m" in found), totals, failed, finished
        )


def failures(failed: Mapping[str, str], places: Places) -> dict[str, Any]:
    """Accounts that stay out and why, as a cursor holds them."""
    found = {places.number(name): CODES.index(code) if code in CODES else 0 for name, code in failed.items()}
    return {"x": found} if found else {}


def failures_of(found: Mapping[str, Any], places: Places) -> dict[str, str]:
    return {places.names[number]: CODES[code] for number, code in found.get("x", {}).items()}
