"""Asking the caged engine without any vendor: statements over tables that are empty, or filled by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from anyio.from_thread import BlockingPortal, start_blocking_portal

from lead_mcp.sql.cage import Cage, ResultSet
from lead_mcp.sql.query import SqlAnswer, SqlQuery
from lead_mcp.sql.rows import encoded
from lead_mcp.sql.running import run_sql
from lead_mcp.sql.tables import TABLES, create_all, drop_all

NOW = datetime(2026, 11, 21, 12, 1, tzinfo=UTC)
EASTERN = ZoneInfo("America/New_York")
PATIENCE = 60.0
"""Seconds for what ends by itself, on a loaded machine."""
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class Asked:
    """A cage and a portal of its own."""

    def __init__(self, portal: BlockingPortal, cage: Cage) -> None:
        self.portal, self.cage = portal, cage

    def answer(self, sql: str, seconds: float = PATIENCE, **more: Any) -> SqlAnswer:
        """The statement through every gate, over no account. Raises what it raises."""
        query = SqlQuery(sql=sql, connections=(), zone=EASTERN, now=NOW, **{"deadline": seconds, "scan": 1000, **more})
        return self.portal.call(partial(run_sql, query, self.cage))

    def bare(self, sql: str, rows: Rows | None = None, seconds: float = PATIENCE, **most: int) -> ResultSet:
        """The statement past every judgement, straight into the cage. Raises CageError."""
        return self.portal.call(partial(self._bare, sql, rows or {}, seconds, most))

    async def _bare(self, sql: str, rows: Rows, seconds: float, most: Mapping[str, int]) -> ResultSet:
        async with self.cage.session(EASTERN.key, seconds) as session:
            await session.begin(create_all(), drop_all())
            for table, found in rows.items():
                columns = list(TABLES[table].types.items())
                blobs = encoded([[row.get(name) for name, _ in columns] for row in found], len(columns))
                await session.load(table, columns, blobs)
            limits = {"max_rows": 200, "max_bytes": 4_000_000, "max_cell": 20_000, **most}
            return await session.run(sql, **limits)

    def within(self, work: Callable[[], Any]) -> Any:
        return self.portal.call(work)


@contextmanager
def asked(**options: Any) -> Iterator[Asked]:
    with start_blocking_portal() as portal:
        cage = portal.call(partial(Cage, **options))
        try:
            yield Asked(portal, cage)
        finally:
            portal.call(cage.aclose)
