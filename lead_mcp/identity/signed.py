"""Signed tokens (JWT, RFC 9068): whose signature, for us, and at this time.

What a token says of itself chooses nothing but the key: algorithms are fixed by the settings and keys come from the issuer
alone. A claim that is there twice is refused: two readers might each take another one.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lead_mcp.identity.claims_cache import ClaimsCache
from lead_mcp.identity.keys import Jwk, Keys
from lead_mcp.identity.refusals import BadToken

SKEW: Final = 30
"""Seconds by which the issuer's clock and ours may differ."""
LONGEST: Final = 16 * 1024
"""Characters of a token."""
TYPES: Final = ("jwt", "at+jwt", "application/at+jwt")
NEEDED: Final = ("iss", "sub", "aud", "exp")
FAMILIES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The kind of key by an algorithm's first letters."""
SHORTEST_RSA: Final = 2048


@dataclass
class SignedTokens:
    """Tokens of some issuers for one audience."""

    keys: Mapping[str, Keys]
    audience: str
    algorithms: Sequence[str]
    now: Callable[[], float] = time.time
    cache: ClaimsCache = field(default_factory=ClaimsCache, repr=False)

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What a token says, once everything about it is right. Raises BadToken, SignInDown."""
        claims = self.cache.get(token) if len(token) <= LONGEST else None
        if claims is None:
            claims = await self._checked(token)
            self.cache.put(token, claims, int(claims["exp"]) + SKEW - self.now())
        return claims

    async def _checked(self, token: str) -> Mapping[str, Any]:
        header, claims = _parts(token)
        algorithm, kid = str(header.get("alg")), header.get("kid")
        if algorithm not in self.algorithms or str(header.get("typ", "jwt")).casefold() not in TYPES:
            raise BadToken("The token is not signed in a way that counts here.")
        keys = self.keys.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None
        if keys is None:
            raise BadToken("The token is from an issuer that does not count here.")
        key = await keys.key(kid if isinstance(kid, str) else None)
        if key is None or not _fits(key, algorithm):
            raise BadToken("The token is signed with a key that its issuer does not publish.")
        return self._verified(token, key, algorithm)

    def _verified(self, token: str, key: Jwk, algorithm: str) -> Mapping[str, Any]:
        """The claims, their signature, times and audience checked."""
        import jwt

        try:
            public = jwt.PyJWK(dict(key), algorithm=algorithm)
            if public.key_type == "RSA" and public.key.key_size < SHORTEST_RSA:
                raise BadToken("The token is signed with a key that is too short.")
            claims: dict[str, Any] = jwt.decode(
                token,
                public,
                algorithms=[algorithm],
                leeway=SKEW,
                options={"require": [*NEEDED], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise BadToken("The token has expired.") from None
        except jwt.ImmatureSignatureError:
            raise BadToken("The token does not count yet.") from None
        except jwt.MissingRequiredClaimError as error:
            raise BadToken(f"The token lacks the claim {error.claim}.") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise BadToken("The token's signature or form is wrong.") from None
        check_audience(claims.get("aud"), self.audience)
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise BadToken("The token names no subject.")
        return claims


def check_audience(audience: Any, ours: str) -> None:
    """Raises BadToken unless we are among those a token is for; a slash at the end does not matter."""
    listed = audience if isinstance(audience, list) else [audience]
    if ours.rstrip("/") not in {one.rstrip("/") for one in listed if isinstance(one, str)}:
        raise BadToken("The token is for somebody else: its audience is not this server.")


def _fits(key: Jwk, algorithm: str) -> bool:
    """Whether the key is of the kind that the algorithm takes, and for it alone where it says so."""
    return key.get("kty") == FAMILIES[algorithm[:2]] and key.get("alg", algorithm) == algorithm


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unchecked. Raises BadToken where these are none, or hold a name twice."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST:
        raise BadToken("The token is not known here.")
    try:
        header, claims = (json.loads(_decoded(part), object_pairs_hook=_once) for part in parts[:2])
    except (ValueError, RecursionError):
        raise BadToken("The token's form is wrong.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise BadToken("The token's form is wrong.")
    return header, claims


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
