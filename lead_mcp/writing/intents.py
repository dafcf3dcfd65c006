"""What each tool means to do, prepared afresh every time it is looked at: for the question, and again before sending.

An intent turns into a ``Prepared``: the request, what a person is shown (before, after), or an outcome that needs no
request at all (a duplicate, nothing to change). Preparing reads, and never writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, Protocol
from zoneinfo import ZoneInfo

from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.lookup import get_record
from lead_mcp.engine.people import LookupScope, Person, PersonMatches, find_person
from lead_mcp.engine.records import Record
from lead_mcp.errors import BadArgument, Conflict, NotConfigured, NotFound, NotOffered, UnknownField, did_you_mean
from lead_mcp.filters import Value, as_number, as_time, folded
from lead_mcp.journal.entries import digest_of
from lead_mcp.outgoing.cleaning import plain_value
from lead_mcp.outgoing.masking import shown
from lead_mcp.uris import lead_uri
from lead_mcp.vendors import every
from lead_mcp.vendors.spec.fields import CANONICAL
from lead_mcp.vendors.spec.http import Reply, Request
from lead_mcp.vendors.spec.vendor import Vendor
from lead_mcp.vendors.spec.writing import Delete, Form, Insert, Param, Update, WriteResult
from lead_mcp.writing.forms import FilledForm, FormFiller

OnDuplicate = Literal["fail", "update", "allow"]
REDACTED: Final = "[secret]"


@dataclass(frozen=True)
class WriteContext:
    """What preparing needs beside the intent itself."""

    looking: LookupScope
    zone: ZoneInfo
    deadline: float


@dataclass
class PreparedWrite:
    """A write about to be: ``action`` in words, the request, before and after; ``early``: an outcome without a request."""

    connection: Connection
    action: str
    request: Request | None = None
    read: Callable[[Reply], WriteResult] | None = None
    uri: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    secrets: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list)
    early: str | None = None
    queued: Mapping[str, str] = field(default_factory=dict)
    token: str = ""

    def shown(self) -> dict[str, Any]:
        """The request as anybody may see it: the body, secrets out."""
        if self.request is None:
            return {}
        body = {"query": dict(self.request.query) or None, "form": self.request.form, "json": self.request.json}
        kept = {name: _redacted(value, self.secrets) for name, value in body.items() if value is not None}
        return {"method": self.request.method, "path": self.request.path, **kept}

    def digest(self) -> str:
        """What a person's answer is bound to: the request (but for its token) and the state it was shown against."""
        request = json.dumps(self.shown(), sort_keys=True, default=str)
        request = request.replace(self.token, "token") if self.token else request
        return digest_of([self.action, request, self.before, self.uri, self.early])


def _redacted(value: Any, secrets: frozenset[str], path: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _redacted(item, secrets, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, secrets, path) for item in value]
    return REDACTED if path in secrets or path.rpartition(".")[2] in secrets else value


class Intent(Protocol):
    """One write that somebody means. ``token`` is the same for every try of one write."""

    @property
    def connection(self) -> Connection: ...

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        """Look and make ready. ``look`` False: nothing is read, only what was said is checked."""
        ...

    async def settle(self, context: WriteContext, sent_at: datetime) -> str | None:
        """After a lost answer: the URI of the lead that shows it was done; None where looking settles nothing."""
        ...


# --- what vendors offer -------------------------------------------------------------------------------------------


def offered_insert(connection: Connection) -> Insert:
    """How this account inserts. Raises NotOffered, or NotConfigured-like BadArgument naming the missing setting."""
    found = connection.vendor.insert
    if found is None:
        raise _not_offered(connection, "take new leads", lambda vendor: vendor.insert)
    missing = found.ready(connection.account)
    if missing:
        raise NotConfigured(f"{connection.name} cannot insert yet: {missing}", account=connection.name)
    return found


def offered_update(connection: Connection) -> Update:
    found = connection.vendor.update
    if found is None:
        raise _not_offered(connection, "change leads", lambda vendor: vendor.update)
    return found


def offered_delete(connection: Connection) -> Delete:
    found = connection.vendor.delete
    if found is None:
        raise _not_offered(connection, "delete leads", lambda vendor: vendor.delete)
    return found


def _not_offered(connection: Connection, what: str, has: Callable[[Vendor], object]) -> NotOffered:
    able = ", ".join(vendor.title for vendor in every().values() if has(vendor) is not None)
    title = connection.vendor.title
    return NotOffered(f"{title} has no documented way to {what}; {able} have.", account=connection.name)


# --- insert -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InsertIntent:
    """A new lead. ``lead`` by our names, ``own`` by the vendor's."""

    connection: Connection
    lead: Mapping[str, Any]
    own: Mapping[str, Any]
    on_duplicate: OnDuplicate = "fail"

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        insert = offered_insert(self.connection)
        filled = _fill(insert.form, self.connection, self.lead, self.own, context)
        upsert = self.on_duplicate == "update" and insert.upserts
        request = insert.build(self.connection.account, filled.values, token, upsert)
        found = PersonMatches()
        if look and self.on_duplicate != "allow":
            found = await find_person(self.connection, Person.of(filled.ours, context.looking.region), context.looking)
            if found.error and not found.records:
                raise found.error
        if found.records and self.on_duplicate == "update":
            return await self._as_update(found, filled, context, token)
        prepared = PreparedWrite(
            self.connection,
            "insert a lead",
            request,
            lambda reply: insert.read(insert.narrowed(self.connection.account, request), reply),
            after={**filled.ours, **_plain(self.own, filled.secrets)},
            secrets=frozenset(filled.secrets),
            warnings=[*filled.warnings, *(found.notes if not found.complete else [])],
            token=token,
        )
        if found.records:
            prepared.early, prepared.uri = "duplicate", found.records[0].uri
            uris = ", ".join(record.uri for record in found.records[:5])
            prepared.warnings.append(f"the same e-mail or phone is there already: {uris}")
        return prepared

    async def _as_update(
        self, found: PersonMatches, filled: FilledForm, context: WriteContext, token: str
    ) -> PreparedWrite:
        if len(found.records) > 1:
            uris = ", ".join(record.uri for record in found.records[:5])
            raise Conflict(
                f"{len(found.records)} leads have this e-mail or phone ({uris}); update one of them by its URI."
            )
        record = found.records[0]
        changes = {
            name: value for name, value in filled.ours.items() if not _same(record.get(name), value, name, context)
        }
        own = {name: value for name, value in filled.own.items() if not _same_own(record, name, value)}
        if not changes and not own:
            return PreparedWrite(self.connection, f"change lead {record.uri}", uri=record.uri, early="unchanged")
        return await UpdateIntent(self.connection, record.id, changes, own).prepare(context, token)

    async def settle(self, context: WriteContext, sent_at: datetime) -> str | None:
        """A lead of this person (or with this own id) that came to be since the request left, a clock's slip allowed."""
        ours = _fill(offered_insert(self.connection).form, self.connection, self.lead, self.own, context).ours
        found = await find_person(self.connection, Person.of(ours, context.looking.region), context.looking)
        own = ours.get("external_id")
        slip = CLOCK_TICK if self.on_duplicate == "allow" else CLOCK_SLIP
        for record in reversed(found.records):
            made = record.get("created_at")
            fresh = isinstance(made, datetime) and (sent_at - made).total_seconds() < slip
            if fresh and (own is None or record.get("external_id") in (None, str(own))):
                return record.uri
        return None


CLOCK_SLIP: Final = 120
"""Seconds that a vendor's clock may be behind ours."""
CLOCK_TICK: Final = 1
"""The same where nobody looked before sending: an older lead may have been there already. Vendors cut seconds off."""


# --- update -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UpdateIntent:
    """Changes to one lead. ``expect``: values the record must still have."""

    connection: Connection
    lead_id: str
    changes: Mapping[str, Any]
    own: Mapping[str, Any]
    expect: Mapping[str, Any] | None = None

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        update = offered_update(self.connection)
        if not self.changes and not self.own:
            raise BadArgument("changes: name at least one field to change.")
        _fill(update.form, self.connection, self.changes, self.own, context, complete=False)
        record = await get_record(self.connection, self.lead_id, context.deadline)
        self._check_expected(record, context)
        changed = {
            name: value for name, value in self.changes.items() if not _same(record.get(name), value, name, context)
        }
        own = {name: value for name, value in self.own.items() if not _same_own(record, name, value)}
        before = {name: _said(record.get(name)) for name in self.changes} | {n: record.raw.get(n) for n in self.own}
        prepared = PreparedWrite(
            self.connection,
            f"change lead {record.uri}",
            uri=record.uri,
            before=before,
            after={**before, **changed, **_plain(own, set())},
            queued=update.queued,
            token=token,
        )
        if not changed and not own:
            prepared.early = "unchanged"
            return prepared
        filled = _fill(update.form, self.connection, self._sendable(update.form, changed), own, context, complete=False)
        prepared.secrets = frozenset(filled.secrets)
        prepared.after = {**before, **changed, **_plain(own, filled.secrets)}
        prepared.warnings = [*filled.warnings, *([update.warning] if update.warning else [])]
        prepared.request = update.build(self.connection.account, record.id, filled.values)
        prepared.read = lambda reply: update.read(self.connection.account, record.id, reply)
        return prepared

    def _sendable(self, form: Form, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The changes, with what the vendor requires of every update put in again where it was asked for."""
        required = {*form.all_of, *(name for group in form.any_of for name in group)}
        return {**{name: self.changes[name] for name in self.changes if name in required}, **changed}

    def _check_expected(self, record: Record, context: WriteContext) -> None:
        names = Names(self.connection.account.fields)
        for name, wanted in (self.expect or {}).items():
            if names.field(name) is None:
                hint = did_you_mean(name, CANONICAL)
                message = f"expect: {self.connection.name} has no field {name!r}.{hint}"
                raise UnknownField(message, account=self.connection.name)
            if not _same(record.get(name), wanted, name, context):
                now = shown(name, _said(record.get(name)))
                message = f"expect: {name} of {record.uri} is {now!r} now; nothing was sent."
                raise Conflict(message, account=self.connection.name)

    async def settle(self, context: WriteContext, sent_at: datetime) -> str | None:
        record = await get_record(self.connection, self.lead_id, context.deadline)
        update = offered_update(self.connection)
        done = all(
            _same(record.get(name), value, name, context) or _is_queued(record, name, update)
            for name, value in self.changes.items()
        )
        return record.uri if done and not self.own else None


def _is_queued(record: Record, name: str, update: Update) -> bool:
    return name in update.queued and folded(str(record.get(name))) == folded(update.queued[name])


# --- delete -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeleteIntent:
    """The end of one lead."""

    connection: Connection
    lead_id: str

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        delete = offered_delete(self.connection)
        record = await get_record(self.connection, self.lead_id, context.deadline)
        return PreparedWrite(
            self.connection,
            f"delete lead {record.uri}",
            delete.build(self.connection.account, record.id),
            lambda reply: delete.read(self.connection.account, record.id, reply),
            uri=record.uri,
            before={name: _said(record.get(name)) for name in CANONICAL if record.get(name) is not None},
            warnings=[delete.warning] if delete.warning else [],
        )

    async def settle(self, context: WriteContext, sent_at: datetime) -> str | None:
        try:
            await get_record(self.connection, self.lead_id, context.deadline)
        except NotFound:
            return lead_uri(self.connection.name, self.lead_id)
        return None


# --- small things -------------------------------------------------------------------------------------------------


def _fill(
    form: Form,
    connection: Connection,
    ours: Mapping[str, Any],
    own: Mapping[str, Any],
    context: WriteContext,
    complete: bool = True,
) -> FilledForm:
    form = _renamed(form, connection.account.names)
    filling = FormFiller(form, connection.name, context.looking.region, context.zone, context.looking.now, complete)
    return filling.fill(ours, own)


def _renamed(form: Form, names: Mapping[str, str]) -> Form:
    """The form with the account's own names (``[accounts.NAME.fields]``), where the vendor lets accounts name fields."""
    if not form.open or not names:
        return form
    return replace(form, ours={ours: _named(param, names.get(ours)) for ours, param in form.ours.items()})


def _named(param: Param, name: str | None) -> Param:
    return param if name is None else replace(param, name=name)


def _plain(own: Mapping[str, Any], secrets: set[str]) -> dict[str, Any]:
    return {name: REDACTED if name in secrets else value for name, value in own.items()}


def _said(value: Value) -> Any:
    """A value as a question, a journal and an answer show it."""
    return plain_value(value, full=True)


def _same(value: Value, wanted: Any, name: str, context: WriteContext) -> bool:
    """Whether a record's value is what somebody wants it to be: exactly, but for spellings of one number or moment."""
    if wanted is None or value is None:
        return value is None and wanted in (None, "")
    if name == "phone":
        return Person.of({"phone": value}, context.looking.region) == Person.of(
            {"phone": wanted}, context.looking.region
        )
    for read in (as_time, as_number):
        if read(value) is not None and not isinstance(value, str):
            return bool(read(value) == read(str(wanted) if read is as_number else wanted))
    return str(value) == (str(wanted).lower() if isinstance(wanted, bool) else str(wanted))


def _same_own(record: Record, name: str, value: Any) -> bool:
    """Whether the vendor's own field has that value already; one that the record does not show has to be sent."""
    return name in record.raw and str(record.raw[name]) == str(value)
