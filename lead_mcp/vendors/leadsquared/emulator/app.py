"""An emulator of LeadSquared's v2 API over an invented account, written from the vendor's documents.

Strict where they are silent, which a comment then calls unverified. Every path hangs off ``/v2``; recordings are
served beside it, without keys. Errors are ``{"Status": "Error", "ExceptionType", "ExceptionMessage"}``; the
bodies of 400 and 404 are undocumented and here not JSON. Source tags: docs/sources.md.
"""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lead_mcp.sandbox.kit import Clock, tone
from lead_mcp.sandbox.world import World
from lead_mcp.vendors.leadsquared.emulator import reads, writes
from lead_mcp.vendors.leadsquared.emulator.http import (
    NO_RIGHTS,
    TOO_FAST,
    Answer,
    Call,
    Carrier,
    Dialect,
    MalformedError,
    RefusedError,
    check,
)
from lead_mcp.vendors.leadsquared.emulator.store import Store

ACCESS: Final = "sandbox-leadsquared-access-key"
PRIVATE: Final = "sandbox-leadsquared-secret-key"
PAIR: Final = {"accesskey": ACCESS, "secretkey": PRIVATE}  # query names, in any case (inferred from the pages)
Handler = Callable[[Request], Awaitable[Response]]


def environment(origin: str) -> dict[str, str]:
    """The settings that point lead-mcp at this emulator, mounted at ``origin``."""
    return {
        "LEADSQUARED_ACCESS_KEY": ACCESS,
        "LEADSQUARED_SECRET_KEY": PRIVATE,
        "LEADSQUARED_BASE_URL": f"{origin}/v2",
    }


def busy(errors: Carrier = "http") -> Response:
    """Over 25 calls in 5 seconds: 429, or on 200 as some clients report; never a Retry-After. Source: S, C."""
    return _refusal(RefusedError(TOO_FAST, "API calls exceeded the limit of 25 in 5 second(s)", 429), errors)


def build(
    world: World,
    *,
    clock: Clock,
    errors: Carrier = "http",
    deletes: bool = False,
    edition: Literal["2022", "2026"] = "2022",
    by_id: Literal["array", "object"] = "array",
    record_count: Literal["page", "total"] = "page",
    first_offset: Literal[0, 1] = 0,
    create_needs: Literal["unique", "any"] = "unique",
    duplicates: Literal["sentence", "key"] = "sentence",
    object_types: bool = False,
) -> Starlette:
    """The emulated account.

    - ``errors``: exceptions come with HTTP 500 ("http", S) or ride on 200 ("200", C); 400, 401 and 404 stay.
    - ``deletes``: whether support has switched lead deletion on (D lead-delete).
    - ``edition``: "2022" returns CompanyType and not OwnerIdEmailAddress, "2026" the reverse (S, D bulk-by-ids).
    - ``by_id``: Leads.GetById answers an array or a bare object (C).
    - ``record_count``: RecordCount of leads counts this page or every match (undocumented).
    - ``first_offset``: the first page of a lead's activities (D activities-of-a-lead says both).
    - ``create_needs``: an e-mail or phone, or just any name (D create-a-lead says both).
    - ``duplicates``: a duplicate is refused with a sentence or with a database key (C).
    - ``object_types``: whether leads have a LeadType (D bulk-by-ids).
    """
    dialect = Dialect(
        errors, deletes, edition, by_id, record_count, first_offset, create_needs, duplicates, object_types
    )
    store = Store(world, clock)
    routes = [
        Route(f"/v2/{end.path}", _served(end, store, dialect), methods=[end.method], include_in_schema=False)
        for end in ENDPOINTS
    ]
    routes.append(Route("/recordings/{name}.wav", _recording(store), methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={404: _no_such_path})
    app.router.redirect_slashes = False
    return app


# --- what is offered ---


@dataclass(frozen=True)
class Endpoint:
    """One path: the query names it takes besides the keys, what its body must look like, who answers."""

    method: Literal["GET", "POST"]
    path: str
    answer: Answer
    query: tuple[str, ...] = ()
    body: Callable[[Any], None] | None = None


LEADS: Final = "LeadManagement.svc"
ACTIVITIES: Final = "ProspectActivity.svc"
POSTED: Final = "postUpdatedLead"
ENDPOINTS: Final = (
    Endpoint("GET", "Authentication.svc/UserByAccessKey.Get", reads.user),
    Endpoint("POST", f"{LEADS}/Leads/Retrieve/ByIds", reads.by_ids, body=partial(check, shape=reads.BY_IDS)),
    Endpoint("GET", f"{LEADS}/Leads.GetById", reads.by_id, ("id",)),
    Endpoint("GET", f"{LEADS}/Leads.GetByEmailaddress", reads.by_email, ("emailaddress",)),
    Endpoint("GET", f"{LEADS}/RetrieveLeadByPhoneNumber", reads.by_phone, ("phone",)),
    Endpoint("GET", f"{LEADS}/Leads.GetByQuickSearch", reads.by_quick_search, ("key",)),
    Endpoint("POST", f"{LEADS}/Leads.Get", reads.by_criteria, body=partial(check, shape=reads.CRITERIA)),
    Endpoint(
        "POST", f"{LEADS}/Leads.RecentlyModified", reads.recently_modified, body=partial(check, shape=reads.MODIFIED)
    ),
    Endpoint("GET", f"{LEADS}/LeadsMetaData.Get", reads.metadata, ("schemaName", "excludeOptionSets")),
    Endpoint(
        "POST",
        f"{ACTIVITIES}/Retrieve",
        reads.activities_of_lead,
        ("leadId", "getFileURL"),
        partial(check, shape=reads.OF_LEAD),
    ),
    Endpoint(
        "POST",
        f"{ACTIVITIES}/CustomActivity/RetrieveByActivityEvent",
        reads.activities_of_event,
        body=partial(check, shape=reads.OF_EVENT),
    ),
    Endpoint("POST", f"{LEADS}/Lead.Create", writes.create, body=writes.check_pairs),
    Endpoint("POST", f"{LEADS}/Lead.Update", writes.update, ("leadId", POSTED), writes.check_pairs),
    Endpoint("POST", f"{LEADS}/Lead.CreateOrUpdate", writes.create_or_update, (POSTED,), writes.check_pairs),
    Endpoint("POST", f"{LEADS}/Lead.Capture", writes.capture, ("LeadUpdateBehavior",), writes.check_pairs),
    Endpoint("GET", f"{LEADS}/Lead/Delete/ById", writes.delete, ("leadId",)),
)


# --- how a request is admitted and answered ---


def _served(end: Endpoint, store: Store, dialect: Dialect) -> Handler:
    async def serve(request: Request) -> Response:
        try:
            asked = _authorised(request)
            query = _query(asked, end.query)
            body = await _body(request, end.body)
            origin = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
            return JSONResponse(end.answer(Call(store, dialect, query, body, origin)))
        except RefusedError as refused:
            return _refusal(refused, dialect.errors)
        except MalformedError as malformed:
            return _page("Request Error", str(malformed), 400)

    return serve


def _refusal(refused: RefusedError, errors: Carrier) -> Response:
    """The documented envelope; where errors ride on 200 only the keys' refusal keeps its status."""
    envelope = {"Status": "Error", "ExceptionType": refused.kind, "ExceptionMessage": refused.message}
    return JSONResponse(envelope, 200 if errors == "200" and refused.status != 401 else refused.status)


def _page(title: str, text: str, status: int) -> Response:
    """Not JSON: the bodies of 400 and 404 are undocumented (inferred)."""
    body = f"<html><head><title>{title}</title></head><body><p>{html.escape(text)}</p></body></html>"
    return Response(body, status, media_type="text/html")


async def _no_such_path(request: Request, error: Exception) -> Response:
    return _page("Service", "Endpoint not found.", 404)


def _authorised(request: Request) -> list[tuple[str, str]]:
    """The query without the keys. Keys come in the query or in headers; either alone must be whole and right.

    Both given and at odds is unknown at the vendor, refused here. The 401 body is unverified. Source: S, D authentication.
    """
    asked = parse_qsl(request.url.query, keep_blank_values=True)
    in_query = {name.lower(): value for name, value in asked if name.lower() in PAIR}
    in_headers = {name: request.headers[f"x-lsq-{name}"] for name in PAIR if f"x-lsq-{name}" in request.headers}
    given = [keys for keys in (in_query, in_headers) if keys]
    if not given or any(keys != PAIR for keys in given):
        raise RefusedError(NO_RIGHTS, "Invalid access key or secret key", 401)
    return [(name, value) for name, value in asked if name.lower() not in PAIR]


def _query(asked: list[tuple[str, str]], known: tuple[str, ...]) -> dict[str, str]:
    """The query by name; unknown and repeated names are refused (unverified)."""
    query = dict(asked)
    if len(query) < len(asked) or not query.keys() <= set(known):
        raise MalformedError(f"the query takes {', '.join(known) or 'the keys only'}, each once")
    return query


async def _body(request: Request, checked: Callable[[Any], None] | None) -> Any:
    """The body of a POST, JSON and of the documented shape; 400 covers content type, names and structure. Source: S."""
    if checked is None:
        return None
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise MalformedError("Content-Type must be application/json")
    try:
        body = json.loads(await request.body())
    except ValueError as err:
        raise MalformedError("the body is not JSON") from err
    checked(body)
    return body


def _recording(store: Store) -> Handler:
    async def play(request: Request) -> Response:
        activity = store.recordings.get(request.path_params["name"])
        if activity is None:
            raise HTTPException(404)
        return Response(tone(1.0, 330.0 + activity.seconds % 200), media_type="audio/wav")

    return play
