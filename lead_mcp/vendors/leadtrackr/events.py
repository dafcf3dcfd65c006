"""What LeadTrackr's records say happened to a lead. Source: seed (getLeads): no time but that of creation is sent."""

from __future__ import annotations

from collections.abc import Sequence

from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import TimelineEvent


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    form = account.fields.ours["form_name"].read(raw)
    what = f"came in through {form}" if form else "came in"
    return list(from_fields(account, raw, [("created_at", "created", what)]))
