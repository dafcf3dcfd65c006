"""LeadExec (ClickPoint): what it offers. Source: the vendor's Lead Query API page (seed), its Account API page (P1).

Leads and PINGs are read one lead type at a time: the account's lead types are its partitions.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from lead_mcp.vendors.leadexec import wire, write
from lead_mcp.vendors.leadexec.events import events
from lead_mcp.vendors.leadexec.fields import INBOUND, LEAD, OUTBOUND, lead_types
from lead_mcp.vendors.replies import as_id
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import Discovery, Lookup, Route, Search
from lead_mcp.vendors.spec.vendor import Setting, TokenLogin, Vendor

PAGE: Final = 1000  # the largest Take seen in use (P6, C6); a maximum is nowhere stated
PINGS_PAGE: Final = 500  # unverified: the example sends 100
NUMBERS_ONLY: Final = "LeadExec may not compare a lead field's number with one that a lead holds as text (unverified)"


def identify(account: Account, raw: Raw, partition: str | None) -> str | None:
    """``{LeadTypeUID}-{UID}``."""
    found = LEAD.ours["id"].read(raw if raw.get("LeadTypeUID") else {**raw, "LeadTypeUID": partition})
    return found if isinstance(found, str) else None


def identify_ping(account: Account, raw: Raw, partition: str | None) -> str | None:
    """24 hex digits, the same for both directions."""
    return as_id(raw.get("Id"))


def pings(direction: str, fields: FieldMap) -> Search:
    """How the PINGs of one direction are searched."""
    path = wire.PINGS[direction]
    route = Route(
        name=f"POST {path}/{{LeadTypeUID}}",
        build=wire.search_pings(path),
        read=wire.read_pings,
        orders=frozenset({"at"}),
        slices="at",
        page=PINGS_PAGE,
    )
    return Search(
        fields=lambda account: fields,
        routes=(route,),
        identify=identify_ping,
        when="at",
        window=timedelta(hours=24),
        partitions=lead_types,
        discovery=Discovery(build=wire.sample_pings(path), read=wire.read_ping_sample(fields), sampled=True),
    )


VENDOR: Final = Vendor(
    name="leadexec",
    title="LeadExec",
    settings=(
        Setting("client_id", secret=True, groups=("keys",), help="Settings > API Credentials"),
        Setting("client_secret", secret=True, groups=("keys",), help="shown once, when the credential is made"),
        Setting("access_token", secret=True, groups=("token",), help="a ready-made token, good for an hour"),
        Setting("lead_type_uids", kind="list", groups=("keys", "token"), help="the lead types to read, by UID"),
        Setting("data_url", kind="url", default="https://apidata.leadexec.net"),
        Setting("account_url", kind="url", default="https://api.leadexec.net"),
        Setting("leads_url", kind="url", default="https://leads.leadexec.net"),
        Setting("api_key", secret=True, help="for inserting: from the campaign's posting instructions"),
        Setting("source_vid", help="for inserting: the lead source's VID"),
        Setting("source_aid", help="for inserting: the campaign's AID"),
    ),
    sign=wire.sign,
    login=TokenLogin(build=wire.login, sign=wire.sign_login, read=wire.read_token),
    leads=Search(
        fields=lambda account: LEAD,
        identify=identify,
        window=timedelta(days=30),
        partitions=lead_types,
        discovery=Discovery(build=wire.sample_leads, read=wire.read_sample, sampled=True),
        routes=(
            Route(
                name=f"POST {wire.LEADS}/{{LeadTypeUID}}",
                build=wire.search_leads,
                read=wire.read_leads,
                takes=wire.takes,
                # both: ordered, unless the rows show that SortOrder means something else
                orders=frozenset({"created_at"}),
                slices="created_at",
                page=PAGE,
                projects=wire.projected,
                note=NUMBERS_ONLY,
            ),
        ),
    ),
    lookup=Lookup(build=wire.get_lead, read=wire.read_lead, check=wire.is_lead_id),
    check=wire.check,
    checked=wire.checked,
    pings={"inbound": pings("inbound", INBOUND), "outbound": pings("outbound", OUTBOUND)},
    insert=write.INSERT,
    events=events,
    limits="no rate limit and no largest page is documented; we ask for 1000 leads or 500 PINGs at most",
    quirks=(
        "every query needs a window and a lead type; a lead's id is {LeadTypeUID}-{UID}",
        "that a window compares the date a lead was added is likely, not documented",
        "only a window and a number's bounds on a lead type's own field are sent as filters; all else is checked here",
        NUMBERS_ONLY,
        "status is the return status, the only status word LeadExec sends",
        "a phone sent as a number has lost its leading zeros and its +",
        "a new lead may show up some seconds late",
    ),
)
