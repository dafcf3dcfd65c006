"""Changes to one lead: what it has now, what differs, the request, and how a lost answer is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.field_names import known_names
from lead_mcp.engine.lookup import get_record
from lead_mcp.engine.records import Record
from lead_mcp.errors import BadArgument, Conflict, UnknownField, did_you_mean
from lead_mcp.filters import folded
from lead_mcp.vendors.spec.writing import Form, Update
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.form_names import further_names
from lead_mcp.writing.forms import FilledForm, fill
from lead_mcp.writing.offers import offered_update
from lead_mcp.writing.outcome import Action, OutcomeKind
from lead_mcp.writing.prepared import PreparedWrite, Sent
from lead_mcp.writing.values import is_shown_time, of_record, same, stored, unchanged, unchanged_own


class Stale(Conflict):
    """``expect`` does not hold: ``field`` of the lead has ``value`` now."""

    def __init__(self, uri: str, field: str, value: Any, account: str) -> None:
        message = f"expect: {field} of {uri} has another value now; nothing was sent."
        super().__init__(message, account=account)
        self.uri, self.field, self.value = uri, field, value


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
        wanted = await self._wanted(update.form, context)  # what is wrong is said before anybody looks
        record = await get_record(self.connection, self.lead_id, context.deadline)
        self._check_expected(record, context)
        return self._compared(update, record, wanted, context, token)

    async def _wanted(self, form: Form, context: WriteContext) -> FilledForm:
        further = await further_names(form, self.connection, self.changes)
        return fill(form, self.connection, self.changes, self.own, context, complete=False, further=further)

    def _filled(self, form: Form, ours: Mapping[str, Any], own: Mapping[str, Any], context: WriteContext) -> FilledForm:
        return fill(form, self.connection, ours, own, context, complete=False)

    def _compared(
        self, update: Update, record: Record, wanted: FilledForm, context: WriteContext, token: str
    ) -> PreparedWrite:
        """The change of what differs from the record."""
        ours, own = _differing(record, wanted, context.region)
        before = of_record(record, wanted.ours, wanted.own)
        write = PreparedWrite(
            connection=self.connection,
            action=Action.UPDATE,
            uri=record.uri,
            before=before,
            after=before,
            queued=update.queued,
            warnings=tuple(wanted.warnings),
            token=token,
        )
        if not ours and not own:
            return replace(write, verdict=OutcomeKind.UNCHANGED)
        filled = self._filled(update.form, {**_required(update.form, wanted), **ours}, own, context)
        displayed = filled.displayed()
        return replace(
            write,
            after={**before, **{name: displayed[name] for name in (*ours, *own)}},
            secrets=frozenset(filled.secrets),
            warnings=(*wanted.warnings, *_replaced(before, ours), *([update.warning] if update.warning else [])),
            request=update.build(self.connection.account, record.id, filled.values),
            read=partial(update.read, self.connection.account, record.id),
        )

    def _check_expected(self, record: Record, context: WriteContext) -> None:
        names = Names(self.connection.account.fields)
        for name, wanted in (self.expect or {}).items():
            if names.field(name) is None:
                hint = did_you_mean(name, known_names([self.connection.account.fields]))
                message = f"expect: {self.connection.name} has no field {name!r}.{hint}"
                raise UnknownField(message, account=self.connection.name)
            value = record.get(name)
            if not (same(value, wanted, name, context.region) or is_shown_time(value, wanted, context.zone)):
                raise Stale(record.uri, name, stored(record.get(name)), self.connection.name)

    async def settle(self, context: WriteContext, sent: Sent) -> str | None:
        """The lead, if it has the values that were sent; the vendor's own fields prove nothing."""
        update = offered_update(self.connection)
        wanted = await self._wanted(update.form, context)
        record = await get_record(self.connection, self.lead_id, context.deadline)
        done = all(
            same(record.get(name), value, name, context.region) or _is_queued(record, name, update)
            for name, value in wanted.ours.items()
        )
        return record.uri if done and not wanted.own else None


def _differing(record: Record, wanted: FilledForm, region: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is to be other than it is: by our names, and by the vendor's."""
    ours = {name: value for name, value in wanted.ours.items() if not unchanged(record.get(name), value, name, region)}
    return ours, {name: value for name, value in wanted.own.items() if not unchanged_own(record, name, value)}


def _replaced(before: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """That a note is no further one."""
    return ["note: replaces the note that is there"] if ours.get("note") and before.get("note") else []


def _required(form: Form, wanted: FilledForm) -> dict[str, Any]:
    """What the vendor wants in every update, where it was given, changed or not."""
    names = {*form.all_of, *(name for group in form.any_of for name in group)}
    return {name: value for name, value in wanted.ours.items() if name in names}


def _is_queued(record: Record, name: str, update: Update) -> bool:
    return name in update.queued and folded(str(record.get(name))) == folded(update.queued[name])
