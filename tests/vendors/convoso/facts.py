"""What the generic suites need to know of Convoso."""

from __future__ import annotations

from typing import Final

from tests.facts import Change, Dialect, VendorFacts

FACTS: Final = VendorFacts(
    dialects=(
        Dialect(options={"dialect": "seed"}),
        Dialect(options={"dialect": "seed", "ids": "number"}),
        Dialect(options={"ids": "number"}),
        Dialect(options={"dates": "offset"}),
        Dialect(options={"zone": "America/New_York"}, environment={"CONVOSO_TIMEZONE": "America/New_York"}),
    ),
    needed={"list_id": "2101"},
    change=Change(field="status", wanted="SALE", other="CALLBK"),
    spells_email="email",
    nobody=("99999999",),
    keeps={
        "first_name": ("first_name",),
        "last_name": ("last_name",),
        "email": ("email",),
        "phone": ("phone_number",),
        "address": ("address1",),
        "postal_code": ("postal_code",),
        "note": ("notes",),
    },
    holders=("note", "raw.notes", "raw.anything_else"),
)
