"""Timeline events of a Convoso record. Source: seed, H1; C1, C6 for the call fields (unverified)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.events import Detail, EventKind, TimelineEvent
from lead_mcp.vendors.spec.fields import read_moment
from lead_mcp.vendors.spec.http import Raw

CALLS: Final[Mapping[str, Detail]] = {
    "first_contacted_at": Detail.FIRST_REACHED,
    "last_called": Detail.LAST_DIALLED,
}


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """Times are naive, in the account's zone. A lead is created by coming into a list."""
    zone = ZoneInfo(account.option("timezone"))
    times = {detail: read_moment(raw.get(key), zone) for key, detail in CALLS.items()}
    calls = [TimelineEvent(at=at, kind=EventKind.CALL, detail=detail) for detail, at in times.items() if at is not None]
    return [*from_fields(account, raw, detail=Detail.INTO_LIST), *calls]
