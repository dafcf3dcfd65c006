"""What LeadSquared's records say happened to a lead. Source: developer centre (get-a-lead-by-email-id)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lead_mcp.vendors.base import Account, Happening, Raw
from lead_mcp.vendors.happenings import from_fields

DATED: Final = (("created_at", "created", "came in"), ("updated_at", "updated", "last changed"))


def happenings(account: Account, raw: Raw) -> Sequence[Happening]:
    """Calls are activities of their own; those with a recording are told by the recordings."""
    return list(from_fields(account, raw, DATED))
