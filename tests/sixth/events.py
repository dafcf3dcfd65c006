"""What Sixth's records say happened to a lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import TimelineEvent

DATED: Final = (
    ("created_at", "created", "came in"),
    ("qualified_at", "qualified", "left new"),
    ("updated_at", "updated", "last changed"),
)


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    return list(from_fields(account, raw, DATED))
