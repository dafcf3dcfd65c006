"""Signing in on the page at the issuer: away with a cookie that only this browser has, and back with a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lead_mcp.approvals import pages
from lead_mcp.approvals.pages import PATH
from lead_mcp.approvals.requests import host_of, page, redirect
from lead_mcp.approvals.sessions import BEGUN, SECONDS, Session, Sessions, cookie_name, set_cookie
from lead_mcp.approvals.visit import WRITE
from lead_mcp.identity.principal import name_of
from lead_mcp.identity.refusals import BadToken

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from lead_mcp.identity.callers import Callers
    from lead_mcp.identity.code_flow import CodeFlow

TIME: Final = 600
"""Seconds that a sign-in may take."""


@dataclass(frozen=True)
class AtIssuer:
    """The sign-in at one issuer."""

    flow: CodeFlow
    sessions: Sessions
    callers: Callers

    @property
    def name(self) -> str:
        """The issuer as people know it."""
        return urlsplit(self.flow.issuer).netloc

    async def away(self, request: Request) -> Response:
        """To the issuer. Raises SignInDown."""
        from lead_mcp.identity.code_flow import PendingSignIn

        to = request.query_params.get("to", "")
        begun = PendingSignIn.now(to if WRITE.fullmatch(to) else "")
        cookie = set_cookie(host_of(request), self.sessions.begun(begun), TIME, BEGUN)
        return redirect(await self.flow.address(begun), cookie)

    async def back(self, request: Request) -> Response:
        """From the issuer, with a session for whoever signed in. Raises AccessDenied."""
        host = host_of(request)
        begun = self.sessions.of_begun(request.cookies.get(cookie_name(host, BEGUN), ""))
        if begun is None:
            raise BadToken("No sign-in is under way in this browser, or it took too long. Begin again.")
        token, subject = await self.flow.token(begun, request.query_params)
        session, principal = Session.begin(token), await self.callers.principal(token)
        if subject is not None and principal.name != name_of(self.flow.issuer, subject):
            raise BadToken("The issuer's token is another person's. Begin again.")
        answer = page(pages.signed_in(f"{PATH}/{begun.to}" if begun.to else PATH))
        answer.headers.append("Set-Cookie", set_cookie(host, "", 0, BEGUN))
        answer.headers.append("Set-Cookie", set_cookie(host, self.sessions.cookie(session), SECONDS))
        return answer
