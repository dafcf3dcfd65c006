"""The emulated LeadSquared's writes: create, update, upsert, capture, delete.

A body is an array of ``{"Attribute": schemaName, "Value": string}``. Strict beyond the pages (all unverified): unknown,
repeated and read-only attributes are refused, and so are values that do not fit the field. An empty value clears a field.
Source tags: docs/sources.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from lead_mcp.vendors.leadsquared.emulator.http import (
    DATE,
    DUPLICATE,
    INVALID,
    MISSING,
    NO_RIGHTS,
    Call,
    Json,
    MalformedError,
    RefusedError,
    guid,
)
from lead_mcp.vendors.leadsquared.emulator.http import check as check_shape
from lead_mcp.vendors.leadsquared.emulator.store import FIELDS, USERS, Field, Kind, Lead, dialled, id_of, value_of

Values = dict[str, str]
UNIQUE: Final = ("EmailAddress", "Phone")
NAMING: Final = ("FirstName", "LastName", *UNIQUE)
USER_IDS: Final = frozenset(user.id for user in USERS)
PAIR: Final = {"Attribute": (str,), "Value": (str,), "Fields": (list,)}
SPELLED: Final[dict[Kind, Callable[[str], object]]] = {
    "Number": re.compile(r"-?\d{1,15}(\.\d{1,6})?", re.ASCII).fullmatch,
    "Email": re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+").fullmatch,
    "Phone": re.compile(r"\+?(?=(\D*\d){7,15}\D*$)[\d\s().-]+", re.ASCII).fullmatch,
    "Date": DATE.fullmatch,
    "Boolean": re.compile("[01]").fullmatch,
}
BEHAVIOURS: Final = ("DoNotUpdate", "UpdateOnlyEmptyFields", "DoNotUpdateUniqueFields")


# --- reading the pairs ---


def check_pairs(body: Any) -> None:
    """Refuse anything but an array of pairs. Source: S (400: names, structure)."""
    if not isinstance(body, list):
        raise MalformedError("body must be an array of Attribute and Value")
    for nth, pair in enumerate(body):
        check_shape(pair, PAIR, f"body[{nth}]")
        if not {"Attribute", "Value"} <= pair.keys():
            raise MalformedError(f"body[{nth}] lacks Attribute or Value")


def _values(call: Call, control: tuple[str, ...] = ()) -> tuple[Values, Values]:
    """What to set and, apart from it, the control pairs (SearchBy, ProspectId) this endpoint takes."""
    given: Values = {}
    for pair in call.body:
        name = pair["Attribute"]
        if name in given or "Fields" in pair:
            raise RefusedError(INVALID, f"Attribute {name[:60]!r} is repeated or is no custom field set")
        given[name] = pair["Value"]
    values = {name: value for name, value in given.items() if name not in control}
    for name, value in values.items():
        _check(name, value)
    return values, {name: given[name] for name in control if given.get(name)}


def _check(name: str, value: str) -> None:
    field = FIELDS.get(name)
    if field is None:
        raise RefusedError(INVALID, f"Attribute {name[:60]!r} does not exist")
    if field.read_only:
        raise RefusedError(INVALID, f"Attribute {name} cannot be set")
    if value and not _fits(field, value):
        raise RefusedError(INVALID, f"Value of {name} is invalid")


def _fits(field: Field, value: str) -> bool:
    if field.name == "OwnerId":
        return value in USER_IDS
    if field.options:
        return value in field.options
    return len(value) <= field.max_length and bool(SPELLED.get(field.kind, len)(value))


def _stored(values: Values) -> Lead:
    """As kept: dates with the fraction, empty as null."""
    fraction = {name: ".000" if FIELDS[name].kind == "Date" else "" for name in values}
    return {name: value + fraction[name] if value else None for name, value in values.items()}


# --- what each write does ---


def create(call: Call) -> Json:
    """``{"Status": "Success", "Message": {"Id": guid}}``; a taken e-mail or number is refused. Source: D create-a-lead."""
    values, _ = _values(call)
    return _done({"Id": id_of(_insert(call, values))})


def update(call: Call) -> Json:
    """``{"Status": "Success", "Message": {"AffectedRows": 1}}``; 0 for an unknown lead (unverified). D update-a-lead."""
    lead_id = call.id("leadId")
    _flag(call)
    values, _ = _values(call)
    if not values:
        raise RefusedError(MISSING, "At least one attribute is needed")
    lead = call.store.get(lead_id)
    if lead is None:
        return _done({"AffectedRows": 0})
    _overwrite(call, lead, values)
    return _done({"AffectedRows": 1})


def create_or_update(call: Call) -> Json:
    """``Message.Id`` of the lead found by SearchBy, else by e-mail, then phone, or of a new one. D create-or-update, C."""
    _flag(call)
    values, control = _values(call, ("SearchBy",))
    by = control.get("SearchBy")
    lead = _found_by(call, by, values) if by else _matched(call, values)
    if lead is None:
        return _done({"Id": id_of(_insert(call, values))})
    _overwrite(call, lead, values)
    return _done({"Id": id_of(lead)})


def capture(call: Call) -> Json:
    """Upsert as a web form does: by ProspectId, e-mail, phone; a known lead keeps its Source. Source: D capture-lead.

    The reply is not shown on the page; ``Message.Id`` as for CreateOrUpdate (unverified).
    """
    behaviour = call.query.get("LeadUpdateBehavior")
    if behaviour not in (None, *BEHAVIOURS):
        raise RefusedError(INVALID, f"LeadUpdateBehavior is one of {', '.join(BEHAVIOURS)}")
    values, control = _values(call, ("SearchBy", "ProspectId"))
    lead, fresh_id = _captured(call, values, control)
    if lead is None:
        return _done({"Id": id_of(_insert(call, values, fresh_id))})
    _overwrite(call, lead, _allowed(lead, values, behaviour))
    return _done({"Id": id_of(lead)})


def delete(call: Call) -> Json:
    """``{"Status": "Success"}``; off until support switches it on. Source: D lead-delete.

    Unverified: switched off it answers 401 with the rights exception; an unknown lead is refused.
    """
    if not call.dialect.deletes:
        raise RefusedError(NO_RIGHTS, "Lead delete API is not enabled for this account", 401)
    lead = call.store.get(call.id("leadId"))
    if lead is None:
        raise RefusedError(INVALID, "Lead does not exist")
    call.store.remove(lead)
    return {"Status": "Success"}


def _done(message: Json) -> Json:
    return {"Status": "Success", "Message": message}


def _flag(call: Call) -> None:
    if call.query.get("postUpdatedLead", "false") not in ("true", "false"):
        raise RefusedError(INVALID, "postUpdatedLead is true or false")


# --- finding and changing leads ---


def _insert(call: Call, values: Values, lead_id: str | None = None) -> Lead:
    """A new lead. The page asks for a unique field in its table and for any naming field in its prose."""
    needed = UNIQUE if call.dialect.create_needs == "unique" else NAMING
    if not any(values.get(name) for name in needed):
        raise RefusedError(MISSING, f"At least one of {', '.join(needed)} is needed")
    _unclashed(call, values, None)
    return call.store.add(_stored(values), lead_id)


def _overwrite(call: Call, lead: Lead, values: Values) -> None:
    """Change the lead, unless nothing is left to change."""
    _unclashed(call, values, lead)
    if values:
        call.store.change(lead, _stored(values))


def _unclashed(call: Call, values: Values, own: Lead | None) -> None:
    """Refuse an e-mail or number that another lead has, unless it is the lead's own already. Source: C."""
    email, phone = (values.get(name) or "" for name in UNIQUE)
    twins = call.store.with_email(email)
    if any(lead is not own for lead in twins) and own not in twins:
        raise _duplicate(call, "Email", "EmailAddress", email)
    twins = [lead for lead in call.store.with_phone(phone) if dialled(lead.get("Phone")) == dialled(phone)]
    if any(lead is not own for lead in twins) and own not in twins:
        raise _duplicate(call, "Phone Number", "Phone", phone)


def _duplicate(call: Call, what: str, column: str, value: str) -> RefusedError:
    """Older accounts report the name of a database key instead of a sentence. Source: C."""
    if call.dialect.duplicates == "key":
        return RefusedError(DUPLICATE, f"Duplicate entry '{value}' for key 'UQ_Prospect_{column}'")
    return RefusedError(DUPLICATE, f"A Lead with same {what} already exists.")


def _matched(call: Call, values: Values) -> Lead | None:
    """The newest lead with the e-mail, else with the phone."""
    found = call.store.with_email(values.get("EmailAddress", ""))
    found = found or call.store.with_phone(values.get("Phone", ""))
    return found[-1] if found else None


def _found_by(call: Call, name: str, values: Values) -> Lead | None:
    """The newest lead whose value of the SearchBy field is the one given with it."""
    if name not in FIELDS:
        raise RefusedError(INVALID, f"SearchBy {name[:60]!r} does not exist")
    if not values.get(name):
        raise RefusedError(MISSING, f"Mandatory attribute {name} is missing")
    if name in UNIQUE:
        return _matched(call, {name: values[name]})
    wanted, newest = values[name].casefold(), call.store.ordered("CreatedOn", descending=True)
    return next((lead for lead in newest if (value_of(lead, name) or "").casefold() == wanted), None)


def _captured(call: Call, values: Values, control: Values) -> tuple[Lead | None, str | None]:
    """The lead a capture means, and the id a new one gets.

    The page says SearchBy wins, and also that it is ignored where ProspectId, EmailAddress and Phone are all given:
    both hold here.
    A ProspectId never seen becomes the new lead's id, as an anonymous visitor's does (unverified).
    """
    every = "ProspectId" in control and all(values.get(name) for name in UNIQUE)
    if "SearchBy" in control and not every:
        return _found_by(call, control["SearchBy"], values), None
    lead_id = guid(control["ProspectId"]) if "ProspectId" in control else None
    lead = call.store.get(lead_id) if lead_id else None
    if lead is None:
        return _matched(call, values), lead_id
    email = values.get("EmailAddress", "").casefold()
    same = email in ("", (lead.get("EmailAddress") or "").casefold())
    return (lead, None) if same else (_matched(call, {"EmailAddress": email}), None)


def _allowed(lead: Lead, values: Values, behaviour: str | None) -> Values:
    kept = {name: value for name, value in values.items() if name != "Source" or not lead.get("Source")}
    if behaviour == "DoNotUpdate":
        return {}
    if behaviour == "UpdateOnlyEmptyFields":
        return {name: value for name, value in kept.items() if not value_of(lead, name)}
    if behaviour == "DoNotUpdateUniqueFields":
        return {name: value for name, value in kept.items() if name not in UNIQUE}
    return kept
