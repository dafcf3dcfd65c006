"""What LeadTrackr's records say happened to a lead. Source: seed (getLeads): no time but that of creation is sent."""

from __future__ import annotations

from collections.abc import Sequence

from lead_mcp.vendors.base import Account, Happening, Raw
from lead_mcp.vendors.happenings import from_fields


def happenings(account: Account, raw: Raw) -> Sequence[Happening]:
    form = account.fields.ours["form_name"].read(raw)
    what = f"came in through {form}" if form else "came in"
    return list(from_fields(account, raw, [("created_at", "created", what)]))
