"""The emulated LeadSquared account: its fields, its users, its leads and their activities.

Every value of a lead is a string or None. Lead times are UTC with a fraction that is always ``.000`` (every example shows
that); activity times have none. Seeded leads may share an e-mail or a phone number (imported before
uniqueness was switched on); writes may not add such duplicates.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final, Literal

from lead_mcp.sandbox.kit import Clock
from lead_mcp.sandbox.world import SOURCES, Person, Touch, World

Lead = dict[str, str | None]
Kind = Literal["Text", "Number", "Email", "Phone", "Website", "Date", "Select", "Boolean"]

INBOUND: Final = 21
OUTBOUND: Final = 22
CAPTURE: Final = 23
CALLS: Final = (INBOUND, OUTBOUND)

# Every key of a full lead object, as the pages show them, then this account's own mx_ fields. Source: D by-email, by-phone.
COLUMNS: Final = """
ProspectID ProspectAutoId FirstName LastName EmailAddress Company Origin Phone Mobile Fax Website TimeZone Region JobTitle
Source SourceMedium SourceCampaign SourceContent SourceReferrer SourceReferrerURL SourceIPAddress ConversionReferrerURL
Notes DoNotEmail DoNotCall DoNotSMS DoNotTrack ProspectStage Grade Score Revenue EngagementScore TotalVisits
PageViewsPerVisit AvgTimePerVisit RelatedProspectId ProspectActivityId_Min ProspectActivityDate_Min ProspectActivityId_Max
ProspectActivityName_Max ProspectActivityDate_Max Web_Referrer Web_RefKeyword RelatedLandingPageId
FirstLandingPageSubmissionId FirstLandingPageSubmissionDate OwnerId CreatedBy CreatedOn ModifiedBy ModifiedOn
LeadLastModifiedOn LastVisitDate NotableEvent NotableEventdate LeadConversionDate StatusCode StatusReason
DeletionStatusCode IsLead Latitude Longitude LeadType mx_Street1 mx_Street2 mx_City mx_State mx_Country mx_Zip
mx_Interest mx_Deal_Value mx_Callback_On mx_Consent
""".split()
KINDS: Final[dict[Kind, list[str]]] = {
    "Number": "ProspectAutoId Score Revenue EngagementScore TotalVisits PageViewsPerVisit AvgTimePerVisit Latitude "
    "Longitude mx_Deal_Value".split(),
    "Email": ["EmailAddress"],
    "Phone": ["Phone", "Mobile", "Fax"],
    "Website": ["Website"],
    "Date": "ProspectActivityDate_Min ProspectActivityDate_Max FirstLandingPageSubmissionDate CreatedOn ModifiedOn "
    "LeadLastModifiedOn LastVisitDate NotableEventdate LeadConversionDate mx_Callback_On".split(),
    "Select": ["Source", "ProspectStage", "mx_Interest"],
    "Boolean": "DoNotEmail DoNotCall DoNotSMS DoNotTrack IsLead mx_Consent".split(),
}
STAGES: Final = ("Prospect", "Contacted", "Qualified", "Opportunity", "Customer", "Disqualified")
STAGE_OF: Final = {
    "open": ("Prospect", "Prospect", "Contacted"),
    "qualified": ("Qualified", "Opportunity"),
    "won": ("Customer",),
    "lost": ("Disqualified",),
}
OPTIONS: Final = {
    "Source": SOURCES,
    "ProspectStage": STAGES,
    "mx_Interest": ("Solar", "Roofing", "HVAC", "Medicare", "Auto Insurance"),
}
READ_ONLY: Final = frozenset(
    """ProspectID ProspectAutoId Origin Score EngagementScore TotalVisits PageViewsPerVisit AvgTimePerVisit
    RelatedProspectId ProspectActivityId_Min ProspectActivityDate_Min ProspectActivityId_Max ProspectActivityName_Max
    ProspectActivityDate_Max CreatedBy CreatedOn ModifiedBy ModifiedOn LeadLastModifiedOn LastVisitDate NotableEvent
    NotableEventdate StatusCode StatusReason DeletionStatusCode IsLead LeadType""".split()
)
QUICK: Final = ("FirstName", "LastName", "EmailAddress", "Phone", "Company")
DISPLAY: Final = {"ProspectStage": "Lead Stage", "ProspectID": "Lead Id", "ProspectAutoId": "Lead Number"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the account's leads; ``options`` are the only values a select takes."""

    name: str
    kind: Kind
    options: tuple[str, ...]
    read_only: bool
    quick: bool
    max_length: int = 200

    @property
    def display(self) -> str:
        return DISPLAY.get(self.name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name.removeprefix("mx_")).replace(
            "_", " "
        )


def _field(name: str) -> Field:
    kind: Kind = next((kind for kind, names in KINDS.items() if name in names), "Text")
    length = 4000 if name == "Notes" else 200
    return Field(name, kind, OPTIONS.get(name, ()), name in READ_ONLY, name in QUICK, length)


FIELDS: Final = {name: _field(name) for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class User:
    """A user of the account: an owner of leads, an agent on the phone."""

    id: str
    name: str
    email: str
    phone: str


def guid_of(*parts: object) -> str:
    """The same GUID for the same parts."""
    text = sha256("/".join(map(str, parts)).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


USERS: Final = tuple(
    User(guid_of("user", n), name, f"{name.split()[0].lower()}@sales.example.com", f"+1202555019{n}")
    for n, name in enumerate(("Ada Admin", "Raj Iyer", "Inés Vega", "Tom Reed"))
)
KEY_OWNER: Final = USERS[0]  # the keys belong to a user, here an administrator
EMAIL_OF: Final = {user.id: user.email for user in USERS}


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity of a lead. ``number`` is the lead's own in E.164; times are ``YYYY-MM-DD HH:MM:SS`` UTC.

    A call is written down when it has ended, so it started ``seconds`` and a little before ``created_on``.
    """

    id: str
    lead_id: str
    event: int
    created_on: str
    modified_on: str
    started_on: str
    seconds: int
    recorded: bool
    agent: User
    number: str
    note: str | None


@dataclass
class State:
    """Everything the account holds; leads by id, oldest first."""

    leads: dict[str, Lead] = field(default_factory=dict)
    activities: dict[str, list[Activity]] = field(default_factory=dict)
    recordings: dict[str, Activity] = field(default_factory=dict)
    by_email: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_phone: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def stamp(when: datetime) -> str:
    """An activity date, and a request date: no fraction, no zone."""
    return when.isoformat(" ")[:19]  # UTC already; several times faster than strftime


def lead_stamp(when: datetime) -> str:
    """A lead date: the fraction is always ``.000``."""
    return f"{stamp(when)}.000"


def phone_keys(text: str | None) -> set[str]:
    """The digit strings one number answers to: with and without its country code (+1 when none is given)."""
    digits = re.sub(r"\D", "", text or "")
    keys = {digits} if digits else set()
    if text and (coded := re.fullmatch(r"\+(\d{1,3})-(.+)", text)):
        keys.add(re.sub(r"\D", "", coded[2]))
    if len(digits) == 11 and digits[0] == "1":
        keys.add(digits[1:])
    if len(digits) == 10 and not (text or "").startswith("+"):
        keys.add("1" + digits)
    return keys


def dialled(text: str | None) -> str:
    """One number's digits with the country code: two spellings are the same number when these agree."""
    digits = re.sub(r"\D", "", text or "")
    return "1" + digits if len(digits) == 10 and not (text or "").startswith("+") else digits


def _spelt(e164: str, dice: random.Random) -> str:
    """``+1-2135550100`` as LeadSquared writes numbers; one in twenty was imported without the country code."""
    return e164[2:] if dice.random() < 0.05 else f"+1-{e164[2:]}"


def draw_lead(touch: Touch, created: datetime, dice: random.Random) -> Lead:
    """One seeded lead; keys left out are null in a full lead object."""
    person = touch.person
    phone, owner = _spelt(person.phone, dice), dice.choice(USERS)
    modified = lead_stamp(max(touch.updated_at, created))
    return {
        "ProspectID": guid_of(touch.seed, touch.number),
        "ProspectAutoId": str(1001 + touch.number),
        "FirstName": person.first_name,
        "LastName": person.last_name,
        "EmailAddress": person.email,
        "Company": person.company,
        "CompanyType": "Prospect" if person.company else None,
        "Origin": dice.choice(("Import", "API", "Manual")),
        "Phone": phone,
        "Mobile": phone if dice.random() < 0.1 else None,
        "JobTitle": dice.choice(("Owner", "Manager", "", None)),
        "Source": person.source,
        "SourceMedium": dice.choice(("cpc", "email", None)),
        "SourceCampaign": person.campaign,
        "Notes": person.note,
        "ProspectStage": dice.choice(STAGE_OF[person.stage]),
        "Score": str(dice.randint(0, 100)),
        "DoNotEmail": dice.choice("0001"),
        "OwnerId": owner.id,
        "CreatedBy": owner.id,
        "CreatedOn": lead_stamp(created),
        "ModifiedBy": dice.choice(USERS).id,
        "ModifiedOn": modified,
        "LeadLastModifiedOn": modified,
        "LeadType": "OT_1" if touch.number % 10 == 3 else "OT_0",
        **_draw_custom(person, created, dice),
    }


def _draw_custom(person: Person, created: datetime, dice: random.Random) -> Lead:
    """The fields that an account adds or names itself."""
    return {
        "mx_Street1": person.street,
        "mx_Street2": dice.choice(("", None, "Unit 4")),
        "mx_City": person.city,
        "mx_State": person.state,
        "mx_Country": "United States",
        "mx_Zip": person.postal_code,
        "mx_Interest": dice.choice((*OPTIONS["mx_Interest"], None)),
        "mx_Deal_Value": None if person.value is None else f"{person.value:.2f}",
        "mx_Callback_On": lead_stamp(created + timedelta(days=2)) if dice.random() < 0.2 else None,
        "mx_Consent": dice.choice(("1", "1", "0", None)),
    }


# What a lead carries where nothing else is known; numbers and flags are strings too. Source: D by-email.
USUAL: Final[Lead] = {
    "DoNotEmail": "0",
    "DoNotCall": "0",
    "DoNotSMS": "0",
    "DoNotTrack": "0",
    "ProspectStage": STAGES[0],
    "Score": "0",
    "EngagementScore": "0",
    "TotalVisits": "0",
    "StatusCode": "0",
    "StatusReason": "0",
    "DeletionStatusCode": "0",
    "IsLead": "1",
    "LeadType": "OT_0",
}


def _activity_columns(activities: list[Activity]) -> Lead:
    if not activities:
        return {}
    first, last = activities[0], activities[-1]
    return {
        "ProspectActivityId_Min": first.id,
        "ProspectActivityDate_Min": first.created_on + ".000",
        "ProspectActivityId_Max": last.id,
        "ProspectActivityName_Max": EVENT_NAMES[last.event],
        "ProspectActivityDate_Max": last.created_on + ".000",
    }


EVENT_NAMES: Final = {
    INBOUND: "Inbound Phone Call Activity",
    OUTBOUND: "Outbound Phone Call Activity",
    CAPTURE: "Lead Capture",
}


def draw_activities(touch: Touch, lead_id: str, dice: random.Random) -> list[Activity]:
    """Up to three calls and perhaps the capture that began it all, oldest first."""
    events = [CAPTURE] if dice.random() < 0.4 else []
    events += dice.choices(CALLS, k=dice.choice((0, 0, 0, 1, 1, 2, 3)))
    drawn = [_activity(touch, lead_id, nth, event, dice) for nth, event in enumerate(events)]
    return sorted(drawn, key=lambda activity: (activity.created_on, activity.id))


def _activity(touch: Touch, lead_id: str, nth: int, event: int, dice: random.Random) -> Activity:
    answered = event in CALLS and dice.random() < 0.8
    seconds = dice.randint(5, 900) if answered else 0
    lived = touch.updated_at - touch.created_at
    when = touch.created_at if event == CAPTURE else touch.created_at + lived * dice.random()
    changed = min(when + timedelta(seconds=dice.randint(0, 600)), touch.updated_at)
    return Activity(
        id=guid_of(touch.seed, touch.number, nth),
        lead_id=lead_id,
        event=event,
        created_on=stamp(when),
        modified_on=stamp(changed),
        started_on=stamp(when - timedelta(seconds=seconds + 3)),
        seconds=seconds,
        recorded=answered and dice.random() < 0.85,
        agent=dice.choice(USERS),
        number=touch.person.phone,
        note=touch.person.note,
    )


def draw(world: World) -> State:
    """Every seeded lead. One in fifty was created in the same second as the one before it."""
    state, before = State(), None
    for touch in world.touches("leadsquared", 2):
        tie = before is not None and touch.number % 50 == 1
        created = before.created_at if before is not None and tie else touch.created_at
        dice = touch.dice()
        lead = draw_lead(touch, created, dice)
        activities = draw_activities(touch, id_of(lead), dice)
        _admit(state, lead | _activity_columns(activities), activities)
        before = touch
    return state


def value_of(lead: Lead, name: str) -> str | None:
    """One value of a lead; the owner's address is looked up."""
    if name == "OwnerIdEmailAddress":
        return EMAIL_OF.get(lead["OwnerId"] or "")
    return lead.get(name, USUAL.get(name))


def id_of(lead: Lead) -> str:
    """The lead's GUID, which every lead has."""
    return lead["ProspectID"] or ""


def _admit(state: State, lead: Lead, activities: list[Activity]) -> None:
    state.leads[id_of(lead)] = lead
    state.activities[id_of(lead)] = activities
    state.recordings.update((activity.id, activity) for activity in activities if activity.recorded)
    for index, key in _keys(state, lead):
        index[key].append(id_of(lead))


def _keys(state: State, lead: Lead) -> Iterator[tuple[defaultdict[str, list[str]], str]]:
    if email := lead.get("EmailAddress"):
        yield state.by_email, email.casefold()
    for key in phone_keys(lead.get("Phone")) | phone_keys(lead.get("Mobile")):
        yield state.by_phone, key


def sort_key(name: str) -> Callable[[str], str | float]:
    """How values of a field compare: numbers by size, dates by their text, the rest without regard to case.

    Unverified: a database that ignores case, as the vendor's pages do not say.
    """
    kind = FIELDS[name].kind
    if kind == "Number":
        return float
    return str if kind == "Date" else str.casefold


class Store:
    """The account's leads. Nothing is drawn before the first request; sorted orders are kept until the next write."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock
        self._born = 0
        self._orders: dict[tuple[str, bool], list[Lead]] = {}
        self._events: dict[int, list[Activity]] = {}

    @cached_property
    def _state(self) -> State:
        return draw(self._world)

    @property
    def recordings(self) -> dict[str, Activity]:
        """Recorded calls by activity id."""
        return self._state.recordings

    def get(self, lead_id: str) -> Lead | None:
        return self._state.leads.get(lead_id)

    def with_email(self, email: str) -> list[Lead]:
        """Leads with that address, whatever its case; the newest last."""
        return [self._state.leads[found] for found in self._state.by_email.get(email.casefold(), ())]

    def with_phone(self, text: str) -> list[Lead]:
        """Leads with that number as Phone or Mobile, with or without country code; the newest last."""
        keys = sorted(phone_keys(text), key=len, reverse=True)
        found = dict.fromkeys(one for key in keys for one in self._state.by_phone.get(key, ()))
        return [self._state.leads[one] for one in found]

    def activities(self, lead_id: str) -> list[Activity]:
        """Oldest first."""
        return self._state.activities.get(lead_id, [])

    def of_event(self, event: int) -> list[Activity]:
        """Every activity of one type, in no order."""
        if event not in self._events:
            every = self._state.activities.values()
            self._events[event] = [activity for some in every for activity in some if activity.event == event]
        return self._events[event]

    def ordered(self, column: str, *, descending: bool) -> list[Lead]:
        """All leads by one column. Unverified: nulls are least and ties go by lead number, both turned round too."""
        if (column, descending) not in self._orders:
            key = sort_key(column)

            def rank(lead: Lead) -> tuple[bool, str | float, int]:
                value = value_of(lead, column)
                return value is not None, "" if value is None else key(value), int(lead["ProspectAutoId"] or 0)

            self._orders[column, descending] = sorted(self._state.leads.values(), key=rank, reverse=descending)
        return self._orders[column, descending]

    def add(self, values: Lead, lead_id: str | None = None) -> Lead:
        """A new lead of the keys' user, created now; GUIDs are the same for the same run, lead numbers ascend."""
        self._born += 1
        now, fresh = self._now(), guid_of(self._world.seed, "born", self._born)
        lead: Lead = {
            "Origin": "API",
            "OwnerId": KEY_OWNER.id,
            **values,
            "ProspectID": lead_id or fresh,
            "ProspectAutoId": str(1000 + self._world.leads + self._born),
            **dict.fromkeys(("CreatedBy", "ModifiedBy"), KEY_OWNER.id),
            **dict.fromkeys(("CreatedOn", "ModifiedOn", "LeadLastModifiedOn"), now),
        }
        _admit(self._state, lead, [])
        self._orders.clear()
        return lead

    def change(self, lead: Lead, values: Lead) -> None:
        """Set the given fields and stamp the change."""
        now = self._now()
        self._forget(lead)
        lead |= values | {"ModifiedOn": now, "LeadLastModifiedOn": now, "ModifiedBy": KEY_OWNER.id}
        for index, key in _keys(self._state, lead):
            index[key].append(id_of(lead))
        self._orders.clear()

    def remove(self, lead: Lead) -> None:
        """The lead goes, and its activities and recordings with it. Source: D lead-delete."""
        self._forget(lead)
        del self._state.leads[id_of(lead)]
        for activity in self._state.activities.pop(id_of(lead)):
            self._state.recordings.pop(activity.id, None)
        self._orders.clear()
        self._events.clear()

    def _now(self) -> str:
        return lead_stamp(self._clock().astimezone(UTC))

    def _forget(self, lead: Lead) -> None:
        for index, key in _keys(self._state, lead):
            index[key].remove(id_of(lead))
