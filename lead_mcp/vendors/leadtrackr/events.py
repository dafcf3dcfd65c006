"""Timeline events of a LeadTrackr record. Source: seed (getLeads): only the time of creation is sent."""

from __future__ import annotations

from collections.abc import Sequence

from lead_mcp.vendors.dated_events import from_fields, text_of
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.events import TimelineEvent
from lead_mcp.vendors.spec.http import Raw


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """The lead's creation, with the form it came in through."""
    return list(from_fields(account, raw, form=text_of(account, "form_name", raw)))
