"""The emulated Convoso's three writes on leads: insert (or update what is found), update, delete.

Each takes the store, what was given and the present moment, changes the store and returns the lead's id; a refusal is
raised before anything changes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal

from lead_mcp.vendors.convoso.emulator.params import (
    BAD_EMAIL,
    BAD_PHONE,
    FIELDS_MISSED,
    NO_LEAD,
    NO_LEAD_ID,
    NO_LEAD_TO_UPDATE,
    NO_LIST,
    NO_PHONE_OR_LIST,
    NO_USER,
    PHONE_EXISTS,
    Given,
    RefusedError,
    bad,
    bare,
    choice,
    day,
    flag,
    whole,
)
from lead_mcp.vendors.convoso.emulator.store import ACCOUNT_FIELDS, LISTS, STATUSES, USERS, Lead, Store

Dialect = Literal["help", "seed"]
Reach = Literal["none", "account", "list", "campaign"]

PEOPLE: Final = ("created_by", "last_modified_by", "owner_id", "user_id")
PHONES: Final = ("phone_number", "alt_phone_1", "alt_phone_2")
# Text a write may also blank. *Unverified*: no source says what an empty value does in an update; here it clears.
CLEARABLE: Final = ACCOUNT_FIELDS | frozenset(
    "first_name last_name email alt_phone_1 alt_phone_2 address1 address2 city state province postal_code country "
    "gender date_of_birth notes std_company_name std_consumer_number std_account_number".split()
)
UPDATABLE: Final = CLEARABLE | frozenset(
    "list_id phone_number phone_code status owner_id created_by last_modified_by".split()
)
INSERTABLE: Final = UPDATABLE | {"user_id"}
OPTIONS: Final = frozenset(
    "lead_id hopper hopper_priority hopper_expires_in update_if_found check_dup check_dup_list check_dup_archive "
    "check_dnc check_wireless filter_phone_code reject_by_carrier_type search_campaign_id search_list_id "
    "update_order_by_last_called_time".split()
)
# (where to look, archived leads too). The two documents give the numbers different meanings. Source: seed; H3, H5, H17
# *Unverified*: 4, the "complete check", looks everywhere.
CHECK_DUP: Final[dict[Dialect, dict[str, tuple[Reach, bool]]]] = {
    "help": {
        "0": ("none", False),
        "false": ("none", False),
        "1": ("account", False),
        "true": ("account", False),
        "2": ("list", False),
        "3": ("campaign", False),
        "4": ("account", True),
    },
    "seed": {
        "0": ("none", False),
        "1": ("list", False),
        "2": ("account", False),
        "3": ("account", True),
        "4": ("account", True),
    },
}
EMAIL: Final = re.compile(r"[^\s@,]+@[^\s@,]+\.[^\s@,.]+")
CARRIER_TYPES: Final = frozenset(("MOBILE", "VOIP", "LANDLINE"))
TRI_STATE: Final = ("0", "1", "2", "3", "true", "false")  # boolean, or 0 to 3 by H5


def insert(store: Store, given: Given, now: datetime, dialect: Dialect) -> int:
    """``POST /leads/insert``: the id of the new lead, or of the one found and updated. Source: seed, H3, H5, S2.

    Refused: 6023, 6007, 6002, 6006, 6008, 6079 for the content, 6009 for a duplicate that ``check_dup`` finds.
    """
    _required(given)
    _options(given)
    values = _values(store, given, INSERTABLE)
    found = _found(store, given, values) if flag(given, "update_if_found") else None
    if found is not None:
        store.change(found, values, now)
        lead = found
    else:
        _refuse_duplicate(store, given, values, dialect)
        lead = store.insert(values, now)
    _queue(store, lead, given)
    return lead.id


def update(store: Store, given: Given, now: datetime) -> int:
    """``POST /leads/update``: the id of the changed lead; ``list_id`` moves it, ``notes`` replaces. Source: seed, H4, C3.

    Refused: 6001 (S2; the seed's 6070 and 6071), 6002, 6006, 6008, 6079.
    """
    lead_id = given.get("lead_id", "")
    if not lead_id.isascii() or not lead_id.isdigit():
        raise RefusedError(NO_LEAD_ID)
    lead = store.get(lead_id)
    if lead is None:
        raise RefusedError(NO_LEAD_TO_UPDATE)
    store.change(lead, _values(store, given, UPDATABLE), now)
    return lead.id


def delete(store: Store, given: Given, now: datetime) -> int:
    """``POST /leads/delete``: the id of the lead that is gone; 6001 where there is none. Source: seed, S2."""
    lead = store.get(given.get("lead_id", ""))
    if lead is None:
        raise RefusedError(NO_LEAD)
    store.delete(lead, now)
    return lead.id


def _required(given: Given) -> None:
    """*Unverified*: 6023 where both are missing, 6007 where one is; both codes are documented, their border is not."""
    missing = [name for name in ("list_id", "phone_number") if not given.get(name)]
    if missing:
        raise RefusedError(FIELDS_MISSED if len(missing) == 2 else NO_PHONE_OR_LIST)


def _options(given: Given) -> None:
    """Options that change nothing here are still read strictly. *Unverified*: what the vendor says to a bad one."""
    for name in ("hopper", "check_dup_list", "check_wireless", "filter_phone_code"):
        flag(given, name)
    for name in ("check_dnc", "check_dup_archive"):
        choice(given, name, TRI_STATE)
    whole(given, "hopper_priority", None, 0, 99)
    whole(given, "hopper_expires_in", None, 0, 300)
    carriers = given.get("reject_by_carrier_type")
    if carriers and not set(carriers.split(",")) <= CARRIER_TYPES:
        raise bad("Invalid reject_by_carrier_type")


def _values(store: Store, given: Given, names: frozenset[str]) -> dict[str, str]:
    """The checked values to set, in the store's own spelling."""
    values = {name: text for name, text in given.items() if name in names and (text or name in CLEARABLE)}
    if flag(given, "filter_phone_code"):
        _split_country_code(values)
    for check in (_check_list, _check_people, _check_phones, _check_email, _check_closed):
        check(values)
    return values


def _split_country_code(values: dict[str, str]) -> None:
    """``12135550100`` becomes code 1 and ten digits. Source: S2."""
    match = re.fullmatch(r"\+?1([0-9]{10})", values.get("phone_number", ""))
    if match:
        values["phone_number"], values["phone_code"] = match[1], "1"


def _check_list(values: Given) -> None:
    if "list_id" in values and values["list_id"] not in LISTS:
        raise RefusedError(NO_LIST)


def _check_people(values: Given) -> None:
    if any(values[name] not in USERS for name in PEOPLE if name in values):
        raise RefusedError(NO_USER)


def _check_phones(values: Given) -> None:
    """Digits only: ten of them, none of 0 and 1 in front, for code 1; else 6 to 14. *Unverified*: the exact rule."""
    code = values.get("phone_code", "1")
    form = r"[2-9][0-9]{9}" if code == "1" else r"[0-9]{6,14}"
    if not re.fullmatch(r"[1-9][0-9]{0,3}", code):
        raise RefusedError(BAD_PHONE)
    if any(not re.fullmatch(form, values[name]) for name in PHONES if values.get(name)):
        raise RefusedError(BAD_PHONE)


def _check_email(values: Given) -> None:
    if values.get("email") and not EMAIL.fullmatch(values["email"]):
        raise RefusedError(BAD_EMAIL)


def _check_closed(values: Given) -> None:
    """*Unverified*: no code is documented for an unknown status or a bad date of birth."""
    choice(values, "status", tuple(STATUSES))
    day(values, "date_of_birth")


def _found(store: Store, given: Given, values: Given) -> Lead | None:
    """The lead that ``update_if_found`` means: by id, else by phone within the list or campaign named, else anywhere.

    Of several the one last called latest, or earliest for ``ASC``. *Unverified*: the default order, and that an id
    which fits nothing falls back to the phone. Source: S2
    """
    order = choice(given, "update_order_by_last_called_time", ("ASC", "DESC"))
    by_id = store.get(given.get("lead_id", ""))
    if by_id is not None:
        return by_id
    known = [lead for lead in store.by_phone[bare(values["phone_number"])].values() if _in_scope(lead, given)]
    known.sort(key=lambda lead: (lead.last_called or "", lead.id), reverse=order != "ASC")
    return known[0] if known else None


def _in_scope(lead: Lead, given: Given) -> bool:
    """``search_list_id`` wins over ``search_campaign_id``. Source: H3"""
    if given.get("search_list_id"):
        return lead.list_id == given["search_list_id"]
    return lead.campaign_id == (given.get("search_campaign_id") or lead.campaign_id)


def _refuse_duplicate(store: Store, given: Given, values: Given, dialect: Dialect) -> None:
    meanings = CHECK_DUP[dialect]
    check = choice(given, "check_dup", tuple(meanings)) or "0"
    reach, archived = meanings[check]
    if reach == "none" and flag(given, "check_dup_list"):
        reach = "list"
    archived = archived or given.get("check_dup_archive", "") not in ("", "0", "false")
    for lead in store.by_phone[bare(values["phone_number"])].values():
        if (archived or lead.archived_at is None) and _reaches(reach, lead, values["list_id"]):
            raise RefusedError(PHONE_EXISTS)


def _reaches(reach: Reach, lead: Lead, list_id: str) -> bool:
    match reach:
        case "none":
            return False
        case "account":
            return True
        case "list":
            return lead.list_id == list_id
        case "campaign":
            return lead.campaign_id == LISTS[list_id].campaign


def _queue(store: Store, lead: Lead, given: Given) -> None:
    """``hopper``: dial at once; priority 0 to 99 (default 99), leaving after at most 300 minutes. Source: seed, S2."""
    if flag(given, "hopper"):
        minutes = given.get("hopper_expires_in")
        store.hopper[lead.id] = (int(given.get("hopper_priority") or 99), int(minutes) if minutes else None)
