"""An emulator of LeadTrackr's lead API, written from its documents (``/api/leads/...``; no rate limit is documented).

Every answer is JSON with a ``message`` and CORS headers; an error is ``{"message": text}`` and an HTTP code (400 bad
parameter, 401 key, 403 subscription inactive, 404 absent, 405 method, 409 already queued). Only the texts of the 401s
and of the missing projectId are documented; what bad values do is not: refused with 400 here. Checks run in the order
method, key, subscription, parameters, record. Source: seed; docs api-reference/*; repo notes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lead_mcp.sandbox.kit import Clock
from lead_mcp.sandbox.world import World
from lead_mcp.vendors.leadtrackr.emulator.leads import (
    LABELS,
    Finds,
    Habits,
    Lead,
    Nulls,
    Objects,
    Project,
    Settled,
    iso,
    select,
)

API_KEY: Final = "sandbox-leadtrackr-key"
PROJECT: Final = "sandbox-leadtrackr-project"
PROJECTS: Final = frozenset({PROJECT, "4217"})  # the "public ID", and the number in the dashboard's URL (docs: gtm)
CORS: Final = {"Access-Control-Allow-Origin": "*"}

Parse = Callable[[str], Any]


class RefusalError(Exception):
    """A refusal: an HTTP code and a text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def environment(origin: str) -> dict[str, str]:
    """What a user sets to reach this emulator at ``origin``, e.g. ``http://127.0.0.1:8700/leadtrackr``."""
    return {
        "LEADTRACKR_API_KEY": API_KEY,
        "LEADTRACKR_BASE_URL": f"{origin}/api",
        "LEADTRACKR_PROJECT_ID": PROJECT,
    }


def busy() -> Response:
    """A plain 429: the vendor documents none. *Unverified*."""
    return JSONResponse({"message": "Too many requests"}, 429, CORS | {"Retry-After": "1"})


def build(
    world: World,
    *,
    clock: Clock,
    settles: float | None = None,
    active: bool = True,
    settled: Settled = "name",
    nulls: Nulls = "least",
    finds: Finds = "parts",
    objects: Objects = "object",
    dedupe_code: Literal[200, 201] = 200,
) -> Starlette:
    """The app. Everything it keeps is drawn on the first request that needs it.

    ``settles``: seconds of ``clock`` a queued lead stays ``pending`` (None: for ever; the vendor takes up to a day).
    ``active=False``: the subscription has lapsed, every call answers 403.
    ``settled``: what ``status`` holds after processing, the label's name or its UUID (not documented).
    ``nulls``, ``finds``, ``objects``: see ``Habits``.
    ``dedupe_code``: HTTP code of "Lead updated successfully" (not documented).
    """
    desk = _Desk(Project(world, settled), clock, settles, active, dedupe_code, Habits(nulls, finds, objects))
    routes = [
        Route("/api/leads/getLeads", desk.get_leads, methods=["GET"]),
        Route("/api/leads/getLead", desk.get_lead, methods=["GET"]),
        Route("/api/leads/createServerSideLead", desk.create_server_side, methods=["POST"]),
        Route("/api/leads/createLead", desk.create_from_browser, methods=["POST"]),
        Route("/api/leads/updateLeadStatus", desk.update_status, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={RefusalError: _refused, HTTPException: _unrouted})
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True)
class _Desk:
    """The five endpoints of one project."""

    project: Project
    clock: Clock
    settles: float | None
    active: bool
    dedupe_code: int
    habits: Habits

    async def get_leads(self, request: Request) -> Response:
        """``{message, leads, total, page, limit, totalPages, hasMore}``. Source: seed."""
        self._admit(request)
        asked = DEFAULTS | _query(request, LIST_QUERY)
        rows = select(self.project.leads.values(), asked, asked["sort"], self.habits)
        page = _page(rows, asked["page"], asked["limit"])
        return _answer(200, "Leads retrieved", **page | {"leads": [self.habits.shown(one) for one in page["leads"]]})

    async def get_lead(self, request: Request) -> Response:
        """``{message, lead}``: the one the highest-priority key names. Source: docs get-lead."""
        self._admit(request)
        return _answer(200, "Lead retrieved", lead=self.habits.shown(self._named(_query(request, KEY_QUERY))))

    async def create_server_side(self, request: Request) -> Response:
        """201 ``{message, leadId, uniqueIdentifier}``. Source: docs create-server-side-lead, sgtm.

        ``userData`` is marked required and an either-or rule is stated beside it: both hold here, so ``userData``
        may be ``{}`` beside a filled ``attributionData``, but not absent. Unknown top-level keys: refused, unverified.
        """
        self._admit(request)
        body = await _body(request)
        self._own(body)
        _known(body, CREATE_KEYS)
        if "userData" not in body:
            raise RefusalError(400, "Missing required field: userData")
        if "phone" in _object(body, "userData") and not _WITH_COUNTRY.match(str(body["userData"]["phone"])):
            raise RefusalError(400, "Invalid phone: country code expected")  # "with country code"; unverified refusal
        return self._create(body)

    async def create_from_browser(self, request: Request) -> Response:
        """As ``create_server_side``, keyless; drops unknown top-level keys. Source: docs create-lead, design note."""
        body = await _body(request)
        self._own(body)
        self._subscribed()
        self.project.settle(self.clock())
        return self._create({key: value for key, value in body.items() if key in CREATE_KEYS})

    async def update_status(self, request: Request) -> Response:
        """``{message, leadId, uniqueIdentifier, status, queued[, warnings]}``. Source: docs update-lead-status."""
        self._admit(request)
        body = await _body(request)
        conversion, price = _status_change(body)
        lead = self._named(body)
        if lead["status"] == "pending":  # also for `open` (unverified); the price is not stored then
            raise RefusalError(409, "Lead is already queued for processing")
        if price is not None:
            lead["price"] = price
        return self._reopen(lead) if conversion == "open" else self._queue(lead, conversion)

    def _reopen(self, lead: Lead) -> Response:
        lead["status"] = "open"
        return _answer(200, "Lead status updated to open", **_naming(lead), status="open", queued=False)

    def _queue(self, lead: Lead, conversion: str) -> Response:
        """The sample is labelled HTTP 201."""
        now = self.clock()
        self.project.queue(lead, conversion, None if self.settles is None else now + timedelta(seconds=self.settles))
        told = {"status": "pending", "queued": True, "warnings": _warnings(lead, now)}
        return _answer(201, "Lead queued for processing", **_naming(lead), **told)

    def _create(self, body: Mapping[str, Any]) -> Response:
        given, event = _new_lead(body)
        lead, fresh = self.project.post(given, event, self.clock())
        code, word = (201, "created") if fresh else (self.dedupe_code, "updated")
        return _answer(code, f"Lead {word} successfully", **_naming(lead))

    def _named(self, keys: Mapping[str, Any]) -> Lead:
        """The lead that the first of the four keys given names; later keys are not looked at. 400, 404."""
        key = next((key for key in KEYS if key in keys), None)
        if key is None:
            raise RefusalError(400, f"One of {', '.join(KEYS)} is required")
        lead = self.project.leads.get(keys[key]) if key == "leadId" else self.project.newest(key, keys[key])
        if lead is None:
            raise RefusalError(404, "Lead not found")
        return lead

    def _admit(self, request: Request) -> None:
        """401 with the two documented texts, 403; then whatever is through the queue by now settles."""
        key = request.headers.get("X-API-Key")
        if not key:
            raise RefusalError(401, "Missing X-API-Key header")
        if key != API_KEY:
            raise RefusalError(401, "Invalid API key")
        self._subscribed()
        self.project.settle(self.clock())

    def _subscribed(self) -> None:
        if not self.active:
            raise RefusalError(403, "Project subscription is inactive")

    def _own(self, body: Mapping[str, Any]) -> None:
        """The project the body names is ours: 400 with the documented text, 404."""
        if not body.get("projectId"):
            raise RefusalError(400, "Missing required field: projectId")
        if not isinstance(body["projectId"], str):
            raise RefusalError(400, "Invalid projectId: a string is expected")
        if body["projectId"] not in PROJECTS:
            raise RefusalError(404, "Project not found")


# --- answers --------------------------------------------------------------------------------------------------------


def _answer(code: int, message: str, **rest: Any) -> Response:
    return JSONResponse({"message": message} | rest, code, CORS)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusalError):
        raise error
    return _answer(error.code, error.message)


async def _unrouted(_: Request, error: Exception) -> Response:
    """Wrong path or wrong method, in the vendor's envelope (texts unverified)."""
    if not isinstance(error, HTTPException):
        raise error
    body = {"message": "Method not allowed" if error.status_code == 405 else "Not found"}
    return JSONResponse(body, error.status_code, CORS | dict(error.headers or {}))


def _page(rows: list[Lead], page: int, limit: int) -> dict[str, Any]:
    """One page; beyond the end it is empty (assumed)."""
    pages = -(-len(rows) // limit)
    return {
        "leads": rows[(page - 1) * limit : page * limit],
        "total": len(rows),
        "page": page,
        "limit": limit,
        "totalPages": pages,
        "hasMore": page < pages,
    }


def _naming(lead: Lead) -> dict[str, Any]:
    return {"leadId": lead["id"], "uniqueIdentifier": lead["uniqueIdentifier"]}


def _warnings(lead: Lead, now: datetime) -> list[dict[str, str]]:
    """What each ad platform would miss. Reasons unverified; shape: docs update-lead-status."""
    ids = lead["attributionData"] or {}
    has = {"gclid": ids.get("gclid"), "cid": ids.get("cid"), "user_data": lead["email"] or lead["phone"]}
    wanted = (("google_ads", "gclid"), ("ga4", "cid"), ("meta", "user_data"))
    return [
        {"integration": platform, "reason": f"Missing {key}", "field": key, "timestamp": iso(now)}
        for platform, key in wanted
        if not has[key]
    ]


# --- query parameters: each parser raises ValueError ----------------------------------------------------------------

# "ISO 8601", date-only input unknown: zone and time are required, fractions stop at milliseconds. Unverified.
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_WITH_COUNTRY: Final = re.compile(r"\+\d[\d ()./-]{5,}$", re.ASCII)
_SORTS: Final = ("createdAt", "firstName", "lastName", "email", "price", "status")


def _whole(low: int, high: int | None = None) -> Parse:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError("a whole number is expected")
        number = int(text)
        if number < low or (high is not None and number > high):
            raise ValueError(f"from {low}" if high is None else f"{low} to {high}")
        return number

    return parse


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _words(text: str) -> frozenset[str]:
    """A comma list. Labels differ by project, so an unknown status matches nothing and is no error (unverified)."""
    return frozenset(_text(word) for word in text.split(","))


def _moment(text: str) -> str:
    if not _STAMP.fullmatch(text):
        raise ValueError("an ISO 8601 date and time with zone is expected")
    return iso(datetime.fromisoformat(text))


def _phrase(text: str) -> str:
    if len(text.strip()) < 2:
        raise ValueError("at least 2 characters")
    return text.casefold()


def _order(text: str) -> tuple[str, bool]:
    key, _, direction = text.partition(":")
    if key not in _SORTS or direction not in ("asc", "desc"):
        raise ValueError(f"field:asc or field:desc, one of {', '.join(_SORTS)}")
    return key, direction == "desc"


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


KEY_QUERY: Final[dict[str, Parse]] = {"leadId": _whole(1), "uniqueIdentifier": _text, "email": _text, "phone": _text}
KEYS: Final = tuple(KEY_QUERY)  # in order of priority
LIST_QUERY: Final[dict[str, Parse]] = {
    "limit": _whole(1, 100),
    "page": _whole(1),
    "status": _words,
    **dict.fromkeys(("formName", "uniqueIdentifier", "email", "phone"), _text),
    "createdAt[gte]": _moment,
    "createdAt[lte]": _moment,
    "search": _phrase,
    "sort": _order,
    **{f"{key}[exists]": _flag for key in ("gclid", "cid", "fbp", "fbc")},
}
DEFAULTS: Final[dict[str, Any]] = {"limit": 50, "page": 1, "sort": ("createdAt", True)}


def _query(request: Request, parsers: Mapping[str, Parse]) -> dict[str, Any]:
    """The parsed parameters; unknown, repeated and bad ones are refused (400, unverified)."""
    pairs = request.query_params.multi_items()
    if len(dict(pairs)) < len(pairs):
        raise RefusalError(400, "A query parameter is given twice")
    _known(dict(pairs), parsers)
    return {name: _parsed(name, text, parsers[name]) for name, text in pairs}


def _parsed(name: str, text: str, parse: Parse) -> Any:
    try:
        return parse(text)
    except (ValueError, OverflowError) as err:  # overflow: the year 1 in an eastern zone
        raise RefusalError(400, f"Invalid value for {name}: {err}") from err


def _known(given: Mapping[str, Any], names: Mapping[str, Any] | frozenset[str]) -> None:
    unknown = sorted(given.keys() - set(names))
    if unknown:
        raise RefusalError(400, f"Unknown parameter: {unknown[0]}")


# --- bodies ---------------------------------------------------------------------------------------------------------

# object: (keys that must hold strings, whether other keys are kept as given). Source: docs create-server-side-lead;
# attributionData keeps what clients add (design note); ipAdress is how the 2025 server tag spells it (sgtm).
OBJECTS: Final = {
    "userData": (("firstName", "lastName", "email", "phone", "companyName"), False),
    "attributionData": (("gclid", "wbraid", "cid", "sid", "fbp", "fbc"), True),
    "formData": (("formName", "formMessage", "uniqueEventId"), True),
    "deviceData": (("ipAddress", "userAgent", "ipAdress"), False),
}
ALIASES: Final = {"channelFlow": "lt_channelflow", "uniqueIdentifier": "unique_identifier"}
CREATE_KEYS: Final = frozenset({"projectId", *OBJECTS, *ALIASES, *ALIASES.values()})
STATUS_KEYS: Final = frozenset({*KEYS, "conversionId", "price"})


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object sent. The table of errors has no 415, so a wrong content type is 400 (unverified)."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusalError(400, "Content-Type must be application/json")
    try:
        body = json.loads(await request.body(), parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair could not be sent back
    except (ValueError, RecursionError) as err:
        raise RefusalError(400, "Invalid JSON body") from err
    if not isinstance(body, dict):
        raise RefusalError(400, "The body must be a JSON object")
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One nested object of the body, ``{}`` if absent. Nulls are refused: "optional strings" (unverified)."""
    strings, is_open = OBJECTS[name]
    data = body.get(name, {})
    if not isinstance(data, dict):
        raise RefusalError(400, f"Invalid {name}: an object is expected")
    if not is_open:
        _known(data, frozenset(strings))
    bad = next((key for key in strings if not isinstance(data.get(key, ""), str)), None)
    if bad:
        raise RefusalError(400, f"Invalid {name}.{bad}: a string is expected")
    return data


def _new_lead(body: Mapping[str, Any]) -> tuple[Lead, str | None]:
    """The fields of a lead in a create body, and its event id. Status, price and note cannot be set (repo notes)."""
    user, ids, form, _ = (_object(body, name) for name in OBJECTS)
    if not any(user.values()) and not any(ids.values()):
        raise RefusalError(400, "At least one of userData or attributionData must have data")
    given = {
        **user,
        "formName": form.get("formName"),
        "formData": form,
        "userData": user,
        "attributionData": ids,
        "channelFlow": _channel_flow(_aliased(body, "channelFlow")),
        "uniqueIdentifier": _own_id(_aliased(body, "uniqueIdentifier")),
    }
    return given, form.get("uniqueEventId") or None


def _aliased(body: Mapping[str, Any], name: str) -> Any:
    """The documented name wins over its alias (unverified)."""
    return body.get(name, body.get(ALIASES[name]))


def _channel_flow(value: Any) -> str | None:
    """A string; the array of steps vendor clients send (source: leadbot) reads back as JSON text (unverified)."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if value is not None and not isinstance(value, str):
        raise RefusalError(400, "Invalid channelFlow: a string is expected")
    return value


def _own_id(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= 255):
        raise RefusalError(400, "Invalid uniqueIdentifier: 1 to 255 characters are expected")
    return value


def _status_change(body: Mapping[str, Any]) -> tuple[str, int | None]:
    """(conversion, price in cents) of an updateLeadStatus body. An unknown label is 400 (unverified)."""
    _known(body, STATUS_KEYS)
    for key in (key for key in KEYS if key in body):
        kind = int if key == "leadId" else str
        if not isinstance(body[key], kind) or isinstance(body[key], bool):
            raise RefusalError(400, f"Invalid {key}")
    conversion = body.get("conversionId")
    if conversion is None:
        raise RefusalError(400, "Missing required field: conversionId")
    if conversion not in ("open", "lost", *LABELS):
        raise RefusalError(400, "Invalid conversionId")
    return conversion, _cents(body["price"]) if "price" in body else None


def _cents(value: Any) -> int:
    """Whole cents, not negative; fractions of a cent are refused (unverified)."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0 or value != value // 1:
        raise RefusalError(400, "Invalid price: cents, not negative, are expected")
    return int(value)
