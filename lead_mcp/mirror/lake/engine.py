"""The process that speaks to the lake: a DuckDB with network and credentials, which runs no statement but ours.

Requests: ``attach`` (first), ``state``, ``copy`` (the tables into a file of this machine), ``changes`` and ``more`` (records),
``stage`` and ``push`` (what has changed, into the lake, in one transaction), ``tidy``, ``erase``, ``drop``. Credentials come
in a request: neither the command line nor the environment holds any.
Source: ducklake.select/docs/stable (options, maintenance; read 2026-11-27), DuckLake 1.0 of DuckDB 1.5.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from lead_mcp.mirror.segments import COLUMNS, NO
from lead_mcp.sql.child import Engine, serve, stand_in_for_pytz

MEMORY: Final = 200
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
PAGE: Final = 500
"""Records of one answer."""
STEP: Final = 20_000
"""Records that are copied at least before it is noted how far the copying has come."""
FEW: Final = 1_000
"""Changed records up to which few rows are added beside a base, whatever part of it they are."""
OLD: Final = "INTERVAL 1 HOUR"
"""How long what nobody reads any more stays: a replica may be in the middle of it."""
TOUCHED: Final = "SELECT no FROM staged.records UNION ALL SELECT no FROM staged.gone"
Asked = Mapping[str, Any]


class LakeEngine(Engine):
    """One lake. ``folder``: the replica's own, the only one of this machine in which files are made, but for the lake's."""

    def __init__(self, folder: str) -> None:
        import duckdb

        stand_in_for_pytz()
        os.umask(0o077)
        self.duckdb, self.folder, self.staged = duckdb, Path(folder), Path()
        self.rows: Any = None
        self.questions: Iterator[tuple[str, int, str]] = iter(())
        self.reading: tuple[str, int, str] | None = None
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
            self.database.execute(f"LOAD {_text(path)}")
        if asked["secret"]:
            options = ", ".join(f"{name} {_text(value)}" for name, value in asked["secret"].items())
            self.database.execute(f"CREATE SECRET storage (TYPE s3, {options})")
        options = (
            f"DATA_PATH {_text(asked['data'])}, METADATA_SCHEMA {_text(asked['schema'])}, DATA_INLINING_ROW_LIMIT 0"
        )
        self.database.execute(f"ATTACH {_text('ducklake:postgres:' + asked['catalog'])} AS lake ({options})")
        return {}

    def state(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        return {"state": self._state()}

    def _state(self) -> str:
        """The row, or an empty text where there is none yet."""
        try:
            rows = self.database.execute("SELECT state FROM lake.state").fetchall()
        except self.duckdb.CatalogException:
            return ""
        return str(rows[0][0]) if rows else ""

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

    # --- out of the lake ------------------------------------------------------------------------------------------

    def copy(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """The tables into ``file``: all rows, or those since the change ``since`` where it is given and they are few."""
        path = self.folder / asked["file"]
        self.database.execute(f"ATTACH {_text(path)} AS made")
        try:
            with self._transaction():
                whole = self._is_much(asked["since"])
                for name, columns in COLUMNS.items():
                    listed = ", ".join(f'"{column}"' for column in columns)
                    where = "" if whole else f" WHERE {SEQ} > {int(asked['since'])}"
                    self.database.execute(f"CREATE TABLE made.{name} AS SELECT {listed} FROM lake.{name}{where}")
                self.database.execute(f"CREATE TABLE made.gone ({NO} BIGINT)")
                if not whole:
                    for name in ("records", "gone"):
                        changed = f"SELECT no FROM lake.{name} WHERE seq > {int(asked['since'])}"
                        self.database.execute(f"INSERT INTO made.gone {changed}")
                state = self._state()
            self.database.execute("CHECKPOINT made")
        finally:
            self.database.execute("DETACH made")
        path.chmod(0o600)
        return {"state": state, "whole": whole}

    def _is_much(self, since: int | None) -> bool:
        """Whether so much has changed that a base is made anew."""
        if since is None:
            return True
        question = f"SELECT count(*) FILTER (seq > {int(since)}), count(*) FROM lake.records"
        ((changed, every),) = self.database.execute(question).fetchall()
        return bool(changed > max(FEW, every // 5))

    def changes(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """The state of one moment, of which ``more`` gives then what has changed after the change ``since``, or after the
        lake's ``version``."""
        self.rows, self.reading = self.database.cursor(), None
        self.rows.execute("BEGIN")
        state = self.rows.execute("SELECT state FROM lake.state").fetchall()[0][0]
        self.questions = self._questions(int(asked["since"]), int(asked["version"]))
        return {"state": state}

    def _questions(self, since: int, version: int) -> Iterator[tuple[str, int, str]]:
        """Table by table what to copy; of records the change up to which a question goes."""
        yield "gone", 0, f"SELECT no, seq FROM lake.gone WHERE seq > {since}"
        listed = ", ".join(f'"{name}"' for name in RECORDS)
        counted = f"SELECT seq, count(*) FROM lake.records WHERE seq > {since} GROUP BY seq ORDER BY seq"
        for after, upto in _steps(since, self.rows.execute(counted).fetchall()):
            yield "records", upto, f"SELECT {listed} FROM lake.records WHERE seq > {after} AND seq <= {upto}"
        yield "shared", 0, "SELECT key FROM lake.shared"
        yield "forgotten", 0, "SELECT mark FROM lake.forgotten"
        yield "listings", 0, f"SELECT * EXCLUDE (version) FROM lake.listings WHERE version > {version}"

    def more(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Rows of a ``table``; ``upto``: all records up to that change have been given; no table: everything has."""
        while True:
            if self.reading is None:
                self.reading = next(self.questions, None)
                if self.reading is None:
                    self.rows.execute("ROLLBACK")
                    return {"table": "", "upto": 0, "blobs": [b"[]"]}
                self.rows.execute(self.reading[2])
            table, upto, _ = self.reading
            rows = self.rows.fetchmany(PAGE)
            if rows:
                return {"table": table, "upto": 0, "blobs": [json.dumps(rows, ensure_ascii=False).encode()]}
            self.reading = None
            if upto:
                return {"table": table, "upto": upto, "blobs": [b"[]"]}

    # --- into the lake --------------------------------------------------------------------------------------------

    def stage(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Rows of ``table``, of those beside the tables, on their way in; ``new``: the first, into a new ``file``."""
        if asked.get("file"):
            self._leave_staged()
            self.staged = self.folder / asked["file"]
            self.database.execute(f"ATTACH {_text(self.staged)} AS staged")
            for name, columns in BESIDE.items():
                self.database.execute(f"CREATE TABLE staged.{name} ({_columns(columns)})")
        if blobs:
            into = {"table": f"staged.{asked['table']}", "columns": list(BESIDE[asked["table"]].items())}
            self.load(into, blobs)
        return {}

    def push(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """What was staged and the rows of ``files``, if the lake still is of ``version`` (0: empty) and no later fence has
        written it. ``anew``: all rows, not those of the staged records alone. ``state``: the row to put."""
        for name, file in asked["files"].items():
            self.database.execute(f"ATTACH {_text(self.folder / file)} AS {name} (READ_ONLY)")
        try:
            with self._transaction():
                self._make(anew=asked["anew"])
                self._replace_state(asked)
                self._replace_beside(asked["version"] + 1)
                for name in COLUMNS:
                    self._replace_rows(name, anew=asked["anew"], delta="delta" in asked["files"])
        finally:
            for name in asked["files"]:
                self.database.execute(f"DETACH {name}")
            self._leave_staged()
        return {}

    def _leave_staged(self) -> None:
        """Of this push, or of one that was given up."""
        self.database.execute("DETACH DATABASE IF EXISTS staged")
        if self.staged.name:
            self.staged.unlink(missing_ok=True)

    def _make(self, *, anew: bool) -> None:
        for name, columns in COLUMNS.items():
            if anew:
                self.database.execute(f"DROP TABLE IF EXISTS lake.{name}")
            self.database.execute(f"CREATE TABLE IF NOT EXISTS lake.{name} ({_columns({**columns, SEQ: 'BIGINT'})})")
        for name, columns in (*OWN.items(), ("state", STATE)):
            self.database.execute(f"CREATE TABLE IF NOT EXISTS lake.{name} ({_columns(columns)})")

    def _replace_state(self, asked: Asked) -> None:
        """Raises InvalidInputException where another one has written since."""
        rows = self.database.execute("SELECT version, fence FROM lake.state").fetchall() or [(0, 0)]
        if rows[0][0] != asked["version"] or rows[0][1] > asked["fence"]:
            raise self.duckdb.InvalidInputException("another replica has written")
        self.database.execute("DELETE FROM lake.state")
        values = [asked["version"] + 1, asked["fence"], asked["state"]]
        self.database.execute("INSERT INTO lake.state VALUES (?, ?, ?)", values)

    def _replace_beside(self, version: int) -> None:
        """The staged records and numbers take the place of those that were; the lists become what was staged."""
        self.database.execute(f"DELETE FROM lake.records WHERE no IN ({TOUCHED})")
        self.database.execute("INSERT INTO lake.records SELECT * FROM staged.records ORDER BY seq, no")
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
        rows = f"SELECT {listed} FROM base.{name}"
        if delta:
            rows = f"{rows} ANTI JOIN delta.gone USING ({NO}) UNION ALL SELECT {listed} FROM delta.{name}"
        if not anew:
            self.database.execute(f"DELETE FROM lake.{name} WHERE {NO} IN ({TOUCHED})")
        known = f"SELECT no, seq FROM {'lake' if anew else 'staged'}.records"
        made = f"SELECT {listed}, seq FROM ({rows}) JOIN ({known}) ON {NO} = no"
        self.database.execute(f"INSERT INTO lake.{name} {made} ORDER BY seq")

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
            self.database.execute(f"CALL {call}").fetchall()

    def drop(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Every table, and every file."""
        with self._transaction():
            for name in (*COLUMNS, *BESIDE, "state"):
                self.database.execute(f"DROP TABLE IF EXISTS lake.{name}")
        self._keep("now()", threshold=0.0)
        return {}


def _steps(since: int, counted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """After and up to which changes to read, so that a step is of about ``STEP`` records."""
    after, many = since, 0
    for seq, count in counted:
        many += count
        if many >= STEP:
            yield after, seq
            after, many = seq, 0
    if many:
        yield after, counted[-1][0]


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def main(options: str) -> None:
    """Answer until stdin ends. ``options``: JSON of ``folder``."""

    def begin() -> tuple[LakeEngine, dict[str, Any]]:
        engine = LakeEngine(json.loads(options)["folder"])
        return engine, {"version": engine.duckdb.__version__, "confined": {}}

    serve(begin, network=True)
