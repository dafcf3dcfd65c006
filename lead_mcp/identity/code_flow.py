"""A person's sign-in at the issuer from a browser: authorization code with PKCE (RFC 6749, 7636, 9207, OpenID Connect).

What comes back counts only in the browser that began (``state``), only with what this server alone knows (``verifier``), and,
where the issuer says who signed in, only for this sign-in (``nonce``) and with a token of the same person.
"""

from __future__ import annotations

import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import anyio
import httpx2

from lead_mcp.hosts import is_loopback
from lead_mcp.identity.discovery import description
from lead_mcp.identity.fetching import fetch_json
from lead_mcp.identity.keys import Keys
from lead_mcp.identity.refusals import BadToken, SignInDown
from lead_mcp.identity.scopes import Scope
from lead_mcp.identity.signed import SignedTokens
from lead_mcp.settings.sign_in import SignIn

OPENID: Final = "openid"
WANTED: Final = (Scope.LEADS_READ, Scope.LEADS_WRITE, Scope.LEADS_DELETE, Scope.PII_READ)
"""What a person needs to answer writes; the issuer and the grants say what they get."""
FRESH: Final = 600.0
"""Seconds for which the issuer's metadata counts."""
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint")
CODE: Final = re.compile(r"[a-z_]{1,40}")
BASIC: Final = "client_secret_basic"
POST: Final = "client_secret_post"


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in under way; ``to``: where the person wants to go."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    to: str

    @classmethod
    def now(cls, to: str) -> PendingSignIn:
        return cls(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48), to)

    @property
    def challenge(self) -> str:
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")


@dataclass
class CodeFlow:
    """Signs people in at one issuer. ``redirect_uri``: this server's address that it sends them back to."""

    client: httpx2.AsyncClient = field(repr=False)
    sign_in: SignIn
    redirect_uri: str
    clock: Callable[[], float] = time.monotonic
    _known: Mapping[str, Any] = field(default_factory=dict)
    _until: float = 0.0
    _turn: anyio.Lock = field(default_factory=anyio.Lock, repr=False)

    @property
    def issuer(self) -> str:
        return self.sign_in.issuers[0]

    @property
    def client_id(self) -> str:
        return self.sign_in.client_id or ""

    async def address(self, begun: PendingSignIn) -> str:
        """Where the browser goes to sign in. Raises SignInDown."""
        at = await self._metadata()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(_scopes(at)),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
            "resource": self.sign_in.audience,
        }
        place = str(at["authorization_endpoint"])
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(asked)}"

    async def token(self, begun: PendingSignIn, answer: Mapping[str, str]) -> tuple[str, str | None]:
        """The access token for what came back, and whose it is where the issuer says so. Raises BadToken, SignInDown."""
        at = await self._metadata()
        code = self._code(at, begun, answer)
        reply = await self._exchanged(at, begun, code)
        token = reply.get("access_token")
        if not isinstance(token, str) or not token:
            raise BadToken("The issuer gave no access token.")
        return token, await self._subject(at, begun, reply)

    def _code(self, at: Mapping[str, Any], begun: PendingSignIn, answer: Mapping[str, str]) -> str:
        """The code, once it is known to be the answer to this sign-in. Raises BadToken."""
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise BadToken("This is not the sign-in that this browser began. Begin again.")
        from_issuer = answer.get("iss")
        needed = at.get("authorization_response_iss_parameter_supported") is True
        if (needed or from_issuer is not None) and from_issuer != self.issuer:
            raise BadToken("The answer is from another issuer. Begin again.")
        if not answer.get("code"):
            why = answer.get("error", "")
            raise BadToken(f"The issuer did not sign you in{f' ({why})' if CODE.fullmatch(why) else ''}.")
        return answer["code"]

    async def _exchanged(self, at: Mapping[str, Any], begun: PendingSignIn, code: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": begun.verifier,
            "resource": self.sign_in.audience,
        }
        secret = self.sign_in.client_secret.get_secret_value() if self.sign_in.client_secret else ""
        methods = at.get("token_endpoint_auth_methods_supported")
        in_form = not secret or (isinstance(methods, list) and POST in methods and BASIC not in methods)
        if in_form:
            form |= {"client_id": self.client_id, **({"client_secret": secret} if secret else {})}
        auth = None if in_form else httpx2.BasicAuth(quote_plus(self.client_id), quote_plus(secret))
        return await fetch_json(self.client, "POST", str(at["token_endpoint"]), data=form, auth=auth)

    async def _subject(self, at: Mapping[str, Any], begun: PendingSignIn, reply: Mapping[str, Any]) -> str | None:
        """Whom the identity token names; None where none was asked for. Raises BadToken."""
        if OPENID not in _scopes(at):
            return None
        identity = reply.get("id_token")
        if not isinstance(identity, str):
            raise BadToken("The issuer did not say who signed in.")
        keys = Keys(self.client, self.issuer, self.sign_in.jwks_url)
        claims = await SignedTokens({self.issuer: keys}, self.client_id, self.sign_in.algorithms).claims(identity)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), begun.nonce.encode()):
            raise BadToken("The issuer's answer belongs to another sign-in. Begin again.")
        return str(claims["sub"])

    async def _metadata(self) -> Mapping[str, Any]:
        """What the issuer says of itself, asked once in a while. Raises SignInDown."""
        async with self._turn:
            if self.clock() >= self._until:
                found = await description(self.client, self.issuer, "where to sign in", *ENDPOINTS)
                if not all(map(_is_safe, (str(found[name]) for name in ENDPOINTS))):
                    raise SignInDown("Whoever issues the tokens names an address for signing in that is not https.")
                self._known, self._until = found, self.clock() + FRESH
            return self._known


def _scopes(at: Mapping[str, Any]) -> list[str]:
    """What is asked for, of what the issuer knows; it may refuse whoever asks for more."""
    supported = at.get("scopes_supported")
    if not isinstance(supported, list):
        return [*map(str, WANTED)]
    return [one for one in (OPENID, *map(str, WANTED)) if one in supported]


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
