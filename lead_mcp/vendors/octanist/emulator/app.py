"""An emulator of Octanist's API: ``/api/leads``, ``/api/leads/{id}``, ``/api/check``, ``/api/stats``.

Success is ``{"success": true, "data": ..., "meta": {"pagination"?, "requestId", "timestamp"}}``; failure is
``{"success": false, "error": {"code", "message", "details"}, "meta": {...}}`` with the code's HTTP status; ``/check``
answers ``{"success": true}`` alone. Every call carries ``X-API-KEY``. There is no delete, no recording, no field list.
Source: seed and docs pages (introduction, authentication, endpoint/*; docs/sources.md). What those leave open is decided
strictly here and marked *unverified*.
"""

from __future__ import annotations

import calendar
import json
import math
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lead_mcp.sandbox.kit import Clock
from lead_mcp.sandbox.world import World
from lead_mcp.vendors.octanist.emulator.leads import (
    CLICKS,
    CONSENTS,
    HTTP,
    NEWER,
    NUMBER,
    SHAPES,
    STATUSES,
    UTMS,
    Clicks,
    Dialect,
    Finds,
    Lead,
    Nulls,
    RefusedError,
    Shape,
    Store,
    figures,
    read_query,
)

API_KEY: Final = "sandbox-octanist-api-key"
BLOCKED: Final = "@blocked.example.com"  # the organisation's filtering rules reject leads from here with 403
SESSION: Final = "00000000-0000-4000-8000-0000000c7a50"  # the one pixel session the emulator knows
SESSION_ATTRIBUTION: Final = {"gclid": "GC_pixel-session", "utm_source": "google_ads", "utm_medium": "cpc"}

Handler = Callable[[Request], Awaitable[Response]]


# Reading bodies. A reader returns the value to keep or raises ValueError with a reason.


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - readers raise one kind of error
    return value


def _custom(value: Any) -> str:
    """Always text when read back. Source: docs endpoint/create-lead."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _text(value)


def _flag(value: Any) -> bool:
    """Booleans; ``granted`` and ``denied`` are the old spelling, still taken. Source: old endpoint/create."""
    if isinstance(value, bool):
        return value
    if value not in ("granted", "denied"):
        raise ValueError("must be a boolean")
    return bool(value == "granted")


def _session(value: Any) -> str:
    return str(uuid.UUID(_text(value)))


def _new_status(value: Any) -> str:
    """Not ``open`` (whether it is really refused: *unverified*). Source: docs endpoint/update-lead."""
    if value not in STATUSES[1:]:
        raise ValueError("must be qualified, won or lost")
    return str(value)


def _amount(value: Any) -> float:
    """A number or numeric text. Source: docs endpoint/update-lead."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a number")
    return value


Readers = dict[str, Callable[[Any], Any]]
CONTACT: Final = ("name", "email", "phone", "custom")
KEYS: Final = ("id", "email", "phone")  # of PATCH, in order of preference
CREATE: Final[Readers] = {
    **dict.fromkeys(("name", "email", "phone", "note", "website", "path", *CLICKS, *UTMS), _text),
    **dict.fromkeys(CONSENTS, _flag),
    "custom": _custom,
    "sessionId": _session,
}
UPDATE: Final[Readers] = {
    **dict.fromkeys((*KEYS, "note", "lossReason"), _text),
    **dict.fromkeys(("status", "changedTo"), _new_status),
    "value": _amount,
    "alsoQualified": _flag,  # the old field set is still taken. Source: docs introduction, old endpoint/delete
}
STATS: Final[Readers] = dict.fromkeys(("period", "startDate", "endDate"), _text)


async def read_body(request: Request, readers: Readers) -> dict[str, Any]:
    """The JSON object sent, each value read; unknown keys and nulls are refused (*unverified*)."""
    body = _json(request.headers.get("content-type", ""), await request.body())
    values, problems = {}, {}
    for key, value in body.items():
        try:
            values[key] = readers[key](value)
        except (ValueError, OverflowError) as err:
            problems[key] = str(err)
        except KeyError:
            problems[key] = "is not a field"
    if problems:
        raise RefusedError("VALIDATION_ERROR", "Invalid request body", problems)
    return values


def _json(content_type: str, raw: bytes) -> dict[str, Any]:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise RefusedError("VALIDATION_ERROR", "Content-Type must be application/json")
    try:
        body = json.loads(raw)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # no NaN, no half characters
    except (ValueError, RecursionError):
        raise RefusedError("VALIDATION_ERROR", "The body is not JSON") from None
    if not isinstance(body, dict):
        raise RefusedError("VALIDATION_ERROR", "The body must be an object")
    return body


def _period(body: dict[str, Any], now: datetime) -> tuple[str, str]:
    """First and last instant of the period, UTC. ``current`` and ``previous`` are calendar months (*unverified*)."""
    period, days = body.get("period", "current"), [body.get("startDate"), body.get("endDate")]
    if period not in ("current", "previous", "custom") or (period == "custom") != all(days) or any(days) != all(days):
        raise RefusedError("VALIDATION_ERROR", "period: current, previous, or custom with startDate and endDate")
    if period == "custom":
        first, last = (_day(str(day)) for day in days)
    else:
        first = now.astimezone(UTC).date().replace(day=1)
        first = first if period == "current" else (first - timedelta(days=1)).replace(day=1)
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    if first > last:
        raise RefusedError("VALIDATION_ERROR", "startDate is after endDate")
    return f"{first}T00:00:00.000Z", f"{last}T23:59:59.999Z"


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RefusedError("INVALID_DATE", "Dates are YYYY-MM-DD", {"value": text})


@dataclass(frozen=True)
class Desk:
    """Answers the requests of one organisation."""

    store: Store
    clock: Clock
    dialect: Dialect
    nulls: Nulls
    finds: Finds
    clicks: Clicks
    bulk_updates: bool
    old_rules: bool
    created_status: int

    @property
    def shape(self) -> Shape:
        return SHAPES[self.dialect]

    def guarded(self, handler: Handler) -> Handler:
        """``handler`` behind the key. Source: docs authentication; seed for the 401."""

        async def guard(request: Request) -> Response:
            if request.headers.get("x-api-key") != API_KEY:
                raise RefusedError("UNAUTHORIZED", "Invalid or missing API key")
            return await handler(request)

        return guard

    async def listing(self, request: Request) -> Response:
        """GET /leads: ``data`` is an array, ``meta.pagination`` counts; a page past the end is empty (*unverified*)."""
        query = read_query(request.query_params.multi_items(), self.shape, self.finds, self.clicks)
        total, rows = self.store.page(query, self.nulls)
        pagination = {
            "limit": query.limit,
            "page": query.page,
            "totalPages": -(-total // query.limit),
            "total": total,
            "hasMore": query.page * query.limit < total,
        }
        return self._done([self._shown(lead, query.fields) for lead in rows], pagination=pagination)

    async def one(self, request: Request) -> Response:
        """GET /leads/{id}: ``data`` is the whole lead; no parameters, `fields` neither (*unverified*)."""
        if request.query_params:
            raise RefusedError("INVALID_FILTER", "This endpoint takes no query parameters")
        found = self.store.matching("id", request.path_params["id"])
        if not found:
            raise RefusedError("NOT_FOUND", "Lead not found")
        return self._done(self._shown(found[0], self.shape.fields))

    async def create(self, request: Request) -> Response:
        """POST /leads: ``{"id", "message": "Lead added"}``. No rule against duplicates is documented: all are added."""
        absent = set(CREATE) & {*NEWER, "sessionId"} if self.dialect != "newer" else set()
        given = await read_body(request, {key: reader for key, reader in CREATE.items() if key not in absent})
        if not any(given.get(key) for key in CONTACT):
            raise RefusedError("VALIDATION_ERROR", "At least one of name, email, phone, custom is required")
        if given.get("email", "").lower().endswith(BLOCKED):  # Source: old authentication
            raise RefusedError("FORBIDDEN", "Lead rejected by filtering rules")
        lead = self.store.add(_attributed(given))
        message = {} if self.shape.bare else {"message": "Lead added"}
        return self._done({"id": lead["id"], **message}, self.created_status)

    async def update(self, request: Request) -> Response:
        """PATCH /leads: ``{"leadId", "leadsUpdated", "message"}``; the first of id, email, phone given finds the leads.

        A key that finds nothing is NOT_FOUND, the next key is not tried (*unverified*).
        """
        given = await read_body(request, UPDATE)
        key = next((key for key in KEYS if given.get(key)), None)
        changes = {name: value for name, value in given.items() if name not in KEYS}
        if key is None or not changes:  # a request that changes nothing is refused: *unverified*
            raise RefusedError("VALIDATION_ERROR", "One of id, email, phone and one change are required")
        found = self.store.matching(key, given[key])
        if not found:
            raise RefusedError("NOT_FOUND", "Lead not found")
        if len(found) > 1 and not self.bulk_updates:
            raise RefusedError("CONFLICT", "Several leads match", {"matches": len(found)})
        status = changes.pop("status", None) or changes.get("changedTo")  # `status` wins if both are given
        if self.old_rules and status in ("won", "qualified") and "value" not in changes:
            _all_valued(found)
        for lead in found:
            _change(lead, status, changes, self.store.now())
        return self._done(self._updated(found))

    def _updated(self, found: list[Lead]) -> dict[str, Any]:
        if self.shape.bare:
            return {"success": True, "leadId": found[0]["id"], "status": found[0]["status"]}
        return {"leadId": found[0]["id"], "leadsUpdated": len(found), "message": "Lead updated successfully"}

    async def check(self, request: Request) -> Response:
        """POST /check: is the key good? No body is taken. Source: docs introduction, old endpoint/check."""
        if await request.body():
            raise RefusedError("VALIDATION_ERROR", "This endpoint takes no body")
        return JSONResponse({"success": True})

    async def stats(self, request: Request) -> Response:
        """POST /stats: a JSON object is mandatory, ``{}`` at least. Source: docs endpoint/stats."""
        start, end = _period(await read_body(request, STATS), self.clock())
        return self._done(figures(list(self.store.leads.values()), start, end))

    async def refuse(self, request: Request, error: Exception) -> Response:
        """The error envelope; ``{"error": text}`` in the oldest generation. Unknown paths are NOT_FOUND too."""
        refused = error if isinstance(error, RefusedError) else RefusedError("NOT_FOUND", "Not found")
        if self.shape.bare:
            return JSONResponse({"error": refused.message}, HTTP[refused.code])
        said = {"code": refused.code, "message": refused.message, "details": refused.details}
        return JSONResponse({"success": False, "error": said, "meta": self._meta()}, HTTP[refused.code])

    def _done(self, data: Any, status: int = 200, *, pagination: dict[str, Any] | None = None) -> Response:
        if self.shape.bare:
            return JSONResponse(data, status)
        counted = {} if pagination is None else {"pagination": pagination}
        return JSONResponse({"success": True, "data": data, "meta": {**counted, **self._meta()}}, status)

    def _meta(self) -> dict[str, str]:
        return {"requestId": self.store.request_id(), "timestamp": self.store.now()}

    def _shown(self, lead: Lead, fields: tuple[str, ...]) -> dict[str, Any]:
        """The lead as sent: absent is null. The oldest generation has whole seconds and a currency."""
        shown = {name: lead.get(name) for name in fields}
        if self.shape.bare:
            old = {name: f"{value[:19]}Z" for name, value in shown.items() if name.endswith("At") and value}
            shown |= old | ({"currency": "USD"} if "currency" in fields else {})
        return shown


def _attributed(given: Lead) -> Lead:
    """A known session's attribution replaces the request's own; an unknown session counts for nothing (*unverified*).

    Source: staging endpoint/create-lead.
    """
    session = given.pop("sessionId", None)
    if session != SESSION:
        return given
    return {name: value for name, value in given.items() if name not in (*CLICKS, *UTMS)} | SESSION_ATTRIBUTION


def _all_valued(found: list[Lead]) -> None:
    """The old generation's rule for qualified and won. Source: old endpoint/delete; perhaps no longer enforced."""
    if any("value" not in lead for lead in found):
        raise RefusedError("VALIDATION_ERROR", "value is required for this status", {"value": "is required"})


def _change(lead: Lead, status: str | None, changes: dict[str, Any], now: str) -> None:
    """Apply a PATCH. Moments and the loss reason follow the status (*unverified*); ``lossReason`` needs status lost."""
    lead |= {name: changes[name] for name in ("value", "note") if name in changes} | {"updatedAt": now}
    if status is None:
        return
    lead["status"] = status
    if status == "qualified" or changes.get("alsoQualified"):
        lead.setdefault("qualifiedAt", now)
    if status != "lost":
        lead.pop("lossReason", None)
    elif "lossReason" in changes:
        lead["lossReason"] = changes["lossReason"]


def build(
    world: World,
    *,
    clock: Clock,
    dialect: Dialect = "newer",
    nulls: Nulls = "first",
    finds: Finds = "parts",
    clicks: Clicks = "refused",
    bulk_updates: bool = False,
    old_rules: bool = False,
    created_status: Literal[200, 201] = 201,
) -> Starlette:
    """The app, routes under ``/api``. The keywords choose where the documents disagree or are silent.

    ``dialect``: ``newer`` (seed, staging), ``production`` (no dclid, wbraid, gbraid, epik, sessionId), ``legacy``
    (bare bodies, whole seconds, limit 100, newest update first). ``nulls``: where absent values come in a sort: first
    or last whichever its direction, or as if they were the least or the greatest. ``finds``: whether ``search`` finds
    parts of a value, or whole ones. ``clicks``: what becomes of a click id without an operator (``gclid=x``).
    ``bulk_updates``: a PATCH that matches several leads changes all instead of CONFLICT. ``old_rules``: qualified and
    won need a value. ``created_status``: HTTP status of POST /leads.
    """
    desk = Desk(Store(world, clock), clock, dialect, nulls, finds, clicks, bulk_updates, old_rules, created_status)
    routes = [
        Route("/api/leads", desk.guarded(desk.listing), methods=["GET"]),
        Route("/api/leads", desk.guarded(desk.create), methods=["POST"]),
        Route("/api/leads", desk.guarded(desk.update), methods=["PATCH"]),
        Route("/api/leads/{id}", desk.guarded(desk.one), methods=["GET"]),
        Route("/api/check", desk.guarded(desk.check), methods=["POST"]),
        Route("/api/stats", desk.guarded(desk.stats), methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={RefusedError: desk.refuse, 404: desk.refuse})
    app.router.redirect_slashes = False
    return app


def environment(origin: str) -> dict[str, str]:
    """The settings that point lead-mcp at the emulator mounted at ``origin``."""
    return {"OCTANIST_API_KEY": API_KEY, "OCTANIST_BASE_URL": f"{origin}/api"}


def busy() -> Response:
    """A plain 429: no rate limit is in force and no code for one is documented. Source: docs introduction."""
    return PlainTextResponse("Too Many Requests", 429, {"Retry-After": "1"})
