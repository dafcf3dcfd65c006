"""``run_sql``: one statement in, one answer out. The one way in from outside."""

from __future__ import annotations

from typing import Final

import anyio

from lead_mcp.errors import NotConfigured, NotOffered
from lead_mcp.sql.cage import Cage, CageError, ResultSet, is_installed
from lead_mcp.sql.constants import Clock
from lead_mcp.sql.live import Live
from lead_mcp.sql.messages import explained, not_parsed
from lead_mcp.sql.needs import needs_of
from lead_mcp.sql.query import SqlAnswer, SqlQuery
from lead_mcp.sql.statement import Statement, check_text, judged
from lead_mcp.sql.tables import TABLES, create_all, drop_all, rehearsal

CHECKING: Final = 10.0
"""Seconds a statement may take to be parsed and rehearsed."""
LEAST: Final = 2.0
"""Seconds the engine has at least, however long the reading took."""


async def run_sql(query: SqlQuery, cage: Cage) -> SqlAnswer:
    """The answer. Raises LeadMcpError where the statement is wrong or too much, or no account could be read."""
    check_source(query.source)
    started = anyio.current_time()
    statement = await examined(query, cage)
    live = Live(query, needs_of(statement, Clock(query.now, query.zone)), started)
    await live.read()
    left = max(LEAST, query.deadline - (anyio.current_time() - started))
    result = await computed(query, statement, live, cage, left)
    return SqlAnswer(
        columns=result.columns,
        types=result.types,
        rows=result.rows,
        row_count=result.row_count,
        complete=all(entry.whole for entry in live.entries),
        source="live",
        window=live.plan.lead_window or live.plan.ping_window or query.window,
        entries=live.entries,
        as_of={entry.account: query.now for entry in live.entries},
        zone=query.zone.key,
        cut_cells=result.cut_cells,
        notes=live.notes,
    )


def check_source(source: str) -> None:
    """Raises NotOffered without DuckDB, NotConfigured for a mirror where there is none."""
    if not is_installed():
        raise NotOffered("SQL needs DuckDB: pip install 'lead-mcp[sql]'.")
    if source == "mirror":
        raise NotConfigured(
            "source: there is no mirror. LEAD_MCP_MIRROR=on keeps one; source=live reads the vendors now."
        )


async def examined(query: SqlQuery, cage: Cage) -> Statement:
    """The statement, parsed, judged and rehearsed over tables of one empty row; no vendor was asked. Raises LeadMcpError."""
    check_text(query.sql)
    seconds, statement = min(CHECKING, query.deadline), None
    try:
        async with cage.session(query.zone.key, seconds, query.deadline) as session:
            tree = await session.tree(query.sql)
            if tree["error"]:
                raise not_parsed(query.sql, tree)
            statement = judged(query.sql, tree)
            await session.begin(rehearsal(), drop_all())
            await session.run(query.sql, 1, query.max_bytes, query.max_cell)
    except CageError as error:
        raise explained(query.sql, error, statement, seconds) from error
    return statement


async def computed(query: SqlQuery, statement: Statement, live: Live, cage: Cage, seconds: float) -> ResultSet:
    """The statement's result over what was read. Raises LeadMcpError."""
    tables = [TABLES[name].only(columns) for name, columns in live.needs.columns.items()]
    try:
        async with cage.session(query.zone.key, seconds, query.deadline) as session:
            await session.begin(create_all(tables), drop_all(tables))
            for table, columns, blobs in live.gathered.loads():
                await session.load(table, columns, blobs)
            return await session.run(query.sql, query.max_rows, query.max_bytes, query.max_cell)
    except CageError as error:
        raise explained(query.sql, error, statement, seconds) from error
