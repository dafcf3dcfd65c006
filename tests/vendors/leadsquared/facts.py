"""What the generic suites need to know of LeadSquared."""

from __future__ import annotations

from typing import Final

from tests.facts import Change, Dialect, VendorFacts

FACTS: Final = VendorFacts(
    dialects=(
        Dialect(options={"errors": "200"}),
        # the edition's two calls show different columns
        Dialect(options={"edition": "2026"}, unread=frozenset({"owner", "OwnerIdName"})),
        Dialect(options={"by_id": "object"}),
        Dialect(options={"record_count": "total"}),
        Dialect(options={"object_types": True}),
    ),
    settled={"deletes": True},
    change=Change(field="city", wanted="Paris", other="Rome"),
    spells_email="EmailAddress",
    nobody=("00000000-0000-4000-8000-0000000fffff",),
    keeps={
        "first_name": ("FirstName",),
        "last_name": ("LastName",),
        "email": ("EmailAddress",),
        "phone": ("Phone",),
        "address": ("mx_Street1",),
        "postal_code": ("mx_Zip",),
        "note": ("Notes",),
    },
    holders=("note", "raw.mx_Anything"),
)
