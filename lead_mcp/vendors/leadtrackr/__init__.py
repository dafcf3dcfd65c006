"""LeadTrackr: what it offers. Source: seed; docs (api-reference), API in beta, 2026 (docs/sources.md)."""

from __future__ import annotations

from typing import Final

from lead_mcp.vendors.leadtrackr import wire, write
from lead_mcp.vendors.leadtrackr.events import events
from lead_mcp.vendors.leadtrackr.fields import LEAD
from lead_mcp.vendors.replies import as_id
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Discovery, Lookup, Route, Search
from lead_mcp.vendors.spec.vendor import Setting, Vendor


def fields(account: Account) -> FieldMap:
    return LEAD


def identify(account: Account, raw: Raw, partition: str | None) -> str | None:
    """A whole number as text, always sent."""
    return as_id(raw.get("id"))


VENDOR: Final = Vendor(
    name="leadtrackr",
    title="LeadTrackr",
    settings=(
        Setting("api_key", secret=True, groups=("key",), help="the project's key: Settings > API Integration"),
        Setting("base_url", kind="url", default="https://app.leadtrackr.io/api"),
        Setting("project_id", help="the project's public ID in Settings; needed to insert leads only"),
    ),
    sign=wire.sign,
    leads=Search(
        fields=fields,
        person=write.PERSON_LOOKUP,
        identify=identify,
        discovery=Discovery(build=wire.sample, read=wire.read_sample, sampled=True),
        routes=(
            Route(
                name="GET /leads/getLeads",
                build=wire.search_leads,
                read=wire.read_leads,
                takes=wire.takes,
                text=True,
                orders=frozenset({"created_at"}),
                # it can be null, and the order of nulls is not documented
                nullable=frozenset({"value"}),
                page=wire.PAGE,
                note="text needs at least 2 characters: first and last name, email, phone, company",
            ),
        ),
    ),
    lookup=Lookup(build=wire.get_lead, read=wire.read_lead, check=wire.may_be_id),
    events=events,
    insert=write.INSERT,
    update=write.UPDATE,
    check=wire.check,
    checked=wire.checked,
    stages={"open": "open", "lost": "lost"},
    limits="pages of 1-100 (seed); no rate limit documented",
    quirks=(
        "one key reads one project",
        "no update time is sent: a change of a lead cannot be noticed, only new leads can",
        "status is open, pending or lost; what it holds once a lead is processed is not documented",
        "price is in cents at LeadTrackr, value in whole currency units",
        "text search needs at least 2 characters",
    ),
)
