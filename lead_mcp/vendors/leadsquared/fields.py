"""LeadSquared's names for our fields. Source: seed; developer centre (get-a-lead-by-email-id and others); docs/sources.md.

Records are flat; every value is text or null, numbers and flags too (``"Score": "54"``, ``"DoNotEmail": "0"``). Times are
``YYYY-MM-DD HH:MM:SS.000``; UTC is assumed, the vendor says so of requests only. Custom fields are named ``mx_...``.

What is asked: one condition a call, compared in the vendor's database. Text equality there is probably wider than ours
(case, trailing blanks) and nowhere documented: sent, checked again here, and named as the vendor's. Numbers are not sent:
whether they compare as numbers is not documented. Neither are ``<>`` (it may count empties) and ``LIKE`` (no syntax given).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lead_mcp.filters import RANGE, Kind, Value
from lead_mcp.vendors.spec.fields import (
    EQ,
    FLAG,
    NONE,
    NUMBER,
    ONE_OF,
    TEXT,
    Codec,
    Field,
    FieldMap,
    Personal,
    moment,
)

STAMP: Final = moment()
BIT: Final = Codec(Kind.FLAG, FLAG.decode, lambda value: "1" if value else "0")
ID_NAMES: Final = ("ProspectID", "ProspectId", "LeadId", "Id", "id")
"""The one id goes by a name per endpoint; ``ProspectID`` is the one to ask for."""


def _guid(raw: Any) -> Value:
    text = TEXT.decode(raw)
    return text.lower() if isinstance(text, str) else None


GUID: Final = Codec(Kind.TEXT, _guid)
ABOUT: Final[Mapping[str, Personal]] = {
    "FirstName": "name",
    "LastName": "name",
    "EmailAddress": "email",
    **dict.fromkeys(("Phone", "Mobile", "Fax"), "phone"),
    **dict.fromkeys(("mx_Street1", "mx_Street2", "mx_Zip", "Latitude", "Longitude"), "address"),
    "SourceIPAddress": "ip",
    **dict.fromkeys(
        "Website SourceReferrer SourceReferrerURL ConversionReferrerURL Web_Referrer Notes".split(), "text"
    ),
    "OwnerIdEmailAddress": "email",
    "OwnerIdName": "name",
}
"""Which columns speak of a person; the owner is one of the account's own people."""


def asked(
    *paths: str, codec: Codec = TEXT, values: Sequence[str] = (), personal: Personal | None = "", note: str = ""
) -> Field:
    """A field whose equality the vendor is asked for; its rules of comparing text are not documented."""
    about = ABOUT.get(paths[0], personal)
    return Field(*paths, codec=codec, coarse=EQ, vendor_text=True, values=values, personal=about, note=note)


OURS: Final = {
    "id": Field(*ID_NAMES, codec=GUID, coarse=ONE_OF),
    "status": asked("ProspectStage", note="the account's own stages"),
    "source": asked("Source"),
    "first_name": asked("FirstName"),
    "last_name": asked("LastName"),
    "name": Field("FirstName", "LastName", joined=True, personal="name"),
    "email": asked("EmailAddress"),
    # two places: asking for one of them would lose those who have only the other
    "phone": Field("Phone", "Mobile", personal="phone"),
    "company": asked("Company"),
    "address": asked("mx_Street1"),
    "city": asked("mx_City"),
    "state": asked("mx_State"),
    "postal_code": asked("mx_Zip"),
    "country": asked("mx_Country"),
    # the only amount a lead has; its currency is not stated (unverified that it is the deal's and not the company's)
    "value": Field("Revenue", codec=NUMBER),
    "created_at": Field("CreatedOn", codec=STAMP, edge=RANGE),
    "updated_at": Field("ModifiedOn", codec=STAMP, edge=RANGE),
    "campaign": asked("SourceCampaign"),
    "owner": Field("OwnerIdEmailAddress", "OwnerIdName", "OwnerId", personal="name"),
    "website": asked("Website"),
    "external_id": asked("ProspectAutoId", note="the counter people see"),
    "note": Field("Notes", personal="text"),
    # no qualified_at: LeadConversionDate is when a visitor became a lead (unverified). No utm_*: SourceMedium and its
    # like are not documented as the tags of the link; they go by their own names.
}

TEXTS: Final = (
    "Phone Mobile Fax JobTitle Origin SourceMedium SourceContent SourceReferrer SourceReferrerURL SourceIPAddress "
    "ConversionReferrerURL TimeZone Region Grade CompanyType OwnerId CreatedBy ModifiedBy RelatedProspectId "
    "ProspectActivityId_Min ProspectActivityId_Max ProspectActivityName_Max Web_Referrer Web_RefKeyword "
    "RelatedLandingPageId FirstLandingPageSubmissionId NotableEvent StatusCode StatusReason DeletionStatusCode mx_Street2"
).split()
NUMBERS: Final = "Score EngagementScore TotalVisits PageViewsPerVisit AvgTimePerVisit Latitude Longitude".split()
FLAGS: Final = "DoNotEmail DoNotCall DoNotSMS DoNotTrack IsLead".split()
TIMES: Final = (
    "ProspectActivityDate_Min ProspectActivityDate_Max FirstLandingPageSubmissionDate LeadLastModifiedOn LastVisitDate "
    "NotableEventdate LeadConversionDate"
).split()

OWN: Final[Mapping[str, Field]] = {
    "ProspectID": Field(*ID_NAMES, codec=GUID, coarse=EQ),
    **{ours.paths[0]: ours for name, ours in OURS.items() if name not in ("id", "name", "phone", "owner")},
    **{name: asked(name) for name in TEXTS},
    **{name: Field(name, codec=NUMBER, personal=ABOUT.get(name, "")) for name in NUMBERS},
    **{name: Field(name, codec=BIT) for name in FLAGS},
    # coarse and not edge: "never" may be a date of 1900 in the database, and is nothing here
    **{name: Field(name, codec=STAMP, coarse=RANGE) for name in TIMES},
    # looked up beside the lead, so not known to be columns one can ask by
    **{name: Field(name, personal=ABOUT[name]) for name in ("OwnerIdEmailAddress", "OwnerIdName")},
    "LeadType": Field("LeadType", note="OT_0, OT_1, ...; only in accounts with Object Types"),
    "CanUpdate": Field("CanUpdate", codec=FLAG, note="comes unasked, and only from the call by date of change"),
}
LEAD: Final = FieldMap(ours=OURS, own=OWN, free=("",))

NEVER_COLUMNS: Final = frozenset(ID_NAMES[1:]) | {"CanUpdate"}
"""Names that stand in replies and are no columns to ask for."""
EVERY_COLUMN: Final = tuple(name for name in OWN if name not in NEVER_COLUMNS | {"LeadType"})
"""The documented columns, where a call wants them named. Custom ones are not among them: there is no wildcard."""

# --- an account's own fields --------------------------------------------------------------------------------------

CODECS: Final[Mapping[str, Codec]] = {
    "Number": NUMBER,
    "Boolean": BIT,
    "Date": STAMP,
    "DateTime": STAMP,  # not in the documents' list
    # "Time" is left as text: taken for a time of day, which is no moment (unverified)
}
TYPES_SAY: Final[Mapping[str, Personal]] = {"Email": "email", "Phone": "phone", "Boolean": "", "Select": ""}
"""What a type says of a person; of the others nobody knows."""


def discovered(meta: Mapping[str, Any]) -> Field:
    """The field that one entry of ``LeadsMetaData.Get`` describes. Documented ones keep what is known of them."""
    name, note = str(meta["SchemaName"]), str(meta.get("DisplayName") or "")
    known = OWN.get(name)
    if known is not None:
        return _described(known, options(meta), known.note or note)
    kind = str(meta.get("DataType"))
    codec, personal = CODECS.get(kind, TEXT), TYPES_SAY.get(kind)
    # what IsSearchable means exactly is not documented: where it says no, nothing is sent
    sent = codec is TEXT and meta.get("IsSearchable") is not False
    field = asked(name, personal=personal) if sent else Field(name, codec=codec, coarse=NONE, personal=personal)
    return _described(field, options(meta), note)


def options(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of a select with one choice; none for other fields and where "others" can be typed (unverified)."""
    several = meta.get("AllowMultiple") is True
    open_ended = "other" in str(meta.get("RenderTypeTextValue") or "").casefold()
    listed = meta.get("Options")
    if several or open_ended or not isinstance(listed, list):
        return ()
    return tuple(str(item["Value"]) for item in listed if isinstance(item, Mapping) and item.get("Value"))


def _described(field: Field, values: Sequence[str], note: str) -> Field:
    # a dropdown's choices are offered, not enforced: others may be stored (community)
    return field.but(values=tuple(values), closed=not values, note=note)
