"""A question as each chosen account takes it: names resolved, values typed, closed lists applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio

from lead_mcp.dates import stamp
from lead_mcp.engine.connection import Connection, Names, names_for
from lead_mcp.engine.fanout import together
from lead_mcp.engine.field_names import RAW, known_names
from lead_mcp.engine.limits import Limits, late
from lead_mcp.engine.notes import ListedValues, NothingMatches
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.errors import BadArgument, LeadMcpError, NotOffered, UnknownField, did_you_mean
from lead_mcp.filters import Filter, Kind, Op, Where, folded, numbered, spelled, typed
from lead_mcp.vendors.spec.fields import CANONICAL, Field, PartField

# --- one account --------------------------------------------------------------------------------------------------


async def resolve_query(connection: Connection, query: Query) -> AccountQuery:
    """The question as this account takes it; its ``error`` says why it cannot. Raises BadArgument for a wrong value."""
    search = connection.search(query.kind)
    if search is None:
        raise NotOffered(f"{connection.name} has no {query.kind} pings.", account=connection.name)
    if query.partition is not None:
        search = replace(search, partitions=lambda account: (str(query.partition),))
    fields = connection.account.fields if query.kind == "lead" else search.fields(connection.account)
    count: list[int] = []
    resolved = AccountQuery(connection, search, Names(fields))
    try:
        resolved.names = names = await names_for(connection, query.kind, fields, query.names(), count)
    except BadArgument:
        raise
    except LeadMcpError as error:
        resolved.error = error
        return resolved
    finally:
        resolved.metadata_requests = len(count)
    _check_guard(resolved, query)
    if missing := sorted({given.field for given in query.filters if names.field(given.field) is None}):
        resolved.error = _lacking(connection.name, missing)
    else:
        resolved.clauses = (*_clauses(resolved, query), *window_clauses(query, search.when))
    return resolved


def _lacking(account: str, missing: Sequence[str]) -> NotOffered:
    return NotOffered(f"{account} has no field {', '.join(map(repr, missing))}: it was not asked.", account=account)


def _check_guard(resolved: AccountQuery, query: Query) -> None:
    """Raises BadArgument or NotAllowed for what may not be asked."""
    if query.text:
        query.guard.check_text(query.text)
    for order in query.orders:
        sorted_by = resolved.names.field(order.field)
        if isinstance(sorted_by, PartField):
            raise BadArgument(f"sort: {order.field} has several values a record; sort by a field that has one.")
        if sorted_by is not None:
            query.guard.check_order(order.field, sorted_by, "sort")


def _clauses(resolved: AccountQuery, query: Query) -> list[Where]:
    """The filters in the account's own types and spellings, under its own field keys."""
    clauses: list[Where] = []
    for given in query.filters:
        known = resolved.names.field(given.field)
        key = resolved.names.key(given.field)
        if known is None or key is None:
            continue
        _check_filter_only(given, known, resolved)
        query.guard.check_filter(given.field, known, given.op)
        wheres = typed(given, known.kind, query.zone, query.now)
        if known.personal == "phone" and known.kind in (Kind.TEXT, Kind.ANY):
            wheres = [numbered(where, query.region) for where in wheres]
        clauses.extend(_listed(_under(key, where), known, resolved) for where in wheres)
    return clauses


def window_clauses(query: Query, when: str) -> list[Where]:
    """The window as clauses on the field that windows mean."""
    if query.window is None:
        return []
    ends = ((Op.GTE, query.window.since), (Op.LT, query.window.until))
    return [
        Where(when, op, moment, f"{when} {op} {stamp(moment, query.zone)}") for op, moment in ends if moment is not None
    ]


def _check_filter_only(given: Filter, known: Field, resolved: AccountQuery) -> None:
    operators = known.exact | known.edge | known.coarse
    if known.filter_only and given.op not in operators:
        allowed = ", ".join(sorted(operators))
        message = (
            f"filters: {given.field!r} of {resolved.account} can be filtered but not read, and takes only {allowed}."
        )
        raise BadArgument(message)


def _under(key: str, where: Where) -> Where:
    return where if where.field == key else replace(where, field=key)


def _listed(where: Where, known: Field, resolved: AccountQuery) -> Where:
    """The clause in the spelling of the vendor's closed list; a value outside it matches nothing there."""
    if not (known.values and known.closed) or where.op not in (Op.EQ, Op.IN):
        return where
    spelling = {folded(value): value for value in known.values}
    wanted = where.value if where.op is Op.IN else (where.value,)
    inside = tuple(spelling[folded(str(value))] for value in wanted if folded(str(value)) in spelling)
    if inside == tuple(wanted):
        return where
    outside = [spelled(value) for value in wanted if folded(str(value)) not in spelling]
    if outside:
        resolved.notes.append(ListedValues(where.field, tuple(known.values)))
    if not inside:
        resolved.nothing = NothingMatches(where.field, tuple(outside))
        return where
    return replace(where, value=inside if where.op is Op.IN else inside[0])


# --- several accounts ---------------------------------------------------------------------------------------------


async def resolve_queries(connections: Sequence[Connection], query: Query) -> list[AccountQuery]:
    """The question at every account, side by side. Raises UnknownField or BadArgument for what none can make sense of."""
    resolved: dict[str, AccountQuery] = {}

    async def one(connection: Connection) -> None:
        resolved[connection.name] = await resolve_query(connection, query)

    await together([partial(one, connection) for connection in connections])
    account_queries = [resolved[connection.name] for connection in connections]
    check_together(account_queries, query)
    return account_queries


async def resolve_within(connections: Sequence[Connection], query: Query, limits: Limits) -> list[AccountQuery]:
    """The same within the deadline. Raises TimedOut where that passed before any account's fields were known."""
    try:
        with anyio.fail_after(limits.deadline):
            return await resolve_queries(connections, query)
    except TimeoutError:
        raise late(limits) from None


def check_together(account_queries: Sequence[AccountQuery], query: Query) -> None:
    """What no chosen account can make sense of is the caller's mistake. Raises UnknownField or BadArgument."""
    alive = [one for one in account_queries if one.error is None or isinstance(one.error, NotOffered)]
    _check_filters(alive, query)
    for name in (*(order.field for order in query.orders), *query.columns):
        if alive and all(one.names.field(name) is None for one in alive):
            raise _unknown(name, alive, query)
    answerable = [one for one in account_queries if one.error is None]
    if answerable and all(one.nothing for one in answerable) and len(answerable) == len(account_queries):
        lists = "; ".join(f"{one.account}: {', '.join(_listed_words(one))}" for one in answerable)
        raise BadArgument(f"filters: no chosen account knows that value ({lists}).")


def _listed_words(one: AccountQuery) -> list[str]:
    lists = (note for note in one.notes if isinstance(note, ListedValues))
    return [f"{note.field} is one of {', '.join(note.values)} here" for note in lists]


def _check_filters(account_queries: Sequence[AccountQuery], query: Query) -> None:
    for given in query.filters:
        if account_queries and all(one.names.field(given.field) is None for one in account_queries):
            raise _unknown(given.field, account_queries, query)
    if account_queries and all(isinstance(one.error, NotOffered) for one in account_queries):
        names = ", ".join(sorted({given.field for given in query.filters}))
        raise UnknownField(f"No chosen account has all of the fields {names}. Ask them one by one, or fewer at once.")


def _unknown(name: str, account_queries: Sequence[AccountQuery], query: Query) -> UnknownField:
    maps = [known for one in account_queries for known in (one.names.fields, one.names.discovered) if known]
    forced = [f"{RAW}{own}" for known in maps for own in (*known.own, *known.bare)] if name.startswith(RAW) else []
    hint = did_you_mean(name, forced or known_names(maps))
    if query.kind != "lead":
        ours = dict.fromkeys(ours for known in maps for ours in known.ours)
        return UnknownField(f"{query.kind.title()} pings have no field {name!r}; they have {', '.join(ours)}.{hint}")
    where = "No chosen account has" if name in CANONICAL else "There is no"
    return UnknownField(f"{where} field {name!r}.{hint or _advice(account_queries)}")


def _advice(account_queries: Sequence[AccountQuery]) -> str:
    sampled = any(one.search.discovery is not None and one.search.discovery.sampled for one in account_queries)
    looked = " The newest records were looked at, and hold none." if sampled else ""
    return f"{looked} list_accounts with that account lists its fields."
