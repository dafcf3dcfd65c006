"""Sixth's names for our fields. Source: the invented document in ``emulator/app.py``.

Times are whole milliseconds since 1970, ``amount`` is whole cents, phones are E.164; null, or left out, is nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lead_mcp.filters import RANGE, Kind, Value
from lead_mcp.vendors.spec.fields import CENTS, EQ, EXISTS, NUMBER, ONE_OF, Codec, Field, FieldMap

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
STATUSES: Final = ("new", "working", "sold", "dead")
STAGES: Final = {"new": "open", "working": "qualified", "sold": "won", "dead": "lost"}
CHANNELS: Final = ("ads", "social", "partner", "organic")


def moment(raw: Any) -> Value:
    """Milliseconds since 1970 as a time."""
    try:
        return None if raw is None or isinstance(raw, bool) else EPOCH + int(raw) * MILLISECOND
    except (TypeError, ValueError, OverflowError):
        return None


MILLIS: Final = Codec(Kind.TIME, moment, lambda when: str((when - EPOCH) // MILLISECOND))

OURS: Final = {
    "id": Field("id"),
    "status": Field("status", exact=ONE_OF, values=STATUSES),
    "source": Field("channel", exact=ONE_OF, values=CHANNELS),
    "first_name": Field("person.first", personal="name"),
    "last_name": Field("person.last", personal="name"),
    "name": Field("person.first", "person.last", joined=True, personal="name"),
    "email": Field("person.email", exact=EQ, personal="email"),
    "phone": Field("person.phone", exact=EQ, personal="phone"),
    "company": Field("company"),
    "address": Field("address.street", personal="address"),
    "city": Field("address.city", exact=EQ),
    "state": Field("address.state"),
    "postal_code": Field("address.zip", personal="address"),
    "value": Field("amount", codec=CENTS, exact=EQ | RANGE | EXISTS),
    "created_at": Field("created", codec=MILLIS, exact=RANGE),
    "updated_at": Field("updated", codec=MILLIS, exact=RANGE),
    "qualified_at": Field("moved", codec=MILLIS, note="when its status last left new"),
    "campaign": Field("campaign", exact=EQ),
    "external_id": Field("external_ref"),
    "note": Field("note", personal="text"),
}
SHARED: Final = ("id", "status", "company", "campaign", "note")
"""Names that are the same word at Sixth and here."""
THEIRS: Final = {
    "channel": "source",
    "person.first": "first_name",
    "person.last": "last_name",
    "person.email": "email",
    "person.phone": "phone",
    "address.street": "address",
    "address.city": "city",
    "address.state": "state",
    "address.zip": "postal_code",
    "created": "created_at",
    "updated": "updated_at",
    "moved": "qualified_at",
    "external_ref": "external_id",
}
OWN: Final = {
    **{name: OURS[name] for name in SHARED},
    **{theirs: OURS[ours] for theirs, ours in THEIRS.items()},
    "amount": Field("amount", codec=NUMBER, note="in cents; value is the same in whole units"),
}
LEAD: Final = FieldMap(ours=OURS, own=OWN, free=("attributes",))
