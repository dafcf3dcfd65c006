"""What the generic suites need to know of LeadTrackr."""

from __future__ import annotations

from typing import Final

from tests.facts import Change, Dialect, VendorFacts

FACTS: Final = VendorFacts(
    dialects=(Dialect(options={"settled": "uuid"}), Dialect(options={"objects": "text"})),
    settled={"settles": 0.0},
    change=Change(field="status", wanted="lost", other="lost"),
    spells_email="userData.email",
    nobody=("99999999",),
    keeps={
        "first_name": ("userData.firstName",),
        "last_name": ("userData.lastName",),
        "email": ("userData.email",),
        "phone": ("userData.phone",),
        "note": ("formData.formMessage",),
    },
    holders=("note", "formData", "userData", "attributionData"),
)
