"""``/approvals`` over HTTP: who asks, from where, and what they want; before everything that serves MCP.

A form counts if it comes from this very site (``Origin``, ``Sec-Fetch-Site``) and holds the mark of the session whose cookie
comes with it. A yes counts for the text that was shown. Of several the journal lets one through; the others see what it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lead_mcp.approvals import pages
from lead_mcp.approvals.at_issuer import AtIssuer
from lead_mcp.approvals.pages import PATH, SIGNED_IN, TO_ISSUER
from lead_mcp.approvals.requests import Form, RequestRefused, failed, form_of, host_of, page, redirect
from lead_mcp.approvals.sessions import SECONDS, Session, Sessions, cookie_name, set_cookie
from lead_mcp.approvals.visit import WRITE, Visit, answered, asked, write_of
from lead_mcp.approvals.waiting import waiting
from lead_mcp.errors import LeadMcpError
from lead_mcp.identity.principal import LOCAL, Principal
from lead_mcp.identity.refusals import AccessDenied, BadToken
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.outgoing.times import times_in
from lead_mcp.outgoing.write_text import explained
from lead_mcp.runtime import Runtime
from lead_mcp.server import LeadServer
from lead_mcp.tools.failures import known
from lead_mcp.tools.kit import masker_for

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from lead_mcp.identity.callers import Callers


@dataclass
class Approvals:
    """Answers ``/approvals`` and what is below it. ``callers``: whose tokens count; None where everybody may do everything."""

    app: ASGIApp
    server: LeadServer
    sessions: Sessions
    callers: Callers | None
    at_issuer: AtIssuer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PATH}/"):
            return await self.app(scope, receive, send)
        from starlette.requests import Request

        request = Request(scope, receive)
        answer = await self._answer(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._route(request)
        except RequestRefused as refused:
            return page(pages.problem("Not done", str(refused)), refused.status)
        except AccessDenied as refusal:
            return self._sign_in(request, str(refusal), refusal.status)
        except Exception as error:  # noqa: BLE001 - somebody waits for an answer, whatever happened
            return failed(known(error, PATH))

    async def _route(self, request: Request) -> Response:
        posted = request.method == "POST"
        if not posted and request.method not in ("GET", "HEAD"):
            raise RequestRefused(405, "Only GET and POST are answered here.")
        form = await form_of(request) if posted else {}
        rest = request.url.path.removeprefix(PATH).strip("/")
        if posted and rest == "sign-in":
            return await self._signed_in(request, form)
        if self.at_issuer is not None and request.method == "GET" and rest in (TO_ISSUER, SIGNED_IN):
            return await (self.at_issuer.away if rest == TO_ISSUER else self.at_issuer.back)(request)
        session = self._session(request)
        visit = await self._visit(session)
        if posted and not session.marks(form.get("mark", "")):
            raise RequestRefused(403, "This form is from another session. Go back to the list and answer from there.")
        if posted and rest == "sign-out":
            return redirect(PATH, set_cookie(host_of(request), "", 0))
        answer = await self._seen(visit, rest, form)
        if self.callers is None:
            answer.headers.append("Set-Cookie", self._cookie(request, session))
        return answer

    async def _seen(self, visit: Visit, rest: str, form: Form) -> Response:
        """The list, or one write; as the principal may see values."""
        masker = await masker_for(visit.runtime)
        with masked_by(masker), times_in(visit.runtime.server.zone):
            try:
                if not rest:
                    return await self._list(visit)
                write = await write_of(visit, rest)
                return await (answered(visit, write, form) if form else asked(visit, write))
            except LeadMcpError as error:
                return failed(explained(error))

    async def _list(self, visit: Visit) -> Response:
        await visit.runtime.common.keep_journal()
        found = await visit.in_journal(waiting)
        return page(pages.listed(found, visit.name, visit.session.mark, may_sign_out=self.callers is not None))

    # --- who it is ---

    def _session(self, request: Request) -> Session:
        """The session of the request's cookie, or where nobody signs in a new one. Raises BadToken."""
        found = self.sessions.of_cookie(request.cookies.get(cookie_name(host_of(request)), ""))
        if found is not None:
            return found
        if self.callers is None:
            return Session.begin("")
        raise BadToken("")

    async def _visit(self, session: Session) -> Visit:
        principal = LOCAL if self.callers is None else await self.callers.principal(session.token)
        return Visit(session, self._runtime(principal), self.sessions)

    def _runtime(self, principal: Principal) -> Runtime:
        if self.server.opening is None:
            raise RequestRefused(503, "The server is not open.")
        return self.server.opening.whole.seen_by(principal)

    async def _signed_in(self, request: Request, form: Form) -> Response:
        """A session for whoever has a token that counts. Raises AccessDenied."""
        token = form.get("token", "").strip()
        if self.callers is None:
            return redirect(PATH)
        session, to = Session.begin(token), form.get("to", "")
        await self.callers.principal(token)
        return redirect(f"{PATH}/{to}" if WRITE.fullmatch(to) else PATH, self._cookie(request, session))

    def _cookie(self, request: Request, session: Session) -> str:
        return set_cookie(host_of(request), self.sessions.cookie(session), SECONDS)

    def _sign_in(self, request: Request, why: str, status: int) -> Response:
        rest = request.url.path.rpartition("/")[2]
        to = rest if WRITE.fullmatch(rest) else ""
        issuer = self.at_issuer.name if self.at_issuer else ""
        text = pages.sign_in(to, oauth=self.server.configured.sign_in is not None, issuer=issuer, problem=why)
        return page(text, status if why else 200)
