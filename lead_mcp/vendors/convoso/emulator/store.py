"""One emulated Convoso account: its leads, calls and closed sets, and the only code that changes them.

Times are kept as the vendor shows them: text, ``YYYY-MM-DD HH:MM:SS``, in the account's zone and without it (Source:
seed, H2, H8). What a lead lacks is ``""``, None or the literal text "null" (Source: C6).
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from lead_mcp.sandbox.world import Person, Touch, World
from lead_mcp.vendors.convoso.emulator.params import bare

Text = str | None
FIRST_ID: Final = 4_000_001
FIRST_RECORDING: Final = 900_000_000
API_USER: Final = "666666"  # system users have such ids. Source: C6


class LeadList(NamedTuple):
    """One list. ``called`` says which of the three documented shapes its last call takes. Source: H10, S2, C4, C6."""

    name: str
    campaign: str
    active: bool
    called: Literal["null", "object", "text"]


CAMPAIGNS: Final = {
    "401": ("solar-spring", True),
    "402": ("roof-fall", True),
    "403": ("medicare-oep", True),
    "404": ("auto-q4", False),
    "405": ("brand", True),
}
LISTS: Final = {
    "2101": LeadList("Solar Spring Fresh", "401", True, "object"),
    "2102": LeadList("Solar Spring Aged", "401", True, "text"),
    "2103": LeadList("Roof Fall Fresh", "402", True, "object"),
    "2104": LeadList("Medicare OEP Fresh", "403", True, "object"),
    "2105": LeadList("Medicare OEP Aged", "403", False, "text"),
    "2106": LeadList("Auto Q4 Leads", "404", False, "null"),
    "2107": LeadList("Brand Web Leads", "405", True, "null"),
}
CAMPAIGN_LISTS: Final = {
    name: [number for number, one in LISTS.items() if one.campaign == campaign]
    for campaign, (name, _) in CAMPAIGNS.items()
}
SOURCE_IDS: Final = {
    "google_ads": "51",
    "facebook": "52",
    "affiliate-7": "53",
    "organic": "54",
    "partner-north": "55",
    "tiktok": "56",
}
SOURCE_NAMES: Final = {number: name for name, number in SOURCE_IDS.items()}
USERS: Final = {
    "1001": ("Dana", "Whitfield"),
    "1002": ("Marcus", "Oyelaran"),
    "1003": ("Inés", "Belmonte"),
    "1004": ("Tom", "Vasquez"),
    "1005": ("Yuki", "Tanabe"),
    API_USER: ("System", "API"),
}
# Codes of 2 to 6 letters or digits (Source: S2, C2, C3), their names, and the flags that are Y.
STATUSES: Final = {
    "NEW": ("New Lead", ""),
    "NA": ("No Answer", ""),
    "AA": ("Answering Machine Auto", "voicemail"),
    "AM": ("Answering Machine", "voicemail"),
    "DROP": ("Dropped Call", ""),
    "PALL": ("Call Picked Up", "reached"),
    "CALLBK": ("Call Back", "reached callback contact"),
    "DNC": ("Do Not Call", "final reached dnc contact"),
    "NI": ("Not Interested", "final reached contact"),
    "SALE": ("Sale Made", "final reached success contact"),
    "C001": ("Qualified Prospect", "reached contact"),
}
STAGE_STATUSES: Final = {
    "open": ("NEW", "NEW", "NA", "AA", "AM", "DROP", "PALL", "CALLBK"),
    "qualified": ("C001",),
    "won": ("SALE",),
    "lost": ("NI", "DNC"),
}
CARRIERS: Final = (("Verizon", "wireless"), ("AT&T", "landline"), ("Google Voice", "voip"), ("", ""))
PLANS: Final = ("Gold", "Silver", "Bronze 60", "null", "")
# What this account defined for itself; the last seven are the seed's. Source: H3, C1, C3, seed
ACCOUNT_FIELDS: Final = frozenset(
    "field_1 field_84 plan_sold member_id monthly_revenue annual_revenue title business_name dba industry "
    "start_date".split()
)


@dataclass(slots=True)
class Lead:
    """One lead under the vendor's own names. Never shown: ``outcome``, ``calls``, ``archived_at``, ``deleted_at``."""

    id: int
    list_id: str
    phone_number: str
    created_at: str
    modified_at: str
    phone_code: str = "1"
    status: str = "NEW"
    first_name: Text = ""
    last_name: Text = ""
    email: Text = ""
    owner_id: Text = ""
    user_id: Text = ""
    created_by: Text = API_USER
    last_modified_by: Text = API_USER
    source_id: Text = ""
    alt_phone_1: Text = ""
    alt_phone_2: Text = ""
    address1: Text = ""
    address2: Text = ""
    city: Text = ""
    state: Text = ""
    province: Text = ""
    postal_code: Text = ""
    country: Text = ""
    gender: Text = ""
    date_of_birth: Text = ""
    carrier_name: Text = ""
    carrier_type: Text = ""
    notes: Text = ""
    std_company_name: Text = ""
    std_consumer_number: Text = ""
    std_account_number: Text = ""
    last_called: Text = None
    custom: dict[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    outcome: str = ""
    archived_at: Text = None
    deleted_at: Text = None

    @property
    def changed_at(self) -> str:
        """The last change of any kind, a call included. *Unverified*: only the filters' names are documented."""
        return max(self.modified_at, self.last_called or "")

    @property
    def campaign_id(self) -> str:
        """A lead is in the campaign its list belongs to."""
        return LISTS[self.list_id].campaign


@dataclass(frozen=True, slots=True)
class Call:
    """Call ``nth`` (from 0) of ``lead``, begun ``at``, lasting ``seconds``. Calls of 20 seconds or more are recorded."""

    lead: Lead
    nth: int
    at: str

    @property
    def id(self) -> int:
        return self.lead.id * 10 + self.nth

    @property
    def recording_id(self) -> int:
        return FIRST_RECORDING + self.id

    @property
    def seconds(self) -> int:
        return (self.lead.id * 7 + self.nth * 53) % 240

    @property
    def recorded(self) -> bool:
        return self.seconds >= 20

    @property
    def status(self) -> str:
        """The lead's status for the last call; the calls before it were not answered."""
        return self.lead.outcome if self.nth == len(self.lead.calls) - 1 else "NA"

    @property
    def user_id(self) -> str:
        return self.lead.user_id or API_USER

    @property
    def number_dialed(self) -> str:
        return f"1{bare(self.lead.phone_number)}"

    @property
    def call_type(self) -> str:
        return ("OUTBOUND", "OUTBOUND", "OUTBOUND", "INBOUND", "MANUAL")[self.id % 5]


class Store:
    """The account's leads, drawn from the world when first looked at."""

    def __init__(self, world: World, zone: ZoneInfo) -> None:
        self.world = world
        self.zone = zone
        self.deleted: list[Lead] = []
        self.hopper: dict[int, tuple[int, int | None]] = {}  # lead: (priority, minutes until it leaves)

    @cached_property
    def leads(self) -> dict[int, Lead]:
        """Every lead by id, deleted ones too."""
        touches = self.world.touches("convoso", 1)
        return {FIRST_ID + touch.number: drawn(touch, touches, self.zone) for touch in touches}

    @cached_property
    def shelf(self) -> list[Lead]:
        """The leads that are not deleted, in an arbitrary order that is always the same.

        No document names an order (unknown); a shuffled one catches clients that rely on one.
        """
        return sorted((lead for lead in self.leads.values() if lead.deleted_at is None), key=shuffled)

    @cached_property
    def by_phone(self) -> dict[str, dict[int, Lead]]:
        """Leads by primary phone, whatever its spelling, and then by id."""
        index: dict[str, dict[int, Lead]] = defaultdict(dict)
        for lead in self.shelf:
            index[bare(lead.phone_number)][lead.id] = lead
        return index

    @cached_property
    def calls(self) -> list[Call]:
        """Every call, oldest first. Nobody calls while the sandbox runs."""
        calls = [Call(lead, nth, at) for lead in self.leads.values() for nth, at in enumerate(lead.calls)]
        return sorted(calls, key=lambda call: (call.at, call.id))

    def calls_between(self, start: str, end: str) -> list[Call]:
        """The calls begun from ``start`` to ``end``, both included, oldest first."""
        at = attrgetter("at")
        return self.calls[bisect_left(self.calls, start, key=at) : bisect_right(self.calls, end, key=at)]

    def get(self, lead_id: str) -> Lead | None:
        """The lead of that id unless it is deleted or never was."""
        lead = self.leads.get(int(lead_id)) if lead_id.isascii() and lead_id.isdigit() else None
        return lead if lead is not None and lead.deleted_at is None else None

    def insert(self, values: Mapping[str, str], now: datetime) -> Lead:
        """A new lead: the next id, created and modified ``now``."""
        at = local(now, self.zone)
        lead = Lead(FIRST_ID + len(self.leads), values["list_id"], values["phone_number"], at, at)
        shelf, index = self.shelf, self.by_phone  # drawn before the new lead is among the leads
        self.leads[lead.id] = lead
        insort(shelf, lead, key=shuffled)
        index[bare(lead.phone_number)][lead.id] = lead
        fill(lead, values)
        return lead

    def change(self, lead: Lead, values: Mapping[str, str], now: datetime) -> None:
        """Set ``values`` on the lead; modified ``now``, by the API unless the values say otherwise."""
        del self.by_phone[bare(lead.phone_number)][lead.id]
        fill(lead, {"last_modified_by": API_USER, **values})
        self.by_phone[bare(lead.phone_number)][lead.id] = lead
        lead.modified_at = local(now, self.zone)

    def delete(self, lead: Lead, now: datetime) -> None:
        """Mark the lead as deleted: from now on only ``deleted_at_*`` searches find it."""
        del self.by_phone[bare(lead.phone_number)][lead.id]
        del self.shelf[bisect_left(self.shelf, shuffled(lead), key=shuffled)]
        lead.deleted_at = local(now, self.zone)
        self.deleted.append(lead)
        self.hopper.pop(lead.id, None)


def shuffled(lead: Lead) -> int:
    """A key that sets neighbours far apart; different for different leads (an odd factor modulo a power of two)."""
    return lead.id * 2_654_435_761 % 2**32


def local(when: datetime, zone: ZoneInfo) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in ``zone``, fractions cut."""
    return when.astimezone(zone).replace(tzinfo=None).isoformat(" ", "seconds")


def fill(lead: Lead, values: Mapping[str, str]) -> None:
    """Set vendor-named values; the account's own fields go where rows keep them."""
    for name, text in values.items():
        if name in ACCOUNT_FIELDS:
            lead.custom[name] = text
        else:
            setattr(lead, name, text)


def drawn(touch: Touch, touches: list[Touch], zone: ZoneInfo) -> Lead:
    """The lead of one touch: person, list and status from the world, the rest from the touch's dice."""
    dice, person = touch.dice(), touch.person
    tied = touch.number % 50 == 1  # created in the same second as the lead before it
    created = touches[touch.number - 1 if tied else touch.number].created_at
    status = dice.choice(STAGE_STATUSES[person.stage])
    calls = _calls(created, touch.updated_at, 0 if status == "NEW" else dice.randint(1, 4), zone)
    lead = Lead(
        id=FIRST_ID + touch.number,
        list_id=_list(person, dice),
        phone_number=_phone(person, dice),
        created_at=local(created, zone),
        modified_at=local(touch.updated_at, zone),
        status=status,
        outcome=status,
        calls=calls,
        last_called=calls[-1] if calls else None,
    )
    _describe(lead, person)
    _chance(lead, person, dice)
    return lead


def _describe(lead: Lead, person: Person) -> None:
    lead.first_name, lead.last_name = person.first_name, person.last_name
    lead.address1, lead.city, lead.state, lead.postal_code = (
        person.street,
        person.city,
        person.state,
        person.postal_code,
    )
    lead.country = "US"
    lead.source_id = SOURCE_IDS[person.source]
    lead.notes = person.note or ""
    lead.std_company_name = person.company or ""


def _chance(lead: Lead, person: Person, dice: random.Random) -> None:
    lead.email = person.email or _nothing(dice)
    lead.owner_id = dice.choice(("1001", "1002", "1003", "1004", "1005", "", None))
    lead.user_id = dice.choice(("1001", "1002", "1003", "")) if lead.calls else ""
    lead.created_by = dice.choice((API_USER, "1001"))
    lead.last_modified_by = lead.user_id or API_USER
    lead.alt_phone_1 = _dashed(person) if dice.random() < 0.1 else _nothing(dice)
    lead.address2 = f"Apt {dice.randint(1, 40)}" if dice.random() < 0.1 else _nothing(dice)
    lead.gender = dice.choice(("M", "F", "Other", ""))
    if dice.random() < 0.5:
        lead.date_of_birth = f"{dice.randint(1945, 2004)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
    lead.carrier_name, lead.carrier_type = dice.choice(CARRIERS)
    if dice.random() < 0.9:  # the other leads lack the account's own fields altogether
        lead.custom = {
            "field_1": "" if person.value is None else f"{person.value:.2f}",
            "plan_sold": dice.choice(PLANS),
        }
    if dice.random() < 0.01:
        lead.archived_at = lead.changed_at


def _nothing(dice: random.Random) -> Text:
    """The values that this vendor sends for an empty field. Source: H8, S2, C6."""
    return dice.choice(("", "", "", None, "null"))


def _list(person: Person, dice: random.Random) -> str:
    return dice.choice(CAMPAIGN_LISTS[person.campaign])


def _phone(person: Person, dice: random.Random) -> str:
    """Ten digits without a country code (Source: C4); a few stayed as somebody once imported them."""
    roll = dice.random()
    if roll < 0.01:
        return person.phone.removeprefix("+")
    return _dashed(person) if roll < 0.02 else person.phone.removeprefix("+1")


def _dashed(person: Person) -> str:
    digits = person.phone.removeprefix("+1")
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"


def _calls(created: datetime, updated: datetime, count: int, zone: ZoneInfo) -> tuple[str, ...]:
    gap = (updated - created) / (count + 1)
    return tuple(local(created + gap * (nth + 1), zone) for nth in range(count))
