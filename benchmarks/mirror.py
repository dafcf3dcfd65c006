"""The mirror: a sync over five vendors beside bare inserts, questions over a million leads, what a top-up costs.

The million is made of the synced leads, copied with people, times and URIs of their own; the copies have no ``raw``.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.driving import OURS, Child, Failed, Pipe, emulators, engine_peak
from benchmarks.report import Line
from lead_mcp.vendors import NAMES

EVER: Final = "2000-01-01"
MILLION: Final = 1_000_000
UNBOUND: Final = {
    **{f"{name.upper()}_RATE": "none" for name in NAMES},
    "LEAD_MCP_MIRROR": "on",
    "LEAD_MCP_DEADLINE": "600",
}
SYNC: Final = ("-m", "lead_mcp", "mirror", "sync")
QUESTIONS: Final = {
    "count by status": "SELECT status, count(*) FROM leads GROUP BY status",
    "two vendors joined by person": (
        "SELECT count(*) FROM leads a JOIN leads b USING (person_id) WHERE a.vendor = 'convoso' AND b.vendor = 'octanist'"
    ),
    "median by source": "SELECT source, median(value) FROM leads GROUP BY source",
}
WARM: Final = 60.0
COLD: Final = 800.0
MEMORY: Final = 300.0
RATE: Final = 20_000.0


@dataclass(frozen=True)
class Cost:
    """``seconds`` by the clock, ``cpu`` seconds of processor time of all its processes, ``peak``: of the largest, MiB."""

    seconds: float
    cpu: float
    peak: float = 0.0


def measure(leads: int, repeats: int) -> list[Line]:
    """``leads``: of each vendor; ``repeats``: of each warm question."""
    with emulators(leads) as vendors, tempfile.TemporaryDirectory() as state:
        environment = {**vendors.environment, **UNBOUND, "LEAD_MCP_STATE_DIR": state}
        return [
            *_synced(environment, Path(state) / "mirror", vendors.cpu),
            *_topped_up(environment),
            *_asked(environment, Path(state) / "mirror", repeats),
        ]


# --- syncing ------------------------------------------------------------------------------------------------------


def _synced(environment: Mapping[str, str], folder: Path, emulators_cpu: Callable[[], float]) -> list[Line]:
    apart = {**environment, "LEAD_MCP_STATE_DIR": str(folder.parent / "apart")}
    start = _sync(apart, "--since", "2100-01-01")  # the emulators draw their leads
    before = emulators_cpu()
    sync = _sync(environment)
    theirs = emulators_cpu() - before
    again = _sync(environment, "--full")
    with closing(sqlite3.connect(folder / "records.sqlite")) as database:
        rows = database.execute("SELECT account, kind, id, at, raw FROM records").fetchall()
    bare = _inserted(rows)
    rate, thousands = len(rows) / sync.seconds, len(rows) / 1_000
    note = (
        f"{len(rows):,} records, tables included; the emulators, one process, computed for {theirs / 1000:.1f} s of it"
    )
    own = f"its processes' own, tables included, beside sqlite3 inserts; {start.cpu:.1f} s of it go into starting"
    same = "everything again with --full, and nothing had changed"
    return [
        Line("mirror: sync without a rate, records a second", rate, RATE, "/s", goal=1, least=True, note=note),
        Line("mirror: the same records, sqlite3 inserts alone", sync.seconds, bare.seconds, "s"),
        Line(
            "mirror: processor time of the sync, 1,000 records",
            1000 * sync.cpu / thousands,
            1000 * bare.cpu / thousands,
            note=own,
        ),
        Line("mirror: processor time of another sync, 1,000 records", 1000 * again.cpu / thousands, note=same),
        Line("mirror: peak memory of the sync or of what writes its tables", sync.peak, unit="MiB", most=MEMORY),
    ]


def _sync(environment: Mapping[str, str], *words: str) -> Cost:
    """What one sync costs, the emulators left out."""
    clean = {key: text for key, text in os.environ.items() if not key.startswith("LEAD_MCP_")}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *SYNC, *words], env={**clean, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise Failed(f"mirror sync: {status} {process.stderr.read()[-500:] if process.stderr else ''!r}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _inserted(rows: list[Any]) -> Cost:
    """What bare inserts of the same rows cost."""
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "bare.sqlite")) as database:
        database.execute("CREATE TABLE records (account, kind, id, at, raw, PRIMARY KEY (account, kind, id))")
        started, cpu = time.perf_counter(), time.process_time()
        with database:
            database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", rows)
        return Cost(time.perf_counter() - started, time.process_time() - cpu)


# --- questions ----------------------------------------------------------------------------------------------------


def _topped_up(environment: Mapping[str, str]) -> list[Line]:
    """A question over one account whose part is too old, beside one that is not."""
    sql = "SELECT count(*) FROM leads WHERE account = 'octanist'"
    with Child(OURS, {**environment, "LEAD_MCP_MIRROR_MAX_AGE": "0"}, limit=600) as child:
        pipe = Pipe(child)
        pipe.greet()
        _ask(pipe, sql)
        old = statistics.median(_ask(pipe, sql)[0] for _ in range(7))
    with Child(OURS, {**environment, "LEAD_MCP_MIRROR_MAX_AGE": "86400"}, limit=600) as child:
        pipe = Pipe(child)
        pipe.greet()
        _ask(pipe, sql)
        young = statistics.median(_ask(pipe, sql)[0] for _ in range(7))
    return [
        Line("mirror: a question that tops up one account", 1000 * old, 1000 * young, note="beside one that need not")
    ]


def _asked(environment: Mapping[str, str], folder: Path, repeats: int) -> list[Line]:
    leads, lines = _grown(folder), list[Line]()
    with Child(OURS, {**environment, "LEAD_MCP_MIRROR_MAX_AGE": "86400"}, limit=1200) as child:
        pipe = Pipe(child)
        pipe.greet()
        idle = child.rss()
        cold, _ = _ask(pipe, next(iter(QUESTIONS.values())))
        lines.append(
            Line(f"mirror: {leads:,} leads, the first question", 1000 * cold, most=COLD, note="starts the engine")
        )
        for name, sql in QUESTIONS.items():
            _ask(pipe, sql)
            warm = statistics.median(_ask(pipe, sql)[0] for _ in range(repeats))
            lines.append(Line(f"mirror: {leads:,} leads, {name}, warm p50", 1000 * warm, most=WARM))
        growth, engine = child.rss() - idle, engine_peak(child)
    note = f"peak of the engine {engine:,.0f} MiB"
    return [*lines, Line("mirror: memory growth of the server", growth, unit="MiB", note=note)]


def _grown(folder: Path) -> int:
    """Copies of the leads put into the base, up to a million; how many there are."""
    pointer = folder / "current.json"
    generation = json.loads(pointer.read_text("utf-8"))
    with duckdb.connect(str(folder / generation["base"]), config={"memory_limit": "400MB"}) as database:
        (many,) = database.execute("SELECT count(*) FROM leads").fetchone() or (0,)
        copies = -(-MILLION // many)
        database.execute("SET preserve_insertion_order = false")
        database.execute(
            "INSERT INTO leads SELECT l.* REPLACE (uri || '-' || n AS uri, 'p' || md5(person_id || n)[:16] AS person_id, "
            "created_at - to_minutes(n) AS created_at, NULL AS raw, record_no + 1000000000 * n AS record_no) "
            "FROM leads l, range(1, ?) r(n)",
            [copies],
        )
        (every,) = database.execute("SELECT count(*) FROM leads").fetchone() or (0,)
    return int(every)


def _ask(pipe: Pipe, sql: str) -> tuple[float, dict[str, Any]]:
    started = time.perf_counter()
    arguments = {"sql": sql, "since": EVER, "source": "mirror"}
    found: dict[str, Any] = pipe.ask("tools/call", {"name": "query_sql", "arguments": arguments})["structuredContent"]
    if "result" not in found:
        raise Failed(str(found))
    return time.perf_counter() - started, found
