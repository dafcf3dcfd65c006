"""An emulator of Convoso's HTTP API, written from its documents and without the adapter.

Two documents describe this API and disagree (the help centre and a community write-up, the seed: docs/sources.md);
``build`` takes keywords for the shapes both describe. Where every document is silent the emulator is strict and says
*unverified*. Every path takes a POST form or a GET query, writes too (Source: seed, H1-H16, C1, C3-C6). Replies are JSON
over HTTP 200, errors included, but for one form of refused credentials.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from lead_mcp.sandbox.kit import Clock, tone
from lead_mcp.sandbox.world import World
from lead_mcp.vendors.convoso.emulator import reads, search, writes
from lead_mcp.vendors.convoso.emulator.params import Refusal, RefusedError, bad, known
from lead_mcp.vendors.convoso.emulator.search import Ask, Json, Shape
from lead_mcp.vendors.convoso.emulator.store import FIRST_RECORDING, Call, Store

TOKEN: Final = "sandbox-convoso-token"  # noqa: S105  made up, and published: the sandbox's own
READ_TOKEN: Final = "sandbox-convoso-read-only-token"  # noqa: S105  the same; it may not write
ZONE: Final = "America/Los_Angeles"
FORM: Final = "application/x-www-form-urlencoded"
Auth = Literal["code", "error", "forbidden", "status"]
Trouble = Literal["missing", "invalid", "permission"]

# What each form of refused credentials says: (HTTP status, reply). Source: C2; seed, S1; S2; H18
# *Unverified*: the bodies of the "status" form, and that the forms with one text use it for every trouble.
_INVALID: Final = {"success": False, "code": 5001, "text": "Auth token is invalid"}
_FORBIDDEN: Final = {"success": False, "code": 403, "text": "Forbidden"}
_UNAUTHORIZED: Final = {"success": False, "code": 401, "text": "Unauthorized"}
_ERRORS: Final = {
    "missing": "Missing authentication token",
    "invalid": "Invalid authentication token",
    "permission": "Insufficient permissions",
}
AUTH_REPLIES: Final[dict[Auth, dict[Trouble, tuple[int, Json]]]] = {
    "code": {"missing": (200, _INVALID), "invalid": (200, _INVALID), "permission": (200, _FORBIDDEN)},
    "error": {
        "missing": (200, {"success": False, "error": _ERRORS["missing"]}),
        "invalid": (200, {"success": False, "error": _ERRORS["invalid"]}),
        "permission": (200, {"success": False, "error": _ERRORS["permission"]}),
    },
    "forbidden": {"missing": (200, _FORBIDDEN), "invalid": (200, _FORBIDDEN), "permission": (200, _FORBIDDEN)},
    "status": {"missing": (401, _UNAUTHORIZED), "invalid": (401, _UNAUTHORIZED), "permission": (403, _FORBIDDEN)},
}


class Endpoint(NamedTuple):
    """What answers a path, the parameters it knows beside the token, and whether it changes anything."""

    answer: Callable[[Ask], Json]
    names: frozenset[str]
    writes: bool = False


def build(
    world: World,
    *,
    clock: Clock,
    zone: str = ZONE,
    dialect: Literal["help", "seed"] = "help",
    ids: Literal["text", "number"] = "text",
    dates: Literal["naive", "offset"] = "naive",
    urls: Literal["full", "name"] = "full",
    auth: Auth = "code",
    offset_limit: int | None = 50_000,
) -> Starlette:
    """The emulator: the API under ``/v1``, the audio under ``/recordings``, its ``Store`` at ``app.state.store``.

    ``zone``: the account's, of every time sent and received. ``dialect``: "help" wraps replies in
    ``success`` and ``data`` with ``code`` and ``text`` for errors; "seed" has bare ``results`` or ``entries``, rows of
    23 keys, ``error``, an outer ``id`` on insert, its own ``check_dup`` numbers and a bare array of users. ``ids``: text
    (then ``total`` of leads is text too, as in C1) or numbers. ``dates``: of leads; "offset" is C2's older form.
    ``urls``: of recordings, a whole address (seed) or a bare file name (H2). ``auth``: the form of refused credentials,
    see ``AUTH_REPLIES``. ``offset_limit``: highest offset, or None; S2 stops at 50000, no other source names one.
    """
    store = Store(world, ZoneInfo(zone))
    shape = Shape(zone, dialect, ids, dates, urls, offset_limit)
    routes = [
        Route(f"/v1{path}", _endpoint(endpoint, store, shape, clock, auth), methods=["GET", "POST"])
        for path, endpoint in ENDPOINTS.items()
    ]
    audio = Route("/recordings/{name}", partial(_audio, store), methods=["GET"])
    app = Starlette(routes=[*routes, audio], exception_handlers={404: _page, 405: _page})
    app.state.store = store
    return app


def environment(origin: str) -> dict[str, str]:
    """The variables that point lead-mcp at the emulator mounted at ``origin``, as ``http://127.0.0.1:8700/convoso``."""
    return {"CONVOSO_AUTH_TOKEN": TOKEN, "CONVOSO_BASE_URL": f"{origin}/v1", "CONVOSO_TIMEZONE": ZONE}


def busy() -> Response:
    """HTTP 429, which does occur (Source: C3). *Unverified*: body and ``Retry-After``; no document describes either."""
    return JSONResponse({"success": False, "code": 429, "text": "Too Many Requests"}, 429, {"Retry-After": "1"})


def _endpoint(
    endpoint: Endpoint, store: Store, shape: Shape, clock: Clock, auth: Auth
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            given = await _given(request)
            trouble = _trouble(given.pop("auth_token", ""), endpoint)
            if trouble is not None:
                status, reply = AUTH_REPLIES[auth][trouble]
                return JSONResponse(reply, status)
            known(given, endpoint.names)
            return JSONResponse(endpoint.answer(Ask(store, shape, given, clock(), _here(request))))
        except RefusedError as refused:
            return _refusal(refused.refusal, shape)

    return answer


def _trouble(token: str, endpoint: Endpoint) -> Trouble | None:
    if token == TOKEN or (token == READ_TOKEN and not endpoint.writes):
        return None
    if token == READ_TOKEN:
        return "permission"
    return "invalid" if token else "missing"


def _refusal(refusal: Refusal, shape: Shape) -> Response:
    if shape.dialect == "seed":
        return JSONResponse({"success": False, "error": refusal.seed or refusal.text}, refusal.status)
    return JSONResponse({"success": False, "code": refusal.code, "text": refusal.text}, refusal.status)


async def _given(request: Request) -> dict[str, str]:
    """The parameters of query and form together. No multi-level arrays (H5), so no name twice."""
    given: dict[str, str] = {}
    for name, text in _pairs(request.scope["query_string"], await _form(request)):
        if name in given:
            raise bad(f"Repeated parameter: {name}", 400)
        given[name] = text
    return given


def _pairs(*encoded: bytes) -> Iterator[tuple[str, str]]:
    for part in encoded:
        try:
            yield from parse_qsl(part.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError:
            raise bad("Malformed parameters", 400) from None


async def _form(request: Request) -> bytes:
    """The body, if it is a form. *Unverified*: whether JSON is read (C3 gave it up); here it is refused."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and (request.method != "POST" or kind != FORM):
        raise bad(f"Send a POST form ({FORM})", 415)
    return body


def _here(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


async def _page(_: Request, error: Exception) -> Response:
    """An unknown path answers a page, not JSON (Source: C4). *Unverified*: its HTTP status, and a wrong method's reply."""
    status = getattr(error, "status_code", 404)
    return HTMLResponse("<!doctype html><title>Convoso</title><h1>Page not found</h1>", status)


async def _audio(store: Store, request: Request) -> Response:
    """A recording's sound, two seconds of a tone; no token needed. *Unverified*: who may fetch it, and how long.

    The seed shows .mp3 and H2 .wav; here it is WAV.
    """
    call = _recorded(store, request.path_params["name"])
    if call is None:
        return HTMLResponse("<!doctype html><title>Not found</title>", 404)
    return Response(tone(2.0, 220.0 + call.id % 440), media_type="audio/wav")


def _recorded(store: Store, name: str) -> Call | None:
    number, dot, ending = name.partition(".")
    if (dot, ending) != (".", "wav") or not number.isascii() or not number.isdigit():
        return None
    lead_id, nth = divmod(int(number) - FIRST_RECORDING, 10)
    lead = store.get(str(lead_id))
    if lead is None or nth >= len(lead.calls):
        return None
    call = Call(lead, nth, lead.calls[nth])
    return call if call.recorded else None


def _insert(ask: Ask) -> Json:
    """The new lead's id, or the found one's: nothing tells them apart (S2). The outer ``id`` is the seed's."""
    shown = ask.shape.id(writes.insert(ask.store, ask.given, ask.now, ask.shape.dialect))
    reply: dict[str, Any] = {"success": True, "data": {"lead_id": shown}}
    return reply | ({"id": shown} if ask.shape.dialect == "seed" else {})


def _update(ask: Ask) -> Json:
    return {"success": True, "data": {"lead_id": ask.shape.id(writes.update(ask.store, ask.given, ask.now))}}


def _delete(ask: Ask) -> Json:
    writes.delete(ask.store, ask.given, ask.now)
    return {"success": True}


# Only plural paths work. Source: C7
ENDPOINTS: Final = {
    "/leads/search": Endpoint(search.search_leads, search.SEARCH_NAMES),
    "/leads/get-recordings": Endpoint(reads.get_recordings, reads.RECORDING_NAMES),
    "/leads/insert": Endpoint(_insert, writes.INSERTABLE | writes.OPTIONS, writes=True),
    "/leads/update": Endpoint(_update, writes.UPDATABLE | {"lead_id"}, writes=True),
    "/leads/delete": Endpoint(_delete, frozenset({"lead_id"}), writes=True),
    "/log/retrieve": Endpoint(reads.retrieve_log, reads.LOG_NAMES),
    "/callbacks/search": Endpoint(reads.search_callbacks, reads.CALLBACK_NAMES),
    "/lists/search": Endpoint(reads.search_lists, reads.LIST_NAMES),
    "/campaigns/search": Endpoint(reads.search_campaigns, frozenset()),
    "/status/search": Endpoint(reads.search_statuses, reads.STATUS_NAMES),
    "/users/search": Endpoint(reads.search_users, reads.USER_NAMES),
}
