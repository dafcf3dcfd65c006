"""The look for the same person before an insert: at the vendor, or in a copy of the account that lies nearer.

A copy may be a little older than the vendor's own records. So whom it finds is read at the vendor before anything is refused
or changed for their sake, and what it does not hold for certain is said.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.lookup import look_up
from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons.people import LookupScope, PersonMatches, created, find_person
from lead_mcp.engine.persons.person import Person
from lead_mcp.engine.records import Record

Source = Literal["auto", "live", "mirror"]
SEVERAL: Final = 2
"""Leads of one person from which on it does not matter how many there are."""
AT_ONCE: Final = 20


@dataclass(frozen=True)
class AccountCopy:
    """An account as a copy answers for it. ``lacks``: why it may not hold every lead;

    ``notes``: what else is to be known of it.
    """

    connection: Connection
    notes: Sequence[Note]
    lacks: Note | None = None


CopyOf = Callable[[Connection, Source], Awaitable[AccountCopy | None]]
"""The copy to look in; None: the vendor is asked. Raises NotConfigured where a copy alone was wanted and there is none."""


def with_source(source: Source) -> dict[str, str]:
    """As an argument that the journal keeps: only where it is not the default, so that a call has the digest it always had."""
    return {} if source == "live" else {"source": source}


def sources(people: Iterable[Person], source: Source) -> list[Source]:
    """Where each row of one file or batch is looked for, in order. Of an earlier row about the same person no copy knows yet:
    they are looked for at the vendor."""
    known, found = set[str](), list[Source]()
    for names in (person.emails | person.phones for person in people):
        found.append(source if known.isdisjoint(names) else "live")
        known |= names
    return found


async def no_copy(connection: Connection, source: Source) -> AccountCopy | None:
    return None


async def look_in_copy(copy: AccountCopy, connection: Connection, person: Person, scope: LookupScope) -> PersonMatches:
    """Whom the copy of the account knows, as the account itself has them now. Raises VendorError."""
    matches = await find_person(copy.connection, person, scope)
    matches.copied = True
    matches.complete = matches.complete and copy.lacks is None
    matches.notes = [*copy.notes, *([copy.lacks] if copy.lacks else []), *matches.notes]
    matches.records = await _as_they_are(connection, person, scope, matches)
    return matches


async def _as_they_are(
    connection: Connection, person: Person, scope: LookupScope, matches: PersonMatches
) -> list[Record]:
    """Those of the leads that are there and are still this person's, until there are several. Raises VendorError."""
    names, found, ids = Names(connection.account.fields), list[Record](), [one.id for one in matches.records]
    while ids and len(found) < SEVERAL:
        some, ids = ids[:AT_ONCE], ids[AT_ONCE:]
        read = await look_up(connection, some, names, scope.limits.deadline)
        matches.requests += read.requests
        if read.error is not None:
            raise read.error
        found += [one for one in read.records.values() if person.is_in(one, scope.region)]
    return sorted(found, key=created)
