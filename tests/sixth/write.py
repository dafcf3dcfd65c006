"""Sixth's writes: ``POST /leads`` queues a lead (202, no id), ``PATCH /leads/ID`` merges, ``DELETE /leads/ID``.

Source: the invented document in ``emulator/app.py``.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from lead_mcp.errors import BadArgument, MalformedReply, UnknownField
from lead_mcp.filters import Kind
from lead_mcp.phones import Phone
from lead_mcp.vendors.replies import as_object, failure, ok
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Effect, Reply, Request
from lead_mcp.vendors.spec.reading import PageRequest, PersonLookup, Rounds
from lead_mcp.vendors.spec.writing import Delete, Form, Insert, Param, Update, Values, WriteResult
from tests.sixth import wire
from tests.sixth.fields import CHANNELS, STAGES, STATUSES

WORD_OF: Final = {stage: word for word, stage in STAGES.items()}
OWN: Final = "attributes."


def cents(value: Decimal) -> int:
    """Major units as whole cents. Raises BadArgument for a negative value and for a part of a cent."""
    exact = value * 100
    if exact != exact.to_integral_value() or exact < 0 or exact >= 10**12:
        message = f"value: Sixth keeps whole cents, not negative; {str(value)[:40]} is none."
        raise BadArgument(message)
    return int(exact)


CREATING: Final = Form(
    ours={
        "first_name": Param("person.first"),
        "last_name": Param("person.last"),
        "email": Param("person.email"),
        "phone": Param("person.phone", encode=lambda phone: phone.e164),
        "company": Param("company"),
        "address": Param("address.street"),
        "city": Param("address.city"),
        "state": Param("address.state"),
        "postal_code": Param("address.zip"),
        "source": Param("channel", values=CHANNELS),
        "campaign": Param("campaign"),
        "value": Param("amount", Kind.NUMBER, cents, note="in major units"),
        "note": Param("note"),
        "external_id": Param("external_ref"),
    },
    open=True,
    any_of=(("email", "phone"),),
)
CHANGING: Final = replace(
    CREATING,
    ours={
        **CREATING.ours,
        "stage": Param("status", values=tuple(WORD_OF), encode=WORD_OF.__getitem__, note="the same as status"),
        "status": Param("status", values=STATUSES),
    },
    any_of=(),
)


def body(form: Form, values: Values) -> dict[str, Any]:
    """``{"lead": {"person": {"email": ...}}}``. Raises UnknownField for a name that is no attribute of the account's."""
    known = {param.name for param in form.ours.values()}
    lead: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known and not (name.startswith(OWN) and name.count(".") == 1 and name != OWN):
            message = f"vendor_fields: Sixth has no {name[:60]!r}; an account's own are {OWN}NAME."
            raise UnknownField(message)
        group, _, last = name.rpartition(".")
        (lead.setdefault(group, {}) if group else lead)[last] = value
    return {"lead": lead}


def create_lead(account: Account, values: Values, token: str, upsert: bool) -> Request:
    """``POST /leads``. Sixth knows no repeats, so the token goes nowhere."""
    return Request("POST", "/leads", json=body(CREATING, values), effect=Effect.WRITE)


def read_created(account: Account, reply: Reply) -> WriteResult:
    """Queued: taken, and not there yet. Raises VendorError."""
    data = as_object(wire.opened(reply).get("data"))
    if data.get("id"):
        return WriteResult(str(data["id"]))
    if data.get("state") != "queued":
        raise failure(MalformedReply, "neither an id nor a queued lead", status=reply.status)
    return WriteResult(accepted=True)


def update_lead(account: Account, lead_id: str, values: Values) -> Request:
    """``PATCH /leads/ID`` with what changes; null empties. Raises BadArgument: a status cannot be emptied."""
    if values.get("status", "") is None:
        message = "A lead at Sixth always has a status: give a new one."
        raise BadArgument(message)
    path = f"/leads/{quote(lead_id, safe='')}"
    return Request("PATCH", path, json=body(CHANGING, values), effect=Effect.WRITE)


def read_updated(account: Account, lead_id: str, reply: Reply) -> WriteResult:
    """The lead changed. Raises VendorError."""
    found = as_object(wire.opened(reply).get("data")).get("id")
    if found != lead_id:
        raise failure(MalformedReply, "another lead in answer to a change", status=reply.status)
    return WriteResult(lead_id)


def delete_lead(account: Account, lead_id: str) -> Request:
    return Request("DELETE", f"/leads/{quote(lead_id, safe='')}", effect=Effect.DELETE)


def read_deleted(account: Account, lead_id: str, reply: Reply) -> WriteResult:
    """Gone: 204 without a body. Raises VendorError, MalformedReply for any other success."""
    if not ok(reply):
        wire.opened(reply)
    if reply.status != 204:
        raise failure(MalformedReply, "a delete that was answered otherwise than by 204", status=reply.status)
    return WriteResult(lead_id)


def with_email(account: Account, email: str, ask: PageRequest) -> Rounds:
    """One request: Sixth compares without regard to case."""
    return [[wire.one_person("email", email, ask)]]


def with_phone(account: Account, phone: Phone, ask: PageRequest) -> Rounds:
    """One request: Sixth keeps every number in E.164."""
    return [[wire.one_person("phone", phone.e164, ask)]]


INSERT: Final = Insert(form=CREATING, build=create_lead, read=read_created)
UPDATE: Final = Update(form=CHANGING, build=update_lead, read=read_updated)
DELETE: Final = Delete(build=delete_lead, read=read_deleted)
PERSON_LOOKUP: Final = PersonLookup(
    email=with_email,
    phone=with_phone,
    read=wire.read_page,
    paths=frozenset({"person.email", "person.phone"}),
    page=5,
)
