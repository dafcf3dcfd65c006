"""The child that writes the files for SQL: a DuckDB of its own, which runs no statement but ours.

Requests: ``open`` (a new file, its tables), ``load`` (rows), ``gone`` (numbers of records whose rows in the base are no more
true), ``finish`` (whole, on disk). A ``base`` takes what is still true from the base before it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lead_mcp.mirror.segments import COLUMNS, NO
from lead_mcp.sql.child import Engine, attached, serve, stand_in_for_pytz

MEMORY: Final = 100
"""Megabytes that the engine may use; what does not fit goes to files in the mirror's own folder for a while. Half as much
again comes on top of it, for the rows on their way in."""


class Builder(Engine):
    """One file at a time. ``folder``: the only place it works in. One thread: another would take as much memory again, and
    the rows come no faster than they are made. One transaction a file, so that no row is written to a log first."""

    def __init__(self, folder: str, threads: int = 1) -> None:
        import duckdb

        stand_in_for_pytz()
        os.umask(0o077)
        self.duckdb, self.folder, self.path = duckdb, Path(folder), Path()
        config: dict[str, Any] = {
            "memory_limit": f"{MEMORY}MB",
            "threads": str(threads),
            "temp_directory": str(self.folder / "spill.tmp"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self.database = duckdb.connect(":memory:", config=config)
        self.database.execute("SET GLOBAL TimeZone='UTC'")
        self.database.execute("SET GLOBAL preserve_insertion_order=false")
        self.database.execute("SET GLOBAL errors_as_json=true")

    def open(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        """``file``: the new one; ``before``: the base to take rows from, if any; ``key``: that encrypts them, if any."""
        self.path = self.folder / asked["file"]
        self._unseal(asked)
        self._attach("made", asked["file"], asked["key"])
        for name, columns in COLUMNS.items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            self.database.execute(f"CREATE TABLE made.{name} ({listed})")
        self.database.execute(f"CREATE TABLE made.gone ({NO} BIGINT)")
        if asked["before"]:
            self._attach("before", asked["before"], asked["key"], "READ_ONLY")
        self.database.execute("USE made")
        self.database.execute("BEGIN")
        return {}

    def _unseal(self, asked: Mapping[str, Any]) -> None:
        """Where there is a key: what spills over is encrypted, too. ``extension``: brings what encrypts."""
        if asked["key"]:
            self.database.execute(f"LOAD {_text(Path(asked['extension']))}")
            self.database.execute("SET GLOBAL temp_file_encryption=true")

    def _attach(self, name: str, file: str, key: str, *options: str) -> None:
        self.database.execute(attached(name, str(self.folder / file), key, *options))

    def gone(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        self.database.execute(
            "INSERT INTO made.gone SELECT CAST(unnest(from_json(CAST(? AS VARCHAR), '[\"VARCHAR\"]')) AS BIGINT)",
            [blobs[0].decode()],
        )
        return {}

    def finish(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        """``keep``: take the rows of the base before that are not gone."""
        if asked["keep"]:
            for name in COLUMNS:
                self.database.execute(
                    f"INSERT INTO made.{name} SELECT * FROM before.{name} ANTI JOIN made.gone USING ({NO})"
                )
            self.database.execute("DELETE FROM made.gone")
        self.database.execute("COMMIT")
        self.database.execute("CHECKPOINT made")
        self.database.execute("USE memory")
        self.database.execute("DETACH made")
        if asked["keep"]:
            self.database.execute("DETACH before")
        self.path.chmod(0o600)
        return {"bytes": self.path.stat().st_size}

    def begin_export(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        """Open the ``files`` to read them, and ``create`` views of them. ``key`` as in ``open``."""
        self._unseal(asked)
        for name, file in asked["files"].items():
            self._attach(name, file, asked["key"], "READ_ONLY")
        for statement in asked["create"]:
            self.database.execute(statement)
        return {}

    def export(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        """A ``table`` into the folder ``to``, by account and by month of a column where one is given."""
        table, folder = asked["table"], Path(asked["to"])
        folder.mkdir()
        listed, into, options = f"SELECT * FROM {table}", _text(folder / "all.parquet"), ""
        if "month" in asked:
            month = f"strftime(\"{asked['month']}\" AT TIME ZONE 'UTC', '%Y-%m') AS month"
            listed, into = f"SELECT *, {month} FROM {table}", _text(folder)
            options = ", PARTITION_BY (account, month), WRITE_PARTITION_COLUMNS true"
        self.database.execute(f"COPY ({listed}) TO {into} (FORMAT parquet, COMPRESSION zstd{options})")
        return {"rows": self.database.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]}


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def main(options: str) -> None:
    """Answer until stdin ends. ``options``: JSON of ``folder``."""

    def begin() -> tuple[Builder, dict[str, Any]]:
        engine = Builder(json.loads(options)["folder"])
        return engine, {"version": engine.duckdb.__version__, "confined": {}}

    serve(begin)
