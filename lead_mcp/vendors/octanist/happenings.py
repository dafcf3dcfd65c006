"""What Octanist's records say happened to a lead. Source: production docs (get-leads), 2026."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lead_mcp.vendors.base import Account, Happening, Raw
from lead_mcp.vendors.happenings import from_fields

DATED: Final = (
    ("created_at", "created", "came in"),
    ("qualified_at", "qualified", "qualified"),
    ("updated_at", "updated", "last changed"),
)


def happenings(account: Account, raw: Raw) -> Sequence[Happening]:
    return list(from_fields(account, raw, DATED))
