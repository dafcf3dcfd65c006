"""How the emulated Convoso reads a parameter, and its refusals.

Parameters are flat text. An empty one counts as not given (Source: H8, H13, C3). Refusals ride on HTTP 200 unless one
says otherwise (Source: C2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

Given = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One documented refusal: its code, its text, the seed's own text where that differs, and the HTTP status."""

    code: int
    text: str
    seed: str = ""
    status: int = 200


class RefusedError(Exception):
    """Raised anywhere below an endpoint; the endpoint turns it into the vendor's envelope."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


MISSING_LISTS: Final = Refusal(6000, "Missing lists")
NO_LEAD: Final = Refusal(6001, "No such Lead")
# Source: seed for the second texts (its 6070 and 6071); S2 knows only 6001.
NO_LEAD_ID: Final = Refusal(6001, "No such Lead", seed="Invalid lead id")
NO_LEAD_TO_UPDATE: Final = Refusal(6001, "No such Lead", seed="Lead not found")
NO_LIST: Final = Refusal(6002, "No such List")
MISSING_USERS: Final = Refusal(6005, "Missing users")
NO_USER: Final = Refusal(6006, "No such User")
NO_PHONE_OR_LIST: Final = Refusal(6007, "The Lead requires a phone number and list id")
BAD_PHONE: Final = Refusal(6008, "The phone number is invalid")
PHONE_EXISTS: Final = Refusal(6009, "The phone number already exists")
FIELDS_MISSED: Final = Refusal(6023, "Required fields are missed")
BAD_EMAIL: Final = Refusal(6079, "Invalid Email(s)")
UNKNOWN_LIST: Final = Refusal(6002, "Unknown List Id")
UNKNOWN_CAMPAIGN: Final = Refusal(6004, "Unknown Campaign ID")
UNKNOWN_USER: Final = Refusal(6006, "Unknown User Id")
UNKNOWN_QUEUE: Final = Refusal(6030, "Unknown Queue ID")
# Source: 7230 in S2, 7258 in the seed. Both are given here: no whole number above 0, and above the maximum.
BAD_LIMIT: Final = Refusal(7230, "Invalid limit value")
LIMIT_TOO_HIGH: Final = Refusal(7258, "Invalid limit value")
BAD_OFFSET: Final = Refusal(7231, "Invalid offset value")

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
SPACED: Final = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
EITHER: Final = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}")
FLAGS: Final = {"": False, "0": False, "false": False, "1": True, "true": True}


def bad(text: str, status: int = 200) -> RefusedError:
    """A refusal no document describes. *Unverified*: code 400 is ours, so that no documented code is misused."""
    return RefusedError(Refusal(400, text, status=status))


def present(given: Given) -> dict[str, str]:
    """The parameters that have a value: an empty one counts as not given. Source: H8, H13, C3."""
    return {name: text for name, text in given.items() if text}


def known(given: Given, allowed: frozenset[str]) -> None:
    """Refuse a name the endpoint does not list. *Unverified*: the vendor may ignore it; names are case sensitive (H17)."""
    for name in given:
        if name not in allowed:
            raise bad(f"Unknown parameter: {name}")


def whole(given: Given, name: str, default: int | None, low: int, high: int) -> int | None:
    """A whole number of ``low`` to ``high``, or ``default`` where absent."""
    text = given.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise bad(f"Invalid {name}")
    return int(text)


def offset(given: Given, highest: int | None) -> int:
    """``offset`` (default 0), at most ``highest``; else 7231. Source: seed, S2."""
    text = given.get("offset") or "0"
    if not text.isascii() or not text.isdigit() or (highest is not None and int(text) > highest):
        raise RefusedError(BAD_OFFSET)
    return int(text)


def limit(given: Given, default: int, highest: int) -> int:
    """``limit`` of 1 to ``highest``; else 7230 or 7258. Source: seed, S2."""
    text = given.get("limit") or str(default)
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise RefusedError(BAD_LIMIT)
    if int(text) > highest:
        raise RefusedError(LIMIT_TOO_HIGH)
    return int(text)


def flag(given: Given, name: str) -> bool:
    """A boolean: 0, 1, true or false."""
    text = given.get(name, "").lower()
    if text not in FLAGS:
        raise bad(f"Invalid {name}")
    return FLAGS[text]


def choice(given: Given, name: str, allowed: tuple[str, ...]) -> str | None:
    """One of a closed set, or None where absent."""
    text = given.get(name) or None
    if text is not None and text not in allowed:
        raise bad(f"Invalid {name}")
    return text


def day(given: Given, name: str) -> str | None:
    """A calendar day, ``YYYY-MM-DD``, or None where absent."""
    return _date(given, name, DAY)


def second(given: Given, name: str) -> str | None:
    """A naive second, ``YYYY-MM-DD HH:MM:SS`` and no other form. Source: seed, H2, H7."""
    return _date(given, name, SPACED)


def bound(given: Given, name: str) -> str | None:
    """A bound of a date filter on leads as ``YYYY-MM-DD HH:MM:SS`` in the account's zone, or None where absent.

    Three forms are taken: a day (H1), a second after a space (S2) or after a T (C6). *Unverified*: a bare day is its
    first second as a start and its last as an end. Anything else, an offset included, is refused.
    """
    if DAY.fullmatch(given.get(name, "")):
        return f"{_date(given, name, DAY)} {'23:59:59' if '_end' in name else '00:00:00'}"
    text = _date(given, name, EITHER)
    return text and text.replace("T", " ")


def ids(text: str) -> frozenset[str]:
    """``1,2`` as a set. Source: C3, S2."""
    return frozenset(part.strip() for part in text.split(","))


def bare(phone: str | None) -> str:
    """The digits of a North American number without its country code: what two spellings of it share."""
    digits = re.sub(r"\D", "", phone or "")
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def _date(given: Given, name: str, form: re.Pattern[str]) -> str | None:
    text = given.get(name)
    if not text:
        return None
    if not form.fullmatch(text) or not text.isascii() or not _exists(text):
        raise bad(f"Invalid {name}")
    return text


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
