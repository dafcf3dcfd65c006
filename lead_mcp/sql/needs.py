"""What a statement needs to be read: columns of each table, and of which accounts, directions and times. Pure.

Both err on the side of more. A column counts as needed if its name stands anywhere, or a star, a whole row or a natural join
may mean it. How far a table is read is as far as any place of the statement reaches that reads it. The engine checks every
condition again, so that a reading too wide changes no result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lead_mcp.sql.constants import Clock
from lead_mcp.sql.reach import Reach, joins, reach_of
from lead_mcp.sql.statement import Read, Statement
from lead_mcp.sql.tables import OF_LEADS, PEOPLE_NEED, TABLES
from lead_mcp.sql.tree import Node, column_path, nodes


@dataclass(frozen=True, slots=True)
class Needs:
    """``columns`` of each table that is read (``leads`` too, where another is made of it); how far in leads and pings."""

    columns: Mapping[str, frozenset[str]]
    leads: Reach | None
    pings: Reach | None

    def has(self, table: str) -> bool:
        return table in self.columns


def needs_of(statement: Statement, clock: Clock) -> Needs:
    """What has to be read for the statement."""
    reaches = [(read.table, reach_of(read, statement.reads, clock)) for read in statement.reads]
    columns = needed_columns(statement)
    of_leads = [reach for table, reach in reaches if table in OF_LEADS]
    if "accounts" in columns and "leads" in _named(statement.tree)[0]:  # all of them are counted; a star counts none
        of_leads.append(Reach())
        columns.setdefault("leads", frozenset({"account"}))
    pings = [reach for table, reach in reaches if table == "pings"]
    return Needs(columns, _either(of_leads), _either(pings))


def _either(reaches: Sequence[Reach]) -> Reach | None:
    found = None
    for reach in reaches:
        found = reach if found is None else found.or_(reach)
    return found


def needed_columns(statement: Statement) -> dict[str, frozenset[str]]:
    """The columns of each table that is read; ``account`` always, so that no row is without a column."""
    named, rows = _named(statement.tree)
    found: dict[str, set[str]] = {}
    for read in statement.reads:
        known = TABLES[read.table].types
        found.setdefault(read.table, set()).update(known if _is_whole(read, rows) else named & known.keys())
    if "people" in found:
        found.setdefault("leads", set()).update(PEOPLE_NEED)
    for table, columns in found.items():
        if "account" in TABLES[table].types:
            columns.add("account")
    return {table: frozenset(columns) for table, columns in found.items()}


def _named(tree: Node) -> tuple[set[str], set[str]]:
    """Every name in the statement that may be a column's, and every one that may mean a whole row; in lower case."""
    named, rows = set[str](), set[str]()
    for node in nodes(tree):
        path = column_path(node)
        named.update(path, (str(name).lower() for name in node.get("using_columns") or ()))
        if len(path) == 1:
            rows.add(path[0])
        if node.get("class") == "STAR":
            rows.add(str(node["relation_name"]).lower())
    return named, rows - {""}


def _is_whole(read: Read, rows: set[str]) -> bool:
    """Whether the place may mean every column: a star over it, its row as a value, a natural join, columns renamed."""
    renamed = bool(read.reference.get("column_name_alias"))
    return renamed or bool({read.alias, read.table} & rows) or _has_star(read.select) or _is_natural(read.select)


def _has_star(select: Node) -> bool:
    """Whether a bare star stands in the SELECT itself; those in its subqueries are theirs."""
    own = {key: value for key, value in select.items() if key not in ("from_table", "cte_map")}
    return any(one.get("class") == "STAR" and not one.get("relation_name") for one in _outside_subqueries(own))


def _outside_subqueries(value: Any) -> Iterator[Node]:
    if isinstance(value, list):
        for item in value:
            yield from _outside_subqueries(item)
    elif isinstance(value, dict):
        yield value
        if value.get("class") != "CONSTANT":
            for key, item in value.items():
                if key != "subquery":
                    yield from _outside_subqueries(item)


def _is_natural(select: Node) -> bool:
    return any(join.get("ref_type") == "NATURAL" for join in joins(select["from_table"]))
