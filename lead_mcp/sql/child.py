"""The caged child: a DuckDB that holds one statement's tables at a time, asked over stdin, answering on stdout.

Requests: ``parse`` (a statement's tree), ``begin`` (fresh tables), ``load`` (rows, a JSON text a column), ``run`` (the
result), ``end``. What fails in the engine is answered as ``{"error": {...}}``. The process ends with its stdin, at once,
whatever it is doing.
Source: DuckDB's configuration reference and its page on securing, 1.5 and 2.x; every switch was tried on both.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import queue
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

from lead_mcp.sql import confine
from lead_mcp.sql.frames import LENGTH, LINES, packed, to_wire

CONFIG: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "allow_persistent_secrets": "false",
    "temp_directory": "",
}
SETTINGS: Final = (
    "enable_external_access=false",
    "python_enable_replacements=false",
    "errors_as_json=true",
    "preserve_insertion_order=true",
    "lock_configuration=true",
)
"""In order; the last closes the configuration."""
COUNTED: Final = 100_000
"""Rows counted beyond those that are answered."""
FETCHED: Final = 500
IDLE: Final = 600.0
"""Seconds without a request after which the process ends, and its memory is free."""
CUT: Final = "…"
Message = tuple[dict[str, Any], list[bytes]]


class Zone(ZoneInfo):
    """What DuckDB 1.5 wants of the package ``pytz``: a zone that can place a naive time."""

    def localize(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=self)


def stand_in_for_pytz() -> None:
    """DuckDB 1.5 makes times with a zone through ``pytz``, 2.x through ``zoneinfo``: this saves a dependency."""
    module = types.ModuleType("pytz")
    module.timezone = functools.cache(Zone)  # type: ignore[attr-defined]  # a zone is read from its file once
    module.utc = Zone("UTC")  # type: ignore[attr-defined]
    sys.modules.setdefault("pytz", module)


class Engine:
    """The one database of this process: no other can be opened once it is confined. It holds one statement's tables."""

    def __init__(self, zone: str, memory: int, threads: int, files: Mapping[str, str], key: str = "") -> None:
        import duckdb

        stand_in_for_pytz()
        self.duckdb = duckdb
        config: dict[str, Any] = {**CONFIG, "memory_limit": f"{memory // 1_000_000}MB", "threads": str(threads)}
        self.database = duckdb.connect(":memory:", config=config)
        for name, path in files.items():
            self.database.execute(attached(name, path, key, "READ_ONLY"))
        self.database.execute(f"SET GLOBAL TimeZone='{zone}'")
        for setting in SETTINGS:
            self.database.execute(f"SET GLOBAL {setting}")
        self.made: list[str] = []

    def warm(self) -> None:
        """Everything a statement may load, loaded: afterwards no file can be opened."""
        create, drop = "CREATE TABLE warm (t TIMESTAMPTZ, n DECIMAL(18,4), raw JSON)", "DROP TABLE IF EXISTS warm"
        self.begin({"create": [create], "drop": [drop]}, [])
        rows = [b'["2026-01-01T00:00:00Z"]', b'["1.5"]', b'["{}"]']
        types_ = [["t", "TIMESTAMPTZ"], ["n", "DECIMAL(18,4)"], ["raw", "JSON"]]
        self.load({"table": "warm", "columns": types_, "rows": 1}, rows)
        sql = "SELECT t, [t], n, raw->>'a', strftime(t, '%c'), uuid(), CAST('12:00' AS TIME), INTERVAL 1 DAY FROM warm"
        self.parse({"sql": sql}, [])
        self.run({"sql": sql, "max_rows": 1, "max_bytes": 1000, "max_cell": 100}, [])
        self.end({}, [])

    # --- requests ---

    def parse(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        found = self.database.execute("SELECT json_serialize_sql(CAST(? AS VARCHAR))", [asked["sql"]]).fetchall()
        return {"tree": found[0][0]}

    def begin(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        """``create``: the statements that make the tables; ``drop``: those that unmake them, kept for the end."""
        self.end(asked, blobs)
        self.made = list(asked["drop"])
        for statement in asked["create"]:
            self.database.execute(statement)
        return {}

    def end(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        for statement in self.made:
            self.database.execute(statement)
        self.made = []
        return {}

    def load(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        """``columns``: name and type of each; a blob each: lines behind one that is empty, a JSON list, one JSON value for all
        rows, or nothing: absent."""
        found = [(kind, blob) for (_, kind), blob in zip(asked["columns"], blobs, strict=True)]
        values = ", ".join(f"CAST({_values(blob)} AS {kind})" if blob else "NULL" for kind, blob in found)
        names = ", ".join(f'"{name}"' for name, _ in asked["columns"])
        self.database.execute(
            f"INSERT INTO {asked['table']} ({names}) SELECT {values}", [_parameter(blob) for blob in blobs if blob]
        )
        return {}

    def run(self, asked: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
        """Rows up to ``max_rows`` and ``max_bytes``, texts up to ``max_cell`` characters; how many rows there are."""
        answer = ResultRows(asked["max_rows"], asked["max_bytes"], asked["max_cell"])
        with self._reading() as cursor:
            bound = self._bound(cursor, asked["sql"])
            columns, kinds = list(bound.columns), [str(one) for one in bound.types]
            fetch = self._started(cursor, asked["sql"], kinds, answer.countable)
            while (rows := fetch(FETCHED)) and answer.counted <= answer.countable:
                answer.take(rows)
        return {"columns": columns, "types": kinds, **answer.to_dict()}

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:
        """A connection whose transaction can change nothing: 2.x takes an INSERT inside a WITH for a SELECT."""
        with self.database.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor

    def _one(self, sql: str) -> Any:
        """The one statement in the text, parsed. Raises the engine's own error where it is no single SELECT."""
        found = self.database.extract_statements(sql)
        if len(found) != 1 or found[0].type != self.duckdb.StatementType.SELECT:
            raise self.duckdb.InvalidInputException("one SELECT is taken")
        return found[0]

    def _bound(self, cursor: Any, sql: str) -> Any:
        """The statement bound to the tables, not run."""
        try:
            return cursor.sql(self._one(sql))
        except self.duckdb.Error:
            with self._reading() as other:
                other.execute(self._one(sql))  # fails alike, and tells where
            raise

    def _started(
        self, cursor: Any, sql: str, kinds: Sequence[str], most: int
    ) -> Callable[[int], Sequence[tuple[Any, ...]]]:
        """What fetches the next rows of the result. Intervals come as the engine's words: Python's have no months."""
        if not any("INTERVAL" in kind for kind in kinds):
            fetch: Callable[[int], Sequence[tuple[Any, ...]]] = cursor.execute(self._one(sql)).fetchmany
            return fetch
        shown = (f"CAST(#{n + 1} AS VARCHAR)" if "INTERVAL" in kind else f"#{n + 1}" for n, kind in enumerate(kinds))
        rows = iter(self._bound(cursor, sql).project(", ".join(shown)).limit(most + 1).fetchall())
        return lambda many: list(itertools.islice(rows, many))


def _values(blob: bytes) -> str:
    """What stands for a column's values; JSON is read by the engine, as its own texts."""
    if blob.startswith(LINES):
        return "unnest(string_split(CAST(? AS VARCHAR), chr(10)))"
    return "unnest(from_json(CAST(? AS VARCHAR), '[\"VARCHAR\"]'))" if blob.startswith(b"[") else "?"


def _parameter(blob: bytes) -> Any:
    if blob.startswith(LINES):
        return blob[1:].decode()
    return blob.decode() if blob.startswith(b"[") else json.loads(blob)


class ResultRows:
    """The rows of a result as they go out, counted and bounded."""

    def __init__(self, max_rows: int, max_bytes: int, max_cell: int) -> None:
        self.max_rows, self.bytes_left, self.max_cell = max_rows, max_bytes, max_cell
        self.countable = max(COUNTED, max_rows)
        self.rows: list[bytes] = []
        self.counted = self.cut = 0

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.counted += len(rows)
        for row in rows[: max(0, self.max_rows - len(self.rows))]:
            if self.bytes_left > 0:
                self._keep(row)

    def _keep(self, row: tuple[Any, ...]) -> None:
        text = json.dumps([to_wire(self._short(value)) for value in row], ensure_ascii=False).encode("utf-8", "replace")
        self.bytes_left -= len(text)
        if self.bytes_left >= 0:
            self.rows.append(text)

    def _short(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > self.max_cell:
            self.cut += 1
            return value[: self.max_cell] + CUT
        return value

    def to_dict(self) -> dict[str, Any]:
        counted = self.counted if self.counted <= self.countable else None
        return {"row_count": counted, "cut_cells": self.cut, "blobs": [b"[" + b",".join(self.rows) + b"]"]}


def error_to_dict(error: Exception) -> dict[str, Any]:
    """The engine's error as it told it: kind, message, byte offset, candidates."""
    text = str(error)
    with contextlib.suppress(ValueError):
        return {"error": {**json.loads(text[text.index("{") :]), "class": type(error).__name__}}
    return {"error": {"exception_message": text[:2000], "class": type(error).__name__}}


def requests(source: Any) -> Iterator[Message]:
    """Messages from stdin; a thread reads them, so that its end ends the process in the middle of anything."""
    waiting: queue.Queue[Message] = queue.Queue(maxsize=8)

    def read(many: int) -> bytes:
        found = source.read(many)
        if len(found) < many:
            os._exit(0)
        return bytes(found)

    def reading() -> None:
        while True:
            header = json.loads(read(int.from_bytes(read(LENGTH), "big")))
            waiting.put((header, [read(size) for size in header["sizes"]]))

    threading.Thread(target=reading, daemon=True).start()
    while True:
        try:
            yield waiting.get(timeout=IDLE)
        except queue.Empty:
            return


def serve(begin: Callable[[], tuple[Any, dict[str, Any]]], *, network: bool = False) -> None:
    """ResultRows the server's requests until stdin ends. ``begin``: makes the engine, and what is told of it first.

    ``network``: whether it needs one; then it runs no statement but ours.
    """
    confine.early(network=network)
    out = os.fdopen(os.dup(1), "wb")
    for descriptor in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    try:
        engine, ready = begin()
    except Exception as error:  # noqa: BLE001 - the server has to hear of it, whatever it is
        send(out, error_to_dict(error))
        return
    send(out, ready)
    for header, blobs in requests(os.fdopen(0, "rb")):
        send(out, answered(engine, header, blobs))


def main(options: str) -> None:
    """Confine this process, then answer until stdin ends. ``options``: JSON of ``zone memory threads``."""
    serve(lambda: started(json.loads(options)))


def attached(name: str, path: str, key: str = "", *options: str) -> str:
    """The statement that opens a file under a name; ``key``: that it is encrypted with."""
    text = path.replace("'", "''")
    listed = ", ".join([*options, *([f"ENCRYPTION_KEY '{key}'"] if key else [])])
    return f"ATTACH '{text}' AS {name}{f' ({listed})' if listed else ''}"


def first_line() -> str:
    """What stands on stdin before any request: nobody but the server and this process sees it."""
    found = b""
    while (one := os.read(0, 1)) not in (b"", b"\n"):
        found += one
    return found.decode("ascii")


def started(options: Mapping[str, Any]) -> tuple[Engine, dict[str, Any]]:
    """The engine with everything loaded, in a process that can open nothing more; what is in force."""
    key = first_line() if options.get("sealed") else ""
    engine = Engine(options["zone"], options["memory"], options["threads"], options.get("attached", {}), key)
    engine.warm()
    return engine, {"version": engine.duckdb.__version__, "confined": confine.finally_(2 * options["memory"])}


def answered(engine: Engine, header: Mapping[str, Any], blobs: Sequence[bytes]) -> dict[str, Any]:
    """What the request gives, or how it failed."""
    try:
        found: dict[str, Any] = getattr(engine, header["op"])(header, blobs)
    except Exception as error:  # noqa: BLE001 - the server hears of it, and asks on
        return error_to_dict(error)
    return found


def send(out: BinaryIO, answer: dict[str, Any]) -> None:
    blobs = answer.pop("blobs", ())
    out.write(packed({**answer, "cpu": time.process_time()}, blobs))
    out.flush()
