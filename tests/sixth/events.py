"""What Sixth's records say happened to a lead."""

from __future__ import annotations

from collections.abc import Sequence

from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.events import TimelineEvent
from lead_mcp.vendors.spec.http import Raw


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """Creation, the moment its status last left new, last change."""
    return list(from_fields(account, raw))
