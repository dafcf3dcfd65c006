"""What is read for a statement: which accounts, kinds of record, fields and windows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons.person_question import MOST_VALUES
from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.filters import Filter, Kind, Op, folded
from lead_mcp.sql.needs import Needs
from lead_mcp.sql.notes import NoBeginning
from lead_mcp.sql.query import SqlQuery
from lead_mcp.sql.reach import Reach
from lead_mcp.sql.reading import LEAD, AccountReading, default_stretch
from lead_mcp.sql.rows import unmasked
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS, Field

NEEDED_BY: Final[Mapping[str, Sequence[str]]] = {
    "phone_e164": ("phone",),
    "email_folded": ("email",),
    "person_id": ("name", "phone", "email"),
    "is_test": ("name", "phone", "email"),
    "occurred_at": ("at",),
    "lead_uri": ("lead_id",),
}
"""Fields that a column is worked out from."""
FIELDS: Final[Mapping[str, str]] = {"email_folded": "email", "phone_e164": "phone"}
"""Our field behind a column that holds it in one spelling."""
LONGEST: Final = 200
"""Characters of a text that a vendor is asked for."""
OF_RECORDS: Final = frozenset({"sends", "events"})
"""Tables for which a lead's whole record is needed."""


@dataclass(frozen=True)
class ReadingPlan:
    """Everything to be read. The windows are those of all leads, and of all pings; ``notes`` say what nobody asked for."""

    readings: Sequence[AccountReading] = ()
    lead_window: Window | None = None
    ping_window: Window | None = None
    notes: Sequence[Note] = ()


def reading_plan(query: SqlQuery, needs: Needs) -> ReadingPlan:
    """The plan. Raises BadArgument where the statement's own words leave no account."""
    leads = _leads(query, needs, needs.leads) if needs.leads is not None else ReadingPlan()
    pings = _pings(query, needs, needs.pings) if needs.pings is not None else ReadingPlan()
    return ReadingPlan(
        [*leads.readings, *pings.readings], leads.lead_window, pings.ping_window, [*leads.notes, *pings.notes]
    )


def _leads(query: SqlQuery, needs: Needs, reach: Reach) -> ReadingPlan:
    chosen = chosen_by(query.connections, reach)
    window, notes = reading_window(query, reach, default_stretch(chosen, LEAD), "leads")
    columns = needs.columns.get("leads", frozenset())
    whole = "raw" in columns or bool(OF_RECORDS & needs.columns.keys())
    fields = fields_of(columns, CANONICAL)
    narrowed = query.mask is unmasked and "person_id" not in columns  # a person's leads join through any other lead
    readings = [
        AccountReading(
            connection=one,
            kind=LEAD,
            window=window,
            fields=fields,
            whole=whole,
            filters=filters_at(one, reach.words, whole) if narrowed else (),
        )
        for one in chosen
    ]
    return ReadingPlan(readings, lead_window=window, notes=notes)


def _pings(query: SqlQuery, needs: Needs, reach: Reach) -> ReadingPlan:
    asked = reach.words.get("direction")
    offered = [(one, kind) for one in chosen_by(query.connections, reach) for kind in one.vendor.pings]
    kinds = [(one, kind) for one, kind in offered if asked is None or kind in asked]
    stretches = [back for one, kind in kinds if (back := default_stretch([one], kind))]
    window, notes = reading_window(query, reach, max(stretches, default=None), "pings")
    columns = needs.columns["pings"]
    readings = [
        AccountReading(
            connection=one, kind=kind, window=window, fields=fields_of(columns, PING_FIELDS), whole="raw" in columns
        )
        for one, kind in kinds
    ]
    return ReadingPlan(readings, ping_window=window, notes=notes)


def reading_window(
    query: SqlQuery, reach: Reach, back: timedelta | None, what: str
) -> tuple[Window | None, Sequence[Note]]:
    """As asked, no wider than the statement can use; ``back`` from the end where a beginning is needed and none given."""
    asked = Reach(query.window.since, query.window.until) if query.window else Reach()
    found = asked.and_(replace(reach, words={}))
    if found.since is None and found.until is None and back is None:
        return None, ()
    until = found.until or query.now
    if found.since is not None or back is None:
        return Window(found.since, max(until, found.since or until), query.zone.key), ()
    window = Window((until - back).replace(microsecond=0), until, query.zone.key)
    return window, (NoBeginning(what, back),)


def filters_at(connection: Connection, words: Mapping[str, frozenset[str]], whole: bool) -> list[Filter]:
    """The equalities that the account's vendor can be asked for. They find more than the engine's, which has the last word.

    ``whole``: whether whole records are wanted, which the searches for one person may not give.
    """
    return [
        Filter(FIELDS.get(column, column), _op(texts), min(texts) if len(texts) == 1 else sorted(texts))
        for column, texts in sorted(words.items())
        if texts and _can_ask(connection, column, texts, whole)
    ]


def _op(texts: frozenset[str]) -> Op:
    return Op.EQ if len(texts) == 1 else Op.IN


def _can_ask(connection: Connection, column: str, texts: frozenset[str], whole: bool) -> bool:
    """Whether the vendor leaves out nothing that has one of these texts."""
    field = connection.account.fields.ours.get(FIELDS.get(column, column))
    if field is None or field.filter_only or field.kind is not Kind.TEXT:
        return False
    if not all(0 < len(text.strip()) == len(text) <= LONGEST for text in texts):
        return False
    if field.personal in ("email", "phone") and connection.vendor.leads.person is not None:
        return not whole and len(texts) <= MOST_VALUES
    return field.personal != "phone" and _compares(field, column, texts)


def _compares(field: Field, column: str, texts: frozenset[str]) -> bool:
    """Whether the vendor's own comparison of the field will do.

    Not one that may tell cases apart, for a folded column; nor one by a closed list that lacks a word.
    """
    listed = {folded(value) for value in field.values} if field.closed else frozenset[str]()
    return (
        _op(texts) in field.exact | field.edge | field.coarse
        and not (field.vendor_text and column in FIELDS)
        and (not listed or {folded(text) for text in texts} <= listed)
    )


def fields_of(columns: Iterable[str], known: Sequence[str]) -> list[str]:
    """The fields that the columns are read from."""
    wanted = {name for column in columns for name in (column, *NEEDED_BY.get(column, ()))}
    return [name for name in known if name in wanted]


def chosen_by(connections: Sequence[Connection], reach: Reach) -> list[Connection]:
    """The accounts that the statement's own words leave. Raises BadArgument where they leave none."""
    accounts, vendors = reach.words.get("account"), reach.words.get("vendor")
    found = [
        one
        for one in connections
        if (accounts is None or one.name in accounts) and (vendors is None or one.vendor.name in vendors)
    ]
    words = sorted((accounts or frozenset()) | (vendors or frozenset()))
    if words and not found:
        known = {name for one in connections for name in (one.name, one.vendor.name)}
        listed = ", ".join(f"{one.name} ({one.vendor.name})" for one in connections)
        raise BadArgument(f"sql: no account is {', '.join(words)}; there are {listed}.{did_you_mean(words[0], known)}")
    return found
