"""A record as the mirror keeps it: as it was sent, with what it is found and joined by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json, to_json

from lead_mcp.dates import EPOCH
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.person import PHONE_WORDS, numbers_of
from lead_mcp.engine.records import Record
from lead_mcp.filters import folded
from lead_mcp.phones import e164
from lead_mcp.sql.people import keys_of
from lead_mcp.sql.rows import folded_email
from lead_mcp.uris import lead_uri
from lead_mcp.vendors.spec.http import Raw

LEAD: Final = "lead"
RECORDING: Final = "recording"
MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """One record. ``at``: its own time in microseconds since 1970; ``keys``: e-mails and numbers it is found by (``e:``,
    ``t:``); ``joins``: those of them that make it one person with others; ``raw``: the vendor's record as JSON.
    """

    account: str
    kind: str
    id: str
    partition: str | None
    at: int | None
    raw: str
    name: str | None
    joins: tuple[str, ...]
    keys: frozenset[str]


def offers(connection: Connection, kind: str) -> bool:
    """Whether the account's vendor has that kind of record."""
    return connection.vendor.recordings is not None if kind == RECORDING else connection.search(kind) is not None


def kept(record: Record, kind: str, when: str, region: str) -> Kept:
    """The record as it is kept. ``when``: its field of time; ``region``: where its telephone numbers are dialled."""
    lead = kind == LEAD
    joins = keys_of(_phone(record, region), folded_email(record)) if lead else ()
    text = packed(record.raw)
    return Kept(
        account=record.account,
        kind=kind,
        id=whole(record.id),
        partition=record.partition,
        at=micros(record.get(when)),
        raw=text,
        name=_name(record) if lead else None,
        joins=tuple(map(whole, joins)),
        keys=frozenset(map(whole, (*joins, *_found_by(record, text, region, lead=lead)))),
    )


def packed(raw: Raw) -> str:
    """The record as JSON that SQLite takes, spelled as a cell of the column ``raw``, so that it need not be spelled again for
    it; but half of a character is kept as an escape."""
    try:
        return to_json(raw).decode()
    except ValueError:
        return json.dumps(raw)


def unpacked(text: str) -> dict[str, Any]:
    """The record again."""
    try:
        found: dict[str, Any] = from_json(text)
    except ValueError:  # half of a character, or a number that is none
        found = json.loads(text)
    return found


def whole(text: str) -> str:
    """The text itself where UTF-8 can hold it, else with a question mark for each half of a character."""
    if text.isascii():
        return text
    clean = text.encode(errors="replace").decode()
    return text if clean == text else clean


def _phone(record: Record, region: str) -> str | None:
    text = record.get("phone")
    return e164(str(text), region) if text else None


def _name(record: Record) -> str | None:
    name = record.get("name")
    return whole(folded(str(name)).strip()) or None if name else None


def _found_by(record: Record, text: str, region: str, *, lead: bool) -> Iterator[str]:
    """What the record, spelled as ``text``, is looked up by, and erased by."""
    if lead:
        yield from (f"t:{number}" for number in numbers_of(record, region))
        if email := folded_email(record):
            yield f"e:{email}"
    else:
        if followed := record.get("lead_id"):
            yield f"u:{lead_uri(record.account, str(followed))}"
        if _may_hold_contacts(text):
            yield from contacts(record.raw, region)


def _may_hold_contacts(text: str) -> bool:
    """Whether there may be an e-mail or a telephone number in the record that is spelled so."""
    if "@" in text or "\\u" in text:  # an escape may stand for anything
        return True
    lower = text.casefold()
    return any(word in lower for word in PHONE_WORDS)


def contacts(value: Any, region: str, word: str = "") -> Iterator[str]:
    """E-mails and telephone numbers anywhere in a record: texts with an ``@``, and what stands under a phone's name."""
    if isinstance(value, str | int):
        if isinstance(value, str) and "@" in value:
            yield f"e:{folded(value).strip()}"
        elif _is_for_phones(word) and (number := e164(str(value), region)):
            yield f"t:{number}"
    elif isinstance(value, list):
        for item in value:
            yield from contacts(item, region, word)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from contacts(item, region, key)


@lru_cache(maxsize=1_000)
def _is_for_phones(word: str) -> bool:
    return any(one in word.casefold() for one in PHONE_WORDS)


def micros(moment: Any) -> int | None:
    """Microseconds since 1970; None for what is no time."""
    return (moment.astimezone(UTC) - EPOCH) // MICROSECOND if isinstance(moment, datetime) else None
