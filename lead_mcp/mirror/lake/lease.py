"""Who may write the lake: a row in the catalog's database, held for seconds at a time, by that database's clock.

Every taking has a higher number (``fence``) than all before it. Each call opens a connection of its own, blocks, and is
bounded in time: call it in a worker thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.errors import Unavailable
from lead_mcp.mirror.lake.address import LakeAddress

if TYPE_CHECKING:
    import psycopg

SCHEMA: Final = "lead_mcp_mirror"
"""In the catalog's database: DuckLake's own tables, and the lease."""
SECONDS: Final = 20.0
"""After which a holder that renews nothing counts as dead."""
BOUND: Final = "-c statement_timeout=10000 -c lock_timeout=10000"
TURN: Final = 7_226_130_914_452_811
"""The number of the lock under which the schema is made: PostgreSQL itself does not bear two who make it at once."""
MAKE: Final = (
    f"SELECT pg_advisory_xact_lock({TURN})",
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    f"CREATE TABLE IF NOT EXISTS {SCHEMA}.lead_mcp_lease (name text PRIMARY KEY, owner text NOT NULL, "
    "fence bigint NOT NULL, until double precision NOT NULL)",
    f"INSERT INTO {SCHEMA}.lead_mcp_lease VALUES ('writer', '', 0, 0) ON CONFLICT DO NOTHING",
)
NOW: Final = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
TAKE: Final = (
    f"UPDATE {SCHEMA}.lead_mcp_lease SET owner = %s, fence = fence + 1, until = {NOW} + %s "
    f"WHERE owner = %s OR until <= {NOW} RETURNING fence"
)
RENEW: Final = f"UPDATE {SCHEMA}.lead_mcp_lease SET until = {NOW} + %s WHERE owner = %s AND fence = %s"
HELD: Final = f"SELECT 1 FROM {SCHEMA}.lead_mcp_lease WHERE owner = %s AND fence = %s AND until > {NOW}"
SNAPSHOT: Final = f"SELECT max(snapshot_id) FROM {SCHEMA}.ducklake_snapshot"
MISSING: Final = ("42P01", "3F000")
"""What PostgreSQL says where there is no such table, or schema."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write, and whose it is. ``owner``: a replica, of which one process at a time asks."""

    address: LakeAddress
    owner: str
    seconds: float = SECONDS

    def take(self) -> int | None:
        """Its number; None where another one holds it. Raises Unavailable."""
        with self._connected() as connection:
            try:
                rows = self._taken(connection)
            except self._failure() as error:
                if error.sqlstate not in MISSING:
                    raise
                with connection.transaction():
                    for statement in MAKE:
                        connection.execute(statement)
                rows = self._taken(connection)
        return int(rows[0][0]) if rows else None

    def _taken(self, connection: psycopg.Connection[Any]) -> list[Any]:
        return connection.execute(TAKE, (self.owner, self.seconds, self.owner)).fetchall()

    def renew(self, fence: int, seconds: float | None = None) -> bool:
        """Hold it longer; False where it is another one's now. Raises Unavailable."""
        with self._connected() as connection:
            longer = self.seconds if seconds is None else seconds
            return connection.execute(RENEW, (longer, self.owner, fence)).rowcount == 1

    def release(self, fence: int) -> None:
        """Let others write at once. Raises Unavailable."""
        self.renew(fence, 0.0)

    def is_held(self, fence: int) -> bool:
        """Whether it lasts. Raises Unavailable."""
        with self._connected() as connection:
            return connection.execute(HELD, (self.owner, fence)).fetchone() is not None

    def snapshot(self) -> int | None:
        """The number of the lake's newest snapshot; None where there is no lake yet. Raises Unavailable."""
        with self._connected() as connection:
            try:
                row = connection.execute(SNAPSHOT).fetchone()
            except self._failure() as error:
                if error.sqlstate in MISSING:
                    return None
                raise
        return row[0] if row else None

    def forget_values(self) -> None:
        """Take the smallest and largest values of columns out of the catalog: they may be those of somebody erased."""
        with self._connected() as connection:
            connection.execute(
                f"UPDATE {SCHEMA}.ducklake_table_column_stats SET min_value = NULL, max_value = NULL "
                f"WHERE column_id IN (SELECT column_id FROM {SCHEMA}.ducklake_column WHERE column_type = 'varchar')"
            )

    def drop(self) -> None:
        """Remove the catalog, and this lease with it. Raises Unavailable."""
        with self._connected() as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")

    @staticmethod
    def _failure() -> type[psycopg.Error]:
        from psycopg import Error

        return Error

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg
        from psycopg.conninfo import make_conninfo

        catalog = dict(self.address.catalog)
        options = f"{catalog.pop('options', '')} {BOUND}".strip()
        try:
            with psycopg.connect(make_conninfo("", **catalog, options=options), autocommit=True) as connection:
                yield connection
        except psycopg.Error as error:
            why = self.address.redactor.text(" ".join(str(error).split()))[:300]
            raise Unavailable(f"The lake's catalog cannot be asked ({self.address.shown}): {why}") from None
