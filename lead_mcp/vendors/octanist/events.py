"""Timeline events of an Octanist record. Source: production docs (get-leads), 2026."""

from __future__ import annotations

from collections.abc import Sequence

from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.events import TimelineEvent
from lead_mcp.vendors.spec.http import Raw


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """Creation, qualification, last change."""
    return list(from_fields(account, raw))
