"""What the LeadExec emulator holds: two lead types, their leads, the pings round them, and how each is spelled in JSON.

Everything is drawn late: a lead keeps its touch and its times; its own fields are drawn when first filtered on or
shown; properties, sends, consent and pings are drawn when a page shows them, always the same. Times are UTC, written
ISO 8601 with ``Z`` and a fraction of at most three digits without trailing zeros. Source of all keys: seed.
"""

from __future__ import annotations

import hashlib
import random
import uuid
import zlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal, NamedTuple

from lead_mcp.sandbox.kit import Clock
from lead_mcp.sandbox.world import CAMPAIGNS, SOURCES, Person, Touch, World

VENDOR: Final = "leadexec"
FIRST_UID: Final = 31_000_001  # UIDs count up from here, over both lead types
PINGS_A_LEAD: Final = 3
LOOK_BACK: Final = timedelta(days=30)  # P12 calls a duplicate look-back of 30 days usual
NO_DATE: Final = "0001-01-01T00:00:00Z"
NO_GUID: Final = str(uuid.UUID(int=0))
LONG: Final = 6_000  # characters of an unusually long PostData

SOURCE_UIDS: Final = {name: 501 + nth for nth, name in enumerate(SOURCES)}
CAMPAIGN_UIDS: Final = {name: 7001 + nth for nth, name in enumerate(CAMPAIGNS)}
CLOSED_AID, HELD_AID = 7090, 7091  # campaigns that take nothing. Source: P10
CAMPAIGN_STATUS: Final = dict.fromkeys(CAMPAIGN_UIDS.values(), "Active") | {CLOSED_AID: "Closed", HELD_AID: "On Hold"}
CLIENTS: Final = ((9101, "Bluebird Lending"), (9102, "Casa Façades"), (9103, "Delta Homes"), (9104, "Évora Group"))
# The words of Result, ReturnStatus and InvalidReason beyond the samples are unverified.
REASONS: Final = ("No Matching Clients", "Duplicate Lead", "Outside Criteria", "Post Over Max", "Price Too Low")
INVALID: Final = ("Duplicate", "Bad Phone", "Bad Email")
PLACES: Final = {"CA": (34.05, -118.24), "FL": (25.76, -80.19), "TX": (30.27, -97.74), "NY": (40.71, -74.01)}

Draw = Callable[[Person, random.Random], Any]
Direction = Literal["inbound", "outbound"]


class Own(NamedTuple):
    """One field of a lead type: what kind it is (P11), the JSON type it is stored as, and how it is drawn."""

    kind: Literal["text", "email", "phone", "number"]
    type: type[str] | type[int] | type[float]
    draw: Draw


@dataclass(frozen=True)
class LeadType:
    """One lead type. ``required`` is ours: which fields a real account demands is its own choice."""

    uid: int
    name: str
    email: str
    phone: str
    fields: dict[str, Own]
    required: tuple[str, ...] = ("FirstName", "LastName")


def _text(draw: Draw) -> Own:
    return Own("text", str, draw)


def _phone_number(person: Person, dice: random.Random) -> int:
    """Ten digits as a number; one in twenty keeps its country code."""
    return int(person.phone[1:] if dice.random() < 0.05 else person.phone[2:])


def _phone_text(person: Person, dice: random.Random) -> str:
    """Ten digits as text; one in twenty with punctuation."""
    ten = person.phone[2:]
    return f"({ten[:3]}) {ten[3:6]}-{ten[6:]}" if dice.random() < 0.05 else ten


_NAMES: Final = {
    "FirstName": _text(lambda person, _: person.first_name),
    "LastName": _text(lambda person, _: person.last_name),
}
MORTGAGE: Final = LeadType(
    3471,
    "Mortgage",
    "EmailAddress",
    "Phone",
    # The seed's sample fields, LoanAmount from its sample filter, and two invented ones.
    _NAMES
    | {
        "StreetAddress": _text(lambda person, _: person.street),
        "City": _text(lambda person, _: person.city),
        "State": _text(lambda person, _: person.state),
        "PostalCode": _text(lambda person, _: person.postal_code),
        "Country": _text(lambda _, dice: dice.choice(("US", "US", "USA", None))),
        "IPAddress": _text(lambda _, dice: _address(dice)),
        "EmailAddress": Own("email", str, lambda person, _: person.email),
        "Phone": Own("phone", int, _phone_number),
        "LoanAmount": Own("number", int, lambda _, dice: dice.randrange(50, 900) * 1000),
        "LoanPurpose": _text(lambda _, dice: dice.choice(("Purchase", "Refinance", None))),
        "Comments": _text(lambda person, _: person.note),
    },
)
HOME: Final = LeadType(
    3508,
    "Home Services",
    "Email",
    "PhoneNumber",
    # Field names from C5; ProjectBudget and Notes are invented.
    _NAMES
    | {
        "Email": Own("email", str, lambda person, _: person.email),
        "PhoneNumber": Own("phone", str, _phone_text),
        "Company": _text(lambda person, _: person.company),
        "JobTitle": _text(lambda _, dice: dice.choice(("Owner", "Manager", None))),
        "City": _text(lambda person, _: person.city),
        "StateProvince": _text(lambda person, _: person.state),
        "ZipPostal": _text(lambda person, _: person.postal_code),
        "IndustrySub-Category": _text(lambda _, dice: dice.choice(("Roofing", "Solar", "HVAC", None))),
        "utm_source": _text(lambda person, _: person.source),
        "ProjectBudget": Own("number", float, lambda person, _: person.value),
        "Notes": _text(lambda person, _: person.note),
    },
)
LEAD_TYPES: Final = {kind.uid: kind for kind in (MORTGAGE, HOME)}


@dataclass(frozen=True)
class Post:
    """What a lead that came in by the Lead Receiver was posted with, cleaned."""

    vid: int
    aid: int
    fields: dict[str, Any]
    reference: str
    no_sell: bool


@dataclass(eq=False)
class Lead:
    """One lead: its number, its times, and where the rest is drawn from."""

    uid: int
    kind: LeadType
    added: datetime
    updated: datetime
    origin: Touch | Post

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The lead's own fields; some are absent."""
        return self.origin.fields if isinstance(self.origin, Post) else _drawn_fields(self.kind, self.origin)

    @property
    def identities(self) -> Iterator[tuple[int, str]]:
        """What makes another lead of this type a duplicate: the e-mail without case, the phone's last ten digits."""
        if email := self.fields.get(self.kind.email):
            yield self.kind.uid, email.casefold()
        if digits := "".join(c for c in str(self.fields.get(self.kind.phone, "")) if c.isdigit()):
            yield self.kind.uid, digits[-10:]


class Sale(NamedTuple):
    """One send of a lead to a buyer. ``price`` in dollars; not ``valid`` when the buyer gave the lead back."""

    client: int
    name: str
    price: float
    at: datetime
    valid: bool


class PingRow(NamedTuple):
    """A ping not yet drawn: when, about which lead, and the how-manyth of that lead's."""

    at: datetime
    lead: Lead
    nth: int


# --- the store -------------------------------------------------------------------------------------------------------


@dataclass
class Store:
    """Every lead and ping, and the tokens given out. ``lifetime`` in seconds; ``lag`` until a new lead can be read.

    Tests may call ``revoke`` (every token given out so far is dead) and ``issue`` (a token without the token route).
    """

    world: World
    clock: Clock
    lifetime: int = 3600
    lag: timedelta = timedelta(0)
    tokens: dict[str, datetime] = field(default_factory=dict)
    issued: int = 0
    posts: int = 0
    inserted: int = 0
    waiting: list[tuple[datetime, Lead]] = field(default_factory=list)

    def issue(self) -> str:
        """A new token, opaque and GUID-shaped as in the older copy of P1."""
        self.issued += 1
        token = guid(f"token/{self.world.seed}/{self.issued}")
        self.tokens[token] = self.clock() + timedelta(seconds=self.lifetime)
        return token

    def honours(self, token: str) -> bool:
        """Whether the token was given out, not revoked, and is not past its time."""
        return token in self.tokens and self.clock() < self.tokens[token]

    def revoke(self) -> None:
        """Forget every token: the next call of each holder is refused."""
        self.tokens.clear()

    @cached_property
    def leads(self) -> dict[int, list[Lead]]:
        """The leads of each lead type, oldest first."""
        found: dict[int, list[Lead]] = {uid: [] for uid in LEAD_TYPES}
        for lead in _drawn_leads(self.world):
            found[lead.kind.uid].append(lead)
        return found

    @cached_property
    def by_uid(self) -> dict[int, Lead]:
        """Every lead that can be read, by number."""
        return {lead.uid: lead for leads in self.leads.values() for lead in leads}

    @cached_property
    def known(self) -> dict[tuple[int, str], datetime]:
        """When each e-mail and phone last came in, by lead type."""
        return {key: lead.added for leads in self.leads.values() for lead in leads for key in lead.identities}

    def next_post(self) -> str:
        """The PostID of one more attempt to insert."""
        self.posts += 1
        return guid(f"post/{self.world.seed}/{self.posts}")

    def insert(self, kind: LeadType, post: Post) -> int | None:
        """The new lead's UID, or None if the same e-mail or phone came in within the look-back."""
        now = self.clock()
        lead = Lead(FIRST_UID + self.world.leads + self.inserted, kind, now, now, post)
        keys = list(lead.identities)
        if any(now - self.known[key] <= LOOK_BACK for key in keys if key in self.known):
            return None
        self.inserted += 1
        self.known.update(dict.fromkeys(keys, now))
        self.waiting.append((now + self.lag, lead))
        return lead.uid

    def settle(self) -> None:
        """Make readable what was inserted long enough ago."""
        now, waiting = self.clock(), self.waiting
        self.waiting = [(at, lead) for at, lead in waiting if at > now]
        for lead in (lead for at, lead in waiting if at <= now):
            insort(self.leads[lead.kind.uid], lead, key=attrgetter("added"))
            self.by_uid[lead.uid] = lead

    @cached_property
    def pings(self) -> dict[tuple[str, int], list[PingRow]]:
        """The pings of each direction and lead type, oldest first; drawn leads have three each way, posted ones none."""
        return {
            (direction, uid): sorted(
                (row for lead in leads if isinstance(lead.origin, Touch) for row in drawn(lead, self.world.until)),
                key=itemgetter(0),
            )
            for direction, drawn in (("inbound", _inbound_rows), ("outbound", _outbound_rows))
            for uid, leads in self.leads.items()
        }

    def pings_between(self, direction: str, uid: int, since: datetime, until: datetime) -> list[PingRow]:
        """Pings from ``since`` to ``until``, both included (unverified), oldest first."""
        rows = self.pings[direction, uid]
        start, end = bisect_left(rows, since, key=itemgetter(0)), bisect_right(rows, until, key=itemgetter(0))
        return rows[start:end]


def _drawn_leads(world: World) -> Iterator[Lead]:
    touches = world.touches(VENDOR, 0)
    for before, touch in pairwise([*touches[:1], *touches]):
        tied = touch.number % 50 == 7  # two leads of one millisecond
        kind = HOME if touch.number % 5 in (1, 3) else MORTGAGE
        added = before.created_at if tied else touch.created_at
        yield Lead(FIRST_UID + touch.number, kind, added, touch.updated_at, touch)


def _inbound_rows(lead: Lead, _: datetime) -> Iterator[PingRow]:
    """The first ping is the one that brought the lead; the others asked about it up to ten minutes earlier."""
    for nth in range(PINGS_A_LEAD):
        reach = 600_000 if nth else 20_000
        yield PingRow(lead.added - timedelta(milliseconds=1000 + _scatter(f"in/{lead.uid}/{nth}") % reach), lead, nth)


def _outbound_rows(lead: Lead, until: datetime) -> Iterator[PingRow]:
    for nth in range(PINGS_A_LEAD):
        later = timedelta(milliseconds=200 + _scatter(f"out/{lead.uid}/{nth}") % 5_000)
        yield PingRow(min(lead.added + later, until), lead, nth)


# --- spelling --------------------------------------------------------------------------------------------------------


def stamp(when: datetime) -> str:
    """``2019-09-08T07:25:49.87Z``: up to three digits of fraction, trailing zeros dropped. Source: seed."""
    whole = f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    fraction = f"{when.microsecond // 1000:03d}".rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def guid(name: str) -> str:
    """A GUID that is the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox/{name}"))


def _object_id(at: datetime, name: str) -> str:
    """24 hex digits, the first eight the second of creation: the shape of the sample's ids."""
    return f"{int(at.timestamp()):08x}{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _scatter(name: str) -> int:
    return zlib.crc32(name.encode())


def _chance(touch: Touch, about: str) -> random.Random:
    return random.Random(f"{touch.seed}/{touch.vendor}/{touch.number}/{about}")


def _address(dice: random.Random) -> str:
    return f"203.0.113.{dice.randrange(1, 255)}"


def _drawn_fields(kind: LeadType, touch: Touch) -> dict[str, Any]:
    """The person in this lead type's words; what is missing is left out, empty or (text) ``N/A``."""
    dice = touch.dice()
    found: dict[str, Any] = {}
    for name, own in kind.fields.items():
        value = own.draw(touch.person, dice)
        if value is None and own.kind == "text":
            value = dice.choice((None, "", "N/A"))
        elif value is None and own.kind == "email":
            value = dice.choice((None, ""))
        if value is not None:
            found[name] = value
    return found


def record(lead: Lead, names: list[str] | None, *, uid_as_text: bool) -> dict[str, Any]:
    """One lead as the query answers it; ``names`` keeps only those of its own fields; two sections may be absent."""
    shown = lead.fields if names is None else {name: lead.fields[name] for name in names if name in lead.fields}
    consent, sends = _consent(lead), _send_information(lead)
    return {
        "UID": str(lead.uid) if uid_as_text else lead.uid,
        "Properties": _properties(lead),
        "Fields": shown,
        **({"TCPAInformation": consent} if consent else {}),
        **({"SendInformation": sends} if sends else {}),
        "LastUpdated": stamp(lead.updated),
    }


PROPERTIES: Final[dict[str, Any]] = {
    "Channel": "",
    "TeamAssigned": "",
    "LeadSourceUID": 0,
    "LeadSource": "",
    "DateAdded": NO_DATE,
    "FileUID": 0,
    "AccountUID": 0,
    "Account": "",
    "LeadSourceSubID": "",
    "IsValid": True,
    "InvalidReason": "",
    "MaxSell": 1,
    "Price": 0.0,
    "Category": "N/A",
    "Lat": 0.0,
    "Long": 0.0,
    "Timezone": "",
    "QualityControlledOn": NO_DATE,
    "QualityControlResponse": "Bypass QC",
    "QualityControlResult": True,
    "CallVerified": False,
    "ReturnStatus": "Not Returned",
    "LeadGrade": "",
    "Flagged": False,
    "CallDuration": 0,
    "CallResult": "",
    "IVRNumber": 0,
    "RecordID": "",
    "AnalyticsUID": 0,
    "VisitID": "",
    "SearchEngine": "",
    "Keyword": "",
    "UserAssigned": "Not Assigned",
    "TCPACompliant": True,
    "InQualityControl": False,
    "QualityControlledBy": "Automation",
}


def _properties(lead: Lead) -> dict[str, Any]:
    particular = (
        _posted_properties(lead.origin)
        if isinstance(lead.origin, Post)
        else _origin(lead.origin) | _progress(lead.origin)
    )
    seen = min(lead.added + timedelta(milliseconds=3030), lead.updated)
    times = {"DateAdded": stamp(lead.added), "QualityControlledOn": stamp(seen)}
    return PROPERTIES | times | particular


def _posted_properties(post: Post) -> dict[str, Any]:
    """``reference`` is "kept on the record" (P4); that RecordID is where it shows is unverified."""
    return {
        "LeadSourceUID": post.vid,
        "LeadSource": _name_of(post.vid, SOURCE_UIDS),
        "AccountUID": post.aid,
        "Account": _name_of(post.aid, CAMPAIGN_UIDS),
        "RecordID": post.reference,
    }


def _name_of(uid: int, uids: dict[str, int]) -> str:
    return next((name for name, known in uids.items() if known == uid), "")


def _origin(touch: Touch) -> dict[str, Any]:
    """Where a drawn lead came from; one in twenty has no source, as in the sample."""
    person, dice = touch.person, _chance(touch, "origin")
    source = "" if dice.random() < 0.05 else person.source
    lat, long = PLACES.get(person.state, (30.0, -75.0))
    return {
        "Channel": dice.choice(("", "Web", "Affiliate", "Call")),
        "LeadSourceUID": SOURCE_UIDS.get(source, 0),
        "LeadSource": source,
        "AccountUID": CAMPAIGN_UIDS[person.campaign],
        "Account": person.campaign,
        "LeadSourceSubID": dice.choice(("", "", "sub-14", "ñ/7")),
        "Lat": lat,
        "Long": long,
        "Timezone": dice.choice(("", "Pacific Standard Time", "Eastern Standard Time")),
        "VisitID": guid(f"visit/{touch.number}") if dice.random() < 0.3 else "",
        "SearchEngine": dice.choice(("", "", "Google", "Bing")),
        "Keyword": dice.choice(("", "", "roof repair", "N/A")),
        "Price": round(dice.uniform(0.5, 40), 2),
        "MaxSell": dice.choice((1, 3)),
    }


def _progress(touch: Touch) -> dict[str, Any]:
    """What became of a drawn lead: lost ones are invalid or returned, open ones may still be in quality control."""
    dice, stage = _chance(touch, "progress"), touch.person.stage
    invalid, pending = _is_invalid(touch), stage == "open" and dice.random() < 0.1
    called = dice.random() < 0.2
    return {
        "IsValid": not invalid,
        "InvalidReason": dice.choice(INVALID) if invalid else "",
        "Category": {"qualified": "Hot", "won": "Hot"}.get(stage, dice.choice(("N/A", "Warm", "Cold"))),
        "ReturnStatus": dice.choice(("Returned", "Return Pending")) if _is_returned(touch) else "Not Returned",
        "LeadGrade": dice.choice(("", "A", "B", "C")),
        "Flagged": dice.random() < 0.05,
        "CallVerified": called,
        "CallDuration": dice.randrange(5, 900) if called else 0,
        "CallResult": dice.choice(("Answered", "Voicemail")) if called else "",
        "UserAssigned": dice.choice(("Not Assigned", "Not Assigned", "Ana Ruiz", "Jörg Weiß")),
        "TeamAssigned": dice.choice(("", "East", "West")),
        "TCPACompliant": not invalid,
        "QualityControlResult": not invalid and not pending,
        **({"InQualityControl": True, "QualityControlledOn": NO_DATE, "QualityControlledBy": "N/A"} if pending else {}),
    }


def _is_invalid(touch: Touch) -> bool:
    return touch.person.stage == "lost" and touch.number % 2 == 0


def _is_returned(touch: Touch) -> bool:
    return touch.person.stage == "lost" and touch.number % 2 == 1


# --- consent and sends -----------------------------------------------------------------------------------------------


def _consent(lead: Lead) -> dict[str, Any] | None:
    """``TCPAInformation``, on one drawn lead in three; the phone is text here, ``"0"`` if unknown. Source: seed."""
    if isinstance(lead.origin, Post) or (dice := _chance(lead.origin, "consent")).random() > 0.33:
        return None
    person = lead.origin.person
    asked = lead.added - timedelta(seconds=dice.randint(1, 60))
    texted = dice.random() < 0.3
    return {
        "RequestDate": stamp(asked),
        "IPAddress": _address(dice),
        "ReferrerURL": "https://forms.example.com/quote?utm_source=" + person.source,
        "ConsentText": "By pressing the button I agree to be called. " * dice.choice((1, 1, 30)),
        "RequestID": 880_000 + lead.origin.number,
        "VisitID": guid(f"visit/{lead.origin.number}"),
        "Received": stamp(asked + timedelta(milliseconds=870)),
        "FirstName": person.first_name,
        "LastName": person.last_name,
        "DateConsentTextRequested": stamp(asked) if texted else NO_DATE,
        "Address": person.street,
        "City": person.city,
        "State": person.state,
        "PostalCode": person.postal_code,
        "Country": "US",
        "PhoneNumber": person.phone[2:] if dice.random() < 0.9 else "0",
        "IPLat": 30.0,
        "IPLong": -75.0,
        "IsMobile": dice.choice(("True", "False")),
        "ConsentGiven": dice.random() < 0.95,
        "ConsentTextRequested": texted,
        "Browser": dice.choice(("Chrome 142", "Safari 19")),
        "OS": dice.choice(("iOS", "Windows", "Android")),
        "Referrer": "",
        "SearchTerm": "N/A",
        "FormURL": "https://forms.example.com/quote",
        "TimeOnSite": dice.randint(5, 900),
        "TimeOnForm": dice.randint(3, 120),
    }


def _sales(lead: Lead) -> list[Sale]:
    """Who a drawn lead was sent to. Prices add up to the person's value; no value or an invalid lead: nobody."""
    touch = lead.origin
    if isinstance(touch, Post) or touch.person.value is None or _is_invalid(touch):
        return []
    dice = _chance(touch, "sales")
    share, rest = divmod(round(touch.person.value * 100), count := dice.randint(1, 3))
    prices = [share + rest, *[share] * (count - 1)]
    return [
        Sale(
            uid, name, cents / 100, min(lead.added + timedelta(seconds=4 + nth), lead.updated), not _is_returned(touch)
        )
        for nth, (cents, (uid, name)) in enumerate(zip(prices, dice.sample(CLIENTS, count), strict=True))
    ]


def _revenue(sales: list[Sale]) -> float:
    return round(sum(sale.price for sale in sales if sale.valid), 2)


def _send_information(lead: Lead) -> dict[str, Any] | None:
    """``{"Revenue": dollars, "SendCount": n, "Sends": [...]}``; a lead never sent has it empty or not at all."""
    sales = _sales(lead)
    kept_back = lead.origin.no_sell if isinstance(lead.origin, Post) else lead.uid % 2 == 0
    if not sales and kept_back:
        return None
    sends = [_send(lead, lead.origin, nth, sale) for nth, sale in enumerate(sales) if isinstance(lead.origin, Touch)]
    return {"Revenue": _revenue(sales), "SendCount": len(sends), "Sends": sends}


def _send(lead: Lead, touch: Touch, nth: int, sale: Sale) -> dict[str, Any]:
    dice = _chance(touch, f"send/{nth}")
    emailed, read = dice.random() < 0.3, dice.random() < 0.5
    opened = stamp(min(sale.at + timedelta(minutes=dice.randint(1, 600)), lead.updated))
    return {
        "SendUID": lead.uid * 10 + nth,
        "ClientUID": sale.client,
        "Client": sale.name,
        "ClientGroup": dice.choice(("", "Tier 1")),
        "DateSent": stamp(sale.at),
        "Valid": sale.valid,
        "Price": sale.price,
        "PostData": _post_data(touch.person, dice),
        "Response": _response(sale, dice),
        "Location": dice.choice((0, 1)),
        "Emailed": emailed,
        "Forwarded": False,
        "RecordID": f"R-{lead.uid}-{nth}",
        "DeliveryDuration": dice.randint(40, 4000),
        "ClientAccountUID": sale.client * 10,
        "ClientAccount": f"{sale.name} / daily",
        "ClientOrderUID": sale.client * 100 + nth,
        "InvoiceUID": dice.choice((0, 4411)),
        "RevShare": 0.0,
        "Automated": True,
        "LeadNotes": touch.person.note or "",
        "LastReadDate": opened if read else NO_DATE,
        "FirstReadDate": opened if read else NO_DATE,
        "ReadCount": int(read),
        "LastReturnAction": 0 if sale.valid else 1,
        "LastActionDate": stamp(lead.updated) if not sale.valid else NO_DATE,
        "LastReturnActionReason": "" if sale.valid else dice.choice(("Disconnected", "Wrong Person")),
        "AssignedReadDate": opened if read and emailed else None,
        "NextAppointmentDate": NO_DATE,
        "EmailReads": [{"DateOpened": opened, "IPAddress": _address(dice)}] if emailed and read else [],
        "Appointments": [],
    }


def _post_data(person: Person, dice: random.Random) -> str:
    text = (
        f"<Lead><First>{person.first_name}</First><Last>{person.last_name}</Last><Phone>{person.phone}</Phone></Lead>"
    )
    return text * (LONG // len(text)) if dice.random() < 0.05 else text


def _response(sale: Sale, dice: random.Random) -> str:
    text = "<result>accepted</result>" if sale.valid else "<result>accepted</result><later>returned</later>"
    return "<!doctype html><p>Thank you</p>" * 200 if dice.random() < 0.05 else text


# --- pings -----------------------------------------------------------------------------------------------------------


def ping(direction: Direction, row: PingRow) -> dict[str, Any]:
    """One ping as its route answers it. Source: seed."""
    touch = row.lead.origin
    if isinstance(touch, Post):
        raise TypeError("posted leads have no pings here")
    return (_inbound if direction == "inbound" else _outbound)(row, touch, _chance(touch, f"{direction}/{row.nth}"))


def _inbound(row: PingRow, touch: Touch, dice: random.Random) -> dict[str, Any]:
    """A supplier asks. Seven first pings in ten became their lead; a few others were accepted and never posted.

    What MatchedClients holds is unknown; here ClientUIDs.
    """
    received = row.nth == 0 and touch.number % 10 < 7
    accepted = received or dice.random() < 0.15
    sales, name = _sales(row.lead), f"inbound/{row.lead.uid}/{row.nth}"
    offers = dice.randint(1, 4) if accepted else 0
    result = "Accepted" if accepted else dice.choice(REASONS)
    return {
        "Id": _object_id(row.at, name),
        "Accepted": accepted,
        "OrderID": guid(f"order/{name}") if accepted else NO_GUID,
        "CreatedOn": stamp(row.at),
        "ExpiresOn": stamp(row.at + timedelta(minutes=5)),
        "LeadSourceUID": SOURCE_UIDS[touch.person.source],
        "LeadSource": touch.person.source,
        "CampaignUID": CAMPAIGN_UIDS[touch.person.campaign],
        "Campaign": touch.person.campaign,
        "Received": received,
        "LeadUID": row.lead.uid if received else 0,
        "PotentialClients": offers,
        "PotentialRevenue": round(dice.uniform(5, 90) * offers, 2),
        "DeliveredClients": len(sales) if received else 0,
        "ActualRevenue": _revenue(sales) if received else 0.0,
        "Result": result,
        "ScanLog": _scan_log(result, offers, dice),
        "MatchedClients": sorted(uid for uid, _ in dice.sample(CLIENTS, offers)),
        "RequestID": guid(f"request/{name}"),
        "Response": None,
        "Request": None,
        "Fields": None,
    }


def _scan_log(result: str, offers: int, dice: random.Random) -> str:
    """Free text; empty on some, long on a few. Its wording is unverified."""
    line = f"{offers} of {len(CLIENTS)} clients matched: {result}"
    return dice.choice(("", line, line, "; ".join([line] * dice.choice((1, 40)))))


def _outbound(row: PingRow, touch: Touch, dice: random.Random) -> dict[str, Any]:
    """A buyer is asked. The accepted ones are the lead's sends, at their prices; the rest said no."""
    sales = _sales(row.lead)
    sale = sales[row.nth] if row.nth < len(sales) else None
    client, name = (sale.client, sale.name) if sale else dice.choice(CLIENTS)
    price = sale.price if sale else 0.0
    return {
        "Id": _object_id(row.at, f"outbound/{row.lead.uid}/{row.nth}"),
        "Accepted": sale is not None,
        "ClientUID": client,
        "Client": name,
        "DeliveryMethodUID": client * 10 + 1,
        "DeliveryMethod": f"{name} PING/POST",
        "DeliveryAccountUID": client * 10,
        "DeliveryAccount": f"{name} / daily",
        "PostSent": sale is not None,
        "LeadUID": row.lead.uid if sale else 0,
        "Price": price,
        "Revenue": price if sale and sale.valid else 0.0,
        "Response": None if sale or dice.random() < 0.7 else '{"status":"reject","reason":"no coverage"}',
        "Request": None,
        "LeadSourceUID": SOURCE_UIDS[touch.person.source],
        "CampaignName": touch.person.campaign,
        "SentOn": stamp(row.at),
        "Fields": None,
    }
