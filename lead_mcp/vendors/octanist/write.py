"""Octanist's writes: ``POST /leads`` creates, ``PATCH /leads`` changes status, value, note, loss reason. There is no delete.

Created: ``{"success": true, "data": {"id", "message": "Lead added"}}``, once ``{"id"}``; HTTP 200 or 201 is not documented.
Changed: ``{"success": true, "data": {"leadId", "leadsUpdated", "message"}}``, once ``{"success", "leadId", "status"}``.
Values are in major currency units. Errors as in ``wire``; a second lead of the same person is never refused.
Source: production and staging docs (endpoint/create-lead, endpoint/update-lead), 2026; old docs, 2025.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from lead_mcp.errors import BadArgument, MalformedReply, NotFound, Rejected, Unauthorized, quoted
from lead_mcp.filters import Kind
from lead_mcp.phones import TOGETHER, Phone
from lead_mcp.vendors.octanist import wire
from lead_mcp.vendors.octanist.fields import CLICK_IDS, FLAGS, UTMS
from lead_mcp.vendors.replies import as_count, as_object, failure
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Effect, Raw, Reply, Request
from lead_mcp.vendors.spec.reading import Page, PageRequest, PersonLookup, Rounds
from lead_mcp.vendors.spec.writing import Form, Insert, Param, Update, Values, WriteResult

# --- creating -----------------------------------------------------------------------------------------------------

ATTRIBUTION: Final = (*CLICK_IDS, *UTMS)
CREATING: Final = Form(
    ours={
        "name": Param("name"),
        "email": Param("email"),
        # *unverified*: the spelling is not documented; E.164 is the one that needs no country
        "phone": Param("phone", encode=lambda phone: phone.spelled, extensions=True),
        **{name: Param(name) for name in ("website", "note", *ATTRIBUTION)},
    },
    own={
        "custom": Param("custom", note="text, or JSON text; Octanist always gives it back as text"),
        "sessionId": Param("sessionId", note="links a pixel session; attribution is then that session's"),
        "path": Param("path"),
        # the old docs also took granted/denied
        **{name: Param(name, Kind.FLAG, bool, note="consent; false unless given") for name in FLAGS},
    },
    any_of=(("name", "email", "phone", "custom"),),
    only=(
        "When a lead is created Octanist takes no status, value, source or label (update_lead sets status and value"
        " afterwards) and no field but those it documents; vendor_fields.custom holds anything else."
    ),
)


def create_lead(account: Account, values: Values, token: str, upsert: bool) -> Request:
    """``POST /leads``. Raises BadArgument for attribution beside a ``sessionId``: Octanist would drop it silently."""
    dropped = [name for name in ATTRIBUTION if name in values]
    if values.get("sessionId") and dropped:
        message = f"With sessionId Octanist ignores {', '.join(dropped)}: give one or the other."
        raise BadArgument(message)
    return Request("POST", "/leads", json=dict(values), effect=Effect.WRITE)


def read_created(account: Account, reply: Reply) -> WriteResult:
    """The new lead's id. Raises VendorError; 403 is Rejected: with a valid key it means the organisation's filter rules."""
    try:
        data = data_of(reply)
    except Unauthorized as error:
        if error.status == 401 or error.vendor_code == "UNAUTHORIZED":
            raise
        raise Rejected(
            f"Octanist refused the lead (its filter rules, or the key's rights). {error.message}",
            vendor_code=error.vendor_code,
            status=error.status,
        ) from None
    return WriteResult(named(data, "id", reply))


# --- changing -----------------------------------------------------------------------------------------------------

CHANGEABLE: Final = ("qualified", "won", "lost")
STAGE: Final = "stage"
"""Ours alone: ``stage`` goes out as ``status``, under another name until both have been compared."""


def number(value: Decimal) -> int | float:
    """A JSON number. Raises BadArgument where no such number is exact: Octanist makes numbers of texts too."""
    near = float(value)
    if Decimal(repr(near)) != value:
        message = f"value: {str(value)[:40]} has more digits than Octanist keeps of a number."
        raise BadArgument(message)
    return int(value) if near.is_integer() else near


NO_WAY_BACK: Final = {
    "open": "Octanist's API sets a lead to qualified, won or lost and has no way back to open; its dashboard may have one"
}
CHANGING: Final = Form(
    ours={
        "status": Param(
            "status",
            values=CHANGEABLE,
            refused=NO_WAY_BACK,
            note="not back to open; older documents want a value with won",
        ),
        "stage": Param(STAGE, values=CHANGEABLE, refused=NO_WAY_BACK, note="the same as status"),
        "value": Param("value", Kind.NUMBER, number, note="in major currency units"),
        "note": Param("note"),
    },
    own={"lossReason": Param("lossReason", note="only together with status lost")},
    only=(
        "Octanist's API changes a lead's status, value, note and (with status lost) lossReason only; contact data cannot"
        " be changed through it, since e-mail and phone are how it finds the lead."
    ),
)


def update_lead(account: Account, lead_id: str, values: Values) -> Request:
    """``PATCH /leads`` with ``{"id", "status"?, "value"?, "note"?, "lossReason"?}``.

    Raises BadArgument for a value to be emptied, a stage that contradicts the status, a loss reason without a loss.
    """
    empty = sorted(name for name, value in values.items() if value is None)
    if empty:
        message = f"Octanist documents no way to empty {', '.join(empty)}: give a new value."
        raise BadArgument(message)
    fields = {name: value for name, value in values.items() if name != STAGE}
    status = fields.setdefault("status", values[STAGE]) if STAGE in values else fields.get("status")
    if values.get(STAGE, status) != status:
        message = f"status {status!r} and stage {values[STAGE]!r} are one thing at Octanist: give one of them."
        raise BadArgument(message)
    if "lossReason" in fields and status != "lost":
        message = "lossReason is used with status lost only: give both."
        raise BadArgument(message)
    return Request("PATCH", "/leads", json={"id": lead_id, **fields}, effect=Effect.WRITE)


def read_updated(account: Account, lead_id: str, reply: Reply) -> WriteResult:
    """The lead changed. Raises NotFound where none was, and VendorError (409: Conflict) for every documented failure."""
    data = data_of(reply)
    # the first generation did not count: {"success": true, "leadId", "status"}
    count = as_count(data.get("leadsUpdated", 1 if "status" in data else None))
    if count is None or count < 0:
        raise failure(MalformedReply, "no count of updated leads", status=reply.status)
    if count == 0:
        raise failure(NotFound, data.get("message") or "0 leads updated", status=reply.status)
    found = named(data, "leadId", reply)
    several = f"Octanist changed {count} leads, not one." if count > 1 else ""
    other = f"Octanist names {quoted(found)} as the lead it changed, not {quoted(lead_id)}." if found != lead_id else ""
    return WriteResult(found, warnings=tuple(filter(None, (several, other))))


# --- reading the replies ------------------------------------------------------------------------------------------


def data_of(reply: Reply) -> Raw:
    """What a write answered, out of its envelope where it has one. Raises VendorError."""
    body = as_object(wire.opened(reply))
    return as_object(body["data"]) if "data" in body else body


def named(data: Raw, key: str, reply: Reply) -> str:
    """The id at ``key``. Raises MalformedReply: without it the lead is not known."""
    found: Any = data.get(key)
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise failure(MalformedReply, f"no {key!r} in the reply", status=reply.status)
    return str(found)


# --- finding one person's leads -----------------------------------------------------------------------------------


def search(account: Account, text: str, ask: PageRequest) -> Request:
    return Request("GET", "/leads", query={"limit": str(ask.limit), "page": str(ask.page), "search": text})


def with_email(account: Account, email: str, ask: PageRequest) -> Rounds:
    """``search`` is over name, e-mail and phone; its case rules are not documented."""
    return [[search(account, text, ask) for text in dict.fromkeys((email, email.lower()))]]


def with_phone(account: Account, phone: Phone, ask: PageRequest) -> Rounds:
    """Leads keep the number as it was typed, and whether ``search`` finds parts is not documented: else every spelling."""
    return [
        [search(account, phone.national[-TOGETHER:], ask)],
        [search(account, text, ask) for text in spellings(phone)],
    ]


def spellings(phone: Phone) -> Sequence[str]:
    """How people type a number: with the country code, without, and in two local ways."""
    code, digits = phone.country_code, phone.national
    if code == "1" and len(digits) == 10:
        area, office, line = digits[:3], digits[3:6], digits[6:]
        return phone.e164, code + digits, digits, f"{area}-{office}-{line}", f"({area}) {office}-{line}"
    return phone.e164, code + digits, digits, f"0{digits}", f"00{code}{digits}"


def read_found(account: Account, reply: Reply) -> Page:
    """The leads, in either generation's shape. Raises VendorError."""
    return wire.read_leads(account, PageRequest(), reply)


INSERT: Final = Insert(form=CREATING, build=create_lead, read=read_created)
UPDATE: Final = Update(
    form=CHANGING,
    build=update_lead,
    read=read_updated,
    effect="Octanist tells a server-side tag container of status changes, where the organisation has connected one.",
)
PERSON_LOOKUP: Final = PersonLookup(
    email=with_email,
    phone=with_phone,
    part=search,
    read=read_found,
    paths=frozenset({"email", "phone"}),
    spellings_note="its search is not known to find parts of numbers: those typed in other ways may be missed",
)
