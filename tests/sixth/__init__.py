"""Sixth, a vendor that nobody sells: what it offers. Everything a vendor needs is in this folder.

It has what the others lack: a bearer token, pages by token, three ways of listing (sorted, unsorted with bounds, whole), an
insert that is queued and answered without an id, a budget told in every reply. Source: the document in ``emulator/app.py``.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.reading import Discovery, Lookup, Recordings, Route, Search
from lead_mcp.vendors.spec.vendor import Setting, Vendor
from tests.sixth import wire, write
from tests.sixth.events import events
from tests.sixth.fields import LEAD, STAGES


def fields(account: Account) -> FieldMap:
    return LEAD


def people(name: str) -> Route:
    """One person's leads, whole: by the account's own place for it Sixth has no such call."""
    return Route(
        name=f"GET /people?{name}",
        build=wire.people,
        read=wire.read_leads,
        takes=partial(wire.takes_one, name),
        needs=frozenset({name}),
        most=1,
        page=5,
    )


VENDOR: Final = Vendor(
    name="sixth",
    title="Sixth",
    settings=(
        Setting("token", secret=True, groups=("token",), help="your organisation's page, API"),
        Setting("base_url", kind="url", default="https://api.sixth.example/v3"),
        Setting("recording_hosts", kind="host_list", help="further hosts from which recordings may be read"),
    ),
    sign=wire.sign,
    rate_hint=wire.rate_hint,
    leads=Search(
        fields=fields,
        person=write.PERSON_LOOKUP,
        identify=wire.identify,
        discovery=Discovery(build=wire.attributes, read=wire.read_attributes),
        routes=(
            people("email"),
            Route(
                name="GET /leads/find",
                build=wire.find_leads,
                read=wire.read_leads,
                takes=wire.takes_when,
                needs=frozenset({"text"}),
                text=True,
                slices="created_at",
                page=50,
            ),
            Route(
                name="GET /leads",
                build=wire.search_leads,
                read=wire.read_leads,
                takes=wire.takes,
                orders=frozenset({"created_at", "updated_at"}),
                page=100,
            ),
        ),
    ),
    lookup=Lookup(build=wire.get_lead, read=wire.read_lead, check=wire.is_id),
    check=wire.check,
    checked=wire.checked,
    recordings=Recordings(builds=(wire.list_calls,), read=wire.read_calls, page=10),
    events=events,
    insert=write.INSERT,
    update=write.UPDATE,
    delete=write.DELETE,
    stages=STAGES,
    limits="pages of 1-100 leads; a budget of calls that every reply tells",
    quirks=("a new lead is queued: it can be seen a moment later",),
)
