"""Each vendor's leads as plain rows, made of its emulator's own store.

Times are aware, in New York; money is in dollars as ``Decimal``; ``phone`` is E.164; an absent value is None.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.sandbox.world import World
from lead_mcp.vendors.convoso.emulator import store as convoso
from lead_mcp.vendors.convoso.emulator.search import MADE_KEYS
from lead_mcp.vendors.leadexec.emulator import records as leadexec
from lead_mcp.vendors.leadsquared.emulator import store as leadsquared
from lead_mcp.vendors.leadtrackr.emulator import leads as leadtrackr
from lead_mcp.vendors.octanist.emulator import leads as octanist
from tests.driving import NOW

ZONE: Final = ZoneInfo("America/New_York")
CONVOSO_ZONE: Final = ZoneInfo("America/Los_Angeles")
NOTHING: Final = (None, "", "null", "N/A")


@dataclass(frozen=True)
class Row:
    """One lead. ``raw`` is what the emulator keeps or sends of it."""

    account: str
    id: str
    created: datetime
    updated: datetime | None
    name: str
    last_name: str | None
    email: str | None
    phone: str | None
    status: str
    source: str | None
    value: Decimal | None
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def uri(self) -> str:
        return f"lead://{self.account}/{self.id}"

    def get(self, name: str) -> Any:
        """A value of ``raw``, None where it says nothing."""
        found = self.raw.get(name)
        return None if found in NOTHING else found


def sends(row: Row) -> list[dict[str, Any]]:
    """To whom LeadExec sent the lead, in its own words."""
    found: list[dict[str, Any]] = row.raw.get("SendInformation", {}).get("Sends", [])
    return found


def commonest(counted: Counter[Any]) -> Any:
    """What came most often; of several the first by name."""
    return min(counted, key=lambda key: (-counted[key], key))


def zulu(text: str) -> datetime:
    return in_new_york(datetime.fromisoformat(text))


def in_new_york(when: datetime) -> datetime:
    """With a fixed offset: Python compares and subtracts times of one zone by their clocks, an hour off where these change."""
    local = when.astimezone(ZONE)
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()))


def utc(text: str) -> datetime:
    return zulu(f"{text}+00:00")


def pacific(text: str) -> datetime:
    return in_new_york(datetime.fromisoformat(text).replace(tzinfo=CONVOSO_ZONE))


def number(text: Any) -> str | None:
    """E.164 of an American number, however it is spelled."""
    digits = re.sub(r"\D", "", "" if text in NOTHING else str(text))
    return f"+1{digits[-10:]}" if len(digits) >= 10 else None


def money(value: Any) -> Decimal | None:
    return None if value in NOTHING else Decimal(str(value))


def word(value: Any) -> Any:
    return None if value in NOTHING else value


def joined(*parts: Any) -> str:
    return " ".join(part for part in parts if part not in NOTHING)


def _leadexec(world: World) -> Iterator[Row]:
    store = leadexec.Store(world, lambda: NOW)
    for lead in (lead for leads in store.leads.values() for lead in leads):
        raw = leadexec.record(lead, None, uid_as_text=False)
        fields, properties = raw["Fields"], raw["Properties"]
        yield Row(
            "leadexec",
            f"{lead.kind.uid}-{lead.uid}",
            zulu(properties["DateAdded"]),
            zulu(raw["LastUpdated"]),
            joined(fields.get("FirstName"), fields.get("LastName")),
            word(fields.get("LastName")),
            word(fields.get(lead.kind.email)),
            number(fields.get(lead.kind.phone)),
            properties["ReturnStatus"],
            word(properties["LeadSource"]),
            money(raw.get("SendInformation", {}).get("Revenue")),
            raw | {"LeadTypeUID": lead.kind.uid},
        )


def _convoso(world: World) -> Iterator[Row]:
    for lead in convoso.Store(world, CONVOSO_ZONE).shelf:
        raw = {name: getattr(lead, name) for name in lead.__slots__}
        yield Row(
            "convoso",
            str(lead.id),
            pacific(lead.created_at),
            pacific(lead.modified_at),
            joined(lead.first_name, lead.last_name),
            word(lead.last_name),
            word(lead.email),
            number(lead.phone_number),
            lead.status,
            convoso.SOURCE_NAMES.get(lead.source_id or ""),
            None,
            raw | {name: make(lead) for name, make in MADE_KEYS.items()},
        )


def _leadsquared(world: World) -> Iterator[Row]:
    for lead in leadsquared.draw(world).leads.values():
        yield Row(
            "leadsquared",
            str(lead["ProspectID"]),
            utc(str(lead["CreatedOn"])),
            utc(str(lead["ModifiedOn"])),
            joined(lead["FirstName"], lead["LastName"]),
            word(lead["LastName"]),
            word(lead["EmailAddress"]),
            number(lead["Phone"]),
            str(lead["ProspectStage"]),
            word(lead["Source"]),
            money(lead.get("Revenue")),
            lead,
        )


def _octanist(world: World) -> Iterator[Row]:
    for lead in octanist.Store(world, lambda: NOW).leads.values():
        yield Row(
            "octanist",
            lead["id"],
            zulu(lead["createdAt"]),
            zulu(lead["updatedAt"]),
            lead.get("name") or "",
            None,
            word(lead.get("email")),
            number(lead.get("phone")),
            lead["status"],
            lead["source"],
            money(lead.get("value")),
            lead,
        )


def _leadtrackr(world: World) -> Iterator[Row]:
    for lead in leadtrackr.Project(world).leads.values():
        yield Row(
            "leadtrackr",
            str(lead["id"]),
            zulu(lead["createdAt"]),
            None,
            joined(lead["firstName"], lead["lastName"]),
            word(lead["lastName"]),
            word(lead["email"]),
            number(lead["phone"]),
            lead["status"],
            None,
            None if lead["price"] is None else Decimal(lead["price"]) / 100,
            lead,
        )


READERS: Final = {
    "leadexec": _leadexec,
    "convoso": _convoso,
    "leadsquared": _leadsquared,
    "octanist": _octanist,
    "leadtrackr": _leadtrackr,
}
