"""An OAuth issuer for tests: rotating keys, tokens of any shape, introspection, people who sign in; up or down as wanted."""

from __future__ import annotations

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

import jwt
from anyio.from_thread import start_blocking_portal
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from lead_mcp.serving.listening import listening

AUDIENCE = "https://leads.example.com/mcp"
CLIENT, SECRET = "lead-mcp", "a secret of the resource server"


@dataclass
class SigningKey:
    """A private key with the id by which it is published."""

    kid: str
    private: Any
    algorithm: str

    def public(self) -> dict[str, Any]:
        kind = jwt.get_algorithm_by_name(self.algorithm)
        found: dict[str, Any] = json.loads(kind.to_jwk(self.private.public_key()))
        return {**found, "kid": self.kid, "use": "sig"}


def ec_key(kid: str) -> SigningKey:
    return SigningKey(kid, ec.generate_private_key(ec.SECP256R1()), "ES256")


def rsa_key(kid: str, size: int = 2048) -> SigningKey:
    return SigningKey(kid, rsa.generate_private_key(65537, size), "RS256")


@dataclass
class TestIssuer:
    """The issuer as an ASGI app. ``asked`` counts requests by path."""

    __test__ = False
    key: SigningKey = field(default_factory=lambda: ec_key("one"))
    origin: str = "https://id.example.com"
    down: bool = False
    published: list[dict[str, Any]] | None = None
    worth: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What introspection says of each token."""
    asked: dict[str, int] = field(default_factory=dict)
    signs_in: dict[str, Any] = field(default_factory=dict)
    """Claims of the access tokens of whoever signs in."""
    said: dict[str, Any] = field(default_factory=dict)
    """What its answer to a code says otherwise; None: nothing of that name."""
    identity: dict[str, Any] = field(default_factory=dict)
    """What its identity tokens claim otherwise."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was asked for, by the code that it was given for."""

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a token that counts, with changes; None takes one away."""
        now = int(time.time())
        usual = {
            "iss": self.origin,
            "sub": "anna",
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            "scope": "leads:read",
        }
        return {key: value for key, value in {**usual, **changed}.items() if value is not None}

    def token(self, key: SigningKey | None = None, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
        signing = key or self.key
        headers = {"kid": signing.kid, "typ": "at+jwt", **(header or {})}
        return jwt.encode(self.claims(**changed), signing.private, signing.algorithm, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked[scope["path"]] = self.asked.get(scope["path"], 0) + 1
        answer = Response("down", 503) if self.down else await self._answer(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if path == "/.well-known/openid-configuration":
            return JSONResponse(self._metadata())
        if path == "/keys":
            return JSONResponse({"keys": self.published or [self.key.public()]})
        if path == "/authorize":
            return self._authorize(dict(request.query_params))
        if path not in ("/introspect", "/token"):
            return Response(status_code=404)
        _, _, given = request.headers.get("Authorization", "").partition(" ")
        if unquote_plus(b64decode(given).decode()) != f"{CLIENT}:{SECRET}":
            return Response(status_code=401)
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        if path == "/token":
            return self._exchange(form)
        return JSONResponse(self.worth.get(form["token"], {"active": False}))

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.origin,
            "jwks_uri": f"{self.origin}/keys",
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "scopes_supported": ["openid", "leads:read", "leads:write", "pii:read"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _authorize(self, asked: dict[str, str]) -> Response:
        """Somebody signs in at once, without a question."""
        right = asked.get("response_type"), asked.get("client_id"), asked.get("code_challenge_method")
        if right != ("code", CLIENT, "S256"):
            return Response("no such client, or no PKCE", 400)
        code = token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.origin}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    def _exchange(self, form: dict[str, str]) -> Response:
        """Tokens for a code, once, and for whoever has what its challenge was made of."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if asked is None or (challenge, form["redirect_uri"]) != (asked["code_challenge"], asked["redirect_uri"]):
            return JSONResponse({"error": "invalid_grant"}, 400)
        scope = " ".join(set(asked["scope"].split()) - {"openid"})
        access = self.token(**{"scope": scope, "aud": form["resource"], **self.signs_in})
        who = {"aud": CLIENT, "nonce": asked["nonce"], "scope": None, "sub": self.signs_in.get("sub", "anna")}
        identity = self.token(header={"typ": "JWT"}, **{**who, **self.identity})
        told = {"access_token": access, "token_type": "Bearer", "id_token": identity, **self.said}
        return JSONResponse({key: value for key, value in told.items() if value is not None})


def segment(value: Any) -> str:
    """One part of a token, from JSON or from text as it stands."""
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@contextmanager
def issuing(key: SigningKey) -> Iterator[TestIssuer]:
    """An issuer that listens on loopback for as long as the block runs."""
    found = TestIssuer(key)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(listening(found)) as found.origin:
        yield found
