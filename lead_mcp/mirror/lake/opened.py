"""The lake opened by DuckDB, in the process that speaks to it: extensions, credentials, the lake's own tables, transactions.

Source: ducklake.select/docs/stable (options, maintenance; read 2026-11-27), DuckLake 1.0 of DuckDB 1.5.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from lead_mcp.sql.child import Engine, stand_in_for_pytz

MEMORY: Final = 128
"""Megabytes that the engine may use; what does not fit goes to files in the replica's own folder for a while. The process
has 80 more before it does anything, most of it extensions, and some for rows on their way. Writing Parquet takes about 70:
one for each column of text."""
MORE: Final = 640
"""Where that is too little for a piece of work: records of tens of kilobytes each."""
ROWS: Final = 2_048
KEPT_ROWS: Final = 8_192
"""Rows that are in memory together before they are packed: on their way into the lake, and in a replica's own copy, where
fewer would slow statements down. DuckDB takes 122,880 otherwise, which is hundreds of megabytes of raw records."""
SETTINGS: Final = (
    "TimeZone='UTC'",
    "preserve_insertion_order=false",
    "write_buffer_row_group_count=1",
    "allocator_flush_threshold='4MB'",
    "allocator_bulk_deallocation_flush_threshold='4MB'",
)
"""The last three: what is packed is written at once, and what was freed goes back to the system."""
STORING: Final = ("s3_uploader_max_filesize='50GB'", "s3_uploader_thread_limit=4")
"""Parts of 5 MB, four at a time: each is held in memory, and they would be of 80."""
OPTIONS: Final[Mapping[str, str]] = {
    "parquet_row_group_size": str(ROWS), "parquet_row_group_size_bytes": "8MB", "target_file_size": "100MB",
}  # fmt: skip
"""The lake's own: how its files are written, by whichever engine."""
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
T = TypeVar("T")


class OpenedLake(Engine):
    """One lake. ``folder``: the replica's own, the only one of this machine in which files are made, but for the lake's."""

    def __init__(self, folder: str) -> None:
        import duckdb

        stand_in_for_pytz()
        os.umask(0o077)
        self.duckdb, self.folder = duckdb, Path(folder)
        config: dict[str, Any] = {
            "memory_limit": f"{MEMORY}MB",
            "threads": "1",  # another one packs rows of its own
            "temp_directory": str(self.folder / "spill.tmp"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "secret_directory": str(self.folder / "none"),
        }
        self.database = duckdb.connect(":memory:", config=config)
        self._set(SETTINGS)

    def attach(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """``extensions``: their files; ``secret``: object storage's, or nothing; ``environment``: by which a role is found;
        ``catalog``, ``data``, ``schema``."""
        for name, text in asked["environment"].items():
            os.putenv(name, text)  # for the extension, which is not Python
        for path in asked["extensions"]:
            self.database.execute(f"LOAD {quoted(path)}")
        if asked["secret"]:
            self._set(STORING)
            options = ", ".join(f"{name} {quoted(value)}" for name, value in asked["secret"].items())
            self.database.execute(f"CREATE SECRET storage (TYPE s3, {options})")
        options = (
            f"DATA_PATH {quoted(asked['data'])}, METADATA_SCHEMA {quoted(asked['schema'])}, DATA_INLINING_ROW_LIMIT 0"
        )
        self.database.execute(f"ATTACH {quoted('ducklake:postgres:' + asked['catalog'])} AS lake ({options})")
        return {}

    def _set(self, settings: Iterable[str]) -> None:
        for setting in settings:
            self.database.execute(f"SET GLOBAL {setting}")

    def with_room(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, tried once more with more memory where records are so long that it had too little."""
        try:
            return work()
        except self.duckdb.OutOfMemoryException:
            self._set([f"memory_limit='{MORE}MB'"])
            return work()

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
