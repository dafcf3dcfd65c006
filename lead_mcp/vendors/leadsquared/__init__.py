"""LeadSquared: what it offers. Source: the vendor's developer centre and public clients (docs/sources.md), 2026."""

from __future__ import annotations

from typing import Final

from lead_mcp.vendors.leadsquared import wire, write
from lead_mcp.vendors.leadsquared.events import events
from lead_mcp.vendors.leadsquared.fields import LEAD
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Discovery, Lookup, Recordings, Route, Search
from lead_mcp.vendors.spec.vendor import Setting, Vendor

BY_TIME: Final = frozenset({"created_at", "updated_at"})


def fields(account: Account) -> FieldMap:
    return LEAD


def identify(account: Account, raw: Raw, partition: str | None) -> str | None:
    """A GUID, in lower case so that a lead has one URI; None where the row came without it."""
    return wire.lead_id(raw)


ROUTES: Final = (
    Route(
        name="POST Leads/Retrieve/ByIds",
        build=wire.search_ids,
        read=wire.read_whole,
        takes=wire.only("id"),
        most=1,
        needs=frozenset({"id"}),
        page=0,
    ),
    Route(
        name="GET Leads.GetByEmailaddress",
        build=wire.search_email,
        read=wire.read_whole,
        takes=wire.only("email"),
        most=1,
        needs=frozenset({"email"}),
        page=0,
    ),
    Route(
        name="GET Leads.GetByQuickSearch",
        build=wire.search_text,
        read=wire.read_text,
        text=True,
        most=0,
        page=0,
        note="the vendor's own quick search; which fields it looks in and how many rows it gives are not documented",
    ),
    # both bounds of a window of changes, which Leads.Get cannot send
    Route(
        name="POST Leads.RecentlyModified",
        build=wire.recently_modified,
        read=wire.read_page,
        takes=wire.only("updated_at"),
        serves=wire.is_window_of_changes,
        orders=BY_TIME - {"updated_at"},
        page=wire.PAGE,
        # "at most 5,000 leads per call": if that is over all pages, what lies beyond must not be lost
        deep=4_000,
    ),
    Route(
        name="POST Leads.Get",
        build=wire.search_leads,
        read=wire.read_page,
        takes=wire.one_condition,
        most=1,
        rank=wire.selectivity,
        orders=BY_TIME,
        page=wire.PAGE,
    ),
)

REGIONS: Final = ("api", "api-us11", "api-in21", "api-in22", "api-ir31", "api-ca12")

VENDOR: Final = Vendor(
    name="leadsquared",
    title="LeadSquared",
    settings=(
        Setting(
            "access_key", secret=True, groups=("keys",), help="an administrator's: other users' keys see fewer leads"
        ),
        Setting("secret_key", secret=True, groups=("keys",), help="the other half of the pair"),
        Setting(
            "base_url",
            kind="url",
            default="https://api.leadsquared.com/v2",
            help=f"the account's region: {', '.join(REGIONS)}",
        ),
        Setting("rate", kind="rate", default="25/5s"),
        Setting("recording_hosts", kind="host_list", help="where the telephony provider keeps its recordings"),
    ),
    sign=wire.sign,
    leads=Search(
        fields=fields,
        person=write.PERSON_LOOKUP,
        identify=identify,
        changed_by="updated_at",
        routes=ROUTES,
        discovery=Discovery(build=wire.get_fields, read=wire.read_fields),
    ),
    lookup=Lookup(build=wire.get_leads, read=wire.read_leads, many=wire.PAGE, check=wire.is_id),
    check=wire.check,
    checked=wire.checked,
    recordings=Recordings(
        builds=tuple(wire.calls(event) for event in wire.CALL_EVENTS),
        read=wire.read_recordings,
        page=wire.CALLS_PAGE,
        domains=("leadsquared.com",),
        note="links on call activities; hosts of telephony providers must be allowed by recording_hosts",
    ),
    events=events,
    insert=write.INSERT,
    update=write.UPDATE,
    delete=write.DELETE,
    regions=tuple(f"https://{host}.leadsquared.com/v2" for host in REGIONS),
    limits="pages of up to 1000; 25 calls in 5 seconds by every endpoint's page, 2 to 25 by plan, 20 by a live message",
    quirks=(
        "a base URL of another region refuses good keys (401)",
        "the keys act with their user's rights: leads the user may not see are missing without a word",
        "one condition a search is asked of the vendor; several together are narrowed here",
        "where Object Types are on, a search may see only leads of the default type (unverified)",
        "value is the Revenue field; phone is Phone, else Mobile",
    ),
)
