"""LeadExec's dialect: three query routes that take JSON, one lead type a call, and a token traded for keys.

``POST /v1/leads/query/{LeadTypeUID}`` answers ``{"QueryTotal", "SentCount", "Skip", "Take", "Leads": [...]}``, the PING
routes ``{"Total", "Sent", "Skip", "Take", "QueryTime", "Pings": [...]}``. A time window is required everywhere. No error of a
query route is documented: any error text is looked for, and a body without rows is never an empty page. No document says
what ``Fields`` (a projection) leaves of a lead, so it is sent as ``Route.projects`` has it. Source: seed; P1 (token).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from lead_mcp.dates import SECOND, rounded_down, rounded_up
from lead_mcp.errors import Rejected, TooLarge, Unauthorized
from lead_mcp.filters import LOWER, RANGE, UPPER, Kind, Op, Where, as_number
from lead_mcp.vendors.leadexec.fields import LEAD, SECTIONS, UNKNOWN, discovered
from lead_mcp.vendors.replies import as_count, as_object, body_or_none, counted_rows, error_of, object_at, ok
from lead_mcp.vendors.samples import sampled_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap, Paths
from lead_mcp.vendors.spec.http import Raw, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, follows

LEADS: Final = "/v1/leads/query"
PINGS: Final = {"inbound": "/v1/pings/inbound/query", "outbound": "/v1/pings/outbound/query"}
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
FOREVER: Final = datetime(2100, 1, 1, tzinfo=UTC)
SAMPLE: Final = 50
TOKEN_LIFE: Final = 3600.0
WHOLE_LEAD_ID: Final = re.compile(r"[0-9]{1,18}-[0-9]{1,18}")
TIME_FIELDS: Final = frozenset({"created_at", "Properties.DateAdded"})

Bounds = tuple[tuple[str, Callable[[Any, Any], Any]], ...]
LEAST: Final[Bounds] = (("$gte", max),)
MOST: Final[Bounds] = (("$lte", min),)
BOUNDS: Final[Mapping[Op, Bounds]] = {Op.GT: LEAST, Op.GTE: LEAST, Op.LT: MOST, Op.LTE: MOST, Op.EQ: LEAST + MOST}
"""``$gte`` and ``$lte`` are the only operators any document shows (seed, P6); several bounds on one field become one."""
NOT_A_LEAD_FIELD: Final = frozenset(path.rpartition(".")[2] for path in LEAD.own if not path.startswith("Fields."))
LARGEST_NUMBER: Final = 10**15

ERROR_KEYS: Final = ("error", "Error")
MESSAGE_KEYS: Final = ("Message", "message")
REFUSED: Final = re.compile(
    r"(access|bearer|invalid|expired).?token|token.{0,12}(expired|invalid)|unauthori[sz]ed|authori[sz]ation|authenticat"
    r"|credential",
    re.IGNORECASE,
)


# --- credentials --------------------------------------------------------------------------------------------------


def login(account: Account) -> Request:
    """``POST /v1/authorization/token``. Source: P1."""
    return Request("POST", "/v1/authorization/token", json={"grant_type": "client_credentials"}, base="account_url")


def sign_login(request: Request, secrets: Mapping[str, str]) -> Signature:
    """The key pair, in the body."""
    return Signature(json={key: secrets[key] for key in ("client_id", "client_secret")})


def read_token(reply: Reply) -> tuple[str, float]:
    """The token and its seconds of life (3600 where the reply does not say). Source: P1, C1 to C3.

    A failure is told by ``error`` or by the lack of a token, whatever the status. Raises Unauthorized for it.
    """
    body = body_or_none(reply)
    words = complaint(body, "access_token")
    if ok(reply) and not words:
        found = as_object(reply.json())
        if isinstance(found.get("access_token"), str) and found["access_token"]:
            return found["access_token"], seconds(found.get("expires_in"))
    refused = ok(reply) or reply.status in (400, 401, 403)
    raise error_of(reply, words, kind=Unauthorized if refused else None)


def seconds(raw: Any) -> float:
    life = as_number(raw)
    return float(life) if life is not None and life > 0 else TOKEN_LIFE


def sign(request: Request, secrets: Mapping[str, str]) -> Signature:
    """The bearer token; at the Lead Receiver with ``api-key`` too, if there is one. Source: seed, P1; P4, C2, C3.

    The receiver's page wants ``api-key``, two clients send the bearer token, a campaign may demand it: both are sent.
    """
    headers = {"Authorization": f"Bearer {secrets['token']}"}
    if request.base == "leads_url" and secrets.get("api_key"):
        headers["api-key"] = secrets["api_key"]
    return Signature(headers=headers)


# --- asking -------------------------------------------------------------------------------------------------------


def takes(where: Where, fields: FieldMap) -> Push | None:
    """The window, and a number's bounds on one of the lead type's own fields; nothing else is documented.

    That LeadExec compares a number with a number is shown (seed: ``LoanAmount``); that it also compares one with the
    text of a number is unverified, so a field that was seen to hold text is not asked by.
    """
    if where.field in TIME_FIELDS:
        return Push.EDGE if where.op in RANGE else None
    name = where.field.removeprefix("Fields.")
    plain = name != where.field and name not in NOT_A_LEAD_FIELD and not name.startswith("$") and "." not in name
    known = fields.get(where.field)
    plain = plain and (known is None or known.kind is Kind.NUMBER)
    return Push.COARSE if plain and where.op in BOUNDS and spellable(where.value) else None


def spellable(value: Any) -> bool:
    """Whether a number is the same once it is a JSON number."""
    return isinstance(value, Decimal) and abs(value) <= LARGEST_NUMBER and Decimal(str(number(value))) == value


def number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def search_leads(account: Account, ask: PageRequest) -> Request:
    """One page of a lead type's leads. That ``SortOrder`` 1 is descending is unverified (seed shows a 0)."""
    descending = ask.order is not None and ask.order.descending
    query = lead_query(ask.where)
    return data(
        LEADS,
        ask.partition,
        {
            **({"Query": query} if query else {}),
            **({} if ask.columns is None else {"Fields": list(projected(ask.columns))}),
            **window(ask),
            # sent unasked too: pages need some order
            "SortFields": ["DateAdded"],
            "SortOrder": int(descending),
            "Skip": ask.offset,
            "Take": ask.limit,
        },
    )


def projected(columns: Paths) -> Paths:
    """The names that ``Fields`` asks for: dotted, as the values stand in a lead (unverified; seed: "field names").

    The lead type's own fields are one name: which ones there are is known from its leads alone. None stands below another.
    """
    paths = {"Fields" if path.startswith("Fields.") else path for path in columns if path != "LeadTypeUID"} | {"UID"}
    return tuple(sorted(path for path in paths if not any(path.startswith(f"{other}.") for other in paths)))


def search_pings(path: str) -> Callable[[Account, PageRequest], Request]:
    """One page of a lead type's PINGs, oldest first unless asked otherwise."""

    def build(account: Account, ask: PageRequest) -> Request:
        descending = ask.order is not None and ask.order.descending
        order = {"SortOrder": "DESC" if descending else "ASC"}
        return data(path, ask.partition, {**window(ask), **order, "Skip": ask.offset, "Take": ask.limit})

    return build


def data(path: str, partition: str | None, body: Mapping[str, Any]) -> Request:
    return Request("POST", f"{path}/{quote(partition or '', safe='')}", json=dict(body), base="data_url")


def lead_query(wheres: Sequence[Where]) -> dict[str, dict[str, int | float]]:
    """``{"LoanAmount": {"$gte": 150000}}``."""
    query: dict[str, dict[str, int | float]] = {}
    for where in wheres:
        if where.field in TIME_FIELDS:
            continue
        bounds = query.setdefault(where.field.removeprefix("Fields."), {})
        value = number(where.value)
        for operator, tighter in BOUNDS[where.op]:
            bounds[operator] = tighter(bounds.get(operator, value), value)
    return query


def window(ask: PageRequest) -> dict[str, str]:
    """``StartDate`` and ``EndDate``, both required: UTC, whole seconds, rounded outwards; never the wrong way round."""
    starts = [where.value for where in ask.where if isinstance(where.value, datetime) and where.op in LOWER]
    ends = [where.value for where in ask.where if isinstance(where.value, datetime) and where.op in UPPER]
    start = rounded_down(max(starts, default=EPOCH), SECOND)
    end = rounded_up(min((FOREVER, *ends)), SECOND)
    return {"StartDate": spelled(start), "EndDate": spelled(max(start, end))}


def spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


ALWAYS: Final = {"StartDate": spelled(EPOCH), "EndDate": spelled(FOREVER)}


def get_lead(account: Account, ids: Sequence[str], columns: Paths | None) -> Request:
    """A query for one UID over all time. The filter works on the legacy route (C4, C5); unverified on this one."""
    lead_type, _, uid = ids[0].partition("-")
    return data(LEADS, lead_type, {"Query": {"UID": int(uid)}, **ALWAYS, "Skip": 0, "Take": 2})


def is_lead_id(text: str) -> bool:
    return WHOLE_LEAD_ID.fullmatch(text) is not None


def sample_leads(account: Account, partition: str | None) -> Request:
    """A lead type's newest leads: no documented call lists its fields."""
    newest = {"SortFields": ["DateAdded"], "SortOrder": 1, "Skip": 0, "Take": SAMPLE}
    return data(LEADS, partition, {**ALWAYS, **newest})


def sample_pings(path: str) -> Callable[[Account, str | None], Request]:
    """A lead type's newest PINGs: what stands in their ``Fields`` is each lead type's own."""
    return lambda account, partition: data(path, partition, {**ALWAYS, "SortOrder": "DESC", "Skip": 0, "Take": SAMPLE})


def check(account: Account) -> Request:
    """``GET /v1/leadtypes``: reads the names of the lead types. Source: C1; the reply's shape is unknown."""
    return Request("GET", "/v1/leadtypes", base="account_url")


# --- reading ------------------------------------------------------------------------------------------------------


def read_leads(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """The page, each row with its lead type. Raises VendorError."""
    return paged(ask, as_object(opened(reply, "Leads")), "Leads", "QueryTotal")


def read_pings(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """The page, each row with its lead type. Raises VendorError."""
    return paged(ask, as_object(opened(reply, "Pings")), "Pings", "Total")


def paged(ask: PageRequest, body: Mapping[str, Any], key: str, counter: str) -> Page:
    """The rows under ``key``; more follow until as many as the counter says have come. Raises TooLarge, MalformedReply.

    The largest ``Take`` is unknown. A reply that says it took fewer than asked is no page: going on from its end as asked
    would lose what lies between.
    """
    rows = located(counted_rows(body.get(key), body.get(counter)), ask.partition)
    total = as_count(body.get(counter))
    more = follows(total, ask.offset, len(rows))
    taken = as_count(body.get("Take"))
    if more and taken and len(rows) <= taken < ask.limit:
        message = f"LeadExec sends at most {taken} records a request; {ask.limit} were asked for."
        raise TooLarge(message)
    return Page(rows, total, more)


def listed(reply: Reply, key: str, counter: str) -> Sequence[Raw]:
    """The rows under ``key`` of a success. Raises VendorError."""
    body = as_object(opened(reply, key))
    return counted_rows(body.get(key), body.get(counter))


def located(rows: Sequence[Raw], partition: str | None) -> list[Raw]:
    """The rows, each with the ``LeadTypeUID`` it was found under, unless LeadExec sends one."""
    uid = int(partition) if partition and partition.isdecimal() else partition
    return [row if row.get("LeadTypeUID") else {**row, "LeadTypeUID": uid} for row in rows]


def read_lead(account: Account, ids: Sequence[str], reply: Reply) -> Sequence[Raw]:
    """The lead; other rows, should LeadExec have ignored the filter."""
    lead_type = ids[0].partition("-")[0]
    return located(listed(reply, "Leads", "QueryTotal"), lead_type)


def read_sample(account: Account, partition: str | None, reply: Reply) -> Mapping[str, Field]:
    """The fields of the leads in the sample, by dotted name."""
    seen: dict[str, list[Any]] = {}
    for row in listed(reply, "Leads", "QueryTotal"):
        for section in SECTIONS:
            for name, value in object_at(row, section).items():
                seen.setdefault(f"{section}.{name}", []).append(value)
    return {path: discovered(path, values) for path, values in seen.items()}


def read_ping_sample(known: FieldMap) -> Callable[[Account, str | None, Reply], Mapping[str, Field]]:
    """The fields of the PINGs in the sample, by dotted name."""

    def read(account: Account, partition: str | None, reply: Reply) -> Mapping[str, Field]:
        return sampled_fields(listed(reply, "Pings", "Total"), known, UNKNOWN)

    return read


def checked(reply: Reply) -> None:
    opened(reply)


def opened(reply: Reply, key: str = "") -> Any:
    """The body of a success. Raises by status; on a 200 with an error's text Unauthorized or Rejected (unverified).

    A message beside the rows under ``key`` is no failure, an error beside them is.
    """
    body = body_or_none(reply)
    words = complaint(body, key)
    if not ok(reply):
        raise error_of(reply, words)
    if words:
        raise error_of(reply, words, kind=Unauthorized if REFUSED.search(words) else Rejected)
    return reply.json()


def complaint(body: Any, key: str = "") -> str:
    """What a body says went wrong, under any key such words are known to stand; empty where it says nothing."""
    if not isinstance(body, Mapping):
        return ""
    found = first(body, ERROR_KEYS if key in body else ERROR_KEYS + MESSAGE_KEYS)
    inner = first(found, ERROR_KEYS + MESSAGE_KEYS) if isinstance(found, Mapping) else None
    return str(inner or found or "")


def first(body: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((body[key] for key in keys if body.get(key)), None)
