"""Convoso's writes: ``POST /leads/insert``, ``/leads/update``, ``/leads/delete``, each a flat form; who is there already.

Forms: ``list_id=333&phone_number=2135550101&phone_code=1&first_name=Ann``, ``lead_id=12&status=AA``, ``lead_id=12``. Flags are
``1`` and ``0``: no document spells them; public client code does so, and it reads as a flag and as a level of 0-3 (H5) alike
(*unverified*). Any further name is taken as a field of the account's own (H3); nothing nested (H5, H6). Source tags:
docs/sources.md.

Replies: ``{"success": true, "data": {"lead_id": "12"}, "id": "12"}`` (seed; S2, C2 without the outer ``id``; C1 as a number);
a deletion says ``{"success": true}``. Nothing tells an insert from an update by ``update_if_found`` (S2), so ``updated`` is
never said. Failures, mostly with HTTP 200: ``code`` and ``text`` (S2) or ``error`` alone (seed). Words come first, then the
call's own codes. A reply that says both or neither is a MalformedReply: the outcome is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from lead_mcp.errors import BadArgument, Conflict, LeadMcpError, MalformedReply, NotFound, NotOffered, Rejected
from lead_mcp.filters import Kind, as_flag, as_number
from lead_mcp.phones import Phone
from lead_mcp.vendors.convoso import fields, wire
from lead_mcp.vendors.replies import NO_PATH, Failure, as_object, body_or_none, error_of, failure, ok
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Effect, Reply, Request
from lead_mcp.vendors.spec.reading import Page, PageRequest, PersonLookup, Rounds
from lead_mcp.vendors.spec.writing import Delete, Form, Insert, Param, Update, Values, WriteResult

# --- spelling -----------------------------------------------------------------------------------------------------


def flag(value: bool) -> str:
    return "1" if value else "0"


def number(value: Decimal) -> str:
    """``12``, ``12.5``: never an exponent."""
    return str(int(value)) if value == int(value) else f"{value:f}"


def whole(name: str, most: int) -> Callable[[Decimal], str]:
    """A whole number from 0 to ``most``."""

    def encode(value: Decimal) -> str:
        if value == int(value) and 0 <= value <= most:
            return number(value)
        raise BadArgument(f"{name}: takes a whole number from 0 to {most}, not {value}.")

    return encode


def day(value: str) -> str:
    """``YYYY-MM-DD``, as the seed and H1 have it."""
    with suppress(ValueError):
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value).isoformat()
    raise BadArgument(f"date_of_birth: {value[:40]!r} is no day; it takes YYYY-MM-DD.")


def carriers(value: str) -> str:
    """``MOBILE,VOIP``: a comma list of the three types."""
    types = [word.strip().upper() for word in value.split(",")]
    wrong = [word for word in types if word not in CARRIERS]
    if wrong:
        raise BadArgument(
            f"reject_by_carrier_type: takes {', '.join(CARRIERS)} or several with commas, not {wrong[0][:40]!r}."
        )
    return ",".join(types)


def as_it_is(value: Any) -> Any:
    """A ``Phone`` becomes two parameters, which only ``form`` can make of it."""
    return value


# --- forms --------------------------------------------------------------------------------------------------------

CARRIERS: Final = ("MOBILE", "VOIP", "LANDLINE")
DUP: Final = (
    "what the vendor checks is documented twice: help centre 1 whole account, 2 the list inserted into, 3 the campaign, "
    "4 exists, undescribed; community write-up 1 current list, 2 all lists, 3 all lists and archive, 4 complete; 0 no check"
)
FOUND: Final = (
    "changes the lead whose id or phone number matches; the reply does not say whether it inserted or changed one"
)
DEFINED: Final = "a field of one account's own (10.4): yours may lack it"
OLD: Final = "in an older help page or the vendor's examples only"

NOTES: Final[Mapping[str, str]] = {
    "phone_number": "national digits",
    "phone_code": "country code; 1 if not given",
    "owner_id": "a user's id",
    "created_by": "a user's id",
    "last_modified_by": "a user's id",
    "alt_phone_1": "labelled cell phone",
    "alt_phone_2": "labelled work phone",
    "user_id": OLD,
    "adaptor_id": OLD,
    **dict.fromkeys(("title", "business_name", "dba", "industry"), DEFINED),
}
TEXTS: Final = (
    "list_id phone_number phone_code status created_by last_modified_by owner_id first_name last_name alt_phone_1 "
    "alt_phone_2 email address1 address2 city state province postal_code country gender std_company_name "
    "std_consumer_number std_account_number notes title business_name dba industry user_id adaptor_id"
).split()
LEAD: Final[Mapping[str, Param]] = {
    **{name: Param(name, note=NOTES.get(name, "")) for name in TEXTS},
    "date_of_birth": Param("date_of_birth", encode=day, note="YYYY-MM-DD"),
    "age": Param("age", Kind.NUMBER, number, note=OLD),
    "monthly_revenue": Param("monthly_revenue", Kind.NUMBER, number, note=DEFINED),
    "annual_revenue": Param("annual_revenue", Kind.NUMBER, number, note=DEFINED),
    "start_date": Param("start_date", note=f"a date; {DEFINED}"),
}
FLAGS: Final[Mapping[str, str]] = {
    "hopper": "queue for dialling at once",
    "update_if_found": FOUND,
    "check_dup_list": "in the community write-up only",
    "check_dup_archive": "look in archived leads too; needs check_dup, whole account",
    "check_dnc": "refuse numbers not to be called; matters only where the campaign skips its own filters",
    "check_wireless": "",
    "filter_phone_code": "moves a leading country code from the number to phone_code",
}
OPTIONS: Final[Mapping[str, Param]] = {
    **{name: Param(name, Kind.FLAG, flag, note=note) for name, note in FLAGS.items()},
    "hopper_priority": Param(
        "hopper_priority", Kind.NUMBER, whole("hopper_priority", 99), note="0 lowest to 99 highest; 99 if not given"
    ),
    "hopper_expires_in": Param(
        "hopper_expires_in", Kind.NUMBER, whole("hopper_expires_in", 300), note="minutes, 300 at most"
    ),
    "check_dup": Param("check_dup", values=("0", "1", "2", "3", "4"), note=DUP),
    "blueinkdigital_token": Param(
        "blueinkdigital_token", secret=True, note="fetch the phone number from Blue Ink Digital"
    ),
    "reject_by_carrier_type": Param("reject_by_carrier_type", encode=carriers, note="MOBILE, VOIP, LANDLINE; commas"),
    "search_campaign_id": Param("search_campaign_id", note="with update_if_found: the campaign to look in"),
    "search_list_id": Param("search_list_id", note="with update_if_found: the list to look in; wins over the campaign"),
    "update_order_by_last_called_time": Param(
        "update_order_by_last_called_time", values=("ASC", "DESC"), note="with update_if_found: which duplicate to take"
    ),
    "lead_id": Param("lead_id", note="with update_if_found: the lead to match"),
}
"""Options of an insert: they are no part of a lead, and updates do not take them."""
THEIRS: Final = {
    "company": "std_company_name",
    "address": "address1",
    "owner": "owner_id",
    "note": "notes",
    **{name: name for name in "status first_name last_name email city state postal_code country list_id".split()},
}
OURS: Final[Mapping[str, Param]] = {
    **{ours: LEAD[theirs] for ours, theirs in THEIRS.items()},
    "phone": Param("phone_number", encode=as_it_is, note="sent as national digits, with phone_code"),
}
CHANGED: Final[Mapping[str, Param]] = {
    **OURS,
    "note": replace(OURS["note"], note="replaces the old text: there is no adding to it"),
    "list_id": replace(OURS["list_id"], note="moves the lead"),
}
REQUIRED: Final = ("phone_number", "list_id")
INSERTED: Final = Form(ours=OURS, own={**LEAD, **OPTIONS}, open=True, all_of=("phone", "list_id"))
UPDATED: Final = Form(
    ours=CHANGED, own={name: param for name, param in LEAD.items() if name not in ("user_id", "age")}, open=True
)


# --- asking -------------------------------------------------------------------------------------------------------


def insert_lead(account: Account, values: Values, token: str, upsert: bool) -> Request:
    """``POST /leads/insert``. Convoso has no place for our token. Empty text is no value and is left out."""
    given = {name: value for name, value in values.items() if not empty(value)}
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise BadArgument(f"lead: Convoso needs {' and '.join(missing)}, and not empty.")
    return Request("POST", "/leads/insert", form=form(given), effect=Effect.WRITE)


def update_lead(account: Account, lead_id: str, values: Values) -> Request:
    """``POST /leads/update``: only the values given.

    No document says how a field is emptied (an empty parameter means "not given" where that is known), so that raises
    NotOffered; an option of inserting, which an update would ignore, raises BadArgument.
    """
    for name in values:
        if name in OPTIONS:
            raise BadArgument(f"{name}: an option of inserting a lead, not of changing one.")
    emptied = [name for name, value in values.items() if empty(value)]
    if emptied:
        message = (
            f"{', '.join(emptied)}: Convoso documents no way to empty a field. Give a value, or empty it in Convoso."
        )
        raise NotOffered(message, account=account.name)
    return Request("POST", "/leads/update", form={"lead_id": one_id(lead_id), **form(values)}, effect=Effect.WRITE)


def delete_lead(account: Account, lead_id: str) -> Request:
    """``POST /leads/delete``."""
    return Request("POST", "/leads/delete", form={"lead_id": one_id(lead_id)}, effect=Effect.DELETE)


def one_id(lead_id: str) -> str:
    """``lead_id``, unless it could mean several leads (a comma list) or none."""
    if not wire.is_id(lead_id):
        raise BadArgument(f"id: {lead_id[:80]!r} can be no lead's id at Convoso.")
    return lead_id


def empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def form(values: Values) -> dict[str, str]:
    """The values as form text; a number with its country code, whenever it is given as ours."""
    phone, code = values.get("phone_number"), values.get("phone_code")
    sent = {name_of(name): text(name, value) for name, value in values.items()}
    if not isinstance(phone, Phone):
        return sent
    if code is not None and re.sub(r"\D", "", str(code)) != phone.country_code:
        raise BadArgument(f"phone_code: {str(code)[:20]!r} is not the country code of {phone.e164}. Leave it out.")
    return {**sent, "phone_code": phone.country_code}


def name_of(name: str) -> str:
    """A name Convoso reads as it stands: no brackets (they nest), no dots or blanks (their servers may read ``_``)."""
    if name == "auth_token":
        raise BadArgument("vendor_fields: auth_token comes from the account's settings.")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name):
        raise BadArgument(
            f"vendor_fields: {name[:80]!r} can be no field's name at Convoso: letters, digits and _ only."
        )
    return name


def text(name: str, value: Any) -> str:
    """One value as form text: of the account's own fields, texts, numbers and flags arrive as they were given."""
    if isinstance(value, Phone):
        return value.national
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return flag(value)
    found = as_number(value)
    if found is None:
        raise BadArgument(f"vendor_fields: {name} takes a text, a number or a flag: Convoso takes nothing nested.")
    return number(found)


def with_email(account: Account, email: str, ask: PageRequest) -> Rounds:
    """As asked and in lower case: whether case matters there is unknown."""
    return [[sought({"email": one}, ask) for one in dict.fromkeys((email, email.lower()))]]


def with_phone(account: Account, phone: Phone, ask: PageRequest) -> Rounds:
    """``2135550101`` (C4) as the main and either further number; ``12135550101`` and E.164, unverified, as the main one."""
    main, others = main_number(phone, ask)
    further = [sought({name: phone.national}, ask) for name in ("alt_phone_1", "alt_phone_2")]
    return [[*main, *further], others]


def with_main_phone(account: Account, phone: Phone, ask: PageRequest) -> Rounds:
    """The same for the main number alone, unless the account calls another one its ``phone``."""
    usual = account.fields.ours["phone"].paths == fields.OURS["phone"].paths
    return main_number(phone, ask) if usual else with_phone(account, phone, ask)


def main_number(phone: Phone, ask: PageRequest) -> Rounds:
    """Without and with the country's code at once: who is found by one spelling says nothing of who stands by the other."""
    rounds = ((phone.national, phone.country_code + phone.national), (phone.e164,))
    return [[sought({"phone_number": one}, ask) for one in spelled] for spelled in rounds]


def with_name(account: Account, words: Sequence[str], ask: PageRequest) -> Rounds:
    """First and last name, wherever the one ends, and the company (S2)."""
    splits = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    company = {"std_company_name": " ".join(words)}
    return [[*(sought({"first_name": one, "last_name": other}, ask) for one, other in splits), sought(company, ask)]]


def sought(form: Mapping[str, str], ask: PageRequest) -> Request:
    return wire.search(form, ask.offset, ask.limit)


def read_sought(account: Account, reply: Reply) -> Page:
    """The leads found, or none where Convoso says that there is no such lead."""
    return Page(wire.read_found(account, (), reply))


# --- reading ------------------------------------------------------------------------------------------------------

Codes = Mapping[str, Failure]
NO_ID: Final = frozenset({"0", "null", "true", "false"})
WORDS: Final[Sequence[tuple[re.Pattern[str], Failure]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"blue ?ink", Rejected),  # another's token, not ours
        (r"no such lead\b|unknown lead\b|invalid lead[ _]?id", NotFound),
        (r"\blead(?:[ _]?id)?(?: \S+)? (?:was )?(?:not found|does(?: not|n.t) exist)", NotFound),
        (r"already exist|\bduplicat", Conflict),
        (
            r"no such (?:list|user)|requires a phone|phone number is invalid|required fields?\b|invalid e-?mail",
            Rejected,
        ),
    )
)
"""The documented error texts, which come alone (the seed's ``error`` has no code) or with a code."""
CONTENT: Final[Codes] = dict.fromkeys(("6002", "6006", "6007", "6008", "6023", "6079"), Rejected)
INSERTING: Final[Codes] = {**CONTENT, "6009": Conflict, "404": Rejected}
# 6070 and 6071 are the seed's alone, and doubtful
FINDING: Final[Codes] = {**CONTENT, **dict.fromkeys(("6001", "6070", "6071", "404"), NotFound)}


def read_inserted(account: Account, reply: Reply) -> WriteResult:
    """The new lead's id. Raises Conflict (6009, "already exists"), Rejected, and as every call."""
    found = named(answered(reply, INSERTING))
    return (
        WriteResult(found)
        if found
        else WriteResult(warnings=("Convoso confirmed the insert without naming the lead.",))
    )


def read_updated(account: Account, lead_id: str, reply: Reply) -> WriteResult:
    """Raises NotFound (6001; seed: 6070, 6071), Conflict where the words say so, Rejected, and as every call."""
    found = named(answered(reply, FINDING))
    odd = found not in (None, lead_id)
    return WriteResult(lead_id, warnings=(f"Convoso confirmed the change for lead {found}.",) if odd else ())


def read_deleted(account: Account, lead_id: str, reply: Reply) -> WriteResult:
    """Raises NotFound (6001), and as every call."""
    answered(reply, FINDING)
    return WriteResult(lead_id)


def named(body: Mapping[str, Any]) -> str | None:
    """The id a success names: ``data.lead_id``, else the outer ``id`` (seed), as number or text. Raises MalformedReply."""
    data = body.get("data")
    inner = {} if data in (None, "", []) else as_object(data)
    for value in (inner.get("lead_id"), body.get("id")):
        spelled = str(value)
        if isinstance(value, int | str) and wire.is_id(spelled) and spelled.casefold() not in NO_ID:
            return spelled
    return None


def answered(reply: Reply, codes: Codes) -> Mapping[str, Any]:
    """The body of a write that was carried out. Raises VendorError or Conflict where it was not, MalformedReply if unclear."""
    if not ok(reply):
        raise refusal(reply, body_or_none(reply), codes)
    body = as_object(reply.json())
    done = as_flag(body.get("success"))
    words, code = wire.message_of(body)
    known = meaning(words, code, codes)
    if done and not body.get("error") and str(code) not in codes:
        return body
    if done is False or (done is None and known):
        raise refusal(reply, body, codes)
    raise failure(MalformedReply, words or "neither success nor failure", code=code, status=reply.status)


def refusal(reply: Reply, body: Any, codes: Codes) -> LeadMcpError:
    """The error a failed write means: 401, 403, 429 and 5xx speak for themselves, then words, then codes.

    An HTML 404 is a path Convoso does not have (C4): nothing was done there.
    """
    if reply.status == 404 and not isinstance(body, Mapping):
        return Rejected(NO_PATH, status=404)
    words, code = wire.message_of(body) if isinstance(body, Mapping) else ("", None)
    plain = reply.status in (401, 403, 429) or reply.status >= 500
    kind = None if plain else meaning(words, code, codes) or (Rejected if ok(reply) else codes.get(str(reply.status)))
    return error_of(reply, words, code=code, kind=kind)


def meaning(words: str, code: object, codes: Codes) -> Failure | None:
    """By the words of a write, the call's own codes, the words and codes of every call; None where none is known."""
    return by_words(WORDS, words) or codes.get(str(code)) or by_words(wire.MEANINGS, words) or wire.CODES.get(str(code))


def by_words(table: Sequence[tuple[re.Pattern[str], Failure]], words: str) -> Failure | None:
    return next((kind for pattern, kind in table if pattern.search(words)), None)


INSERT: Final = Insert(
    form=INSERTED,
    build=insert_lead,
    read=read_inserted,
    effect="A new lead may be dialled by the campaigns of its list; with hopper it is queued for dialling at once.",
)
UPDATE: Final = Update(form=UPDATED, build=update_lead, read=read_updated)
DELETE: Final = Delete(build=delete_lead, read=read_deleted)
PERSON_LOOKUP: Final = PersonLookup(
    email=with_email,
    phone=with_phone,
    main_phone=with_main_phone,
    name=with_name,
    read=read_sought,
    paths=frozenset({"email", "phone_number", "alt_phone_1", "alt_phone_2"}),
    page=2000,
    note="Convoso's own comparison decides whom it returns: who is spelled otherwise, deleted or archived may be missed",
)
