"""Timeline events from the time fields of a record: shared by the vendors' ``events`` modules. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.events import EventKind, TimelineEvent
from lead_mcp.vendors.spec.http import Raw

LATER: Final[Mapping[str, EventKind]] = {
    "qualified_at": EventKind.QUALIFIED,
    "updated_at": EventKind.UPDATED,
}
"""Our time fields that are events, beside that of creation."""


def from_fields(account: Account, raw: Raw, **creation: Any) -> Iterator[TimelineEvent]:
    """An event for each of our time fields that the record holds; an update at the moment of creation is none.

    ``creation``: what else is known of the first.
    """
    created = account.fields.ours["created_at"].read(raw)
    if isinstance(created, datetime):
        yield TimelineEvent(at=created, kind=EventKind.CREATED, **creation)
    for name, kind in LATER.items():
        field = account.fields.ours.get(name)
        moment = field.read(raw) if field else None
        if isinstance(moment, datetime) and not (kind is EventKind.UPDATED and moment == created):
            yield TimelineEvent(at=moment, kind=kind)


def text_of(account: Account, name: str, raw: Raw) -> str | None:
    """The text of one of our fields in the record, or None."""
    field = account.fields.ours.get(name)
    value = field.read(raw) if field else None
    return None if value is None else str(value)
