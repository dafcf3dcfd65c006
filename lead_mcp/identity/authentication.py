"""What stands before the HTTP app: who is it, and may they make this very call? Refused before the call is handled.

What a call needs is read from the ``Mcp-Method`` and ``Mcp-Name`` headers where the protocol has them (the SDK holds those
against the body), else from the body, up to the size that the SDK takes. The tools check again for themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    decode_header_value,
)
from mcp.types import HEADER_MISMATCH
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS

from lead_mcp.identity.callers import Callers
from lead_mcp.identity.checked_token import CheckedToken
from lead_mcp.identity.metadata import WELL_KNOWN, Metadata
from lead_mcp.identity.principal import Principal
from lead_mcp.identity.refusals import AccessDenied, BadToken
from lead_mcp.identity.scopes import EVERY, NOTHING, Needs, Scope, in_order, prompt_needs, resource_needs, tool_needs

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as Asgi

BODY: Final = 4 * 1024 * 1024
"""Bytes of a body that are read here; the SDK refuses a larger one."""
FIRST: Final[Needs] = frozenset({Scope.LEADS_READ})
"""What a client signs in for that asks for nothing in particular."""
NEEDS: Final = {"tools/call": tool_needs, "resources/read": resource_needs, "prompts/get": prompt_needs}


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """What a request asks for: a method, and the tool, resource or prompt it names."""

    method: str = ""
    name: str = ""

    @property
    def needs(self) -> Needs:
        """What it needs. A name that nobody knows needs nothing: its answer says what there is."""
        needs = NEEDS[self.method](self.name) if self.method in NEEDS else NOTHING
        return NOTHING if needs == EVERY else needs


class Authentication:
    """Lets in whom ``callers`` know, for what they may; everybody else learns what is missing."""

    def __init__(self, app: ASGIApp, callers: Callers, metadata: Metadata | None) -> None:
        from mcp.server.auth.middleware.auth_context import AuthContextMiddleware

        self.app: ASGIApp = AuthContextMiddleware(app)
        self.callers, self.metadata = callers, metadata

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"].startswith(WELL_KNOWN):
            return await self._well_known(scope, receive, send)
        headers = {key: value.decode("latin-1") for key, value in reversed(scope["headers"])}
        asked = _by_headers(headers)
        try:
            principal = await self.callers.principal(_token(headers))
        except AccessDenied as refusal:
            refused = self._refused(refusal, (asked or RequestTarget()).needs | FIRST)
            return await refused(scope, receive, send)
        if asked is None:
            body, receive = await _whole(receive) if scope["method"] == "POST" else (b"", receive)
            asked = _by_body(body)
            if body and _differs(headers, asked):
                mismatch = _mismatch()
                return await mismatch(scope, receive, send)
        if not principal.may(asked.needs):
            return await self._step_up(principal, asked)(scope, receive, send)
        await self.app({**scope, **_user(principal)}, receive, send)

    async def _well_known(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """Where clients look for OAuth: 404 tells them that there is none; 401 would send them round in circles."""
        found = self.metadata.response(scope["path"]) if self.metadata else None
        answer: Response = found or _json(404, {"error": "not_found"})
        await answer(scope, receive, send)

    def _refused(self, refusal: AccessDenied, needs: Needs) -> Response:
        body = {"error": refusal.error, "error_description": str(refusal)}
        if refusal.status == 503:
            return _json(503, body, {"Retry-After": "10"})
        return _json(refusal.status, body, {"WWW-Authenticate": self._challenge(refusal.error, str(refusal), needs)})

    def _step_up(self, principal: Principal, asked: RequestTarget) -> Response:
        """What the client must sign in for anew: the scopes it has, and those it lacks, or it would lose the first."""
        missing = in_order(asked.needs - principal.scopes)
        why = f"{asked.name[:60]!r} needs {missing}."
        body = {"error": "insufficient_scope", "error_description": why, "scope": missing}
        challenge = self._challenge("insufficient_scope", why, asked.needs | principal.scopes)
        return _json(403, body, {"WWW-Authenticate": challenge})

    def _challenge(self, error: str, why: str, needs: Needs) -> str:
        parts = {"error": error, "error_description": why, "scope": in_order(needs)}
        if self.metadata is not None:
            parts["resource_metadata"] = self.metadata.url
        return "Bearer " + ", ".join(f'{key}="{_quotable(text)}"' for key, text in parts.items())


def _quotable(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "'" for c in text)


def _token(headers: Mapping[bytes, str]) -> str:
    """The bearer token. Raises BadToken where there is none; one in the query is none: addresses are logged."""
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadToken("A bearer token is needed.")
    return token.strip()


def _by_headers(headers: Mapping[bytes, str]) -> RequestTarget | None:
    """What the headers ask for; None where the body has to be looked into: an older protocol, in which they bind nobody."""
    version, method = headers.get(MCP_PROTOCOL_VERSION_HEADER.encode()), headers.get(MCP_METHOD_HEADER.encode())
    if version is None or version in HANDSHAKE_PROTOCOL_VERSIONS:
        return None
    return RequestTarget(method or "", decode_header_value(headers.get(MCP_NAME_HEADER.encode())) or "")


async def _whole(receive: Receive) -> tuple[bytes, Receive]:
    """The body, or as much of it as is read here, and a ``receive`` that gives it once more."""
    messages: list[Message] = []
    size = 0
    while size <= BODY:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            break
    again = iter(messages)

    async def receiving() -> Message:
        return next(again, None) or await receive()

    return b"".join(one.get("body", b"") for one in messages) if size <= BODY else b"", receiving


def _by_body(body: bytes) -> RequestTarget:
    """What a body asks for; nothing where it is no call, which the SDK will say."""
    try:
        found = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return RequestTarget()
    if not isinstance(found, dict) or not isinstance(found.get("method"), str):
        return RequestTarget()
    params, key = found.get("params"), NAME_BEARING_METHODS.get(found["method"], "")
    name = params.get(key) if isinstance(params, dict) else None
    return RequestTarget(found["method"], name if isinstance(name, str) else "")


def _differs(headers: Mapping[bytes, str], asked: RequestTarget) -> bool:
    """Whether the headers name another call than the body, which something on the way may have trusted."""
    method, name = headers.get(MCP_METHOD_HEADER.encode()), headers.get(MCP_NAME_HEADER.encode())
    return method not in (None, asked.method) or (name is not None and decode_header_value(name) != asked.name)


def _mismatch() -> Response:
    error = {"code": HEADER_MISMATCH, "message": "The Mcp-Method or Mcp-Name header does not match the request body."}
    return _json(400, {"jsonrpc": "2.0", "id": None, "error": error})


def _json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(body, status, {"Cache-Control": "no-store", **(headers or {})})


@lru_cache(maxsize=256)
def _user(principal: Principal) -> dict[str, Any]:
    """The caller as the SDK knows one: it binds sessions and questions to them."""
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from starlette.authentication import AuthCredentials

    name, scopes = principal.name, in_order(principal.scopes).split()
    token = CheckedToken(token="", client_id=name, subject=name, scopes=scopes, principal=principal)
    return {"user": AuthenticatedUser(token), "auth": AuthCredentials(scopes)}
