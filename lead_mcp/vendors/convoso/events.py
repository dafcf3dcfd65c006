"""What Convoso's records say happened to a lead. Source: sheet section 4 (C1, C6 for the call fields: unverified)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import read_moment
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import TimelineEvent

DATED: Final = (("created_at", "created", "came into a list"), ("updated_at", "updated", "last changed"))
CALLS: Final = (("first_contacted_at", "first reached by phone"), ("last_called", "last dialled"))


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """Times are naive, in the account's zone."""
    zone = ZoneInfo(account.option("timezone"))
    times: list[tuple[datetime | None, str]] = [(read_moment(raw.get(key), zone), what) for key, what in CALLS]
    calls = [TimelineEvent(at, "call", what) for at, what in times if at is not None]
    return [*from_fields(account, raw, DATED), *calls]
