"""Octanist's leads as the emulator keeps them: drawn from the seeded world, filtered, sorted, counted.

A ``Lead`` is a sparse dict by wire name: a key is there exactly if the vendor would send something other than null.
Dates are UTC text with milliseconds and ``Z`` (seed), so text order is time order. ``value`` is in major
currency units. Ids are ``lead_`` and eight hex digits, growing with creation. Source: docs endpoint/get-leads, seed.
"""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any, Final, Literal

from lead_mcp.sandbox.kit import Clock
from lead_mcp.sandbox.world import Person, Touch, World

Lead = dict[str, Any]
Test = Callable[[Lead], bool]
Nulls = Literal["first", "last", "least", "greatest"]
Finds = Literal["parts", "whole"]
Clicks = Literal["refused", "compared", "ignored"]
Dialect = Literal["newer", "production", "legacy"]

STATUSES: Final = ("open", "qualified", "won", "lost")
SOURCES: Final = ("inbound", "gtm", "api", "manual", "wordpress", "import")
OFFLINE: Final = ("manual", "import")  # typed in by hand: no site, no clicks
LABELS: Final = ("label_7c1e", "label_a40b", "label_d953")
LOSSES: Final = ("too expensive", "no answer", "chose a competitor", "")
SITES: Final = ("https://solar.example.com", "https://roofing.example.com", "https://www.example.com")
PATHS: Final = ("/", "/contact", "/quote?step=2", "/offerte/aanvraag")
CONSENTS: Final = ("ad_storage", "ad_user_data", "analytics_storage", "ad_personalization")
NEWER: Final = ("dclid", "wbraid", "gbraid", "epik")  # the newer generation's alone
CLICKS: Final = (
    *("gclid", "dclid", "wbraid", "gbraid", "ga4cid", "ga4sid", "fbc", "fbp", "msclkid", "ttclid", "twclid"),
    *("rdt_cid", "sccid", "epik", "li_fat_id"),
)
UTMS: Final = ("utm_source", "utm_medium", "utm_campaign")
FIELDS: Final = (
    *("id", "name", "email", "phone", "status", "value", "note", "custom", "lossReason", "conversionName"),
    *("source", "website", "path", *CLICKS, *UTMS, *CONSENTS),
    *("googleAdsCampaignId", "googleAdsCampaignName", "googleAdsAdGroupId", "googleAdsAdGroupName", "googleAdsAdId"),
    *("labelId", "selectedConversionEventId", "createdAt", "updatedAt", "qualifiedAt", "expiresAt"),
)
CHANNELS: Final[dict[str, tuple[str | None, tuple[str, ...]]]] = {
    # the world's source: utm_medium, click ids of which a lead has one
    "google_ads": ("cpc", ("gclid", "gclid", "gclid", "gclid", "wbraid", "gbraid", "dclid")),
    "facebook": ("paid_social", ("fbc",)),
    "affiliate-7": ("affiliate", ("msclkid", "rdt_cid", "twclid")),
    "organic": (None, ("ga4sid",)),
    "partner-north": ("referral", ("li_fat_id", "epik", "sccid")),
    "tiktok": ("paid_social", ("ttclid",)),
}
SPELLINGS: Final = ("+1 {a}-{b}-{c}", "({a}) {b}-{c}", "{a}{b}{c}", "001{a}{b}{c}")
LEADS_LIMIT: Final = 1000  # the plan's leads in one period; more are "locked"


HTTP: Final = {  # Source: docs introduction for the codes, seed for 400, 401 and 500; 404 inferred
    "UNAUTHORIZED": 401,
    "VALIDATION_ERROR": 400,
    "NOT_FOUND": 404,
    "FORBIDDEN": 403,
    "CONFLICT": 409,
    "INVALID_DATE": 400,
    "INVALID_FILTER": 400,
}


@dataclass(frozen=True)
class Shape:
    """What differs between the three documented generations of the API."""

    fields: tuple[str, ...]
    limit: str = "50"
    sort: str = "createdAt:desc"
    bare: bool = False  # bodies without envelope, `{"error": text}`, dates without milliseconds


_OLDER: Final = tuple(name for name in FIELDS if name not in NEWER)
SHAPES: Final[dict[Dialect, Shape]] = {
    "newer": Shape(FIELDS),
    "production": Shape(_OLDER),
    "legacy": Shape((*_OLDER, "currency"), limit="100", sort="updatedAt:desc", bare=True),
}


class RefusedError(Exception):
    """A refusal: one of the vendor's codes, a sentence, and details for the error body."""

    def __init__(self, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details or {}


def stamp(when: datetime) -> str:
    """``2026-01-31T09:30:00.125Z``."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lead_id(number: int) -> str:
    return f"lead_{0x5F0000 + number:08x}"


def draw(touch: Touch, created: datetime) -> Lead:
    """The touch as a lead created at ``created`` (its own time, or its neighbour's for a tie)."""
    dice = touch.dice()
    source = dice.choice(SOURCES)
    drawn: Mapping[str, Any] = {
        "id": lead_id(touch.number),
        "status": touch.person.stage,
        "source": source,
        "createdAt": stamp(created),
        "updatedAt": stamp(touch.updated_at),
        **_contact(touch.person, dice),
        **_progress(touch, created, dice),
        **dict(zip(CONSENTS, (dice.random() < 0.5 for _ in CONSENTS), strict=True)),
        **({"website": "", "path": ""} if source in OFFLINE else _visit(touch.person, dice)),
    }
    return {name: value for name, value in drawn.items() if value is not None}


def _contact(person: Person, dice: Random) -> Lead:
    value = person.value
    return {
        "name": None if dice.random() < 0.03 else f"{person.first_name} {person.last_name}",
        "email": person.email,
        "phone": _phone(person.phone, dice),
        "value": round(value) if value is not None and dice.random() < 0.2 else value,
        "note": person.note if person.note is not None or dice.random() < 0.8 else "",
        "custom": _custom(person, dice),
    }


def _phone(e164: str, dice: Random) -> str:
    """E.164, or in one case of seven as somebody typed it into a form; always the same number."""
    if dice.random() < 0.85:
        return e164
    return dice.choice(SPELLINGS).format(a=e164[2:5], b=e164[5:8], c=e164[8:])


def _custom(person: Person, dice: Random) -> str | None:
    """JSON text on half the leads; now and then a form sent text that is not JSON, which is kept as it came."""
    answers = {"company": person.company, "address": {"city": person.city, "state": person.state}}
    shapes: tuple[str | None, ...] = (
        None,
        json.dumps(answers, ensure_ascii=False),
        json.dumps([person.street, person.postal_code]),
        "company: " + (person.company or "none"),
    )
    return dice.choices(shapes, (50, 40, 6, 4))[0]


def _progress(touch: Touch, created: datetime, dice: Random) -> Lead:
    """What became of the lead. Qualified ones carry ``qualifiedAt``, lost ones mostly a ``lossReason``."""
    stage = touch.person.stage
    chance = {"open": 0.0, "qualified": 1.0, "won": 0.85, "lost": 0.3}[stage]
    between = created + timedelta(milliseconds=int((touch.updated_at - created).total_seconds() * 1000 * dice.random()))
    return {
        "qualifiedAt": stamp(between) if dice.random() < chance else None,
        "lossReason": dice.choice(LOSSES) if stage == "lost" and dice.random() < 0.8 else None,
        "conversionName": "Offline sale" if stage == "won" else None,
        "selectedConversionEventId": f"conv_{dice.randint(1, 3)}" if stage == "won" and dice.random() < 0.5 else None,
        "labelId": dice.choice(LABELS) if dice.random() < 0.4 else None,
        "expiresAt": stamp(created + timedelta(days=90)) if dice.random() < 0.1 else None,
    }


def _visit(person: Person, dice: Random) -> Lead:
    """Where the form stood and what brought the visitor there."""
    medium, clicks = CHANNELS[person.source]
    tagged = medium is not None and dice.random() < 0.8
    click = dice.choice(clicks)
    return {
        "website": dice.choice(SITES),
        "path": dice.choice(PATHS),
        "utm_source": person.source if tagged else None,
        "utm_medium": medium if tagged else None,
        "utm_campaign": person.campaign if tagged else None,
        "ga4cid": f"{dice.getrandbits(30)}.{dice.getrandbits(30)}" if dice.random() < 0.6 else None,
        click: f"{click[:2].upper()}_{dice.getrandbits(64):016x}",
        "fbp": f"fb.1.{dice.getrandbits(40)}.{dice.getrandbits(30)}" if click == "fbc" else None,
        **(_advert(person, dice) if click == "gclid" else {}),
    }


def _advert(person: Person, dice: Random) -> Lead:
    return {
        "googleAdsCampaignId": str(2_140_000_000 + dice.randrange(50)),
        "googleAdsCampaignName": person.campaign,
        "googleAdsAdGroupId": str(15_500_000 + dice.randrange(200)),
        "googleAdsAdGroupName": f"{person.campaign} / {person.city}",
        "googleAdsAdId": str(690_000_000 + dice.randrange(900)),
    }


@dataclass(frozen=True)
class Query:
    """One list request, understood. ``order``: (field, descending), first is strongest."""

    tests: list[Test]
    order: list[tuple[str, bool]]
    fields: tuple[str, ...]
    limit: int
    page: int


class Store:
    """One organisation's leads, drawn from the world on first use; new ones get the clock's time."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock
        self._asked = 0

    @cached_property
    def leads(self) -> dict[str, Lead]:
        """Every lead by id, oldest first."""
        return {lead["id"]: lead for lead in _drawn(self._world.touches("octanist", 3))}

    def now(self) -> str:
        return stamp(self._clock())

    def request_id(self) -> str:
        self._asked += 1
        return f"req_{self._asked:016x}"

    def page(self, query: Query, nulls: Nulls) -> tuple[int, list[Lead]]:
        """How many leads pass, and the page asked for."""
        rows = [lead for lead in self.leads.values() if all(test(lead) for test in query.tests)]
        for name, descending in reversed(query.order):  # stable sorts, weakest first
            rows = _sorted(rows, name, descending, nulls)
        start = (query.page - 1) * query.limit
        return len(rows), rows[start : start + query.limit]

    def matching(self, key: str, value: str) -> list[Lead]:
        """Leads whose ``key`` is exactly ``value``: letter case and phone spelling count (*unverified*)."""
        if key == "id":
            return [self.leads[value]] if value in self.leads else []
        return [lead for lead in self.leads.values() if lead.get(key) == value]

    def add(self, given: Lead) -> Lead:
        """A new lead: open, from source ``api`` (both inferred), created now."""
        now, fresh = self.now(), lead_id(len(self.leads))
        base: Lead = {"status": "open", "source": "api", "website": "", "path": "", **dict.fromkeys(CONSENTS, False)}
        self.leads[fresh] = {**base, **given, "id": fresh, "createdAt": now, "updatedAt": now}
        return self.leads[fresh]


def _drawn(touches: list[Touch]) -> Iterator[Lead]:
    """The touches as leads; one in fifty was created in the same millisecond as the one before."""
    created = None
    for touch in touches:
        tied = created is not None and touch.number % 50 == 7
        created = created if created is not None and tied else touch.created_at
        yield draw(touch, created)


def _sorted(rows: list[Lead], name: str, descending: bool, nulls: Nulls) -> list[Lead]:
    """By one field; text by code point, equal ones in order of creation, nulls together (all *unverified*).

    ``first`` and ``last``: wherever the direction leads; ``least`` and ``greatest``: with it.
    """
    present = sorted((lead for lead in rows if name in lead), key=lambda lead: lead[name], reverse=descending)
    absent = [lead for lead in rows if name not in lead]
    ahead = nulls == "first" or (nulls == "greatest" if descending else nulls == "least")
    return absent + present if ahead else present + absent


# Reading the query of GET /leads. Source: seed.

EQUALS: Final = frozenset({""})
EXISTS: Final = frozenset({"exists"})
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}
RANGE: Final = frozenset(COMPARE)
DATES: Final = ("createdAt", "updatedAt", "qualifiedAt")
OPERATORS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("status", "source", "labelId", "website", *UTMS), EQUALS),
    "value": EQUALS | RANGE,
    **dict.fromkeys(DATES, RANGE | EXISTS),
    **dict.fromkeys(CLICKS, EXISTS),  # whether a bare `gclid=x` works is not said: refused, *unverified*
}
CLOSED: Final = {"status": STATUSES, "source": SOURCES}
SORTABLE: Final = (*DATES, "value", "name", "email", "status")
PLAIN: Final = ("limit", "page", "sort", "search", "fields")
LEGACY_FILTERS: Final = {"updated_after": "updatedAt[gte]"}
LEGACY_SORTS: Final = {"updated_at": "updatedAt"}
FILTER: Final = re.compile(r"(\w+)(?:\[(\w+)\])?", re.ASCII)
NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def read_query(params: list[tuple[str, str]], shape: Shape, finds: Finds, clicks: Clicks) -> Query:
    """The list request in ``params``, or RefusedError. Bad paging, sort, fields: VALIDATION_ERROR (*unverified*)."""
    given = dict(params)
    if len(given) < len(params):
        raise RefusedError("VALIDATION_ERROR", "A query parameter was given twice")
    filters = [_filter(key, text, shape, clicks) for key, text in given.items() if key not in PLAIN]
    return Query(
        tests=[*filters, *([_search(given["search"], finds)] if "search" in given else [])],
        order=[_order(part) for part in given.get("sort", shape.sort).split(",")],
        fields=_fields(given["fields"], shape) if "fields" in given else shape.fields,
        limit=_whole("limit", given.get("limit", shape.limit), 100),
        page=_whole("page", given.get("page", "1"), 10**9),
    )


def _filter(key: str, text: str, shape: Shape, clicks: Clicks) -> Test:
    parts = FILTER.fullmatch(LEGACY_FILTERS.get(key, key))
    name, op = (parts[1], parts[2] or "") if parts else (key, "")
    unknown = name not in OPERATORS or name not in shape.fields
    if name in CLICKS and not op and not unknown and clicks != "refused":
        return lambda lead: clicks == "ignored" or lead.get(name) == text
    if parts is None or unknown or op not in OPERATORS[name]:
        raise RefusedError("INVALID_FILTER", f"Invalid filter: {key}", {"field": key})
    return _test(name, op, text)


def _test(name: str, op: str, text: str) -> Test:
    """Null passes no comparison; equality is exact, letter case included (*unverified*)."""
    if op == "exists":
        wanted = _bool(name, text)
        return lambda lead: (name in lead) is wanted
    if op == "":
        values = _values(name, text)
        return lambda lead: lead.get(name) in values
    bound, compare = (_moment(name, text) if name in DATES else _decimal(name, text)), COMPARE[op]
    return lambda lead: name in lead and compare(lead[name], bound)


def _bool(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise RefusedError("INVALID_FILTER", f"{name}[exists] takes true or false", {"field": name})
    return text == "true"


def _values(name: str, text: str) -> frozenset[Any]:
    """The values that pass. Only ``status`` takes a comma list (for ``source`` unknown: refused, *unverified*)."""
    if name == "value":
        return frozenset({_decimal(name, text)})
    values = frozenset(text.split(",")) if name == "status" else frozenset({text})
    if not text or (name in CLOSED and not values <= set(CLOSED[name])):
        raise RefusedError("INVALID_FILTER", f"Invalid value for {name}", {"field": name})
    return values


def _decimal(name: str, text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise RefusedError("INVALID_FILTER", f"{name} must be a number", {"field": name})
    return float(text)


def _moment(name: str, text: str) -> str:
    """``text`` as the store spells times. Date and time with a zone, cut to milliseconds.

    Whether a bare date or a time without zone is taken is unknown: refused, *unverified*.
    """
    try:
        if DATETIME.fullmatch(text):
            return stamp(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    raise RefusedError("INVALID_DATE", f"Invalid date for {name}", {"field": name, "value": text})


def _search(text: str, finds: Finds) -> Test:
    """Substring of name, e-mail or phone as stored, or the whole of one, without regard to letter case; not empty.

    All of it *unverified*.
    """
    if not text:
        raise RefusedError("VALIDATION_ERROR", "search must not be empty")
    needle = text.lower()
    if finds == "whole":
        return lambda lead: any(needle == lead.get(name, "").lower() for name in ("name", "email", "phone"))
    return lambda lead: any(needle in lead.get(name, "").lower() for name in ("name", "email", "phone"))


def _order(text: str) -> tuple[str, bool]:
    name, _, direction = text.partition(":")
    name = LEGACY_SORTS.get(name, name)
    if name not in SORTABLE or direction not in ("asc", "desc"):
        raise RefusedError("VALIDATION_ERROR", f"Invalid sort: {text}", {"sort": text})
    return name, direction == "desc"


def _fields(text: str, shape: Shape) -> tuple[str, ...]:
    asked = set(text.split(","))
    if unknown := sorted(asked - set(shape.fields)):
        raise RefusedError("VALIDATION_ERROR", "Unknown fields", {"fields": unknown})
    return tuple(name for name in shape.fields if name in asked or name == "id")


def _whole(name: str, text: str, most: int) -> int:
    """1 to ``most``. Out of range is refused rather than clamped (*unverified*)."""
    if not (text.isascii() and text.isdigit() and len(text) < 11 and 1 <= int(text) <= most):
        raise RefusedError("VALIDATION_ERROR", f"{name} must be a whole number from 1 to {most}", {name: text})
    return int(text)


def figures(leads: list[Lead], start: str, end: str) -> dict[str, Any]:
    """``data`` of POST /stats over leads created ``start`` to ``end``, both included.

    ``qualificationRate``: not open / all; ``winRate``: won / (qualified + won) (inferred from the sample's numbers).
    ``totalValue``, ``averageValue``: over won leads with a value (*unverified*). Source: docs endpoint/stats.
    """
    inside = [lead for lead in leads if start <= lead["createdAt"] <= end]
    by_status = dict.fromkeys(STATUSES, 0) | Counter(lead["status"] for lead in inside)
    by_source = dict.fromkeys(SOURCES, 0) | Counter(lead["source"] for lead in inside)
    values = [lead["value"] for lead in inside if lead["status"] == "won" and "value" in lead]
    qualified = by_status["qualified"] + by_status["won"]
    return {
        "usage": {
            "leadsUsed": len(inside),
            "leadsLimit": LEADS_LIMIT,
            "lockedLeads": max(0, len(inside) - LEADS_LIMIT),
            "periodStart": start,
            "periodEnd": end,
        },
        "leads": {"total": len(inside), "byStatus": by_status, "bySource": by_source},
        "conversion": {
            "qualified": qualified,
            "qualificationRate": _ratio(len(inside) - by_status["open"], len(inside)),
            "winRate": _ratio(by_status["won"], qualified),
            "averageValue": _ratio(sum(values), len(values)),
            "totalValue": round(sum(values), 2),
        },
    }


def _ratio(part: float, whole: int) -> float:
    return round(part / whole, 4) if whole else 0
