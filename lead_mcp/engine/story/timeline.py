"""One person's story over every account, as values: their leads, what happened to each, and what is odd about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.persons.person import Person
from lead_mcp.engine.records import Record
from lead_mcp.vendors.spec.events import TimelineEvent


@dataclass(frozen=True, slots=True)
class LeadEvent:
    """One event of a lead: at which account, and where to read more."""

    account: str
    uri: str
    event: TimelineEvent


@dataclass(frozen=True, slots=True)
class SeveralLeads:
    """One account has the person more than once."""

    account: str
    uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeveralBuyers:
    """One lead was taken by more than one buyer."""

    uri: str
    buyers: int


@dataclass(frozen=True, slots=True)
class SeveralSales:
    """The person was sold as more than one lead."""

    uris: tuple[str, ...]


Finding = SeveralLeads | SeveralBuyers | SeveralSales


@dataclass
class Timeline:
    """What was found. ``leads`` and ``events`` oldest first; ``findings``: what is odd about them."""

    leads: list[Record] = field(default_factory=list)
    events: list[LeadEvent] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    person: Person = field(default_factory=Person)
    """Who was asked for, before anything was found on the way."""
    asked: Record | None = None
    """The lead that named the person: it belongs to the story however little else can be found."""
    entries: list[LedgerEntry] = field(default_factory=list)


def findings_of(leads: Sequence[Record], events: Sequence[LeadEvent]) -> Iterator[Finding]:
    """Duplicates at one account, and leads sold more than once."""
    by_account: dict[str, list[str]] = {}
    for record in leads:
        by_account.setdefault(record.account, []).append(record.uri)
    for account, uris in by_account.items():
        if len(uris) > 1:
            yield SeveralLeads(account, tuple(uris))
    sales = Counter(one.uri for one in events if one.event.is_sale)
    for where, count in sales.items():
        if count > 1:
            yield SeveralBuyers(where, count)
    if len(sales) > 1:
        yield SeveralSales(tuple(sales))
