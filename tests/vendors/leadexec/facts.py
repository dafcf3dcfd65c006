"""What the generic suites need to know of LeadExec."""

from __future__ import annotations

from typing import Final

from tests.facts import Dialect, VendorFacts

FACTS: Final = VendorFacts(
    dialects=(
        Dialect(options={"descending_is": 0}),
        Dialect(options={"refusals": "body"}),
        Dialect(options={"uids": "text"}),
    ),
    own={"lid": "3471"},
    nobody=("3471-99999999",),
    keeps={
        "first_name": ("Fields.FirstName",),
        "last_name": ("Fields.LastName",),
        "email": ("Fields.EmailAddress", "Fields.Email"),
        "phone": ("Fields.Phone", "Fields.PhoneNumber"),
        "address": ("Fields.StreetAddress",),
        "postal_code": ("Fields.PostalCode", "Fields.ZipPostal"),
        "note": ("Fields.Comments", "Fields.Notes"),
    },
    holders=("raw.Fields", "raw.TCPAInformation", "SendInformation.Sends", "raw.SendInformation", "raw.Properties"),
)
