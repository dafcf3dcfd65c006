"""Forms as they come in, and pages as they go out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from lead_mcp.approvals import pages
from lead_mcp.approvals.pages import HEADERS
from lead_mcp.errors import Conflict, LeadMcpError, NotAllowed
from lead_mcp.tools.failures import error_message

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

BODY: Final = 16 * 1024
"""Bytes of a form."""
Form = Mapping[str, str]


class RequestRefused(Exception):
    """A request that is not answered as it is: an HTTP status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def form_of(request: Request) -> Form:
    """The form of a POST. Raises RequestRefused where it is none, or comes from another site."""
    check_from_here(request)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise RequestRefused(415, "A form is expected.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            raise RequestRefused(413, "The form is too large.")
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=16))


def check_from_here(request: Request) -> None:
    """Raises RequestRefused where another site has made the browser send this. Browsers send an Origin with every form."""
    origin, host = request.headers.get("origin", ""), request.headers.get("host", "")
    fetched = request.headers.get("sec-fetch-site", "same-origin")
    if not host or urlsplit(origin).netloc.casefold() != host.casefold() or fetched != "same-origin":
        raise RequestRefused(403, "This form does not come from this site.")


def host_of(request: Request) -> str:
    return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""


def page(text: str, status: int = 200, cookie: str | None = None) -> Response:
    from starlette.responses import HTMLResponse

    more = {"Set-Cookie": cookie} if cookie else {}
    return HTMLResponse(text, status, {**HEADERS, **more})


def redirect(to: str, cookie: str | None = None) -> Response:
    from starlette.responses import RedirectResponse

    more = {"Set-Cookie": cookie} if cookie else {}
    return RedirectResponse(to, 303, {**HEADERS, **more})


def failed(error: LeadMcpError) -> Response:
    status = 409 if isinstance(error, Conflict) else 403 if isinstance(error, NotAllowed) else 502
    return page(pages.problem("Not done", error_message(error)), status)
