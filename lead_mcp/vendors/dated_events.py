"""Reading dated events out of a record: what every vendor's ``happenings`` shares. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import TimelineEvent

Dated = tuple[str, str, str]
"""Our field, the kind of event, what to say of it."""


def from_fields(account: Account, raw: Raw, dated: Iterable[Dated]) -> Iterator[TimelineEvent]:
    """An event for each of our time fields that the record holds; an update at the moment of creation is none."""
    created = account.fields.ours["created_at"].read(raw)
    for name, kind, what in dated:
        field = account.fields.ours.get(name)
        moment = field.read(raw) if field else None
        if isinstance(moment, datetime) and not (kind == "updated" and moment == created):
            yield TimelineEvent(moment, kind, what)
