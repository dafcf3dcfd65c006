"""The emulated Convoso's ``/leads/search``: which leads match, in what order, and how a row shows one.

A read takes what was asked (``Ask``) and returns the JSON of a whole successful reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from lead_mcp.vendors.convoso.emulator.params import (
    MISSING_LISTS,
    Given,
    RefusedError,
    bare,
    bound,
    ids,
    limit,
    offset,
    present,
)
from lead_mcp.vendors.convoso.emulator.store import (
    ACCOUNT_FIELDS,
    CAMPAIGNS,
    LISTS,
    SOURCE_NAMES,
    STATUSES,
    USERS,
    Lead,
    Store,
    shuffled,
)

Json = dict[str, Any]
Test = Callable[[Lead], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """Which of the documented shapes this deployment speaks; see ``app.build``."""

    zone: str
    dialect: Literal["help", "seed"]
    ids: Literal["text", "number"]
    dates: Literal["naive", "offset"]
    urls: Literal["full", "name"]
    offset_limit: int | None

    def id(self, value: str | int | None) -> str | int | None:
        """An id or counter as text or number; what is no number stays as it is. Source: seed, H2, C1, C2."""
        if self.ids == "text":
            return None if value is None else str(value)
        return int(value) if isinstance(value, str) and value.isdigit() else value

    def date(self, text: str) -> str:
        """``created_at`` and ``modified_at``: naive, or ``2015-01-29T14:09:57-0800`` as one older reply. Source: C2."""
        if self.dates == "naive":
            return text
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.zone)).strftime("%Y-%m-%dT%H:%M:%S%z")

    def last_call(self, text: str) -> Json:
        """A date as an object. Source: S1, S2."""
        return {"date": f"{text}.000000", "timezone_type": 3, "timezone": self.zone}


@dataclass(frozen=True, slots=True)
class Ask:
    """One authorised request. ``here`` is the address the emulator is mounted at, ``http://host/convoso``."""

    store: Store
    shape: Shape
    given: Given
    now: datetime
    here: str


IDS: Final = {name: name for name in ("list_id", "user_id", "owner_id", "created_by", "last_modified_by")}
TEXTS: Final = (
    "status email first_name last_name address1 address2 city state province postal_code country gender "
    "date_of_birth std_company_name std_consumer_number std_account_number".split()
)
PHONES: Final = ("phone_number", "alt_phone_1", "alt_phone_2")
RANGES: Final = {
    "created_at_start_date": "created_at",
    "created_at_end_date": "created_at",
    "updated_at_start_date": "modified_at",
    "updated_at_end_date": "modified_at",
    "changed_at_start_date": "changed_at",
    "changed_at_end_date": "changed_at",
    "deleted_at_start": "deleted_at",
    "deleted_at_end": "deleted_at",
    "archived_at_start": "archived_at",
    "archived_at_end": "archived_at",
    "last_call_start_date": "last_called",
    "last_call_end_date": "last_called",
}
SEARCHABLE: Final = frozenset((*IDS, *TEXTS, *PHONES, *RANGES, "lead_id", "offset", "limit"))
# The account's own fields are accepted and narrow nothing: "non-searchable". Source: S2, C3
SEARCH_NAMES: Final = SEARCHABLE | ACCOUNT_FIELDS


def search_leads(ask: Ask) -> Json:
    """``/leads/search``: leads that pass every filter, 10 a page, 2000 at most. Source: seed, H1, H6, S2.

    The order is the account's own (see ``Store.shelf``), but ascending by update with an ``updated_at_*`` filter (H6).
    Texts match whole and by case, phones by their digits (*unverified*, as everything about matching). Refused: 7231,
    7230 and 7258, and 6000 where ``list_id`` names only unknown lists (*unverified*: when the documented code comes).
    """
    given = present(ask.given)
    start = offset(given, ask.shape.offset_limit)
    size = limit(given, 10, 2000)
    if "list_id" in given and not ids(given["list_id"]) & LISTS.keys():
        raise RefusedError(MISSING_LISTS)
    found = matching(ask.store, given)
    rows = [lead_row(ask, lead) for lead in found[start : start + size]]
    return _lead_page(ask.shape, rows, start, size, len(found))


def _lead_page(shape: Shape, rows: list[Json], start: int, size: int, total: int) -> Json:
    if shape.dialect == "help":
        counts = {"offset": start, "limit": size, "total": shape.id(total)}
        return {"success": True, "data": {**counts, "entries": rows}}
    return {"results": rows, "offset": start, "limit": size} if rows else {"success": True, "results": []}


def matching(store: Store, given: Given) -> list[Lead]:
    """The leads that pass every filter, in order; one pass over the leads, or less where an id or a phone is given."""
    found: Iterable[Lead] = _candidates(store, given)
    for test in _tests(given):
        found = filter(test, found)
    if any(name.startswith("updated_at_") for name in given):
        found = sorted(found, key=attrgetter("modified_at"))
    return found if isinstance(found, list) else list(found)


def _candidates(store: Store, given: Given) -> list[Lead]:
    """The leads to look at. Deleted ones are seen by ``deleted_at_*`` alone, and then no others (*unverified*)."""
    if any(name.startswith("deleted_at_") for name in given):
        return store.deleted
    if "phone_number" in given:
        return sorted(store.by_phone.get(bare(given["phone_number"]), {}).values(), key=shuffled)
    if "lead_id" in given and "," not in given["lead_id"]:
        lead = store.get(given["lead_id"])
        return [] if lead is None else [lead]
    return store.shelf


def _tests(given: Given) -> Iterator[Test]:
    if "lead_id" in given:
        wanted = ids(given["lead_id"])
        yield lambda lead: str(lead.id) in wanted
    for name in IDS.keys() & given.keys():
        yield partial(_among, attrgetter(name), ids(given[name]))
    for name in given.keys() & set(TEXTS):
        yield partial(_equal, attrgetter(name), given[name])
    for name in given.keys() & set(PHONES):
        yield partial(_same_phone, attrgetter(name), bare(given[name]))
    for name, attribute in RANGES.items():
        edge = bound(given, name)
        if edge is not None:
            yield partial(_before if "_end" in name else _after, attrgetter(attribute), edge)


def _among(read: Callable[[Lead], str | None], wanted: frozenset[str], lead: Lead) -> bool:
    return read(lead) in wanted


def _equal(read: Callable[[Lead], str | None], wanted: str, lead: Lead) -> bool:
    return read(lead) == wanted


def _same_phone(read: Callable[[Lead], str | None], wanted: str, lead: Lead) -> bool:
    return wanted != "" and bare(read(lead)) == wanted


def _after(read: Callable[[Lead], str | None], edge: str, lead: Lead) -> bool:
    return (read(lead) or "") >= edge


def _before(read: Callable[[Lead], str | None], edge: str, lead: Lead) -> bool:
    """Both edges are included. *Unverified*."""
    at = read(lead)
    return at is not None and at <= edge


# The seed's 23 keys, and all that a row of its dialect has.
SEED_KEYS: Final = (
    "id created_at modified_at first_name last_name email status owner_id source_id list_id phone_number alt_phone_1 "
    "alt_phone_2 address1 address2 city state postal_code country gender date_of_birth carrier_name carrier_type".split()
)
# Further keys. Source: S2, C1, C6; *unverified*: the std_ ones, which only filters and writes document
PLAIN_KEYS: Final = (
    "user_id phone_code province notes created_by last_modified_by last_called std_company_name std_consumer_number "
    "std_account_number".split()
)
MADE_KEYS: Final[dict[str, Callable[[Lead], str | None]]] = {
    "lead_id": lambda lead: str(lead.id),
    "object_type": lambda _: "lead",
    "called_count": lambda lead: str(len(lead.calls)),
    "called_count_inbound": lambda _: "0",
    "called_since_last_reset": lambda lead: "Y" if lead.calls else "N",
    "is_contacted": lambda lead: "1" if _contacted(lead) else "0",
    "first_contacted_at": lambda lead: lead.last_called if _contacted(lead) else None,
    "status_name": lambda lead: STATUSES[lead.status][0],
    "user_uid": lambda lead: lead.user_id,
    "user_name": lambda lead: user_name(lead.user_id),
    "directory_uid": lambda lead: lead.list_id,
    "directory_name": lambda lead: LISTS[lead.list_id].name,
    "campaign_uid": lambda lead: lead.campaign_id,
    "campaign_name": lambda lead: CAMPAIGNS[lead.campaign_id][0],
    "source_uid": lambda lead: lead.source_id,
    "source_name": lambda lead: SOURCE_NAMES.get(lead.source_id or "", ""),
}
ID_KEYS: Final = frozenset(
    "id lead_id list_id owner_id user_id source_id created_by last_modified_by user_uid directory_uid campaign_uid "
    "source_uid".split()
)


def lead_row(ask: Ask, lead: Lead) -> Json:
    """A lead as rows show it: text throughout but for ids, nulls, "null" and empty text where there is nothing."""
    row: Json = {name: getattr(lead, name) for name in SEED_KEYS}
    if ask.shape.dialect == "help":
        row |= {name: getattr(lead, name) for name in PLAIN_KEYS}
        row |= {name: make(lead) for name, make in MADE_KEYS.items()}
        row |= lead.custom
    for name in ID_KEYS & row.keys():
        row[name] = ask.shape.id(row[name])
    for name in ("created_at", "modified_at"):
        row[name] = ask.shape.date(row[name])
    return row


def _contacted(lead: Lead) -> bool:
    return "contact" in STATUSES[lead.outcome or "NEW"][1].split()


def user_name(user_id: str | None) -> str:
    return " ".join(USERS[user_id]) if user_id in USERS else ""
