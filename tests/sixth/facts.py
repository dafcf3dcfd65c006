"""What the generic suites need to know of Sixth."""

from __future__ import annotations

from typing import Final

from tests.facts import Change, Dialect, VendorFacts

FACTS: Final = VendorFacts(
    dialects=(
        Dialect(options={"pages": "short"}),
        Dialect(options={"totals": True}),
        Dialect(options={"nulls": "left out"}),
    ),
    settled={"settles": 0.0},
    change=Change(field="city", wanted="Paris", other="Rome"),
    spells_email="person.email",
    nobody=("LD-FFFFFF",),
    keeps={
        "first_name": ("person.first",),
        "last_name": ("person.last",),
        "email": ("person.email",),
        "phone": ("person.phone",),
        "note": ("note",),
    },
    holders=("note", "raw.person", "raw.address", "attributes.anything"),
)
