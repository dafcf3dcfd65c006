"""LeadExec's Lead Receiver: leads are created, and no document shows one changed, deleted or found by e-mail or phone.

``POST /v2/insert/general`` takes ``{"source": {"vid", "lid", "aid"?, "sendDelay", "returnURL"?}, "leads": [{"properties":
{...}, "fields": {...}}]}``; ``sendDelay`` is in hours. What it answers no document shows (*unverified*): the v1 answer's
names are looked for in any case, in the object itself, in an array of one, or under a key such as ``leads``. Each lead type
names its fields itself: the account's ``fields`` table decides, else the usual names. Source: P4 (request), P5 (answer).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from lead_mcp.errors import (
    BadArgument,
    Conflict,
    LeadMcpError,
    MalformedReply,
    NotConfigured,
    RateLimited,
    Rejected,
    Unauthorized,
    UnknownField,
    did_you_mean,
    quoted,
)
from lead_mcp.filters import Kind, as_flag
from lead_mcp.phones import Phone
from lead_mcp.vendors.leadexec import wire
from lead_mcp.vendors.leadexec.fields import TRACKING, lead_types
from lead_mcp.vendors.replies import Failure, as_count, body_or_none, by_status, error_of, failure, ok
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Effect, Reply, Request
from lead_mcp.vendors.spec.writing import Form, Insert, Param, Values, WriteResult

RECEIVER: Final = "/v2/insert/general"
VID: Final = "LEADEXEC_SOURCE_VID"


# --- what it takes ------------------------------------------------------------------------------------------------


def ten_digits(phone: Phone) -> str:
    """``2135550101``: a phone field holds ten US or Canadian digits (P11). Others as E.164, which a text field may take."""
    return phone.national if phone.country_code == "1" else phone.e164


def whole(name: str) -> Callable[[Decimal], int]:
    """A number as the id of something."""

    def encode(value: Decimal) -> int:
        if value <= 0 or value != value.to_integral_value():
            raise BadArgument(f"{name} must be a whole number above 0, not {value}.")
        return int(value)

    return encode


def hours(value: Decimal) -> int | float:
    if value < 0:
        raise BadArgument(f"source.sendDelay is in hours and cannot be less than 0, not {value}.")
    return wire.number(value)


def listed(text: str) -> list[str]:
    """``a, b`` as an array of texts; what the array holds is *unverified*."""
    return re.findall(r"[^\s,]+", text)


# the sample's names (seed); Company: C5; Comments and the tracking names are guesses, *unverified*
USUAL: Final = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "EmailAddress",
    "phone": "Phone",
    "company": "Company",
    "address": "StreetAddress",
    "city": "City",
    "state": "State",
    "postal_code": "PostalCode",
    "country": "Country",
    "note": "Comments",
    **{name: name for name in TRACKING},
}
# ours stand under ``leads.``, so that a lead field the caller names himself is never taken for one of them and renamed
FORM: Final = Form(
    ours={
        **{ours: Param(f"leads.fields.{theirs}") for ours, theirs in USUAL.items()},
        "phone": Param("leads.fields.Phone", encode=ten_digits, note="10 national digits"),
        # that it reads back as Properties.RecordID is unverified
        "external_id": Param("leads.properties.reference", note="the reference kept for LeadExec's reports"),
    },
    own={
        "lid": Param("lid", Kind.NUMBER, whole("lid"), note="the lead type; needed where the account has several"),
        "aid": Param("aid", Kind.NUMBER, whole("aid"), note="the campaign; else LEADEXEC_SOURCE_AID"),
        "source.sendDelay": Param("source.sendDelay", Kind.NUMBER, hours, note="hours until delivery, 0 unless given"),
        "source.returnURL": Param("source.returnURL", note="LeadExec calls it with the result, and may answer without"),
        "properties.orderId": Param("properties.orderId", note="from an earlier PING"),
        "properties.offerIds": Param("properties.offerIds", encode=listed, note="a comma list"),
        "properties.reference": Param("properties.reference", note="kept for LeadExec's reports; our external_id"),
        "properties.noSell": Param("properties.noSell", Kind.FLAG, bool, note="stops automatic delivery"),
    },
    open=True,
    reads={"LeadTypeUID": "lid", "Properties.RecordID": "external_id"},
)
OUR_NAME: Final = {param.name: ours for ours, param in FORM.ours.items()}
SOURCE: Final = ("lid", "aid", "source.sendDelay", "source.returnURL")
MEANT: Final = {name.rpartition(".")[2].casefold(): name for name in FORM.own} | {"vid": f"the setting {VID}"}
"""What a bare name probably means: a ``noSell`` taken for a lead field would sell the lead."""


def ready(account: Account) -> str:
    """Which setting is missing. A credential never is: the bearer token serves where there is no API key (C2, C3)."""
    return "" if account.option("source_vid") else VID


# --- asking -------------------------------------------------------------------------------------------------------


def insert_lead(account: Account, values: Values, token: str, upsert: bool) -> Request:
    """One lead. Raises BadArgument, UnknownField, NotConfigured. LeadExec takes no token that would tell a repeat."""
    return Request(
        "POST",
        RECEIVER,
        json={"source": source(account, values), "leads": [lead(account, values)]},
        headers={"Accept": "application/json"},
        base="leads_url",
        effect=Effect.WRITE,
    )


def source(account: Account, values: Values) -> dict[str, Any]:
    """Who posts what to which campaign, and when it is delivered."""
    aid = values.get("aid") or (setting(account, "source_aid") if account.option("source_aid") else None)
    found = {
        "vid": setting(account, "source_vid"),
        "lid": lead_type(account, values.get("lid")),
        "aid": aid,
        "sendDelay": values.get("source.sendDelay", 0),
        "returnURL": values.get("source.returnURL"),
    }
    return {name: value for name, value in found.items() if value is not None}


def setting(account: Account, key: str) -> int:
    """An option that must be a whole number. Raises NotConfigured."""
    text = account.option(key).strip()
    if not (text.isascii() and text.isdecimal()):
        raise NotConfigured(f"LEADEXEC_{key.upper()} must be a whole number to insert leads, not {text[:40]!r}.")
    return int(text)


def numbered_lead_types(account: Account) -> list[int]:
    """The lead types the account reads."""
    return [int(uid) for uid in lead_types(account) if uid.isascii() and uid.isdecimal()]


def lead_type(account: Account, given: int | None) -> int:
    """The one given, or the only one. Raises BadArgument: in a lead type that is not read, no duplicate would be seen."""
    known = numbered_lead_types(account)
    chosen = known[0] if given is None and len(known) == 1 else given
    choices = ", ".join(map(str, known)) or "none"
    if chosen is None:
        raise BadArgument(f"Say which lead type the lead is of: lid (it reads as LeadTypeUID), one of {choices}.")
    if chosen not in known:
        raise BadArgument(f"lid: {chosen} is none of the lead types in LEADEXEC_LEAD_TYPE_UIDS ({choices}).")
    return chosen


def lead(account: Account, values: Values) -> dict[str, dict[str, Any]]:
    """``{"properties": {...}, "fields": {...}}``. Raises BadArgument for no field at all, or one given twice."""
    found: dict[str, dict[str, Any]] = {"properties": {}, "fields": {}}
    for key, value in values.items():
        if key in SOURCE:
            continue
        section, name = place(account, key)
        if name.casefold() in map(str.casefold, found[section]):
            raise BadArgument(f"LeadExec's {section}.{name} is given twice, under two names; give it once.")
        found[section][name] = value
    if not found["fields"]:
        raise BadArgument("A lead needs at least one field, such as email or phone.")
    return found


def place(account: Account, key: str) -> tuple[str, str]:
    """Where in a lead a value belongs: section and name. Raises UnknownField for what looks like a parameter and is none."""
    if key in OUR_NAME:
        return named(account, OUR_NAME[key], key)
    if key in FORM.own:
        return "properties", key.removeprefix("properties.")
    name, meant = key.removeprefix("Fields."), MEANT.get(key.rpartition(".")[2].casefold())
    if not name or "." in name or (meant and name == key):
        hint = f" Did you mean {meant}?" if meant else did_you_mean(key, FORM.own)
        raise UnknownField(f"LeadExec has no {key!r}; write a lead type's own field as Fields.NAME.{hint}")
    return "fields", name


def named(account: Account, ours: str, usual: str) -> tuple[str, str]:
    """Where the account's settings say one of our fields belongs, else where it usually does. Raises NotConfigured."""
    if ours not in account.names:
        _, section, name = usual.split(".")
        return section, name
    name = account.names[ours].removeprefix("Fields.")
    if not name or "." in name:
        theirs = account.names[ours]
        raise NotConfigured(f"The account's fields table calls {ours} {theirs!r}, which LeadExec lets nobody write.")
    return "fields", name


# --- reading ------------------------------------------------------------------------------------------------------

RESPONSE_TYPES: Final = (
    "No_Error",
    "System_ID_Missing",
    "LeadType_ID_Missing",
    "Vendor_ID_Missing",
    "No_Account_Found",
    "Outside_Criteria",
    "Duplicate_Lead",
    "Account_Disabled",
    "Post_Over_Max",
    "Data_Errors",
)
"""By number, from 0. Source: P5."""
FINE: Final = RESPONSE_TYPES[0]
REFUSALS: Final[Mapping[str, Failure]] = {
    **dict.fromkeys(RESPONSE_TYPES[1:], Rejected),
    "Duplicate_Lead": Conflict,
    "Post_Over_Max": RateLimited,
}
TELLING: Final = frozenset({"isvalidpost", "responsetype", "leadidentifier"})
WORD_KEYS: Final = ("responsedetail", "responsedetails", "error", "message")  # plural: a PHP client (P5)
LEAD_TYPE_KEYS: Final = ("leadtypeuid", "leadtypeid", "lid")  # no document has them in an answer
IN_QC: Final = "LeadExec holds the lead for a quality control review; until then it may not be delivered."
NAMELESS: Final = (
    "LeadExec gave no id for the lead. Search for it: a lead of a poster it does not trust never shows up (P2)."
)
DEEPEST: Final = 4


def bare(name: object) -> str:
    """A name without its case and its marks: ``leadIdentifier``, ``Lead_Identifier``."""
    return re.sub(r"[\W_]", "", str(name)).casefold()


BY_WORD: Final = {bare(name): name for name in RESPONSE_TYPES} | {str(n): name for n, name in enumerate(RESPONSE_TYPES)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What LeadExec says of one lead. ``kind``: a ResponseType, "" where it gives none; ``uid``: 0 where it gives none."""

    valid: bool | None
    kind: str
    uid: int
    words: str
    lead_type: int | None
    in_qc: bool

    @property
    def refused(self) -> bool:
        return self.valid is False or (self.valid is None and self.kind in REFUSALS)

    @property
    def accepted(self) -> bool:
        """Whether the lead was accepted: the reply says so, or at least gives an id, and says nothing to the contrary."""
        if self.valid is None:
            return self.kind == FINE or (not self.kind and self.uid > 0)
        return self.valid and self.kind not in REFUSALS


def verdict(found: Mapping[str, Any]) -> Verdict:
    """The verdict in an answer's values, by bare name."""
    kind = found.get("responsetype")
    detail = next((found[key] for key in WORD_KEYS if found.get(key)), "")
    return Verdict(
        valid=as_flag(found.get("isvalidpost")),
        kind="" if kind in (None, "") else BY_WORD.get(bare(kind), str(kind)),
        uid=as_count(found.get("leadidentifier")) or 0,
        words="; ".join(map(str, detail)) if isinstance(detail, list) else str(detail),
        lead_type=next((uid for key in LEAD_TYPE_KEYS if (uid := as_count(found.get(key)))), None),
        in_qc=as_flag(found.get("pendingqcreview")) is True,
    )


def answers(body: Any, depth: int = DEEPEST) -> Iterator[dict[str, Any]]:
    """Every object that tells of a lead, by bare name, with what the objects round it say and it does not."""
    if isinstance(body, list) and depth:
        for item in body:
            yield from answers(item, depth - 1)
    if isinstance(body, Mapping) and depth:
        here = {bare(key): value for key, value in body.items() if value is not None}
        inner = [found for value in body.values() for found in answers(value, depth - 1)]
        if inner:
            yield from ({**here, **found} for found in inner)
        elif here.keys() & TELLING:
            yield here


def read_inserted(account: Account, reply: Reply) -> WriteResult:
    """The lead's id, if it can be told. Raises Conflict (Duplicate_Lead), RateLimited (Post_Over_Max, a cap), Rejected,
    Unauthorized, Unavailable; MalformedReply where LeadExec contradicts itself or says nothing of the lead.
    """
    body = body_or_none(reply)
    found = [verdict(answer) for answer in answers(body)]
    if len(found) == 1 and found[0].refused:
        raise refusal(reply, found[0])
    if len(found) == 1 and found[0].accepted and ok(reply):
        return written(account, found[0])
    if reply.status < 500 and any(one.valid or one.accepted for one in found):
        raise error_of(reply, "one lead was sent, and the answer is not one clear word on it", kind=MalformedReply)
    raise unsaid(reply, body)


def refusal(reply: Reply, found: Verdict) -> LeadMcpError:
    """The refusal by its ResponseType, else by the HTTP status. A refused lead may be kept as an invalid one."""
    kept = f"(kept as invalid lead {found.uid})" if found.uid > 0 else ""
    text = " ".join(
        part for part in (f"{found.kind}:" if found.kind else "", found.words or "no reason given", kept) if part
    )
    kind = REFUSALS.get(found.kind) or (Unauthorized if wire.REFUSED.search(found.words) else refused_by(reply))
    return error_of(reply, text, code=found.kind or None, kind=kind)


def refused_by(reply: Reply) -> Failure:
    """By status; a 404 is not about a lead when none was named."""
    return Rejected if ok(reply) or reply.status == 404 else by_status(reply.status)


def unsaid(reply: Reply, body: Any) -> LeadMcpError:
    """The error of a reply without a verdict: by status, on a 200 by an error's text. A mere message is no refusal."""
    if not ok(reply):
        return error_of(reply, wire.complaint(body), kind=refused_by(reply))
    if isinstance(reply.json(), Mapping) and wire.first(body, wire.ERROR_KEYS):
        text = wire.complaint(body)
        return error_of(reply, text, kind=Unauthorized if wire.REFUSED.search(text) else Rejected)
    return failure(MalformedReply, "nothing in it tells of one lead", status=reply.status)


def written(account: Account, found: Verdict) -> WriteResult:
    """``{lead type}-{UID}``. A reply names no lead type: in an account with several, the id stays open (a warning)."""
    known = [found.lead_type] if found.lead_type else numbered_lead_types(account)
    ids = tuple(f"{part}-{found.uid}" for part in known) if found.uid > 0 else ()
    return WriteResult(ids[0] if len(ids) == 1 else None, warnings=warnings(found, ids))


def warnings(found: Verdict, ids: Paths) -> Paths:
    possible = {
        IN_QC: found.in_qc,
        NAMELESS: found.uid <= 0,
        f"LeadExec did not say of which lead type lead {found.uid} is; its id is {' or '.join(ids)}.": len(ids) > 1,
        f"LeadExec's ResponseType {quoted(found.kind)} is not documented.": found.kind not in ("", FINE),
    }
    return tuple(text for text, holds in possible.items() if holds)


def narrowed(account: Account, request: Request) -> Account:
    """The account with the one lead type that the request is for: a reply names none, and ids are made of it."""
    return replace(account, options={**account.options, "lead_type_uids": str(request.json["source"]["lid"])})


INSERT: Final = Insert(
    form=FORM,
    build=insert_lead,
    read=read_inserted,
    narrowed=narrowed,
    ready=ready,
    effect="LeadExec delivers a new lead to buyers by itself, unless properties.noSell says not to.",
)
