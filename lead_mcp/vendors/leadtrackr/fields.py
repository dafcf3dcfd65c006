"""LeadTrackr's names for our fields. Source: seed (getLeads); docs: api-reference/leads (get-lead, get-leads, create).

``price`` is in cents; times are ISO 8601 UTC with milliseconds. Absent at LeadTrackr: an update time, source, campaign,
owner, list, address, UTM words and every click id but the six below (platform and createdBy exist there but are never sent).
Case rules of text comparisons and the normalising of phone numbers are not documented.

Where a parameter can be reached by two names (``external_id``, ``uniqueIdentifier``), ours alone may be exact and the vendor's
name is coarse: LeadTrackr takes one value a parameter, and only a clause that is checked again here may be left out of it.
"""

from __future__ import annotations

from typing import Any, Final

from lead_mcp.filters import RANGE
from lead_mcp.vendors.spec.fields import (
    ANY,
    CENTS,
    EQ,
    EXISTS,
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
STATUSES: Final = frozenset({"open", "pending", "lost"})
"""The words seen; a processed lead may hold a label's name or id instead (not documented), so the list is not closed."""


def status_word(value: Any) -> str:
    """A known status in LeadTrackr's lower case, since its case rules are not known; anything else as given."""
    word = str(value)
    return word.casefold() if word.casefold() in STATUSES else word


STATUS: Final = Codec(TEXT.kind, TEXT.decode, status_word)

OURS: Final = {
    "id": Field("id"),
    "status": Field(
        "status", codec=STATUS, coarse=ONE_OF, vendor_text=True, note="open, pending, lost, or a conversion label"
    ),
    "first_name": Field("firstName", personal="name"),
    "last_name": Field("lastName", personal="name"),
    "name": Field("firstName", "lastName", joined=True, personal="name"),
    # the flat fields alone: userData need not mirror them, and the vendor's filters are on the flat ones
    "email": Field("email", exact=EQ, vendor_text=True, personal="email"),
    "phone": Field(
        "phone", coarse=EQ, vendor_text=True, personal="phone"
    ),  # whether numbers are normalised is not documented
    "company": Field("companyName"),
    "value": Field("price", codec=CENTS, note="in whole currency units"),
    "created_at": Field("createdAt", codec=STAMP, exact=RANGE),
    "form_name": Field("formName", coarse=EQ, vendor_text=True),
    "external_id": Field("uniqueIdentifier", exact=EQ, vendor_text=True),
    # the team's note on the lead; what the person wrote is formData.formMessage
    "note": Field("note", personal="text"),
    "gclid": Field("attributionData.gclid", exact=EXISTS),
    "wbraid": Field("attributionData.wbraid"),
    "ga4cid": Field("attributionData.cid", exact=EXISTS),
    "ga4sid": Field("attributionData.sid"),
    "fbp": Field("attributionData.fbp", exact=EXISTS),
    "fbc": Field("attributionData.fbc", exact=EXISTS),
}
SHARED: Final = ("id", "status", "email", "phone", "note")
"""Names that are the same word at LeadTrackr and here."""
TEXTS: Final[dict[str, Personal]] = {
    "userData.firstName": "name",
    "userData.lastName": "name",
    "userData.email": "email",
    "userData.phone": "phone",
    "userData.companyName": "",
    "formData.formName": "",
    "formData.formMessage": "text",
    "formData.uniqueEventId": "",
}
ANYTHING: Final[dict[str, Personal]] = {
    "formData": "form",
    # formFields, conversionPage and consent are what the vendor's own clients add (leadbot, design note)
    "formData.formFields": "form",
    "userData": "form",
    "attributionData": "text",
    "attributionData.conversionPage": "text",
    "attributionData.consent": "text",
}

OWN: Final = {
    **{name: OURS[name] for name in SHARED},
    "firstName": OURS["first_name"],
    "lastName": OURS["last_name"],
    "companyName": OURS["company"],
    "price": Field("price", codec=NUMBER, note="in cents, as LeadTrackr keeps it; value is the same in whole units"),
    # shared although it is exact: bounds from both names become one, the tighter
    "createdAt": OURS["created_at"],
    "formName": OURS["form_name"],
    "uniqueIdentifier": Field("uniqueIdentifier", coarse=EQ, vendor_text=True),
    "channelFlow": Field("channelFlow", codec=ANY, note="documented as text; the vendor's own clients send a list"),
    **{
        f"attributionData.{name}": Field(f"attributionData.{name}", coarse=EXISTS)
        for name in "gclid cid fbp fbc".split()
    },
    "attributionData.wbraid": OURS["wbraid"],
    "attributionData.sid": OURS["ga4sid"],
    **{name: Field(name, personal=kind) for name, kind in TEXTS.items()},
    **{name: Field(name, codec=ANY, personal=kind) for name, kind in ANYTHING.items()},
}
LEAD: Final = FieldMap(ours=OURS, own=OWN, free=("formData", "userData", "attributionData"))
