"""Octanist: what it offers. Source: the vendor's API reference (seed; production, 2026; docs/sources.md)."""

from __future__ import annotations

from typing import Final

from lead_mcp.filters import Op, Where
from lead_mcp.vendors.octanist import wire, write
from lead_mcp.vendors.octanist.events import events
from lead_mcp.vendors.octanist.fields import LEAD
from lead_mcp.vendors.replies import as_id
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Lookup, Route, Search
from lead_mcp.vendors.spec.vendor import Setting, Vendor


def fields(account: Account) -> FieldMap:
    return LEAD


def identify(account: Account, raw: Raw, partition: str | None) -> str | None:
    """``lead_...``, always sent."""
    return as_id(raw.get("id"))


VENDOR: Final = Vendor(
    name="octanist",
    title="Octanist",
    settings=(
        Setting("api_key", secret=True, groups=("key",), help="dashboard, Settings > General > API Keys"),
        Setting("base_url", kind="url", default="https://octanist.com/api"),
    ),
    sign=wire.sign,
    leads=Search(
        fields=fields,
        person=write.PERSON_LOOKUP,
        identify=identify,
        changed_by="updated_at",
        routes=(
            Route(
                name="GET /leads",
                build=wire.search_leads,
                read=wire.read_leads,
                text=True,
                orders=frozenset({"created_at", "updated_at"}),
                # these can be absent, and the order of nulls is not documented
                nullable=frozenset({"qualified_at", "value"}),
                present={
                    "value": Where("value", Op.GTE, wire.LEAST),
                    "qualified_at": Where("qualified_at", Op.EXISTS, value=True),
                },
                page=100,
            ),
        ),
    ),
    lookup=Lookup(build=wire.get_lead, read=wire.read_lead),
    events=events,
    insert=write.INSERT,
    update=write.UPDATE,
    check=wire.check,
    checked=wire.checked,
    limits="pages of 1-100; no rate limit documented",
    quirks=(
        "status is one of open, qualified, won, lost, and stage is the same word",
        "a wrong organisation's key silently reads that organisation",
        "only status, value, note and loss reason can be changed",
    ),
)
