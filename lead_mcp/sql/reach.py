"""How far into a table one place of a statement reaches: times, and the words that its columns may have. Pure.

A condition narrows only if it stands among the AND-ed ones of the WHERE beside the place and compares its own column with
something that ``constants.py`` understands. Rows that it leaves out would have failed it in any case: so it is under every
kind of join but two (as-of joins take the nearest of the rows there are; joins by position are refused). Tables made of
leads (``sends``, ``events``, ``recordings``) go with the leads that they are joined to by ``lead_uri = uri``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from lead_mcp.sql.constants import Clock, Moments
from lead_mcp.sql.statement import Read
from lead_mcp.sql.tables import LEADS, OF_LEADS, TABLES, TEXT
from lead_mcp.sql.tree import Node, anded, arguments, cast_to, column_path, literal
from lead_mcp.vendors.spec.fields import CANONICAL

CHOOSING: Final = frozenset({"account", "vendor", "direction"})
"""Columns whose words say what is read at all."""
ASKED: Final = frozenset(name for name in CANONICAL if LEADS.types[name] == TEXT) | {"email_folded", "phone_e164"}
"""Columns of leads whose words a vendor may be asked for."""
WHEN: Final[Mapping[str, str]] = {"leads": "created_at", "pings": "occurred_at"}
TICK: Final = timedelta(microseconds=1)
FLIPPED: Final = {
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_EQUAL": "COMPARE_EQUAL",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """What one place needs of its table: times half-open, and the words that some columns may have."""

    since: datetime | None = None
    until: datetime | None = None
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def and_(self, other: Reach) -> Reach:
        """Both hold."""
        words = {
            name: self.words.get(name, other.words.get(name, frozenset()))
            & other.words.get(name, self.words.get(name, frozenset()))
            for name in {*self.words, *other.words}
        }
        since = [one for one in (self.since, other.since) if one]
        until = [one for one in (self.until, other.until) if one]
        return Reach(max(since, default=None), min(until, default=None), words)

    def or_(self, other: Reach) -> Reach:
        """Either may be needed: the whole stretch from the one to the other."""
        words = {name: self.words[name] | other.words[name] for name in {*self.words} & {*other.words}}
        since = None if self.since is None or other.since is None else min(self.since, other.since)
        until = None if self.until is None or other.until is None else max(self.until, other.until)
        return Reach(since, until, words)


def joins(table: Any) -> Iterator[Node]:
    """The joins of a FROM, without those in subqueries."""
    if isinstance(table, dict) and table.get("type") == "JOIN":
        yield table
        yield from joins(table["left"])
        yield from joins(table["right"])


def entries(table: Any) -> Iterator[Node]:
    """What a FROM lists: tables, subqueries, functions."""
    if isinstance(table, dict) and table.get("type") == "JOIN":
        yield from entries(table["left"])
        yield from entries(table["right"])
    elif isinstance(table, dict):
        yield table


def reach_of(read: Read, reads: Sequence[Read], clock: Clock) -> Reach:
    """What one place needs: its own conditions, and those of the leads it is joined to."""
    if any(join.get("ref_type") == "ASOF" for join in joins(read.select["from_table"])):
        return Reach()  # the nearest row of fewer rows is another row
    found = own_reach(read, reads, clock)
    if read.table == "people" or read.table not in OF_LEADS:
        return found
    beside = [one for one in reads if one.select is read.select and one.table == "leads" and one is not read]
    for leads in beside if read.table != "leads" else ():
        if is_linked(read, leads):
            found = found.and_(own_reach(leads, reads, clock))
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """A place, and the bare names that can only mean a column of it."""

    read: Read
    bare: frozenset[str]


def own_reach(read: Read, reads: Sequence[Read], clock: Clock) -> Reach:
    """What the WHERE beside the place says of its own columns."""
    if read.table in ("people", "accounts") or read.reference.get("column_name_alias"):
        return Reach()
    found, here = Reach(), _Place(read, _bare_names(read, reads))
    for condition in anded(read.select.get("where_clause")):
        found = found.and_(_reach_by(condition, here, clock))
    return found


def _bare_names(read: Read, reads: Sequence[Read]) -> frozenset[str]:
    """Columns of the place that nothing else in its FROM has, and no alias is called.

    None where something else there is no table of ours: what columns that has is not known here.
    """
    others = [one for one in entries(read.select["from_table"]) if one is not read.reference]
    tables = [one.table for one in reads if any(one.reference is other for other in others)]
    if len(tables) < len(others) or any(one.get("column_name_alias") for one in others):
        return frozenset()
    taken = {str(one.get("alias", "")).lower() for one in read.select["select_list"]}
    return frozenset(TABLES[read.table].types.keys() - taken.union(*(TABLES[name].types for name in tables)))


def _reach_by(condition: Node, here: _Place, clock: Clock) -> Reach:
    if condition.get("class") == "BETWEEN":
        low = _compared("COMPARE_GREATERTHANOREQUALTO", condition["input"], condition["lower"], here, clock)
        return low.and_(_compared("COMPARE_LESSTHANOREQUALTO", condition["input"], condition["upper"], here, clock))
    if condition.get("type") == "COMPARE_IN":
        column, *values = arguments(condition)
        return _worded(column, values, here)
    if condition.get("class") != "COMPARISON" or condition["type"] not in FLIPPED:
        return Reach()
    kind, left, right = condition["type"], condition["left"], condition["right"]
    if not _column_of(left, here):
        kind, left, right = FLIPPED[kind], right, left
    return _compared(kind, left, right, here, clock)


def _compared(kind: str, column: Any, value: Any, here: _Place, clock: Clock) -> Reach:
    name = _column_of(column, here)
    if _takes_words(name, here.read) and kind == "COMPARE_EQUAL":
        return _worded(column, [value], here)
    moments = clock.moments(value) if name and name == WHEN.get(here.read.table) else None
    return Reach() if moments is None else _bounded(kind, moments, timedelta(days=1) if cast_to(column) else TICK)


def _bounded(kind: str, at: Moments, width: timedelta) -> Reach:
    """``width``: how long what is compared lasts, a day for a date. A day with 25 hours is one, too: an hour more."""
    end = at.last + (width if width is TICK else width + timedelta(hours=1))
    since = {"COMPARE_EQUAL": at.first, "COMPARE_GREATERTHANOREQUALTO": at.first, "COMPARE_GREATERTHAN": at.first}
    until = {
        "COMPARE_EQUAL": end,
        "COMPARE_LESSTHANOREQUALTO": end,
        "COMPARE_LESSTHAN": at.last if width is TICK else end,
    }
    return Reach(since.get(kind), until.get(kind))


def _worded(column: Any, values: Iterable[Any], here: _Place) -> Reach:
    name = _column_of(column, here)
    texts = [literal(value) for value in values]
    if not _takes_words(name, here.read) or not all(isinstance(text, str) for text in texts):
        return Reach()
    return Reach(words={name: frozenset(map(str, texts))})


def _takes_words(name: str, read: Read) -> bool:
    return name in CHOOSING or (read.table == "leads" and name in ASKED)


def _column_of(node: Any, here: _Place) -> str:
    """The column of this place that an expression is (or is the date of), or an empty text where that is not sure."""
    inner = node["child"] if cast_to(node) == "DATE" else node
    path = column_path(inner)
    if not path or path[-1] not in TABLES[here.read.table].types:
        return ""
    if inner is not node and path[-1] not in WHEN.values():
        return ""
    if len(path) == 2:
        return path[1] if path[0] == here.read.alias else ""
    return path[0] if len(path) == 1 and path[0] in here.bare else ""


# --- joins --------------------------------------------------------------------------------------------------------


def is_linked(read: Read, leads: Read) -> bool:
    """Whether no row of ``read`` counts but those whose ``lead_uri`` is the ``uri`` of a row of ``leads``."""
    if any(_links(one, read, leads) for one in anded(read.select.get("where_clause"))):
        return True
    return any(
        any(_links(one, read, leads) for one in anded(join.get("condition"))) and _parts(join, read, leads)
        for join in joins(read.select["from_table"])
    )


def _parts(join: Node, read: Read, leads: Read) -> bool:
    """Whether the join holds both, and parts them or drops whatever does not meet its condition."""
    left, both = list(entries(join["left"])), list(entries(join))
    if not (_holds(both, read) and _holds(both, leads)):
        return False
    return join.get("join_type") == "INNER" or _holds(left, read) != _holds(left, leads)


def _holds(listed: Sequence[Node], read: Read) -> bool:
    return any(one is read.reference for one in listed)


def _links(condition: Node, read: Read, leads: Read) -> bool:
    """``read.lead_uri = leads.uri``; bare names count where the two are alone and so clear."""
    if condition.get("type") != "COMPARE_EQUAL" or condition.get("class") != "COMPARISON":
        return False
    alone = len(list(entries(read.select["from_table"]))) == 2 and read.table != "recordings"  # which has a uri, too
    ends = {column_path(condition["left"]), column_path(condition["right"])}
    ours = {(read.alias, "lead_uri"), *([("lead_uri",)] if alone else [])}
    theirs = {(leads.alias, "uri"), *([("uri",)] if alone else [])}
    return bool(ends & ours) and bool(ends & theirs)
