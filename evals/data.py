"""The sandbox's leads and pings as plain rows, made of the emulators' own stores: what truths are computed from.

Nothing of lead-mcp's reading, filtering or SQL is used here. Times are aware, in New York; money is in dollars as ``Decimal``;
``phone`` is E.164; an absent value is None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from evals.rows import CONVOSO_ZONE, READERS, ZONE, Row, pacific, utc, zulu
from lead_mcp.sandbox.world import World
from lead_mcp.vendors.convoso.emulator import store as convoso
from lead_mcp.vendors.leadexec.emulator import records as leadexec
from lead_mcp.vendors.leadsquared.emulator import store as leadsquared
from tests.driving import NOW, UNTIL

TODAY: Final = NOW.astimezone(ZONE).date()
ACCOUNTS: Final = tuple(READERS)


@dataclass(frozen=True)
class PingRow:
    """One ping; ``raw`` as the emulator answers it."""

    direction: str
    at: datetime
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def accepted(self) -> bool:
        return bool(self.raw["Accepted"])

    def money(self, name: str) -> Decimal:
        return Decimal(str(self.raw[name]))


def day(text: str) -> date:
    return date.fromisoformat(text)


YESTERDAY: Final = TODAY - timedelta(days=1)
MONDAY: Final = TODAY - timedelta(days=TODAY.weekday())
LAST_WEEK: Final = (MONDAY - timedelta(days=7), MONDAY - timedelta(days=1))
WEEK_BEFORE: Final = (MONDAY - timedelta(days=14), MONDAY - timedelta(days=8))
OCTOBER: Final = (day("2026-10-01"), day("2026-10-31"))
SEPTEMBER: Final = (day("2026-09-01"), day("2026-09-30"))
THIS_MONTH: Final = (TODAY.replace(day=1), TODAY)
QUARTER: Final = (day("2026-10-01"), TODAY)


def within(when: datetime | None, first: date, last: date) -> bool:
    """Whether a time lies on one of these days, both included, in New York."""
    return when is not None and first <= when.date() <= last


@dataclass(frozen=True)
class Data:
    """Every lead and ping of the world. Drawn when first looked at."""

    world: World

    @cached_property
    def leads(self) -> Mapping[str, list[Row]]:
        """Leads by account, oldest first."""
        return {name: sorted(READERS[name](self.world), key=lambda row: row.created) for name in ACCOUNTS}

    @cached_property
    def everyone(self) -> list[Row]:
        return [row for name in ACCOUNTS for row in self.leads[name]]

    def of(self, account: str, first: date, last: date) -> list[Row]:
        """The account's leads created on these days, both included."""
        return [row for row in self.leads[account] if within(row.created, first, last)]

    @cached_property
    def pings(self) -> Mapping[str, list[PingRow]]:
        """Pings by direction, oldest first."""
        store = leadexec.Store(self.world, lambda: NOW)
        found: dict[str, list[PingRow]] = defaultdict(list)
        for (direction, _), rows in store.pings.items():
            drawn = (leadexec.ping("inbound" if direction == "inbound" else "outbound", row) for row in rows)
            found[direction] += [PingRow(direction, zulu(one.get("CreatedOn") or one["SentOn"]), one) for one in drawn]
        return {direction: sorted(rows, key=lambda row: row.at) for direction, rows in found.items()}

    def pinged(self, direction: str, first: date, last: date) -> list[PingRow]:
        return [row for row in self.pings[direction] if within(row.at, first, last)]

    @cached_property
    def calls(self) -> list[tuple[str, datetime, int]]:
        """Recorded calls at Convoso and LeadSquared: the lead's URI, when it began, seconds."""
        dialled = convoso.Store(self.world, CONVOSO_ZONE).calls
        talked = leadsquared.draw(self.world).recordings.values()
        return [
            *((f"lead://convoso/{one.lead.id}", pacific(one.at), one.seconds) for one in dialled if one.recorded),
            *((f"lead://leadsquared/{one.lead_id}", utc(one.started_on), one.seconds) for one in talked),
        ]


def world(leads: int) -> World:
    """The world of the questions, up to the minute before the standing clock."""
    return World(leads, until=UNTIL)
