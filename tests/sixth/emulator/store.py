"""Sixth's leads as the emulator keeps them: drawn from the seeded world, taken in from the queue, changed, paged through.

A ``Lead`` is JSON as it is sent: every key is there, null where the vendor knows nothing. Times are milliseconds since 1970,
``amount`` is whole cents, ``person.phone`` is E.164.
"""

from __future__ import annotations

import copy
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from json import dumps, loads
from typing import Any, Final

import anyio

from lead_mcp.sandbox.kit import Clock
from lead_mcp.sandbox.world import Touch, World

Lead = dict[str, Any]
Test = Callable[[Lead], bool]

NAME: Final = "sixth"
PLACE: Final = 2  # of the world's people
WORDS: Final = {"open": "new", "qualified": "working", "won": "sold", "lost": "dead"}
STATUSES: Final = tuple(WORDS.values())
CHANNELS: Final = ("ads", "social", "partner", "organic")
CHANNEL_OF: Final = {
    "google_ads": "ads",
    "facebook": "social",
    "tiktok": "social",
    "affiliate-7": "partner",
    "partner-north": "partner",
    "organic": "organic",
}
ATTRIBUTES: Final = {"roof_age": "text", "budget": "text", "owns_home": "text"}


class RefusedError(Exception):
    """The vendor says no: its HTTP status, its type of error, a sentence."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail


def millis(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def folded(text: str) -> str:
    """Text as Sixth compares it: composed, case folded."""
    return unicodedata.normalize("NFC", text).casefold()


def value_at(lead: Lead, path: str) -> Any:
    """What stands at a dotted path."""
    found: Any = lead
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(touch: Touch) -> Lead:
    """One touch as a lead."""
    dice, person = touch.dice(), touch.person
    created = millis(touch.created_at)
    moved = person.stage != "open"
    return blank(lead_id(touch.number), created) | {
        "status": WORDS[person.stage],
        "channel": CHANNEL_OF[person.source],
        "campaign": person.campaign,
        "person": {
            "first": person.first_name,
            "last": person.last_name,
            "email": person.email,
            "phone": None if dice.random() < 0.05 else person.phone,
        },
        "company": person.company,
        "address": {"street": person.street, "city": person.city, "state": person.state, "zip": person.postal_code},
        "amount": None if person.value is None else round(person.value * 100),
        "note": person.note,
        "updated": millis(touch.updated_at),
        "moved": created + dice.randint(1, 900_000) if moved else None,
        "attributes": {
            "roof_age": str(dice.randint(1, 40)) if dice.random() < 0.5 else None,
            "budget": dice.choice(("low", "middle", "high")),
        },
    }


def lead_id(number: int) -> str:
    return f"LD-{0xA000 + number:06X}"


def blank(name: str, now: int) -> Lead:
    """A lead about whom nothing is known."""
    return {
        "id": name,
        "status": "new",
        "channel": None,
        "campaign": None,
        "person": {"first": None, "last": None, "email": None, "phone": None},
        "company": None,
        "address": {"street": None, "city": None, "state": None, "zip": None},
        "amount": None,
        "note": None,
        "external_ref": None,
        "created": now,
        "updated": now,
        "moved": None,
        "attributes": {},
    }


def calls_of(touch: Touch) -> list[dict[str, Any]]:
    """The calls to a lead, oldest first: often none, here and there more than two pages of them."""
    dice = touch.dice()
    count = 23 if touch.number % 17 == 3 else dice.choice((0, 0, 1, 2))
    found = []
    for nth in range(count):
        started = millis(touch.created_at) + 60_000 * (nth + 1) + dice.randint(0, 50_000)
        seconds = dice.randint(5, 40)
        found.append(
            {
                "id": f"{lead_id(touch.number)}-C{nth}",
                "started": started,
                "ended": started + 1000 * seconds,
                "seconds": seconds,
            }
        )
    return found


# --- keeping ------------------------------------------------------------------------------------------------------


@dataclass
class Store:
    """One organisation's leads. ``settles``: seconds (the event loop's) that a new lead waits in the queue, seen by nobody."""

    world: World
    clock: Clock
    settles: float
    leads: dict[str, Lead] = field(default_factory=dict)
    calls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    queue: list[tuple[float, Lead]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for touch in self.world.touches(NAME, PLACE):
            lead = draw(touch)
            self.leads[lead["id"]] = lead
            self.calls[lead["id"]] = calls_of(touch)

    def seen(self) -> list[Lead]:
        """Every lead that can be seen by now."""
        due = [one for one in self.queue if one[0] <= anyio.current_time()]
        for one in due:
            self.queue.remove(one)
            lead = one[1]
            lead["id"] = lead_id(len(self.calls))
            self.leads[lead["id"]], self.calls[lead["id"]] = lead, []
        return list(self.leads.values())

    def one(self, name: str) -> Lead:
        self.seen()
        if name not in self.leads:
            raise RefusedError(404, "not_found", "no such lead")
        return self.leads[name]

    def put(self, values: Lead) -> None:
        """Into the queue: it is created when it is asked for, whenever it can be seen."""
        lead = merged(blank("", millis(self.clock())), values)
        self.queue.append((anyio.current_time() + self.settles, lead))

    def change(self, name: str, values: Lead) -> Lead:
        lead, now = self.one(name), millis(self.clock())
        changed = merged(lead, values) | {"updated": now}
        if changed["status"] != lead["status"]:
            changed["moved"] = None if changed["status"] == "new" else now
        self.leads[name] = changed
        return changed

    def delete(self, name: str) -> None:
        del self.leads[self.one(name)["id"]]


def merged(lead: Lead, values: Lead) -> Lead:
    """A merge patch (RFC 7396), except that what Sixth itself names stays there as null."""
    found = copy.deepcopy(lead)
    for key, value in values.items():
        inner = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if inner else copy.deepcopy(value)
    return found


# --- paging -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cut:
    """How a list is cut: where to begin, how many rows, and whether rows that do not match count among them."""

    size: int
    token: str | None
    sealed: str  # what else was asked: a token is good for just that
    short: bool

    def begin(self) -> list[Any] | None:
        if self.token is None:
            return None
        try:
            said = loads(urlsafe_b64decode(self.token.encode()))
        except ValueError:
            said = None
        if not isinstance(said, dict) or said.get("q") != self.digest():
            raise RefusedError(400, "invalid_page_token", "page_token: not one of ours, or of another question")
        found: list[Any] = said["after"]
        return found

    def digest(self) -> str:
        return sha256(self.sealed.encode()).hexdigest()[:16]

    def named(self, key: tuple[Any, ...]) -> str:
        return urlsafe_b64encode(dumps({"q": self.digest(), "after": list(key)}).encode()).decode()


def page(
    rows: Iterable[Lead], order: Callable[[Lead], tuple[Any, ...]], test: Test, cut: Cut, *, descending: bool = False
) -> tuple[list[Lead], str | None]:
    """One page and the token of the next. ``order`` gives a row's place, no two alike."""
    after = cut.begin()
    ordered = sorted(rows, key=order, reverse=descending)
    if after is not None:
        place = tuple(after)
        ordered = [row for row in ordered if (order(row) < place if descending else order(row) > place)]
    pool = ordered if cut.short else [row for row in ordered if test(row)]
    looked_at = pool[: cut.size]
    # in the short dialect a full page always has a successor, which may be empty
    more = len(looked_at) == cut.size if cut.short else len(pool) > cut.size
    return [row for row in looked_at if test(row)], cut.named(order(looked_at[-1])) if more else None
