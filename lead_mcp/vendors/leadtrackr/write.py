"""LeadTrackr's writes: ``POST /leads/createServerSideLead`` and ``POST /leads/updateLeadStatus``. There is no delete.

Created: 201 ``{"message": "Lead created successfully", "leadId": 1, "uniqueIdentifier"}``; where ``formData.uniqueEventId`` is
known in the project, "Lead updated successfully" (its HTTP status is not shown). Changed: ``{"message", "leadId",
"uniqueIdentifier", "status", "queued", "warnings": [{"integration", "reason", "field", "timestamp"}]}``, under 200 or 201.
``price`` is in whole cents. Errors: ``{"message"}`` and the HTTP status alone (409: already queued; 403: no subscription).
Source: docs (api-reference/leads: create-server-side-lead, update-lead-status; introduction), API in beta, 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from lead_mcp.errors import BadArgument, MalformedReply, NotOffered, UnknownField, did_you_mean, quoted
from lead_mcp.filters import Kind
from lead_mcp.phones import TOGETHER, Phone
from lead_mcp.vendors.leadtrackr import wire
from lead_mcp.vendors.replies import failure
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Effect, Raw, Reply, Request
from lead_mcp.vendors.spec.reading import Page, PageRequest, PersonLookup, Rounds
from lead_mcp.vendors.spec.writing import Form, Insert, Param, Update, Values, WriteResult

# --- creating -----------------------------------------------------------------------------------------------------

EVENT: Final = "formData.uniqueEventId"
REFUSED: Final = frozenset({"status", "stage", "value", "price", "conversionId"})
PERSON: Final = {
    "first_name": Param("userData.firstName"),
    "last_name": Param("userData.lastName"),
    "email": Param("userData.email"),
    "phone": Param("userData.phone", encode=lambda phone: phone.e164, note="with the country code"),
    "company": Param("userData.companyName"),
}
CREATING: Final = Form(
    ours={
        **PERSON,
        "gclid": Param("attributionData.gclid"),
        "wbraid": Param("attributionData.wbraid"),
        "ga4cid": Param("attributionData.cid"),
        "ga4sid": Param("attributionData.sid"),
        "fbp": Param("attributionData.fbp"),
        "fbc": Param("attributionData.fbc"),
        "form_name": Param("formData.formName"),
        "note": Param("formData.formMessage", note="what the person wrote; the team's note cannot be set"),
        "external_id": Param("uniqueIdentifier", most=255, note="a repeated one makes a second lead"),
    },
    own={
        EVENT: Param(EVENT, note="a known one updates its lead; ours is drawn for each write unless given"),
        "channelFlow": Param("channelFlow"),
        "deviceData.ipAddress": Param("deviceData.ipAddress"),
        "deviceData.userAgent": Param("deviceData.userAgent"),
    },
    open=True,
    reads={
        "firstName": "first_name",
        "lastName": "last_name",
        "companyName": "company",
        "formName": "form_name",
        "formData.formMessage": "note",
    },
    # attribution alone is documented to be enough, and yet userData to be required: the stricter reading is the safe one
    any_of=(tuple(PERSON),),
    only=(
        "When a lead is created LeadTrackr takes no status and no value: it starts as open, and update_lead sets them"
        " afterwards. Further form inputs go into vendor_fields as formData.NAME."
    ),
)
KNOWN: Final = frozenset(param.name for param in (*CREATING.ours.values(), *CREATING.own.values()))


def ready(account: Account) -> str:
    """The missing setting's name, or nothing. The key decides the project, and creating names it in the body as well."""
    return "" if account.option("project_id").strip() else "LEADTRACKR_PROJECT_ID"


def create_lead(account: Account, values: Values, token: str, upsert: bool) -> Request:
    """``POST /leads/createServerSideLead``; the token is the event's id, so a request repeated makes no second lead.

    Raises UnknownField and NotOffered for names LeadTrackr has no place for, BadArgument where two names share a place.
    """
    for name in values:
        check_name(name)
    body = nested({"projectId": account.option("project_id").strip(), **values, EVENT: values.get(EVENT) or token})
    return Request("POST", "/leads/createServerSideLead", json=body, effect=Effect.WRITE)


def check_name(name: str) -> None:
    """Raises unless LeadTrackr keeps what stands under ``name``: it drops unknown names silently, except in formData."""
    head, _, rest = name.partition(".")
    if name in KNOWN or (head == "formData" and all(part.strip() for part in rest.split("."))):
        return
    if name in REFUSED:
        raise NotOffered(CREATING.only)
    near = did_you_mean(name, KNOWN)
    message = f"vendor_fields: LeadTrackr has no {name[:60]!r} on a new lead; form inputs are formData.NAME.{near}"
    raise UnknownField(message)


def nested(values: Values) -> dict[str, Any]:
    """``{"formData.size": 1}`` as ``{"formData": {"size": 1}}``. Raises BadArgument where one place is to be two things."""
    body: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        place: Any = body
        for step in path:
            place = place.setdefault(step, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last in place:
            message = f"vendor_fields: {name[:60]!r} stands where another name stands."
            raise BadArgument(message)
        place[last] = value
    return body


def read_created(account: Account, reply: Reply) -> WriteResult:
    """The lead's id, and whether the event was known and its lead updated. Raises VendorError for every failure."""
    body = wire.opened(reply, "leadId")
    return WriteResult(
        id_of(body, reply), updated=re.search(r"\bupdated\b", wire.message_of(body), re.IGNORECASE) is not None
    )


# --- changing -----------------------------------------------------------------------------------------------------

WORDS: Final = ("open", "lost")
LABEL: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
STAGE: Final = "stage"
"""Ours alone: ``stage`` goes out as ``conversionId``, under another name until both have been compared."""
VALUE: Final = "value"
WARNINGS: Final = 10


def cents(value: Decimal) -> int:
    """Major units as whole cents. Raises BadArgument for a negative value and for a part of a cent."""
    top, bottom = value.as_integer_ratio()
    whole, rest = divmod(top * 100, bottom)
    if rest or whole < 0:
        message = f"value: LeadTrackr keeps whole cents, not negative; {str(value)[:40]} is none."
        raise BadArgument(message)
    return whole


CHANGING: Final = Form(
    ours={
        "status": Param("conversionId", note="open, lost, or a conversion label's UUID (Settings > Conversion Labels)"),
        "stage": Param(STAGE, note="open or lost, the same as status"),
        # not under its own name: price reads in cents, and who gives a price may mean cents
        "value": Param(VALUE, Kind.NUMBER, cents, note="in whole currency units; together with a status only"),
    },
    only=(
        "LeadTrackr's API changes a lead's status (open, lost, or a conversion label's UUID) and with it the value;"
        " nothing else of a lead can be changed. A price in cents is not taken: give value, in whole currency units."
    ),
)


def update_lead(account: Account, lead_id: str, values: Values) -> Request:
    """``POST /leads/updateLeadStatus`` with ``{"leadId", "conversionId", "price"?}``. Raises BadArgument."""
    if not wire.may_be_id(lead_id):
        message = f"LeadTrackr's lead ids are whole numbers; {lead_id[:40]!r} is none."
        raise BadArgument(message)
    if None in values.values():
        message = "LeadTrackr documents no way to empty a lead's status or value: give a new one."
        raise BadArgument(message)
    price = {"price": values[VALUE]} if VALUE in values else {}
    body = {"leadId": int(lead_id), "conversionId": conversion(values), **price}
    return Request("POST", "/leads/updateLeadStatus", json=body, effect=Effect.WRITE)


def conversion(values: Values) -> str:
    """``open``, ``lost`` or a label's UUID. Raises BadArgument for any other word, none at all, and two that differ."""
    asked = {spelt(values[name], labels=name != STAGE) for name in ("conversionId", STAGE) if name in values}
    if len(asked) == 1:
        return asked.pop()
    message = (
        f"status and stage are one thing at LeadTrackr and differ here ({', '.join(sorted(asked))}): give one of them."
        if asked
        else "value: LeadTrackr changes it together with a status only; give status too (open, lost, or a label's UUID)."
    )
    raise BadArgument(message)


def spelt(word: str, *, labels: bool) -> str:
    """The word as LeadTrackr spells it; a UUID as given. Raises BadArgument."""
    found = word.strip()
    if found.casefold() in WORDS:
        return found.casefold()
    if labels and LABEL.fullmatch(found):
        return found
    message = (
        f"{word[:60]!r} is no status LeadTrackr can be given: it takes open, lost, or as status a conversion label's UUID."
        " Label UUIDs are in the dashboard (Settings > Conversion Labels); no call lists them."
    )
    raise BadArgument(message)


def read_updated(account: Account, lead_id: str, reply: Reply) -> WriteResult:
    """The lead changed or queued, with what LeadTrackr warns of. Raises VendorError; 409 (queued already) is Conflict."""
    body = wire.opened(reply, "leadId")
    found = id_of(body, reply)
    other = (
        (f"LeadTrackr names lead {found} as the one it changed, not {lead_id}.",) if int(found) != int(lead_id) else ()
    )
    return WriteResult(found, warnings=other + warnings_of(body))


def warnings_of(body: Raw) -> tuple[str, ...]:
    """``“google_ads: no click id (gclid)”``, one a warning: what an ad platform will not be able to use."""
    found = body.get("warnings")
    return tuple(quoted(warning_text(one)) for one in found[:WARNINGS]) if isinstance(found, list) else ()


def warning_text(warning: Any) -> str:
    if not isinstance(warning, Mapping):
        return str(warning)
    about = f" ({warning['field']})" if warning.get("field") else ""
    return f"{warning.get('integration') or 'LeadTrackr'}: {warning.get('reason') or 'no reason given'}{about}"


def id_of(body: Raw, reply: Reply) -> str:
    """The lead's id, a whole number. Raises MalformedReply: without it the lead is not known."""
    found = body["leadId"]
    if isinstance(found, bool) or not isinstance(found, int | str) or not wire.may_be_id(str(found)):
        raise failure(MalformedReply, "leadId is no whole number", status=reply.status)
    return str(found)


# --- finding one person's leads -----------------------------------------------------------------------------------


def listing(parameter: str, text: str, ask: PageRequest) -> Request:
    query = {"limit": str(ask.limit), "page": str(ask.page), parameter: text}
    return Request("GET", "/leads/getLeads", query=query)


def search(account: Account, text: str, ask: PageRequest) -> Request:
    return listing("search", text, ask)


def with_email(account: Account, email: str, ask: PageRequest) -> Rounds:
    """``search`` looks into more and may fold the case; ``email`` is exact and its case rules are not documented."""
    spelled = dict.fromkeys((email, email.lower()))
    return [[listing(name, text, ask) for text in spelled] for name in ("search", "email")]


def with_phone(account: Account, phone: Phone, ask: PageRequest) -> Rounds:
    """``search`` perhaps finds parts of a number; ``phone`` is exact and numbers are perhaps kept as typed."""
    code, digits = phone.country_code, phone.national
    local = f"{digits[:3]}-{digits[3:6]}-{digits[6:]}" if code == "1" and len(digits) == 10 else f"0{digits}"
    exact = [listing("phone", text, ask) for text in (phone.e164, code + digits, digits, local)]
    return [[listing("search", digits[-TOGETHER:], ask)], exact]


def with_name(account: Account, words: Sequence[str], ask: PageRequest) -> Rounds:
    """``search`` looks into first and last name one by one: by the whole text, and by the last word."""
    return [[listing("search", text, ask) for text in dict.fromkeys((" ".join(words), words[-1])) if len(text) > 1]]


def read_found(account: Account, reply: Reply) -> Page:
    """The leads. Raises VendorError."""
    return wire.read_leads(account, PageRequest(), reply)


INSERT: Final = Insert(form=CREATING, build=create_lead, read=read_created, dedupes=True, ready=ready)
UPDATE: Final = Update(
    form=CHANGING,
    build=update_lead,
    read=read_updated,
    queued={"status": "pending"},
    warning=(
        "A status change makes LeadTrackr send real conversions to the connected ad platforms, up to a day later"
        " (setting it to open sends nothing)."
    ),
)
PERSON_LOOKUP: Final = PersonLookup(
    email=with_email,
    phone=with_phone,
    name=with_name,
    part=search,
    read=read_found,
    paths=frozenset({"email", "phone"}),
    spellings_note="its search is not known to find parts of numbers: those in other spellings may be missed",
)
