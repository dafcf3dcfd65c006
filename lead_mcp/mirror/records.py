"""A record as the mirror keeps it: as it was sent, with what it is found and joined by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from lead_mcp.dates import EPOCH
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.persons.person import PHONE_WORDS, numbers_in
from lead_mcp.engine.records import Record
from lead_mcp.filters import folded
from lead_mcp.mirror.cells import Cells, itself
from lead_mcp.phones import e164
from lead_mcp.sql.people import keys_of
from lead_mcp.sql.rows import folded_address
from lead_mcp.uris import lead_uri
from lead_mcp.vendors.spec.http import Raw

LEAD: Final = "lead"
RECORDING: Final = "recording"
MICROSECOND: Final = timedelta(microseconds=1)
NOTHING: Final = frozenset[str]()
BARE: Final = 6
"""How many of ``Kept``'s values come before what it is found by."""
Found = tuple[str | None, tuple[str, ...], frozenset[str]]
"""What is kept beside a record: ``Kept``'s name, joins and keys."""


class Kept(NamedTuple):
    """One record. ``at``: its own time in microseconds since 1970; ``keys``: e-mails and numbers it is found by (``e:``,
    ``t:``); ``joins``: those of them that make it one person with others; ``raw``: the vendor's record as JSON. On
    its way into a store with a key ``raw`` and the words it is found by are sealed (``vault``).
    """

    account: str
    kind: str
    id: str
    partition: str | None
    at: int | None
    raw: str | bytes
    name: str | None
    joins: tuple[str, ...]
    keys: frozenset[str]


def offers(connection: Connection, kind: str) -> bool:
    """Whether the account's vendor has that kind of record."""
    return connection.vendor.recordings is not None if kind == RECORDING else connection.search(kind) is not None


def bare(records: Sequence[Record], kind: str, when: str) -> list[Kept]:
    """Records of one kind of one account as they are kept, but for what they are found by. ``when``: their field of time."""
    return [
        Kept(one.account, kind, whole(one.id), one.partition, micros(one.get(when)), packed(one.raw), None, (), NOTHING)
        for one in records
    ]


def completed(sent: Mapping[str, Record], region: str, some: Sequence[Kept]) -> list[Kept]:
    """Records with what they are found by. ``sent``: them as they came, by the id they are kept by; ``region``: where their
    telephone numbers are dialled."""
    own = [sent[one.id] for one in some]
    found = _of_leads(own, region) if some[0].kind == LEAD else _of_others(own, [str(one.raw) for one in some], region)
    return [Kept(*one[:BARE], *more) for one, more in zip(some, found, strict=True)]


def kept(records: Sequence[Record], kind: str, when: str, region: str) -> list[Kept]:
    """Records of one kind of one account as they are kept."""
    found = bare(records, kind, when)
    sent = {one.id: record for one, record in zip(found, records, strict=True)}
    return completed(sent, region, found) if found else []


def _of_leads(records: Sequence[Record], region: str) -> Iterator[Found]:
    """The names of leads, and what they are joined, looked up and erased by."""
    names, emails, phones = (_values(name, records) for name in ("name", "email", "phone"))
    for record, name, email, phone in zip(records, names, emails, phones, strict=True):
        address = whole(folded_address(email) or "")
        joins = keys_of(e164(str(phone), region) if phone else None, address)
        keys = {*joins, *(f"t:{number}" for number in numbers_in(phone, record.raw, region))}
        if address:
            keys.add(f"e:{address}")
        yield whole(folded(str(name)).strip()) or None if name else None, joins, frozenset(keys)


def _of_others(records: Sequence[Record], texts: Sequence[str], region: str) -> Iterator[Found]:
    """The same of other records, spelled as ``texts``: they have no name, and join nobody."""
    for record, text, lead in zip(records, texts, _values("lead_id", records), strict=True):
        keys = {f"u:{lead_uri(record.account, str(lead))}"} if lead else set[str]()
        if _may_hold_contacts(text):
            keys.update(map(whole, contacts(record.raw, region)))
        yield None, (), frozenset(keys)


def _values(name: str, records: Sequence[Record]) -> list[Any]:
    """A field's value in each of them."""
    return Cells(records[0].reads(name), itself, as_is=True).of([one.raw for one in records])


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
    if not isinstance(moment, datetime):
        return None
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
