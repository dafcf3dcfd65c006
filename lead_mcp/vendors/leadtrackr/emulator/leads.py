"""The emulated LeadTrackr project: its leads, drawn from the world when first asked for, and its processing queue.

A lead is kept as the JSON object the vendor returns (source: seed; docs api-reference/leads/get-lead). ``createdAt`` is
ISO 8601 UTC with milliseconds, always 24 characters, so that texts compare as times. ``price`` is whole cents or None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from random import Random
from typing import Any, Final, Literal

from lead_mcp.sandbox.world import Person, Touch, World

Lead = dict[str, Any]
Settled = Literal["name", "uuid"]
Nulls = Literal["first", "last", "least", "greatest"]
Finds = Literal["parts", "whole"]
Objects = Literal["object", "text"]

OBJECTS: Final = ("formData", "userData", "attributionData")

FIRST_ID: Final = 50_001
FORMS: Final = ("Contact form", "Quote request", "Callback", "Offerte aanvragen", None)
# Only the dashboard lists these (source: docs api-reference/leads/update-lead-status); what `status` holds once a label
# is processed is not documented: its name by default here, its UUID on request. Both unverified.
LABELS: Final = {
    "3f0c2a54-6a1e-4a0b-9a53-0c5f6f1d1a01": "Qualified lead",
    "3f0c2a54-6a1e-4a0b-9a53-0c5f6f1d1a02": "Quote sent",
    "3f0c2a54-6a1e-4a0b-9a53-0c5f6f1d1a03": "Sale",
    "3f0c2a54-6a1e-4a0b-9a53-0c5f6f1d1a04": "Converted",
}
_BY_STAGE: Final = {"open": ("open",), "lost": ("lost",), "qualified": tuple(LABELS)[:2], "won": tuple(LABELS)[2:]}
_FLAT: Final = ("firstName", "lastName", "email", "phone", "companyName")
_EMPTY: Final = (None, "")


@dataclass
class Project:
    """One project's leads by id (oldest first), the event ids seen, and what waits in the queue.

    Pending leads of the seed were queued by somebody else: they never settle.
    """

    world: World
    settled: Settled = "name"
    _waiting: list[tuple[datetime, Lead, str]] = field(default_factory=list)

    @cached_property
    def leads(self) -> dict[int, Lead]:
        """Every lead by id. Ids rise with time of creation; one in fifty leads shares its predecessor's time."""
        return {lead["id"]: lead for lead in _population(self.world.touches("leadtrackr", 4), self.settled)}

    @cached_property
    def events(self) -> dict[str, Lead]:
        """Leads by ``formData.uniqueEventId``."""
        events = ((lead["formData"] or {}).get("uniqueEventId") for lead in self.leads.values())
        return {event: lead for event, lead in zip(events, self.leads.values(), strict=True) if event}

    def newest(self, key: str, value: str) -> Lead | None:
        """The newest lead whose ``key`` is exactly ``value``. Source: docs get-lead, changelog."""
        found = (lead for lead in self.leads.values() if lead[key] == value)
        return max(found, key=lambda lead: (lead["createdAt"], lead["id"]), default=None)

    def post(self, given: Lead, event: str | None, now: datetime) -> tuple[Lead, bool]:
        """The lead made of ``given``, and whether it is new: a known event id updates its lead instead."""
        known = self.events.get(event) if event else None
        lead = known or self._blank(now)
        _merge(lead, given)
        self.leads[lead["id"]] = lead
        if event:
            self.events[event] = lead
        return lead, known is None

    def queue(self, lead: Lead, conversion: str, due: datetime | None) -> None:
        """Make ``lead`` pending until ``due`` (None: for ever); then it takes the label."""
        lead["status"] = "pending"
        if due is not None:
            self._waiting.append((due, lead, status_of(conversion, self.settled)))

    def settle(self, now: datetime) -> None:
        """Give every lead that is through the queue by ``now`` its label."""
        for _, lead, status in (waiting for waiting in self._waiting if waiting[0] <= now):
            lead["status"] = status
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > now]

    def _blank(self, now: datetime) -> Lead:
        number = max(self.leads, default=FIRST_ID - 1) + 1
        return _lead(id=number, status="open", createdAt=iso(now))


def iso(when: datetime) -> str:
    """``2026-03-15T10:30:00.000Z``. Source: seed."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_of(conversion: str, settled: Settled) -> str:
    """What ``status`` holds after processing: ``lost`` itself, a label's name or its UUID (unverified)."""
    return LABELS.get(conversion, conversion) if settled == "name" else conversion


# --- asking ---------------------------------------------------------------------------------------------------------


def _equal(key: str) -> Callable[[Any, Lead], bool]:
    return lambda wanted, lead: bool(lead[key] == wanted)


def _exists(key: str) -> Callable[[Any, Lead], bool]:
    return lambda wanted, lead: ((lead["attributionData"] or {}).get(key) not in _EMPTY) is wanted


def _mentions(wanted: str, lead: Lead) -> bool:
    return any(wanted in lead[key].casefold() for key in _FLAT if lead[key])


def _is(wanted: str, lead: Lead) -> bool:
    return any(wanted == lead[key].casefold() for key in _FLAT if lead[key])


# Match modes of formName, email and phone (exact, case-sensitive) and of search (substring of one field, case ignored)
# are not documented: unverified, the narrowest reading for the first three.
TESTS: Final[dict[str, Callable[[Any, Lead], bool]]] = {
    "status": lambda wanted, lead: lead["status"] in wanted,
    **{key: _equal(key) for key in ("formName", "uniqueIdentifier", "email", "phone")},
    "createdAt[gte]": lambda wanted, lead: lead["createdAt"] >= wanted,
    "createdAt[lte]": lambda wanted, lead: lead["createdAt"] <= wanted,
    "search": _mentions,
    **{f"{key}[exists]": _exists(key) for key in ("gclid", "cid", "fbp", "fbc")},
}


@dataclass(frozen=True)
class Habits:
    """What no document says. ``nulls``: where they stand in a sort, first or last whichever its direction, or as if they
    were the least or the greatest. ``finds``: whether ``search`` finds parts of a value, or whole ones. ``objects``: whether
    the three objects of a lead come as such, or as the JSON text that a column of them holds."""

    nulls: Nulls = "least"
    finds: Finds = "parts"
    objects: Objects = "object"

    def shown(self, lead: Lead) -> Lead:
        """The lead as it is given out."""
        if self.objects == "object":
            return lead
        return {**lead, **{key: json.dumps(lead[key]) for key in OBJECTS if lead[key] is not None}}


def select(leads: Iterable[Lead], asked: dict[str, Any], sort: tuple[str, bool], habits: Habits) -> list[Lead]:
    """The leads that pass every filter in ``asked``, sorted by (field, descending).

    Order of ties (id ascending, whatever the direction): unverified.
    """
    rows, tests = list(leads), TESTS | ({"search": _is} if habits.finds == "whole" else {})
    for test, wanted in ((tests[name], value) for name, value in asked.items() if name in tests):
        rows = [lead for lead in rows if test(wanted, lead)]
    key, descending = sort
    present = sorted((one for one in rows if one[key] is not None), key=lambda lead: lead[key], reverse=descending)
    absent, nulls = [one for one in rows if one[key] is None], habits.nulls
    ahead = nulls == "first" or (nulls == "greatest" if descending else nulls == "least")
    return [*absent, *present] if ahead else [*present, *absent]


# --- writing --------------------------------------------------------------------------------------------------------


def _lead(**known: Any) -> Lead:
    blank = dict.fromkeys(
        "id status formName firstName lastName phone email companyName price note formData userData attributionData "
        "channelFlow uniqueIdentifier createdAt".split()
    )
    return blank | known


def _merge(lead: Lead, given: Lead) -> None:
    """Put ``given`` over ``lead``: objects key by key, the rest where it holds something.

    Merging is noted for attributionData (source: design note); for the other objects it is unverified.
    """
    for key, value in given.items():
        if isinstance(value, dict):
            lead[key] = (lead[key] or {}) | value or None
        elif value not in _EMPTY:
            lead[key] = value


# --- the seeded population ------------------------------------------------------------------------------------------


def _population(touches: list[Touch], settled: Settled) -> Iterator[Lead]:
    for touch in touches:
        tied = touch.number % 50 == 49
        yield _seeded(touch, touches[touch.number - 1] if tied else touch, settled)


def _seeded(touch: Touch, same_time: Touch, settled: Settled) -> Lead:
    """One lead of the seed. The objects are drawn apart from the flat fields, which they need not mirror (seed)."""
    person, dice = touch.person, touch.dice()
    form = dice.choice(FORMS)
    status = status_of(dice.choice(_BY_STAGE[person.stage]), settled)
    flat = _flat(person, dice)
    return _lead(
        id=FIRST_ID + touch.number,
        status="pending" if dice.random() < 0.06 else status,
        formName=form,
        **flat,
        price=None if person.value is None else round(person.value * 100),
        note=person.note,
        formData=_form_data(touch, form, dice),
        userData={key: value for key, value in flat.items() if value} if dice.random() < 0.5 else None,
        attributionData=_attribution(person, touch, dice),
        channelFlow=_channel_flow(person, dice),
        # a person's second lead repeats it: "uniqueIdentifier matches resolve to the newest" (docs: changelog)
        uniqueIdentifier=f"crm-{person.index}" if person.index % 3 == 0 else None,
        createdAt=iso(same_time.created_at),
    )


def _flat(person: Person, dice: Random) -> Lead:
    blank = dice.random()
    return {
        "firstName": None if blank < 0.03 else person.first_name,
        "lastName": None if blank < 0.10 else person.last_name,
        "email": person.email,
        "phone": None if person.email and blank > 0.96 else _phone(person.phone, dice),
        "companyName": person.company or ("" if blank > 0.9 else None),
    }


def _phone(e164: str, dice: Random) -> str:
    """Mostly ``+12135550101``; one in sixteen as somebody typed it, the same number."""
    area, exchange, line = e164[2:5], e164[5:8], e164[8:]
    typed = (f"+1 {area} {exchange} {line}", f"+1-{area}-{exchange}-{line}", f"({area}) {exchange}-{line}")
    return dice.choice(typed) if dice.random() < 0.06 else e164


def _form_data(touch: Touch, form: str | None, dice: Random) -> Lead | None:
    """Null for two in five; custom inputs nest in ``formFields`` (source: leadbot)."""
    if dice.random() < 0.4:
        return None
    data: Lead = {"formName": form} if form else {}
    if dice.random() < 0.5:
        data["uniqueEventId"] = f"evt-{touch.number:06d}"
    if touch.person.note:
        data["formMessage"] = touch.person.note
    if dice.random() < 0.3:
        data["formFields"] = {"city": touch.person.city, "postal_code": touch.person.postal_code}
    return data or None


def _attribution(person: Person, touch: Touch, dice: Random) -> Lead | None:
    """Null for one in four; else the ids of the person's source, a few of them null."""
    if dice.random() < 0.25:
        return None
    data: Lead = {"cid": f"GA1.1.{dice.randint(10**8, 10**9)}.{int(touch.created_at.timestamp())}"}
    if person.source == "google_ads":
        data["gclid"] = None if dice.random() < 0.1 else f"Cj0KCQ{dice.getrandbits(80):020x}"
    if person.source == "facebook":
        data |= {"fbp": f"fb.1.{dice.getrandbits(40)}", "fbc": f"fb.1.{dice.getrandbits(40)}.AbCd"}
    if dice.random() < 0.3:
        del data["cid"]
    if dice.random() < 0.2:
        data |= {"sid": str(dice.getrandbits(30)), "conversionPage": f"https://example.com/{person.campaign}"}
    return data or None


def _channel_flow(person: Person, dice: Random) -> str | None:
    """Null, a plain text, or the JSON text of the array that vendor clients send (source: leadbot)."""
    kind = dice.random()
    if kind < 0.3:
        return None
    steps = [person.source, *dice.sample(("direct", "organic", "email"), dice.randint(0, 2))]
    return " > ".join(steps) if kind < 0.7 else json.dumps(steps)
