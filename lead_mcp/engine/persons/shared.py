"""E-mails and telephone numbers that are nobody's own: a switchboard's, ``info@``. Leads are not joined by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lead_mcp.engine.notes import JoinedNobody
from lead_mcp.engine.persons.person import Person, numbers_of
from lead_mcp.engine.records import Record
from lead_mcp.filters import folded

MOST_NAMES: Final = 5
"""Different names that one person may go by: what stands beside more of them is shared by strangers."""


def apart(
    records: Sequence[Record], person: Person, asked: Person, region: str
) -> tuple[Sequence[Record], JoinedNobody | None]:
    """The records without those of strangers, and what would have joined them; what was asked for itself joins all."""
    further = Person(person.emails - asked.emails, person.phones - asked.phones)
    emails, phones = _beside(records, further, region)
    if not (emails or phones):
        return records, None
    closer = replace(person, emails=person.emails - emails, phones=person.phones - phones)
    return [one for one in records if closer.is_in(one, region)], JoinedNobody(len(phones), len(emails), MOST_NAMES)


def _beside(records: Sequence[Record], person: Person, region: str) -> tuple[set[str], set[str]]:
    """Those of the person's e-mails and numbers that stand beside too many names."""
    emails, phones = dict[str, set[str]](), dict[str, set[str]]()
    for record in records:
        name = folded(str(record.get("name") or "")).strip()
        if not name:
            continue
        emails.setdefault(folded(str(record.get("email") or "")), set()).add(name)
        for number in numbers_of(record, region):
            phones.setdefault(number, set()).add(name)
    return _many(emails) & person.emails, _many(phones) & person.phones


def _many(names: dict[str, set[str]]) -> set[str]:
    return {key for key, found in names.items() if len(found) > MOST_NAMES}
