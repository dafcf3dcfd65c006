"""Convoso's names for our fields. Source: seed, H1, H6, S2, C1, C3, C6 (docs/sources.md).

Values are text throughout; the literal ``null`` and empty text mean nothing (C6). Times are whole seconds without a zone,
read in the account's ``timezone`` (C6; no document says), or carry an offset (``2015-01-29T14:09:57-0800``, C2).

Whether a text filter matches exactly or partially, and its case rules, are unknown: such filters are *coarse* (sent to
narrow, checked again here) and named as the vendor's. Custom fields are not searchable (S2; C3 filters by two, unverified)
and lie beside the others at the top level.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.dates import SECOND
from lead_mcp.filters import RANGE, Kind, Value
from lead_mcp.vendors.spec.fields import (
    ANY,
    EQ,
    FLAG,
    NUMBER,
    ONE_OF,
    PERSONAL,
    Codec,
    Field,
    FieldMap,
    Personal,
    moment,
    text_but,
)

WORD: Final = text_but("null")


def anything(raw: Any) -> Value:
    """Whatever stands there, but for what means nothing here."""
    return None if isinstance(raw, str) and WORD.decode(raw) is None else ANY.decode(raw)


OPEN: Final = Codec(Kind.ANY, anything)
"""For a field no document lists, whose type is therefore unknown."""

COMPANY: Final = "a lead sent without this key cannot be checked here and is left out (no sample reply shows it)"
UPDATED: Final = (
    "asked by the date of the user's update (H6), checked against modified_at, unverified that they are one; a lead sent "
    "without that date cannot be checked and is left out"
)
ASKED_ONLY: Final = "the vendor's own comparison: no reply holds it, so nothing is checked here"

SEARCHED: Final = (
    "lead_id user_id owner_id status created_by email last_modified_by first_name last_name phone_number alt_phone_1 "
    "alt_phone_2 address1 address2 city state province postal_code country gender date_of_birth"
).split()
STANDARD: Final = "std_company_name std_consumer_number std_account_number".split()
TEXTS: Final = (
    "source_id source_uid source_name campaign_uid campaign_name status_name notes carrier_name carrier_type phone_code "
    "locale_gmt called_since_last_reset object_type user_uid user_name directory_uid directory_name"
).split()
TIMES: Final = ("modified_at", "last_called", "first_contacted_at")
NEVER_READ: Final = ("last_call", "deleted_at", "archived_at", "changed_at")
ABOUT: Final[dict[str, Personal]] = {
    **PERSONAL,
    "phone_number": "phone",
    "alt_phone_1": "phone",
    "alt_phone_2": "phone",
    "address1": "address",
    "address2": "address",
    "date_of_birth": "birth",
    "std_consumer_number": "other",
    "std_account_number": "other",
    "notes": "text",
    "user_name": "name",
}
"""Which of the names below speak of a person; ``user_name`` is an agent's."""


def asked(*paths: str, note: str = "") -> Field:
    """Text the vendor filters by in a way no document states."""
    return Field(*paths, codec=WORD, coarse=EQ, vendor_text=True, personal=ABOUT.get(paths[0], ""), note=note)


ID: Final = asked("id", "lead_id")
LIST: Final = Field("list_id", codec=WORD, coarse=ONE_OF, vendor_text=True)  # several by comma list: C3
OURS: Final = {
    "id": ID,
    "status": asked("status", note="a call's disposition; the account's own codes"),
    # a name says more than an id; there is no filter for either
    "source": Field("source_name", "source_id", codec=WORD),
    **{name: asked(name) for name in "first_name last_name email city state postal_code country".split()},
    "name": Field("first_name", "last_name", codec=WORD, joined=True, personal="name"),
    "phone": asked("phone_number"),
    "company": asked("std_company_name", note=COMPANY),
    "address": asked("address1"),
    "list_id": LIST,
    "campaign": Field("campaign_name", "campaign_uid", codec=WORD),
    "owner": asked("owner_id", note="a user's id"),
    "note": Field("notes", codec=WORD, personal="text"),
}
OWN: Final = {
    **{name: asked(name) for name in SEARCHED},
    **{name: asked(name, note=COMPANY) for name in STANDARD},
    **{name: Field(name, codec=WORD, personal=ABOUT.get(name, "")) for name in TEXTS},
    "id": ID,
    "lead_id": asked("lead_id", "id"),
    "list_id": LIST,
    "called_count": Field("called_count", codec=NUMBER),
    "called_count_inbound": Field("called_count_inbound", codec=NUMBER),
    "is_contacted": Field("is_contacted", codec=FLAG),
}


@cache
def lead(zone: str) -> FieldMap:
    """The lead's fields for an account whose times stand in ``zone`` (an IANA name).

    Whether the bounds of a time filter are inclusive is unknown: asked a second too widely, hence coarse.
    """
    stamp = moment(ZoneInfo(zone), unit=SECOND)
    created = Field("created_at", codec=stamp, coarse=RANGE)
    # the filter is called updated_at, the key of the replies modified_at
    updated = Field("updated_at", "modified_at", codec=stamp, coarse=RANGE, note=UPDATED)
    only = {name: Field(name, codec=stamp, exact=RANGE, filter_only=True, note=ASKED_ONLY) for name in NEVER_READ}
    dates = {name: Field(name, codec=stamp) for name in TIMES}
    return FieldMap(
        ours={**OURS, "created_at": created, "updated_at": updated},
        own={**OWN, **dates, **only, "created_at": created},
        free=("",),
    )
