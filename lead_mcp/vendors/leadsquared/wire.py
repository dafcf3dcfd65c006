"""LeadSquared's dialect: ``POST LeadManagement.svc/Leads.Get`` with one condition, sorting, a page; and its neighbours.

Leads come as a bare array, as ``{"RecordCount", "Leads": [...]}``, or as a bare object; a lead is flat, or
``{"LeadPropertyList": [{"Attribute", "Value"}]}``. What RecordCount counts is not documented: no total is taken from it.
Errors: ``{"Status": "Error", "ExceptionType", "ExceptionMessage"}``, mostly on HTTP 500 and now and then on 200.
Source: seed; developer centre; community where a remark says so (docs/sources.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from lead_mcp.dates import SECOND, rounded_down, rounded_up
from lead_mcp.errors import Conflict, LeadMcpError, MalformedReply, RateLimited, Rejected, Unauthorized
from lead_mcp.filters import LOWER, UPPER, Op, Order, Where, as_number
from lead_mcp.vendors.leadsquared.fields import EVERY_COLUMN, LEAD, NEVER_COLUMNS, discovered
from lead_mcp.vendors.replies import (
    Failure,
    as_count,
    as_id,
    as_object,
    as_pairs,
    as_rows,
    body_or_none,
    counted_rows,
    error_of,
    failure,
    ok,
)
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap, Paths, at, read_moment
from lead_mcp.vendors.spec.http import Raw, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, Recording, RecordingPage, by_table

LEADS: Final = "/LeadManagement.svc"
PAGE: Final = 1000
"""Rows a page at most: larger ones are quietly cut to it. Source: community."""
SQL: Final[Mapping[Op, str]] = {Op.EQ: "=", Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}
LONG_AGO: Final = "1900-01-01 00:00:00"
FOREVER: Final = "9999-12-31 23:59:59"
LAST_SECOND: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
NOBODY: Final = "00000000-0000-0000-0000-000000000000"
GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

CODES: Final[Mapping[str, Failure]] = {
    "mxapiratelimitexceededexception": RateLimited,
    "mxunauthorizedaccessexception": Unauthorized,
    "mxduplicateentryexception": Conflict,
    "mxinvalidinputexception": Rejected,
    "mxmandatoryattributemissingexception": Rejected,
}
TOO_OFTEN: Final = re.compile(r"\d+\s+(api\s+)?(calls?\s+)?in\s+\d+\s+sec", re.IGNORECASE)
"""``25 calls in 5 seconds``: the rate limit's words, which come with more than one code and status."""


def sign(request: Request, secrets: Mapping[str, str]) -> Signature:
    """The vendor's preferred way: two headers. Source: authentication/."""
    return Signature(headers={"x-LSQ-AccessKey": secrets["access_key"], "x-LSQ-SecretKey": secrets["secret_key"]})


# --- which clause goes which way ----------------------------------------------------------------------------------


def only(name: str) -> Callable[[Where, FieldMap], Push | None]:
    """Takes what the table says of one field of ours, and no other clause."""
    return lambda where, fields: by_table(where, fields) if where.field == name else None


def one_condition(where: Where, fields: FieldMap) -> Push | None:
    """What the table says, but for ids: they have their own call, and ``Leads.Get`` knows no lists of values."""
    return by_table(where, fields) if where.field != "id" else None


UNIQUE: Final = frozenset("email external_id EmailAddress ProspectAutoId ProspectID Phone Mobile".split())


def selectivity(where: Where) -> int:
    """The one condition to send, best first: one person, one value, changed since, created since, an upper bound."""
    if where.op is Op.EQ:
        return 0 if where.field in UNIQUE else 1
    created = where.field in ("created_at", "CreatedOn")
    return 2 + created + 2 * (where.op in UPPER)


# --- searching ----------------------------------------------------------------------------------------------------


def search_leads(account: Account, ask: PageRequest) -> Request:
    """``POST Leads.Get``: one condition, which it insists on. Source: search-by-lead-criteria/."""
    body = {
        "Parameter": condition(account, ask),
        "Sorting": sorting(account, ask),
        "Paging": paging(ask.page, ask.limit),
    }
    return Request("POST", f"{LEADS}/Leads.Get", json=body | columns(ask.columns))


def condition(account: Account, ask: PageRequest) -> dict[str, str]:
    """The clause as SQL; where none was asked, one that every lead meets."""
    if not ask.where:
        return {"LookupName": "CreatedOn", "LookupValue": LONG_AGO, "SqlOperator": ">"}
    where = ask.where[0]
    field = field_of(account, where.field)
    value = stamped(where) if isinstance(where.value, datetime) else str(field.codec.encode(where.value))
    return {"LookupName": field.paths[0], "LookupValue": value, "SqlOperator": SQL[where.op]}


def field_of(account: Account, name: str) -> Field:
    """A field by our name or the vendor's; one that only the account's metadata knows stands at its own name."""
    return account.fields.ours.get(name) or account.fields.own.get(name) or Field(name)


def stamped(where: Where) -> str:
    """``YYYY-MM-DD HH:MM:SS`` UTC without a zone mark, rounded outwards: the wire knows whole seconds. Source: overview/."""
    asked: datetime = where.value.astimezone(UTC)
    whole = rounded_up(min(asked, LAST_SECOND), SECOND) if where.op in UPPER else rounded_down(asked, SECOND)
    return whole.replace(tzinfo=None).isoformat(sep=" ")


def sorting(account: Account, ask: PageRequest) -> dict[str, str]:
    """Oldest first unless asked otherwise, so that new leads do not shift the pages."""
    order = ask.order or Order("created_at")
    return {"ColumnName": field_of(account, order.field).paths[0], "Direction": "1" if order.descending else "0"}


def paging(page: int, size: int) -> dict[str, int]:
    return {"PageIndex": page, "PageSize": size}


def columns(names: Paths | None, every: Paths | None = None) -> dict[str, Any]:
    """``Columns.Include_CSV``, always with the id and the time of creation; nothing where all are wanted.

    The id is asked for as ``ProspectID``: under the seed's ``ProspectId`` rows may come without it. Source: seed, community.
    """
    named = every if names is None else names
    if named is None:
        return {}
    return {"Columns": {"Include_CSV": ",".join(sorted({"ProspectID", "CreatedOn", *named} - NEVER_COLUMNS))}}


def is_window_of_changes(clauses: Sequence[Where]) -> bool:
    """Whether both ends of a window of changes were asked and nothing more selective, which ``Leads.Get`` would take."""
    changed = [where.op for where in clauses if where.field == "updated_at"]
    both = bool(LOWER & set(changed)) and bool(UPPER & set(changed))
    return both and not any(where.op is Op.EQ for where in clauses)


def recently_modified(account: Account, ask: PageRequest) -> Request:
    """``POST Leads.RecentlyModified``: both bounds of a window of changes at once. Source: get-leads-by-date-range/."""
    since = max((stamped(where) for where in ask.where if where.op in LOWER), default=LONG_AGO)
    until = min((stamped(where) for where in ask.where if where.op in UPPER), default=FOREVER)
    window = {"FromDate": since, "ToDate": until}
    body = {"Parameter": window, "Sorting": sorting(account, ask), "Paging": paging(ask.page, ask.limit)}
    return Request("POST", f"{LEADS}/Leads.RecentlyModified", json=body | columns(ask.columns))


def read_page(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """One page. A short one is the last (community), unless LeadSquared gives no more at once; a full one may be."""
    return Page(leads(opened(reply)))


def search_ids(account: Account, ask: PageRequest) -> Request:
    """``POST Leads/Retrieve/ByIds`` for ``id eq`` and ``id in``."""
    where = ask.where[0]
    return by_ids(where.value if where.op is Op.IN else (where.value,), ask.columns)


def search_email(account: Account, ask: PageRequest) -> Request:
    """``GET Leads.GetByEmailaddress``: full leads. Source: get-a-lead-by-email-id/."""
    return Request("GET", f"{LEADS}/Leads.GetByEmailaddress", query={"emailaddress": str(ask.where[0].value)})


def read_whole(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """All there is, in one reply."""
    return Page(leads(opened(reply)), more=False)


def search_text(account: Account, ask: PageRequest) -> Request:
    """``GET Leads.GetByQuickSearch``; the overview page says POST, every client seen sends GET. Source: community."""
    return Request("GET", f"{LEADS}/Leads.GetByQuickSearch", query={"key": ask.text or ""})


def read_text(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """What the quick search gave; whether that is all is not known."""
    return Page(leads(opened(reply)))


# --- by id --------------------------------------------------------------------------------------------------------


def is_id(text: str) -> bool:
    """A GUID, in any case."""
    return GUID.fullmatch(text) is not None


def by_ids(ids: Sequence[str], names: Paths | None) -> Request:
    """``POST Leads/Retrieve/ByIds``. Source: seed.

    What is no GUID fits no lead, and malformed or doubled ids might fail the call (not documented): each is left out.
    """
    known = list(dict.fromkeys(one.lower() for one in ids if is_id(one))) or [NOBODY]
    body = {"SearchParameters": {"LeadIds": known}, "Paging": paging(1, PAGE)}
    return Request("POST", f"{LEADS}/Leads/Retrieve/ByIds", json=body | columns(names, EVERY_COLUMN))


def get_leads(account: Account, ids: Sequence[str], names: Paths | None) -> Request:
    """One whole lead by ``GET Leads.GetById``, custom fields too; otherwise ``ByIds``. Source: community; seed."""
    if len(ids) == 1 and names is None:
        return Request("GET", f"{LEADS}/Leads.GetById", query={"id": ids[0].lower()})
    return by_ids(ids, names)


def read_leads(account: Account, ids: Sequence[str], reply: Reply) -> Sequence[Raw]:
    """The leads among ``ids``; rows come in the vendor's order, and one asked for alone may lack its id.

    Raises MalformedReply where a row among several has no id: it cannot be told whose it is.
    """
    body = opened(reply)
    rows = [flat(body)] if isinstance(body, Mapping) and lead_id(flat(body)) else leads(body)
    if len(rows) == len(ids) == 1 and lead_id(rows[0]) is None and holds_anything(rows[0]):
        return [{**rows[0], "ProspectID": ids[0]}]
    wanted = {one.lower() for one in ids}
    return [row for row in rows if identified(row) in wanted]


def holds_anything(raw: Raw) -> bool:
    return any(value not in (None, "") for value in raw.values())


def lead_id(raw: Raw) -> str | None:
    """The lead's GUID in lower case, under whichever of its names."""
    value = LEAD.ours["id"].read(raw)
    return None if value is None else str(value)


def identified(raw: Raw) -> str:
    found = lead_id(raw)
    if found is None:
        raise failure(MalformedReply, "a lead without its ProspectID")
    return found


# --- recordings ---------------------------------------------------------------------------------------------------

CALL_EVENTS: Final = (21, 22)
"""Phone call inbound, outbound. Source: community."""
URL: Final = ("mx_Custom_4", "ResourceUrl", "ResourceURL")
START: Final = ("mx_Custom_2", "StartTime", "CreatedOn")
SECONDS: Final = ("mx_Custom_3", "Duration")
CALLS_PAGE: Final = 100

Since = datetime | None
CallsRequest = Callable[[Account, str, Since, Since, PageRequest], Request]


def calls(event: int) -> CallsRequest:
    """``POST ProspectActivity.svc/Retrieve`` for a lead's calls of one direction. Source: get-activities-of-a-lead/.

    ``Offset`` is a page number that starts at "0" or at "1", as the page's example or its note has it. From "0" nothing is
    lost: at worst the first page comes twice. No window can be asked for.
    """

    def build(account: Account, lead: str, since: Since, until: Since, ask: PageRequest) -> Request:
        body = {
            "Parameter": {"ActivityEvent": event},
            "Paging": {"Offset": str(ask.offset // ask.limit), "RowCount": str(ask.limit)},
        }
        return Request("POST", "/ProspectActivity.svc/Retrieve", query={"leadId": lead}, json=body)

    return build


def read_recordings(account: Account, lead: str, reply: Reply) -> RecordingPage:
    """The calls that carry a recording. No total: the vendor counts activities, with and without one.

    More may follow a full page, and one that is shorter than RecordCount (which may count all pages, or this one).
    """
    body = opened(reply)
    rows = listed(body, "ProspectActivities", "List")
    count = as_count(body.get("RecordCount")) if isinstance(body, Mapping) else None
    found = [recording(row, lead) for row in rows if is_call(row) and any(values_under(row, URL))]
    return RecordingPage(found, more=bool(rows) and (len(rows) >= CALLS_PAGE or (count or 0) > len(rows)))


def is_call(activity: Raw) -> bool:
    """Whether it is of the kind asked for: in other kinds the numbered fields mean other things."""
    event = as_count(activity.get("EventCode", activity.get("ActivityEvent")))
    return event is None or event in CALL_EVENTS


def recording(activity: Raw, lead: str) -> Recording:
    """A call activity as a recording. Raises MalformedReply where it has no id. The end of a call is not sent."""
    found = as_id(activity.get("Id")) or as_id(activity.get("ProspectActivityId"))
    if found is None:
        raise failure(MalformedReply, "a call activity without an id")
    number = as_number(next(values_under(activity, SECONDS), None))
    times = (call_time(value) for value in values_under(activity, START))
    return Recording(
        id=found,
        lead_id=lead,
        started_at=next((time for time in times if time), None),
        ended_at=None,
        seconds=None if number is None else int(number),
        url=str(next(values_under(activity, URL))),
        raw=activity,
    )


def values_under(activity: Raw, names: Sequence[str]) -> Iterator[Any]:
    """Every value under ``names``, in their order, wherever this shape of activity keeps its fields.

    ``Data: [{"Key", "Value"}]`` as documented; ``ActivityFields: {...}`` beside it on a live account (community); flat in
    the answer by event.
    """
    data = activity.get("Data")
    pairs = as_pairs(data, "Key") if isinstance(data, list) else data
    places = (pairs, activity.get("ActivityFields"), activity)
    values = (at(place, name) for name in names for place in places)
    return (value for value in values if value not in (None, ""))


def call_time(raw: Any) -> datetime | None:
    """A time of an activity in UTC: ``2026-07-31 05:33:50``, or ``7/31/2026 5:33:50 AM`` (community) in its fields."""
    found = read_moment(raw, UTC)
    if found is not None or not isinstance(raw, str):
        return found
    try:
        return datetime.strptime(f"{raw.strip()} +0000", "%m/%d/%Y %I:%M:%S %p %z")
    except ValueError:
        return None


# --- the account --------------------------------------------------------------------------------------------------


def get_fields(account: Account, partition: str | None) -> Request:
    """``GET LeadsMetaData.Get``, with the options of selects. Source: meta-data/."""
    return Request("GET", f"{LEADS}/LeadsMetaData.Get")


def read_fields(account: Account, partition: str | None, reply: Reply) -> Mapping[str, Field]:
    """The account's lead fields by schema name. Raises MalformedReply where an entry has none."""
    rows = as_rows(opened(reply))
    if not all(isinstance(row.get("SchemaName"), str) and row["SchemaName"] for row in rows):
        raise failure(MalformedReply, "a field without its SchemaName")
    return {str(row["SchemaName"]): discovered(row) for row in rows}


def check(account: Account) -> Request:
    """``GET UserByAccessKey.Get``: whose keys these are. Source: user-authentication/."""
    return Request("GET", "/Authentication.svc/UserByAccessKey.Get")


def checked(reply: Reply) -> None:
    as_object(opened(reply))


# --- replies ------------------------------------------------------------------------------------------------------


def leads(body: Any) -> Sequence[Raw]:
    """The leads of any documented reply, flat. Raises MalformedReply."""
    return [flat(row) for row in listed(body, "Leads")]


def listed(body: Any, *keys: str) -> Sequence[Raw]:
    """The rows of a bare array, or those under the first of ``keys`` that the envelope has. Raises MalformedReply.

    Absent or null is none only where the envelope itself counts none.
    """
    if isinstance(body, list):
        return as_rows(body)
    envelope = as_object(body)
    rows = next((envelope[key] for key in keys if envelope.get(key) is not None), None)
    return counted_rows(rows, envelope.get("RecordCount"))


def flat(row: Raw) -> Raw:
    """A lead as one object. Raises MalformedReply where a pair of its property list has no name."""
    if "LeadPropertyList" not in row:
        return row
    return as_pairs(row["LeadPropertyList"], "Attribute")


def opened(reply: Reply) -> Any:
    """The body of a success. A failure is raised by its exception type, by its status where it has none we know."""
    body = body_or_none(reply)
    said_so = {str(key).casefold(): value for key, value in body.items()} if isinstance(body, Mapping) else {}
    if ok(reply) and "exceptiontype" not in said_so and str(said_so.get("status")).casefold() != "error":
        return reply.json()
    raise refused(reply, said_so)


def refused(reply: Reply, said_so: Mapping[str, Any]) -> LeadMcpError:
    """The error of a failed reply; the texts of 400 and 401 are not documented, so several keys are tried."""
    texts = [said_so.get(key) for key in ("exceptionmessage", "message", "errormessage", "error")]
    text = next((one for one in texts if isinstance(one, str) and one), "")
    code = said_so.get("exceptiontype")
    kind = RateLimited if TOO_OFTEN.search(text) else CODES.get(str(code).casefold())
    if kind is None and reply.status == 404:  # not "no such lead": the vendor has no such path
        return Rejected("LeadSquared knows no such path. Check the account's base_url (it ends in /v2).", status=404)
    return error_of(reply, text, code=code, kind=kind or (Rejected if ok(reply) else None))
