"""LeadSquared's writes: ``[{"Attribute": schema name, "Value": text}]`` to ``Lead.Create``, ``CreateOrUpdate`` or ``Update``.

Every value is text, numbers and flags too; an empty one clears the field (*unverified*). A delete is a GET. Success is
``{"Status": "Success", "Message": {"Id": guid}}``, of an update ``{"AffectedRows": 1}``, of a delete no message.
What may be written is not listed; what the vendor keeps itself (scores, visits, Revenue, OwnerId, times, the counter) is
not offered, nor LeadType, which can be set only once. Source: developer centre,
pages as named below (docs/sources.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from lead_mcp.errors import BadArgument, LeadMcpError, MalformedReply, NotFound, Rejected, Unavailable, did_you_mean
from lead_mcp.filters import Kind, Op, Where
from lead_mcp.phones import TOGETHER, Phone
from lead_mcp.vendors.leadsquared.fields import BIT, FLAGS, LEAD
from lead_mcp.vendors.leadsquared.wire import (
    LEADS,
    flat,
    is_id,
    lead_id,
    leads,
    opened,
    search_email,
    search_leads,
    search_text,
)
from lead_mcp.vendors.replies import as_count, as_object, body_or_none, error_of, failure
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Effect, Raw, Reply, Request
from lead_mcp.vendors.spec.reading import Page, PageRequest, PersonLookup, Rounds
from lead_mcp.vendors.spec.writing import Delete, Form, Insert, Param, Update, Values, WriteResult

# --- what can be written ------------------------------------------------------------------------------------------

OURS: Final = {
    "status": Param("ProspectStage", note="one of the account's own stages"),
    "source": Param("Source"),
    "first_name": Param("FirstName"),
    "last_name": Param("LastName"),
    "email": Param("EmailAddress", note="unique, unless the account has changed that"),
    # *unverified*: no document names a spelling. The vendor's pages write +91XXXXXXXXXX (create-or-update/), +91-XXXXXXXXXX
    # (update-a-lead) and XXXXXXXXXX (create-a-lead/): the first says the country and needs no mark
    "phone": Param("Phone", encode=lambda phone: str(phone.e164), note="unique, unless the account has changed that"),
    "company": Param("Company"),
    "address": Param("mx_Street1"),
    "city": Param("mx_City"),
    "state": Param("mx_State"),
    "postal_code": Param("mx_Zip"),
    "country": Param("mx_Country"),
    "campaign": Param("SourceCampaign"),
    "website": Param("Website"),
    "note": Param("Notes", note="one field, not a list of notes: a new text takes the place of the old one"),
}
TEXTS: Final = (
    "Phone Mobile Fax JobTitle TimeZone Region SourceMedium SourceContent SourceReferrer SourceReferrerURL mx_Street2"
).split()
OWN: Final = {
    **{param.name: param for param in OURS.values()},
    **{name: Param(name) for name in TEXTS},
    **{name: Param(name, Kind.FLAG, BIT.encode) for name in FLAGS if name != "IsLead"},
}
CUSTOM: Final = re.compile(r"mx_[A-Za-z0-9_]+")
"""Schema names of an account's own fields. Source: create-custom-lead-field/."""
NAMED: Final = ("first_name", "last_name", "email", "phone", "FirstName", "LastName", "EmailAddress", "Phone")
"""One of these at least; the same page's table wants a unique one, which the account decides. Source: create-a-lead/."""

INSERTED: Final = Form(ours=OURS, own=OWN, open=True, any_of=(NAMED,))
CHANGED: Final = Form(ours=OURS, own=OWN, open=True)


def pairs(values: Values) -> list[dict[str, str]]:
    """The body of every write. Raises BadArgument for a name that is neither known here nor an account's own.

    No ``Fields``: custom field sets are not written here.
    """
    for name in values:
        if name not in OWN and not CUSTOM.fullmatch(name):
            hint = did_you_mean(name, OWN) or " An account's own fields are named mx_..."
            raise BadArgument(f"{name!r} is no field of LeadSquared that can be written here.{hint}")
        if isinstance(values[name], dict | list):
            raise BadArgument(f"{name}: LeadSquared takes one text, number or flag here; field sets are not written.")
    return [{"Attribute": name, "Value": spelled(value)} for name, value in values.items()]


def spelled(value: Any) -> str:
    """A value as LeadSquared's text: ``""`` clears, flags are 1 and 0 as they are read (both *unverified*)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(BIT.encode(value))
    return f"{Decimal(str(value)):f}" if isinstance(value, float) else str(value)


# --- inserting ----------------------------------------------------------------------------------------------------


def create(account: Account, values: Values, token: str, upsert: bool) -> Request:
    """``POST Lead.Create``, or ``Lead.CreateOrUpdate`` where somebody found should be changed. Source: create-a-lead/.

    It matches by e-mail if there is one, else by phone: ``SearchBy`` says so, as the vendor's own choice of the two might
    change another lead than the one asked about. A lead with neither can match nobody and is simply created.
    """
    body = pairs(values)
    match = next((name for name in ("EmailAddress", "Phone") if values.get(name)), None)
    if not upsert or match is None:
        return Request("POST", f"{LEADS}/Lead.Create", json=body, effect=Effect.WRITE)
    body.append({"Attribute": "SearchBy", "Value": match})
    query = {"postUpdatedLead": "false"}
    return Request("POST", f"{LEADS}/Lead.CreateOrUpdate", query=query, json=body, effect=Effect.WRITE)


def read_created(account: Account, reply: Reply) -> WriteResult:
    """The lead's id. Whether ``CreateOrUpdate`` created or updated is not said."""
    message = done(reply).get("Message")
    found = message.get("Id") if isinstance(message, dict) else None
    if isinstance(found, str) and is_id(found):
        return WriteResult(found.lower())
    return WriteResult(warnings=("LeadSquared wrote the lead and did not say its id.",))


# --- changing and deleting ----------------------------------------------------------------------------------------


def known(lead: str) -> str:
    """A GUID in lower case. Raises BadArgument: what is none is never put into a request that changes or deletes."""
    if is_id(lead):
        return lead.lower()
    raise BadArgument("A lead id of LeadSquared is a GUID, such as 8a3b52b5-5eb4-4a3a-8b2c-0f3a5d1c9e77.")


def update(account: Account, lead: str, values: Values) -> Request:
    """``POST Lead.Update``: the fields listed and no others; automations stay quiet by default. Source: update-a-lead/."""
    query = {"leadId": known(lead)}
    return Request("POST", f"{LEADS}/Lead.Update", query=query, json=pairs(values), effect=Effect.WRITE)


def read_updated(account: Account, lead: str, reply: Reply) -> WriteResult:
    """Raises NotFound where no row was affected (*unverified* that this is what it means: nothing was changed)."""
    message = done(reply).get("Message")
    if isinstance(message, dict) and as_count(message.get("AffectedRows")) == 0:
        raise failure(NotFound, "0 rows affected", status=reply.status)
    return WriteResult(lead.lower())


def delete(account: Account, lead: str) -> Request:
    """``GET Lead/Delete/ById``: a GET that destroys. The page's prose has the id in a body, its URL in the query: the latter.

    Source: lead-delete/.
    """
    return Request("GET", f"{LEADS}/Lead/Delete/ById", query={"leadId": known(lead)}, effect=Effect.DELETE)


def read_deleted(account: Account, lead: str, reply: Reply) -> WriteResult:
    done(reply)
    return WriteResult(lead.lower())


# --- finding a person ---------------------------------------------------------------------------------------------


def with_email(account: Account, email: str, ask: PageRequest) -> Rounds:
    """As asked and in lower case: the vendor's rules of case are not documented. Source: get-a-lead-by-email-id/."""
    spellings = dict.fromkeys((email, email.lower()))
    if account.fields.ours["email"].paths != LEAD.ours["email"].paths:
        return [[holding(account, "email", one, ask) for one in spellings]]
    return [[search_email(account, PageRequest(where=[Where("email", Op.EQ, one)])) for one in spellings]]


def with_phone(account: Account, phone: Phone, ask: PageRequest) -> Rounds:
    """The vendor's own searches, then ``Phone`` in the spellings its pages write. Source: get-lead-by-phone/.

    Its search by number looks at ``Phone`` and ``Mobile``, with or without the country code, and gives only the lead last
    active. The quick search perhaps finds parts: the last four digits stand in every spelling, and where they are too many
    people's, all digits without the country code stand in most. ``Leads.Get`` compares text and gives all.
    """
    spellings = (phone.e164, f"+{phone.country_code}-{phone.national}", phone.national)
    if account.fields.ours["phone"].paths != LEAD.ours["phone"].paths:
        return [[holding(account, "phone", one, ask) for one in spellings]]
    latest = Request("GET", f"{LEADS}/RetrieveLeadByPhoneNumber", query={"phone": phone.national})
    kept = [holding(account, "Phone", one, ask) for one in spellings]
    end, whole = (with_part(account, digits, ask) for digits in (phone.national[-TOGETHER:], phone.national))
    return [[latest, end], [whole], [*kept, holding(account, "Mobile", phone.e164, ask)]]


def with_part(account: Account, digits: str, ask: PageRequest) -> Request:
    return search_text(account, replace(ask, text=digits))


def with_name(account: Account, words: Sequence[str], ask: PageRequest) -> Rounds:
    """The quick search, of which no document says whether it joins the names; and every last name they may end in."""
    last = [" ".join(words[at:]) for at in range(1, len(words))]
    return [[with_part(account, " ".join(words), ask), *(holding(account, "LastName", one, ask) for one in last)]]


def holding(account: Account, name: str, value: str, ask: PageRequest) -> Request:
    """``POST Leads.Get`` for the leads that hold ``value``."""
    return search_leads(account, replace(ask, where=[Where(name, Op.EQ, value)]))


def read_found(account: Account, reply: Reply) -> Page:
    """The leads found. How an unknown number is answered is not documented: ``[]``, null and a refusal by name mean none."""
    try:
        body = opened(reply)
    except (Rejected, Unavailable) as error:
        if isinstance(settled(reply, error), NotFound):
            return Page(())
        raise
    if body is None:
        return Page(())
    return Page([flat(body)] if isinstance(body, dict) and lead_id(flat(body)) else leads(body))


# --- replies ------------------------------------------------------------------------------------------------------

NO_LEAD: Final = re.compile(
    r"\b(lead|prospect)( id)? (was |is )?(not found|does(n't| not) exist)|\bno such (lead|prospect)\b"
    r"|\binvalid (lead|prospect) ?id\b",
    re.IGNORECASE,
)
"""How a missing lead may be reported; neither code nor words are documented (*unverified*)."""


def done(reply: Reply) -> Raw:
    """The body of a write that was carried out. Raises what it was refused with, MalformedReply where it says neither."""
    try:
        body = as_object(opened(reply))
    except (Rejected, Unavailable) as error:
        raise settled(reply, error) from None
    if str(body.get("Status")).casefold() != "success":
        raise failure(MalformedReply, "a write answered with neither success nor error", status=reply.status)
    return body


def settled(reply: Reply, error: LeadMcpError) -> LeadMcpError:
    """A failure as what it says of the write: a refusal is certain only of a 4xx and of the vendor's ``MX...`` exceptions.

    Those are faults of the application, which its async host never tries again; any other (``NullReferenceException``, no
    type at all) may have come half-way, on HTTP 200 as on 500. Source: error-handling/, async-api/.
    """
    mx = str(error.vendor_code).casefold().startswith("mx")
    if not mx and 400 <= reply.status < 500:
        return error
    text = message_of(body_or_none(reply))
    definite = NotFound if NO_LEAD.search(text) else Rejected
    return error_of(reply, text, code=error.vendor_code, kind=definite if mx else Unavailable)


def message_of(body: Any) -> str:
    """What an error says, under either key."""
    message = (body.get("ExceptionMessage") or body.get("Message")) if isinstance(body, dict) else None
    return message if isinstance(message, str) else ""


# --- what it offers -----------------------------------------------------------------------------------------------

INSERT: Final = Insert(
    form=INSERTED,
    build=create,
    read=read_created,
    upserts=True,
)
UPDATE: Final = Update(form=CHANGED, build=update, read=read_updated)
DELETE: Final = Delete(
    build=delete,
    read=read_deleted,
    warning=(
        "Deleting cannot be undone: LeadSquared removes the lead's activities, tasks and files too. "
        "It refuses until its support has enabled deleting for the account."
    ),
)
PERSON_LOOKUP: Final = PersonLookup(
    email=with_email,
    phone=with_phone,
    name=with_name,
    part=with_part,
    read=read_found,
    paths=frozenset({"EmailAddress", "Phone", "Mobile"}),
    renamed=True,
    cap=20,  # a guess; how many the quick search gives is not documented
    numbers_note=(
        "LeadSquared's search by number gives only the lead last active, and how many its quick search gives is not "
        "documented: further leads of one number may be missed"
    ),
)
