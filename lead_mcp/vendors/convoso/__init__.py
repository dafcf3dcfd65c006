"""Convoso: what it offers. The source tags (seed, H1, S2, C3 ...) are explained in docs/sources.md."""

from __future__ import annotations

from typing import Final

from lead_mcp.vendors.convoso import wire, write
from lead_mcp.vendors.convoso.events import events
from lead_mcp.vendors.convoso.fields import lead
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.reading import Discovery, Lookup, Recordings, Route, Search
from lead_mcp.vendors.spec.vendor import Setting, Vendor

ZONE: Final = "America/Los_Angeles"


def fields(account: Account) -> FieldMap:
    """The lead's fields, times read in the account's zone."""
    return lead(account.option("timezone"))


VENDOR: Final = Vendor(
    name="convoso",
    title="Convoso",
    settings=(
        Setting("auth_token", secret=True, groups=("token",), help="admin site, API > auth token"),
        Setting("base_url", kind="url", default="https://api.convoso.com/v1"),
        Setting("timezone", kind="zone", default=ZONE, help="the account's zone: its times carry none"),
        # no limit is published; a client that met 429 holds itself to this (C3)
        Setting("rate", kind="rate", default="3/1s"),
        Setting("recording_hosts", kind="host_list", help="further hosts from which recordings may be read"),
    ),
    sign=wire.sign,
    leads=Search(
        fields=fields,
        person=write.PERSON_LOOKUP,
        identify=wire.identify,
        changed_by="updated_at",
        discovery=Discovery(build=wire.sample, read=wire.read_fields, sampled=True),
        routes=(
            Route(
                name="POST /leads/search",
                build=wire.search_leads,
                read=wire.read_leads,
                takes=wire.takes,
                slices="created_at",
                page=2000,
                deep=50_000,  # S2 clamps there; the vendor's own bound is unknown
                note="cannot sort and has no free-text search",
            ),
        ),
    ),
    # whether lead_id takes several ids is not documented: what is left out is asked for again
    lookup=Lookup(build=wire.get_leads, read=wire.read_found, many=50, check=wire.is_id, single_again=True),
    check=wire.check,
    checked=wire.checked,
    recordings=Recordings(
        builds=(wire.list_recordings,),
        read=wire.read_recordings,
        page=100,
        domains=("convoso.com",),
        note="an address may need a login or have run out: neither is documented; some are a bare file name",
    ),
    events=events,
    insert=write.INSERT,
    update=write.UPDATE,
    delete=write.DELETE,
    zone=ZONE,
    limits=(
        "pages of up to 2000 leads and 100 recordings; offsets up to 50000 (a public client's bound); no rate limit is "
        "published, 429 does occur"
    ),
    quirks=(
        "times carry no zone and are read in the account's timezone setting",
        "whether a text filter matches exactly or partly, and its case rules, are not documented: it is sent and the "
        "answer checked again here, but what the vendor leaves out is not seen",
        "last_call, deleted_at, archived_at and changed_at can be asked for and not read back",
        "updated_at is asked for as the date of the user's update and read from modified_at",
        "custom fields are checked here: the vendor does not search them",
        "the field list comes from a sample of leads, as no call lists fields",
        "the word null and empty text mean no value",
        "in the hour that clocks repeat, a time is read as the first of the two",
    ),
)
