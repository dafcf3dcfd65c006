"""Octanist's names for our fields. Source: seed (Get Leads, newer edition); production docs, 2026-03.

Every name is Octanist's own, so most lines read alike. Values: plain numbers in major currency units (the currency is not
stated); times ISO 8601 UTC with milliseconds. Case rules of its text comparisons are not documented.
"""

from __future__ import annotations

from typing import Final

from lead_mcp.filters import RANGE, Op
from lead_mcp.vendors.spec.fields import (
    EXISTS,
    FLAG,
    NUMBER,
    ONE_OF,
    PERSONAL,
    STAGES,
    TEXT,
    Field,
    FieldMap,
    Personal,
    moment,
)

STAMP: Final = moment()
EQUAL: Final = frozenset({Op.EQ})
SOURCES: Final = ("inbound", "gtm", "api", "manual", "wordpress", "import")
CLICK_IDS: Final = (
    "gclid dclid wbraid gbraid ga4cid ga4sid fbc fbp msclkid ttclid twclid rdt_cid sccid epik li_fat_id".split()
)
UTMS: Final = ("utm_source", "utm_medium", "utm_campaign")
FLAGS: Final = ("ad_storage", "ad_user_data", "analytics_storage", "ad_personalization")
OTHERS: Final = (
    "custom lossReason conversionName path googleAdsCampaignId googleAdsCampaignName googleAdsAdGroupId "
    "googleAdsAdGroupName googleAdsAdId selectedConversionEventId"
).split()
ABOUT: Final[dict[str, Personal]] = {**PERSONAL, "custom": "form", "lossReason": "text", "path": "text"}

OURS: Final = {
    "id": Field("id"),
    # a comma list is documented for status alone; elsewhere several values are asked for here
    "status": Field("status", exact=ONE_OF, values=STAGES),
    "stage": Field("status", exact=ONE_OF, values=STAGES, note="the same as status"),
    "source": Field(
        "source", exact=EQUAL, values=SOURCES, note="the way in, not the marketing source: that is utm_source"
    ),
    **{name: Field(name, personal=ABOUT[name]) for name in ("name", "email", "phone")},
    "value": Field("value", codec=NUMBER, exact=EQUAL | RANGE),
    "created_at": Field("createdAt", codec=STAMP, exact=RANGE | EXISTS),
    "updated_at": Field("updatedAt", codec=STAMP, exact=RANGE | EXISTS),
    "qualified_at": Field("qualifiedAt", codec=STAMP, exact=RANGE | EXISTS),
    "label": Field("labelId", exact=EQUAL, vendor_text=True, note="a label's id; no call lists labels"),
    "website": Field("website", exact=EQUAL, vendor_text=True, personal="text"),
    "note": Field("note", personal="text"),
    **{name: Field(name, exact=EQUAL, vendor_text=True) for name in UTMS},
    # equality is not documented
    **{name: Field(name, exact=EXISTS, tried=EQUAL, vendor_text=True) for name in CLICK_IDS},
}
OWN: Final = {
    **{name: Field(name, codec=FLAG) for name in FLAGS},
    **{name: Field(name, codec=TEXT, personal=ABOUT.get(name, "")) for name in OTHERS},
    "expiresAt": Field("expiresAt", codec=STAMP),
    "labelId": OURS["label"],
    "createdAt": OURS["created_at"],
    "updatedAt": OURS["updated_at"],
    "qualifiedAt": OURS["qualified_at"],
}
LEAD: Final = FieldMap(ours=OURS, own=OWN)
