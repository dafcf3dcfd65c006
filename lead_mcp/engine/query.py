"""A question: what was asked, in nobody's dialect, and as one account takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.guard import Guard, Unguarded
from lead_mcp.engine.notes import Note, NothingMatches
from lead_mcp.engine.plan import Criteria, Plan
from lead_mcp.engine.planner import plan
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Filter, Order, Where
from lead_mcp.vendors.spec.reading import Search


class AskedId(NamedTuple):
    """One lead asked for by id. ``spelled``: as the caller wrote it."""

    account: str
    id: str
    spelled: str


@dataclass(frozen=True)
class Query:
    """What was asked, in nobody's dialect. ``arguments`` bind a cursor; ``kind`` is ``lead`` or ``inbound``/``outbound``."""

    kind: str = "lead"
    filters: Sequence[Filter] = ()
    text: str | None = None
    window: Window | None = None
    ids: Sequence[AskedId] | None = None
    """Only these leads; without ``orders`` in this order."""
    orders: tuple[Order, ...] = ()
    columns: Sequence[str] = ()
    """Columns somebody named; one that no account has is a mistake."""
    defaults: Sequence[str] = ()
    """Columns every answer of this kind shows, where a vendor has them."""
    whole: bool = False
    """Whether every field of a record is wanted, named or not."""
    limit: int = 20
    cursor: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now().astimezone())
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    region: str = "US"
    """Where telephone numbers without a country code are dialled."""
    partition: str | None = None
    """The one partition of each account to look in; all of them where it is None."""
    guard: Guard = field(default_factory=Unguarded)

    def names(self) -> set[str]:
        """Every field name that somebody used."""
        return {
            *(given.field for given in self.filters),
            *(order.field for order in self.orders),
            *self.columns,
        }


@dataclass
class AccountQuery:
    """The question at one account. ``nothing``: why no record there can match, so that nothing is asked."""

    connection: Connection
    search: Search
    names: Names
    clauses: tuple[Where, ...] = ()
    nothing: NothingMatches | None = None
    notes: list[Note] = field(default_factory=list)
    metadata_requests: int = 0
    error: LeadMcpError | None = None
    _planned: tuple[Search, Criteria, frozenset[str], Plan] | None = None
    """The last plan and what it is for: the order of reading is chosen by a plan, which then is read by."""

    @property
    def account(self) -> str:
        return self.connection.name

    def plan(self, criteria: Criteria, without: frozenset[str] = frozenset()) -> Plan:
        """The plan for these criteria. ``without``: routes passed over."""
        if self._planned is None or self._planned[:3] != (self.search, criteria, without):
            self._planned = self.search, criteria, without, plan(self.search, self.names.fields, criteria, without)
        return self._planned[3]
