"""A question as each chosen account understands it: names resolved, values typed, closed lists applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lead_mcp.dates import Window, stamp
from lead_mcp.engine.connection import Connection, Names, names_for
from lead_mcp.engine.guard import Guard, Unguarded
from lead_mcp.engine.resolve import known_names
from lead_mcp.errors import BadArgument, LeadMcpError, NotOffered, UnknownField, did_you_mean
from lead_mcp.filters import Filter, Op, Order, Where, folded, spelled, typed
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS, Field
from lead_mcp.vendors.spec.reading import Search


@dataclass(frozen=True)
class Query:
    """What was asked, in nobody's dialect. ``arguments`` bind a cursor; ``kind`` is ``lead`` or ``inbound``/``outbound``."""

    kind: str = "lead"
    filters: Sequence[Filter] = ()
    text: str | None = None
    window: Window | None = None
    orders: tuple[Order, ...] = ()
    columns: Sequence[str] = ()
    """Columns somebody named; one that no account has is a mistake."""
    defaults: Sequence[str] = ()
    """Columns every answer of this kind shows, where a vendor has them."""
    limit: int = 20
    cursor: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now().astimezone())
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    guard: Guard = field(default_factory=Unguarded)

    def names(self) -> set[str]:
        return {*(a.field for a in self.filters), *(o.field for o in self.orders), *self.columns}


@dataclass
class AccountQuery:
    """The question at one account. ``nothing``: why no record there can match, so that nothing is asked."""

    connection: Connection
    search: Search
    names: Names
    clauses: tuple[Where, ...] = ()
    nothing: str = ""
    notes: list[str] = field(default_factory=list)
    metadata_requests: int = 0
    error: LeadMcpError | None = None

    @property
    def account(self) -> str:
        return self.connection.name


def search_of(connection: Connection, kind: str) -> Search | None:
    """How this account is searched for that kind of record; None where its vendor has none."""
    vendor = connection.vendor
    return vendor.leads if kind == "lead" else vendor.pings.get(kind)


async def resolve_query(connection: Connection, query: Query) -> AccountQuery:
    """The question as this account takes it; its ``error`` says why it cannot. Raises BadArgument for a wrong value."""
    search = search_of(connection, query.kind)
    if search is None:
        raise NotOffered(f"{connection.name} has no {query.kind} pings.", account=connection.name)
    fields = connection.account.fields if query.kind == "lead" else search.fields(connection.account)
    count: list[int] = []
    empty = AccountQuery(connection, search, Names(fields))
    try:
        names = await names_for(connection, fields, query.names(), count)
    except BadArgument:
        raise
    except LeadMcpError as error:
        return replace(empty, error=error, metadata_requests=len(count))
    found = replace(empty, names=names, metadata_requests=len(count))
    _fill(found, query)
    return found


def _fill(found: AccountQuery, query: Query) -> None:
    if query.text:
        query.guard.check_text(query.text)
    missing = sorted({given.field for given in query.filters if found.names.field(given.field) is None})
    if missing:
        message = f"{found.account} has no field {', '.join(map(repr, missing))}: it was not asked."
        found.error = NotOffered(message, account=found.account)
        return
    for order in query.orders:
        sorted_by = found.names.field(order.field)
        if sorted_by is not None:
            query.guard.check_order(order.field, sorted_by, "sort")
    clauses: list[Where] = []
    for given in query.filters:
        known = found.names.field(given.field)
        key = found.names.key(given.field)
        if known is None or key is None:
            continue
        _check_filter_only(given, known, found)
        query.guard.check_filter(given.field, known, given.op)
        wheres = typed(given, known.kind, query.zone, query.now)
        clauses.extend(_listed(replace(where, field=key), known, found) for where in wheres)
    found.clauses = (*clauses, *window_clauses(query, found.search.when))


def window_clauses(query: Query, when: str) -> list[Where]:
    """The window as clauses on the field that windows mean."""
    if query.window is None:
        return []
    ends = ((Op.GTE, query.window.since), (Op.LT, query.window.until))
    return [Where(when, op, moment, f"{when} {op} {stamp(moment)}") for op, moment in ends if moment is not None]


def _check_filter_only(given: Filter, known: Field, found: AccountQuery) -> None:
    if known.filter_only and given.op not in known.exact | known.edge | known.coarse:
        allowed = ", ".join(sorted(known.exact | known.edge | known.coarse))
        message = f"filters: {given.field!r} of {found.account} can be filtered but not read, and takes only {allowed}."
        raise BadArgument(message)


def _listed(where: Where, known: Field, found: AccountQuery) -> Where:
    """The clause in the spelling of the vendor's closed list; a value outside it matches nothing there."""
    if not (known.values and known.closed) or where.op not in (Op.EQ, Op.IN):
        return where
    spelling = {folded(value): value for value in known.values}
    wanted = where.value if where.op is Op.IN else (where.value,)
    inside = tuple(spelling[folded(str(value))] for value in wanted if folded(str(value)) in spelling)
    outside = [spelled(value) for value in wanted if folded(str(value)) not in spelling]
    if outside:
        found.notes.append(f"{where.field} is one of {', '.join(known.values)} here")
    if not inside:
        found.nothing = f"no {where.field} {', '.join(outside)!r}"
        return where
    return replace(where, value=inside if where.op is Op.IN else inside[0])


def check_together(parts: Sequence[AccountQuery], query: Query) -> None:
    """What no chosen account can make sense of is the caller's mistake. Raises UnknownField or BadArgument."""
    alive = [part for part in parts if part.error is None or isinstance(part.error, NotOffered)]
    _check_filters(alive, query)
    for name in (*(order.field for order in query.orders), *query.columns):
        if alive and all(part.names.field(name) is None for part in alive):
            raise _unknown(name, alive, query)
    answerable = [part for part in parts if part.error is None]
    if answerable and all(part.nothing for part in answerable) and len(answerable) == len(parts):
        notes = "; ".join(f"{part.account}: {', '.join(part.notes)}" for part in answerable)
        raise BadArgument(f"filters: no chosen account knows that value ({notes}).")


def _check_filters(parts: Sequence[AccountQuery], query: Query) -> None:
    for given in query.filters:
        if parts and all(part.names.field(given.field) is None for part in parts):
            raise _unknown(given.field, parts, query)
    if parts and all(isinstance(part.error, NotOffered) for part in parts):
        names = ", ".join(sorted({given.field for given in query.filters}))
        raise UnknownField(f"No chosen account has all of the fields {names}. Ask them one by one, or fewer at once.")


def _unknown(name: str, parts: Sequence[AccountQuery], query: Query) -> UnknownField:
    maps = [known for part in parts for known in (part.names.fields, part.names.discovered) if known]
    known = known_names(maps)
    ours = CANONICAL if query.kind == "lead" else PING_FIELDS
    where = "No chosen account has" if name in ours else "There is no"
    hint = did_you_mean(name, known)
    advice = hint or " list_accounts with that account lists its fields."
    return UnknownField(f"{where} field {name!r}.{advice}")
