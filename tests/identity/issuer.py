"""An OAuth issuer for tests: keys that rotate, tokens of any shape, introspection; up or down as the test wants it."""

from __future__ import annotations

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

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
            return JSONResponse({"issuer": self.origin, "jwks_uri": f"{self.origin}/keys"})
        if path == "/keys":
            return JSONResponse({"keys": self.published or [self.key.public()]})
        if path != "/introspect":
            return Response(status_code=404)
        _, _, given = request.headers.get("Authorization", "").partition(" ")
        if b64decode(given).decode() != f"{CLIENT}:{SECRET}":
            return Response(status_code=401)
        token = parse_qs((await request.body()).decode())["token"][0]
        return JSONResponse(self.worth.get(token, {"active": False}))


def segment(value: Any) -> str:
    """One part of a token, from JSON or from text as it stands."""
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")
