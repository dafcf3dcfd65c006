"""LeadExec's names for our fields. Source: seed (Lead Query API); C5 (lead fields of other accounts).

A lead has fixed sections (``Properties``, ``TCPAInformation``, ``SendInformation``) and ``Fields``, whose names are each lead
type's own: the usual ones are tried in order, the account's ``fields`` table decides. Times are ISO 8601 UTC with a fraction
of one to three digits; year 1 is never. ``N/A`` says nothing in any column. Money is plain numbers of no stated currency.
``LeadTypeUID`` is not LeadExec's: ``wire`` puts it into each row that lacks it, so that a record knows where it lives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from lead_mcp.filters import RANGE, Kind, Value, as_number
from lead_mcp.vendors.samples import guessed
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import (
    ANY,
    FLAG,
    NUMBER,
    PERSONAL,
    Codec,
    Field,
    FieldMap,
    PartField,
    Paths,
    Personal,
    at,
    moment,
    text_but,
)
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.shapes import personal_of

NOTHING: Final = "N/A"
NEVER: Final = "0001-01-01T"


def _digits(raw: Any) -> Value:
    text = WORD.decode(int(raw) if isinstance(raw, float) and raw.is_integer() else raw)
    return None if text == "0" else text


def _unknown(raw: Any) -> Value:
    nothing = isinstance(raw, str) and (raw.startswith(NEVER) or WORD.decode(raw) is None)
    return None if nothing else ANY.decode(raw)


STAMP: Final = moment()
WORD: Final = text_but(NOTHING)
PERSON: Final = text_but(NOTHING, "Not Assigned")
DIGITS: Final = Codec(Kind.TEXT, _digits)
"""Digits that are a name (a phone, a UID), sent as a number or as text; 0 is none."""
UNKNOWN: Final = Codec(Kind.ANY, _unknown)


class Composed(Field):
    """Several fields in one text, each found by itself: ``12-345``, ``Ann Lee``.

    ``whole``: None unless every one of them has a value; else those that have.
    """

    __slots__ = ("mark", "parts", "whole")
    mark: str
    parts: Sequence[Field]
    whole: bool

    def __init__(
        self, mark: str, *parts: Field, whole: bool = False, personal: Personal | None = "", note: str = ""
    ) -> None:
        paths = (path for part in parts for path in part.paths)
        super().__init__(*paths, joined=True, personal=personal, note=note)
        object.__setattr__(self, "mark", mark)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "whole", whole)

    def read(self, raw: Raw) -> Value:
        values = [part.read(raw) for part in self.parts]
        if self.whole and None in values:
            return None
        return self.mark.join(str(value) for value in values if value is not None) or None


class Difference(Field):
    """A number less another one; None where either is absent."""

    __slots__ = ("less",)
    less: Field

    def __init__(self, most: Field, less: Field, *, note: str = "") -> None:
        super().__init__(*most.paths, *less.paths, codec=NUMBER, note=note)
        object.__setattr__(self, "less", less)

    def read(self, raw: Raw) -> Value:
        whole, less = as_number(at(raw, self.paths[0])), self.less.read(raw)
        return whole - less if whole is not None and isinstance(less, Decimal) else None


def lead_types(account: Account) -> Paths:
    """The account's lead types, each once, as its settings list them."""
    return tuple(dict.fromkeys(re.findall(r"[^\s,]+", account.option("lead_type_uids"))))


def lead_id(uid: str) -> Field:
    """``{LeadTypeUID}-{UID}``, the id of the lead whose UID stands at ``uid``; None where that is 0 or absent."""
    return Composed("-", Field("LeadTypeUID", codec=DIGITS), Field(uid, codec=DIGITS), whole=True)


# --- leads --------------------------------------------------------------------------------------------------------

SECTIONS: Final = ("Fields", "Properties", "TCPAInformation", "SendInformation")


def _below(section: str, names: str) -> list[str]:
    return [f"{section}.{name}" if section else name for name in names.split()]


ABOUT: Final[dict[str, Personal]] = {
    "Fields.IPAddress": "ip",
    **dict.fromkeys(_below("Properties", "Lat Long"), "address"),
    **dict.fromkeys(_below("TCPAInformation", "FirstName LastName"), "name"),
    **dict.fromkeys(_below("TCPAInformation", "Address PostalCode IPLat IPLong"), "address"),
    "TCPAInformation.IPAddress": "ip",
    "TCPAInformation.PhoneNumber": "phone",
    **dict.fromkeys(_below("TCPAInformation", "ReferrerURL Referrer SearchTerm FormURL ConsentText"), "text"),
    "SendInformation.Sends": "text",
    # of pings: a request is written in whatever form the buyer takes
    "Request": "form",
    **dict.fromkeys(("Response", "Fields", "ScanLog"), "text"),
}
"""Which of LeadExec's own fields speak of a person."""
SENDS: Final[dict[str, Personal]] = {
    "PostData": "form",
    **dict.fromkeys(("Response", "LeadNotes", "LastReturnActionReason"), "text"),
    "EmailReads": "",
    "EmailReads.IPAddress": "ip",
    **dict.fromkeys("Client ClientGroup ClientAccount Emailed Appointments".split(), ""),
}
"""What each of ``SendInformation.Sends`` says of the person; ``Client`` is the buyer."""
# FirstName .. EmailAddress, Phone: seed; Email, Company, StateProvince, ZipPostal: C5; the other spellings are guesses
USUAL: Final = {
    "first_name": "FirstName First_Name Firstname first_name",
    "last_name": "LastName Last_Name Lastname last_name",
    "email": "EmailAddress Email Email_Address email",
    "phone": "Phone PhoneNumber Phone_Number PrimaryPhone HomePhone CellPhone MobilePhone Mobile WorkPhone phone",
    "company": "Company CompanyName Company_Name BusinessName",
    "address": "StreetAddress Address Address1 Street_Address",
    "city": "City city",
    "state": "StateProvince State Province state",
    "postal_code": "ZipPostal PostalCode Zip ZipCode Zip_Code Postal_Code zip",
    "country": "Country CountryCode",
    "note": "Comments Comment Notes Note",
}
TRACKING: Final = (
    "utm_source utm_medium utm_campaign gclid dclid wbraid gbraid ga4cid ga4sid fbc fbp msclkid ttclid twclid rdt_cid sccid "
    "epik li_fat_id"
).split()
OTHER_FIELDS: Final = ("IPAddress", "JobTitle", "IndustrySub-Category")


SENDS_PATH: Final = "SendInformation.Sends"
SEND_TYPES: Final = (
    ("Client ClientGroup ClientAccount RecordID LeadNotes LastReturnActionReason PostData Response", WORD),
    (
        "SendUID ClientUID Price Location DeliveryDuration ClientAccountUID ClientOrderUID InvoiceUID RevShare ReadCount "
        "LastReturnAction",
        NUMBER,
    ),
    ("Valid Emailed Forwarded Automated", FLAG),
    ("DateSent LastReadDate FirstReadDate LastActionDate AssignedReadDate NextAppointmentDate", STAMP),
)
"""What each of ``SendInformation.Sends`` holds (seed), without its own lists."""


def _usual(ours: str) -> Field:
    paths = (f"Fields.{name}" for name in USUAL[ours].split())
    return Field(*paths, codec=DIGITS if ours == "phone" else WORD, personal=PERSONAL.get(ours, ""))


def _named(section: str, names: str, codec: Codec) -> dict[str, Field]:
    paths = _below(section, names)
    return {path: Field(path, codec=codec, personal=ABOUT.get(path, "")) for path in paths}


CONTACT: Final = {name: _usual(name) for name in USUAL}
OURS: Final = {
    "id": lead_id("UID"),
    "status": Field(
        "Properties.ReturnStatus", codec=WORD, note="whether the lead was returned: the only status there is"
    ),
    "source": Field("Properties.LeadSource", codec=WORD, note="who sent the lead; the marketing source is utm_source"),
    "name": Composed(" ", CONTACT["first_name"], CONTACT["last_name"], personal="name"),
    **CONTACT,
    "value": Field("SendInformation.Revenue", codec=NUMBER, note="what its sends brought in"),
    # that StartDate and EndDate compare this date, and whether they include it, is unverified
    "created_at": Field("Properties.DateAdded", codec=STAMP, edge=RANGE),
    "updated_at": Field("LastUpdated", codec=STAMP),
    # an "Account" on a lead is the campaign (inferred)
    "campaign": Field("Properties.Account", codec=WORD, note="the campaign; LeadExec calls it Account"),
    "owner": Field("Properties.UserAssigned", codec=PERSON, personal="name"),
    "website": Field("TCPAInformation.FormURL", codec=WORD, personal="text", note="only with the TCPA consent service"),
    "external_id": Field("Properties.RecordID", codec=WORD),
    **{name: Field(f"Fields.{name}", codec=WORD) for name in TRACKING},
}
PROPERTIES: Final = {
    **_named(
        "Properties",
        "Channel TeamAssigned LeadSource Account LeadSourceSubID InvalidReason Category Timezone QualityControlResponse "
        "ReturnStatus LeadGrade CallResult RecordID VisitID SearchEngine Keyword QualityControlledBy",
        WORD,
    ),
    **_named(
        "Properties",
        "LeadSourceUID FileUID AccountUID MaxSell Price Lat Long CallDuration IVRNumber AnalyticsUID",
        NUMBER,
    ),
    **_named("Properties", "IsValid QualityControlResult CallVerified Flagged TCPACompliant InQualityControl", FLAG),
    "Properties.QualityControlledOn": Field("Properties.QualityControlledOn", codec=STAMP),
    "Properties.DateAdded": OURS["created_at"],
    "Properties.UserAssigned": OURS["owner"],
}
CONSENT: Final = {
    **_named(
        "TCPAInformation",
        "IPAddress ReferrerURL ConsentText VisitID FirstName LastName Address City State PostalCode Country Browser OS "
        "Referrer SearchTerm FormURL",
        WORD,
    ),
    **_named("TCPAInformation", "PhoneNumber", DIGITS),
    **_named("TCPAInformation", "RequestID IPLat IPLong TimeOnSite TimeOnForm", NUMBER),
    **_named("TCPAInformation", "IsMobile ConsentGiven ConsentTextRequested", FLAG),  # IsMobile is the text "True"
    **_named("TCPAInformation", "RequestDate Received DateConsentTextRequested", STAMP),
}
# the usual names of Fields are own ones too: a bare FirstName is then seen to be two things, and a numeric zip is text
OWN: Final = {
    **_named("", "UID LeadTypeUID", NUMBER),
    "LastUpdated": OURS["updated_at"],
    **{path: Field(path, codec=one.codec, personal=one.personal) for one in CONTACT.values() for path in one.paths},
    **_named("Fields", " ".join(OTHER_FIELDS), WORD),
    **PROPERTIES,
    **CONSENT,
    **_named("SendInformation", "Revenue SendCount", NUMBER),
    **_named("SendInformation", "Sends", UNKNOWN),
    **{
        f"{SENDS_PATH}.{name}": PartField(SENDS_PATH, name, codec=codec, personal=SENDS.get(name, ""))
        for names, codec in SEND_TYPES
        for name in names.split()
    },
}
INSIDE: Final = {f"{SENDS_PATH}.{name}": kind for name, kind in SENDS.items()}
LEAD: Final = FieldMap(ours=OURS, own=OWN, free=("Fields",), inside=INSIDE)


def discovered(path: str, values: Sequence[Any]) -> Field:
    """The field at ``path``: the one we know, else one of the type that all the values seen have, else of any type."""
    return OWN.get(path) or Field(path, codec=guessed(values, UNKNOWN), personal=personal_of(values))


# --- pings --------------------------------------------------------------------------------------------------------

INBOUND_OURS: Final = {
    "id": Field("Id"),
    "at": Field("CreatedOn", codec=STAMP, edge=RANGE),
    "accepted": Field("Accepted", codec=FLAG),
    "result": Field("Result", codec=WORD),
    "source": Field("LeadSource", codec=WORD),
    "campaign": Field("Campaign", codec=WORD),
    "revenue": Field("ActualRevenue", codec=NUMBER),
    "potential_revenue": Field("PotentialRevenue", codec=NUMBER),
    "received": Field("Received", codec=FLAG),
    "lead_id": lead_id("LeadUID"),
    "request_id": Field("RequestID", codec=WORD),
}
INBOUND: Final = FieldMap(
    ours=INBOUND_OURS,
    own={
        **_named("", "Id OrderID LeadSource Campaign Result ScanLog RequestID", WORD),
        **_named(
            "",
            "LeadTypeUID LeadSourceUID CampaignUID LeadUID PotentialClients PotentialRevenue DeliveredClients ActualRevenue",
            NUMBER,
        ),
        **_named("", "Accepted Received", FLAG),
        **_named("", "ExpiresOn", STAMP),
        **_named("", "MatchedClients Response Request Fields", UNKNOWN),
        "CreatedOn": INBOUND_OURS["at"],
    },
    free=("Fields",),
    inside={"MatchedClients.Name": ""},
)
OUTBOUND_OURS: Final = {
    "id": Field("Id"),
    # the dates of a query are said to be creation dates; that SentOn is that date is unverified
    "at": Field("SentOn", codec=STAMP, edge=RANGE),
    "accepted": Field("Accepted", codec=FLAG),
    "campaign": Field("CampaignName", codec=WORD),
    "client": Field("Client", codec=WORD, note="the buyer that was asked"),
    "price": Field("Price", codec=NUMBER),
    "revenue": Field("Revenue", codec=NUMBER),
    "margin": Difference(
        Field("Revenue", codec=NUMBER),
        Field("Price", codec=NUMBER),
        note="revenue less price of this PING; what its price is beside its revenue is not documented",
    ),
    "posted": Field("PostSent", codec=FLAG, note="whether the lead was then posted to that buyer"),
    "response": Field("Response", codec=UNKNOWN, personal="form", note="the buyer's answer, as it came"),
    "lead_id": lead_id("LeadUID"),
}
OUTBOUND: Final = FieldMap(
    ours=OUTBOUND_OURS,
    own={
        **_named("", "Id Client DeliveryMethod DeliveryAccount CampaignName", WORD),
        **_named(
            "",
            "LeadTypeUID ClientUID DeliveryMethodUID DeliveryAccountUID LeadUID LeadSourceUID Price Revenue",
            NUMBER,
        ),
        **_named("", "Accepted PostSent", FLAG),
        **_named("", "Response Request Fields", UNKNOWN),
        "SentOn": OUTBOUND_OURS["at"],
    },
    free=("Fields",),
)
