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
)
