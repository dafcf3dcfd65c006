"""What stands before the server's HTTP app, outermost first: our own names, CORS, the bearer token, origins, a bound on
sessions. Approvals and downloads stand between the first and the others, since they have credentials of their own.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lead_mcp.hosts import in_url, is_loopback

if TYPE_CHECKING:
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION: Final = b"mcp-session-id"
MOST_SESSIONS: Final = 500
"""Each costs some 40 kB, and a moment at the end."""
WELL_KNOWN: Final = "/.well-known/"
"""Where clients look for OAuth: there is none, and 404 tells them so; 401 would send them round in circles."""


def guarded(
    app: ASGIApp,
    *,
    host: str,
    token: str | None,
    origins: Sequence[str],
    authentication: Callable[[ASGIApp], ASGIApp] | None = None,
) -> ASGIApp:
    """The app behind all that stands before it. ``authentication``: asks who it is, where more than one token is known."""
    inner: ASGIApp = SessionLimit(app)
    if not is_loopback(host):  # there the SDK looks at origins
        inner = Origins(inner, frozenset(origins))
    if authentication is not None:
        inner = authentication(inner)
    elif token:
        inner = Bearer(inner, token)
    return _cross_origin(inner, origins) if origins else inner


def security(host: str, origins: Sequence[str], resource: str = "") -> TransportSecuritySettings | None:
    """On loopback only its own names are answered, whichever of its addresses it is: a page in a browser could else reach
    us through a name of its own. Beyond loopback the names are unknown here, and the token stands guard.

    ``resource``: the address by which clients know this server, through a proxy on this machine."""
    if not is_loopback(host):
        return None
    from mcp.server.transport_security import TransportSecuritySettings

    public = urlsplit(resource).netloc.casefold()
    own = dict.fromkeys(filter(None, ("127.0.0.1", "localhost", "[::1]", in_url(host.casefold()), public)))
    names = [form for name in own for form in (name, f"{name}:*")]
    allowed = [*(f"http://{name}" for name in names), *origins]
    return TransportSecuritySettings(allowed_hosts=names, allowed_origins=allowed)


def _cross_origin(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The app as pages of these origins may call it. A browser asks beforehand, without the token: so this is outermost."""
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Mcp-Session-Id", "WWW-Authenticate"],
        allow_private_network=True,
    )


class Bearer:
    """One static bearer token in front of an ASGI app; compared in constant time."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.wanted = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(WELL_KNOWN) and not self._allowed(scope):
            from starlette.responses import JSONResponse

            refusal = JSONResponse({"error": "A valid bearer token is needed."}, 401, {"WWW-Authenticate": "Bearer"})
            return await refusal(scope, receive, send)
        await self.app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        scheme, _, token = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self.wanted)


class OwnNames:
    """Requests by a name of this server's alone, where its names are known (``security``). Host and Origin in lower case
    from here on, as the SDK compares them.
    """

    def __init__(self, app: ASGIApp, names: TransportSecuritySettings | None) -> None:
        from mcp.server.transport_security import TransportSecurityMiddleware

        self.app, self.policy = app, TransportSecurityMiddleware(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        from starlette.requests import Request

        names = (b"host", b"origin")
        headers = [(key, value.lower() if key in names else value) for key, value in scope["headers"]]
        host = [one for one in headers if one[0] == b"host"]  # an Origin is for those to judge who answer to it
        refusal = await self.policy.validate_request(Request({**scope, "headers": host}))
        await (refusal or self.app)({**scope, "headers": headers}, receive, send)


class Origins:
    """Pages of these origins, and whoever is no page."""

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self.app, self.origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = dict(scope["headers"]).get(b"origin", b"").decode("latin-1") if scope["type"] == "http" else ""
        if origin and origin not in self.origins:
            from starlette.responses import PlainTextResponse

            return await PlainTextResponse("Invalid Origin header", 403)(scope, receive, send)
        await self.app(scope, receive, send)


@dataclass
class ClientSession:
    """One of a client's. ``opening``: the scope of the request that began it, whose user alone may end it."""

    opening: Scope = field(repr=False)
    in_flight: int = 0


class SessionLimit:
    """With one session too many the one longest out of use ends, as if its client had ended it.

    Many clients open one a call and never end any; the SDK would refuse everybody until the oldest have timed out.
    """

    def __init__(self, app: ASGIApp, most: int = MOST_SESSIONS) -> None:
        self.app, self.most = app, most
        self.known: dict[bytes, ClientSession] = {}
        """In the order of their last use."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        name = dict(scope["headers"]).get(SESSION)
        if name is None:
            await self.app(scope, receive, self._noting(scope, send))
            if len(self.known) > self.most:
                await self._end_the_oldest()
            return None
        session = self.known.pop(name, None)
        if session is None:
            return await self.app(scope, receive, send)
        session.in_flight += 1
        self.known[name] = session
        try:
            await self.app(scope, receive, self._forgetting(name, scope, send))
        finally:
            session.in_flight -= 1

    def _noting(self, scope: Scope, send: Send) -> Send:
        """``send`` that learns of a new session."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                name = dict(message.get("headers", ())).get(SESSION)
                if name is not None:
                    self.known[name] = ClientSession(scope)
            await send(message)

        return noting

    def _forgetting(self, name: bytes, scope: Scope, send: Send) -> Send:
        """``send`` that learns of a session's end."""

        async def forgetting(message: Message) -> None:
            if message["type"] == "http.response.start":
                ended = scope["method"] == "DELETE" and message["status"] < 400
                if ended or message["status"] == 404:
                    self.known.pop(name, None)
            await send(message)

        return forgetting

    async def _end_the_oldest(self) -> None:
        name = next((name for name, session in self.known.items() if not session.in_flight), None)
        if name is None:
            return
        opening = self.known.pop(name).opening
        kept = [(key, value) for key, value in opening["headers"] if key not in (b"content-length", b"content-type")]

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def nowhere(message: Message) -> None:
            """Nobody waits for an answer."""

        await self.app({**opening, "method": "DELETE", "headers": [*kept, (SESSION, name)]}, nothing, nowhere)
