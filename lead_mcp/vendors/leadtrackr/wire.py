"""LeadTrackr's dialect: ``GET /leads/getLeads?email=a@example.com&createdAt[gte]=...&sort=createdAt:desc&limit=100&page=2``.

Replies: ``{"message", "leads": [...], "total", "page", "limit", "totalPages", "hasMore"}`` and ``{"message", "lead": {...}}``.
Errors: ``{"message"}`` and the HTTP status, no code of its own. There are no path parameters, and the key decides the project.
Source: seed; docs (api-reference: introduction, authentication, leads/get-leads, leads/get-lead), 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from lead_mcp.dates import MILLISECOND, rounded_down, rounded_up
from lead_mcp.errors import BadArgument, MalformedReply
from lead_mcp.filters import Op, Where, as_flag
from lead_mcp.vendors.leadtrackr.fields import LEAD, STAMP
from lead_mcp.vendors.replies import (
    as_count,
    as_object,
    body_or_none,
    counted_rows,
    error_of,
    ok,
    with_objects,
)
from lead_mcp.vendors.samples import sampled_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap, Paths
from lead_mcp.vendors.spec.http import Raw, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, by_table

SHORTEST_TEXT: Final = 2
PAGE: Final = 100
LONGEST_VALUE: Final = 1_000
"""Characters of one parameter; ours, so that no list of values outgrows a URL."""

PARAMETER: Final[Mapping[str, str]] = {
    "status": "status",
    "form_name": "formName",
    "formName": "formName",
    "external_id": "uniqueIdentifier",
    "uniqueIdentifier": "uniqueIdentifier",
    "email": "email",
    "phone": "phone",
    "created_at": "createdAt",
    "createdAt": "createdAt",
    "gclid": "gclid",
    "attributionData.gclid": "gclid",
    "ga4cid": "cid",
    "attributionData.cid": "cid",
    "fbp": "fbp",
    "attributionData.fbp": "fbp",
    "fbc": "fbc",
    "attributionData.fbc": "fbc",
}

NO_LEADS: Final = re.compile(r"\bno (?:more )?leads\b|\bleads? not found\b|\bpage\b", re.IGNORECASE)

BOUND: Final[Mapping[Op, tuple[str, Callable[[datetime], datetime]]]] = {
    # both bounds are inclusive and records carry whole milliseconds, so each of these says exactly what was asked
    Op.GTE: ("[gte]", lambda moment: rounded_up(moment, MILLISECOND)),
    Op.GT: ("[gte]", lambda moment: rounded_down(moment, MILLISECOND) + MILLISECOND),
    Op.LTE: ("[lte]", lambda moment: rounded_down(moment, MILLISECOND)),
    Op.LT: ("[lte]", lambda moment: rounded_up(moment, MILLISECOND) - MILLISECOND),
}
Choice = Callable[[str, str], str]
TIGHTER: Final[Mapping[str, Choice]] = {"createdAt[gte]": max, "createdAt[lte]": min}


def sign(request: Request, secrets: Mapping[str, str]) -> Signature:
    """``X-API-Key`` on every call."""
    return Signature(headers={"X-API-Key": secrets["api_key"]})


# --- asking -------------------------------------------------------------------------------------------------------


def takes(where: Where, fields: FieldMap) -> Push | None:
    """As the field's table says, where the value can be spelled in a parameter without changing what it means."""
    push = by_table(where, fields)
    return push if push and sendable(where) else None


def sendable(where: Where) -> bool:
    """False for values the vendor may ignore (blank), trim, or split (a comma in a status), or that no URL or date holds."""
    try:
        spelt = parameter(where)[1]
    except OverflowError:
        return False
    asked = words(where) if where.op in (Op.EQ, Op.IN) else ()
    split = where.field == "status" and any("," in word for word in asked)
    return len(spelt) <= LONGEST_VALUE and not split and all(word and word == word.strip() for word in asked)


def search_leads(account: Account, ask: PageRequest) -> Request:
    """``GET /leads/getLeads``. Raises BadArgument for a search text of fewer than two characters."""
    query = {"limit": str(ask.limit), "page": str(ask.page)}
    if ask.order:
        query["sort"] = f"{LEAD.ours[ask.order.field].paths[0]}:{'desc' if ask.order.descending else 'asc'}"
    if ask.text:
        query["search"] = long_enough(ask.text)
    return Request("GET", "/leads/getLeads", query=query | parameters(ask.where))


def long_enough(text: str) -> str:
    """``text``, if LeadTrackr searches for one so short; what it does with shorter ones is not documented."""
    if len(text.strip()) < SHORTEST_TEXT:
        message = f"text: LeadTrackr searches for at least {SHORTEST_TEXT} characters, {text[:9]!r} has too few."
        raise BadArgument(message)
    return text


def first(one: str, other: str) -> str:
    return one


def parameters(clauses: Sequence[Where]) -> dict[str, str]:
    """All clauses as parameters, none lost: of two bounds on one side the tighter is sent, of other doubles the first.

    Ours come first. Under one of our names an exact parameter arrives once (one clause a field and operator); whatever else
    means the same parameter is coarse, hence checked again here. ISO times of one length order as text.
    """
    found: dict[str, str] = {}
    for where in sorted(clauses, key=lambda one: one.field not in LEAD.ours):
        name, value = parameter(where)
        found[name] = TIGHTER.get(name, first)(found[name], value) if name in found else value
    return found


def parameter(where: Where) -> tuple[str, str]:
    """``createdAt[gte]=2026-11-01T00:00:00.000Z``, ``status=open,lost``, ``cid[exists]=true``.

    Raises OverflowError for a bound beyond the calendar.
    """
    name = PARAMETER[where.field]
    if where.op in BOUND:
        bracket, rounded = BOUND[where.op]
        return f"{name}{bracket}", STAMP.encode(rounded(where.value))
    if where.op is Op.EXISTS:
        return f"{name}[exists]", str(where.value).lower()
    return name, ",".join(words(where))


def words(where: Where) -> Sequence[str]:
    """The value or values of an equality, as the field spells them."""
    field = LEAD.ours.get(where.field) or LEAD.own[where.field]
    values = where.value if where.op is Op.IN else (where.value,)
    return [str(field.codec.encode(value)) for value in values]


def get_lead(account: Account, ids: Sequence[str], columns: Paths | None) -> Request:
    """``GET /leads/getLead?leadId=``: one lead."""
    return Request("GET", "/leads/getLead", query={"leadId": ids[0]})


def may_be_id(text: str) -> bool:
    """Whether ``text`` is a whole number above zero that JSON can carry: ids are numbers."""
    return re.fullmatch(r"[1-9][0-9]{0,15}", text) is not None


def sample(account: Account, partition: str | None) -> Request:
    """A page of leads, whose form inputs no document lists."""
    return Request("GET", "/leads/getLeads", query={"limit": str(PAGE), "page": "1"})


def check(account: Account) -> Request:
    """``GET /leads/getLeads?limit=1``: the cheapest call that needs the key."""
    return Request("GET", "/leads/getLeads", query={"limit": "1", "page": "1"})


# --- reading ------------------------------------------------------------------------------------------------------


def read_leads(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """The page. Raises VendorError (409: Conflict) for every failure, and MalformedReply for a success without its array.

    What a page past the end answers is not documented: a 404 behind the first page that speaks of no leads is one.
    """
    if ask.page > 1 and reply.status == 404 and NO_LEADS.search(message_of(body_or_none(reply))):
        return Page((), more=False)
    body = opened(reply, "leads")
    return Page(rows_of(body), as_count(body.get("total")), as_flag(body.get("hasMore")))


def read_sample(account: Account, partition: str | None, reply: Reply) -> Mapping[str, Field]:
    """The fields below ``formData`` and its like, by dotted name."""
    return sampled_fields(rows_of(opened(reply, "leads")), LEAD)


def read_lead(account: Account, ids: Sequence[str], reply: Reply) -> Sequence[Raw]:
    """The lead in a list of one; none where LeadTrackr says that it has no such lead."""
    return [] if no_such_lead(reply) else with_objects([as_object(opened(reply, "lead")["lead"])], *LEAD.free)


def rows_of(body: Mapping[str, Any]) -> Sequence[Raw]:
    """The leads of a page. Their three objects are documented as such, and are stored as JSON: as the text of it they are
    read too. Raises MalformedReply."""
    return with_objects(counted_rows(body["leads"], body.get("total")), *LEAD.free)


def no_such_lead(reply: Reply) -> bool:
    """Whether a 404 speaks of a lead. A wrong base URL and an absent project are 404 too, and are failures.

    *unverified*: the text is not documented; the vendor's other messages all name the lead (``Lead retrieved``).
    """
    return reply.status == 404 and re.search(r"\blead\b", message_of(body_or_none(reply)), re.IGNORECASE) is not None


def checked(reply: Reply) -> None:
    body = opened(reply, "leads")
    counted_rows(body["leads"], body.get("total"))


def opened(reply: Reply, key: str) -> Mapping[str, Any]:
    """The body of a success, which holds ``key``. Raises by the status of a failure, MalformedReply for a lack of ``key``."""
    if not ok(reply):
        raise error_of(reply, message_of(body_or_none(reply)))
    body = as_object(reply.json())
    if key not in body:
        raise error_of(reply, message_of(body) or f"no {key!r} in the reply", kind=MalformedReply)
    return body


def message_of(body: Any) -> str:
    """The vendor's ``message``, or nothing."""
    message = body.get("message") if isinstance(body, Mapping) else None
    return message if isinstance(message, str) else ""
