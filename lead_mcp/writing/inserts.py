"""A new lead: the look for the same person, the request, and how a lost answer is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.persons.people import PersonMatches, find_person
from lead_mcp.engine.persons.person import Person
from lead_mcp.engine.records import Record
from lead_mcp.errors import Conflict
from lead_mcp.vendors.spec.writing import Insert
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.duplicate_check import DuplicateCheck
from lead_mcp.writing.form_names import further_names
from lead_mcp.writing.forms import FilledForm, fill
from lead_mcp.writing.looking import Source, look_in_copy
from lead_mcp.writing.offers import offered_insert
from lead_mcp.writing.outcome import Action, OutcomeKind
from lead_mcp.writing.prepared import PreparedWrite, Sent
from lead_mcp.writing.updates import UpdateIntent
from lead_mcp.writing.values import same, unchanged, unchanged_own

OnDuplicate = Literal["fail", "update", "allow"]
NAMED = 5
"""Leads of one person that a message names at most."""


@dataclass(frozen=True)
class InsertIntent:
    """A new lead. ``lead`` by our names, ``own`` by the vendor's.

    ``looks``: the same person is looked for with ``allow`` too: what was there before is what settles a lost answer.
    ``source``: where they are looked for; that look is always at the vendor.
    """

    connection: Connection
    lead: Mapping[str, Any]
    own: Mapping[str, Any]
    on_duplicate: OnDuplicate = "fail"
    looks: bool = True
    source: Source = "live"

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        insert = offered_insert(self.connection)
        filled = await self._filled(insert, context)
        there = await self._look(insert, filled, context) if look else None
        if there is not None and there.records and self.on_duplicate == "update":
            return await self._as_update(there, filled, context, token)
        return self._as_insert(insert, filled, there, context, token)

    async def _filled(self, insert: Insert, context: WriteContext) -> FilledForm:
        further = await further_names(insert.form, self.connection, self.lead)
        return fill(insert.form, self.connection, self.lead, self.own, context, further=further)

    async def _look(self, insert: Insert, filled: FilledForm, context: WriteContext) -> PersonMatches | None:
        """The same person's leads; None where they do not matter. Raises why nobody could be looked for."""
        if self.on_duplicate == "allow" and (insert.dedupes or not self.looks):
            return None
        copy = None if self.on_duplicate == "allow" else await context.copy_of(self.connection, self.source)
        if copy is None:
            return await _leads_of(self.connection, filled, context)
        person = Person.of(filled.ours, context.region)
        return await look_in_copy(copy, self.connection, person, context.looking)

    def _as_insert(
        self, insert: Insert, filled: FilledForm, there: PersonMatches | None, context: WriteContext, token: str
    ) -> PreparedWrite:
        account = self.connection.account
        request = insert.build(account, filled.values, token, self.on_duplicate == "update" and insert.upserts)
        known = tuple(record.uri for record in there.records) if there else ()
        duplicate = bool(known) and self.on_duplicate == "fail"
        warnings = [*filled.warnings, *_unseen(there, self.connection.name, context)]
        if duplicate:
            warnings.append(f"the same e-mail or phone is there already: {', '.join(known[:NAMED])}")
        return PreparedWrite(
            connection=self.connection,
            action=Action.INSERT,
            request=request,
            read=partial(insert.read, insert.narrowed(account, request)),
            uri=known[0] if duplicate else None,
            after=filled.displayed(),
            secrets=frozenset(filled.secrets),
            warnings=tuple(warnings),
            verdict=OutcomeKind.DUPLICATE if duplicate else None,
            refusal=self._refusal(there, context),
            token=token,
            person=(person := Person.of(filled.ours, context.region)),
            known=known if there and there.complete and not there.copied else None,
            checked=None if there is None else DuplicateCheck.of(self.connection.name, person, there, context.words),
        )

    def _refusal(self, there: PersonMatches | None, context: WriteContext) -> Conflict | None:
        """Where a duplicate must not be made and nobody knows whether there is one, nothing is sent."""
        if there is None or there.complete or there.records or self.on_duplicate != "fail":
            return None
        name = self.connection.name
        why = "; ".join(map(context.words, there.notes)) if there.copied else "the look for it was cut"
        message = (
            f"Whether the same e-mail or phone is at {name} already is not known: {why}. Nothing was sent; "
            "on_duplicate allow inserts all the same."
        )
        return Conflict(message, account=name)

    async def _as_update(
        self, there: PersonMatches, filled: FilledForm, context: WriteContext, token: str
    ) -> PreparedWrite:
        if len(there.records) > 1:
            uris = ", ".join(record.uri for record in there.records[:NAMED])
            raise Conflict(
                f"{len(there.records)} leads have this e-mail or phone ({uris}); update one of them by its URI."
            )
        record, region = there.records[0], context.region
        changes = {
            name: value for name, value in filled.ours.items() if not unchanged(record.get(name), value, name, region)
        }
        own = {name: value for name, value in filled.own.items() if not unchanged_own(record, name, value)}
        person = Person.of(filled.ours, region)
        checked = DuplicateCheck.of(self.connection.name, person, there, context.words)
        if not changes and not own:
            write = PreparedWrite(connection=self.connection, action=Action.UPDATE, uri=record.uri)
            return replace(write, verdict=OutcomeKind.UNCHANGED, person=person, checked=checked)
        prepared = await UpdateIntent(self.connection, record.id, changes, own).prepare(context, token)
        return replace(prepared, person=person, checked=checked)

    async def settle(self, context: WriteContext, sent: Sent) -> str | None:
        """A lead with this own id, or of this person with every value sent, that was not there before."""
        filled = await self._filled(offered_insert(self.connection), context)
        there = await _leads_of(self.connection, filled, context)
        own = filled.ours.get("external_id")
        if own is None and sent.known is None:
            return None
        new = [record for record in reversed(there.records) if record.uri not in (sent.known or ())]
        is_it = _has_id if own is not None else _has_all
        return next((record.uri for record in new if is_it(record, filled, context.region)), None)


def _unseen(there: PersonMatches | None, account: str, context: WriteContext) -> list[str]:
    """What to know of a look that has not seen everything."""
    if there is None or there.complete:
        return []
    what = "may have missed some" if there.copied else "was cut"
    return ["; ".join([f"the look for the same e-mail or phone at {account} {what}", *map(context.words, there.notes)])]


async def _leads_of(connection: Connection, filled: FilledForm, context: WriteContext) -> PersonMatches:
    """The leads of the person that the form names. Raises why nobody could be looked for."""
    found = await find_person(connection, Person.of(filled.ours, context.region), context.looking)
    if found.error and not found.records:
        raise found.error
    return found


def _has_id(record: Record, filled: FilledForm, region: str) -> bool:
    return same(record.get("external_id"), filled.ours["external_id"], "external_id", region)


def _has_all(record: Record, filled: FilledForm, region: str) -> bool:
    """Whether the record has every value of the form, as far as the vendor gives them back."""
    ours = all(same(record.get(name), value, name, region) for name, value in filled.ours.items() if record.reads(name))
    return ours and all(unchanged_own(record, name, value) for name, value in filled.own.items() if name in record.raw)
