"""Timeline events of a LeadSquared record. Source: developer centre (get-a-lead-by-email-id)."""

from __future__ import annotations

from collections.abc import Sequence

from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.events import TimelineEvent
from lead_mcp.vendors.spec.http import Raw


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """Calls are activities of their own; those with a recording are told by the recordings."""
    return list(from_fields(account, raw))
