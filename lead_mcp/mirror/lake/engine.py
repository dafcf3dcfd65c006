"""The process that speaks to the lake: a DuckDB with network and credentials, which runs no statement but ours.

Requests: ``attach`` (first), ``state``, ``copy`` (the tables into a file of this machine), ``changes`` and ``more`` (records),
``stage`` and ``push`` (what has changed, into the lake, in one transaction), ``tidy``, ``erase``, ``drop``. Credentials come
in a request: neither the command line nor the environment holds any.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from lead_mcp.mirror.lake.copies import LakeCopies, steps
from lead_mcp.mirror.lake.opened import BESIDE, OPTIONS, OWN, ROWS, SEQ, STATE, Asked, columns_of, quoted
from lead_mcp.mirror.segments import COLUMNS, NO
from lead_mcp.sql.child import serve

OLD: Final = "INTERVAL 1 HOUR"
"""How long what nobody reads any more stays: a replica may be in the middle of it."""
LONG: Final = 800
"""Bytes from which on a raw record counts for several."""
NEAR: Final = 256
"""Numbers of records that are counted together."""
TOUCHED: Final = "SELECT no FROM staged.records UNION ALL SELECT no FROM staged.gone"


class LakeEngine(LakeCopies):
    """What is put into the lake, and what goes out of its files."""

    staged = Path()

    def stage(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Rows of ``table``, of those beside the tables, on their way in; ``new``: the first, into a new ``file``."""
        if asked.get("file"):
            self._leave_staged()
            self.staged = self.folder / asked["file"]
            self.database.execute(f"ATTACH {quoted(self.staged)} AS staged (ROW_GROUP_SIZE {ROWS})")
            for name, columns in BESIDE.items():
                self.database.execute(f"CREATE TABLE staged.{name} ({columns_of(columns)})")
        if blobs:
            into = {"table": f"staged.{asked['table']}", "columns": list(BESIDE[asked["table"]].items())}
            self.load(into, blobs)
        return {}

    def push(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """What was staged and the rows of ``files``, if the lake still is of ``version`` (0: empty) and no later fence has
        written it. ``anew``: all rows, not those of the staged records alone. ``state``: the row to put."""
        for name, file in asked["files"].items():
            self.database.execute(f"ATTACH {quoted(self.folder / file)} AS {name} (READ_ONLY)")
        try:
            self.with_room(lambda: self._push(asked))
        finally:
            for name in asked["files"]:
                self.database.execute(f"DETACH {name}")
            self._leave_staged()
        return {}

    def _push(self, asked: Asked) -> None:
        with self._transaction():
            self._make(anew=asked["anew"])
            self._replace_state(asked)
            self._replace_beside(asked["version"] + 1)
            for name in COLUMNS:
                self._replace_rows(name, anew=asked["anew"], delta="delta" in asked["files"])

    def _leave_staged(self) -> None:
        """Of this push, or of one that was given up."""
        self.database.execute("DETACH DATABASE IF EXISTS staged")
        if self.staged.name:
            self.staged.unlink(missing_ok=True)

    def _make(self, *, anew: bool) -> None:
        for name, text in OPTIONS.items():
            self.database.execute(f"CALL lake.set_option({quoted(name)}, {quoted(text)})").fetchall()
        for name, columns in COLUMNS.items():
            if anew:
                self.database.execute(f"DROP TABLE IF EXISTS lake.{name}")
            self.database.execute(f"CREATE TABLE IF NOT EXISTS lake.{name} ({columns_of({**columns, SEQ: 'BIGINT'})})")
        for name, columns in (*OWN.items(), ("state", STATE)):
            self.database.execute(f"CREATE TABLE IF NOT EXISTS lake.{name} ({columns_of(columns)})")

    def _replace_state(self, asked: Asked) -> None:
        """Raises InvalidInputException where another one has written since."""
        rows = self.database.execute("SELECT version, fence FROM lake.state").fetchall() or [(0, 0)]
        if len(rows) > 1 or rows[0][0] != asked["version"] or rows[0][1] > asked["fence"]:
            raise self.duckdb.InvalidInputException("another replica has written")
        self.database.execute("DELETE FROM lake.state")
        values = [asked["version"] + 1, asked["fence"], asked["state"]]
        self.database.execute("INSERT INTO lake.state VALUES (?, ?, ?)", values)

    def _replace_beside(self, version: int) -> None:
        """The staged records and numbers take the place of those that were; the lists become what was staged."""
        self.database.execute(f"DELETE FROM lake.records WHERE no IN ({TOUCHED})")
        for after, upto in self._pieces("staged.records"):
            piece = f"no > {after} AND no <= {upto}"
            self.database.execute(f"INSERT INTO lake.records SELECT * FROM staged.records WHERE {piece}")
        self.database.execute("INSERT INTO lake.gone SELECT * FROM staged.gone")
        listed = f"{TOUCHED} UNION ALL SELECT no FROM staged.listings"
        self.database.execute(f"DELETE FROM lake.listings WHERE no IN ({listed})")
        self.database.execute(f"INSERT INTO lake.listings SELECT *, {int(version)} FROM staged.listings")
        for name, key in (("shared", "key"), ("forgotten", "mark")):
            self.database.execute(f"DELETE FROM lake.{name} WHERE {key} NOT IN (SELECT {key} FROM staged.{name})")
            fresh = f"SELECT * FROM staged.{name} ANTI JOIN lake.{name} USING ({key})"
            self.database.execute(f"INSERT INTO lake.{name} {fresh}")

    def _replace_rows(self, name: str, *, anew: bool, delta: bool) -> None:
        listed = ", ".join(f'"{column}"' for column in COLUMNS[name])
        if not anew:
            self.database.execute(f"DELETE FROM lake.{name} WHERE {NO} IN ({TOUCHED})")
        records = f"{'lake' if anew else 'staged'}.records"
        for after, upto in self._pieces(records):
            rows = self._rows(name, after, upto, delta=delta)
            seqs = f"SELECT no AS {NO}, seq FROM {records} WHERE no > {after} AND no <= {upto}"
            self.database.execute(
                f"INSERT INTO lake.{name} SELECT {listed}, seq FROM ({rows}) JOIN ({seqs}) USING ({NO})"
            )

    def _rows(self, name: str, after: int, upto: int, *, delta: bool) -> str:
        """The rows of those records. The condition is beside each table, so that what is outside is not read."""
        listed, piece = ", ".join(f'"{column}"' for column in COLUMNS[name]), f"{NO} > {after} AND {NO} <= {upto}"
        if not delta:
            return f"SELECT {listed} FROM base.{name} WHERE {piece}"
        kept = f"SELECT {listed} FROM base.{name} ANTI JOIN delta.gone USING ({NO}) WHERE {piece}"
        return f"{kept} UNION ALL SELECT {listed} FROM delta.{name} WHERE {piece}"

    def _pieces(self, records: str) -> list[tuple[int, int]]:
        """After and up to which numbers to take them: some thousands, fewer where they are long. At once they may not fit
        into memory."""
        size = f"greatest(count(*), sum(strlen(raw)) // {LONG})"
        counted = f"SELECT max(no), {size} FROM {records} GROUP BY no // {NEAR} ORDER BY 1"
        return list(steps(0, self.database.execute(counted).fetchall()))

    # --- keeping it -----------------------------------------------------------------------------------------------

    def tidy(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Small files into larger ones, rows that are gone out of them; what nobody reads any more goes after an hour."""
        self._keep(f"now() - {OLD}", threshold=0.5)
        return {}

    def erase(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Every row that is gone out of every file, and the files that held them, at once."""
        self._keep("now()", threshold=0.0)
        return {}

    def _keep(self, before: str, threshold: float) -> None:
        for call in (
            f"ducklake_rewrite_data_files('lake', delete_threshold => {threshold})",
            "ducklake_merge_adjacent_files('lake')",
            f"ducklake_expire_snapshots('lake', older_than => {before})",
            f"ducklake_cleanup_old_files('lake', older_than => {before})",
            f"ducklake_delete_orphaned_files('lake', older_than => {before})",
        ):
            self.with_room(partial(self._call, call))

    def _call(self, procedure: str) -> None:
        self.database.execute(f"CALL {procedure}").fetchall()

    def drop(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Every table, and every file."""
        with self._transaction():
            for name in (*COLUMNS, *BESIDE, "state"):
                self.database.execute(f"DROP TABLE IF EXISTS lake.{name}")
        self._keep("now()", threshold=0.0)
        return {}


def main(options: str) -> None:
    """Answer until stdin ends. ``options``: JSON of ``folder``."""

    def begin() -> tuple[LakeEngine, dict[str, Any]]:
        engine = LakeEngine(json.loads(options)["folder"])
        return engine, {"version": engine.duckdb.__version__, "confined": {}}

    serve(begin, network=True)
