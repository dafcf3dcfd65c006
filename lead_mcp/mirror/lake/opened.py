"""The lake opened by DuckDB, in the process that speaks to it: extensions, credentials, the lake's own tables, transactions.

Source: ducklake.select/docs/stable (options, maintenance; read 2026-11-27), DuckLake 1.0 of DuckDB 1.5.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from lead_mcp.sql.child import Engine, stand_in_for_pytz

MEMORY: Final = 256
"""Megabytes that the engine may use; what does not fit goes to files in the replica's own folder for a while."""
SEQ: Final = "record_seq"
"""The change with which a row was made, beside its columns: newer rows lie in newer files, and those alone are read."""
RECORDS: Final[Mapping[str, str]] = {
    "no": "BIGINT", "account": "VARCHAR", "kind": "VARCHAR", "id": "VARCHAR", "partition": "VARCHAR", "at": "BIGINT",
    "raw": "VARCHAR", "name": "VARCHAR", "person": "VARCHAR", "seq": "BIGINT", "keys": "VARCHAR",
}  # fmt: skip
"""The columns of ``records.sqlite``; ``keys``: JSON of what a record is found by, and whether it joins people."""
BESIDE: Final[Mapping[str, Mapping[str, str]]] = {
    "records": RECORDS,
    "gone": {"no": "BIGINT", "seq": "BIGINT"},
    "shared": {"key": "VARCHAR"},
    "forgotten": {"mark": "VARCHAR"},
    "listings": {"no": "BIGINT", "account": "VARCHAR", "at": "BIGINT", "listed": "BIGINT"},
}
OWN: Final = {**BESIDE, "listings": {**BESIDE["listings"], "version": "BIGINT"}}
"""As the lake has them: with the version of the lake in which a lead was listed."""
STATE: Final = {"version": "BIGINT", "fence": "BIGINT", "state": "VARCHAR"}
Asked = Mapping[str, Any]


class OpenedLake(Engine):
    """One lake. ``folder``: the replica's own, the only one of this machine in which files are made, but for the lake's."""

    def __init__(self, folder: str) -> None:
        import duckdb

        stand_in_for_pytz()
        os.umask(0o077)
        self.duckdb, self.folder = duckdb, Path(folder)
        config: dict[str, Any] = {
            "memory_limit": f"{MEMORY}MB",
            "threads": "2",
            "temp_directory": str(self.folder / "spill.tmp"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "secret_directory": str(self.folder / "none"),
        }
        self.database = duckdb.connect(":memory:", config=config)
        for setting in ("TimeZone='UTC'", "preserve_insertion_order=false"):
            self.database.execute(f"SET GLOBAL {setting}")

    def attach(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """``extensions``: their files; ``secret``: object storage's, or nothing; ``catalog``, ``data``, ``schema``."""
        for path in asked["extensions"]:
            self.database.execute(f"LOAD {quoted(path)}")
        if asked["secret"]:
            options = ", ".join(f"{name} {quoted(value)}" for name, value in asked["secret"].items())
            self.database.execute(f"CREATE SECRET storage (TYPE s3, {options})")
        options = (
            f"DATA_PATH {quoted(asked['data'])}, METADATA_SCHEMA {quoted(asked['schema'])}, DATA_INLINING_ROW_LIMIT 0"
        )
        self.database.execute(f"ATTACH {quoted('ducklake:postgres:' + asked['catalog'])} AS lake ({options})")
        return {}

    def state(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        return {"state": self._state()}

    def _state(self) -> str:
        """The row, or an empty text where nothing was ever put into the lake."""
        named = "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'lake' AND table_name = 'state'"
        if self.database.execute(named).fetchall()[0][0] == 0:
            return ""
        rows = self.database.execute("SELECT state FROM lake.state").fetchall()
        if len(rows) != 1:
            raise self.duckdb.InvalidInputException(f"the lake's table state has {len(rows)} rows, not one")
        return str(rows[0][0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.database.execute("BEGIN")
        try:
            yield
            self.database.execute("COMMIT")
        except BaseException:
            with suppress(self.duckdb.Error):  # a commit that failed has ended it
                self.database.execute("ROLLBACK")
            raise


def columns_of(columns: Mapping[str, str]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())


def quoted(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
