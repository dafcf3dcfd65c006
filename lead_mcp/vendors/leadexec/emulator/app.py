"""A strict emulator of LeadExec, written from its documents (their tags: docs/sources.md).

Three hosts, here three paths: ``/data`` answers lead and ping queries, ``/account`` gives out tokens and lists the lead
types, ``/leads`` takes new leads. No document shows a refusal of the first two, so status and ``{"Message": ...}`` are
unverified, as is every choice a comment calls so. What is held and how it is spelled: ``records``.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeGuard

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lead_mcp.sandbox.kit import Clock
from lead_mcp.sandbox.world import CAMPAIGNS, SOURCES, World
from lead_mcp.vendors.leadexec.emulator.projection import Projecting, is_place, projected
from lead_mcp.vendors.leadexec.emulator.records import (
    CAMPAIGN_STATUS,
    CAMPAIGN_UIDS,
    LEAD_TYPES,
    SOURCE_UIDS,
    Direction,
    Lead,
    LeadType,
    Own,
    Post,
    Store,
    ping,
    record,
)

# GUID-shaped, as P1 shows them.
CLIENT_ID: Final = "1eadc11e-5a9d-4b0c-8000-c11e97000001"
CLIENT_SECRET: Final = "1eadc11e-5a9d-4b0c-8000-5ec2e7000001"  # noqa: S105  the emulator's own, opens nothing else
API_KEY: Final = "sandbox-leadexec-api-key"
DEFAULT_TAKE: Final = 100  # unverified: no default is documented
LARGEST_TAKE: Final = 1000  # unverified: the largest seen in use (P6, C6)
DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")  # both spellings: seed
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

WINDOW: Final = ("StartDate", "EndDate")
LEAD_QUERY: Final = ("Query", "SortFields", "SortOrder", "Fields", *WINDOW, "Skip", "Take")
PING_QUERY: Final = (*WINDOW, "SortOrder", "Skip", "Take")
# The two operators any document shows; every other is refused, plausible or not. Source: seed, P6
OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {"$gte": operator.ge, "$lte": operator.le}
TIMES: Final[dict[str, Callable[[Lead], Any]]] = {
    "DateAdded": operator.attrgetter("added"),
    "LastUpdated": operator.attrgetter("updated"),
}
# Source: P5
RESPONSE_TYPES: Final = {
    "No_Error": 0,
    "System_ID_Missing": 1,
    "LeadType_ID_Missing": 2,
    "Vendor_ID_Missing": 3,
    "No_Account_Found": 4,
    "Outside_Criteria": 5,
    "Duplicate_Lead": 6,
    "Account_Disabled": 7,
    "Post_Over_Max": 8,
    "Data_Errors": 9,
}
SOURCE_KEYS: Final = ("vid", "lid", "aid", "sendDelay", "returnURL")
PROPERTY_TYPES: Final[dict[str, type]] = {"orderId": str, "offerIds": list, "reference": str, "noSell": bool}  # P4

Test = Callable[[Lead], bool]
Body = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """Where the documents leave room, what this emulator does; see ``build``."""

    descending_is: Literal[0, 1]
    window_on: Literal["DateAdded", "LastUpdated"]
    refusals: Literal["status", "body"]
    uids: Literal["number", "text"]
    lead_types: Literal["uid", "id"]
    reply: Literal["names", "numbers", "plural"]
    insert_auth: Literal["api-key", "bearer"]
    projecting: Projecting


class Refusal(Exception):
    """A request that is not served: the HTTP status and the sentence that says why."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Unfit(Exception):
    """A lead that the receiver refuses: a ``ResponseType`` and its detail."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def build(
    world: World,
    *,
    clock: Clock,
    descending_is: Literal[0, 1] = 1,
    window_on: Literal["DateAdded", "LastUpdated"] = "DateAdded",
    refusals: Literal["status", "body"] = "status",
    uids: Literal["number", "text"] = "number",
    lead_types: Literal["uid", "id"] = "uid",
    reply: Literal["names", "numbers", "plural"] = "names",
    insert_auth: Literal["api-key", "bearer"] = "api-key",
    projecting: Projecting = "own",
    lifetime: int = 3600,
    lag: timedelta = timedelta(0),
) -> Starlette:
    """The emulator over ``world``; ``app.state.store`` is its store (``revoke()`` kills every token given out).

    - ``descending_is``: which integer ``SortOrder`` of the lead query sorts downwards (unknown).
    - ``window_on``: the date that StartDate and EndDate are compared with (P6 suggests DateAdded, C6 LastUpdated).
    - ``refusals``: a refused credential answers 401, or 200 with a body without token or Leads (P1, C2, C3).
    - ``uids``: a lead's UID in replies is a number (seed) or text (C6).
    - ``lead_types``: listed as ``{LeadTypeUID, Name}`` (unverified) or ``{Id, Name}`` (P7).
    - ``reply``: the receiver's ``ResponseType`` by name or number (P5), or by name with ``ResponseDetails``.
    - ``insert_auth``: the receiver wants ``api-key`` (P4) or the bearer token (C2, C3, P2).
    - ``projecting``: what ``Fields`` of the lead query means (see ``projection``).
    - ``lifetime``: seconds a token lives (3600: P1, P2). ``lag``: until a new lead can be queried (C4, C5).
    """
    dialect = Dialect(descending_is, window_on, refusals, uids, lead_types, reply, insert_auth, projecting)
    store = Store(world, clock, lifetime, lag)
    app = Starlette(
        routes=_routes(Data(store, dialect), Account(store, dialect), Receiver(store, dialect)),
        exception_handlers={Refusal: _refused, HTTPException: _unroutable},
    )
    app.state.store = store
    return app


def _routes(data: Data, account: Account, receiver: Receiver) -> list[Route]:
    return [
        Route("/data/v1/leads/query/{uid:int}", data.leads, methods=["POST"]),
        Route("/data/v1/pings/inbound/query/{uid:int}", data.inbound, methods=["POST"]),
        Route("/data/v1/pings/outbound/query/{uid:int}", data.outbound, methods=["POST"]),
        Route("/account/v1/authorization/token", account.token, methods=["POST"]),
        Route("/account/v1/leadtypes", account.lead_types, methods=["GET"]),
        Route("/leads/v2/insert/general", receiver.insert, methods=["POST"]),
    ]


def environment(origin: str) -> dict[str, str]:
    """What a user sets to reach the emulator mounted at ``origin``."""
    return {
        "LEADEXEC_CLIENT_ID": CLIENT_ID,
        "LEADEXEC_CLIENT_SECRET": CLIENT_SECRET,
        "LEADEXEC_LEAD_TYPE_UIDS": ",".join(map(str, LEAD_TYPES)),
        "LEADEXEC_DATA_URL": f"{origin}/data",
        "LEADEXEC_ACCOUNT_URL": f"{origin}/account",
        "LEADEXEC_LEADS_URL": f"{origin}/leads",
        "LEADEXEC_API_KEY": API_KEY,
        "LEADEXEC_SOURCE_VID": str(SOURCE_UIDS[SOURCES[0]]),
        "LEADEXEC_SOURCE_AID": str(CAMPAIGN_UIDS[CAMPAIGNS[0]]),
    }


def busy() -> Response:
    """A plain 429: no rate limit of LeadExec's is documented anywhere."""
    return PlainTextResponse("Too Many Requests", 429, {"Retry-After": "1"})


async def _refused(_: Request, refusal: Exception) -> Response:
    status = refusal.status if isinstance(refusal, Refusal) else 500
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"Message": str(refusal)}, status, headers)


async def _unroutable(_: Request, error: Exception) -> Response:
    """No such path (404), or a path asked in another way than it is served (405)."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    return JSONResponse({"Message": f"No such resource ({status})."}, status, headers)


# --- reading a request -----------------------------------------------------------------------------------------------


async def _body(request: Request, allowed: Collection[str]) -> Body:
    """The JSON object sent, with no key but those ``allowed``; keys are case-sensitive (unverified)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal("Content type must be application/json.", 415)
    if request.url.query:
        raise Refusal(f"Unknown query parameters: {request.url.query}.")
    try:
        body = json.loads(await request.body(), parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair could never be answered again
    except (ValueError, RecursionError) as err:
        raise Refusal("The body is not valid JSON.") from err
    return _object(body, "body", allowed)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(value: Any, name: str, allowed: Collection[str]) -> Body:
    if not isinstance(value, dict):
        raise Refusal(f"{name} must be an object.")
    if unknown := sorted(value.keys() - set(allowed)):
        raise Refusal(f"{name}: unknown parameters {', '.join(unknown)}.")
    return value


def _names(body: Body, key: str, allowed: Collection[str]) -> list[str] | None:
    """A list of field names, or None if absent or empty (empty means all or default: unverified)."""
    names = body.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refusal(f"{key} must be an array of field names.")
    if unknown := [name for name in names if name not in allowed]:
        raise Refusal(f"{key}: unknown fields {', '.join(unknown)}.")
    return names or None


def _count(body: Body, key: str, default: int, largest: int | None = None) -> int:
    value = body.get(key, default)
    if type(value) is not int or value < 0:
        raise Refusal(f"{key} must be a whole number from 0.")
    if largest is not None and value > largest:
        raise Refusal(f"{key} must be at most {largest}.")
    return value


def _page(body: Body) -> tuple[int, int]:
    """Skip and Take; ``Take: 0`` is taken at its word (no rows), which is unverified."""
    return _count(body, "Skip", 0), _count(body, "Take", DEFAULT_TAKE, LARGEST_TAKE)


def _window(body: Body) -> tuple[datetime, datetime]:
    """StartDate and EndDate, both required, each with ``Z`` or an offset. Source: seed"""
    since, until = (_date(body, key) for key in WINDOW)
    if since > until:
        raise Refusal("StartDate must not be after EndDate.")  # unverified
    return since, until


def _date(body: Body, key: str) -> datetime:
    if key not in body:
        raise Refusal(f"{key} is required.")
    text = body[key]
    try:
        if isinstance(text, str) and DATE.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # such as the 31st of February: refused below
    raise Refusal(f"{key} must be a date such as 2020-10-23T12:24:36Z.")


def _lead_type(request: Request) -> LeadType:
    uid = request.path_params["uid"]
    if uid not in LEAD_TYPES:
        raise Refusal(f"Lead type {uid} does not exist.", 404)  # unverified
    return LEAD_TYPES[uid]


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _check_token(request: Request, store: Store, dialect: Dialect) -> None:
    """Every route but the token's wants ``Authorization: Bearer``. Source: seed, P1; the refusal is unverified."""
    if not store.honours(_bearer(request)):
        raise Refusal("Authorization has been denied for this request.", 401 if dialect.refusals == "status" else 200)


# --- the filter ------------------------------------------------------------------------------------------------------


def _tests(query: Any, kind: LeadType) -> list[Test]:
    """What a lead must pass: ``{field: value}`` or ``{field: {"$gte": n, "$lte": n}}``, all of them.

    Only the lead type's own fields and UID can be asked for, ranges only of numbers, and a value has to be of the field's
    own JSON type (a real MongoDB would match nothing, without an error). Text is compared exactly, with case.
    Source: seed, P6, C4; everything refused here is unverified.
    """
    if not isinstance(query, dict):
        raise Refusal("Query must be an object.")
    return [test for name, wanted in query.items() for test in _field_tests(name, wanted, kind)]


def _field_tests(name: str, wanted: Any, kind: LeadType) -> Iterable[Test]:
    if name.startswith("$"):
        raise Refusal(f"Query: operator {name} is not supported.")
    if name != "UID" and name not in kind.fields:
        raise Refusal(f"Query: {name} is not a field of lead type {kind.uid}.")
    numeric = name == "UID" or kind.fields[name].type is not str
    if not isinstance(wanted, dict):
        return [_test(name, operator.eq, _operand(name, wanted, numeric=numeric))]
    if not wanted or (unknown := sorted(wanted.keys() - OPERATORS.keys())):
        said = f"operator {', '.join(unknown)} is not supported" if wanted else f"{name} has no condition"
        raise Refusal(f"Query: {said}; use {' and '.join(OPERATORS)}.")
    if not numeric:
        raise Refusal(f"Query: {name} is text and has no range.")
    return [_test(name, OPERATORS[op], _operand(name, value, numeric=True)) for op, value in wanted.items()]


def _operand(name: str, value: Any, *, numeric: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float) if numeric else str):
        raise Refusal(f"Query: {name} is compared with {'a number' if numeric else 'text'}.")
    return value


def _test(name: str, compare: Callable[[Any, Any], bool], wanted: Any) -> Test:
    if name == "UID":
        return lambda lead: compare(lead.uid, wanted)

    def passes(lead: Lead) -> bool:
        value = lead.fields.get(name)
        return value is not None and compare(value, wanted)

    return passes


# --- the query API ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Data:
    """apidata.leadexec.net: leads and pings, read only. Source: seed"""

    store: Store
    dialect: Dialect

    async def leads(self, request: Request) -> Response:
        """``POST /v1/leads/query/{LeadTypeUID}``: ``{QueryTotal, SentCount, Skip, Take, Leads}``."""
        _check_token(request, self.store, self.dialect)
        body, kind = await _body(request, LEAD_QUERY), _lead_type(request)
        names, (skip, take) = self._projection(body, kind), _page(body)
        found = self._sorted(self._found(body, kind), body, kind)
        page = found[skip : skip + take]
        return JSONResponse(
            {
                "QueryTotal": len(found),
                "SentCount": len(page),
                "Skip": skip,
                "Take": take,
                "Leads": [self._shown(lead, names, first=skip == 0) for lead in page],
            }
        )

    def _projection(self, body: Body, kind: LeadType) -> list[str] | None:
        """The names in ``Fields``, where the dialect takes such names at all."""
        how = self.dialect.projecting
        if how == "own":
            return _names(body, "Fields", kind.fields)
        given = [name for name in body.get("Fields", []) if isinstance(name, str)] if how != "refused" else []
        return _names(body, "Fields", [name for name in given if how == "ignored" or is_place(name, kind.fields)])

    def _shown(self, lead: Lead, names: list[str] | None, *, first: bool) -> Body:
        how, uid_as_text = self.dialect.projecting, self.dialect.uids == "text"
        if names is None or how == "own":
            return record(lead, names, uid_as_text=uid_as_text)
        return projected(record(lead, None, uid_as_text=uid_as_text), names, how, first=first)

    def _found(self, body: Body, kind: LeadType) -> list[Lead]:
        """Every match, oldest first; both ends of the window are included (unverified)."""
        self.store.settle()
        (since, until), when = _window(body), TIMES[self.dialect.window_on]
        tests = _tests(body.get("Query", {}), kind)
        return [
            lead
            for lead in self._candidates(body.get("Query", {}), kind)
            if since <= when(lead) <= until and all(test(lead) for test in tests)
        ]

    def _candidates(self, query: Body, kind: LeadType) -> list[Lead]:
        """The one lead that a UID names, which spares the walk; else the lead type's leads."""
        if not isinstance(query.get("UID"), int):
            return self.store.leads[kind.uid]
        lead = self.store.by_uid.get(query["UID"])
        return [lead] if lead is not None and lead.kind is kind else []

    def _sorted(self, found: list[Lead], body: Body, kind: LeadType) -> list[Lead]:
        """In the order asked for; by DateAdded, upwards, if nothing is (P6). Missing values count as smallest."""
        names = _names(body, "SortFields", ("UID", *TIMES, *kind.fields)) or ["DateAdded"]
        order = body.get("SortOrder", 1 - self.dialect.descending_is)
        if type(order) is not int or order not in (0, 1):
            raise Refusal("SortOrder must be 0 or 1.")
        return sorted(found, key=_sort_key(names), reverse=order == self.dialect.descending_is)

    async def inbound(self, request: Request) -> Response:
        """``POST /v1/pings/inbound/query/{LeadTypeUID}``: what suppliers asked."""
        return await self._pings(request, "inbound")

    async def outbound(self, request: Request) -> Response:
        """``POST /v1/pings/outbound/query/{LeadTypeUID}``: what buyers were asked."""
        return await self._pings(request, "outbound")

    async def _pings(self, request: Request, direction: Direction) -> Response:
        """``{Total, Sent, Skip, Take, QueryTime, Pings}``, by creation date, ``ASC`` (our default) or ``DESC``."""
        _check_token(request, self.store, self.dialect)
        body, kind = await _body(request, PING_QUERY), _lead_type(request)
        skip, take = _page(body)
        if (order := body.get("SortOrder", "ASC")) not in ("ASC", "DESC"):
            raise Refusal("SortOrder must be ASC or DESC.")
        rows = self.store.pings_between(direction, kind.uid, *_window(body))
        page = (rows if order == "ASC" else rows[::-1])[skip : skip + take]
        counts = {"Total": len(rows), "Sent": len(page), "Skip": skip, "Take": take, "QueryTime": 0.0123}
        return JSONResponse(counts | {"Pings": [ping(direction, row) for row in page]})


def _sort_key(names: list[str]) -> Callable[[Lead], Any]:
    def key(lead: Lead) -> list[tuple[bool, Any]]:
        values = (_sortable(lead, name) for name in names)
        return [(value is not None, value) for value in values]

    return key


def _sortable(lead: Lead, name: str) -> Any:
    if name == "UID":
        return lead.uid
    return TIMES[name](lead) if name in TIMES else lead.fields.get(name)


# --- the account API -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """api.leadexec.net: tokens and lead types. The path that lists a lead type's fields is unknown, so there is none."""

    store: Store
    dialect: Dialect

    async def token(self, request: Request) -> Response:
        """``{"access_token", "token_type": "Bearer", "expires_in": seconds, "error": null}``. Source: P1, P2

        A refusal fills ``error`` (its wording is unverified) and comes with 400 or 401, or with 200 (see ``build``).
        """
        body = await _body(request, ("client_id", "client_secret", "grant_type"))
        if error := _token_error(body):
            status = (401 if error == "invalid_client" else 400) if self.dialect.refusals == "status" else 200
            return JSONResponse({"access_token": None, "token_type": None, "expires_in": 0, "error": error}, status)
        token = self.store.issue()
        return JSONResponse(
            {"access_token": token, "token_type": "Bearer", "expires_in": self.store.lifetime, "error": None}
        )

    async def lead_types(self, request: Request) -> Response:
        """``GET /v1/leadtypes``: an array; what an item is called in it is unverified. Source: C1, P7"""
        _check_token(request, self.store, self.dialect)
        if request.url.query:
            raise Refusal(f"Unknown query parameters: {request.url.query}.")
        key = {"uid": "LeadTypeUID", "id": "Id"}[self.dialect.lead_types]
        return JSONResponse([{key: kind.uid, "Name": kind.name} for kind in LEAD_TYPES.values()])


def _token_error(body: Body) -> str | None:
    if not {"client_id", "client_secret", "grant_type"} <= body.keys():
        return "invalid_request"
    if body["grant_type"] != "client_credentials":
        return "unsupported_grant_type"
    return None if (body["client_id"], body["client_secret"]) == (CLIENT_ID, CLIENT_SECRET) else "invalid_client"


# --- the lead receiver -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Receiver:
    """leads.leadexec.net: new leads. Source: P4 for the request; the v2 reply is unknown, so P5's (v1) is given."""

    store: Store
    dialect: Dialect

    async def insert(self, request: Request) -> Response:
        """``POST /v2/insert/general``: one reply object, or an array of them for several leads (unverified).

        A lead not taken is a reply with ``isValidPost: false`` on HTTP 200 (the status is unverified); only a wrong key or a
        body of the wrong shape is an HTTP error.
        """
        self._check_key(request)
        body = await _body(request, ("source", "leads"))
        leads = body.get("leads")
        if not isinstance(leads, list) or not leads:
            raise Refusal("leads must be an array of at least one lead.")
        for lead in leads:
            _object(lead, "leads[]", ("properties", "fields"))
        replies = [self._take(body.get("source"), lead) for lead in leads]
        return JSONResponse(replies[0] if len(replies) == 1 else replies)

    def _check_key(self, request: Request) -> None:
        if self.dialect.insert_auth == "bearer":
            _check_token(request, self.store, self.dialect)
        elif request.headers.get("api-key") != API_KEY:
            raise Refusal("The api-key header is missing or wrong.", 401 if self.dialect.refusals == "status" else 200)

    def _take(self, source: Any, lead: Body) -> Body:
        try:
            kind, vid, aid = _route(source)
            uid = self.store.insert(kind, _post(kind, vid, aid, lead))
        except Unfit as unfit:
            return self._reply(unfit.kind, str(unfit))
        if uid is None:
            return self._reply("Duplicate_Lead", "A lead with the same e-mail or phone was received already.")
        return self._reply("No_Error", "Lead received.", uid, aid)

    def _reply(self, kind: str, detail: str, uid: int = 0, aid: int = 0) -> Body:
        """The v1 reply (P5). One client reads the detail from ``ResponseDetails`` instead."""
        return {
            "PostID": self.store.next_post(),
            "isValidPost": kind == "No_Error",
            "ResponseType": RESPONSE_TYPES[kind] if self.dialect.reply == "numbers" else kind,
            "ResponseDetails" if self.dialect.reply == "plural" else "ResponseDetail": detail,
            "LeadIdentifier": uid,
            "VendorAccountAssigned": aid,
            "PendingQCReview": False,
        }


def _route(source: Any) -> tuple[LeadType, int, int]:
    """The lead type, source and campaign named by ``source``; which refusal answers which fault is unverified."""
    if not isinstance(source, dict):
        raise Unfit("System_ID_Missing", "source is missing.")
    if unknown := sorted(source.keys() - set(SOURCE_KEYS)):
        raise Unfit("Data_Errors", f"source: unknown {', '.join(unknown)}.")
    if not _is_number(source.get("vid")):
        raise Unfit("Vendor_ID_Missing", "source.vid is missing.")
    if not _is_number(source.get("lid")) or source["lid"] not in LEAD_TYPES:
        raise Unfit("LeadType_ID_Missing", "source.lid is missing or unknown.")
    delay = source.get("sendDelay")
    if not _is_number(delay) or delay < 0 or not isinstance(source.get("returnURL", ""), str):
        raise Unfit("Data_Errors", "source.sendDelay must be a number of hours, returnURL text.")
    return LEAD_TYPES[source["lid"]], *_campaign(source)


def _campaign(source: Body) -> tuple[int, int]:
    """The lead source and the campaign posted to; without ``aid`` the first. Only an active one takes leads.

    Source: P4, P10
    """
    aid = source.get("aid", CAMPAIGN_UIDS[CAMPAIGNS[0]])
    if source["vid"] not in SOURCE_UIDS.values() or not _is_number(aid) or aid not in CAMPAIGN_STATUS:
        raise Unfit("No_Account_Found", "No such lead source or campaign.")
    if (status := CAMPAIGN_STATUS[int(aid)]) != "Active":
        raise Unfit("Account_Disabled", f"The campaign is {status}.")
    return int(source["vid"]), int(aid)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _post(kind: LeadType, vid: int, aid: int, lead: Body) -> Post:
    properties, fields = lead.get("properties", {}), lead.get("fields")
    if not isinstance(properties, dict) or not isinstance(fields, dict):
        raise Unfit("Data_Errors", "properties and fields must be objects.")
    for name, value in properties.items():
        if name not in PROPERTY_TYPES or not isinstance(value, PROPERTY_TYPES[name]):
            raise Unfit("Data_Errors", f"properties.{name} is unknown or of the wrong type.")
    cleaned = {name: _clean(kind, name, value) for name, value in fields.items()}
    if missing := [name for name in kind.required if not str(cleaned.get(name, "")).strip()]:
        raise Unfit("Data_Errors", f"Missing: {', '.join(missing)}.")
    return Post(vid, aid, cleaned, properties.get("reference", ""), properties.get("noSell", False))


def _clean(kind: LeadType, name: str, value: Any) -> Any:
    """A posted value as it is stored: what a phone may not hold is stripped (P7), ten digits have to remain (P11)."""
    own = kind.fields.get(name)
    cleaned = None if own is None else CLEANERS[own.kind](own, value)
    if cleaned is None:
        raise Unfit("Data_Errors", f"{name} is unknown or not valid.")
    return cleaned


def _clean_phone(own: Own, value: Any) -> Any:
    digits = re.sub(r"\D", "", str(value))
    return own.type(digits) if re.fullmatch(r"[2-9]\d{9}", digits) else None


def _clean_number(own: Own, value: Any) -> Any:
    """A finite number, also written as text; whole where the field holds whole numbers."""
    try:
        number = float("nan" if isinstance(value, bool) else value)
        return own.type(number) if math.isfinite(number) and own.type(number) == number else None
    except (TypeError, ValueError, OverflowError):
        return None


CLEANERS: Final[dict[str, Callable[[Own, Any], Any]]] = {
    "text": lambda _, value: value if isinstance(value, str) else None,
    "email": lambda _, value: value if isinstance(value, str) and EMAIL.fullmatch(value) else None,
    "phone": _clean_phone,
    "number": _clean_number,
}
